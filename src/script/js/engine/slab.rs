//! Memory of JavaScript's heaps: slots of exact sizes, for all VMs of a thread together.
//!
//! A VM makes a thousand small blocks that live as long as it does; the C library spends 8 bytes
//! and a rounding up to 16 on each, and thousands of VMs wake with cold lines. Here a block is a slot
//! of its size class in a chunk of such slots. Larger blocks are the C library's.
//!
//! Invariants
//! L1. Chunks lie in one region of address space, aligned to their size, and begin with a header; so
//!     an address alone tells whether it is a slot, and of what size.
//! L2. A slot is used by the VMs of one thread (E2): its chunk belongs to that thread's `Slab`,
//!     which each VM's `Heap` keeps alive. With the last of them the chunks go to other threads.
//! L3. A free slot holds the address of the next free one of its class, or null.

use rquickjs::allocator::Allocator;
use std::cell::RefCell;
use std::ptr;
use std::rc::Rc;
use std::sync::{Mutex, OnceLock, PoisonError};

const CHUNK: usize = 64 << 10;
/// Slots of 8, 16, … 512 bytes.
const STEP: usize = 8;
const SLOT_MAX: usize = 512;
const CLASSES: usize = SLOT_MAX / STEP;
/// The first slot of a chunk begins here, after the chunk's class.
const HEADER: usize = 16;
/// Address space, of which only what is used costs memory.
const REGION: usize = 64 << 30;

/// A process's chunks.
struct Region {
    /// Aligned to `CHUNK`. 0 with an `end` of 0: there was no address space, all blocks are the C
    /// library's.
    begin: usize,
    end: usize,
    chunks: Mutex<Chunks>,
}

struct Chunks {
    next: usize,
    given_back: Vec<usize>,
}

impl Region {
    fn get() -> &'static Region {
        static REGION_OF_PROCESS: OnceLock<Region> = OnceLock::new();
        REGION_OF_PROCESS.get_or_init(Region::reserve)
    }

    fn reserve() -> Region {
        let (protection, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
        );
        // SAFETY: a new mapping touches no memory that is in use.
        let mapped = unsafe { libc::mmap(ptr::null_mut(), REGION, protection, flags, -1, 0) };
        let (begin, end) = match mapped {
            libc::MAP_FAILED => (0, 0),
            mapped => ((mapped as usize).next_multiple_of(CHUNK), mapped as usize + REGION),
        };
        Region { begin, end, chunks: Mutex::new(Chunks { next: begin, given_back: Vec::new() }) }
    }

    fn take(&self) -> Option<usize> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chunk) = chunks.given_back.pop() {
            return Some(chunk);
        }
        let chunk = chunks.next;
        (chunk + CHUNK <= self.end).then(|| chunks.next += CHUNK)?;
        Some(chunk)
    }

    /// Of the slot's class; `None`: no slot of ours.
    #[inline]
    fn size_of(address: usize) -> Option<usize> {
        let region = Region::get();
        if address < region.begin || address >= region.end {
            return None;
        }
        let header = (address & !(CHUNK - 1)) as *const usize;
        // SAFETY: the chunk of a slot in use has its header (L1).
        Some(unsafe { *header })
    }
}

/// A thread's chunks.
struct Slab {
    classes: [Class; CLASSES],
    chunks: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Class {
    /// The first of the free slots (L3).
    free: *mut u8,
    /// The part of the newest chunk that was never used.
    fresh: usize,
    end: usize,
}

impl Slab {
    fn of_this_thread() -> Rc<RefCell<Slab>> {
        thread_local! {
            static SLAB: Rc<RefCell<Slab>> = Rc::new(RefCell::new(Slab {
                classes: [Class { free: ptr::null_mut(), fresh: 0, end: 0 }; CLASSES],
                chunks: Vec::new(),
            }));
        }
        SLAB.with(Rc::clone)
    }

    /// `size` is 1 to `SLOT_MAX`. Null if there is no address space.
    #[inline]
    fn take(&mut self, size: usize) -> *mut u8 {
        let index = (size - 1) / STEP;
        let class = &mut self.classes[index];
        if !class.free.is_null() {
            let slot = class.free;
            // SAFETY: a free slot holds the next one's address (L3); slots are aligned to 8.
            class.free = unsafe { *slot.cast::<*mut u8>() };
            return slot;
        }
        let slot_size = (index + 1) * STEP;
        if class.fresh + slot_size > class.end {
            let Some(chunk) = Region::get().take() else { return ptr::null_mut() };
            // SAFETY: the chunk is ours alone now (L2), writable and aligned.
            unsafe { *(chunk as *mut usize) = slot_size };
            self.chunks.push(chunk);
            (class.fresh, class.end) = (chunk + HEADER, chunk + CHUNK);
        }
        let slot = class.fresh as *mut u8;
        class.fresh += slot_size;
        slot
    }

