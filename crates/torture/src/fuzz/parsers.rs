//! What reads bytes and keeps nothing.

use std::{fmt::Display, str::FromStr};

use aisle_central::{ItemChange, Speed};
use aisle_contract::{
    DownMessage, Enrolment, Event, Incoming, StoreKey, UpMessage, enrolment::are_brokers, signature,
};
use aisle_domain::{
    Availability, Barcode, ChangeId, DeskId, Epoch, Incarnation, ItemId, Money, OrderId, OrderStatus, PaymentId,
    Quantity, StoreId, Timestamp,
};

use super::{Target, corpus, record};

/// Words about what is wrong may quote it, and travel to people.
const WORDS_BYTES: usize = 4_000;

pub(super) fn all() -> Vec<Box<dyn Target>> {
    vec![Box::new(Up), Box::new(Down), Box::new(Signature::new()), Box::new(Enrolments), Box::new(Words)]
}

fn is_short(words: &str) {
    assert!(words.len() <= WORDS_BYTES, "{} bytes of words", words.len());
}

struct Up;

impl Target for Up {
    fn name(&self) -> &'static str {
        "up"
    }

    fn take(&mut self, input: &[u8]) {
        let record = record::read(input, "aisle.changes", 0, 0);
        match UpMessage::decode(&record) {
            Ok(UpMessage::Change(message)) => {
                assert!(message.envelope.seq > 0);
                // What is understood is understood again when it is sent on.
                let sent = message.encode("aisle.changes", 0, None).unwrap();
                let again = record::read(&record::written(&sent), "aisle.changes", 0, 0);
                match UpMessage::decode(&again).unwrap() {
                    UpMessage::Change(other) => assert_eq!(other.change, message.change),
                    other => panic!("understood once only: {other:?}"),
                }
            }
            Ok(UpMessage::NotUnderstood { why, .. }) => is_short(&why),
            Ok(UpMessage::Heartbeat(_)) => {}
            Err(bad) => is_short(&bad.to_string()),
        }
    }
}

struct Down;

impl Target for Down {
    fn name(&self) -> &'static str {
        "down"
    }

    fn take(&mut self, input: &[u8]) {
        if let Err(bad) = DownMessage::decode(&record::read(input, "aisle.store.367.orders", 0, 0)) {
            is_short(&bad.to_string());
        }
    }
}

/// Only what was signed is believed, however it is wrapped.
struct Signature {
    keys: Vec<StoreKey>,
    signed: Vec<Incoming>,
}

impl Signature {
    fn new() -> Self {
        let files = corpus::load(&corpus::folder().join("signature"));
        let signed = files.iter().map(|file| record::read(file, "aisle.changes", 0, 0)).collect();
        Self { keys: vec![corpus::key()], signed }
    }
}

impl Target for Signature {
    fn name(&self) -> &'static str {
        "signature"
    }

    fn take(&mut self, input: &[u8]) {
        let record = record::read(input, "aisle.changes", 0, 0);
        let Ok(event) = Event::of(&record) else { return };
        match signature::check(&event, &self.keys) {
            Ok(()) => {
                let was_signed = |signed: &Incoming| {
                    let signed = Event::of(signed).unwrap();
                    (signed.attributes, signed.data) == (event.attributes.clone(), event.data.clone())
                };
                assert!(self.signed.iter().any(was_signed), "believed, and never signed: {event:?}");
            }
            Err(bad) => assert!(bad.kind().len() < 40),
        }
    }

    fn end(&mut self) {
        assert!(self.signed.len() > 3, "the corpus has signed messages");
    }
}

struct Enrolments;

impl Target for Enrolments {
    fn name(&self) -> &'static str {
        "enrolment"
    }

    fn take(&mut self, input: &[u8]) {
        match Enrolment::parse(&String::from_utf8_lossy(input)) {
            Ok(read) => {
                let again = Enrolment::parse(read.to_text().unwrap().expose()).unwrap();
                assert_eq!(format!("{again:?}"), format!("{read:?}"));
            }
            Err(bad) => is_short(&bad.to_string()),
        }
    }
}

/// Amounts, numbers, times, words.
struct Words;

impl Words {
    /// What is read says the same when it is written and read again.
    fn read<T: FromStr<Err: Display> + Display + PartialEq + std::fmt::Debug>(text: &str) {
        if let Ok(value) = text.parse::<T>() {
            let written = value.to_string();
            match written.parse::<T>() {
                Ok(again) => assert_eq!(again, value, "{text} was written as {written}"),
                Err(bad) => panic!("{text} was written as {written}, which is {bad}"),
            }
        }
    }
}

impl Target for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn take(&mut self, input: &[u8]) {
        let text = String::from_utf8_lossy(input);
        Self::read::<Money>(&text);
        Self::read::<Quantity>(&text);
        Self::read::<Timestamp>(&text);
        Self::read::<Barcode>(&text);
        Self::read::<OrderId>(&text);
        Self::read::<ItemId>(&text);
        Self::read::<StoreId>(&text);
        Self::read::<PaymentId>(&text);
        Self::read::<ChangeId>(&text);
        Self::read::<DeskId>(&text);
        Self::read::<Epoch>(&text);
        Self::read::<Incarnation>(&text);
        Self::read::<OrderStatus>(&text);
        if let (Ok(money), Ok(quantity)) = (text.parse::<Money>(), text.parse::<Quantity>()) {
            // Nothing wraps around: a sum or a product that has no place is none.
            assert!(money.times(quantity).minor() >= 0 || money.minor() < 0, "{money} times {quantity}");
        }
        drop(Money::parse_non_negative(&text));
        drop(text.parse::<Availability>());
        drop(text.parse::<ItemChange>());
        drop(text.parse::<Speed>());
        are_brokers(&text);
    }
}
