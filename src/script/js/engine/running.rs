//! What a native reaches of the VM that runs it: what was lent at this entry, and the way out.
//!
//! Invariants
//! R1. The lent pointers are set from live references before JavaScript is entered and cleared when
//!     it is left; nobody holds a reference made of them across a `switch` (`in_use` checks it).
//! R2. `yielder` is that of the coroutine which runs now, or null; only its own body sets it.
//! R3. `host` is set once, before any JavaScript, and taken when none will run any more.
//! R4. Once `stopping`, no JavaScript of this iteration has effects: every native that would have
//!     one throws the error that cannot be caught, and loops are ended by the interrupt handler.
//! R5. While code runs on the worker's stack for a coroutine, `yielder` is null and the bounds are that
//!     stack's: whatever it calls finds itself outside of a coroutine, and cannot leave it.

use super::bounds;
use super::module::Modules;
use crate::script::{Answer, Context, LogQueue, Step};
use crate::time::Instant;
use corosensei::Yielder;
use rquickjs::{Ctx, Error, Result, qjs};
use std::any::Any;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{null, null_mut};

/// A VU that computes for so long lets the others of its worker run.
const SLICE_NS: u64 = 1_000_000;

/// How a coroutine is entered.
pub(super) enum Input {
    Begin,
    Answer(Answer),
    Cancel,
}

/// State of one VM that its natives reach through the context's opaque pointer.
pub(super) struct Running {
    runtime: *mut qjs::JSRuntime,
    clock: fn() -> Instant,
    yielder: Cell<*const Yielder<Input, Step>>,
    /// Of the coroutine's stack.
    lowest: Cell<usize>,
    context: Cell<*mut Context<'static>>,
    log: Cell<*mut LogQueue>,
    in_use: Cell<bool>,
    /// The context's `now` and the clock at the last entry.
    entered: Cell<(Instant, Instant)>,
    stopping: Cell<bool>,
    pub(super) has_typed_arrays: Cell<bool>,
    /// Answers that came while the script was computing.
    inbox: RefCell<VecDeque<Answer>>,
    host: UnsafeCell<Option<Box<dyn Any>>>,
    pub(super) modules: Modules,
}

impl Running {
    pub(super) fn new(
        runtime: *mut qjs::JSRuntime,
        clock: fn() -> Instant,
        host: Box<dyn Any>,
        modules: Modules,
    ) -> Running {
        Running {
            runtime,
            clock,
            yielder: Cell::new(null()),
            lowest: Cell::new(0),
            context: Cell::new(null_mut()),
            log: Cell::new(null_mut()),
            in_use: Cell::new(false),
            entered: Cell::new((Instant::ZERO, Instant::ZERO)),
            stopping: Cell::new(false),
            has_typed_arrays: Cell::new(false),
            inbox: RefCell::default(),
            host: UnsafeCell::new(Some(host)),
            modules,
        }
    }

    /// The state of the VM that `ctx` belongs to.
    pub(super) fn of<'a>(ctx: &'a Ctx<'_>) -> &'a Running {
        // SAFETY: the VM sets the opaque pointer when it makes its only context and keeps what it
        // points to until the context is freed.
        unsafe { &*qjs::JS_GetContextOpaque(ctx.as_raw().as_ptr()).cast::<Running>() }
    }

    pub(super) fn host(&self) -> &dyn Any {
        // SAFETY: nothing mutates it while JavaScript can run (R3).
        unsafe { (*self.host.get()).as_deref().expect("no native runs after its VM ended") }
    }

    /// Ends the host's values; no JavaScript may run afterwards.
    pub(super) fn take_host(&self) -> Option<Box<dyn Any>> {
        // SAFETY: called by the VM's drop only, when no native is active (R3).
        unsafe { (*self.host.get()).take() }
    }

