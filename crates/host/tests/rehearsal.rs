//! The sample store, as a person who tries Aisle meets it: an order's whole way in one process.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]

use std::{
    path::Path,
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

use aisle_app::{App, Event, views::SessionState};
use aisle_host::StandardLauncher;
use aisle_sync::SystemClock;
use serde_json::{Value, json};

fn app(dir: &Path) -> App {
    App::new(Arc::new(StandardLauncher::new(dir.join("desk"))), Arc::new(SystemClock::default()))
}

fn call(app: &App, method: &str, params: Value) -> Value {
    app.call(method, params).unwrap_or_else(|error| panic!("{method}: {}", error.message))
}

fn until<T>(limit: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn first_ring(events: &Receiver<Event>) -> String {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match events.recv_timeout(left) {
            Ok(Event::Alarm { order_id, ringing: true, .. }) => return order_id,
            Ok(_) => {}
            Err(error) => panic!("no order rang within ten seconds: {error}"),
        }
    }
}

fn order(app: &App, id: &str) -> Value {
    call(app, "order", json!({ "order_id": id }))
}

#[test]
fn an_order_rings_within_ten_seconds_and_goes_its_whole_way() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    assert_eq!(call(&app, "session", Value::Null)["state"], "first_run");
    let events = app.subscribe();
    let session = call(&app, "rehearse", Value::Null);
    assert_eq!((&session["state"], &session["rehearsal"]), (&json!("desk"), &json!(true)));
    let id = first_ring(&events);

    let key = json!({ "order_id": &id });
    let receipt = call(&app, "accept_order", key.clone());
    assert_eq!((&receipt["state"], &receipt["undo"]["hold_ms"]), (&json!("saved"), &json!(5000)));
    assert_eq!(order(&app, &id)["status"], "running");
    assert_eq!(call(&app, "status", Value::Null)["outbox"]["held"], 1);

    // Taken back, the order is new again, and accepted once more it is let go at once.
    call(&app, "undo", json!({ "change_id": receipt["change_id"] }));
    assert_eq!(order(&app, &id)["status"], "new");
    let again = call(&app, "accept_order", key);
    call(&app, "release", json!({ "change_id": again["change_id"] }));
    until(Duration::from_secs(30), "central receives the accept", || {
        (order(&app, &id)["sync"] == "received").then_some(())
    });

    // Its shopper pays, the payment is decided by the rule, and central confirms.
    let waiting = until(Duration::from_secs(120), "the shopper pays", || {
        let payments = call(&app, "payments", Value::Null);
        payments.as_array().unwrap().iter().find(|p| p["order_id"] == json!(id)).cloned()
    });
    let payment = waiting["payment_id"].clone();
    if waiting["verdict"] == "inside" {
        call(&app, "approve_payment", json!({ "payment_id": payment, "reason": null, "override_reason": null }));
    } else {
        let why = json!({ "payment_id": payment, "reason": "outside_range", "ends_order": true, "note": null });
        call(&app, "decline_payment", why);
    }
    let done = until(Duration::from_secs(30), "central confirms", || {
        let order = order(&app, &id);
        (order["status"] == "confirmed").then_some(order)
    });
    let kinds: Vec<&str> =
        done["history"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    for kind in
        ["central.queued", "central.range", "order.accepted", "withdrawn", "central.payment", "central.confirmed"]
    {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    assert_eq!(app.quit(Duration::from_secs(3)).unsent, 0);
}

#[test]
fn what_the_table_does_not_have_is_told_and_a_second_desk_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    assert_eq!(app.call("order", json!({ "order_id": "5" })).unwrap_err().code, "no_desk");
    assert_eq!(app.call("sing", Value::Null).unwrap_err().code, "not_understood");
    call(&app, "rehearse", Value::Null);
    assert_eq!(app.call("rehearse", Value::Null).unwrap_err().code, "folder_in_use");
    for (method, params, code) in [
        ("order", json!({ "order_id": "5" }), "not_found"),
        ("order", json!({ "order_id": "9223372036854775808" }), "bad_id"),
        ("order", json!({ "number": "5" }), "not_understood"),
        ("edit_item", json!({ "item_id": "1", "fields": { "unit_price": "1.234" } }), "not_found"),
        ("set_setting", json!({ "key": "theme", "value": "pink" }), "bad_value"),
        ("set_setting", json!({ "key": "push_interval_s", "value": "1" }), "bad_value"),
    ] {
        assert_eq!(app.call(method, params).unwrap_err().code, code, "{method}");
    }
    app.quit(Duration::from_secs(3));
}

#[test]
fn a_rehearsal_that_runs_is_left_alone_and_one_that_ended_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (app(dir.path()), app(dir.path()));
    let events = first.subscribe();
    call(&first, "rehearse", Value::Null);
    assert_eq!(second.call("rehearse", Value::Null).unwrap_err().code, "folder_in_use");
    let id = first_ring(&events);
    assert_eq!(order(&first, &id)["status"], "new");
    first.quit(Duration::from_secs(3));
    drop(first);
    let again = until(Duration::from_secs(10), "the folder is free", || second.call("rehearse", Value::Null).ok());
    assert_eq!(again["rehearsal"], json!(true));
    second.quit(Duration::from_secs(3));
}

