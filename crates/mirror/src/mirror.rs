//! The open database: one writer, a few readers that cannot write.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
};

use aisle_domain::{DeskId, Incarnation, Planted, StoreId, Timestamp, is_planted};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::{
    error::{MayBeMirror, MirrorError, Result},
    folder::{self, Access, FolderLock},
    home,
    ranges::{RangeCache, RangeChange},
    row::Columns,
    settings,
};

/// Readers that are kept open between reads.
const IDLE_READERS: usize = 4;

/// Who the desk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its store.
    pub store_id: StoreId,
    /// The installation.
    pub desk_id: DeskId,
    /// Its numbering.
    pub incarnation: Incarnation,
    /// Its name on screen.
    pub desk_name: String,
    /// Of the database.
    pub schema_version: i64,
}

/// A desk to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDesk {
    /// Its store.
    pub store_id: StoreId,
    /// The installation.
    pub desk_id: DeskId,
    /// Its numbering.
    pub incarnation: Incarnation,
    /// Its name on screen.
    pub desk_name: String,
    /// Now.
    pub at: Timestamp,
}

/// The desk's database. Cheap to clone.
#[derive(Clone)]
pub struct Mirror(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    identity: RwLock<Identity>,
    /// `None` beside a running desk: only reads.
    writer: Option<Mutex<Connection>>,
    /// What SQLite said when the disk failed under the writer.
    failed: OnceLock<String>,
    readers: Mutex<Vec<Connection>>,
    ranges: RangeCache,
    _lock: Option<FolderLock>,
}

/// What the running transaction touched of what is also kept in memory.
#[derive(Debug, Default)]
struct Touched {
    orders: Vec<i64>,
    identity: bool,
}

thread_local! {
    /// One transaction runs at a time on a thread, under the writer's lock.
    static TOUCHED: RefCell<Touched> = RefCell::default();
}

/// Notes that the running transaction wrote this order.
pub(crate) fn touched(order: i64) {
    TOUCHED.with_borrow_mut(|touched| touched.orders.push(order));
}

/// Notes that the running transaction wrote who the desk is.
pub(crate) fn touched_identity() {
    TOUCHED.with_borrow_mut(|touched| touched.identity = true);
}

/// Forgets what was noted of a transaction on a database that nobody has open.
pub(crate) fn forget_touched() {
    TOUCHED.take();
}

/// What memory is to hold once the running transaction is on the disk, read inside it: nothing is left to fail
/// after the commit.
struct Staged {
    ranges: Vec<RangeChange>,
    identity: Option<Identity>,
}

impl Staged {
    fn read(tx: &Transaction<'_>, store: StoreId) -> Result<Self> {
        let touched = TOUCHED.take();
        let ranges =
            touched.orders.into_iter().map(|order| RangeChange::read(tx, order, store)).collect::<Result<_>>()?;
        let identity = touched.identity.then(|| read_identity(tx)).transpose()?;
        Ok(Self { ranges, identity })
    }
}

impl Mirror {
    /// Makes the folder and its database, and takes its lock.
    pub fn create(dir: &Path, new: &NewDesk) -> Result<Self> {
        Self::create_with(dir, new, &[])
    }

    /// As [`Self::create`], with these settings: the desk is there with all of them or not at all.
    pub fn create_with(dir: &Path, new: &NewDesk, rows: &[(&str, String)]) -> Result<Self> {
        std::fs::create_dir_all(dir)
            .map_err(|e| MirrorError::io(format!("the data folder {} cannot be made", dir.display()), e))?;
        let lock = FolderLock::take(dir)?;
        folder::create(dir, |conn| {
            conn.execute(
                "INSERT INTO identity (one, store_id, desk_id, incarnation, desk_name, created_at)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5)",
                params![
                    new.store_id.get(),
                    new.desk_id.to_string(),
                    new.incarnation.to_string(),
                    new.desk_name,
                    new.at.millis()
                ],
            )?;
            rows.iter().try_for_each(|(key, value)| settings::put(conn, key, value))
        })?;
        let mut conn = folder::open(dir, new.at)?;
        home::check(&mut conn, dir, new.at)?;
        Self::with(dir, Some(conn), Some(lock))
    }

    /// Opens the folder's database and takes its lock; copies before it migrates.
    pub fn open(dir: &Path, at: Timestamp) -> Result<Self> {
        if !folder::database(dir).exists() {
            return Err(MirrorError::NotADesk { dir: dir.into() });
        }
        let lock = FolderLock::take(dir)?;
        let mut conn = folder::open(dir, at)?;
        home::check(&mut conn, dir, at)?;
        Self::with(dir, Some(conn), Some(lock))
    }

