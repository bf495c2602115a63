//! A desk whose line is down, in the real window: it says what is down and what still works, and work goes on.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use aisle_testkit::{
    kafka::Cluster,
    window::{PATIENCE, Theme, Window, can_show, until},
};
use serde_json::{Value, json};

use crate::store;

/// How soon the cause of a cut line stands on the screen.
const CAUSE: Duration = Duration::from_secs(40);

#[test]
fn without_a_line_the_desk_names_the_cause_and_decides_and_takes_back() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = store::cut_off(dir.path(), 3);
    let window = Window::open(&data, Theme::Light);
    window.set_size(1366, 768);
    window.sees("[data-testid=link]", "Offline", CAUSE);
    let banner = window.sees("[data-testid=banner]", "You can", PATIENCE);
    assert!(banner.contains("Not:") && banner.contains("receive new orders"), "{banner}");
    window.sees("[data-testid=status]", "New", PATIENCE);
    window.press("Space a");
    window.sees("[data-testid=status]", "Picking", PATIENCE);
    window.sees("[data-testid=outbox]", "1 not sent", PATIENCE);
    assert_eq!(window.broken_rules(), Vec::<String>::new());
    // The hold is over, and it has still not left: it can be taken back as long as it has no number.
    window.sees("[data-testid=undo]", "Not sent yet", Duration::from_secs(20));
    window.sees("[aria-label=Timeline]", "Saved here", PATIENCE);
    window.picture("offline-1366x768-light");
    window.press("Ctrl+z");
    window.sees("[data-testid=status]", "New", PATIENCE);
    window.sees("[data-testid=outbox]", "All received", PATIENCE);
    // A decision and an edit wait side by side, each with its state.
    window.press("a a");
    window.go("s", "Sync");
    window.sees("[data-testid=changes]", "Order accepted", PATIENCE);
    window.sees("[data-testid=changes]", "Saved here", PATIENCE);
    assert_eq!(window.broken_rules(), Vec::<String>::new());
    assert_eq!(window.errors(), Vec::<String>::new());
}

/// As scripts and people see it, at the sizes and in the themes that the look names.
fn pictures(data: &Path, name: &str, wait: impl Fn(&Window)) {
    pictures_once(data, name, |_| (), wait);
}

/// The same where something happens to each window first.
fn pictures_once(data: &Path, name: &str, first: impl Fn(&Window), wait: impl Fn(&Window)) {
    for (theme, word) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        let window = Window::open(data, theme);
        first(&window);
        for (width, height) in [(1366, 768), (1920, 1080)] {
            window.set_size(width, height);
            wait(&window);
            assert_eq!(window.broken_rules(), Vec::<String>::new(), "{word} {width}x{height}");
            window.picture(&format!("{name}-{width}x{height}-{word}"));
        }
        assert_eq!(window.errors(), Vec::<String>::new());
        window.terminate();
        until("the window is closed", PATIENCE, || window.has_ended().then_some(()));
    }
}

#[test]
fn a_line_that_this_computer_cannot_open_says_what_to_do_and_opens_when_it_is_done() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = store::cut_off(dir.path(), 3);
    let password = dir.path().join("password");
    store::secure(&data, &password);
    let told = |window: &Window| {
        window.sees("[data-testid=link]", "Offline: this computer", CAUSE);
        window.sees("[data-testid=banner]", "put the file where this desk looks for it", CAUSE);
        window.go("s", "Sync");
    };
    pictures(&data, "closed-line", told);
    let window = Window::open(&data, Theme::Light);
    told(&window);
    std::fs::write(&password, "hunter2").unwrap();
    window.press("Ctrl+s");
    window.sees("[data-testid=link]", "Offline: central", CAUSE);
    assert_eq!(window.errors(), Vec::<String>::new());
}

#[test]
fn a_copy_of_this_desk_and_feeds_that_are_mirrored_anew_stand_on_the_sync_screen() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = store::cut_off(dir.path(), 3);
    store::copied_and_mirrored_anew(&data);
    pictures(&data, "sync-notices", |window| {
        window.sees("[data-testid=link]", "Offline", CAUSE);
        window.go("s", "Sync");
        window.sees("[data-testid=notices] [role=alert]", "second computer", PATIENCE);
        let notices = window.sees("[data-testid=notices]", "orders feed is being mirrored anew", PATIENCE);
        assert!(notices.contains("catalog feed is being mirrored anew"), "{notices}");
    });
}

#[test]
fn a_price_is_edited_by_keyboard_and_a_bad_one_is_told_in_place() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = store::cut_off(dir.path(), 1);
    let window = Window::open(&data, Theme::Dark);
    window.set_size(1366, 768);
    window.sees("[data-testid=status]", "New", PATIENCE);
    window.go("i", "Catalog");
    window.press("/");
    window.type_text("fluid milk");
    window.sees("[role=row][aria-selected=true]", "Fluid Milk", PATIENCE);
    window.press("Enter");
    let edit = |typed: &str| {
        window.press("F2");
        until("the cell is edited", PATIENCE, || {
            (window.js("return document.activeElement?.tagName") == json!("INPUT")).then_some(())
        });
        window.js("document.activeElement.select()");
        window.type_text(typed);
    };
    edit("1.999");
    window.sees("main", "two decimals", PATIENCE);
    window.press("Enter");
    assert_eq!(window.call("status", &Value::Null).unwrap()["outbox"]["ready"], 0, "nothing was saved");
    window.press("Esc");
    edit("1,79");
    window.press("Enter");
    window.sees("[role=row][aria-selected=true]", "1.79", PATIENCE);
    window.sees("[role=row][aria-selected=true]", "Saved here", PATIENCE);
    assert_eq!(window.call("status", &Value::Null).unwrap()["outbox"]["ready"], 1);
    assert_eq!(window.broken_rules(), Vec::<String>::new());
    window.picture("catalog-edited-1366x768-dark");
    window.press("Ctrl+z");
    until("the old price is back", PATIENCE, || {
        (window.call("status", &Value::Null).unwrap()["outbox"]["ready"] == 0).then_some(())
    });
    assert_eq!(window.errors(), Vec::<String>::new());
}

/// A small disk of its own, until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(at).status();
        assert!(mounted.unwrap().success());
        Self(at.into())
    }

    /// Nothing more finds room on it.
    fn fill(&self) {
        let mut file = File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

#[test]
fn a_full_disk_is_an_alarm_that_promises_nothing_and_is_over_once_there_is_room() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    if !Cluster::can_have_small_disk(dir.path()) {
        eprintln!("SKIPPED, A FULL DISK IS NOT SHOWN: this user may not mount a small one");
        return;
    }
    let disk = SmallDisk::mount(&dir.path().join("small"));
    let data = store::cut_off(&disk.0, 3);
    let fills = |window: &Window| {
        window.sees("[data-testid=link]", "Offline", CAUSE);
        disk.fill();
        window.press("Ctrl+s");
    };
    pictures_once(&data, "full-disk", fills, |window| {
        let banner = window.sees("[data-testid=banner] [role=alert]", "cannot keep anything", CAUSE);
        assert!(banner.contains("free some space") && !banner.contains("You can"), "{banner}");
    });
    disk.free();
    let window = Window::open(&data, Theme::Light);
    window.sees("[data-testid=banner]", "You can", CAUSE);
}
