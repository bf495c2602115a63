//! Whoever holds a store's key speaks for it; nothing can be changed on the way.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use aisle_contract::{
    BadSignature, ChangeEnvelope, ChangeMessage, Event, Heartbeat, HeartbeatMessage, Incoming, StoreKey,
    UpMessage, attributes::STRUCTURED, signature,
};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, OrderId, OrderStatus, StoreId, Timestamp, change::OrderAccepted,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_764_000_000_123);

fn key() -> StoreKey {
    StoreKey::new("k1", [7; 32]).unwrap()
}

fn change(staff: &str) -> ChangeMessage {
    let change = Change::OrderAccepted(OrderAccepted { order: OrderId::new(42).unwrap(), from: OrderStatus::New });
    let envelope = ChangeEnvelope {
        change_id: ChangeId(Uuid::from_u128(7)),
        store: StoreId::new(367).unwrap(),
        desk: DeskId(Uuid::from_u128(9)),
        incarnation: Incarnation(0xfeed),
        lane: change.lane(),
        seq: 5,
        replaces: Some(ChangeId(Uuid::from_u128(6))),
        staff: staff.into(),
        acted_at: AT,
        key_id: None,
    };
    ChangeMessage { envelope, change }
}

fn heartbeat() -> HeartbeatMessage {
    let body = Heartbeat {
        version: "0.1.0".into(),
        name: "Front".into(),
        outbox: 3,
        oldest_age_s: None,
        positions: Vec::new(),
        behind: None,
        clock: AT,
        epoch: None,
    };
    HeartbeatMessage {
        id: ChangeId(Uuid::from_u128(8)),
        store: StoreId::new(367).unwrap(),
        desk: DeskId(Uuid::from_u128(9)),
        incarnation: Incarnation(0xfeed),
        sent_at: AT,
        body,
    }
}

