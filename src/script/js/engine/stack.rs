//! Stacks of running iterations: 256 KiB slots of a few large mappings, reused last in, first out.
//!
//! Only address space is reserved: a slot that was never deep keeps one or two pages. The lowest
//! page of a slot is a guard; MADV_GUARD_INSTALL (Linux 6.13) needs no further mapping for it,
//! mprotect needs two, of which a process may have about 65,000.
//!
//! Invariants
//! S1. A slot is given to one `Stack` at a time and returns to its pool when that is dropped.
//! S2. A mapping outlives its slots: each holds the pool, and the pool unmaps when it goes.

use corosensei::stack::{Stack, StackPointer};
use std::cell::RefCell;
use std::rc::Rc;

/// 383 nested calls of JavaScript in an optimized build.
pub const SLOT_BYTES: usize = 256 * 1024;
/// One mapping of 16 MiB.
const SLOTS_PER_MAPPING: usize = 64;
/// MADV_GUARD_INSTALL, unknown to older C headers.
const MADV_GUARD_INSTALL: libc::c_int = 102;

struct Pool {
    page_bytes: usize,
    /// Lowest addresses of the mappings.
    mappings: RefCell<Vec<usize>>,
    /// Lowest addresses of slots that nobody uses.
    free: RefCell<Vec<usize>>,
}

thread_local! {
    /// A VU never leaves its thread, so neither does its stack.
    static POOL: Rc<Pool> = Rc::new(Pool::new());
}

/// A stack in use.
pub struct Slot {
    low: usize,
    pool: Rc<Pool>,
}

impl Slot {
    /// A free slot of this thread. `None`: the kernel gives no more address space.
    pub fn take() -> Option<Slot> {
        let pool = POOL.with(Rc::clone);
        if pool.free.borrow().is_empty() {
            pool.grow()?;
        }
        let low = pool.free.borrow_mut().pop()?;
        Some(Slot { low, pool })
    }

    /// The lowest address that may be written.
    pub fn lowest(&self) -> usize {
        self.low + self.pool.page_bytes
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.free.borrow_mut().push(self.low);
    }
}

// SAFETY: base and limit bound a slot that is this value's alone (S1), larger than the minimum,
// page-aligned, mapped for as long as it lives (S2), with a guard page at its low end.
unsafe impl Stack for Slot {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.low + SLOT_BYTES).expect("a mapping is not at zero")
    }

    fn limit(&self) -> StackPointer {
        StackPointer::new(self.low).expect("a mapping is not at zero")
    }
}

impl Pool {
    fn new() -> Pool {
        // SAFETY: sysconf has no preconditions.
        let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page_bytes = usize::try_from(page_bytes).expect("a page has a size");
        Pool { page_bytes, mappings: RefCell::default(), free: RefCell::default() }
    }

    fn grow(&self) -> Option<()> {
        let bytes = SLOTS_PER_MAPPING * SLOT_BYTES;
        // SAFETY: a new private mapping at an address of the kernel's choice touches no other.
        let mapping = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK,
                -1,
                0,
            )
        };
        if mapping == libc::MAP_FAILED {
            return None;
        }
        // A huge page would make 2 MiB resident for the 8 KiB in use; failing to say so costs only that.
        // SAFETY: the range is the mapping just made.
        unsafe { libc::madvise(mapping, bytes, libc::MADV_NOHUGEPAGE) };
        let low = mapping as usize;
        self.mappings.borrow_mut().push(low);
        let slots: Vec<usize> = (0..SLOTS_PER_MAPPING).rev().map(|place| low + place * SLOT_BYTES).collect();
        if !slots.iter().all(|&slot| install_guard(slot, self.page_bytes)) {
            return None;
        }
        self.free.borrow_mut().extend(slots);
        Some(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for &low in self.mappings.get_mut().iter() {
            // SAFETY: no slot is in use any more: each would hold this pool (S2).
            unsafe { libc::munmap(low as *mut libc::c_void, SLOTS_PER_MAPPING * SLOT_BYTES) };
        }
    }
}

/// Makes the lowest page of a slot fault. False: the process has no more mappings.
fn install_guard(low: usize, page_bytes: usize) -> bool {
    let page = low as *mut libc::c_void;
    // SAFETY: the page is part of a mapping that nobody uses yet.
    unsafe {
        libc::madvise(page, page_bytes, MADV_GUARD_INSTALL) == 0
            || libc::mprotect(page, page_bytes, libc::PROT_NONE) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_used_again_before_another_is_touched() {
        let first = Slot::take().unwrap();
        let second = Slot::take().unwrap();
        let (first_low, second_low) = (first.low, second.low);
        assert_ne!(first_low, second_low);
        drop(first);
        assert_eq!(Slot::take().unwrap().low, first_low);
        drop(second);
        assert_eq!(Slot::take().unwrap().low, second_low);
    }

    #[test]
    fn many_slots_are_a_whole_slot_apart_and_writable() {
        let slots: Vec<Slot> = (0..3 * SLOTS_PER_MAPPING).map(|_| Slot::take().unwrap()).collect();
        let mut lows: Vec<usize> = slots.iter().map(|slot| slot.low).collect();
        lows.sort_unstable();
        assert!(lows.windows(2).all(|pair| pair[1] - pair[0] >= SLOT_BYTES));
        for slot in &slots {
            for address in [slot.lowest(), slot.base().get() - 1] {
                // SAFETY: both ends of a slot that is ours (S1).
                unsafe { (address as *mut u8).write_volatile(1) };
            }
        }
    }
}
