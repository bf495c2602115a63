//! The first page: the ways into a desk, by keyboard alone.

use std::time::Duration;

use aisle_testkit::{
    fixtures,
    window::{PATIENCE, Theme, Window, can_show, until},
};
use serde_json::{Value, json};

/// Chooses a file as a person does in the system's own window, which no test can drive.
fn choose(window: &Window, text: &str) {
    let script = "const [text] = arguments;
        const input = document.querySelector('[data-testid=enrolment-file]');
        const files = new DataTransfer();
        files.items.add(new File([text], 'store-367.json', { type: 'application/json' }));
        input.files = files.files;
        input.dispatchEvent(new Event('change', { bubbles: true }));";
    window.js_later(script, &[json!(text)]).unwrap();
}

fn has_focus(window: &Window, testid: &str) {
    let here = format!("return document.activeElement?.dataset.testid === '{testid}'");
    until(testid, PATIENCE, || (window.js(&here) == json!(true)).then_some(()));
}

/// The text of a file for store 367.
fn enrolment() -> String {
    std::fs::read_to_string(fixtures::repository().join("tests/corpus/enrolment/plain.json")).unwrap()
}

#[test]
fn an_enrolment_file_shows_what_it_says_and_why_it_is_not_taken() {
    if !can_show() {
        return;
    }
    let text = enrolment();
    for (theme, word) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        let dir = tempfile::tempdir().unwrap();
        let window = Window::open(&dir.path().join("desk"), theme);
        for (width, height) in [(1366, 768), (1920, 1080)] {
            window.set_size(width, height);
            window.sees("h1", "Which store is this desk for", PATIENCE);
            window.press("f");
            choose(&window, &text.replace("\"a:1,b:2\"", "\"a:1,b:3\""));
            window.sees("[role=alert]", "enrolment file is not taken", PATIENCE);
            choose(&window, &text);
            window.sees("[data-testid=enrolment]", "Store 367", PATIENCE);
            assert_eq!(window.text("[role=alert]"), None, "an earlier refusal is over");
            assert_eq!(window.broken_rules(), Vec::<String>::new(), "{word} {width}x{height}");
            window.picture(&format!("enrol-{width}x{height}-{word}"));
            window.press("Esc");
        }
        assert_eq!(window.errors(), Vec::<String>::new());
    }
}

#[test]
fn an_enrolment_file_is_taken_with_enter_from_the_button_and_from_the_desk_s_name() {
    if !can_show() {
        return;
    }
    for (keys, name) in [("Enter", "Desk 1"), ("Shift+Tab Backspace 2 Enter", "2")] {
        let dir = tempfile::tempdir().unwrap();
        let window = Window::open(&dir.path().join("desk"), Theme::Light);
        window.sees("h1", "Which store is this desk for", PATIENCE);
        window.press("f");
        choose(&window, &enrolment());
        has_focus(&window, "enrol");
        window.press(keys);
        window.sees("[data-testid=link]", "Offline", Duration::from_secs(40));
        let session = window.call("session", &Value::Null).unwrap();
        assert_eq!((&session["state"], &session["desk"]["name"]), (&json!("desk"), &json!(name)));
        assert_eq!(window.errors(), Vec::<String>::new());
    }
}
