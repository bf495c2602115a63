//! What holds of every screen, whatever is on it.

use aisle_testkit::window::Window;

/// Breaks no rule of accessibility, and nothing lies beyond the window's edge.
pub(crate) fn assert_fine(window: &Window, what: &str) {
    assert_eq!(window.broken_rules(), Vec::<String>::new(), "{what}");
    let wide = "return [...document.querySelectorAll('body *')].filter(element =>
        element.getBoundingClientRect().right > innerWidth + 1).map(element => element.outerHTML.slice(0, 120))";
    assert_eq!(window.js(wide), serde_json::json!([]), "{what} is wider than the window");
}
