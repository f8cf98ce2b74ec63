//! Provided buffers: the kernel picks one for each reception, we give it back once it was read.

use io_uring::{Submitter, types::BufRingEntry};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

/// A power of two (io_uring_register_buf_ring(3)). With deferred task work a turn takes about 40.
const COUNT: u16 = 256;
const SIZE: usize = 16 * 1024;
/// One cache line more than the size: buffers 4 KiB apart would share the same cache sets.
const STRIDE: usize = SIZE + 64;
const PAGE: usize = 4096;

/// The group id under which the buffers are registered.
pub const GROUP: u16 = 0;

pub struct Buffers {
    /// Page-aligned array of `COUNT` entries, shared with the kernel (K3).
    ring: *mut BufRingEntry,
    memory: Vec<u8>,
    tail: u16,
}

impl Buffers {
    pub fn register(submitter: &Submitter<'_>) -> io::Result<Buffers> {
        // SAFETY: the layout's size is not zero.
        let ring = unsafe { alloc_zeroed(layout()) }.cast::<BufRingEntry>();
        if ring.is_null() {
            handle_alloc_error(layout());
        }
        let mut buffers = Buffers { ring, memory: vec![0; STRIDE * COUNT as usize], tail: 0 };
        // SAFETY: `ring` has COUNT zeroed entries and lives until `Buffers` drops, which happens
        // after the io_uring instance is gone (K3).
        unsafe { submitter.register_buf_ring_with_flags(ring as u64, COUNT, GROUP, 0)? };
        for id in 0..COUNT {
            buffers.give_back(id);
        }
        Ok(buffers)
    }

    /// The bytes that a completion left in buffer `id`.
    #[inline]
    pub fn bytes(&self, id: u16, len: usize) -> &[u8] {
        let start = id as usize * STRIDE;
        &self.memory[start..start + len.min(SIZE)]
    }

    /// Offers buffer `id` to the kernel again; its bytes must not be read any more.
    #[inline]
    pub fn give_back(&mut self, id: u16) {
        debug_assert!(id < COUNT);
        let address = self.memory[id as usize * STRIDE..].as_ptr() as u64;
        // SAFETY: the index is below COUNT; the kernel reads the entry only after the tail moved.
        unsafe {
            let entry = &mut *self.ring.add((self.tail & (COUNT - 1)) as usize);
            entry.set_addr(address);
            entry.set_len(SIZE as u32);
            entry.set_bid(id);
        }
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the tail is a u16 inside the ring, which lives (K3); release pairs with the
        // kernel's acquire, so that it sees the entry written above.
        unsafe {
            let tail = BufRingEntry::tail(self.ring).cast_mut();
            AtomicU16::from_ptr(tail).store(self.tail, Ordering::Release);
        }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `register`; the kernel's use is over (K3).
        unsafe { dealloc(self.ring.cast(), layout()) }
    }
}

fn layout() -> Layout {
    let size = COUNT as usize * size_of::<BufRingEntry>();
    Layout::from_size_align(size, PAGE).expect("a power-of-two alignment")
}