    /// # Safety
    /// `slot` was taken from this slab, has this size, and is used no more.
    #[inline]
    unsafe fn give_back(&mut self, slot: *mut u8, slot_size: usize) {
        let class = &mut self.classes[slot_size / STEP - 1];
        // SAFETY: nobody uses the slot, which is aligned and large enough.
        unsafe { *slot.cast::<*mut u8>() = class.free };
        class.free = slot;
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        let mut chunks = Region::get().chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.given_back.append(&mut self.chunks);
    }
}

/// The memory of one VM.
pub struct Heap {
    slab: Rc<RefCell<Slab>>,
}

impl Heap {
    pub fn new() -> Heap {
        Heap { slab: Slab::of_this_thread() }
    }
}

// SAFETY: blocks are aligned to 8, of at least the size that was asked for, and `usable_size` is the
// size of their slot or what malloc_usable_size(3) says.
unsafe impl Allocator for Heap {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        if (1..=SLOT_MAX).contains(&size) {
            let slot = self.slab.borrow_mut().take(size);
            if !slot.is_null() {
                return slot;
            }
        }
        // SAFETY: any size may be asked for.
        unsafe { libc::malloc(size) }.cast()
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(bytes) = count.checked_mul(size) else { return ptr::null_mut() };
        if bytes > SLOT_MAX {
            // SAFETY: any size may be asked for.
            return unsafe { libc::calloc(count, size) }.cast();
        }
        let block = self.alloc(bytes);
        if !block.is_null() {
            // SAFETY: the block has so many bytes, and is ours.
            unsafe { ptr::write_bytes(block, 0, bytes) };
        }
        block
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        match Region::size_of(block as usize) {
            // SAFETY: the caller's promise, and L2.
            Some(slot_size) => unsafe { self.slab.borrow_mut().give_back(block, slot_size) },
            // SAFETY: what is no slot came from the C library, null included.
            None => unsafe { libc::free(block.cast()) },
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.alloc(size);
        }
        let Some(slot_size) = Region::size_of(block as usize) else {
            // SAFETY: the caller's promise; what is no slot came from the C library.
            return unsafe { libc::realloc(block.cast(), size) }.cast();
        };
        if size <= slot_size && size + STEP > slot_size {
            return block;
        }
        let moved = self.alloc(size);
        if !moved.is_null() {
            // SAFETY: both blocks are ours, apart, and as long as the shorter; the old one is used no
            // more.
            unsafe {
                ptr::copy_nonoverlapping(block, moved, slot_size.min(size));
                self.slab.borrow_mut().give_back(block, slot_size);
            }
        }
        moved
    }

    unsafe fn usable_size(block: *mut u8) -> usize {
        match Region::size_of(block as usize) {
            Some(slot_size) => slot_size,
            // SAFETY: the caller's promise; what is no slot came from the C library, null included.
            None => unsafe { libc::malloc_usable_size(block.cast()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of many sizes, each filled with a byte of its own, in an order from a seed.
    #[test]
    fn blocks_keep_their_bytes_through_growth_and_reuse() {
        let mut heap = Heap::new();
        let mut blocks: Vec<(*mut u8, usize, u8)> = Vec::new();
        let mut state = 1u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let check = |(block, size, byte): (*mut u8, usize, u8)| {
            // SAFETY: the block has so many bytes.
            let bytes = unsafe { std::slice::from_raw_parts(block, size) };
            assert!(bytes.iter().all(|got| *got == byte), "a block of {size} bytes was overwritten");
        };
        for step in 0..200_000 {
            let (size, byte) = (1 + random(700), step as u8);
            if blocks.len() < 500 || random(2) == 0 {
                let block = if random(2) == 0 { heap.alloc(size) } else { heap.calloc(1, size) };
                assert_eq!(block as usize % 8, 0);
                // SAFETY: just allocated.
                unsafe {
                    assert!(Heap::usable_size(block) >= size);
                    ptr::write_bytes(block, byte, size);
                }
                blocks.push((block, size, byte));
                continue;
            }
            let place = random(blocks.len());
            let (block, old, kept) = blocks.swap_remove(place);
            check((block, old, kept));
            // SAFETY: the block is in use, and forgotten above.
            unsafe {
                match random(3) {
                    0 => {
                        let moved = heap.realloc(block, size);
                        check((moved, old.min(size), kept));
                        ptr::write_bytes(moved, byte, size);
                        blocks.push((moved, size, byte));
                    }
                    _ => heap.dealloc(block),
                }
            }
        }
        for (block, size, byte) in blocks {
            check((block, size, byte));
            // SAFETY: in use until now.
            unsafe { heap.dealloc(block) };
        }
    }

    #[test]
    fn a_slot_is_as_large_as_its_class_and_is_used_again() {
        let mut heap = Heap::new();
        for size in [1, 8, 9, 72, 504, 512] {
            let block = heap.alloc(size);
            // SAFETY: in use until `dealloc`.
            unsafe {
                assert_eq!(Heap::usable_size(block), size.next_multiple_of(8));
                heap.dealloc(block);
            }
            assert_eq!(heap.alloc(size), block);
        }
    }
}
