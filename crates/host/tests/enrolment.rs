//! A desk of a window or a browser that takes an enrolment file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::{path::Path, sync::Arc, time::Duration};

use aisle_app::App;
use aisle_central::{Centre, EnrolOptions, NewStore, SystemClock as CentralClock};
use aisle_contract::TopicNames;
use aisle_domain::StoreId;
use aisle_host::StandardLauncher;
use aisle_sync::SystemClock;
use serde_json::{Value, json};

fn app(dir: &Path) -> App {
    // No test leaves an entry in the keychain of whoever runs it.
    let launcher = StandardLauncher::new(dir.join("desk")).with_keychain(false);
    App::new(Arc::new(launcher), Arc::new(SystemClock::default()))
}

/// The text of a file for store 367, and the secrets in it.
fn enrolment(dir: &Path) -> (String, [String; 2]) {
    let centre = Centre::open(&dir.join("central.db"), TopicNames::default(), Arc::new(CentralClock)).unwrap();
    let options = EnrolOptions { brokers: "127.0.0.1:1".into(), secured: true, ..EnrolOptions::default() };
    let new = NewStore::new(StoreId::new(367).unwrap(), "Market Street", "1 Market Street");
    centre.add_and_enrol(new, &options, &dir.join("store.json")).unwrap();
    let text = std::fs::read_to_string(dir.join("store.json")).unwrap();
    let said: Value = serde_json::from_str(&text).unwrap();
    let secret = |value: &Value| value.as_str().unwrap().to_owned();
    (text, [secret(&said["password"]), secret(&said["key"]["secret"])])
}

fn shows_none(what: &impl std::fmt::Debug, secrets: &[String]) {
    let text = format!("{what:?}");
    assert!(!secrets.iter().any(|secret| text.contains(secret.as_str())), "a secret is shown");
}

#[test]
fn a_file_is_shown_without_its_secrets_and_then_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (text, secrets) = enrolment(dir.path());
    let app = app(dir.path());
    app.start().unwrap();
    let events = app.subscribe();
    let shown = app.call("read_enrolment", json!({ "text": text })).unwrap();
    assert_eq!((&shown["store_id"], &shown["store_name"]), (&json!("367"), &json!("Market Street")));
    assert_eq!((&shown["brokers"], &shown["secured"]), (&json!("127.0.0.1:1"), &json!(true)));
    assert!(!dir.path().join("desk").exists(), "looking makes nothing");
    let session = app.call("enrol", json!({ "text": text, "desk_name": " Front " })).unwrap();
    assert_eq!((&session["state"], &session["desk"]["name"]), (&json!("desk"), &json!("Front")));
    let status = app.call("status", Value::Null).unwrap();
    assert_eq!((&status["signed"], &status["secrets"]), (&json!(true), &json!("file")));
    let settings = app.call("settings", Value::Null).unwrap();
    let again = app.call("enrol", json!({ "text": text, "desk_name": "Back" })).unwrap_err();
    assert_eq!(again.code, "folder_in_use");
    app.quit(Duration::ZERO);
    shows_none(&(shown, session, status, settings, again), &secrets);
    shows_none(&events.try_iter().collect::<Vec<_>>(), &secrets);
}

#[test]
fn a_file_that_is_refused_makes_no_desk_and_no_error_repeats_it() {
    let dir = tempfile::tempdir().unwrap();
    let (text, secrets) = enrolment(dir.path());
    let app = app(dir.path());
    app.start().unwrap();
    let torn = &text[..text.len() - 40];
    let wrong = [
        json!({ "text": torn, "desk_name": "Front" }),
        json!({ "text": text.replace("127.0.0.1:1", "127.0.0.1:2"), "desk_name": "Front" }),
        json!({ "text": { "password": secrets[0] }, "desk_name": "Front" }),
        json!({ "text": "x", "desk_name": "Front", "more": secrets[1] }),
    ];
    for params in wrong {
        let refused = app.call("enrol", params).unwrap_err();
        assert!(["bad_enrolment", "not_understood"].contains(&refused.code.as_str()), "{refused:?}");
        shows_none(&refused, &secrets);
    }
    assert!(!dir.path().join("desk").exists());
    assert_eq!(app.call("session", Value::Null).unwrap()["state"], "first_run");
}

#[test]
fn an_enrolment_that_cannot_be_kept_leaves_no_desk_and_can_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let (text, secrets) = enrolment(dir.path());
    let desk = app(dir.path());
    desk.start().unwrap();
    // Where the secrets are written first lies something that cannot be taken away.
    let in_the_way = dir.path().join("desk/secrets.part/full");
    std::fs::create_dir_all(&in_the_way).unwrap();
    for _ in 0..2 {
        let refused = desk.call("enrol", json!({ "text": text, "desk_name": "Front" })).unwrap_err();
        assert_eq!(refused.code, "io_error");
        let hint = refused.hint.clone().unwrap();
        assert!(!hint.contains("--"), "whoever sees it has no command line: {hint}");
        shows_none(&refused, &secrets);
        assert_eq!(desk.call("session", Value::Null).unwrap()["state"], "first_run");
        assert_eq!(app(dir.path()).start(), Ok(()), "and a new start ends in the first screen");
    }
    assert!(!dir.path().join("desk/aisle.db").exists());
    std::fs::remove_dir_all(in_the_way.parent().unwrap()).unwrap();
    let session = desk.call("enrol", json!({ "text": text, "desk_name": "Front" })).unwrap();
    assert_eq!(session["state"], "desk");
    assert_eq!(desk.call("status", Value::Null).unwrap()["signed"], true);
    desk.quit(Duration::ZERO);
}

#[test]
fn a_desk_opens_without_its_secrets_and_shows_why_it_has_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let (text, _) = enrolment(dir.path());
    let first = app(dir.path());
    first.start().unwrap();
    first.call("enrol", json!({ "text": text, "desk_name": "Front" })).unwrap();
    first.quit(Duration::ZERO);
    drop(first);
    std::fs::remove_file(dir.path().join("desk/secrets")).unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(20);
    let second = app(dir.path());
    // The first one's threads let go of the folder a moment after it was closed.
    while let Err(error) = second.start() {
        assert!(error.code == "folder_in_use" && std::time::Instant::now() < end, "{error:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(second.call("session", Value::Null).unwrap()["state"], "desk");
    loop {
        let cause = second.call("status", Value::Null).unwrap()["link"]["cause"].to_string();
        if cause.contains("password and key cannot be read") {
            break;
        }
        assert!(std::time::Instant::now() < end, "{cause}");
        std::thread::sleep(Duration::from_millis(100));
    }
    second.quit(Duration::ZERO);
}

#[test]
fn the_secrets_go_to_the_address_that_was_enrolled_and_to_no_typed_one() {
    let dir = tempfile::tempdir().unwrap();
    let (text, _) = enrolment(dir.path());
    let app = app(dir.path());
    app.start().unwrap();
    app.call("enrol", json!({ "text": text, "desk_name": "Front" })).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let typed = json!({
        "store_id": "367", "desk_name": "Front", "brokers": listener.local_addr().unwrap().to_string(),
        "topic_prefix": "aisle", "security": "sasl_ssl", "username": "store-367", "password_file": "/dev/null",
        "ca_file": null,
    });
    let report = app.call("test_connection", typed).unwrap();
    assert_eq!(report["ok"], false);
    assert!(listener.accept().is_err(), "nobody came");
    app.quit(Duration::ZERO);
}
