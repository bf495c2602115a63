//! A store that has a key: only what is signed with it is believed.

use aisle_contract::{Enrolment, attributes::STRUCTURED};

use super::*;
use crate::EnrolOptions;

fn options() -> EnrolOptions {
    EnrolOptions { brokers: "127.0.0.1:9092".into(), ..EnrolOptions::default() }
}

impl Bench {
    fn enrol_with(&self, store: StoreId, options: &EnrolOptions) -> StoreKey {
        let file = self.folder.path().join(format!("{}.json", Uuid::new_v4()));
        self.centre.enrol(store, options, &file).unwrap();
        Enrolment::parse(&std::fs::read_to_string(file).unwrap()).unwrap().store_key().unwrap()
    }

    fn enrol(&self) -> StoreKey {
        self.enrol_with(store_id(), &options())
    }

    fn accepted(&mut self, key: Option<&StoreKey>, seq: i64, id: u128) -> Incoming {
        self.signed(store_id(), key, DESK, seq, id, accept())
    }

    fn alarms(&self) -> Vec<(String, i64)> {
        let stores = self.centre.list_stores().unwrap();
        let own = stores.into_iter().find(|s| s.store_id == store_id()).unwrap();
        own.alarms.into_iter().map(|a| (a.kind, a.count)).collect()
    }

    /// Nothing at all of the records has happened but that they were put aside and rang.
    fn is_untouched_by(&mut self, records: &[Incoming], kind: &str) {
        let before = (self.order(), self.centre.list_stores().unwrap()[0].desks.clone());
        self.sent(Lane::Orders);
        let applied = self.apply(records);
        assert_eq!((applied.applied, applied.refused, applied.dropped, applied.duplicates), (0, 0, 0, 0));
        assert_eq!(applied.dead, records.len() as u64);
        assert_eq!(applied.alarms.iter().map(|a| a.kind).collect::<Vec<_>>(), vec![kind; records.len()]);
        assert_eq!((self.order(), self.centre.list_stores().unwrap()[0].desks.clone()), before);
        assert_eq!(self.sent(Lane::Orders), [], "nobody is answered");
    }
}

fn other_store(bench: &Bench) -> StoreId {
    let other = (1..10_000).map(|n| StoreId::new(n).unwrap()).find(|s| partition_of(*s, 12) == home()).unwrap();
    bench.centre.add_store(NewStore::new(other, "Other", "Main street 2")).unwrap();
    other
}

fn beat() -> HeartbeatMessage {
    HeartbeatMessage {
        id: change_id(77),
        store: store_id(),
        desk: DeskId(Uuid::from_u128(DESK.0)),
        incarnation: Incarnation(DESK.1),
        sent_at: at(5),
        body: Heartbeat {
            version: "0.1.0".into(),
            name: "Front".into(),
            outbox: 0,
            oldest_age_s: None,
            positions: Vec::new(),
            behind: None,
            clock: at(5),
            epoch: None,
        },
    }
}

#[test]
fn a_store_without_a_key_is_taken_unsigned_and_one_with_a_key_is_not() {
    let mut bench = Bench::with_order();
    assert!(!bench.centre.list_stores().unwrap()[0].signed);
    assert_eq!(bench.send(DESK, 1, 1, accept()).applied, 1);
    let key = bench.enrol();
    assert!(bench.centre.list_stores().unwrap()[0].signed);
    let unsigned = bench.record(DESK, 2, 2, claim(None, "unsigned"));
    bench.is_untouched_by(&[unsigned], "unsigned");
    let signed = bench.signed(store_id(), Some(&key), DESK, 2, 3, claim(None, "signed"));
    assert_eq!(bench.apply(&[signed]).applied, 1);
    assert_eq!(bench.order().claimed_by.as_deref(), Some("signed"), "the number was still free");
}

#[test]
fn a_forged_message_registers_no_desk_and_moves_no_number() {
    let mut bench = Bench::with_order();
    let key = bench.enrol();
    let stranger = StoreKey::new(key.id(), [1; 32]).unwrap();
    let forged = bench.accepted(Some(&stranger), 1, 1);
    bench.is_untouched_by(&[forged], "bad_signature");
    let nobody = StoreKey::new("k-nobody", [1; 32]).unwrap();
    let unknown = bench.accepted(Some(&nobody), 1, 2);
    bench.is_untouched_by(&[unknown], "unknown_key");
    let beat = bench.incoming(beat().encode("aisle.changes", home(), None).unwrap());
    bench.is_untouched_by(&[beat], "unsigned");
    assert!(bench.centre.list_stores().unwrap()[0].desks.is_empty());
    let good = bench.accepted(Some(&key), 1, 3);
    assert_eq!(bench.apply(&[good]).applied, 1);
}