fn read(sent: aisle_contract::Outgoing) -> Incoming {
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

fn signed() -> Incoming {
    read(change("Zoë").encode("aisle.changes", 3, Some(&key())).unwrap())
}

fn checked(record: &Incoming) -> Result<(), BadSignature> {
    signature::check(&Event::of(record).unwrap(), &[key()])
}

/// The same event in structured mode, its data under this name.
fn structured(record: &Incoming, name: &str) -> Incoming {
    let event = Event::of(record).unwrap();
    let mut fields: Map<String, Value> = event.attributes.iter().map(|(n, v)| (n.into(), v.into())).collect();
    let data = if name == "data" {
        serde_json::from_slice(&event.data).unwrap()
    } else {
        json!(BASE64.encode(&event.data))
    };
    fields.insert(name.into(), data);
    Incoming {
        headers: vec![("content-type".into(), STRUCTURED.into())],
        value: Some(serde_json::to_vec(&fields).unwrap()),
        ..record.clone()
    }
}

/// Every place in which a record has a bit of the event.
fn flipped(record: &Incoming, place: usize, bit: u8) -> Option<Incoming> {
    let mut other = record.clone();
    let mut left = place;
    for (name, value) in &mut other.headers {
        if !name.starts_with("ce_") {
            continue;
        }
        if left < name.len() - 3 {
            let mut bytes = name.clone().into_bytes();
            bytes[3 + left] ^= 1 << bit;
            *name = String::from_utf8(bytes).ok()?;
            return Some(other);
        }
        left -= name.len() - 3;
        if left < value.len() {
            value[left] ^= 1 << bit;
            return Some(other);
        }
        left -= value.len();
    }
    other.value.as_mut()?.get_mut(left).map(|byte| *byte ^= 1 << bit)?;
    Some(other)
}

fn is_believed(record: &Incoming) -> bool {
    Event::of(record).is_ok_and(|event| signature::check(&event, &[key()]).is_ok())
}

proptest! {
    #[test]
    fn any_flipped_bit_of_any_attribute_or_of_the_data_is_found(place in 0_usize..700, bit in 0_u8..8) {
        let record = signed();
        if let Some(other) = flipped(&record, place, bit) {
            prop_assert!(!is_believed(&other), "{:?}", other.headers);
        }
    }

    #[test]
    fn a_signature_fits_what_was_signed_and_nothing_else(
        secret in any::<[u8; 32]>(), other in any::<[u8; 32]>(), staff in "\\PC{0,40}",
    ) {
        let own = StoreKey::new("own", secret).unwrap();
        let record = read(change(&staff).encode("aisle.changes", 3, Some(&own)).unwrap());
        let event = Event::of(&record).unwrap();
        prop_assert_eq!(signature::check(&event, &[key(), own]), Ok(()));
        let stranger = StoreKey::new("own", other).unwrap();
        prop_assert_eq!(signature::check(&event, &[stranger]).is_ok(), secret == other);
    }

    #[test]
    fn no_signature_makes_the_check_fall(text in "\\PC{0,80}") {
        let record = signed();
        let mut event = Event::of(&record).unwrap();
        event.attributes = event.attributes.with("signature", &text);
        prop_assert_eq!(signature::check(&event, &[key()]), Err(BadSignature::Wrong));
    }
}

#[test]
fn every_single_bit_of_one_message_counts() {
    let record = signed();
    let mut places = 0;
    while flipped(&record, places, 0).is_some() {
        for bit in 0..7 {
            // The highest bit makes a header's name no text, which no client can send.
            if let Some(other) = flipped(&record, places, bit) {
                assert!(!is_believed(&other), "bit {bit} at {places}");
            }
        }
        places += 1;
    }
    assert!(places > 300, "{places} bytes were looked at");
}

#[test]
fn the_signature_is_what_the_interface_says_for_every_other_program() {
    let record = read(change("Zoe").encode("aisle.changes", 3, Some(&key())).unwrap());
    let event = Event::of(&record).unwrap();
    let text = "desk=00000000-0000-0000-0000-000000000009\nid=00000000-0000-0000-0000-000000000007\n\
        incarnation=000000000000feed\nkeyid=k1\nlane=orders\nreplaces=00000000-0000-0000-0000-000000000006\nseq=5\n\
        source=/stores/367/desks/00000000-0000-0000-0000-000000000009\nspecversion=1.0\nstaff=Zoe\nstore=367\n\
        subject=order/42\ntime=2025-11-24T16:00:00.123Z\ntype=aisle.order.accepted.v1\n\n";
    let signed = event.attributes.iter().filter(|(name, _)| *name != "signature");
    let listed: Vec<String> = signed.map(|(name, value)| format!("{name}={value}\n")).collect();
    assert_eq!(format!("{}\n", listed.concat()), text);
    // Made by: openssl dgst -sha256 -mac HMAC -macopt hexkey:0707.., over the text above and the data.
    assert_eq!(str::from_utf8(&event.data).unwrap(), r#"{"order":"42","from":"new"}"#);
    assert_eq!(event.attributes.get("signature"), Some("c0162ffb3ec1e98fe800def485dec726"));
}

#[test]
fn a_heartbeat_is_signed_as_a_change_is() {
    let record = read(heartbeat().encode("aisle.changes", 3, Some(&key())).unwrap());
    assert_eq!(checked(&record), Ok(()));
    assert!(matches!(UpMessage::decode(&record), Ok(UpMessage::Heartbeat(_))));
    let bare = read(heartbeat().encode("aisle.changes", 3, None).unwrap());
    assert_eq!(checked(&bare), Err(BadSignature::Unsigned));
}

#[test]
fn in_structured_mode_the_bytes_of_data_base64_are_signed_and_plain_data_cannot_be() {
    let record = signed();
    assert_eq!(checked(&structured(&record, "data_base64")), Ok(()));
    assert_eq!(checked(&structured(&record, "data")), Err(BadSignature::Inexact));
    let both = structured(&record, "data");
    let mut fields: Map<String, Value> = serde_json::from_slice(both.value.as_deref().unwrap()).unwrap();
    fields.insert("data_base64".into(), json!(BASE64.encode(b"{}")));
    let both = Incoming { value: Some(serde_json::to_vec(&fields).unwrap()), ..both };
    assert!(Event::of(&both).unwrap_err().to_string().contains("both"));
}

#[test]
fn a_key_that_the_store_does_not_have_is_named() {
    let record = signed();
    let event = Event::of(&record).unwrap();
    let other = StoreKey::new("k2", [7; 32]).unwrap();
    assert_eq!(signature::check(&event, &[other]), Err(BadSignature::UnknownKey("k1".into())));
    assert_eq!(signature::check(&event, &[]), Err(BadSignature::UnknownKey("k1".into())));
}

#[test]
fn attributes_cannot_be_cut_anew_out_of_the_same_signed_bytes() {
    // Without the staff's own line, the same bytes would say another store.
    let spoken = change("x\nstore=1").envelope.staff;
    let record = read(change(&spoken).encode("aisle.changes", 3, Some(&key())).unwrap());
    let event = Event::of(&record).unwrap();
    assert_eq!(event.attributes.get("staff"), Some("x store=1"), "no line's end is ever signed");
    let mut forged = signed();
    forged.headers.retain(|(name, _)| name != "ce_store");
    for (name, value) in &mut forged.headers {
        if name == "ce_staff" {
            *value = "Zoë\nstore=367".into();
        }
    }
    assert_eq!(checked(&forged), Err(BadSignature::Wrong));
    let mut forged = signed();
    forged.headers.retain(|(name, _)| name != "ce_seq");
    forged.headers.push(("ce_seq=5\nseq".into(), b"5".to_vec()));
    assert_eq!(checked(&forged), Err(BadSignature::Wrong));
}

#[test]
fn a_secret_is_shown_nowhere() {
    let key = StoreKey::from_text("k1", &"ab".repeat(32)).unwrap();
    assert_eq!(format!("{key:?}"), "StoreKey { id: \"k1\", .. }");
    assert_eq!(key.secret_text().as_str(), "ab".repeat(32));
    for (id, secret) in
        [("", "ab".repeat(32)), ("k 1", "ab".repeat(32)), ("k1", "AB".repeat(32)), ("k1", "ab".into())]
    {
        let error = StoreKey::from_text(id, &secret).unwrap_err();
        assert!(!error.to_string().contains(&secret) && !format!("{error:?}").contains(&secret));
    }
}
