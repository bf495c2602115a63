//! Central's database. Everything SQL stays behind this module, so that another database could take SQLite's place.
//!
//! One connection a loop; writers wait for the lock. Rows of `feed_outbox` get their numbers inside the write lock,
//! so the order of the numbers is the order of the commits.

mod audit;
mod columns;
mod dead;
mod desks;
mod digests;
mod feed;
mod items;
mod keys;
mod leases;
mod meta;
mod numbering;
mod orders;
mod ranges;
mod refills;
mod retention;
mod simulated;
mod stores;
mod suspects;

pub(crate) use audit::{AuditEntry, AuditRow};
pub(crate) use dead::{DeadLetter, NewDeadLetter};
pub(crate) use desks::Desk;
pub(crate) use feed::{Feed, FeedRow};
pub(crate) use keys::{Alarm, AlarmRow, KeyRow, StoreKeys, StoreUser};
pub(crate) use numbering::{Count, Known, OutcomeWord, Refused, Sequence};
pub(crate) use simulated::{SimulatedCounts, SimulatedOrder};

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aisle_domain::{Chance, Planted, Timestamp, is_planted};
use rusqlite::{Connection, TransactionBehavior, config::DbConfig};

use crate::error::{CentralError, is_passing};

/// "aisC": tells central's database from a desk's.
const APPLICATION_ID: i32 = 0x6169_7343;
const MIGRATIONS: [&str; 9] = [
    include_str!("../../../migrations/central/0001_init.sql"),
    include_str!("../../../migrations/central/0002_keys.sql"),
    include_str!("../../../migrations/central/0003_forks.sql"),
    include_str!("../../../migrations/central/0004_feeds.sql"),
    include_str!("../../../migrations/central/0005_digests.sql"),
    include_str!("../../../migrations/central/0006_published.sql"),
    include_str!("../../../migrations/central/0007_repeats.sql"),
    include_str!("../../../migrations/central/0008_suspects.sql"),
    include_str!("../../../migrations/central/0009_accepted.sql"),
];
const STATEMENTS: usize = 128;
const OPEN_TRIES: u32 = 200;

/// A connection to central's database.
pub(crate) struct Ledger {
    conn: Connection,
    path: PathBuf,
    chance: Chance,
    opened: Timestamp,
    /// A sync or a commit failed under it, and what it was to write may be forgotten: it is not used again.
    is_spent: bool,
    /// Writers of one process queue here rather than at the file's lock, where waiting is sleeping.
    gate: Arc<Mutex<()>>,
}

/// A transaction. Reading and writing functions of every table hang on it.
pub(crate) struct Tx<'c> {
    conn: &'c Connection,
}

impl Ledger {
    /// Opens the file; makes it and brings it to this program's version where needed.
    pub(crate) fn open(
        path: &Path,
        gate: &Arc<Mutex<()>>,
        chance: &Chance,
        now: Timestamp,
    ) -> Result<Self, CentralError> {
        let _held = gate.lock().unwrap_or_else(PoisonError::into_inner);
        let cannot = |why: String| CentralError::Open { path: path.into(), why };
        let mut conn = Connection::open(path).map_err(|e| cannot(e.to_string()))?;
        conn.busy_handler(Some(wait_for_lock))?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        // Otherwise clearing the bindings of a kept statement has it planned anew at its next use, which costs more
        // than running it.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        check_kind(&conn, path)?;
        use_wal(&conn, path)?;
        // A batch touches a few thousand pages: those of its indexes are not to be read anew for each.
        conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384;")?;
        let synchronous: i64 = conn.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        if synchronous < 2 {
            return Err(cannot("synchronous cannot be set to FULL".into()));
        }
        migrate(&mut conn, path, chance, now)?;
        Ok(Self {
            conn,
            path: path.into(),
            chance: chance.clone(),
            opened: now,
            is_spent: false,
            gate: Arc::clone(gate),
        })
    }

    /// Takes a new connection where the disk failed under the last one.
    fn renew(&mut self) -> Result<(), CentralError> {
        if self.is_spent {
            tracing::warn!(path = %self.path.display(), "central's database is opened anew after its disk failed");
            *self = Self::open(&self.path, &self.gate, &self.chance, self.opened)?;
        }
        Ok(())
    }

