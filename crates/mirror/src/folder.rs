//! The data folder: its lock, its database file, its migrations and the copies made before them.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use aisle_domain::{Planted, Timestamp, is_planted};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use crate::error::{MirrorError, Result};

/// `Aisl`, so that `file` and other programs know whose it is.
const APPLICATION_ID: u32 = 0x4169_736c;
const DATABASE: &str = "aisle.db";

/// How long one connection waits for another.
const BUSY: Duration = Duration::from_secs(10);

/// How long the journal's end waits for somebody who reads.
const SETTLING: Duration = Duration::from_secs(1);

/// Plain SQL, applied in order; the schema's version is how many have been applied.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/mirror/0001_init.sql"),
    include_str!("../../../migrations/mirror/0002_remirror.sql"),
    include_str!("../../../migrations/mirror/0003_strays.sql"),
    include_str!("../../../migrations/mirror/0004_late.sql"),
    include_str!("../../../migrations/mirror/0005_staff.sql"),
    include_str!("../../../migrations/mirror/0006_shifts.sql"),
    include_str!("../../../migrations/mirror/0007_saved_views.sql"),
    include_str!("../../../migrations/mirror/0008_accepted.sql"),
];

/// The schema this program knows.
pub(crate) fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

pub(crate) fn database(dir: &Path) -> PathBuf {
    dir.join(DATABASE)
}

/// The folder's lock: the system's own, gone with the process however it ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(crate) fn take(dir: &Path) -> Result<Self> {
        let path = dir.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| MirrorError::io(format!("the lock {} cannot be made", path.display()), e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(MirrorError::FolderInUse { dir: dir.into() }),
            Err(TryLockError::Error(e)) => Err(MirrorError::io("the data folder cannot be locked", e)),
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The one writer.
    Write,
    /// One of the readers.
    Read,
    /// A reader that writes copies to other files.
    Copy,
}

/// A connection with every setting that the guarantees rest on, checked.
pub(crate) fn connect(file: &Path, access: Access) -> Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    // A reader beside a running desk must be able to use its shared memory, so it opens for writing and is made
    // `query_only`; where the folder cannot be written at all it reads the file alone.
    let conn = match Connection::open_with_flags(file, flags) {
        Ok(conn) => conn,
        Err(_) if access != Access::Write => {
            Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?
        }
        Err(error) => return Err(error.into()),
    };
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(200);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A cached statement loses its values when it is put back; without this SQLite plans some of them anew each time.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;")?;
    match access {
        Access::Read => conn.execute_batch("PRAGMA query_only = ON;")?,
        Access::Copy => {}
        Access::Write => make_durable(&conn)?,
    }
    Ok(conn)
}

/// "Done" on screen means written to the disk: a build of SQLite with other defaults must not change that.
fn make_durable(conn: &Connection) -> Result<()> {
    if conn.is_readonly("main")? {
        return Err(MirrorError::ReadOnly { what: "its file may only be read".into() });
    }
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA journal_size_limit = 67108864; PRAGMA cell_size_check = ON;")?;
    let planted =
        [(Planted::DoneBeforeSync, 0), (Planted::SyncNormal, 1)].into_iter().find(|(bug, _)| is_planted(*bug));
    if let Some((_, level)) = planted {
        conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        return Ok(conn.pragma_update(None, "synchronous", level)?);
    }
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    let synchronous: i64 = conn.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if mode != "wal" || synchronous != 2 {
        let what = format!(
            "it does not take the settings that keep data safe (journal {mode}, synchronous {synchronous})"
        );
        return Err(MirrorError::ReadOnly { what });
    }
    Ok(())
}

/// Refuses a file that is not this program's to open, before anything is written to it.
pub(crate) fn check(conn: &Connection, file: &Path) -> Result<i64> {
    let inner = || -> Result<i64> {
        let application: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        if application != i64::from(APPLICATION_ID) {
            return Err(MirrorError::Foreign { file: file.into() });
        }
        let found: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > known_version() {
            return Err(MirrorError::Newer { file: file.into(), found, known: known_version() });
        }
        Ok(found)
    };
    inner().map_err(|e| MirrorError::opening(file, e))
}