    /// Lends a context to natives for as long as the answer lives.
    pub(super) fn lend<'a>(&'a self, context: Option<&'a mut Context<'_>>) -> Lent<'a> {
        if let Some(context) = context {
            self.entered.set((context.now, (self.clock)()));
            self.context.set(std::ptr::from_mut(context).cast());
        }
        Lent(self)
    }

    /// As `lend`, for code that may only log.
    pub(super) fn lend_log<'a>(&'a self, log: &'a mut LogQueue) -> Lent<'a> {
        self.log.set(log);
        Lent(self)
    }

    pub(super) fn begin(&self) {
        self.stopping.set(false);
        self.inbox.borrow_mut().clear();
    }

    /// Says whose stack runs; called first in a coroutine.
    pub(super) fn enter_coroutine(&self, yielder: &Yielder<Input, Step>, lowest: usize) {
        self.yielder.set(yielder);
        self.lowest.set(lowest);
        // SAFETY: the caller runs on that stack, and the runtime lives as long as `self`.
        unsafe { bounds::set(self.runtime, lowest) };
    }

    /// The counterpart, called last.
    pub(super) fn leave_coroutine(&self) {
        self.yielder.set(null());
    }

    /// From here to the next entry no function of the script runs.
    pub(super) fn end(&self) {
        self.stopping.set(true);
        // SAFETY: the runtime lives as long as `self`.
        unsafe { bounds::forbid(self.runtime) };
    }

    /// Leaves the coroutine until it is entered again; `None`: to be cancelled.
    fn switch(&self, step: Step) -> Option<Answer> {
        assert!(!self.in_use.get(), "a native waits while it uses the context");
        // SAFETY: callers have seen that a coroutine runs, so this is its yielder (R2).
        let input = unsafe { (*self.yielder.get()).suspend(step) };
        // SAFETY: this frame is on the coroutine's stack again; the bounds may be another's.
        unsafe { bounds::set(self.runtime, self.lowest.get()) };
        match input {
            Input::Answer(answer) => Some(answer),
            Input::Begin | Input::Cancel => {
                self.stopping.set(true);
                None
            }
        }
    }

    /// Whether JavaScript is to be ended here; yields when its slice of time is over.
    fn on_interrupt(&self) -> bool {
        if self.stopping.get() {
            return true;
        }
        let in_coroutine = !self.yielder.get().is_null();
        if !in_coroutine || (self.clock)().since(self.entered.get().1) < SLICE_NS {
            return false;
        }
        match self.switch(Step::Yield) {
            None => return true,
            Some(Answer::Continue) => {}
            Some(answer) => self.inbox.borrow_mut().push_back(answer),
        }
        false
    }
}

/// QuickJS asks every 10,000 calls and jumps back, and in long matches of expressions.
///
/// # Safety
/// `opaque` is the `Running` of this runtime.
pub(super) unsafe extern "C" fn interrupt_handler(
    _runtime: *mut qjs::JSRuntime,
    opaque: *mut std::ffi::c_void,
) -> std::ffi::c_int {
    // SAFETY: by this function's contract.
    let running = unsafe { &*opaque.cast::<Running>() };
    let ended = catch_unwind(AssertUnwindSafe(|| running.on_interrupt())).unwrap_or(true);
    std::ffi::c_int::from(ended)
}

/// While it lives, natives reach what was lent.
pub(super) struct Lent<'a>(&'a Running);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.0.context.set(null_mut());
        self.0.log.set(null_mut());
    }
}

struct InUse<'a>(&'a Cell<bool>);