#[test]
fn a_changed_attribute_or_body_is_not_believed() {
    let mut bench = Bench::with_order();
    let key = bench.enrol();
    let mut staff = bench.accepted(Some(&key), 1, 1);
    for (name, value) in &mut staff.headers {
        if name == "ce_staff" {
            *value = b"somebody else".to_vec();
        }
    }
    let mut body = bench.accepted(Some(&key), 1, 2);
    body.value = Some(String::from_utf8(body.value.unwrap()).unwrap().replace("new", "New").into_bytes());
    let mut kind = bench.accepted(Some(&key), 1, 3);
    for (name, value) in &mut kind.headers {
        if name == "ce_type" {
            *value = b"aisle.order.teleported.v1".to_vec();
        }
    }
    bench.is_untouched_by(&[staff, body, kind], "bad_signature");
    assert_eq!(bench.alarms(), [("bad_signature".to_owned(), 3)]);
}

#[test]
fn one_stores_key_is_no_key_of_another_store_and_its_desk_is_no_desk_there() {
    let mut bench = Bench::with_order();
    let other = other_store(&bench);
    let (own, theirs) = (bench.enrol(), bench.enrol_with(other, &options()));
    // The other store's key for this store, under its own name and under this store's.
    let renamed = StoreKey::from_text(own.id(), &theirs.secret_text()).unwrap();
    let wrong = bench.accepted(Some(&theirs), 1, 1);
    bench.is_untouched_by(&[wrong], "unknown_key");
    let wrong = bench.accepted(Some(&renamed), 1, 2);
    bench.is_untouched_by(&[wrong], "bad_signature");
    // This store's desk and numbering, rightly signed for the other store: it speaks for a store that is not its own.
    let first = bench.accepted(Some(&own), 1, 3);
    assert_eq!(bench.apply(&[first]).applied, 1);
    let astray = bench.signed(other, Some(&theirs), DESK, 2, 4, claim(None, "x"));
    let applied = bench.apply(&[astray]);
    assert_eq!((applied.dead, applied.alarms[0].kind, applied.alarms[0].store), (1, "foreign_desk", other));
    let next = bench.signed(store_id(), Some(&own), DESK, 2, 5, claim(None, "own"));
    assert_eq!(bench.apply(&[next]).applied, 1, "this store's numbering was not touched");
}

#[test]
fn keys_overlap_until_they_are_retired() {
    let mut bench = Bench::with_order();
    let (first, second) = (bench.enrol(), bench.enrol());
    let one = bench.accepted(Some(&first), 1, 1);
    let two = bench.signed(store_id(), Some(&second), OTHER, 1, 2, claim(None, "second"));
    assert_eq!(bench.apply(&[one, two]).applied, 2);
    let third = bench.enrol_with(store_id(), &EnrolOptions { retire_others: true, ..options() });
    let late = bench.signed(store_id(), Some(&first), DESK, 2, 3, claim(Some("second"), "late"));
    bench.is_untouched_by(&[late], "unknown_key");
    let new = bench.signed(store_id(), Some(&third), DESK, 2, 4, claim(Some("second"), "third"));
    assert_eq!(bench.apply(&[new]).applied, 1);
    let keys = bench.centre.list_stores().unwrap().remove(0).keys;
    let retired: Vec<bool> = keys.iter().map(|k| k.retired_at.is_some()).collect();
    assert_eq!(retired.iter().filter(|r| **r).count(), 2, "{keys:?}");
    assert_eq!(keys.iter().find(|k| k.key_id == third.id()).unwrap().retired_at, None);
}

#[test]
fn a_store_whose_keys_are_all_retired_is_not_taken_unsigned() {
    let mut bench = Bench::with_order();
    let key = bench.enrol();
    bench.ledger.write(|tx| tx.retire_keys_but(store_id(), "none", at(1))).unwrap();
    let unsigned = bench.record(DESK, 1, 1, accept());
    bench.is_untouched_by(&[unsigned], "unsigned");
    let signed = bench.accepted(Some(&key), 1, 2);
    bench.is_untouched_by(&[signed], "unknown_key");
}

