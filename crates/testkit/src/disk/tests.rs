//! The disk's own promises, on plain SQLite.

use rusqlite::{Connection, ErrorCode};

use super::*;
use crate::dice::Dice;

const ROWS: i64 = 40;

/// A table whose rows each fill most of a page.
fn database(disk: &Disk, pragmas: &str) -> rusqlite::Result<Connection> {
    let conn = Connection::open(disk.path().join("a.db"))?;
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    conn.execute_batch(pragmas)?;
    Ok(conn)
}

fn fill(conn: &Connection) {
    conn.execute_batch("CREATE TABLE pages (id INTEGER PRIMARY KEY, counter INTEGER, filling TEXT);").unwrap();
    for id in 0..ROWS {
        conn.execute("INSERT INTO pages VALUES (?1, 0, ?2)", (id, "x".repeat(3000))).unwrap();
    }
}

/// Counts up every other row at once, again and again until the disk stops; answers the last count that was told done.
fn count_up(conn: &Connection, from: i64) -> i64 {
    for counter in from + 1.. {
        if conn.execute("UPDATE pages SET counter = ?1 WHERE id % 2 = 0", [counter]).is_err() {
            return counter - 1;
        }
    }
    from
}

enum Found {
    /// The last count that was told, or the one that was on its way.
    Right(i64),
    Lost,
    Damaged,
}

