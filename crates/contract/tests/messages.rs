//! Messages survive the wire, and what is malformed is told apart from what is merely not understood.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

use aisle_contract::{
    Attributes, ChangeEnvelope, ChangeMessage, DownBody, DownMessage, Incoming, Outgoing, TopicNames, UpMessage,
    down::FeedRecord,
};
use aisle_domain::{
    Change, ChangeId, DeskId, Epoch, Incarnation, ItemEdits, ItemId, Lane, Money, OrderId, OrderStatus, StoreId,
    Timestamp,
    change::{ItemChanged, OrderAccepted, StorePaused},
    item::Edit,
};
use proptest::prelude::*;
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_764_000_000_123);

fn envelope(change: &Change, seq: i64) -> ChangeEnvelope {
    ChangeEnvelope {
        change_id: ChangeId(Uuid::from_u128(7)),
        store: StoreId::new(367).unwrap(),
        desk: DeskId(Uuid::from_u128(9)),
        incarnation: Incarnation(0xfeed),
        lane: change.lane(),
        seq,
        replaces: None,
        staff: "Zoë".into(),
        acted_at: AT,
        key_id: None,
    }
}

fn accepted() -> Change {
    Change::OrderAccepted(OrderAccepted { order: OrderId::new(42).unwrap(), from: OrderStatus::New })
}

fn read(sent: Outgoing) -> Incoming {
    Incoming {
        topic: sent.topic,
        partition: sent.partition,
        offset: 0,
        written_at: AT,
        key: Some(sent.key),
        headers: sent.headers,
        value: sent.value,
    }
}

fn record() -> Incoming {
    let change = accepted();
    read(ChangeMessage { envelope: envelope(&change, 1), change }.encode("aisle.changes", 3, None).unwrap())
}

fn set_header(record: &mut Incoming, name: &str, value: &[u8]) {
    for (own, bytes) in &mut record.headers {
        if own == name {
            *bytes = value.to_vec();
        }
    }
}

fn changes() -> impl Strategy<Value = Change> {
    let order = (1..i64::MAX).prop_map(|id| OrderId::new(id).unwrap());
    let item = (1..i64::MAX).prop_map(|id| ItemId::new(id).unwrap());
    let price = (0_i64..1_000_000).prop_map(Money::from_minor);
    prop_oneof![
        (order, prop::sample::select(OrderStatus::ALL.to_vec()))
            .prop_map(|(order, from)| Change::OrderAccepted(OrderAccepted { order, from })),
        (item, price.clone(), price).prop_map(|(item, from, to)| {
            let changes = ItemEdits { unit_price: Some(Edit { from, to }), ..ItemEdits::default() };
            Change::ItemChanged(ItemChanged { item, changes })
        }),
        prop::option::of(0_i64..4_000_000_000_000)
            .prop_map(|until| Change::StorePaused(StorePaused { until: until.map(Timestamp::from_millis) })),
    ]
}

proptest! {
    #[test]
    fn a_change_comes_out_as_it_went_in(change in changes(), seq in 1..i64::MAX) {
        let sent = ChangeMessage { envelope: envelope(&change, seq), change };
        let got = UpMessage::decode(&read(sent.encode("aisle.changes", 3, None).unwrap())).unwrap();
        prop_assert_eq!(got, UpMessage::Change(Box::new(sent)));
    }

    #[test]
    fn no_value_makes_the_reader_fall(value in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut record = record();
        record.value = Some(value);
        let _ = UpMessage::decode(&record);
        let _ = DownMessage::decode(&record);
    }
}