#[test]
fn a_rehearsal_is_left_for_the_first_screen_and_rings_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    let events = app.subscribe();
    call(&app, "rehearse", Value::Null);
    until(Duration::from_secs(60), "an order rings", || {
        events.try_iter().any(|event| matches!(event, Event::Alarm { ringing: true, .. })).then_some(())
    });
    let session = call(&app, "leave_rehearsal", Value::Null);
    assert_eq!((&session["state"], &session["rehearsal"]), (&json!("first_run"), &json!(false)));
    assert_eq!(app.call("orders", Value::Null).unwrap_err().code, "no_desk");

    let told: Vec<Event> = events.try_iter().collect();
    let unheard = told.iter().rev().find_map(|event| match event {
        Event::Status { status } => Some(status.waiting.unheard),
        _ => None,
    });
    assert_eq!(unheard, Some(0), "whoever rings by the count is silent");
    let last_session = told.iter().rev().find_map(|event| match event {
        Event::Session { session } => Some(session.state),
        _ => None,
    });
    assert_eq!(last_session, Some(SessionState::FirstRun), "every page hears it");

    let again = until(Duration::from_secs(10), "the folder is free", || app.call("rehearse", Value::Null).ok());
    assert_eq!(again["rehearsal"], json!(true));
    app.quit(Duration::from_secs(3));
}

#[test]
fn only_a_rehearsal_is_left_and_never_a_stores_own_desk() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    assert_eq!(app.call("leave_rehearsal", Value::Null).unwrap_err().code, "not_found");
    let store = json!({
        "store_id": "367", "desk_name": "Desk 1", "brokers": "127.0.0.1:1", "topic_prefix": "aisle",
        "security": "plaintext", "username": null, "password_file": null, "ca_file": null,
    });
    call(&app, "connect", store);
    assert_eq!(app.call("leave_rehearsal", Value::Null).unwrap_err().code, "not_found");
    assert_eq!(call(&app, "session", Value::Null)["state"], "desk");
    app.quit(Duration::ZERO);
}

/// A print system of two commands: one that has a printer, and one that keeps its paper in a file.
#[cfg(unix)]
fn print_system(folder: &Path) -> aisle_host::SystemPrinter {
    use std::os::unix::fs::PermissionsExt;
    let paper = folder.join("paper");
    let lp = format!("[ -e {0}.jam ] && {{ echo 'lp: paper jam' >&2; exit 1; }}; cat >> {0}", paper.display());
    for (name, script) in [("lpstat", "echo kitchen"), ("lp", lp.as_str())] {
        let file = folder.join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    aisle_host::SystemPrinter::of(folder.into())
}

#[cfg(unix)]
#[test]
fn an_order_is_printed_when_it_is_accepted_and_a_jam_is_told_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let launcher = StandardLauncher::new(dir.path().join("desk")).with_printer(print_system(dir.path()));
    let app = App::new(Arc::new(launcher), Arc::new(SystemClock::default()));
    let events = app.subscribe();
    call(&app, "rehearse", Value::Null);
    call(&app, "set_setting", json!({ "key": "printer", "value": "kitchen" }));
    let id = first_ring(&events);
    let accepted = call(&app, "accept_order", json!({ "order_id": id }));
    let paper = dir.path().join("paper");
    let title = format!("Order {id}");
    until(Duration::from_secs(10), "the ticket comes out", || {
        std::fs::read_to_string(&paper).ok().filter(|text| text.contains(&title))
    });

    std::fs::write(dir.path().join("paper.jam"), "").unwrap();
    call(&app, "undo", json!({ "change_id": accepted["change_id"] }));
    call(&app, "accept_order", json!({ "order_id": id }));
    assert_eq!(order(&app, &id)["status"], "running", "it is accepted all the same");
    let end = Instant::now() + Duration::from_secs(10);
    let (order_id, error) = loop {
        let left = end.saturating_duration_since(Instant::now());
        if let Event::Unprinted { order_id, error } = events.recv_timeout(left).unwrap() {
            break (order_id, error);
        }
    };
    assert_eq!((order_id, error.code.as_str(), error.message.as_str()), (id, "printer_failed", "lp: paper jam"));
    app.quit(Duration::from_secs(3));
}
