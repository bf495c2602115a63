//! What needs somebody: conflicts decided, refused changes sent again, parked messages read again.

use aisle_app::{ItemFields, Keep};
use aisle_contract::{ChangeRefused, DownBody};
use aisle_domain::{ChangeId, Field, Item, Lane, Money, Refusal};
use aisle_mirror::{ChangeState, feed, outbox};

use crate::shop::{self, Shop, now};

fn item(price: i64, version: i64) -> Item {
    Item { version, ..shop::item(10, "Milk", price) }
}

fn shop() -> Shop {
    let mut shop = Shop::open();
    shop.feed(Lane::Catalog, &DownBody::Item(Box::new(item(199, 1))));
    shop
}

impl Shop {
    fn edit(&self, field: &str, value: &str) -> ChangeId {
        let fields: ItemFields = [(field.to_owned(), value.to_owned())].into();
        self.desk.edit_item(item(0, 0).item_id, &fields).unwrap().change_id.parse().unwrap()
    }

    /// Central has another value and refuses this one.
    fn refuse(&mut self, change: ChangeId, refusal: Refusal, price: i64, version: i64) {
        let incarnation = self.desk.mirror().identity().incarnation;
        self.desk.mirror().write(|tx| outbox::cut(tx, Lane::Catalog, incarnation, 10, 100_000, now())).unwrap();
        self.feed(Lane::Catalog, &DownBody::Item(Box::new(item(price, version))));
        let message = refusal.to_string();
        let desk = self.desk.mirror().identity().desk_id;
        let refused = ChangeRefused { change_id: change, desk, refusal, message, at: now() };
        self.feed(Lane::Catalog, &DownBody::Refused(Box::new(refused)));
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
    let mut shop = shop();
    let mine = shop.edit("unit_price", "2.49");
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
    let mut shop = shop();
    let mine = shop.edit("unit_price", "2.49");
    shop.refuse(mine, both_changed(), 299, 2);
    let card: i64 = shop.desk.conflicts().unwrap()[0].conflict_id.parse().unwrap();
    shop.desk.resolve(card, Keep::Central).unwrap();
    assert_eq!((shop.price(), shop.refused()), (Money::from_minor(299), 0));
    assert!(shop.change(mine).closed);
    assert_eq!(shop.desk.resolve(card, Keep::Central).unwrap_err().code(), "not_found");
}

#[test]
fn a_refused_change_is_sent_again_from_what_is_there_now_with_another_value_where_one_is_given() {
    let mut shop = shop();
    let first = shop.edit("unit_price", "2.49");
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
    let mut shop = shop();
    shop.feed_damaged(Lane::Catalog, &DownBody::Item(Box::new(item(349, 2))), Some("{ half a row"));
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
    let mut shop = shop();
    shop.desk.rename_member("1", "Noor Haddad").unwrap();
    let renamed = shop.edit("name", "Zwieback");
    shop.refuse(renamed, Refusal::BadValue { what: "Zwieback is too dry".into() }, 299, 2);
    shop.edit("unit_price", "7.77");
    let named = Some(r#"{ "item_id": "Mary Miller" }"#);
    shop.feed_damaged(Lane::Catalog, &DownBody::Item(Box::new(item(349, 3))), named);
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
