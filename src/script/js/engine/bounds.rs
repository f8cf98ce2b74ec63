//! How much stack JavaScript may use, told to QuickJS at every entry.
//!
//! QuickJS compares the stack pointer with one lower limit. After a switch of stacks that limit
//! belongs to another stack, so it is set again whenever JavaScript is entered or resumed.
//!
//! Invariant B1. Below the limit so told there are `RESERVE_BYTES` for natives, C functions that do
//! not ask, and the kernel's signal frames.

use rquickjs::qjs;
use std::cell::Cell;

/// Natives of an unoptimized build with a formatter in them need about 20 KiB.
pub const RESERVE_BYTES: usize = 64 * 1024;
/// Of a thread's own stack, for module scope and the compiler.
const OWN_STACK_MAX: usize = 1024 * 1024;

thread_local! {
    static LOWEST: Cell<usize> = const { Cell::new(0) };
}

/// Lets JavaScript run down to `lowest` plus the reserve.
///
/// # Safety
/// `runtime` is alive; the calling frame is on the stack whose lowest usable address is `lowest`.
pub unsafe fn set(runtime: *mut qjs::JSRuntime, lowest: usize) {
    // QuickJS's limit is its stack pointer less the size, which wraps around: an interrupt handler
    // may be resumed below the limit, and the limit must not sink to it.
    let room = stack_pointer().wrapping_sub(lowest).wrapping_sub(RESERVE_BYTES);
    // SAFETY: by this function's contract. A size of 0 would mean "no limit".
    unsafe {
        qjs::JS_UpdateStackTop(runtime);
        qjs::JS_SetMaxStackSize(runtime, room.max(1) as _);
    }
}

/// Lets no function of a script run at all: each is one too deep.
///
/// # Safety
/// `runtime` is alive.
pub unsafe fn forbid(runtime: *mut qjs::JSRuntime) {
    // SAFETY: by this function's contract; no stack reaches up to that limit.
    unsafe { set(runtime, usize::MAX - OWN_STACK_MAX) };
}

/// Whether the calling frame is below what `set` leaves to JavaScript.
pub fn is_low(lowest: usize) -> bool {
    stack_pointer() < lowest + RESERVE_BYTES
}

/// The lowest address that JavaScript may use of the calling thread's own stack.
pub fn own_lowest() -> usize {
    let lowest = match LOWEST.get() {
        0 => {
            let lowest = thread_lowest();
            LOWEST.set(lowest);
            lowest
        }
        lowest => lowest,
    };
    lowest.max(stack_pointer().saturating_sub(OWN_STACK_MAX))
}

#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0u8;
    std::ptr::from_ref(std::hint::black_box(&here)) as usize
}

/// From the C library; a small guess if it does not know.
fn thread_lowest() -> usize {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut low, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes are initialised by the first call, read by the second, and destroyed
    // once; the outputs are live locals.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) == 0 {
            libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut size);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
        }
    }
    // The kernel's guard gap of a main thread's stack is not in what the C library says.
    match low as usize {
        0 => stack_pointer().saturating_sub(512 * 1024),
        low => low + 64 * 1024,
    }
}
