//! T5, T6, T7, T11, T15, growth, silence, a chain and the storm on a real cluster of three machines, as much of each as
//! every change can wait for. `AISLE_SEED` says which chances; `aisle dev torture` plays the whole runs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on ends")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use aisle_testkit::{asked::number, fixtures, kafka::Kit};
use aisle_torture::cluster::{
    Counters, Ground, Hurts, Size, chain, growth, silence, soak, storm, t5, t6, t7, t11,
};
use tempfile::TempDir;

/// Each has the machine for itself.
static TURN: Mutex<()> = Mutex::new(());

struct Turn {
    ground: Ground,
    _dir: TempDir,
    _alone: MutexGuard<'static, ()>,
}

fn turn(test: &str) -> Option<Turn> {
    let kit = Kit::require(test)?;
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let seed = number("AISLE_SEED", 1);
    let ground = Ground { kit, program: env!("CARGO_BIN_EXE_aisle").into(), dir: dir.path().into(), seed };
    Some(Turn { ground, _dir: dir, _alone: turn })
}

fn judged(counters: &Counters) {
    println!("{counters}");
    counters.must_be_clean();
    assert!(counters.acts > 50 || counters.part == "silence", "{counters}: too little was done to say anything");
}

#[test]
fn machines_fail_and_with_one_away_nothing_is_accepted_and_back_all_goes_through() {
    let Some(turn) = turn("T5") else { return };
    judged(&t5(&turn.ground, 15, Size { stores: 4, rate: 16, workers: 2 }));
}

#[test]
fn lines_break_in_every_way_and_every_act_has_one_outcome() {
    let Some(turn) = turn("T6") else { return };
    judged(&t6(&turn.ground, 300, Size { stores: 3, rate: 12, workers: 1 }));
}

#[test]
fn a_cluster_that_is_lost_whole_loses_nothing() {
    let Some(turn) = turn("T7") else { return };
    judged(&t7(&turn.ground, 2, Size { stores: 4, rate: 16, workers: 2 }));
}

#[test]
fn workers_that_are_killed_come_and_go_and_stand_still_double_no_effect() {
    let Some(turn) = turn("T11") else { return };
    let hurts = Hurts { kills: 300, rebalances: 30, zombies: 10 };
    judged(&t11(&turn.ground, hurts, Size { stores: 3, rate: 6, workers: 2 }));
}

#[test]
fn a_real_store_s_days_are_decided_to_the_cent_while_things_break() {
    let Some(turn) = turn("storm") else { return };
    judged(&storm(&turn.ground, 3, Size { stores: 2, rate: 0, workers: 2 }, &fixtures::demo()));
}

#[test]
fn desks_that_work_for_a_while_do_not_grow() {
    let Some(turn) = turn("T15") else { return };
    judged(&soak(&turn.ground, 1, 20_000, &fixtures::demo()));
}

#[test]
fn a_chain_of_stores_with_two_desks_each_works_under_four_workers() {
    let Some(turn) = turn("chain") else { return };
    judged(&chain(&turn.ground, 1, Size { stores: 6, rate: 20, workers: 4 }));
}

#[test]
fn the_topic_of_changes_grows_under_load() {
    let Some(turn) = turn("growth") else { return };
    judged(&growth(&turn.ground, Size { stores: 10, rate: 24, workers: 2 }));
}

#[test]
fn whatever_falls_silent_every_desk_says_what_it_is() {
    let Some(turn) = turn("silence") else { return };
    judged(&silence(&turn.ground));
}
