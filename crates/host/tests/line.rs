//! A desk whose line cannot be opened on this computer: it opens all the same, and shows why it has none.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use aisle_app::{App, Desk};
use aisle_host::StandardLauncher;
use aisle_mirror::Mirror;
use aisle_sync::SystemClock;
use aisle_testkit::fixtures::CERTIFICATE;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

fn app(dir: &Path) -> App {
    // No test leaves an entry in the keychain of whoever runs it.
    let launcher = StandardLauncher::new(dir.join("desk")).with_keychain(false);
    App::new(Arc::new(launcher), Arc::new(SystemClock::default()))
}

/// The desk of a secured line, closed again, and the files of its line: the password and the authority's certificate.
fn closed_desk(dir: &Path) -> [PathBuf; 2] {
    let files = ["password", "ca.pem"].map(|name| dir.join(name));
    std::fs::write(&files[0], "hunter2\n").unwrap();
    std::fs::write(&files[1], CERTIFICATE).unwrap();
    let desk = app(dir);
    desk.start().unwrap();
    let settings = json!({
        "store_id": "367", "desk_name": "Front", "brokers": "127.0.0.1:1", "topic_prefix": "aisle",
        "security": "sasl_ssl", "username": "store-367", "password_file": files[0], "ca_file": files[1],
    });
    desk.call("connect", settings).unwrap();
    desk.quit(Duration::ZERO);
    files
}

/// The folder's desk. An earlier one's threads let go of the folder a moment after it was closed.
fn opened(dir: &Path) -> App {
    let end = Instant::now() + PATIENCE;
    let desk = app(dir);
    while let Err(error) = desk.start() {
        assert!(error.code == "folder_in_use" && Instant::now() < end, "{error:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    desk
}

/// The line, once it is as wanted.
fn link(desk: &App, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let link = desk.call("status", Value::Null).unwrap()["link"].clone();
        if wanted(&link) {
            return link;
        }
        assert!(Instant::now() < end, "{link}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_desk_opens_without_a_file_of_its_line_and_names_it() {
    let dir = tempfile::tempdir().unwrap();
    for file in closed_desk(dir.path()) {
        let aside = file.with_extension("aside");
        std::fs::rename(&file, &aside).unwrap();
        let desk = opened(dir.path());
        assert_eq!(desk.call("session", Value::Null).unwrap()["state"], "desk");
        let name = file.display().to_string();
        link(&desk, |link| link["cause"].as_str().is_some_and(|cause| cause.contains(&name)));
        desk.quit(Duration::ZERO);
        drop(desk);
        std::fs::rename(&aside, &file).unwrap();
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(Into::into)
}

#[test]
fn a_line_that_is_closed_is_told_at_this_computer_and_opens_again_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let [password, _] = closed_desk(dir.path());
    let aside = password.with_extension("aside");
    std::fs::rename(&password, &aside).unwrap();
    let desk = opened(dir.path());
    let closed = link(&desk, |link| link["hint"].is_string());
    assert_eq!(closed["state"], "this_computer", "{closed}");
    assert_eq!(closed["hint"], "put the file where this desk looks for it");
    // Another program that only reads the folder, as aisle status does, tells the same.
    let beside =
        Desk::offline(Mirror::open_read_only(&dir.path().join("desk")).unwrap(), Arc::new(SystemClock::default()))
            .unwrap();
    let end = Instant::now() + PATIENCE;
    let tells = |link: &aisle_app::views::LinkView| (link.cause.clone(), link.hint.clone());
    while tells(&beside.status().unwrap().link) != (text(&closed["cause"]), text(&closed["hint"])) {
        assert!(Instant::now() < end, "{:?}", beside.status().unwrap().link);
        std::thread::sleep(Duration::from_millis(100));
    }
    std::fs::rename(&aside, &password).unwrap();
    desk.call("send_now", Value::Null).unwrap();
    let open = link(&desk, |link| link["state"] == "central");
    assert_eq!(open["cause"], "central's machines refuse the connection", "it is open, and nobody is there");
    assert_eq!(open["hint"], Value::Null);
    desk.quit(Duration::ZERO);
}
