//! The desk's database from outside: what other crates see of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod acts;
mod bad_acks;
mod crash;
mod damage;
mod disk_failed;
mod feed;
mod finding;
mod fixtures;
mod fold_property;
mod folder;
mod outbox;
mod restore;
mod search;
mod steps;
