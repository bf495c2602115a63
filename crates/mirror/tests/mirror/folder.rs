//! The data folder: one desk, one program, copies.

use aisle_mirror::{Mirror, MirrorError, settings};

use crate::fixtures::{Desk, accept, assert_sound, at, contents, new_desk, note};

#[test]
fn a_desk_is_what_it_was_when_it_is_opened_again() {
    let mut desk = Desk::with_rows();
    let id = desk.act(accept(1));
    let (identity, order, dir) = (desk.mirror.identity(), desk.order(1), desk.dir());
    let Desk { mirror, folder, .. } = desk;
    drop(mirror);
    let again = Mirror::open(&dir, at(900)).unwrap();
    assert_eq!(again.identity(), identity);
    assert_eq!(again.dir(), dir);
    assert_eq!(again.read(|conn| aisle_mirror::orders::load(conn, order.order_id)).unwrap(), Some(order));
    assert!(again.read(|conn| aisle_mirror::outbox::load(conn, id)).unwrap().is_some());
    assert_sound(&again);
    drop(folder);
}

#[test]
fn a_second_program_on_the_folder_is_turned_away_and_may_read() {
    let mut desk = Desk::with_rows();
    let error = Mirror::open(&desk.dir(), at(1)).err().unwrap();
    assert!(matches!(error, MirrorError::FolderInUse { .. }), "{error}");
    assert_eq!(error.code(), "folder_in_use");
    assert!(error.hint().is_some());
    let reader = Mirror::open_read_only(&desk.dir()).unwrap();
    desk.act(accept(1));
    let seen = reader.read(aisle_mirror::orders::counts).unwrap();
    assert_eq!(seen.get(&aisle_domain::OrderStatus::Running), Some(&1), "it reads what is committed now");
    let error = reader.write(|tx| settings::set(tx, "theme", "dark")).unwrap_err();
    assert_eq!(error.code(), "db_readonly");
    desk.act(note(1, "the writer goes on"));
    desk.orders(vec![aisle_contract::DownBody::Order(Box::new(crate::fixtures::order(2, 1)))]);
    desk.assert_sound();
    assert_sound(&reader);
}

#[test]
fn a_reader_cannot_write() {
    let desk = Desk::with_rows();
    let error =
        desk.mirror.read(|conn| Ok(conn.execute("DELETE FROM orders", [])?)).expect_err("a reader is query_only");
    assert!(matches!(error, MirrorError::ReadOnly { .. }), "{error}");
    assert!(
        desk.mirror.read(|conn| aisle_mirror::orders::load(conn, crate::fixtures::order_id(1))).unwrap().is_some()
    );
}

#[test]
fn a_folder_has_one_desk() {
    let desk = Desk::with_rows();
    let dir = desk.dir();
    let Desk { mirror, folder, .. } = desk;
    drop(mirror);
    let before = contents(&dir);
    let error = Mirror::create(&dir, &new_desk()).err().unwrap();
    assert!(matches!(error, MirrorError::AlreadyADesk { .. }), "{error}");
    assert_eq!(contents(&dir), before);
    drop(folder);
}

#[test]
fn a_folder_without_a_desk_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for error in
        [Mirror::open(folder.path(), at(1)).err().unwrap(), Mirror::open_read_only(folder.path()).err().unwrap()]
    {
        assert!(matches!(error, MirrorError::NotADesk { .. }), "{error}");
    }
    assert!(contents(folder.path()).is_empty());
}

#[test]
fn a_desk_whose_making_was_cut_off_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("desk");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("aisle.db.new"), b"half a database").unwrap();
    let mirror = Mirror::create(&dir, &new_desk()).unwrap();
    assert_sound(&mirror);
}

#[test]
fn the_settings_that_keep_data_safe_are_on() {
    let desk = Desk::new();
    let pragma = |name: &str| -> i64 {
        desk.mirror.write(|tx| Ok(tx.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?)).unwrap()
    };
    assert_eq!(pragma("synchronous"), 2);
    assert_eq!(pragma("foreign_keys"), 1);
    assert_eq!(pragma("trusted_schema"), 0);
    let mode: String =
        desk.mirror.write(|tx| Ok(tx.query_row("PRAGMA journal_mode", [], |row| row.get(0))?)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_copy_is_whole_and_never_overwrites() {
    let mut desk = Desk::with_rows();
    desk.act(accept(1));
    let copies = tempfile::tempdir().unwrap();
    let to = copies.path().join("aisle.db");
    desk.mirror.backup_to(&to).unwrap();
    assert!(desk.mirror.backup_to(&to).is_err());
    let copy = Mirror::open(copies.path(), at(900)).unwrap();
    assert_eq!(copy.identity(), desk.mirror.identity());
    assert_eq!(
        copy.read(aisle_mirror::digest::rows).unwrap(),
        desk.mirror.read(aisle_mirror::digest::rows).unwrap()
    );
    assert_sound(&copy);
}

#[test]
fn the_file_is_readable_by_the_sqlite_of_a_plain_computer() {
    let desk = Desk::with_rows();
    let Ok(output) = std::process::Command::new("sqlite3")
        .arg(desk.dir().join("aisle.db"))
        .arg("SELECT (SELECT count(*) FROM items_words WHERE items_words MATCH 'mil*'), (SELECT status FROM orders)")
        .output()
    else {
        assert!(std::env::var_os("CI").is_none(), "the program sqlite3 is missing");
        return;
    };
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "1|new",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn settings_are_kept_by_key() {
    let desk = Desk::new();
    assert_eq!(desk.mirror.read(|conn| settings::get(conn, "theme")).unwrap(), None);
    for value in ["light", "dark"] {
        desk.mirror.write(|tx| settings::set(tx, "theme", value)).unwrap();
        assert_eq!(desk.mirror.read(|conn| settings::get(conn, "theme")).unwrap().as_deref(), Some(value));
    }
}

#[test]
fn pushes_are_logged_with_what_was_acknowledged_since() {
    use aisle_domain::Lane;
    use aisle_mirror::pushes;
    let mut desk = Desk::with_rows();
    desk.act(accept(1));
    desk.act(note(1, "a"));
    desk.cut(Lane::Orders);
    desk.mirror.write(|tx| pushes::record(tx, at(500), 2, None)).unwrap();
    desk.mirror.write(|tx| pushes::record(tx, at(800), 0, Some("the cluster cannot be reached"))).unwrap();
    desk.orders(vec![crate::fixtures::ack(Lane::Orders, 2)]);
    let rows = desk.mirror.read(|conn| pushes::recent(conn, 5)).unwrap();
    assert_eq!((rows[0].sent, rows[0].error.as_deref()), (0, Some("the cluster cannot be reached")));
    assert_eq!((rows[1].sent, rows[1].acked), (2, 1));
}
