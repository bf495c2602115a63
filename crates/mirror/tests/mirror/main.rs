//! The desk's database from outside: what other crates see of it.

mod acts;
mod crash;
mod damage;
mod feed;
mod fixtures;
mod fold_property;
mod folder;
mod outbox;
mod search;
mod steps;
