//! T14: what reads is fed what it was not made for. `AISLE_RUNS` and `AISLE_SEED` say how many inputs each target gets and
//! from which seed. The corpus in `tests/corpus` holds real messages; `AISLE_REGENERATE=1` adds what is missing.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on ends"
)]

mod pages;

use std::{path::Path, time::Instant};

use aisle_testkit::{allocations::CountingAllocator, asked::number};
use aisle_torture::fuzz::{made, t14, targets};

#[global_allocator]
static COUNTING: CountingAllocator = CountingAllocator;

fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn add_what_is_missing() {
    for ((target, name), bytes) in made() {
        let folder = corpus().join(target);
        std::fs::create_dir_all(&folder).unwrap();
        if !folder.join(&name).exists() {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

#[test]
fn whatever_comes_nothing_panics_hangs_or_takes_all_memory() {
    if std::env::var_os("AISLE_REGENERATE").is_some() {
        add_what_is_missing();
    }
    let (runs, seed) = (number("AISLE_RUNS", 4_000), number("AISLE_SEED", 1));
    let start = Instant::now();
    let mut all = targets();
    all.extend(pages::targets());
    let sum = t14(seed, runs, &corpus(), &mut all);
    let seconds = start.elapsed().as_secs();
    println!("T14: {} in {seconds} s, from seed {seed}", serde_json::to_string(&sum).unwrap());
    assert!(sum.failed.is_empty(), "{}", sum.failed.join("\n\n"));
    assert!(sum.most_memory > 0, "memory is counted");
}
