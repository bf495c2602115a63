//! What the window itself must do, whatever page it shows: who may call what, what is told when the folder cannot be
//! opened, how it ends.

use std::time::Duration;

use aisle_app::Launcher;
use aisle_host::StandardLauncher;
use aisle_testkit::window::{PATIENCE, Theme, Window, can_show, until};
use serde_json::{Value, json};

use crate::store;

/// What the window may be made no smaller than.
const SMALLEST: (u32, u32) = (1180, 640);

fn open(data: &std::path::Path) -> Window {
    Window::open(data, Theme::Light)
}

fn connection() -> Value {
    json!({
        "store_id": "367", "desk_name": "", "brokers": store::NOWHERE, "topic_prefix": "", "security": "plaintext",
        "username": null, "password_file": null, "ca_file": null,
    })
}

#[test]
fn the_page_may_call_the_table_and_hear_events_and_nothing_else() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let window = open(&dir.path().join("desk"));
    assert_eq!(window.call("session", &Value::Null).unwrap()["state"], "first_run");
    assert_eq!(window.call("sing", &Value::Null).unwrap_err()["code"], "not_understood");
    assert_eq!(window.call("orders", &Value::Null).unwrap_err()["code"], "no_desk");
    for command in [
        "greet",
        "session",
        "plugin:window|set_title",
        "plugin:webview|create_webview_window",
        "plugin:event|emit",
        "plugin:app|version",
        "plugin:path|resolve_directory",
        "plugin:shell|open",
        "plugin:fs|read_file",
    ] {
        let error = window.invoke(command, &json!({})).unwrap_err();
        let error = error.as_str().unwrap().to_owned();
        assert!(error.contains("not allowed") || error.contains("not found"), "{command}: {error}");
    }
}

#[test]
fn the_page_runs_its_own_script_only_and_never_leaves() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let window = open(&dir.path().join("desk"));
    let own = window.js("return location.href");
    assert_eq!(window.errors(), Vec::<String>::new(), "the page itself keeps to its policy");
    let inline = "const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.head.append(script);
        return window.ran ?? null";
    assert_eq!(window.js(inline), Value::Null);
    assert!(window.js_later("return (await fetch('http://127.0.0.1:1/')).status", &[]).is_err());
    window.js("setTimeout(() => { throw new Error('thrown on purpose') }); Promise.reject('rejected on purpose')");
    for told in ["policy: script-src", "policy: connect-src", "thrown on purpose", "rejected on purpose"] {
        until(told, PATIENCE, || window.errors().iter().any(|error| error.contains(told)).then_some(()));
    }
    let link = "const link = document.createElement('a');
        Object.assign(link, { id: 'away', href: 'https://example.invalid/', target: '_blank', textContent: 'away' });
        document.body.prepend(link)";
    window.js(link);
    window.click("#away");
    window.js("location.href = 'https://example.invalid/'");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(window.js("return location.href"), own);
    assert_eq!(window.windows().len(), 1);
}

#[test]
fn the_page_has_the_system_s_theme_and_fits_the_smallest_window() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (theme, dark, name) in [(Theme::Light, false, "first-light"), (Theme::Dark, true, "first-dark")] {
        let window = Window::open(&dir.path().join(name), theme);
        assert_eq!(window.js("return matchMedia('(prefers-color-scheme: dark)').matches"), json!(dark));
        window.set_size(SMALLEST.0, SMALLEST.1);
        assert_eq!(window.picture(name), SMALLEST);
        let beyond = "const page = document.documentElement;
            return [page.scrollWidth - innerWidth, page.scrollHeight - innerHeight].map(beyond => Math.max(beyond, 0))";
        assert_eq!(window.js(beyond), json!([0, 0]), "the page is larger than the window");
    }
}

