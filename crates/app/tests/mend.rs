//! What needs somebody: conflicts decided, refused changes sent again, parked messages read again.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::{collections::BTreeMap, sync::Arc};

use aisle_app::{Desk, ItemFields, Keep};
use aisle_contract::{ChangeRefused, DownBody, DownMessage, Incoming, down::FeedRecord};
use aisle_domain::{
    Availability, ChangeId, DeskId, Epoch, Field, Incarnation, Item, ItemId, Lane, Money, Refusal, StoreId,
    Timestamp,
};
use aisle_mirror::{ChangeState, FeedEntry, Mirror, NewDesk, feed, outbox, settings};
use aisle_sync::{Clock, SystemClock};
use uuid::Uuid;

fn now() -> Timestamp {
    SystemClock::default().now()
}

struct Shop {
    _folder: tempfile::TempDir,
    desk: Desk,
    offset: i64,
}

fn store_id() -> StoreId {
    StoreId::new(367).unwrap()
}

fn item(price: i64, version: i64) -> Item {
    Item {
        item_id: ItemId::new(10).unwrap(),
        store_id: store_id(),
        unit_price: Money::from_minor(price),
        barcode: None,
        name: "Milk".into(),
        category: None,
        availability: Availability::Available,
        available_until: None,
        version,
        deleted: false,
        changed: BTreeMap::new(),
    }
}

impl Shop {
    fn new() -> Self {
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
        let mut shop = Self { _folder: folder, desk, offset: 0 };
        shop.feed(&DownBody::Item(Box::new(item(199, 1))), None);
        shop
    }

    /// What comes down the catalog feed next; `damage` goes into its value.
    fn feed(&mut self, body: &DownBody, damage: Option<&str>) {
        let record = FeedRecord::of(Lane::Catalog, body).unwrap().unwrap();
        let names = aisle_contract::TopicNames::default();
        let out = record.encode(&names, store_id(), Epoch(Uuid::from_u128(9)), self.offset, now());
        let record = Incoming {
            topic: out.topic,
            partition: 0,
            offset: self.offset,
            written_at: now(),
            key: Some(out.key),
            headers: out.headers,
            value: damage.map_or(out.value, |text| Some(text.as_bytes().to_vec())),
        };
        self.offset += 1;
        let message = DownMessage::decode(&record).map_err(|e| e.to_string());
        let entry = FeedEntry { offset: record.offset, written_at: now(), record, message };
        self.desk.mirror().apply_feed(Lane::Catalog, "c", &[entry], now()).unwrap();
    }

    fn set(&self, field: &str, value: &str) -> ChangeId {
        let fields: ItemFields = [(field.to_owned(), value.to_owned())].into();
        self.desk.edit_item(item(0, 0).item_id, &fields).unwrap().change_id.parse().unwrap()
    }

    /// Central has another value and refuses this one.
    fn refuse(&mut self, change: ChangeId, refusal: Refusal, price: i64, version: i64) {
        let incarnation = self.desk.mirror().identity().incarnation;
        self.desk.mirror().write(|tx| outbox::cut(tx, Lane::Catalog, incarnation, 10, 100_000, now())).unwrap();
        self.feed(&DownBody::Item(Box::new(item(price, version))), None);
        let message = refusal.to_string();
        let desk = self.desk.mirror().identity().desk_id;
        let refused = ChangeRefused { change_id: change, desk, refusal, message, at: now() };
        self.feed(&DownBody::Refused(Box::new(refused)), None);
    }

    fn change(&self, id: ChangeId) -> aisle_mirror::OutboxRow {
        self.desk.mirror().read(|conn| outbox::load(conn, id)).unwrap().unwrap()
    }

    fn price(&self) -> Money {
        let id = item(0, 0).item_id;
        self.desk.mirror().read(|conn| aisle_mirror::items::load(conn, id)).unwrap().unwrap().unit_price
    }

    fn refused(&self) -> i64 {
        self.desk.mirror().read(outbox::counts).unwrap().refused
    }
}

fn both_changed() -> Refusal {
    Refusal::BothChanged { fields: vec![Field::UnitPrice] }
}

#[test]
fn keeping_mine_sends_a_new_change_from_centrals_value() {
    let mut shop = Shop::new();
    let mine = shop.set("unit_price", "2.49");
    shop.refuse(mine, both_changed(), 299, 2);
    let cards = shop.desk.conflicts().unwrap();
    let card = &cards[0];
    let shown = (card.before.as_deref(), card.mine.as_deref(), card.central.as_deref());
    assert_eq!((cards.len(), shown), (1, (Some("1.99"), Some("2.49"), Some("2.99"))));
    let again = shop.desk.resolve(card.conflict_id.parse().unwrap(), Keep::Mine).unwrap();
    let row = shop.change(again.change_id.parse().unwrap());
    assert_eq!((row.replaces, row.state), (Some(mine), ChangeState::Ready));
    assert_eq!(shop.price(), Money::from_minor(249));
    assert!(shop.desk.conflicts().unwrap().is_empty());
    assert_eq!(shop.refused(), 0);
}

