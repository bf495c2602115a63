//! Databases that must not be opened, disks that must not be written: each is told by its name and left as it was.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use aisle_mirror::{ActError, Mirror, MirrorError, settings};
use tempfile::TempDir;

use crate::fixtures::{Desk, assert_sound, at, checks, contents, item, new_desk, note, open_alone};

/// A closed desk with rows and a few thousand items, all of it in the one file.
fn closed() -> (TempDir, PathBuf) {
    let mut desk = Desk::with_rows();
    desk.catalog((100..1600).map(|n| aisle_contract::DownBody::Item(Box::new(item(n, 1)))).collect());
    desk.act(note(1, "remember me"));
    let dir = desk.dir();
    let Desk { mirror, folder, .. } = desk;
    drop(mirror);
    (folder, dir)
}

fn database(dir: &Path) -> PathBuf {
    dir.join("aisle.db")
}

/// Opening fails, twice alike, and not a byte of the database changes.
fn turned_away(dir: &Path) -> MirrorError {
    let before = std::fs::read(database(dir)).unwrap();
    let error = open_alone(dir, 900).err().expect("it must not be opened");
    let again = open_alone(dir, 901).err().expect("it must not be opened the second time either");
    assert_eq!(error.code(), again.code());
    assert!(error.hint().is_some(), "{error} says what to do");
    assert_eq!(std::fs::read(database(dir)).unwrap(), before, "the file was left as it is");
    assert!(!dir.join("copies").exists());
    error
}

fn sql(dir: &Path, batch: &str) {
    rusqlite::Connection::open(database(dir)).unwrap().execute_batch(batch).unwrap();
}

#[test]
fn a_newer_database_is_left_alone() {
    let (_folder, dir) = closed();
    let known = Mirror::open_read_only(&dir).unwrap().identity().schema_version;
    sql(&dir, "PRAGMA user_version = 900;");
    let error = turned_away(&dir);
    assert!(matches!(error, MirrorError::Newer { found: 900, .. }), "{error}");
    assert_eq!(error.code(), "db_newer");
    assert!(matches!(Mirror::open_read_only(&dir), Err(MirrorError::Newer { .. })));
    sql(&dir, &format!("PRAGMA user_version = {known};"));
    assert_sound(&Mirror::open(&dir, at(902)).unwrap());
}

#[test]
fn another_programs_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    sql(folder.path(), "CREATE TABLE photos (id INTEGER PRIMARY KEY); INSERT INTO photos VALUES (1);");
    let error = turned_away(folder.path());
    assert!(matches!(error, MirrorError::Foreign { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(database(folder.path()), "Dear diary, ".repeat(1000)).unwrap();
    assert_eq!(turned_away(folder.path()).code(), "db_damaged");
}

#[test]
fn an_empty_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(database(folder.path()), "").unwrap();
    assert_eq!(turned_away(folder.path()).code(), "db_foreign");
}

#[test]
fn a_truncated_database_is_damaged() {
    let (_folder, dir) = closed();
    let whole = std::fs::read(database(&dir)).unwrap();
    for keep in [whole.len() / 2, whole.len() - 4096, 5000] {
        std::fs::write(database(&dir), &whole[..keep]).unwrap();
        let error = turned_away(&dir);
        assert!(matches!(error, MirrorError::Damaged { .. }), "{keep} bytes: {error}");
    }
    std::fs::write(database(&dir), &whole).unwrap();
    assert_sound(&Mirror::open(&dir, at(902)).unwrap());
}

#[test]
fn random_bytes_in_the_middle_are_noticed() {
    let (_folder, dir) = closed();
    let whole = std::fs::read(database(&dir)).unwrap();
    // A fixed linear generator: the same bytes in every run.
    let mut state = 42_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()[0]
    };
    for page in [1, 2, whole.len() / 4096 / 2] {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill_with(&mut next);
        std::fs::write(database(&dir), &bytes).unwrap();
        assert_eq!(turned_away(&dir).code(), "db_damaged", "page {page}");
    }
}