    /// Opens for reading, beside a running desk where there is one. Writes answer [`MirrorError::ReadOnly`].
    pub fn open_read_only(dir: &Path) -> Result<Self> {
        let file = folder::database(dir);
        if !file.exists() {
            return Err(MirrorError::NotADesk { dir: dir.into() });
        }
        let conn = folder::connect(&file, Access::Read)?;
        let found = folder::check(&conn, &file)?;
        if found < folder::known_version() {
            let what = format!("its schema {found} is older than {}; open the desk once", folder::known_version());
            return Err(MirrorError::ReadOnly { what });
        }
        Self::with(dir, None, None)
    }

    fn with(dir: &Path, writer: Option<Connection>, lock: Option<FolderLock>) -> Result<Self> {
        let reader = folder::connect(&folder::database(dir), Access::Read)?;
        let identity = read_identity(&reader).map_err(|e| MirrorError::opening(&folder::database(dir), e))?;
        let ranges = if writer.is_some() { RangeCache::default() } else { RangeCache::snapshot() };
        ranges.rebuild(&reader)?;
        Ok(Self(Arc::new(Inner {
            dir: dir.into(),
            identity: RwLock::new(identity),
            writer: writer.map(Mutex::new),
            failed: OnceLock::new(),
            readers: Mutex::new(vec![reader]),
            ranges,
            _lock: lock,
        })))
    }

    /// The data folder.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// Who the desk is, now.
    pub fn identity(&self) -> Identity {
        self.0.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ranges of open orders.
    pub fn ranges(&self) -> &RangeCache {
        &self.0.ranges
    }

    /// Reads, in one snapshot, on a connection that cannot write.
    pub fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.readers().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => folder::connect(&folder::database(&self.0.dir), Access::Read)?,
        };
        let tx = Transaction::new_unchecked(&conn, TransactionBehavior::Deferred)?;
        let answer = read(&tx);
        drop(tx);
        let mut readers = self.readers();
        if readers.len() < IDLE_READERS {
            readers.push(conn);
        }
        answer
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes in one transaction: all of it is on the disk when this answers, or none of it. After
    /// [`MirrorError::DiskFailed`] every further write answers the same until the folder is opened anew; then all of
    /// that transaction is there or none of it.
    pub fn write<T>(&self, write: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.transact(write)
    }

    /// As [`Mirror::write`], where more than the database may say no.
    pub(crate) fn transact<T, E: From<MirrorError> + MayBeMirror>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let writer = self.0.writer.as_ref().ok_or_else(|| MirrorError::ReadOnly {
            what: "it was opened for reading beside a running desk".into(),
        })?;
        let mut conn = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(what) = self.0.failed.get() {
            return Err(MirrorError::DiskFailed { what: what.clone() }.into());
        }
        let answer = self.commit(&mut conn, write);
        if let Err(error) = &answer
            && !is_planted(Planted::WritesAfterFailedSync)
            && let Some(MirrorError::DiskFailed { what }) = error.mirror()
        {
            tracing::error!(what, "the disk failed: nothing more is written");
            self.0.failed.get_or_init(|| what.clone());
        }
        answer
    }

    fn commit<T, E: From<MirrorError>>(
        &self,
        conn: &mut Connection,
        write: impl FnOnce(&Transaction<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        TOUCHED.take();
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(MirrorError::from)?;
        let answer = write(&tx)?;
        let staged = Staged::read(&tx, self.identity().store_id)?;
        tx.commit().map_err(MirrorError::of_commit)?;
        self.publish(staged);
        Ok(answer)
    }

    /// Brings what is kept in memory up to the commit, still under the writer's lock.
    fn publish(&self, staged: Staged) {
        self.0.ranges.apply(&staged.ranges);
        if let Some(identity) = staged.identity {
            *self.0.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
        }
    }

    /// Writes a verified copy to a new file.
    pub fn backup_to(&self, file: &Path) -> Result<()> {
        let conn = folder::connect(&folder::database(&self.0.dir), Access::Copy)?;
        folder::copy_to(&conn, file)
    }
}

pub(crate) fn read_identity(conn: &Connection) -> Result<Identity> {
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let mut statement =
        conn.prepare("SELECT store_id, desk_id, incarnation, desk_name FROM identity WHERE one = 1")?;
    let mut rows = statement.query([])?;
    let row = rows.next()?.ok_or_else(|| MirrorError::NotFound { what: "identity in the database".into() })?;
    Ok(Identity {
        store_id: row.id("store_id", StoreId::new)?,
        desk_id: row.parsed("desk_id")?,
        incarnation: row.parsed("incarnation")?,
        desk_name: row.get("desk_name")?,
        schema_version: version,
    })
}