#[test]
fn an_unknown_type_and_an_unreadable_body_keep_their_envelope() {
    let mut unknown = record();
    set_header(&mut unknown, "ce_type", b"aisle.order.sung.v1");
    let mut nested = record();
    nested.value = Some(format!("{}{}", "[".repeat(5000), "]".repeat(5000)).into_bytes());
    let mut twice = record();
    twice.value = Some(br#"{"order":"42","order":"43","from":"new"}"#.to_vec());
    for record in [unknown, nested, twice] {
        match UpMessage::decode(&record).unwrap() {
            UpMessage::NotUnderstood { envelope, .. } => assert_eq!(envelope.seq, 1),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_envelope_that_cannot_be_read_is_an_error_that_names_the_attribute() {
    let mut no_number = record();
    no_number.headers.retain(|(name, _)| name != "ce_seq");
    let mut zero = record();
    set_header(&mut zero, "ce_seq", b"0");
    let mut not_utf8 = record();
    set_header(&mut not_utf8, "ce_staff", &[0xff, 0xfe]);
    let mut doubled = record();
    doubled.headers.push(("ce_seq".into(), b"2".to_vec()));
    let mut beyond = record();
    set_header(&mut beyond, "ce_store", b"9223372036854775808");
    for (record, name) in
        [(no_number, "seq"), (zero, "seq"), (not_utf8, "staff"), (doubled, "seq"), (beyond, "store")]
    {
        let error = UpMessage::decode(&record).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_change_in_the_wrong_lane_is_not_understood() {
    let mut record = record();
    set_header(&mut record, "ce_lane", b"catalog");
    assert!(matches!(UpMessage::decode(&record).unwrap(), UpMessage::NotUnderstood { .. }));
}

#[test]
fn structured_mode_says_the_same_as_binary_mode() {
    let binary = record();
    let (attributes, data) = Attributes::of(&binary).unwrap();
    let mut event = serde_json::Map::new();
    for (name, value) in attributes.iter() {
        event.insert(name.into(), value.into());
    }
    event.insert("data".into(), serde_json::from_slice(&data).unwrap());
    let structured = Incoming {
        headers: vec![("content-type".into(), b"application/cloudevents+json; charset=utf-8".to_vec())],
        value: Some(serde_json::to_vec(&event).unwrap()),
        ..binary.clone()
    };
    assert_eq!(UpMessage::decode(&structured).unwrap(), UpMessage::decode(&binary).unwrap());
}

/// The same event in structured mode, with something more in it.
fn structured_with(more: &str, data: &str) -> Incoming {
    let binary = record();
    let (attributes, _) = Attributes::of(&binary).unwrap();
    let members: Vec<String> = attributes.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    Incoming {
        headers: vec![("content-type".into(), b"application/cloudevents+json".to_vec())],
        value: Some(format!("{{{},\"data\":{data}{more}}}", members.join(",")).into_bytes()),
        ..binary
    }
}

#[test]
fn what_a_structured_event_says_twice_is_refused_as_in_binary_mode() {
    let good = r#"{"order":"42","from":"new"}"#;
    assert!(matches!(UpMessage::decode(&structured_with("", good)), Ok(UpMessage::Change(_))));
    for (more, told) in [
        (r#","store":"367""#, "the attribute store is there twice"),
        (r#","data":{}"#, "the event has data twice"),
        (r#","data_base64":"e30=""#, "both data and data_base64"),
    ] {
        let error = UpMessage::decode(&structured_with(more, good)).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    let twice = structured_with("", r#"{"order":"42","order":"43","from":"new"}"#);
    assert!(matches!(UpMessage::decode(&twice), Ok(UpMessage::NotUnderstood { .. })));
}

#[test]
fn attributes_and_fields_that_came_later_are_ignored() {
    let mut record = record();
    record.headers.push(("ce_mood".into(), b"sunny".to_vec()));
    record.value = Some(br#"{"order":"42","from":"new","because":"it is Monday"}"#.to_vec());
    assert!(matches!(UpMessage::decode(&record).unwrap(), UpMessage::Change(_)));
}

#[test]
fn a_tombstone_names_what_is_gone_by_its_key() {
    let gone = |key: &str| {
        let record = Incoming { key: Some(key.into()), value: None, headers: Vec::new(), ..record() };
        DownMessage::decode(&record).map(|message| message.body)
    };
    assert_eq!(gone("order/42"), Ok(DownBody::OrderGone(OrderId::new(42).unwrap())));
    assert_eq!(gone("item/7"), Ok(DownBody::ItemGone(ItemId::new(7).unwrap())));
    assert_eq!(gone("refusal/x"), Ok(DownBody::Gone));
    assert!(gone("order/many").is_err());
    assert!(gone("something").is_err());
}

#[test]
fn a_feed_record_carries_centrals_history() {
    let store = aisle_contract::down::DigestMessage {
        rows: aisle_domain::digest::DigestView { count: 3, sum: "00000000000000ff".into() },
    };
    let record = FeedRecord::of(Lane::Orders, &DownBody::Digest(store.clone())).unwrap().unwrap();
    let epoch = Epoch(Uuid::from_u128(5));
    let sent = record.encode(&TopicNames::default(), StoreId::new(367).unwrap(), epoch, 11, AT);
    assert_eq!((sent.topic.as_str(), sent.partition), ("aisle.store.367.orders", 0));
    let got = DownMessage::decode(&read(sent)).unwrap();
    assert_eq!(got, DownMessage { epoch: Some(epoch), body: DownBody::Digest(store) });
}
