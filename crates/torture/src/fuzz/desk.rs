//! A desk's feed with anything in it: what is no good is parked, and the rest goes on.

use std::{collections::BTreeMap, time::Duration};

use aisle_contract::{DownBody, DownMessage};
use aisle_domain::{Availability, DeskId, Epoch, Incarnation, Item, ItemId, Lane, StoreId, Timestamp};
use aisle_mirror::{FeedEntry, Mirror, NewDesk, anew, feed, items, remirror, verify};
use uuid::Uuid;

use super::{Target, record};

/// As in the corpus: an ack of another cluster says nothing.
const CLUSTER: &str = "corpus";
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// Records of one batch, and batches of one desk.
const BATCH: usize = 25;
const BATCHES: i64 = 20;

pub(super) struct Feed {
    desk: Option<(Mirror, tempfile::TempDir)>,
    /// Of both lanes: what is no good in one may be in the other.
    entries: [Vec<FeedEntry>; 2],
    offset: i64,
    batches: i64,
}

pub(super) fn item(number: i64) -> Item {
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
        Self { desk: None, entries: Default::default(), offset: 0, batches: 0 }
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

    /// The batch of both lanes.
    fn apply(&mut self) {
        let [orders, catalog] = std::mem::take(&mut self.entries);
        let mut is_over = false;
        for (lane, entries) in [(Lane::Orders, orders), (Lane::Catalog, catalog)] {
            is_over |= self.apply_lane(lane, entries);
        }
        self.batches += 1;
        if is_over || self.batches % BATCHES == 0 {
            self.close();
        }
    }

    /// A batch, with a good row behind it. True where the feed is read anew, which is another target's.
    fn apply_lane(&mut self, lane: Lane, mut entries: Vec<FeedEntry>) -> bool {
        let mirror = self.mirror();
        self.offset += 1;
        let good = item(1_000_000_000 + self.offset);
        let blank = record::read(b"@key=item\n\n{}", "aisle.store.367.catalog", 0, self.offset);
        let is_items = lane == Lane::Catalog;
        let epoch = mirror.read(feed::epoch).unwrap().unwrap_or(Epoch(Uuid::from_u128(1)));
        if is_items {
            let message = Ok(DownMessage { epoch: Some(epoch), body: DownBody::Item(Box::new(good.clone())) });
            entries.push(FeedEntry { offset: self.offset, written_at: NOW, record: blank, message });
        }
        let applied = mirror.apply_feed(lane, CLUSTER, &entries, NOW).unwrap();
        while mirror.remirror_step(lane, NOW).unwrap().is_some() {}
        let is_remirroring = mirror.read(|conn| remirror::of_lane(conn, lane)).unwrap().is_some();
        if !applied.restart && !is_remirroring && !entries.is_empty() {
            let at = mirror.read(|conn| feed::position(conn, lane)).unwrap().unwrap();
            assert_eq!(Some(at.next_offset), entries.last().map(|e| e.offset + 1), "the batch was gone past");
            let row = mirror.read(|conn| items::load(conn, good.item_id)).unwrap();
            assert!(!is_items || row.is_some(), "the good row is there");
        }
        // From then on acks say nothing, until numbers are given anew.
        let is_renumbering = mirror.read(anew::wanted).unwrap().is_some();
        applied.restart || is_remirroring || is_renumbering
    }

    /// Everything that the database promises holds; the next batch finds a new desk.
    fn close(&mut self) {
        let Some((mirror, folder)) = self.desk.take() else { return };
        assert_sound(&mirror);
        drop((mirror, folder));
    }
}

/// Every rule of the database holds.
pub(super) fn assert_sound(mirror: &Mirror) {
    let checks = mirror.read(|conn| verify::run(conn, true, Some(mirror.ranges()))).unwrap();
    let broken: Vec<_> = checks.into_iter().filter(|check| !check.ok).collect();
    assert!(broken.is_empty(), "{broken:?}");
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
        for (lane, entries) in Lane::ALL.into_iter().zip(&mut self.entries) {
            let topic = format!("aisle.store.367.{}", lane.word());
            entries.push(Self::entry(record::read(input, &topic, 0, self.offset)));
        }
        if self.entries[0].len() >= BATCH {
            self.apply();
        }
    }

    fn end(&mut self) {
        self.apply();
        self.close();
    }
}
