//! A busy and a paused store.

use aisle_domain::Store;

use crate::shop::{Shop, now, refused};

const MINUTE: i64 = 60_000;

fn row(shop: &Shop) -> Store {
    shop.desk.mirror().read(aisle_mirror::store::load).unwrap().unwrap()
}

#[test]
fn a_store_is_busy_and_paused_for_a_while_and_then_as_always() {
    let shop = Shop::open();
    let until = now().plus_millis(30 * MINUTE);
    shop.desk.busy(20, until).unwrap();
    shop.desk.pause(Some(until)).unwrap();
    let store = row(&shop);
    assert_eq!((store.busy_minutes, store.busy_until, store.paused_until), (Some(20), Some(until), Some(until)));
    shop.desk.pause(None).unwrap();
    shop.desk.end_busy().unwrap();
    let store = row(&shop);
    assert_eq!((store.busy_minutes, store.paused_until), (Some(0), None));
    let waiting = shop.desk.list_changes(&[aisle_mirror::ChangeState::Ready], None, 10).unwrap().items;
    assert_eq!(waiting.len(), 4);
    assert!(waiting[0].text.starts_with("Busy: 20 minutes added until"), "{}", waiting[0].text);
    assert_eq!(
        (waiting[2].text.as_str(), waiting[3].text.as_str()),
        ("Store takes orders again", "No longer busy")
    );
}

#[test]
fn what_no_store_does_is_refused_in_words() {
    let shop = Shop::open();
    let soon = now().plus_millis(MINUTE);
    for minutes in [0, 181, u32::MAX] {
        let (code, message) = refused(shop.desk.busy(minutes, soon));
        assert_eq!(code, "bad_value");
        assert!(message.contains("1 to 180"), "{message}");
    }
    let over = refused(shop.desk.pause(Some(now().plus_millis(-MINUTE)))).1;
    assert!(over.contains("is over"), "{over}");
    let far = refused(shop.desk.busy(10, now().plus_millis(8 * 24 * 60 * MINUTE))).1;
    assert!(far.contains("within a week"), "{far}");
    assert!(shop.desk.list_changes(&[aisle_mirror::ChangeState::Ready], None, 10).unwrap().items.is_empty());
}
