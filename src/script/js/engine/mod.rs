//! One JavaScript VM per VU: QuickJS-ng, and a coroutine per running iteration, behind safe calls.
//!
//! Knows nothing of k6. Natives are rquickjs functions; inside a coroutine any of them may
//! `suspend`. The only place in `script` with `unsafe`; each file numbers its invariants. Here:
//! E1. A suspended coroutine is never dropped: it is cancelled first, and unwinds by an error of
//!     JavaScript, because a panic must not cross C frames.
//! E2. A VM never leaves its thread (it is not `Send`), and one coroutine of it exists at a time.
//! E3. `running` outlives the context and the runtime, which point to it.
//! E4. What natives keep of JavaScript's values is in the host, dropped before the runtime.
#![allow(unsafe_code)]

mod bounds;
mod class;
mod lazy;
mod module;
mod running;
mod slab;
mod stack;
#[cfg(test)]
mod tests;

use crate::script::log::{LogLevel, LogLine};
use crate::script::{Answer, Context, LogQueue, Step};
use crate::time::Instant;
pub use class::{Native, NativeClass};
use corosensei::{Coroutine, CoroutineResult};
pub use lazy::{Lazy, LazyFields};
pub use module::{
    Bytecode, ImportError, MakeExports, ModuleCode, ModuleLoader, compile_script, import, run_script,
};
use rquickjs::context::intrinsic;
use rquickjs::{Ctx, Object, Runtime, Value, qjs};
use running::{Input, Running};
pub use running::{
    check_stack, host, is_stopping, now, on_worker_stack, stop, suspend, with_context, with_log,
};
use stack::Slot;
use std::any::Any;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// How a coroutine's body ended; a panic is carried to the worker's stack.
type Ending = std::thread::Result<()>;

/// What a VM is made with.
pub struct VmSettings {
    /// Of JavaScript's heap; beyond it allocations throw.
    pub memory_max_bytes: usize,
    /// A monotonic clock; only differences of it are used.
    pub clock: fn() -> Instant,
    /// A promise was rejected and nobody handles it, or (true) it is handled after all.
    pub on_rejection: OnRejection,
}

/// Takes the promise and what it was rejected with.
pub type OnRejection = for<'js> fn(&Ctx<'js>, Value<'js>, Value<'js>, bool);

/// What every script gets. k6 has no `performance`, `WeakRef`, `atob`; typed arrays are a seventh
/// of a heap, and few scripts name one.
type Intrinsics = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::Promise,
);

/// Globals that `need_typed_arrays` makes.
pub const TYPED_ARRAYS: &[&str] = &[
    "ArrayBuffer",
    "DataView",
    "Int8Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "Int16Array",
    "Uint16Array",
    "Int32Array",
    "Uint32Array",
    "BigInt64Array",
    "BigUint64Array",
    "Float16Array",
    "Float32Array",
    "Float64Array",
];

/// Makes typed arrays and their globals, if they are not there yet. To be called before a native
/// makes one, and when a script names one.
pub fn need_typed_arrays(ctx: &Ctx<'_>) -> rquickjs::Result<()> {
    if Running::of(ctx).has_typed_arrays.replace(true) {
        return Ok(());
    }
    // SAFETY: the context is alive, and this thread is the only one that uses it.
    if unsafe { qjs::JS_AddIntrinsicTypedArrays(ctx.as_raw().as_ptr()) } < 0 {
        return Err(rquickjs::Error::Exception);
    }
    // k6 has none.
    ctx.globals().remove("SharedArrayBuffer")
}

pub struct Vm {
    coroutine: Option<Coroutine<Input, Step, Ending, Slot>>,
    // Dropped by hand, in this order (E3, E4).
    context: ManuallyDrop<rquickjs::Context>,
    runtime: ManuallyDrop<Runtime>,
    running: ManuallyDrop<Rc<Running>>,
}

impl Vm {
    /// A VM with ECMAScript in it, but for weak references; typed arrays come when they are needed
    /// (`need_typed_arrays`). `host` is what its natives find by `host(ctx)`.
    pub fn new(
        settings: &VmSettings,
        host: Box<dyn Any>,
        loader: Rc<dyn ModuleLoader>,
    ) -> rquickjs::Result<Vm> {
        let runtime = Runtime::new_with_alloc(slab::Heap::new())?;
        runtime.set_memory_limit(settings.memory_max_bytes);
        let on_rejection = settings.on_rejection;
        runtime.set_host_promise_rejection_tracker(Some(Box::new(
            move |ctx, promise, reason, is_handled| on_rejection(&ctx, promise, reason, is_handled),
        )));
        let context = rquickjs::Context::custom::<Intrinsics>(&runtime)?;
        let raw_runtime = context.get_runtime_ptr();
        let modules = module::Modules::new(loader);
        let running = Rc::new(Running::new(raw_runtime, settings.clock, host, modules));
        let opaque = Rc::as_ptr(&running).cast_mut().cast::<std::ffi::c_void>();
        // SAFETY: runtime and context are alive and end before `running` (E3).
        unsafe {
            running.modules.set_hooks(raw_runtime);
            qjs::JS_SetContextOpaque(context.as_raw().as_ptr(), opaque);
            qjs::JS_SetInterruptHandler(raw_runtime, Some(running::interrupt_handler), opaque);
        }
        Ok(Vm {
            coroutine: None,
            context: ManuallyDrop::new(context),
            runtime: ManuallyDrop::new(runtime),
            running: ManuallyDrop::new(running),
        })
    }

