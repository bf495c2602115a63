//! What a person does at the window and sees of it: keys only, words and shapes, and what a screen reader would be told.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::driver::{PATIENCE, Window, until};

/// What WebDriver's standard calls keys that are no characters.
const NAMED: [(&str, &str); 12] = [
    ("Ctrl", "\u{e009}"),
    ("Shift", "\u{e008}"),
    ("Enter", "\u{e007}"),
    ("Esc", "\u{e00c}"),
    ("Tab", "\u{e004}"),
    ("Space", " "),
    ("Up", "\u{e013}"),
    ("Down", "\u{e015}"),
    ("Left", "\u{e012}"),
    ("Right", "\u{e014}"),
    ("F2", "\u{e032}"),
    ("Backspace", "\u{e003}"),
];

fn value(key: &str) -> &str {
    NAMED.iter().find(|(name, _)| *name == key).map_or(key, |(_, value)| value)
}

/// What a scanner types is no shortcut: a person's keys are further apart.
fn slower_than_a_scanner() -> Value {
    json!({ "type": "pause", "duration": 60 })
}

impl Window {
    /// Presses keys one after the other: `"G O"`, `"Ctrl+Z"`, `"Down Enter"`.
    pub fn press(&self, keys: &str) {
        for chord in keys.split(' ') {
            let held: Vec<&str> = chord.split('+').map(value).collect();
            let down = held.iter().map(|key| json!({ "type": "keyDown", "value": key }));
            let up = held.iter().rev().map(|key| json!({ "type": "keyUp", "value": key }));
            self.keys(&down.chain(up).chain([slower_than_a_scanner()]).collect::<Vec<_>>());
        }
    }

    /// Types text as a person does, where the focus is.
    pub fn type_text(&self, text: &str) {
        for letter in text.chars().map(String::from) {
            self.keys(&[
                json!({ "type": "keyDown", "value": letter }),
                json!({ "type": "keyUp", "value": letter }),
                slower_than_a_scanner(),
            ]);
        }
    }

    /// Types as a scanner does: faster than anybody, with Enter at the end.
    pub fn scan(&self, code: &str) {
        let keys = code.chars().map(String::from).chain([value("Enter").to_owned()]);
        let down_and_up = |key: String| {
            [json!({ "type": "keyDown", "value": key.clone() }), json!({ "type": "keyUp", "value": key })]
        };
        self.keys(&keys.flat_map(down_and_up).collect::<Vec<_>>());
    }

    /// Walks with Tab until this has the focus.
    pub fn tab_to(&self, testid: &str) {
        let here = format!("return document.activeElement?.dataset.testid === '{testid}'");
        for _ in 0..40 {
            if self.js(&here) == json!(true) {
                return;
            }
            self.press("Tab");
        }
        panic!("Tab never comes to {testid}");
    }

    /// Waits until an element says this.
    pub fn sees(&self, css: &str, words: &str, limit: Duration) -> String {
        let end = Instant::now() + limit;
        loop {
            let text = self.text(css);
            if let Some(text) = text.as_ref().filter(|text| text.contains(words)) {
                return text.clone();
            }
            assert!(Instant::now() < end, "not within {limit:?}: {css} says \"{words}\"; it says {text:?}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Goes to a screen by G and its letter.
    pub fn go(&self, letter: &str, screen: &str) {
        self.press(&format!("G {letter}"));
        let there = format!("return document.querySelector('main[aria-label=\"{screen}\"]') !== null");
        until(screen, PATIENCE, || (self.js(&there) == json!(true)).then_some(()));
    }

    /// Holds the page against the rules of WCAG 2 A and AA. The answer names what breaks them and where.
    pub fn broken_rules(&self) -> Vec<String> {
        let file = crate::fixtures::repository().join("ui/node_modules/axe-core/axe.min.js");
        if self.js("return typeof axe") == json!("undefined") {
            self.js(&std::fs::read_to_string(file).unwrap());
        }
        let run = "await Promise.all(document.getAnimations().filter(one => one instanceof CSSTransition).map(one => one.finished.catch(() => null)));
            const found = await axe.run(document, { resultTypes: ['violations'],
                runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] });
            return { passed: found.passes.length, broken: found.violations.map(rule =>
                `${rule.id}: ${rule.help}: ` + rule.nodes.map(node => node.target.join(' ') + ' ' + node.html.slice(0, 120)).join(' | ')) }";
        let found = self.js_later(run, &[]).unwrap();
        assert!(found["passed"].as_u64().unwrap() > 10, "the rules were not looked at: {found}");
        found["broken"].as_array().unwrap().iter().filter_map(Value::as_str).map(Into::into).collect()
    }
}