/// Files up to this size are read whole when they are opened; of larger ones, only what central cannot send again.
const READ_WHOLE_BYTES: i64 = 32 * 1024 * 1024;

/// What only this desk has.
const OWN_TABLES: [&str; 7] =
    ["identity", "settings", "outbox", "numbering", "bases", "feed_positions", "conflicts"];

/// Looks at the file without changing a byte of it.
pub(crate) fn inspect(file: &Path) -> Result<i64> {
    let conn =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|e| MirrorError::opening(file, e.into()))?;
    conn.busy_timeout(BUSY)?;
    let found = check(&conn, file)?;
    let problem = first_problem(&conn, READ_WHOLE_BYTES).map_err(|e| MirrorError::opening(file, e))?;
    match problem {
        None => Ok(found),
        Some(what) => Err(MirrorError::Damaged { file: file.into(), what }),
    }
}

/// The first problem that SQLite finds: in all of a file of at most `whole` bytes, else in the desk's own tables.
fn first_problem(conn: &Connection, whole: i64) -> Result<Option<String>> {
    let quick = |pragma: &str| -> Result<Option<String>> {
        let word: String = conn.query_row(pragma, [], |row| row.get(0))?;
        Ok((word != "ok").then_some(word))
    };
    let size: i64 =
        conn.query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", [], |row| {
            row.get(0)
        })?;
    if size <= whole {
        return quick("PRAGMA quick_check(1)");
    }
    for table in OWN_TABLES {
        let problem = quick(&format!("PRAGMA quick_check({table})"))?;
        if problem.is_some() {
            return Ok(problem);
        }
    }
    Ok(None)
}

/// Makes the database of a new folder: complete under another name first, so that a desk is there or is not.
pub(crate) fn create(dir: &Path, write_first: impl FnOnce(&Connection) -> Result<()>) -> Result<()> {
    let file = database(dir);
    if file.exists() {
        return Err(MirrorError::AlreadyADesk { dir: dir.into() });
    }
    let journal = dir.join("aisle.db-wal");
    if journal.exists() {
        let what = format!("it is missing, and {} with its last changes is there", journal.display());
        return Err(MirrorError::Damaged { file, what });
    }
    let unfinished = dir.join("aisle.db.new");
    let cannot = |what: &Path, e| MirrorError::io(format!("{} cannot be made", what.display()), e);
    // The lock is held: whoever left this behind is gone.
    std::fs::write(&unfinished, []).map_err(|e| cannot(&unfinished, e))?;
    let mut conn = Connection::open(&unfinished)?;
    conn.execute_batch("PRAGMA journal_mode = MEMORY;")?;
    migrate(&mut conn, MIGRATIONS, 0)?;
    write_first(&conn)?;
    conn.close().map_err(|(_, error)| error)?;
    to_disk(&unfinished)?;
    std::fs::rename(&unfinished, &file).map_err(|e| cannot(&file, e))?;
    folder_to_disk(dir)
}

/// Opens the database of a folder: refuses what is not its own, copies before it migrates.
pub(crate) fn open(dir: &Path, at: Timestamp) -> Result<Connection> {
    open_with(dir, MIGRATIONS, at)
}

fn open_with(dir: &Path, migrations: &[&str], at: Timestamp) -> Result<Connection> {
    let file = database(dir);
    roll_back(&file)?;
    let found = inspect(&file)?;
    let mut conn = connect(&file, Access::Write).map_err(|e| MirrorError::opening(&file, e))?;
    settle(&conn).map_err(|e| MirrorError::opening(&file, e))?;
    if usize::try_from(found).unwrap_or(usize::MAX) < migrations.len() {
        copy(&conn, dir, found, at)?;
        migrate(&mut conn, migrations, found)?;
    }
    Ok(conn)
}