#[test]
fn a_forged_dead_letter_cannot_be_replayed() {
    let mut bench = Bench::with_order();
    let key = bench.enrol();
    let forged = bench.record(DESK, 1, 1, accept());
    bench.apply(&[forged]);
    let letter = bench.dead()[0].id;
    let refused = bench.centre.replay_dead_letter(letter).unwrap_err();
    assert_eq!(refused.code(), "bad_value");
    assert!(refused.to_string().contains("not signed"), "{refused}");
    assert_eq!(bench.order().status, OrderStatus::New);
    assert_eq!(bench.centre.show_dead_letter(letter).unwrap().state, "open");
    // One that was rightly signed and put aside for another reason can.
    let record = bench.accepted(Some(&key), 1, 2);
    let place = bench.place();
    bench.ledger.write(|tx| bury_record(tx, place, &record, "the disk says no")).unwrap();
    let letter = bench.dead()[1].id;
    assert_eq!(bench.centre.replay_dead_letter(letter).unwrap().state, "replayed");
    assert_eq!(bench.order().status, OrderStatus::Running);
}

#[test]
fn a_forged_record_that_the_database_does_not_take_is_refused_to_nobody() {
    let mut bench = Bench::with_order();
    bench.enrol();
    let forged = bench.record(DESK, 1, 1, accept());
    let place = bench.place();
    let tally = bench.ledger.write(|tx| refuse_record(tx, place, &forged, "the disk says no")).unwrap();
    assert_eq!((tally.dead, tally.refused, tally.alarms.len()), (1, 0, 1));
    assert_eq!(bench.refusals(Lane::Orders), []);
}

#[test]
fn reading_the_log_again_rings_no_second_time() {
    let mut bench = Bench::with_order();
    bench.enrol();
    let forged = bench.record(DESK, 1, 1, accept());
    assert_eq!(bench.apply(std::slice::from_ref(&forged)).alarms.len(), 1);
    assert_eq!(bench.apply(&[forged]).alarms.len(), 0);
    assert_eq!(bench.alarms(), [("unsigned".to_owned(), 1)]);
}

#[test]
fn alarms_that_were_looked_into_are_listed_no_more_stay_in_the_audit_log_and_ring_again_for_what_comes_after() {
    let mut bench = Bench::with_order();
    bench.enrol();
    let other = other_store(&bench);
    let forged = bench.record(DESK, 1, 1, accept());
    bench.apply(std::slice::from_ref(&forged));
    let listed = bench.centre.list_alarms(None).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(bench.centre.list_alarms(Some(store_id())).unwrap(), listed);
    assert_eq!(bench.centre.list_alarms(Some(other)).unwrap(), []);
    assert_eq!(bench.centre.clear_alarms(other).unwrap(), [], "another store's stay");
    assert_eq!(bench.centre.clear_alarms(store_id()).unwrap(), listed, "what was cleared is told");
    assert_eq!((bench.centre.list_alarms(None).unwrap(), bench.alarms()), (Vec::new(), Vec::new()));
    assert_eq!(bench.centre.clear_alarms(store_id()).unwrap(), []);
    let kept = |store| {
        let mut ledger = bench.centre.ledger().unwrap();
        let audit = ledger.read(|tx| tx.history(store, Subject::Store)).unwrap();
        audit.into_iter().filter(|row| row.kind == "alarms.cleared").collect::<Vec<_>>()
    };
    assert_eq!((kept(store_id()).len(), kept(other).len()), (1, 0), "only what there was");
    assert!(kept(store_id())[0].detail.as_ref().unwrap().contains("\"kind\":\"unsigned\""));
    assert_eq!(
        bench.centre.list_dead_letters(None, 10).unwrap().items.len(),
        1,
        "what rang can still be looked at"
    );
    // The same record read again rings no more; the next one does.
    assert_eq!(bench.apply(&[forged]).alarms.len(), 0);
    let next = bench.record(DESK, 1, 2, accept());
    bench.apply(&[next]);
    assert_eq!(bench.alarms(), [("unsigned".to_owned(), 1)]);
    let unknown = bench.centre.clear_alarms(StoreId::new(9_999_999).unwrap()).unwrap_err();
    assert_eq!(unknown.code(), "not_found");
}

#[test]
fn whoever_claims_ever_new_desks_does_not_fill_the_alarms() {
    let mut bench = Bench::with_order();
    bench.enrol();
    let records: Vec<Incoming> =
        (0..150).map(|n| bench.record(TestDesk(1000 + n, 1), 1, 1000 + n, accept())).collect();
    bench.apply(&records);
    let alarms = bench.alarms();
    assert_eq!(alarms.len(), 101);
    assert_eq!(alarms.iter().map(|(_, count)| count).sum::<i64>(), 150, "all are counted");
}