    /// Runs `body` on the thread's own stack: module scope, compilation. Nothing in it can wait.
    pub fn enter<R>(&self, log: &mut LogQueue, body: impl for<'js> FnOnce(&Ctx<'js>) -> R) -> R {
        assert!(self.coroutine.is_none(), "a VM is entered while its iteration runs");
        self.running.begin();
        let _lent = self.running.lend_log(log);
        // SAFETY: the runtime is alive and this frame is on the thread's own stack.
        unsafe { bounds::set(self.context.get_runtime_ptr(), bounds::own_lowest()) };
        // SAFETY: no coroutine of this VM runs (E2), so this thread alone uses it.
        body(&unsafe { Ctx::from_raw(self.context.as_raw()) })
    }

    /// Begins a coroutine with `body`, which handles its own exceptions.
    pub fn start(
        &mut self,
        context: &mut Context<'_>,
        body: impl for<'js> FnOnce(&Ctx<'js>) + 'static,
    ) -> Step {
        assert!(self.coroutine.is_none(), "a VM runs one iteration at a time");
        let Some(slot) = Slot::take() else {
            let message = "no address space is left for the stack of an iteration".to_owned();
            context.log.push(LogLine { level: LogLevel::Error, message, fields: Vec::new() });
            return Step::Done;
        };
        self.running.begin();
        let (lowest, raw) = (slot.lowest(), self.context.as_raw());
        let running = Rc::clone(&self.running);
        self.coroutine = Some(Coroutine::with_stack(slot, move |yielder, _begin: Input| {
            running.enter_coroutine(yielder, lowest);
            let ending = catch_unwind(AssertUnwindSafe(|| {
                // SAFETY: the VM is alive while its coroutine exists (E1), and only it runs now (E2).
                let ctx = unsafe { Ctx::from_raw(raw) };
                body(&ctx);
                drop_jobs(&ctx);
            }));
            running.leave_coroutine();
            ending
        }));
        self.drive(Some(context), Input::Begin)
    }

    /// Goes on where `suspend` was called.
    pub fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Step {
        self.drive(Some(context), Input::Answer(answer))
    }

    /// Ends the coroutine, if there is one.
    pub fn cancel(&mut self, mut context: Option<&mut Context<'_>>) {
        while self.coroutine.is_some() {
            self.drive(context.as_deref_mut(), Input::Cancel);
        }
    }

    /// What the VM was made with, from outside of it.
    pub fn host<T: 'static>(&self) -> &T {
        self.running.host().downcast_ref().expect("a VM has one type of host")
    }

    /// Of JavaScript's heap, garbage included; walks through all of it.
    pub fn heap_bytes(&self) -> u64 {
        u64::try_from(self.runtime.memory_usage().malloc_size).unwrap_or_default()
    }

    pub fn is_running(&self) -> bool {
        self.coroutine.is_some()
    }

    fn drive(&mut self, context: Option<&mut Context<'_>>, input: Input) -> Step {
        let coroutine = self.coroutine.as_mut().expect("a VM is resumed while it runs");
        let lent = self.running.lend(context);
        let result = coroutine.resume(input);
        drop(lent);
        match result {
            CoroutineResult::Yield(step) => step,
            CoroutineResult::Return(ending) => {
                self.coroutine = None;
                match ending {
                    Ok(()) => Step::Done,
                    Err(panic) => resume_unwind(panic),
                }
            }
        }
    }
}

/// Freezes an object and all that it holds.
pub fn freeze<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> rquickjs::Result<()> {
    check_stack(ctx)?;
    // SAFETY: the object is alive and of this context.
    if unsafe { qjs::JS_FreezeObject(ctx.as_raw().as_ptr(), object.as_raw()) } < 0 {
        return Err(rquickjs::Error::Exception);
    }
    for value in object.values::<Value>() {
        if let Some(inner) = value?.as_object() {
            freeze(ctx, inner)?;
        }
    }
    Ok(())
}

/// Jobs of an ended iteration must not run in the next one, and QuickJS has no way to drop them:
/// they are run while no function of the script can be.
fn drop_jobs(ctx: &Ctx<'_>) {
    Running::of(ctx).end();
    while ctx.execute_pending_job() {}
    // An error that nobody took would be the next one's.
    drop(ctx.catch());
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.cancel(None);
        drop(self.running.take_host());
        // SAFETY: each is dropped once, here, and not used afterwards; the order is E3's.
        unsafe {
            ManuallyDrop::drop(&mut self.context);
            ManuallyDrop::drop(&mut self.runtime);
            ManuallyDrop::drop(&mut self.running);
        }
    }
}
