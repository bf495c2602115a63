//! A desk's feed with anything in it: what is no good is parked, and the rest goes on.

use std::{collections::BTreeMap, time::Duration};

use aisle_contract::{DownBody, DownMessage};
use aisle_domain::{Availability, DeskId, Epoch, Incarnation, Item, ItemId, Lane, StoreId, Timestamp};
use aisle_mirror::{FeedEntry, Mirror, NewDesk, feed, items, remirror, verify};
use uuid::Uuid;

use super::{Target, record};

const CLUSTER: &str = "fuzzed";
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// Records of one batch, and batches of one desk.
const BATCH: usize = 25;
const BATCHES: i64 = 20;

pub(super) struct Feed {
    desk: Option<(Mirror, tempfile::TempDir)>,
    entries: Vec<FeedEntry>,
    lane: Lane,
    offset: i64,
    batches: i64,
}

fn item(number: i64) -> Item {
    Item {
        item_id: ItemId::new(number).unwrap(),
        store_id: StoreId::new(367).unwrap(),
        unit_price: "1.99".parse().unwrap(),
        barcode: None,
        name: "Milk".into(),
        category: None,
        availability: Availability::Available,
        available_until: None,
        version: 1,
        deleted: false,
        changed: BTreeMap::new(),
    }
}

impl Feed {
    pub(super) fn new() -> Self {
        Self { desk: None, entries: Vec::new(), lane: Lane::Orders, offset: 0, batches: 0 }
    }

    fn mirror(&mut self) -> Mirror {
        let made = self.desk.get_or_insert_with(|| {
            let folder = tempfile::tempdir().unwrap();
            let new = NewDesk {
                store_id: StoreId::new(367).unwrap(),
                desk_id: DeskId(Uuid::from_u128(7)),
                incarnation: Incarnation(0xa1),
                desk_name: "Desk".into(),
                at: NOW,
            };
            (Mirror::create(&folder.path().join("desk"), &new).unwrap(), folder)
        });
        made.0.clone()
    }

    fn entry(record: aisle_contract::Incoming) -> FeedEntry {
        let message = DownMessage::decode(&record).map_err(|bad| bad.to_string());
        FeedEntry { offset: record.offset, written_at: NOW, record, message }
    }

    /// The batch, with a good row behind it.
    fn apply(&mut self) {
        let mirror = self.mirror();
        self.offset += 1;
        let good = item(1_000_000_000 + self.offset);
        let blank = record::read(b"@key=item\n\n{}", "aisle.store.367.catalog", 0, self.offset);
        let is_items = self.lane == Lane::Catalog;
        let mut entries = std::mem::take(&mut self.entries);
        let epoch = mirror.read(feed::epoch).unwrap().unwrap_or(Epoch(Uuid::from_u128(1)));
        if is_items {
            let message = Ok(DownMessage { epoch: Some(epoch), body: DownBody::Item(Box::new(good.clone())) });
            entries.push(FeedEntry { offset: self.offset, written_at: NOW, record: blank, message });
        }
        let applied = mirror.apply_feed(self.lane, CLUSTER, &entries, NOW).unwrap();
        while mirror.remirror_step(self.lane, NOW).unwrap().is_some() {}
        let anew = mirror.read(|conn| remirror::of_lane(conn, self.lane)).unwrap().is_some();
        if !applied.restart && !anew {
            let at = mirror.read(|conn| feed::position(conn, self.lane)).unwrap().unwrap();
            assert_eq!(at.next_offset, entries.last().unwrap().offset + 1, "the batch was gone past");
            let row = mirror.read(|conn| items::load(conn, good.item_id)).unwrap();
            assert!(!is_items || row.is_some(), "the good row is there");
        }
        self.batches += 1;
        if applied.restart || anew || self.batches % BATCHES == 0 {
            self.close();
        }
    }

    /// Everything that the database promises holds; the next batch finds a new desk.
    fn close(&mut self) {
        let Some((mirror, folder)) = self.desk.take() else { return };
        let checks = mirror.read(|conn| verify::run(conn, true, Some(mirror.ranges()))).unwrap();
        let broken: Vec<_> = checks.into_iter().filter(|check| !check.ok).collect();
        assert!(broken.is_empty(), "{broken:?}");
        drop((mirror, folder));
        self.lane = if self.lane == Lane::Orders { Lane::Catalog } else { Lane::Orders };
    }
}

impl Target for Feed {
    fn name(&self) -> &'static str {
        "feed"
    }

    fn corpus(&self) -> &'static str {
        "down"
    }

    fn every(&self) -> u64 {
        2
    }

    fn time(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn take(&mut self, input: &[u8]) {
        self.offset += 1;
        let topic = if self.lane == Lane::Orders { "aisle.store.367.orders" } else { "aisle.store.367.catalog" };
        let entry = Self::entry(record::read(input, topic, 0, self.offset));
        self.entries.push(entry);
        if self.entries.len() >= BATCH {
            self.apply();
        }
    }

    fn end(&mut self) {
        self.apply();
        self.close();
    }
}
