//! What a VU waits for: responses, timers, promises.
//!
//! A native that blocks (`response`, `sleep`) leaves everything else where it is, as in k6; what
//! arrives for others meanwhile is kept. After a function of the script returned, `run` goes on
//! until nothing is outstanding: no job, no timer, no request, even if nobody awaits it.

use super::engine;
use super::exceptions::Failure;
use super::vu::Vu;
use crate::script::{Answer, Request, RequestId, Response, Wish};
use crate::time::Instant;
use rquickjs::{Ctx, Error, Function, Persistent, Promise, Result, Value};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

/// What happens with a response that nobody blocks for.
pub type OnResponse = Box<dyn for<'js> FnOnce(&Ctx<'js>, Box<Response>) -> Result<()>>;

struct Timer {
    due: Instant,
    /// Of `setInterval`.
    every_ns: Option<u64>,
    callback: Persistent<Function<'static>>,
    arguments: Vec<Persistent<Value<'static>>>,
}

/// A promise that was rejected and what with.
struct Rejection {
    promise: Persistent<Value<'static>>,
    reason: Persistent<Value<'static>>,
}

#[derive(Default)]
pub struct EventLoop {
    requests_made: Cell<u64>,
    timers_made: Cell<u64>,
    /// Came while a native waited for another.
    arrived: RefCell<Vec<(RequestId, Box<Response>)>>,
    callbacks: RefCell<HashMap<RequestId, OnResponse>>,
    timers: RefCell<BTreeMap<u64, Timer>>,
    rejections: RefCell<Vec<Rejection>>,
    /// The instant last wished for.
    wake_at: Cell<Option<Instant>>,
}

impl EventLoop {
    /// Nothing of one run of a function is left to the next.
    pub(super) fn clear(&self) {
        self.arrived.borrow_mut().clear();
        self.callbacks.borrow_mut().clear();
        self.timers.borrow_mut().clear();
        self.rejections.borrow_mut().clear();
        self.wake_at.set(None);
    }

    /// Ids of timers that are pending, ascending, and whether they repeat.
    pub(super) fn pending_timers(&self) -> Vec<(u64, bool)> {
        self.timers.borrow().iter().map(|(id, timer)| (*id, timer.every_ns.is_some())).collect()
    }

    pub(super) fn clear_timer(&self, id: u64) {
        self.timers.borrow_mut().remove(&id);
    }

    /// Told by QuickJS: a promise was rejected, or one that had been is handled after all.
    pub(super) fn on_rejection<'js>(
        &self,
        ctx: &Ctx<'js>,
        promise: Value<'js>,
        reason: Value<'js>,
        is_handled: bool,
    ) {
        let promise = Persistent::save(ctx, promise);
        let mut rejections = self.rejections.borrow_mut();
        if is_handled {
            rejections.retain(|rejection| rejection.promise != promise);
        } else {
            rejections.push(Rejection { promise, reason: Persistent::save(ctx, reason) });
        }
    }

    /// The timer that is due first; of equal ones the older.
    fn next_timer(&self) -> Option<(u64, Instant)> {
        let timers = self.timers.borrow();
        timers.iter().map(|(id, timer)| (*id, timer.due)).min_by_key(|(id, due)| (*due, *id))
    }

    fn take_arrived(&self, wanted: impl Fn(RequestId) -> bool) -> Option<(RequestId, Box<Response>)> {
        let mut arrived = self.arrived.borrow_mut();
        let place = arrived.iter().position(|(id, _)| wanted(*id))?;
        Some(arrived.remove(place))
    }
}

/// Wishes a request; its answer is to be taken by `response`, `any_response` or `on_response`.
pub fn request(ctx: &Ctx<'_>, request: Request) -> Result<RequestId> {
    let events = &Vu::of(ctx).events;
    // Never used again by this VU: a late answer to an interrupted iteration finds nobody.
    let id = RequestId(events.requests_made.get());
    events.requests_made.set(id.0 + 1);
    engine::with_context(ctx, |context| context.wishes.push(Wish::Request(id, Box::new(request))))?;
    Ok(id)
}

/// Blocks the VU until this response comes.
pub fn response(ctx: &Ctx<'_>, id: RequestId) -> Result<Box<Response>> {
    Ok(any_response(ctx, |arrived| arrived == id)?.1)
}

/// Blocks the VU until one of the wanted responses comes.
pub fn any_response(ctx: &Ctx<'_>, wanted: impl Fn(RequestId) -> bool) -> Result<(RequestId, Box<Response>)> {
    let events = &Vu::of(ctx).events;
    loop {
        if let Some(arrived) = events.take_arrived(&wanted) {
            return Ok(arrived);
        }
        if let Answer::Response(id, response) = engine::suspend(ctx)? {
            if wanted(id) {
                return Ok((id, response));
            }
            events.arrived.borrow_mut().push((id, response));
        }
    }
}

