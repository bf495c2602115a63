//! An order's whole way in the real window, by keyboard alone.

use std::time::Duration;

use aisle_testkit::window::{PATIENCE, Theme, Window, can_show, until};

/// The sample store's next step: its shopper picks and pays, its centre answers.
const STEP: Duration = Duration::from_secs(40);

fn assert_fine(window: &Window, screen: &str) {
    assert_eq!(window.broken_rules(), Vec::<String>::new(), "{screen}");
}

/// The first page, and from there into the sample store until its first order is open.
fn sample_store(window: &Window) {
    window.sees("h1", "Which store is this desk for", PATIENCE);
    assert_fine(window, "the first page");
    window.press("t");
    window.sees("[data-testid=status]", "New", Duration::from_secs(15));
}

/// Decides the open order's payment by the rule: inside it is approved, else declined and the order ends.
fn decide(window: &Window) -> &'static str {
    let verdict = window.text("[data-testid=order]").unwrap();
    if verdict.contains("Inside the range") {
        window.press("y");
        return "Confirmed";
    }
    window.press("n");
    until("the reasons are shown", PATIENCE, || window.text("aside [role=radio]"));
    // What follows is that the order ends.
    window.press("Right Enter");
    "Confirmed"
}

#[test]
fn an_order_goes_its_whole_way_by_keyboard() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let window = Window::open(&dir.path().join("desk"), Theme::Light);
    window.set_size(1366, 768);
    sample_store(&window);
    window.sees("[role=option][aria-selected=true]", "not heard", PATIENCE);
    window.press("Space");
    until("the alarm was seen", PATIENCE, || {
        window.text("[role=option][aria-selected=true]").filter(|card| !card.contains("not heard"))
    });
    assert_fine(&window, "a new order");

    window.press("a");
    window.sees("[data-testid=status]", "Picking", PATIENCE);
    window.sees("[data-testid=undo]", "Order accepted", PATIENCE);
    window.sees("[data-testid=outbox]", "1 not sent", PATIENCE);
    window.press("Ctrl+z");
    window.sees("[data-testid=status]", "New", PATIENCE);
    window.sees("[aria-label=Timeline]", "Taken back", PATIENCE);

    window.press("a");
    window.sees("[data-testid=undo]", "Order accepted", PATIENCE);
    // The same key again: it leaves at once, and central has it before the hold would have ended.
    window.press("a");
    window.sees("[aria-label=Timeline]", "Received by central", Duration::from_secs(4));
    assert_fine(&window, "an order being picked");

    window.sees("[data-testid=status]", "Payment to decide", STEP);
    window.sees("[data-testid=walk]", "Paid", PATIENCE);
    assert_fine(&window, "a payment to decide");
    let end = decide(&window);
    window.sees("[data-testid=status]", end, STEP);
    window.sees("[aria-label=Timeline]", "Confirmed by central", PATIENCE);
    window.sees("[data-testid=outbox]", "All received", PATIENCE);
    assert_fine(&window, "a confirmed order");
    assert_eq!(window.errors(), Vec::<String>::new());
}

#[test]
fn an_order_is_rejected_with_its_lines_by_keyboard_and_keys_do_nothing_while_one_types() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let window = Window::open(&dir.path().join("desk"), Theme::Dark);
    window.set_size(1366, 768);
    sample_store(&window);
    // Letters typed into a field are letters; digits do nothing anywhere.
    window.press("/");
    window.type_text("a r");
    assert_eq!(window.js("return document.activeElement.value"), "a r");
    window.press("Esc Esc 1 2");
    window.sees("[data-testid=status]", "New", PATIENCE);

    window.press("r");
    window.sees("aside", "why?", PATIENCE);
    assert_fine(&window, "the reasons for rejecting");
    window.press("Enter");
    window.sees("aside [role=alert]", "Tick at least one line", PATIENCE);
    window.press("Left Space");
    until("the line is ticked", PATIENCE, || {
        window.js("return document.querySelectorAll('tbody input:checked').length").as_i64().filter(|n| *n == 1)
    });
    window.press("Right Enter");
    window.sees("[data-testid=status]", "Rejected", PATIENCE);
    window.sees("[data-testid=undo]", "Order rejected: out of stock", PATIENCE);
    // Escape leaves a sheet and nothing else happens.
    window.press("Ctrl+z");
    window.sees("[data-testid=status]", "New", PATIENCE);
    window.press("r");
    window.sees("aside", "why?", PATIENCE);
    window.press("Esc");
    window.sees("aside", "Timeline", PATIENCE);
    window.sees("[data-testid=status]", "New", PATIENCE);
    assert_eq!(window.errors(), Vec::<String>::new());
}

/// Every screen in one theme at both sizes: no rule is broken, nothing is wider than the window, a picture is kept.
fn walk_through(theme: Theme) {
    if !can_show() {
        return;
    }
    let name = if theme == Theme::Light { "light" } else { "dark" };
    let dir = tempfile::tempdir().unwrap();
    let window = Window::open(&dir.path().join("desk"), theme);
    window.set_size(1366, 768);
    window.sees("h1", "Which store is this desk for", PATIENCE);
    window.picture(&format!("first-run-1366x768-{name}"));
    sample_store(&window);
    window.press("Space a");
    window.sees("[data-testid=status]", "Payment to decide", STEP);
    for (width, height) in [(1366, 768), (1920, 1080)] {
        window.set_size(width, height);
        for (letter, screen) in [
            ("o", "Orders"),
            ("p", "Payments"),
            ("i", "Catalog"),
            ("s", "Sync"),
            ("r", "Reports"),
            (",", "Settings"),
        ] {
            window.go(letter, screen);
            std::thread::sleep(Duration::from_millis(400));
            assert_fine(&window, screen);
            let wide = "return [...document.querySelectorAll('body *')].filter(element =>
                element.getBoundingClientRect().right > innerWidth + 1).map(element => element.outerHTML.slice(0, 120))";
            assert_eq!(window.js(wide), serde_json::json!([]), "{screen} at {width} x {height}");
            let picture = window.picture(&format!("{}-{width}x{height}-{name}", screen.to_lowercase()));
            assert_eq!(picture, (width, height));
        }
    }
    assert_eq!(window.errors(), Vec::<String>::new());
}

#[test]
fn every_screen_keeps_the_rules_and_fits_in_the_light() {
    walk_through(Theme::Light);
}

#[test]
fn every_screen_keeps_the_rules_and_fits_in_the_dark() {
    walk_through(Theme::Dark);
}