/// Undoes what was cut while the database went over to its way of writing: a new one or a copy does that once. Whoever
/// only looks at a file cannot.
fn roll_back(file: &Path) -> Result<()> {
    let mut journal = file.as_os_str().to_owned();
    journal.push("-journal");
    if !Path::new(&journal).exists() || !is_own(file) {
        return Ok(());
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let look = || -> Result<()> {
        let conn = Connection::open_with_flags(file, flags)?;
        conn.busy_timeout(BUSY)?;
        Ok(conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?)
    };
    look().map_err(|e| MirrorError::opening(file, e))
}

/// Whether the file's own bytes name this program, whatever stands beside it.
fn is_own(file: &Path) -> bool {
    let mut header = [0; 72];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header.ends_with(&APPLICATION_ID.to_be_bytes())
}

/// Puts on the disk what a killed program had written and not synced: SQLite shows it from now on, and it would be gone
/// with the power. Its journal ends here too, as after a failed sync nobody knows what the disk has of it: what comes
/// later must not stand behind a gap.
fn settle(conn: &Connection) -> Result<()> {
    conn.busy_timeout(SETTLING)?;
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    conn.busy_timeout(BUSY)?;
    Ok(())
}

/// A verified copy in the folder `copies`, named by schema and time.
fn copy(conn: &Connection, dir: &Path, schema: i64, at: Timestamp) -> Result<()> {
    copy_to(conn, &new_copy(dir, &format!("schema-{schema}"), at)?)
}

/// A file of the folder for copies that is not there yet: a clock may be set back, and no copy is written over.
pub(crate) fn new_copy(dir: &Path, what: &str, at: Timestamp) -> Result<PathBuf> {
    let copies = make_copies(dir)?;
    let mut file = copies.join(format!("aisle-{what}-{}.db", at.millis()));
    let mut number = 1;
    while file.exists() {
        number += 1;
        file = copies.join(format!("aisle-{what}-{}-{number}.db", at.millis()));
    }
    Ok(file)
}

/// The folder for copies, made where it is not there.
fn make_copies(dir: &Path) -> Result<PathBuf> {
    let copies = dir.join("copies");
    std::fs::create_dir_all(&copies).map_err(|e| MirrorError::io("the folder for copies cannot be made", e))?;
    Ok(copies)
}

/// Opens a database that is being made under another name, and brings it to this program's schema.
pub(crate) fn open_unfinished(file: &Path, schema: i64) -> Result<Connection> {
    let mut conn = Connection::open(file)?;
    conn.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA foreign_keys = ON;")?;
    migrate(&mut conn, MIGRATIONS, schema)?;
    Ok(conn)
}

/// Takes everything out of the journal, which would be read as that of a database of the same name.
pub(crate) fn empty_journal(conn: &Connection, dir: &Path) -> Result<()> {
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        return Err(MirrorError::FolderInUse { dir: dir.into() });
    }
    Ok(())
}

/// Copies a database that cannot be read, with its journal, and takes the journal away.
pub(crate) fn move_aside(dir: &Path, to: &Path) -> Result<()> {
    let cannot = |what: &Path, e| MirrorError::io(format!("{} cannot be kept", what.display()), e);
    let beside = |file: &Path, suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let database = database(dir);
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) = (beside(&database, suffix), beside(to, suffix));
        if from.exists() {
            std::fs::copy(&from, &to).map_err(|e| cannot(&from, e))?;
            to_disk(&to)?;
        }
    }
    for suffix in ["-wal", "-shm"] {
        let journal = beside(&database, suffix);
        if journal.exists() {
            std::fs::remove_file(&journal).map_err(|e| cannot(&journal, e))?;
        }
    }
    Ok(())
}

/// Puts a whole database in the place of the folder's.
pub(crate) fn put_in_place(file: &Path, dir: &Path) -> Result<()> {
    let to = database(dir);
    std::fs::rename(file, &to).map_err(|e| MirrorError::io(format!("{} cannot be made", to.display()), e))?;
    folder_to_disk(dir)
}

/// Writes the database, whole and compact, to a new file and checks it. A copy that is not whole does not stay.
pub(crate) fn copy_to(conn: &Connection, to: &Path) -> Result<()> {
    if to.exists() {
        return Err(MirrorError::Exists { file: to.into() });
    }
    let written = conn
        .execute("VACUUM INTO ?1", [to.to_string_lossy()])
        .map_err(|error| of_copy(to, error))
        .and_then(|_| inspect(to))
        .and_then(|_| to_disk(to));
    if written.is_err()
        && let Err(error) = std::fs::remove_file(to)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(file = %to.display(), %error, "a copy that is not whole could not be removed");
    }
    written
}

