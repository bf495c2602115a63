//! A desk without a line whose feeds a test writes.

use std::{collections::BTreeMap, sync::Arc};

use aisle_app::{AppError, Desk};
use aisle_contract::{DownBody, DownMessage, Incoming, TopicNames, down::FeedRecord};
use aisle_domain::{
    Availability, Currency, DeskId, Epoch, Incarnation, Item, ItemId, Lane, Money, Policies, Reasons, Store,
    StoreId, Timestamp, store::Durability,
};
use aisle_mirror::{FeedEntry, Mirror, NewDesk};
use aisle_sync::{Clock, SystemClock};
use uuid::Uuid;

pub(crate) fn now() -> Timestamp {
    SystemClock::default().now()
}

pub(crate) fn store_id() -> StoreId {
    StoreId::new(367).unwrap()
}

pub(crate) fn item(number: i64, name: &str, price: i64) -> Item {
    Item {
        item_id: ItemId::new(number).unwrap(),
        store_id: store_id(),
        unit_price: Money::from_minor(price),
        barcode: None,
        name: name.into(),
        category: None,
        availability: Availability::Available,
        available_until: None,
        version: 1,
        deleted: false,
        changed: BTreeMap::new(),
    }
}

pub(crate) fn store() -> Store {
    Store {
        store_id: store_id(),
        name: "Store 367".into(),
        address1: "Market Street 1".into(),
        address2: None,
        city: None,
        state: None,
        country: None,
        postal_code: None,
        currency: Currency("USD".into()),
        time_zone: "America/Chicago".into(),
        day_starts: 0,
        durability: Durability::default(),
        policies: Policies::default(),
        reasons: Reasons::default(),
        paused_until: None,
        busy_minutes: None,
        busy_until: None,
        version: 1,
    }
}

/// Code and words of what is refused.
pub(crate) fn refused<T>(result: Result<T, AppError>) -> (String, String) {
    let error = result.err().unwrap();
    (error.code().to_owned(), error.to_string())
}

pub(crate) struct Shop {
    _folder: tempfile::TempDir,
    pub(crate) desk: Desk,
    offsets: BTreeMap<Lane, i64>,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = NewDesk {
            store_id: store_id(),
            desk_id: DeskId(Uuid::from_u128(7)),
            incarnation: Incarnation(1),
            desk_name: "Front".into(),
            at: now(),
        };
        let mirror = Mirror::create(&folder.path().join("desk"), &new).unwrap();
        let desk = Desk::offline(mirror, Arc::new(SystemClock::default())).unwrap();
        let mut shop = Self { _folder: folder, desk, offsets: BTreeMap::new() };
        shop.feed(Lane::Orders, &DownBody::Store(Box::new(store())));
        shop
    }

    /// What comes down a feed next.
    pub(crate) fn feed(&mut self, lane: Lane, body: &DownBody) {
        self.feed_damaged(lane, body, None);
    }

    /// The same with a text in the place of its value.
    pub(crate) fn feed_damaged(&mut self, lane: Lane, body: &DownBody, damage: Option<&str>) {
        let record = FeedRecord::of(lane, body).unwrap().unwrap();
        let epoch = Epoch(Uuid::from_u128(9));
        let next = self.offsets.entry(lane).or_default();
        let offset = *next;
        *next += 1;
        let out = record.encode(&TopicNames::default(), store_id(), epoch, offset, now());
        let record = Incoming {
            topic: out.topic,
            partition: 0,
            offset,
            written_at: now(),
            key: Some(out.key),
            headers: out.headers,
            value: damage.map_or(out.value, |text| Some(text.as_bytes().to_vec())),
        };
        let message = DownMessage::decode(&record).map_err(|e| e.to_string());
        let entry = FeedEntry { offset, written_at: now(), record, message };
        self.desk.mirror().apply_feed(lane, "c", &[entry], now()).unwrap();
    }
}
