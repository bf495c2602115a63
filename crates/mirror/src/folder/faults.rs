//! Migrations on disks that fail.

use aisle_testkit::disk::{Crash, Disk, Fault, Io};

use super::*;

const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const LATER: Timestamp = NOON.plus_millis(1000);
const NEXT: &str = "CREATE TABLE notes (text TEXT NOT NULL) STRICT; INSERT INTO notes VALUES ('migrated');
    UPDATE settings SET value = 'light'; CREATE INDEX notes_by_text ON notes (text);";

fn text(conn: &Connection, sql: &str) -> Option<String> {
    conn.query_row(sql, [], |row| row.get(0)).ok()
}

/// Whether it is migrated, wholly; nothing in between.
fn is_migrated(dir: &Path) -> bool {
    roll_back(&database(dir)).unwrap();
    let conn = connect(&database(dir), Access::Read).unwrap();
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    let notes = text(&conn, "SELECT text FROM notes");
    let theme = text(&conn, "SELECT value FROM settings").unwrap();
    assert_eq!(text(&conn, "PRAGMA integrity_check").unwrap(), "ok");
    let migrated = version == known_version() + 1;
    if migrated {
        assert_eq!((notes.as_deref(), theme.as_str()), (Some("migrated"), "light"));
    } else {
        assert_eq!((version, notes, theme.as_str()), (known_version(), None, "dark"));
    }
    migrated
}

/// Lets the `n`-th call fail while an older desk is opened; answers whether it struck.
fn migrate_with(fault: Fault, n: u64, cut: Option<Crash>) -> bool {
    let migrations = [MIGRATIONS, &[NEXT]].concat();
    let disk = Disk::new(n).unwrap();
    let dir = disk.path().join("desk");
    std::fs::create_dir(&dir).unwrap();
    create(&dir, |conn| {
        conn.execute("INSERT INTO settings VALUES ('theme', 'dark')", [])?;
        Ok(())
    })
    .unwrap();
    disk.fail(n, fault);
    let opened = open_with(&dir, &migrations, NOON);
    let struck = disk.struck() > 0;
    assert!(struck || opened.is_ok(), "without a fault: {opened:?}");
    let done = opened.is_ok();
    disk.heal();
    if let Some(crash) = cut {
        disk.crash(crash).unwrap();
    }
    drop(opened);
    let migrated = is_migrated(&dir);
    assert!(migrated || !done, "{fault:?} at {n}: it was told as migrated");
    if !migrated {
        drop(open_with(&dir, &migrations, LATER).unwrap());
        assert!(is_migrated(&dir), "{fault:?} at {n}");
        let copy = dir.join(format!("copies/aisle-schema-{}-{}.db", known_version(), LATER.millis()));
        assert_eq!(inspect(&copy).unwrap(), known_version(), "the copy is of before");
    }
    struck
}

#[test]
fn a_migration_on_a_failing_disk_is_done_wholly_or_not_at_all() {
    let mut faults = 0;
    for (fault, cut) in [
        (Fault::Once(Io::Write), None),
        (Fault::Once(Io::Read), None),
        (Fault::Once(Io::Sync), None),
        (Fault::Full, None),
        (Fault::SyncLost, Some(Crash::PowerCut)),
        (Fault::Stop, Some(Crash::PowerCut)),
        (Fault::Tear, Some(Crash::Kill)),
    ] {
        faults += (1..).step_by(2).take_while(|n| migrate_with(fault, *n, cut)).count();
    }
    assert!(faults > 100, "{faults}");
}
