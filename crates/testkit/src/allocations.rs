//! An allocator that counts, for measurements that claim to allocate nothing.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
};

static ARMED: AtomicBool = AtomicBool::new(false);
static COUNTED: AtomicU64 = AtomicU64::new(0);
/// Bytes that are held now, less those that were held when the count began; and the most of it.
static HELD: AtomicI64 = AtomicI64::new(0);
static MOST: AtomicI64 = AtomicI64::new(0);

/// The system's allocator, counting while [`count`] or [`peak`] runs. A program takes it with `#[global_allocator]`.
#[derive(Debug, Clone, Copy)]
pub struct CountingAllocator;

fn note(taken: usize, given: usize) {
    // Outside of a count nothing shared is written, so that other measurements do not pay for this one.
    if ARMED.load(Ordering::Relaxed) {
        COUNTED.fetch_add(u64::from(taken > 0), Ordering::Relaxed);
        let change =
            i64::try_from(taken).unwrap_or(i64::MAX).saturating_sub(i64::try_from(given).unwrap_or(i64::MAX));
        let held = HELD.fetch_add(change, Ordering::Relaxed).saturating_add(change);
        MOST.fetch_max(held, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed on to the system's allocator as it came.
#[allow(unsafe_code, reason = "an allocator cannot be written without; every call is handed on as it came")]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Runs `work` and answers how often any thread of the program asked for memory meanwhile. Always 0 where
/// [`CountingAllocator`] is not the program's: [`is_counting`] tells.
pub fn count(work: impl FnOnce()) -> u64 {
    COUNTED.store(0, Ordering::SeqCst);
    ARMED.store(true, Ordering::SeqCst);
    work();
    ARMED.store(false, Ordering::SeqCst);
    COUNTED.load(Ordering::SeqCst)
}

/// Runs `work` and answers how many bytes more than before the program held at most meanwhile, all threads together.
/// Always 0 where [`CountingAllocator`] is not the program's.
pub fn peak(work: impl FnOnce()) -> u64 {
    HELD.store(0, Ordering::SeqCst);
    MOST.store(0, Ordering::SeqCst);
    ARMED.store(true, Ordering::SeqCst);
    work();
    ARMED.store(false, Ordering::SeqCst);
    u64::try_from(MOST.load(Ordering::SeqCst)).unwrap_or(0)
}

/// Whether this program's allocations are counted at all.
pub fn is_counting() -> bool {
    count(|| drop(std::hint::black_box(Box::new(7_u64)))) > 0
}