/// Calls back from the event loop when this response comes.
pub fn on_response(ctx: &Ctx<'_>, id: RequestId, callback: OnResponse) {
    Vu::of(ctx).events.callbacks.borrow_mut().insert(id, callback);
}

/// Blocks the VU for so long.
pub fn sleep(ctx: &Ctx<'_>, ns: u64) -> Result<()> {
    let until = engine::now(ctx).plus_ns(ns);
    let events = &Vu::of(ctx).events;
    while engine::with_context(ctx, |context| context.now)? < until {
        wish_to_wake(ctx, until)?;
        if let Answer::Response(id, response) = engine::suspend(ctx)? {
            events.arrived.borrow_mut().push((id, response));
        }
    }
    Ok(())
}

/// `setTimeout` and `setInterval`; gives the timer's id.
pub fn set_timer<'js>(
    ctx: &Ctx<'js>,
    callback: Function<'js>,
    delay_ns: u64,
    repeats: bool,
    arguments: Vec<Value<'js>>,
) -> u64 {
    let events = &Vu::of(ctx).events;
    let id = events.timers_made.get() + 1;
    events.timers_made.set(id);
    let timer = Timer {
        due: engine::now(ctx).plus_ns(delay_ns),
        every_ns: repeats.then_some(delay_ns),
        callback: Persistent::save(ctx, callback),
        arguments: arguments.into_iter().map(|value| Persistent::save(ctx, value)).collect(),
    };
    events.timers.borrow_mut().insert(id, timer);
    id
}

/// Resolves a promise, or rejects it with the exception.
pub fn settle<'js>(
    ctx: &Ctx<'js>,
    resolve: Function<'js>,
    reject: Function<'js>,
    result: Result<Value<'js>>,
) -> Result<()> {
    match result {
        Ok(value) => resolve.call((value,)),
        Err(error) if engine::is_stopping(ctx) => Err(error),
        Err(Error::Exception) => reject.call((ctx.catch(),)),
        Err(error) => Err(error),
    }
}

/// A promise that is settled already.
pub fn settled<'js>(ctx: &Ctx<'js>, result: Result<Value<'js>>) -> Result<Promise<'js>> {
    let (promise, resolve, reject) = ctx.promise()?;
    settle(ctx, resolve, reject, result)?;
    Ok(promise)
}

/// Runs jobs, timers and callbacks until none is left or one fails.
pub(super) fn run(ctx: &Ctx<'_>) -> std::result::Result<(), Failure> {
    let events = &Vu::of(ctx).events;
    loop {
        run_jobs(ctx)?;
        if let Some(Rejection { reason, .. }) = events.rejections.borrow_mut().pop() {
            return Err(Failure::Rejection(reason));
        }
        let timer = events.next_timer();
        if let Some((id, due)) = timer
            && due <= engine::now(ctx)
        {
            run_timer(ctx, id)?;
            continue;
        }
        let arrived = events.take_arrived(|id| events.callbacks.borrow().contains_key(&id));
        if let Some((id, response)) = arrived {
            let callback = events.callbacks.borrow_mut().remove(&id);
            callback.expect("asked for above")(ctx, response)?;
            continue;
        }
        if timer.is_none() && events.callbacks.borrow().is_empty() {
            return Ok(());
        }
        if let Some((_, due)) = timer {
            wish_to_wake(ctx, due)?;
        }
        if let Answer::Response(id, response) = engine::suspend(ctx)? {
            events.arrived.borrow_mut().push((id, response));
        }
    }
}

fn run_jobs(ctx: &Ctx<'_>) -> Result<()> {
    while ctx.execute_pending_job() {
        if engine::is_stopping(ctx) {
            return Err(engine::stop(ctx));
        }
    }
    Ok(())
}

fn run_timer(ctx: &Ctx<'_>, id: u64) -> Result<()> {
    let events = &Vu::of(ctx).events;
    let mut timers = events.timers.borrow_mut();
    let Some(mut timer) = timers.remove(&id) else { return Ok(()) };
    let (callback, arguments) = (timer.callback.clone(), timer.arguments.clone());
    if let Some(every_ns) = timer.every_ns {
        timer.due = engine::now(ctx).plus_ns(every_ns);
        timers.insert(id, timer);
    }
    drop(timers);
    let mut call = rquickjs::function::Args::new(ctx.clone(), arguments.len());
    for argument in arguments {
        call.push_arg(argument.restore(ctx)?)?;
    }
    callback.restore(ctx)?.call_arg(call)
}

fn wish_to_wake(ctx: &Ctx<'_>, at: Instant) -> Result<()> {
    let events = &Vu::of(ctx).events;
    engine::with_context(ctx, |context| {
        // One that has passed was answered, or will be: it is no longer set.
        let is_set = events.wake_at.get() == Some(at) && context.now < at;
        if !is_set {
            context.wishes.push(Wish::WakeAt(at));
            events.wake_at.set(Some(at));
        }
    })
}
