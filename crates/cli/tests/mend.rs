//! Backups, what needs somebody, and a centre's histories, from a terminal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::{path::Path, sync::Arc, time::Duration};

use aisle_bus::Bus;
use aisle_central::{Centre, Stop, SystemClock, TopicsOptions, WorkOptions};
use aisle_contract::{ChangeEnvelope, ChangeMessage, Outgoing, TopicNames, partition_of};
use aisle_domain::{Change, ChangeId, DeskId, Incarnation, Lane, StoreId, Timestamp, change::StorePaused};
use aisle_testkit::program::{Answer, Program};
use uuid::Uuid;

fn program(dir: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_aisle"))
        .with("AISLE_DATA", dir.join("desk"))
        .with("AISLE_CENTRAL_DB", dir.join("central.db"))
}

fn desk(dir: &Path, store: &str) -> Program {
    let program = program(dir);
    let made = program.run(&["init", "--store", store, "--brokers", "127.0.0.1:9"]).unwrap();
    assert_eq!(made.code, 0, "{}", made.stderr);
    program
}

fn done(answer: &Answer) -> &serde_json::Value {
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    &answer.json
}

fn told(answer: &Answer, code: i32, error: &str) {
    assert_eq!((answer.code, answer.error_code()), (code, error), "{}", answer.stderr);
    assert!(!answer.error["message"].as_str().unwrap().is_empty());
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).display().to_string()
}

#[test]
fn a_backup_is_written_once_and_brought_back_with_what_was_done_since() {
    let dir = tempfile::tempdir().unwrap();
    let program = desk(dir.path(), "367");
    let file = path(dir.path(), "backup.db");
    let before = done(&program.run(&["backup", &file]).unwrap())["incarnation"].clone();
    told(&program.run(&["backup", &file]).unwrap(), 4, "file_exists");
    let added = program.run(&["item", "add", "--name", "Local honey", "--price", "7.99"]).unwrap();
    let change = done(&added)["change_id"].as_str().unwrap().to_owned();
    told(&program.run(&["restore", &file]).unwrap(), 2, "usage");
    let restored = program.run(&["restore", &file, "--yes"]).unwrap();
    assert_eq!(done(&restored)["outbox_kept"], 1);
    assert_ne!(restored.json["incarnation"], before);
    let status = program.run(&["status"]).unwrap();
    assert_eq!(done(&status)["incarnation"], restored.json["incarnation"]);
    assert_eq!(done(&program.run(&["outbox", "show", &change]).unwrap())["state"], "ready");
    assert_eq!(program.run(&["verify"]).unwrap().code, 0);
    let log = program.run(&["audit", "list", "--subject", "store"]).unwrap();
    let kinds: Vec<_> =
        done(&log)["items"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["desk.renumbered", "desk.restored"]);
}

#[test]
fn what_is_no_backup_of_this_store_is_refused() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = desk(dir.path(), "367");
    let file = path(other.path(), "backup.db");
    done(&desk(other.path(), "368").run(&["backup", &file]).unwrap());
    told(&program.run(&["restore", &file, "--yes"]).unwrap(), 4, "wrong_store");
    told(&program.run(&["restore", &path(dir.path(), "nowhere"), "--yes"]).unwrap(), 3, "not_found");
    let text = path(dir.path(), "text");
    std::fs::write(&text, "not a database").unwrap();
    told(&program.run(&["restore", &text, "--yes"]).unwrap(), 7, "db_damaged");
}

#[test]
fn what_is_not_refused_not_parked_and_no_conflict_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let program = desk(dir.path(), "367");
    let added = program.run(&["item", "add", "--name", "Local honey", "--price", "7.99"]).unwrap();
    let change = done(&added)["change_id"].as_str().unwrap().to_owned();
    for verb in ["close", "resend"] {
        told(&program.run(&["outbox", verb, &change]).unwrap(), 4, "not_refused");
        let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
        told(&program.run(&["outbox", verb, nobody]).unwrap(), 3, "not_found");
    }
    told(&program.run(&["parked", "retry", "5"]).unwrap(), 3, "not_found");
    told(&program.run(&["parked", "show", "x"]).unwrap(), 2, "bad_id");
    assert_eq!(done(&program.run(&["parked", "retry"]).unwrap())["items"], serde_json::json!([]));
    assert_eq!(done(&program.run(&["conflict", "list"]).unwrap())["items"], serde_json::json!([]));
    told(&program.run(&["conflict", "resolve", "5", "--keep", "mine"]).unwrap(), 3, "not_found");
}

