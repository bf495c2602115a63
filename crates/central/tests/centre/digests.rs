//! A digest speaks of the rows before it.

use std::{collections::BTreeMap, time::Duration};

use aisle_central::{SteppedWork, WorkOptions};
use aisle_contract::{DownBody, partition_of};
use aisle_domain::{ItemId, Lane, Subject, digest::RowDigest};

use crate::town::{Town, store};

impl Town {
    fn set_price(&self, item: i64, price: &str) {
        let item = ItemId::new(item).unwrap();
        let known = self.centre.show_item(store(1), item).is_ok();
        let name = (!known).then(|| "name=Thing".parse().unwrap());
        let changes: Vec<_> = name.into_iter().chain([format!("unit_price={price}").parse().unwrap()]).collect();
        self.centre.set_item(store(1), item, &changes).unwrap();
    }

    /// Every digest of the catalog's feed is that of the newest rows before it. Answers how many there are.
    fn assert_digests_hold_where_they_stand(&self) -> usize {
        let mut rows = BTreeMap::new();
        let mut seen = 0;
        for (place, message) in self.feed(store(1), Lane::Catalog).into_iter().enumerate() {
            match message.body {
                DownBody::Item(item) => {
                    let version = rows.entry(item.item_id).or_insert(item.version);
                    *version = item.version.max(*version);
                }
                DownBody::Digest(digest) => {
                    let mut own = RowDigest::default();
                    for (item, version) in &rows {
                        own.add(Subject::Item(*item), *version);
                    }
                    assert_eq!(digest.rows, own.into(), "at place {place}");
                    seen += 1;
                }
                _ => {}
            }
        }
        seen
    }
}

#[test]
fn a_digest_that_is_sent_again_never_stands_behind_rows_that_it_does_not_know() {
    let town = Town::new(&[1]);
    town.set_price(1, "1.00");
    town.set_price(2, "2.00");
    town.set_price(1, "3.00");
    // All of it is written, and nobody is told so: a worker believes that it waits, and sends it again and again.
    town.bus.lose_reports(1_000);
    let options = WorkOptions::default();
    let mut work = SteppedWork::new(&town.centre, &town.bus, &options);
    for _ in 0..5 {
        work.turn(&[partition_of(store(1), 12)]).unwrap();
        std::thread::sleep(Duration::from_millis(300));
    }
    drop(work);
    town.bus.lose_reports(0);
    town.work_until_idle();
    let sent = town.feed(store(1), Lane::Catalog).len();
    assert!(sent > 6, "only {sent} records: nothing was sent again");
    town.assert_digests_hold_where_they_stand();
    town.assert_sound();
}

#[test]
fn a_digest_comes_once_the_rows_before_it_are_published() {
    let town = Town::new(&[1]);
    town.set_price(1, "1.00");
    town.work_until_idle();
    assert_eq!(town.assert_digests_hold_where_they_stand(), 1);
}