#[test]
fn a_database_that_lost_its_file_and_kept_its_journal_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("aisle.db-wal"), "the last changes").unwrap();
    let before = contents(folder.path());
    assert!(matches!(Mirror::create(folder.path(), &new_desk()), Err(MirrorError::Damaged { .. })));
    let mut after = contents(folder.path());
    after.remove(&folder.path().join("lock"));
    assert_eq!(after, before);
}

#[test]
fn verify_names_what_was_tampered_with() {
    let broken = |batch: &str| -> Vec<&'static str> {
        let mut desk = Desk::with_rows();
        desk.act(note(1, "first"));
        desk.act(crate::fixtures::accept(1));
        desk.cut(aisle_domain::Lane::Orders);
        sql(&desk.dir(), batch);
        let found = checks(&desk.mirror, true);
        assert_eq!(found.len(), 8);
        found.iter().filter(|check| !check.ok).map(|check| check.name).collect()
    };
    assert_eq!(broken(""), [""; 0]);
    assert_eq!(broken("UPDATE audit_log SET by = 'Eve' WHERE kind = 'order.accepted'"), ["audit_chain"]);
    assert_eq!(broken("DELETE FROM audit_log WHERE id = 1"), ["audit_chain"]);
    assert_eq!(broken("UPDATE orders SET status = 'new'"), ["fold"]);
    assert_eq!(broken("DELETE FROM bases"), ["fold"]);
    assert_eq!(broken("INSERT INTO bases VALUES ('item', 10, 1, '{}')"), ["fold"]);
    assert_eq!(broken("UPDATE amount_ranges SET amount_hi = amount_hi + 1"), ["ranges_cache", "fold"]);
    assert_eq!(broken("UPDATE outbox SET seq = 7 WHERE seq = 2"), ["outbox_dense"]);
    assert_eq!(
        broken(
            "INSERT INTO items_words (items_words, rowid, name, category) VALUES ('delete', 10, 'Whole milk 10', 'Dairy')"
        ),
        ["search_index"]
    );
}

/// A small file system of its own, or nothing where this computer does not let tests mount one.
struct Disk {
    folder: TempDir,
}

impl Disk {
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if run("mount", &["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"], folder.path()) {
            return Some(Self { folder });
        }
        assert!(std::env::var_os("CI").is_none(), "this computer does not let tests mount a file system");
        tell("SKIPPED: this computer does not let tests mount a file system");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn remount(&self, options: &str) {
        assert!(run("mount", &["-o", &format!("remount,{options}")], self.path()), "{options}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if !run("umount", &[], self.path()) {
            tell("a file system of a test stays mounted");
        }
    }
}

#[allow(clippy::print_stderr, reason = "a test that cannot run says so")]
fn tell(what: &str) {
    eprintln!("{what}");
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    let output = Command::new(program).args(arguments).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}

fn desk_on(disk: &Disk) -> (Mirror, PathBuf) {
    let dir = disk.path().join("desk");
    let mirror = Mirror::create(&dir, &new_desk()).unwrap();
    let bodies = [
        aisle_contract::DownBody::Store(Box::new(crate::fixtures::store(1))),
        aisle_contract::DownBody::Order(Box::new(crate::fixtures::order(1, 1))),
    ];
    let entries: Vec<_> = (0..).zip(bodies).map(|(offset, body)| crate::fixtures::entry(offset, body)).collect();
    mirror.apply_feed(aisle_domain::Lane::Orders, crate::fixtures::CLUSTER, &entries, at(1)).unwrap();
    (mirror, dir)
}

fn big_note(n: u128) -> aisle_mirror::NewChange {
    aisle_mirror::NewChange {
        change_id: aisle_domain::ChangeId(uuid::Uuid::from_u128(n)),
        change: note(1, &"x".repeat(60_000)),
        by: "Ada".into(),
        at: at(100),
        held: false,
        replaces: None,
    }
}

