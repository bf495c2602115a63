//! People sign in, are kept from what their role does not reach for, and leave the desk to somebody else.

use aisle_testkit::window::{PATIENCE, Theme, Window, can_show, until};
use serde_json::json;

use crate::{fine::assert_fine, store};

const TEO: &str = "7391";
const NOOR: &str = "2468";

/// Fills a form of the list of people, field by field, and sends it.
fn fill(window: &Window, fields: &[(&str, &str)]) {
    for (field, text) in fields {
        window.tab_to(field);
        window.type_text(text);
    }
    window.press("Enter");
}

fn is_locked(window: &Window) -> bool {
    window.js("return document.querySelector('[data-testid=locked]') !== null") == json!(true)
}

fn sign_in(window: &Window, letters: &str, name: &str, pin: &str) {
    window.sees("[data-testid=locked]", "Who is at the desk?", PATIENCE);
    window.type_text(letters);
    window.sees(".pin h2", name, PATIENCE);
    window.type_text(pin);
    window.press("Enter");
    until("the desk is open", PATIENCE, || (!is_locked(window)).then_some(()));
    window.sees("[data-testid=person]", name, PATIENCE);
}

fn people(theme: Theme, name: &str) {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let window = Window::open(&store::cut_off(dir.path(), 1), theme);
    window.set_size(1366, 768);
    window.sees("[data-testid=person]", "Manager", PATIENCE);

    // Alone nobody has to sign in; a second person comes once the first has a PIN.
    window.press("Ctrl+l");
    window.sees("[role=alert]", "Manager needs a PIN", PATIENCE);
    window.press("Esc");
    window.go(",", "Settings");
    window.sees("[data-testid=staff]", "Set your PIN", PATIENCE);
    window.click("[data-testid=staff] button");
    fill(&window, &[("staff-pin", TEO)]);
    window.sees("[data-testid=staff]", "Change your PIN", PATIENCE);
    window.click("[data-testid=staff-add]");
    window.sees("[data-testid=staff-form]", "First PIN", PATIENCE);
    assert_fine(&window, "the form for a person");
    window.picture(&format!("staff-1366x768-{name}"));
    fill(&window, &[("staff-name", "Noor"), ("staff-pin", "1111")]);
    window.sees("[data-testid=staff-form]", "easy to guess", PATIENCE);
    window.tab_to("staff-pin");
    window.press("Ctrl+a");
    window.type_text(NOOR);
    window.press("Enter");
    window.sees("[data-testid=staff]", "Noor", PATIENCE);
    assert_fine(&window, "the people of the desk");

    // What was open stays open under the lock.
    window.press("Ctrl+l");
    window.sees("[data-testid=locked]", "1 new order", PATIENCE);
    window.sees("[data-testid=locked]", "by Manager", PATIENCE);
    for (width, height) in [(1366, 768), (1920, 1080)] {
        window.set_size(width, height);
        std::thread::sleep(std::time::Duration::from_millis(400));
        assert_fine(&window, "the lock");
        window.picture(&format!("locked-{width}x{height}-{name}"));
    }
    window.set_size(1366, 768);
    window.type_text("n");
    window.sees(".pin h2", "Noor, your PIN", PATIENCE);
    window.type_text("9999");
    window.press("Enter");
    window.sees(".pin [role=alert]", "4 tries are left", PATIENCE);
    let refused = window.call("accept_order", &json!({ "order_id": "1" })).unwrap_err();
    assert_eq!(refused["code"], "not_found", "{refused}");
    sign_in(&window, "n", "Noor", NOOR);
    window.sees("main[aria-label=Settings]", "Settings", PATIENCE);

    // A clerk decides orders, and changes neither prices nor people.
    assert!(!window.text("[data-testid=staff]").unwrap().contains("Remove"));
    let denied = window.call("set_setting", &json!({ "key": "push_interval_s", "value": "60" })).unwrap_err();
    assert_eq!(denied["code"], "not_allowed");
    window.go("i", "Catalog");
    window.sees("[data-testid=items]", "In stock", PATIENCE);
    window.press("F2");
    window.sees("[role=alert]", "Only a lead or a manager changes the catalog", PATIENCE);
    assert_fine(&window, "what a clerk may not do");
    window.press("Esc");
    window.go("o", "Orders");
    window.press("Space a");
    window.sees("[aria-label=Timeline]", "Noor", PATIENCE);

    // Her shift ends with a note, and the next one begins with it.
    window.press("Ctrl+h");
    window.sees(".over aside", "Begin the shift", PATIENCE);
    window.press("Enter");
    window.press("Ctrl+h");
    window.sees(".over aside", "Noor began this shift", PATIENCE);
    window.type_text("Spinach is out until ten");
    assert_fine(&window, "handing over");
    window.picture(&format!("handover-1366x768-{name}"));
    window.press("Enter");
    window.sees("[data-testid=handover]", "Spinach is out until ten", PATIENCE);
    window.sees("[data-testid=locked]", "by Noor", PATIENCE);
    sign_in(&window, "m", "Manager", TEO);
    window.sees(".over aside", "Spinach is out until ten", PATIENCE);
    assert_fine(&window, "beginning a shift");
    window.picture(&format!("shift-1366x768-{name}"));
    window.press("Enter");
    window.sees("[data-testid=status]", "Picking", PATIENCE);
    assert_eq!(window.errors(), Vec::<String>::new());
}

#[test]
fn people_sign_in_and_out_by_keyboard_in_the_light() {
    people(Theme::Light, "light");
}

#[test]
fn people_sign_in_and_out_by_keyboard_in_the_dark() {
    people(Theme::Dark, "dark");
}