#[test]
fn a_centre_begins_another_history_only_when_that_is_meant() {
    let dir = tempfile::tempdir().unwrap();
    let program = program(dir.path());
    told(&program.run(&["central", "new-epoch", "--yes"]).unwrap(), 3, "not_found");
    let store = ["central", "stores", "add", "367", "--name", "Store", "--address1", "1 Market Street"];
    done(&program.run(&store).unwrap());
    let digest = ["central", "digest", "--store", "367"];
    let before = done(&program.run(&digest).unwrap())["epoch"].clone();
    told(&program.run(&["central", "new-epoch"]).unwrap(), 2, "usage");
    assert_eq!(done(&program.run(&digest).unwrap())["epoch"], before);
    let begun = program.run(&["central", "new-epoch", "--yes"]).unwrap();
    assert_ne!(done(&begun)["epoch"], before);
    assert_eq!(done(&program.run(&digest).unwrap())["epoch"], begun.json["epoch"]);
    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    told(&program.run(&["central", "desks", "retire", nobody]).unwrap(), 3, "not_found");
    for verb in ["show", "replay", "skip"] {
        told(&program.run(&["central", "dead-letters", verb, "1"]).unwrap(), 3, "not_found");
    }
    assert_eq!(done(&program.run(&["central", "dead-letters", "list"]).unwrap())["items"], serde_json::json!([]));
}

/// A worker of the centre over a bus on which a change of a store lies that central does not know, and behind it
/// something unreadable.
fn bury_two(dir: &Path, store: StoreId) {
    let bus = Bus::new("bus-1", || Timestamp::from_millis(1_700_000_000_000));
    let centre = Centre::open(&dir.join("central.db"), TopicNames::default(), Arc::new(SystemClock)).unwrap();
    assert!(centre.topics(&bus, &TopicsOptions { create: true, ..TopicsOptions::default() }).unwrap().ok);
    let envelope = ChangeEnvelope {
        change_id: ChangeId(Uuid::from_u128(1)),
        store,
        desk: DeskId(Uuid::from_u128(2)),
        incarnation: Incarnation(3),
        lane: Lane::Orders,
        seq: 1,
        replaces: None,
        staff: "Ana".into(),
        acted_at: Timestamp::from_millis(1_700_000_000_000),
        key_id: None,
    };
    let change = Change::StorePaused(StorePaused { until: None });
    let topic = TopicNames::default().changes();
    let good = ChangeMessage { envelope, change }.encode(&topic, partition_of(store, 12), None).unwrap();
    let bad =
        Outgoing { headers: vec![("note".into(), b"x".to_vec())], value: Some(b"{".to_vec()), ..good.clone() };
    assert!(bus.append(vec![good, bad]).iter().all(Result::is_ok));
    let options =
        WorkOptions { until_idle: true, timeout: Some(Duration::from_secs(30)), ..WorkOptions::default() };
    assert_eq!(centre.work(&bus, &options, &Stop::new()).unwrap().summary.dead, 2);
}

#[test]
fn a_dead_letter_is_shown_replayed_once_its_store_is_known_and_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let program = program(dir.path());
    let letters = |verb: &str, id: &str| program.run(&["central", "dead-letters", verb, id]).unwrap();
    bury_two(dir.path(), StoreId::new(367).unwrap());
    let listed = program.run(&["central", "dead-letters", "list", "--limit", "1"]).unwrap();
    assert_eq!(done(&listed)["items"], serde_json::json!([done(&letters("show", "1"))]));
    assert!(!listed.json["next"].is_null(), "the other is on the next page");
    let shown = letters("show", "2");
    assert_eq!(done(&shown)["headers"], serde_json::json!([["note", "x"]]));
    assert_eq!((&shown.json["value"], &shown.json["offset"]), (&"{".into(), &1.into()));
    told(&letters("replay", "1"), 2, "bad_value");
    let store = ["central", "stores", "add", "367", "--name", "Store", "--address1", "1 Market Street"];
    done(&program.run(&store).unwrap());
    assert_eq!(done(&letters("replay", "1"))["state"], "replayed");
    assert_eq!(done(&letters("skip", "2"))["state"], "skipped");
    told(&letters("replay", "2"), 2, "bad_value");
    told(&letters("show", "two"), 2, "bad_id");
    let states: Vec<_> = program.run(&["central", "dead-letters", "list"]).unwrap().rows();
    assert_eq!(states.iter().map(|letter| letter["state"].clone()).collect::<Vec<_>>(), ["replayed", "skipped"]);
}