#[test]
fn a_full_disk_refuses_the_act_keeps_what_was_done_and_goes_on_when_there_is_room() {
    let Some(disk) = Disk::mount(4) else { return };
    let (mirror, dir) = desk_on(&disk);
    let mut done = 0;
    let error = loop {
        match mirror.act(&big_note(done + 1)) {
            Ok(_) => done += 1,
            Err(error) => break error,
        }
        assert!(done < 1000, "the disk never filled");
    };
    assert!(done > 0);
    assert!(matches!(error, ActError::Mirror(MirrorError::DiskFull)), "{error}");
    let error = (1..1000)
        .find_map(|offset| {
            let mut wide = crate::fixtures::order(1 + offset, 1);
            wide.note = Some("y".repeat(60_000));
            let entry = crate::fixtures::entry(1 + offset, aisle_contract::DownBody::Order(Box::new(wide)));
            mirror.apply_feed(aisle_domain::Lane::Orders, crate::fixtures::CLUSTER, &[entry], at(2)).err()
        })
        .expect("the disk never filled");
    assert!(matches!(error, MirrorError::DiskFull), "{error}");
    let position =
        mirror.read(|conn| aisle_mirror::feed::position(conn, aisle_domain::Lane::Orders)).unwrap().unwrap();
    let copy = mirror.backup_to(&dir.join("copy.db"));
    assert!(matches!(copy, Err(MirrorError::DiskFull)), "{copy:?}");
    assert!(!dir.join("copy.db").exists(), "half a copy does not stay");
    let count = |mirror: &Mirror| mirror.read(aisle_mirror::outbox::counts).unwrap().ready;
    assert_eq!(count(&mirror), i64::try_from(done).unwrap());
    drop(mirror);
    disk.remount("size=64m");
    let mirror = Mirror::open(&dir, at(900)).unwrap();
    assert_eq!(count(&mirror), i64::try_from(done).unwrap());
    mirror.act(&big_note(done + 1)).unwrap();
    let again = mirror.read(|conn| aisle_mirror::feed::position(conn, aisle_domain::Lane::Orders)).unwrap();
    assert_eq!(again, Some(position));
    assert_sound(&mirror);
}

#[test]
fn a_full_disk_makes_no_half_desk() {
    let Some(disk) = Disk::mount(1) else { return };
    std::fs::write(disk.path().join("filler"), vec![0_u8; 900_000]).unwrap();
    let dir = disk.path().join("desk");
    assert!(matches!(Mirror::create(&dir, &new_desk()), Err(MirrorError::DiskFull)));
    assert!(matches!(Mirror::open(&dir, at(1)), Err(MirrorError::NotADesk { .. })));
    std::fs::remove_file(disk.path().join("filler")).unwrap();
    disk.remount("size=16m");
    assert_sound(&Mirror::create(&dir, &new_desk()).unwrap());
}

#[test]
fn a_read_only_disk_is_told_and_left_alone() {
    let Some(disk) = Disk::mount(16) else { return };
    let (mirror, dir) = desk_on(&disk);
    drop(mirror);
    disk.remount("ro");
    let before = contents(&dir);
    let error = Mirror::open(&dir, at(900)).err().unwrap();
    assert!(matches!(error, MirrorError::ReadOnly { .. }), "{error}");
    assert_eq!(error.code(), "db_readonly");
    let error = Mirror::create(&disk.path().join("other"), &new_desk()).err().unwrap();
    assert_eq!(error.code(), "db_readonly", "{error}");
    let read = Mirror::open_read_only(&dir);
    assert!(matches!(read, Ok(_) | Err(MirrorError::ReadOnly { .. })), "{:?}", read.err());
    assert_eq!(contents(&dir), before);
    disk.remount("rw");
    assert_sound(&Mirror::open(&dir, at(901)).unwrap());
}

#[test]
fn a_read_only_file_in_a_writable_folder_is_told() {
    let Some(disk) = Disk::mount(16) else { return };
    let (mirror, dir) = desk_on(&disk);
    drop(mirror);
    let file = database(&dir);
    let before = std::fs::read(&file).unwrap();
    let text = file.display().to_string();
    assert!(run("mount", &["--bind", &text], &file) && run("mount", &["-o", "remount,bind,ro"], &file));
    let error = Mirror::open(&dir, at(900)).err();
    let unmounted = run("umount", &[], &file);
    assert!(matches!(error, Some(MirrorError::ReadOnly { .. })), "{error:?}");
    assert!(unmounted);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let mirror = Mirror::open(&dir, at(901)).unwrap();
    mirror.write(|tx| settings::set(tx, "theme", "dark")).unwrap();
    assert_sound(&mirror);
}