#[test]
fn keeping_centrals_closes_the_refused_change() {
    let mut shop = Shop::new();
    let mine = shop.set("unit_price", "2.49");
    shop.refuse(mine, both_changed(), 299, 2);
    let card: i64 = shop.desk.conflicts().unwrap()[0].conflict_id.parse().unwrap();
    shop.desk.resolve(card, Keep::Central).unwrap();
    assert_eq!((shop.price(), shop.refused()), (Money::from_minor(299), 0));
    assert!(shop.change(mine).closed);
    assert_eq!(shop.desk.resolve(card, Keep::Central).unwrap_err().code(), "not_found");
}

#[test]
fn a_refused_change_is_sent_again_from_what_is_there_now_with_another_value_where_one_is_given() {
    let mut shop = Shop::new();
    let first = shop.set("unit_price", "2.49");
    shop.refuse(first, Refusal::BadValue { what: "too dear".into() }, 299, 2);
    let strange: ItemFields = [("colour".to_owned(), "red".to_owned())].into();
    assert_eq!(shop.desk.resend(first, &strange).unwrap_err().code(), "bad_value");
    let cheaper: ItemFields = [("unit_price".to_owned(), "2.19".to_owned())].into();
    let again = shop.desk.resend(first, &cheaper).unwrap();
    assert_eq!((shop.price(), shop.refused()), (Money::from_minor(219), 0));
    let id: ChangeId = again.change_id.parse().unwrap();
    assert_eq!(shop.change(id).replaces, Some(first));
    assert_eq!(shop.desk.resend(id, &ItemFields::new()).unwrap_err().code(), "not_refused");
    assert_eq!(shop.desk.close_change(id).unwrap_err().code(), "not_refused");
}

#[test]
fn a_parked_message_is_applied_once_it_can_be_and_says_why_while_it_cannot() {
    let mut shop = Shop::new();
    shop.feed(&DownBody::Item(Box::new(item(349, 2))), Some("{ half a row"));
    let parked = shop.desk.mirror().read(|conn| feed::parked(conn, 5)).unwrap();
    assert_eq!(parked.len(), 1);
    let tried = shop.desk.retry_parked(None).unwrap();
    assert!(tried[0].why.is_some());
    assert_eq!(shop.price(), Money::from_minor(199));
    // A program that understands it would read this from the same bytes.
    let whole = serde_json::to_vec(&item(349, 2)).unwrap();
    shop.desk.mirror().write(|tx| Ok(tx.execute("UPDATE parked SET value = ?1", [&whole])?)).unwrap();
    let kept = shop.desk.parked(parked[0].id).unwrap();
    assert_eq!((kept.lane, kept.record.value.as_deref()), (Lane::Catalog, Some(whole.as_slice())));
    assert_eq!(shop.desk.retry_parked(Some(parked[0].id)).unwrap()[0].why, None);
    assert_eq!(shop.price(), Money::from_minor(349));
    assert_eq!(shop.desk.mirror().read(feed::parked_count).unwrap(), 0);
    assert_eq!(shop.desk.retry_parked(Some(parked[0].id)).unwrap_err().code(), "not_found");
}

#[test]
fn diagnostics_say_how_the_desk_is_and_nobody_s_name_and_nothing_that_was_sold() {
    let mut shop = Shop::new();
    shop.desk.mirror().write(|tx| settings::set(tx, "person", "Noor Haddad")).unwrap();
    let renamed = shop.set("name", "Zwieback");
    shop.refuse(renamed, Refusal::BadValue { what: "Zwieback is too dry".into() }, 299, 2);
    shop.set("unit_price", "7.77");
    shop.feed(&DownBody::Item(Box::new(item(349, 3))), Some(r#"{ "item_id": "Mary Miller" }"#));
    let file = shop.desk.mirror().dir().join("told.json");
    let told = shop.desk.write_diagnostics(&file).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap(),
        told,
        "what is shown is what is written"
    );
    let states: Vec<_> =
        told["changes"].as_array().unwrap().iter().map(|c| (&c["state"], &c["refusal"])).collect();
    assert_eq!(states, [(&"ready".into(), &serde_json::Value::Null), (&"refused".into(), &"bad_value".into())]);
    assert_eq!(
        (told["status"]["outbox"]["refused"].as_i64(), told["parked"][0]["offset"].as_i64()),
        (Some(1), Some(3))
    );
    assert!(told["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true), "{told}");
    for private in ["Noor", "Zwieback", "Milk", "7.77", "Mary"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
    assert_eq!(shop.desk.write_diagnostics(&file).unwrap_err().code(), "file_exists");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let nowhere = shop.desk.mirror().dir().join("no/folder/told.json");
    assert_eq!(shop.desk.write_diagnostics(&nowhere).unwrap_err().code(), "io_error");
}