fn look(disk: &Disk, pragmas: &str, told: i64) -> rusqlite::Result<Found> {
    let conn = database(disk, pragmas)?;
    let sound: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    let (low, high): (i64, i64) =
        conn.query_row("SELECT min(counter), max(counter) FROM pages WHERE id % 2 = 0", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(match () {
        () if sound != "ok" || low != high => Found::Damaged,
        () if [told, told + 1].contains(&low) => Found::Right(low),
        () => Found::Lost,
    })
}

/// Runs until a cut at a random operation, several times on one disk; counts what was found.
fn run(seed: u64, crash: Crash, fault: Fault, pragmas: &str, cuts: u32) -> [u32; 3] {
    let mut dice = Dice::new(seed);
    let disk = Disk::new(dice.bits()).unwrap();
    fill(&database(&disk, FULL).unwrap());
    let mut counts = [0; 3];
    let mut told = 0;
    for _ in 0..cuts {
        disk.fail(1 + dice.below(300), fault);
        told = database(&disk, pragmas).map_or(told, |conn| count_up(&conn, told));
        disk.crash(crash).unwrap();
        match look(&disk, pragmas, told) {
            Ok(Found::Right(found)) => {
                counts[0] += 1;
                told = found;
            }
            Ok(Found::Lost) => {
                counts[1] += 1;
                return counts;
            }
            Ok(Found::Damaged) | Err(_) => {
                counts[2] += 1;
                return counts;
            }
        }
    }
    counts
}

fn sum(runs: impl Iterator<Item = [u32; 3]>) -> [u32; 3] {
    runs.fold([0; 3], |sum, one| [sum[0] + one[0], sum[1] + one[1], sum[2] + one[2]])
}

const FULL: &str = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 60;";

#[test]
fn a_power_cut_loses_nothing_that_was_synced() {
    let found = sum((0..150).map(|seed| run(seed, Crash::PowerCut, Fault::Stop, FULL, 20)));
    assert_eq!(found, [3000, 0, 0], "right, lost, damaged");
}

#[test]
fn a_power_cut_loses_and_damages_what_was_not() {
    let without = "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 60;";
    let [right, lost, damaged] = sum((0..150).map(|seed| run(seed, Crash::PowerCut, Fault::Stop, without, 20)));
    assert!(right > 0 && lost > 5 && damaged > 5, "right {right}, lost {lost}, damaged {damaged}");
    // Checkpoints are safe here, and the newest commits are not.
    let normal = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 60;";
    let [right, lost, damaged] = sum((0..150).map(|seed| run(seed, Crash::PowerCut, Fault::Stop, normal, 20)));
    assert!(right > 0 && lost > 50 && damaged == 0, "right {right}, lost {lost}, damaged {damaged}");
}

#[test]
fn a_kill_loses_nothing_whatever_was_synced() {
    for pragmas in ["PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 60;", FULL] {
        for fault in [Fault::Stop, Fault::Tear] {
            let found = sum((0..40).map(|seed| run(seed, Crash::Kill, fault, pragmas, 20)));
            assert_eq!(found, [800, 0, 0], "right, lost, damaged: {fault:?} {pragmas}");
        }
    }
}

#[test]
fn a_rollback_journal_is_as_safe() {
    let pragmas = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;";
    let found = sum((0..100).map(|seed| run(seed, Crash::PowerCut, Fault::Stop, pragmas, 20)));
    assert_eq!(found, [2000, 0, 0], "right, lost, damaged");
    // FULL does not sync the folder once the journal is deleted: the journal may come back and undo what was told.
    let full = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;";
    let [right, lost, damaged] = sum((0..100).map(|seed| run(seed, Crash::PowerCut, Fault::Stop, full, 20)));
    assert!(right > 0 && lost > 5 && damaged == 0, "right {right}, lost {lost}, damaged {damaged}");
}

#[test]
fn one_seed_is_one_run() {
    let one = |seed| {
        let disk = Disk::new(seed).unwrap();
        let conn = database(&disk, "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 60;").unwrap();
        fill(&conn);
        disk.fail(500, Fault::Tear);
        let told = count_up(&conn, 0);
        let operations = disk.operations();
        drop(conn);
        disk.crash(Crash::PowerCut).unwrap();
        let names: Vec<_> =
            std::fs::read_dir(disk.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let sizes: u64 = names.iter().map(|name| disk.path().join(name).metadata().unwrap().len()).sum();
        (told, operations, names.len(), sizes)
    };
    assert_eq!(one(5), one(5));
    let seeds: std::collections::BTreeSet<_> = (0..40).map(one).collect();
    assert!(seeds.len() > 10, "only {} different ends", seeds.len());
}

#[test]
fn an_error_strikes_once_and_only_what_it_is_for() {
    let disk = Disk::new(1).unwrap();
    let conn = database(&disk, FULL).unwrap();
    fill(&conn);
    for (io, code) in
        [(Io::Write, rusqlite::ffi::SQLITE_IOERR_WRITE), (Io::Sync, rusqlite::ffi::SQLITE_IOERR_FSYNC)]
    {
        disk.fail(1, Fault::Once(io));
        let error = conn.execute("UPDATE pages SET counter = 1", []).unwrap_err();
        assert_eq!(error.sqlite_error().unwrap().extended_code, code, "{io:?}");
        conn.execute("UPDATE pages SET counter = 2", []).unwrap();
    }
    assert_eq!(disk.struck(), 2);
}

#[test]
fn what_the_system_does_in_parts_is_done_as_a_whole() {
    let disk = Disk::new(1).unwrap();
    fill(&database(&disk, FULL).unwrap());
    for n in 1..60 {
        let conn = database(&disk, FULL).unwrap();
        disk.fail(n, Fault::Once(Io::ShortRead));
        disk.fail(n, Fault::Once(Io::ShortWrite));
        conn.execute("UPDATE pages SET counter = counter + 1", []).unwrap();
    }
    assert!(disk.struck() > 60, "{}", disk.struck());
    let conn = database(&disk, FULL).unwrap();
    let found: (String, i64, i64) = conn
        .query_row(
            "SELECT (SELECT * FROM pragma_integrity_check), min(counter), max(counter) FROM pages",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(found, ("ok".into(), 59, 59));
}

#[test]
fn a_full_disk_stays_full_until_there_is_room() {
    let disk = Disk::new(1).unwrap();
    let conn = database(&disk, FULL).unwrap();
    fill(&conn);
    disk.fail(1, Fault::Full);
    for _ in 0..3 {
        let error = (0..200).find_map(|n| conn.execute("UPDATE pages SET counter = ?1", [n]).err()).unwrap();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull));
    }
    disk.heal();
    conn.execute("UPDATE pages SET counter = 5", []).unwrap();
}

#[test]
fn a_sync_that_failed_is_not_made_good_by_one_that_did_not() {
    let lost = |seed: u64| {
        let disk = Disk::new(seed).unwrap();
        let conn = database(&disk, "PRAGMA synchronous = NORMAL;").unwrap();
        fill(&conn);
        conn.execute("UPDATE pages SET counter = 5", []).unwrap();
        disk.fail(1, Fault::SyncLost);
        // The journal's sync, before the pages are copied: SQLite is told, and asks once more.
        let first = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        assert!(first.is_err());
        let again = conn.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(again, 0, "the second sync says yes");
        let mut image = std::fs::read(disk.path().join("a.db-wal")).unwrap();
        let written = image.clone();
        drop(conn);
        disk.crash(Crash::PowerCut).unwrap();
        image = std::fs::read(disk.path().join("a.db-wal")).unwrap_or_default();
        image != written
    };
    assert!((0..10).any(lost));
}

#[test]
fn files_elsewhere_are_what_they_were_and_disks_know_nothing_of_each_other() {
    let disk = Disk::new(1).unwrap();
    let other = Disk::new(2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    disk.fail(1, Fault::Stop);
    assert!(database(&disk, FULL).is_err());
    assert!(disk.is_stopped());
    for path in [folder.path(), other.path()] {
        let conn = Connection::open(path.join("a.db")).unwrap();
        conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        fill(&conn);
    }
    assert_eq!(disk.operations(), 1);
    assert!(other.operations() > 100);
    disk.crash(Crash::Kill).unwrap();
    fill(&database(&disk, FULL).unwrap());
}

#[test]
fn a_dead_program_stays_dead_while_its_successor_works() {
    let disk = Disk::new(1).unwrap();
    let dead = database(&disk, FULL).unwrap();
    fill(&dead);
    disk.crash(Crash::Kill).unwrap();
    assert!(dead.execute("UPDATE pages SET counter = 1", []).is_err());
    let conn = database(&disk, FULL).unwrap();
    conn.execute("UPDATE pages SET counter = 2", []).unwrap();
    assert!(dead.execute("UPDATE pages SET counter = 3", []).is_err());
    drop(dead);
    conn.execute("UPDATE pages SET counter = 4", []).unwrap();
}

#[test]
fn threads_on_disks_of_their_own_do_not_disturb_each_other() {
    std::thread::scope(|scope| {
        for seed in 0..4 {
            scope.spawn(move || {
                let found = sum((0..10).map(|n| run(seed * 100 + n, Crash::PowerCut, Fault::Stop, FULL, 10)));
                assert_eq!(found, [100, 0, 0]);
            });
        }
    });
}

/// A database made under another name, as far as `steps` says: 0 not at all, 3 with its name on the disk.
fn made(disk: &Disk, steps: u32) {
    let (new, whole) = (disk.path().join("new.db"), disk.path().join("whole.db"));
    let conn = Connection::open(&new).unwrap();
    conn.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;").unwrap();
    fill(&conn);
    drop(conn);
    if steps > 0 {
        std::fs::File::open(&new).unwrap().sync_all().unwrap();
    }
    if steps > 1 {
        std::fs::rename(&new, &whole).unwrap();
    }
    if steps > 2 {
        std::fs::File::open(disk.path()).unwrap().sync_all().unwrap();
    }
}

#[test]
fn syncs_and_names_of_plain_code_are_seen() {
    let ends = |steps| -> Vec<(bool, bool)> {
        let end = |seed| {
            let disk = Disk::new(seed).unwrap();
            made(&disk, steps);
            disk.crash(Crash::PowerCut).unwrap();
            let is_whole = |name| {
                let path = disk.path().join(name);
                path.exists()
                    && Connection::open(path)
                        .unwrap()
                        .query_row("SELECT count(*) FROM pages", [], |row| row.get(0))
                        == Ok(ROWS)
            };
            (is_whole("new.db"), is_whole("whole.db"))
        };
        let mut ends: Vec<_> = (0..40).map(end).collect();
        ends.sort_unstable();
        ends.dedup();
        ends
    };
    assert!(ends(0).contains(&(false, false)));
    assert_eq!(ends(1), [(true, false)]);
    assert_eq!(ends(2), [(false, true), (true, false)]);
    assert_eq!(ends(3), [(false, true)]);
}

#[test]
fn syncs_and_names_of_plain_code_fail_when_they_are_to() {
    let disk = Disk::new(1).unwrap();
    made(&disk, 1);
    let file = std::fs::File::open(disk.path().join("new.db")).unwrap();
    disk.fail(1, Fault::Once(Io::Sync));
    disk.fail(1, Fault::Once(Io::Rename));
    assert_eq!(file.sync_all().unwrap_err().raw_os_error(), Some(5));
    let rename = || std::fs::rename(disk.path().join("new.db"), disk.path().join("whole.db"));
    assert_eq!(rename().unwrap_err().raw_os_error(), Some(5));
    rename().unwrap();
    file.sync_all().unwrap();
}

#[test]
fn what_plain_code_put_in_a_file_s_place_stays_once_it_is_taken_as_written() {
    for seed in 0..40 {
        let disk = Disk::new(seed).unwrap();
        fill(&database(&disk, "PRAGMA synchronous = OFF;").unwrap());
        disk.crash(Crash::Kill).unwrap();
        let file = disk.path().join("a.db");
        let other = vec![7; 10_000];
        std::fs::write(&file, &other).unwrap();
        disk.take_as_written();
        disk.crash(Crash::PowerCut).unwrap();
        assert!(std::fs::read(&file).unwrap() == other, "seed {seed}");
    }
}