#[test]
fn a_structured_event_is_believed_by_its_data_base64() {
    use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
    let mut bench = Bench::with_order();
    let key = bench.enrol();
    let binary = bench.accepted(Some(&key), 1, 1);
    let event = Event::of(&binary).unwrap();
    let mut fields: serde_json::Map<String, serde_json::Value> =
        event.attributes.iter().map(|(n, v)| (n.into(), v.into())).collect();
    let structured = |fields: &serde_json::Map<String, serde_json::Value>| Incoming {
        headers: vec![("content-type".into(), STRUCTURED.into())],
        value: Some(serde_json::to_vec(fields).unwrap()),
        ..binary.clone()
    };
    fields.insert("data".into(), serde_json::from_slice(&event.data).unwrap());
    bench.is_untouched_by(&[structured(&fields)], "unsigned");
    fields.remove("data");
    fields.insert("data_base64".into(), BASE64.encode(&event.data).into());
    assert_eq!(bench.apply(&[Incoming { offset: 50, ..structured(&fields) }]).applied, 1);
}

#[test]
fn an_enrolment_that_cannot_be_written_leaves_no_key() {
    let bench = Bench::with_order();
    let file = bench.folder.path().join("taken.json");
    std::fs::write(&file, "mine").unwrap();
    assert_eq!(bench.centre.enrol(store_id(), &options(), &file).unwrap_err().code(), "id_taken");
    let no_folder = bench.folder.path().join("no/such/file");
    assert_eq!(bench.centre.enrol(store_id(), &options(), &no_folder).unwrap_err().code(), "io_error");
    let no_brokers = EnrolOptions::default();
    let free = bench.folder.path().join("free.json");
    assert_eq!(bench.centre.enrol(store_id(), &no_brokers, &free).unwrap_err().code(), "bad_value");
    assert!(!free.exists());
    assert!(!bench.centre.list_stores().unwrap()[0].signed);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn one_user_a_store_whatever_is_enrolled_and_its_rights_are_exactly_these() {
    let bench = Bench::with_order();
    let secured = EnrolOptions { secured: true, ..options() };
    let file = |name: &str| bench.folder.path().join(name);
    let read = |name: &str| Enrolment::parse(&std::fs::read_to_string(file(name)).unwrap()).unwrap();
    let grants = |options: &crate::GrantsOptions| bench.centre.grants(store_id(), options);
    assert_eq!(grants(&crate::GrantsOptions::default()).unwrap_err().code(), "not_found");
    bench.centre.enrol(store_id(), &secured, &file("a")).unwrap();
    bench.centre.enrol(store_id(), &secured, &file("b")).unwrap();
    bench.centre.enrol(store_id(), &EnrolOptions { new_password: true, ..secured }, &file("c")).unwrap();
    let password = |name: &str| read(name).password.unwrap().expose().to_owned();
    assert_eq!(password("a"), password("b"));
    assert_ne!(password("b"), password("c"));
    assert_eq!(read("a").username.as_deref(), Some("store-367"));

    let given = grants(&crate::GrantsOptions { secret_file: Some(file("secret")), ..Default::default() }).unwrap();
    let rights: Vec<String> = given
        .grants
        .iter()
        .map(|g| format!("{} {} {} {:?}", g.resource, g.pattern, g.name, g.operations))
        .collect();
    assert_eq!(
        rights,
        [
            "topic literal aisle.changes [\"Write\", \"Describe\"]",
            "topic literal aisle.store.367.orders [\"Read\", \"Describe\"]",
            "topic literal aisle.store.367.catalog [\"Read\", \"Describe\"]",
            "group literal aisle-store-367 [\"Read\"]",
        ]
    );
    let secret = std::fs::read_to_string(file("secret")).unwrap();
    assert!(secret.contains(&password("c")));
    let told = serde_json::to_string(&given).unwrap();
    assert!(!told.contains(&password("c")), "no command holds the password");
    let taken = grants(&crate::GrantsOptions { revoke: true, ..Default::default() }).unwrap();
    assert!(taken.commands[0].line.contains("--remove --force --allow-principal User:store-367"));
    assert!(taken.commands.last().unwrap().line.contains("--delete-config SCRAM-SHA-512"));
}