#[test]
fn a_sample_store_rings_in_the_window_within_ten_seconds() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("desk");
    let window = open(&data);
    let listen = "window.heard = [];
        const handler = window.__TAURI_INTERNALS__.transformCallback(event => window.heard.push(event.payload));
        return await window.__TAURI_INTERNALS__.invoke('plugin:event|listen', { event: 'aisle', target: { kind: 'WebviewWindow', label: 'main' }, handler })";
    window.js_later(listen, &[]).unwrap();
    let session = window.call("rehearse", &Value::Null).unwrap();
    assert_eq!((&session["state"], &session["rehearsal"]), (&json!("desk"), &json!(true)));
    let order = until("an order rings", Duration::from_secs(10), || {
        let heard =
            window.js("return window.heard.find(event => event.type === 'alarm' && event.ringing) ?? null");
        heard["order_id"].as_str().map(str::to_owned)
    });
    assert_eq!(window.call("order", &json!({ "order_id": order })).unwrap()["status"], "new");
    // Where there is nothing to ring with, a bar says so, and trying it once more finds it so again.
    if !std::path::Path::new("/dev/snd").exists() {
        window.sees("[data-testid=banner]", "This computer has no sound", PATIENCE);
        window.call("test_alarm", &Value::Null).unwrap();
        assert_eq!(window.call("sound", &Value::Null).unwrap(), json!(false));
    }
    assert!(!data.join("aisle.db").exists(), "a rehearsal leaves the desk's own folder as it was");
    window.terminate();
    until("the window is closed", Duration::from_secs(10), || window.has_ended().then_some(()));
}

#[test]
fn a_folder_that_another_window_has_open_is_told_and_left_alone() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    assert_eq!(first.call("connect", &connection()).unwrap()["state"], "desk");
    let second = open(dir.path());
    let error = second.call("session", &Value::Null).unwrap_err();
    assert_eq!(error["code"], "folder_in_use");
    assert!(error["message"].as_str().unwrap().contains(&*dir.path().to_string_lossy()), "{error}");
    assert_eq!(second.call("rehearse", &Value::Null).unwrap_err()["code"], "folder_in_use");
    second.terminate();
    until("the second window is closed", PATIENCE, || second.has_ended().then_some(()));
    assert_eq!(first.call("session", &Value::Null).unwrap()["state"], "desk");
}

#[test]
fn a_damaged_and_a_newer_database_are_told_and_not_touched() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    drop(StandardLauncher::new(dir.path().into()).connect(&store::settings()).unwrap());
    let file = dir.path().join("aisle.db");
    let sound = std::fs::read(&file).unwrap();
    // SQLite keeps the schema's version here, big endian.
    let mut newer = sound.clone();
    newer[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    let mut broken = sound;
    broken[..100].fill(0x5a);
    for (bytes, code) in [(newer, "db_newer"), (broken, "db_damaged")] {
        std::fs::write(&file, &bytes).unwrap();
        let window = open(dir.path());
        let error = window.call("session", &Value::Null).unwrap_err();
        assert_eq!(error["code"], code, "{error}");
        assert!(error["hint"].is_string(), "{error}");
        assert_eq!(window.call("connect", &connection()).unwrap_err()["code"], code);
        window.terminate();
        until("the window is closed", PATIENCE, || window.has_ended().then_some(()));
        assert!(std::fs::read(&file).unwrap() == bytes, "the file was changed");
    }
}

#[test]
fn quitting_names_what_stays_unsent_and_nothing_held_is_lost() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = store::cut_off(dir.path(), 2);
    let window = open(&data);
    let main = window.windows();
    let queue = window.call("orders", &Value::Null).unwrap();
    let order = queue["new"][0]["order_id"].clone();
    let receipt = window.call("accept_order", &json!({ "order_id": order })).unwrap();
    assert_eq!(receipt["undo"]["hold_ms"], 5000);
    window.terminate();
    let notice = until("the notice is shown", Duration::from_secs(8), || {
        window.windows().into_iter().find(|other| !main.contains(other))
    });
    window.switch_to(&notice);
    let said = until("the notice has its text", PATIENCE, || window.text("main").filter(|text| !text.is_empty()));
    assert!(said.contains("1 change is not sent yet"), "{said}");
    assert!(window.js("return typeof window.__TAURI_INTERNALS__?.invoke").is_string());
    let error = window.call("session", &Value::Null).unwrap_err();
    assert!(error.as_str().unwrap().contains("not allowed"), "{error}");
    until("the window ends by itself", Duration::from_secs(15), || window.has_ended().then_some(()));
    drop(window);
    // Released and saved: the next start has it, ready to go.
    let again = open(&data);
    assert_eq!(again.call("order", &json!({ "order_id": order })).unwrap()["status"], "running");
    let outbox = again.call("status", &Value::Null).unwrap()["outbox"].clone();
    assert_eq!((&outbox["held"], &outbox["ready"]), (&json!(0), &json!(1)), "{outbox}");
}

#[test]
fn without_a_screen_the_program_says_so_and_ends() {
    let output = std::process::Command::new(aisle_testkit::window::program())
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no screen"), "{output:?}");
}