    /// What a killed program had written and not synced is put on the disk before anybody is told of it. The next
    /// transaction begins a new journal then: after a failed sync nobody knows what the disk has of the old one.
    pub(crate) fn settle(&self) -> Result<(), CentralError> {
        Ok(self.conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
    }

    /// Runs `body` in one transaction that holds the write lock from its start. Nothing is written when it fails.
    pub(crate) fn write<T>(
        &mut self,
        body: impl FnOnce(&Tx<'_>) -> Result<T, CentralError>,
    ) -> Result<T, CentralError> {
        self.renew()?;
        let _held = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let behaviour = if is_planted(Planted::DeferredBegin) {
            TransactionBehavior::Deferred
        } else {
            TransactionBehavior::Immediate
        };
        let transaction = self.conn.transaction_with_behavior(behaviour)?;
        // A newer program may have brought the database to its version under this one.
        let (found, known) = (version(&transaction)?, known_version());
        if found > known {
            return Err(CentralError::DbNewer { path: self.path.clone(), found, known });
        }
        let written = match body(&Tx { conn: &transaction }) {
            Ok(value) => transaction.commit().map(|()| value).map_err(CentralError::of_commit),
            Err(error) => Err(error),
        };
        self.is_spent = matches!(written, Err(CentralError::DiskFailed(_)));
        written
    }

    /// Runs `body` over one unchanging view of the database.
    pub(crate) fn read<T>(
        &mut self,
        body: impl FnOnce(&Tx<'_>) -> Result<T, CentralError>,
    ) -> Result<T, CentralError> {
        self.renew()?;
        let transaction = self.conn.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let value = body(&Tx { conn: &transaction })?;
        transaction.commit()?;
        Ok(value)
    }

    /// A number that is another one after any other connection has written.
    pub(crate) fn others_wrote(&self) -> Result<i64, CentralError> {
        Ok(self.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
    }

    /// SQLite's own check of the file: what is wrong with it, nothing when it is sound.
    pub(crate) fn damage(&self) -> Result<Vec<String>, CentralError> {
        let mut statement = self.conn.prepare("PRAGMA integrity_check")?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }
}

fn wait_for_lock(tries: i32) -> bool {
    std::thread::sleep(Duration::from_millis(1 + u64::try_from(tries / 20).unwrap_or(0).min(9)));
    tries < 10_000
}

/// Going over to WAL wants the file alone for a moment and does not ask the busy handler.
fn use_wal(conn: &Connection, path: &Path) -> Result<(), CentralError> {
    let mut tries = 0;
    loop {
        match conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let why = format!("its journal cannot be WAL, only {mode}");
                return Err(CentralError::Open { path: path.into(), why });
            }
            Err(error) if is_passing(&error) && tries < OPEN_TRIES => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn version(conn: &Connection) -> Result<i64, CentralError> {
    Ok(conn.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))?)
}

fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn check_kind(conn: &Connection, path: &Path) -> Result<(), CentralError> {
    // In this order: another process may be making the database between the two.
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if id != APPLICATION_ID && tables > 0 {
        return Err(CentralError::NotCentral { path: path.into() });
    }
    Ok(())
}

fn migrate(conn: &mut Connection, path: &Path, chance: &Chance, now: Timestamp) -> Result<(), CentralError> {
    let (found, known) = (version(conn)?, known_version());
    if found > known {
        return Err(CentralError::DbNewer { path: path.into(), found, known });
    }
    if found == known {
        return Ok(());
    }
    if found > 0 {
        copy_before(conn, path, found)?;
    }
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let found = version(&transaction)?;
    for (number, sql) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    if found == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        Tx { conn: &transaction }.begin_history(chance, now)?;
    }
    transaction.commit()?;
    Ok(())
}

/// A copy beside the file, of the version it had.
fn copy_before(conn: &Connection, path: &Path, found: i64) -> Result<(), CentralError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".version-{found}"));
    let copy = PathBuf::from(name);
    if !copy.exists() {
        conn.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use aisle_domain::{Lane, StoreId};
    use aisle_testkit::disk::{Crash, Disk, Fault, Io};

    use super::*;
    use crate::clock::system_chance;

    fn open(path: &Path, gate: &Arc<Mutex<()>>) -> Result<Ledger, CentralError> {
        Ledger::open(path, gate, &system_chance(), Timestamp::from_millis(1_700_000_000_000))
    }

    #[test]
    fn a_new_file_gets_an_epoch_that_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("central.db");
        let gate = Arc::default();
        let first = open(&path, &gate).unwrap().read(|tx| tx.epoch()).unwrap();
        let second = open(&path, &gate).unwrap().read(|tx| tx.epoch()).unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn a_database_of_a_newer_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("central.db");
        let gate = Arc::default();
        open(&path, &gate).unwrap().conn.pragma_update(None, "user_version", 99).unwrap();
        let refused = open(&path, &gate).map(|_| ()).unwrap_err();
        let known = i64::try_from(MIGRATIONS.len()).unwrap();
        assert!(matches!(refused, CentralError::DbNewer { found: 99, known: k, .. } if k == known), "{refused}");
    }

    #[test]
    fn a_program_whose_database_a_newer_one_has_changed_meanwhile_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("central.db");
        let mut ledger = open(&path, &Arc::default()).unwrap();
        ledger.write(|tx| tx.next_payment_id()).unwrap();
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let refused = ledger.write(|tx| tx.next_payment_id()).unwrap_err();
        assert!(matches!(refused, CentralError::DbNewer { found: 99, .. }), "{refused}");
    }

    #[test]
    fn a_worker_of_the_program_before_the_feeds_table_holds_no_lease_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("central.db");
        of_version(&path, 5, "INSERT INTO leases VALUES (0, 7, 'worker', 9)");
        let older = Connection::open(&path).unwrap();
        // As it was written there.
        let hold = "UPDATE leases SET expires = 10 WHERE partition = 0 AND term = 7";
        assert_eq!(older.execute(hold, []).unwrap(), 1);
        open(&path, &Arc::default()).unwrap();
        assert!(older.execute(hold, []).is_err());
    }

    #[test]
    fn a_database_of_something_else_is_refused_and_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
        let refused = open(&path, &Arc::default()).map(|_| ()).unwrap_err();
        assert!(matches!(refused, CentralError::NotCentral { .. }), "{refused}");
        let tables: i64 = Connection::open(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 1);
    }

    /// A database as the program of a version left it: with stores 1 and 2, and these rows.
    fn of_version(path: &Path, version: usize, rows: &str) {
        let conn = Connection::open(path).unwrap();
        MIGRATIONS[..version].iter().for_each(|sql| conn.execute_batch(sql).unwrap());
        conn.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        conn.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
        conn.execute_batch(
            "INSERT INTO stores (store_id, name, address1, currency, time_zone, day_starts, durability, policies,
                reasons, version)
             SELECT id, 'Store', 'Main street', 'EUR', 'UTC', 0, 'all', '{}', '[]', 1
             FROM (SELECT 1 AS id UNION ALL SELECT 2)",
        )
        .unwrap();
        conn.execute_batch(rows).unwrap();
    }

    fn feed(store: i64, lane: Lane) -> Feed {
        Feed { store: StoreId::new(store).unwrap(), lane }
    }

    #[test]
    fn after_an_upgrade_the_same_rows_wait_as_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("central.db");
        of_version(
            &path,
            5,
            "INSERT INTO feed_outbox (id, store_id, lane, key, at, published) VALUES
                (7, 1, 'orders', 'store', 1, 2), (8, 2, 'orders', 'store', 1, NULL),
                (9, 1, 'orders', 'order/1', 1, 2), (10, 1, 'orders', 'order/1', 1, NULL),
                (11, 2, 'catalog', 'item/1', 1, NULL);
             INSERT INTO published_feeds VALUES (1, 'orders'), (1, 'catalog'), (2, 'catalog')",
        );
        let mut ledger = open(&path, &Arc::default()).unwrap();
        let mut known = |feed| {
            ledger
                .read(|tx| {
                    let waits: Vec<i64> = tx.waiting_rows(feed, 0, 10)?.iter().map(|row| row.id).collect();
                    Ok((waits, tx.was_published(feed)?))
                })
                .unwrap()
        };
        assert_eq!(known(feed(1, Lane::Orders)), (vec![10], true));
        assert_eq!(known(feed(1, Lane::Catalog)), (vec![], true), "what was published there is forgotten");
        assert_eq!(known(feed(2, Lane::Orders)), (vec![8], false));
        assert_eq!(known(feed(2, Lane::Catalog)), (vec![11], true), "all but one is forgotten");
        let (waiting, wrong) = ledger.read(|tx| tx.impossible_feeds()).unwrap();
        assert_eq!((waiting, wrong), (3, vec![]));
    }

    #[test]
    fn numbers_that_repeated_a_change_before_an_upgrade_are_no_holes_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("central.db");
        of_version(
            &path,
            6,
            "INSERT INTO numbering (desk_id, incarnation, lane, expected) VALUES ('d', 'i', 'orders', 4);
             INSERT INTO dedup (change_id, outcome, store_id, desk_id, incarnation, lane, seq, at) VALUES
                ('a', 'applied', 1, 'd', 'i', 'orders', 1, 1), ('b', 'applied', 1, 'd', 'i', 'orders', 3, 1)",
        );
        let (checked, wrong) = open(&path, &Arc::default()).unwrap().read(|tx| tx.holes()).unwrap();
        assert_eq!((checked, wrong), (1, vec![]));
    }

    #[test]
    fn orders_of_all_stores_come_before_any_catalog() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("central.db");
        of_version(
            &path,
            5,
            "INSERT INTO feed_outbox (store_id, lane, key, at) VALUES
                (1, 'catalog', 'item/1', 1), (2, 'catalog', 'item/1', 1), (2, 'orders', 'order/1', 1),
                (1, 'orders', 'order/1', 1)",
        );
        let waiting = open(&path, &Arc::default()).unwrap().read(|tx| tx.waiting_feeds(|_| true)).unwrap();
        let expected = [(1, Lane::Orders), (2, Lane::Orders), (1, Lane::Catalog), (2, Lane::Catalog)];
        assert_eq!(waiting, expected.map(|(store, lane)| feed(store, lane)));
    }

    #[test]
    fn a_digest_that_waited_at_an_upgrade_goes_when_rows_come_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("central.db");
        of_version(
            &path,
            4,
            "INSERT INTO digests VALUES (1, 'orders', 0, 0, 0, 5), (1, 'catalog', 0, 0, 0, 5);
             INSERT INTO feed_outbox (id, store_id, lane, key, at, published) VALUES
                (1, 1, 'orders', 'store', 1, 2), (2, 1, 'orders', 'digest', 1, NULL),
                (3, 1, 'catalog', 'digest', 1, 2);
             INSERT INTO published_feeds VALUES (1, 'orders'), (1, 'catalog')",
        );
        let mut ledger = open(&path, &Arc::default()).unwrap();
        let left: Vec<i64> = ledger
            .write(|tx| {
                Lane::ALL.into_iter().try_for_each(|lane| tx.withdraw_digest(feed(1, lane)))?;
                let mut ids = tx.conn.prepare("SELECT id FROM feed_outbox ORDER BY id")?;
                Ok(ids.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
            })
            .unwrap();
        assert_eq!(left, [1, 3], "the one that was published stays");
    }

    #[test]
    fn a_transaction_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = open(&folder.path().join("c.db"), &Arc::default()).unwrap();
        let before = ledger.read(|tx| tx.epoch()).unwrap();
        let failed: Result<(), _> = ledger.write(|tx| {
            tx.new_epoch(&system_chance())?;
            Err(CentralError::NotFound { what: "way".into() })
        });
        assert!(failed.is_err());
        assert_eq!(ledger.read(|tx| tx.epoch()).unwrap(), before);
    }

    #[test]
    fn after_a_failed_sync_the_next_transaction_has_a_connection_of_its_own() {
        let disk = Disk::new(1).unwrap();
        let path = disk.path().join("c.db");
        let mut ledger = open(&path, &Arc::default()).unwrap();
        let next = |ledger: &mut Ledger| ledger.write(|tx| tx.next_payment_id()).map(|id| id.get());
        assert_eq!(next(&mut ledger).unwrap(), 1);
        for fault in [Fault::SyncLost, Fault::Once(Io::Sync), Fault::Once(Io::Write)] {
            disk.fail(1, fault);
            let error = next(&mut ledger).unwrap_err();
            assert!(matches!(error, CentralError::DiskFailed(_)) && error.retryable(), "{fault:?}: {error}");
            assert!(ledger.is_spent);
        }
        assert_eq!(next(&mut ledger).unwrap(), 2);
        assert!(!ledger.is_spent);
        disk.fail(1, Fault::Full);
        while next(&mut ledger).is_ok() {}
        assert!(!ledger.is_spent, "a full disk is nothing to start anew for");
        disk.crash(Crash::PowerCut).unwrap();
        let mut ledger = open(&path, &Arc::default()).unwrap();
        assert!(next(&mut ledger).unwrap() > 2);
    }

    #[test]
    fn many_connections_write_at_once_and_wait_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.db");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // A gate of its own, as another process has.
                    let mut ledger = open(&path, &Arc::default()).unwrap();
                    for _ in 0..25 {
                        ledger.write(|tx| tx.next_payment_id().map(|_| ())).unwrap();
                    }
                });
            }
        });
        let mut ledger = open(&path, &Arc::default()).unwrap();
        assert_eq!(ledger.write(|tx| tx.next_payment_id()).unwrap().get(), 101);
    }
}