/// A copy that fails says nothing about the database's own disk.
fn of_copy(to: &Path, error: rusqlite::Error) -> MirrorError {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure) {
        return MirrorError::io(format!("the copy {} cannot be made", to.display()), std::io::Error::other(error));
    }
    error.into()
}

pub(crate) fn to_disk(file: &Path) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .open(file)
        .and_then(|open| open.sync_all())
        .map_err(|e| MirrorError::io(format!("{} cannot be written to the disk", file.display()), e))
}

/// A new name is on the disk only when its folder is.
#[cfg(unix)]
fn folder_to_disk(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|open| open.sync_all())
        .map_err(|e| MirrorError::io(format!("{} cannot be written to the disk", dir.display()), e))
}

/// Here the system itself writes names to the disk.
#[cfg(not(unix))]
fn folder_to_disk(_: &Path) -> Result<()> {
    Ok(())
}

/// Applies what is missing, each file wholly or not at all.
fn migrate(conn: &mut Connection, migrations: &[&str], from: i64) -> Result<()> {
    let done = usize::try_from(from).unwrap_or(usize::MAX);
    for (index, sql) in migrations.iter().enumerate().skip(done) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod faults;

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const NEXT: &str = "CREATE TABLE notes (text TEXT NOT NULL) STRICT; INSERT INTO notes VALUES ('migrated');";

    fn old_desk() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        create(folder.path(), |conn| {
            conn.execute("INSERT INTO settings VALUES ('theme', 'dark')", [])?;
            Ok(())
        })
        .unwrap();
        folder
    }

    fn theme(conn: &Connection) -> String {
        conn.query_row("SELECT value FROM settings WHERE key = 'theme'", [], |row| row.get(0)).unwrap()
    }

    fn copies(dir: &Path) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(dir.join("copies")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn an_older_database_is_copied_and_then_migrated() {
        let folder = old_desk();
        let conn = open_with(folder.path(), &[MIGRATIONS, &[NEXT]].concat(), NOON).unwrap();
        let text: String = conn.query_row("SELECT text FROM notes", [], |row| row.get(0)).unwrap();
        assert_eq!((text.as_str(), theme(&conn).as_str()), ("migrated", "dark"));
        let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, known_version() + 1);
        let [copy] = copies(folder.path()).try_into().unwrap();
        assert_eq!(inspect(&copy).unwrap(), known_version(), "the copy is of before");
        assert_eq!(theme(&Connection::open(copy).unwrap()), "dark");
    }

    #[test]
    fn a_migration_that_fails_changes_nothing_and_its_copy_stays() {
        let folder = old_desk();
        let broken = format!("{NEXT} INSERT INTO no_such_table VALUES (1);");
        open_with(folder.path(), &[MIGRATIONS, &[&broken]].concat(), NOON).unwrap_err();
        assert_eq!(copies(folder.path()).len(), 1);
        let conn = open_with(folder.path(), MIGRATIONS, NOON).unwrap();
        assert_eq!(theme(&conn), "dark");
        let tables: i64 = conn
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'notes'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_current_database_is_neither_copied_nor_migrated() {
        let folder = old_desk();
        drop(open_with(folder.path(), MIGRATIONS, NOON).unwrap());
        assert!(copies(folder.path()).is_empty());
    }

    #[test]
    fn of_a_large_database_what_only_the_desk_has_is_read_when_it_opens() {
        for table in OWN_TABLES {
            let folder = old_desk();
            let conn = Connection::open(database(folder.path())).unwrap();
            let known: i64 = conn
                .query_row(
                    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1",
                    [table],
                    |row| row.get(0),
                )
                .unwrap();
            assert_eq!(known, 1, "{table}");
            assert_eq!(first_problem(&conn, 0).unwrap(), None);
        }
    }
}