impl<'a> InUse<'a> {
    fn begin(in_use: &'a Cell<bool>) -> InUse<'a> {
        assert!(!in_use.replace(true), "the context is used twice at a time");
        InUse(in_use)
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// What the VU was made with: its own state, of type `T`.
pub fn host<'a, T: 'static>(ctx: &'a Ctx<'_>) -> &'a T {
    Running::of(ctx).host().downcast_ref().expect("a VM has one type of host")
}

/// Uses the program's context. Fails when the iteration is ending, and outside of one.
pub fn with_context<R>(ctx: &Ctx<'_>, use_it: impl FnOnce(&mut Context<'_>) -> R) -> Result<R> {
    let running = Running::of(ctx);
    if running.stopping.get() {
        return Err(throw_stop(ctx));
    }
    let context = running.context.get();
    if context.is_null() {
        return Err(rquickjs::Exception::throw_message(ctx, "not supported in the init context"));
    }
    let _in_use = InUse::begin(&running.in_use);
    // SAFETY: it was lent for this entry and is used by one native at a time (R1).
    Ok(use_it(unsafe { &mut *context }))
}

/// Uses the log, in an iteration or in module scope.
pub fn with_log(ctx: &Ctx<'_>, use_it: impl FnOnce(&mut LogQueue)) -> Result<()> {
    let running = Running::of(ctx);
    if running.log.get().is_null() {
        return with_context(ctx, |context| use_it(context.log));
    }
    let _in_use = InUse::begin(&running.in_use);
    // SAFETY: as in `with_context` (R1).
    use_it(unsafe { &mut *running.log.get() });
    Ok(())
}

/// Waits until an answer comes: the coroutine is left and the worker goes on with others.
pub fn suspend(ctx: &Ctx<'_>) -> Result<Answer> {
    let running = Running::of(ctx);
    loop {
        if running.stopping.get() {
            return Err(throw_stop(ctx));
        }
        if let Some(answer) = running.inbox.borrow_mut().pop_front() {
            return Ok(answer);
        }
        if running.yielder.get().is_null() {
            return Err(rquickjs::Exception::throw_message(ctx, "cannot wait in the init context"));
        }
        match running.switch(Step::Wait) {
            // Late: the script was entered with another answer instead.
            None | Some(Answer::Continue) => {}
            Some(answer) => return Ok(answer),
        }
    }
}

/// Ends this iteration: the error cannot be caught by the script.
pub fn stop(ctx: &Ctx<'_>) -> Error {
    Running::of(ctx).stopping.set(true);
    throw_stop(ctx)
}

/// Whether this iteration is being ended; its last error is then none of the script's.
pub fn is_stopping(ctx: &Ctx<'_>) -> bool {
    Running::of(ctx).stopping.get()
}

/// Now, finer than the context's `now`: that plus the time since this entry.
pub fn now(ctx: &Ctx<'_>) -> Instant {
    let running = Running::of(ctx);
    let (now, clock) = running.entered.get();
    now.plus_ns((running.clock)().since(clock))
}

/// For natives that call themselves: an error, as of a script, when the stack is nearly used up.
pub fn check_stack(ctx: &Ctx<'_>) -> Result<()> {
    let running = Running::of(ctx);
    let lowest = match running.yielder.get().is_null() {
        true => bounds::own_lowest(),
        false => running.lowest.get(),
    };
    match bounds::is_low(lowest) {
        true => Err(rquickjs::Exception::throw_range(ctx, "Maximum call stack size exceeded")),
        false => Ok(()),
    }
}

/// Runs `body` on the worker's stack, which is larger than a coroutine's: for code of others that may
/// need more than a few KiB. JavaScript that it calls can compute, but not wait.
pub fn on_worker_stack<R>(ctx: &Ctx<'_>, body: impl FnOnce() -> R) -> R {
    let running = Running::of(ctx);
    let yielder = running.yielder.replace(null());
    if yielder.is_null() {
        return body();
    }
    let body = Lifted(body);
    // SAFETY: the runtime lives as long as `running`; the bounds are those of the stack that is about to
    // be used (R5). A coroutine runs, so this is its yielder (R2).
    let ended = unsafe {
        bounds::set(running.runtime, bounds::own_lowest());
        (*yielder).on_parent_stack(move || body.run())
    };
    running.yielder.set(yielder);
    // SAFETY: this frame is on the coroutine's stack again.
    unsafe { bounds::set(running.runtime, running.lowest.get()) };
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Code that another stack of the same thread runs.
struct Lifted<F>(F);

// SAFETY: it stays on its thread; what must not be reached from the other stack is the yielder, and
// that is taken away meanwhile (R5).
unsafe impl<F> Send for Lifted<F> {}

impl<R, F: FnOnce() -> R> Lifted<F> {
    fn run(self) -> std::thread::Result<R> {
        catch_unwind(AssertUnwindSafe(self.0))
    }
}

fn throw_stop(ctx: &Ctx<'_>) -> Error {
    let raw = ctx.as_raw().as_ptr();
    // SAFETY: the context is alive; the exception's one reference goes from the runtime to us and
    // back.
    unsafe {
        qjs::JS_ThrowInternalError(raw, c"interrupted".as_ptr());
        let error = qjs::JS_GetException(raw);
        qjs::JS_SetUncatchableError(raw, error);
        qjs::JS_Throw(raw, error);
    }
    Error::Exception
}
