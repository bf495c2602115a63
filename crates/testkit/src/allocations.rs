//! An allocator that counts, for measurements that claim to allocate nothing.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

static ARMED: AtomicBool = AtomicBool::new(false);
static COUNTED: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counting while [`count`] runs. A program takes it with `#[global_allocator]`.
#[derive(Debug, Clone, Copy)]
pub struct CountingAllocator;

fn note() {
    // Outside of a count nothing shared is written, so that other measurements do not pay for this one.
    if ARMED.load(Ordering::Relaxed) {
        COUNTED.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed on to the system's allocator as it came.
#[allow(unsafe_code, reason = "an allocator cannot be written without; every call is handed on as it came")]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
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

/// Whether this program's allocations are counted at all.
pub fn is_counting() -> bool {
    count(|| drop(std::hint::black_box(Box::new(7_u64)))) > 0
}
