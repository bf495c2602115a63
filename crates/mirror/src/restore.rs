//! Bringing a backup back. The new database is made whole beside the old one and takes its place by one rename: a kill
//! in between leaves the one or the other. Nothing that only the replaced database had is lost.

use std::path::{Path, PathBuf};

use aisle_domain::{ChangeId, Incarnation, Refusal, Subject, Timestamp};
use rusqlite::{
    Connection, Row, Transaction, TransactionBehavior, params, params_from_iter, types::Value as Cell,
};
use serde_json::json;

use crate::{
    anew::{self, Anew, Wanted},
    audit::{self, Entry},
    conflicts,
    error::{MirrorError, Result},
    folder::{self, Access, FolderLock},
    home,
    mirror::{Identity, Mirror, read_identity},
    outbox::{self, ChangeState},
    prices::PriceSource,
    refold,
};

/// What a restore left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The desk's numbering from now on.
    pub incarnation: Incarnation,
    /// Changes that central has not acknowledged: the backup's and those of the database that was replaced.
    pub outbox_kept: u64,
    /// Where the database that was replaced is kept.
    pub replaced: Option<PathBuf>,
    /// It could not be read: whatever only it had waits in it still.
    pub replaced_is_damaged: bool,
}

const UNFINISHED: &str = "aisle.db.restored";

impl Mirror {
    /// Puts a backup in the place of a folder's database, under a new incarnation, with the changes of the replaced one
    /// that central has not acknowledged.
    ///
    /// # Errors
    /// [`MirrorError::OtherStore`] for a backup of another store, [`MirrorError::Damaged`], [`MirrorError::Newer`] and
    /// [`MirrorError::Foreign`] for a file that cannot be one, [`MirrorError::FolderInUse`] while the desk is open, and
    /// whatever keeps the database that is there from being read, unless that is damaged for good. The folder is as it
    /// was then.
    pub fn restore(dir: &Path, from: &Path, incarnation: Incarnation, at: Timestamp) -> Result<Restored> {
        if !from.is_file() {
            return Err(MirrorError::NotFound { what: format!("backup {}", from.display()) });
        }
        let schema = folder::inspect(from)?;
        std::fs::create_dir_all(dir)
            .map_err(|e| MirrorError::io(format!("the data folder {} cannot be made", dir.display()), e))?;
        let _lock = FolderLock::take(dir)?;
        let old = Replaced::find(dir)?;
        let unfinished = dir.join(UNFINISHED);
        remove(&unfinished)?;
        folder::copy_to(&folder::connect(from, Access::Copy)?, &unfinished)
            .map_err(|e| MirrorError::opening(from, e))?;
        let made = prepare(&unfinished, schema, from, &old, (incarnation, at));
        let kept = match made {
            Ok(kept) => kept,
            Err(error) => {
                remove(&unfinished)?;
                return Err(error);
            }
        };
        let replaced_is_damaged = matches!(old, Replaced::Damaged);
        let replaced = old.keep(dir, at)?;
        folder::put_in_place(&unfinished, dir)?;
        Ok(Restored { incarnation, outbox_kept: kept, replaced, replaced_is_damaged })
    }
}

fn remove(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(MirrorError::io(format!("{} cannot be removed", file.display()), error))
        }
        _ => Ok(()),
    }
}

/// The database that is in the folder.
enum Replaced {
    Nothing,
    Readable(Connection, Identity),
    /// It stays as it is, beside the new one.
    Damaged,
}

impl Replaced {
    fn find(dir: &Path) -> Result<Self> {
        let file = folder::database(dir);
        if !file.exists() {
            return Ok(Self::Nothing);
        }
        let opened = folder::inspect(&file).and_then(|_| {
            let conn = folder::connect(&file, Access::Copy)?;
            let identity = read_identity(&conn)?;
            Ok((conn, identity))
        });
        match opened {
            Ok((conn, identity)) => Ok(Self::Readable(conn, identity)),
            Err(error @ (MirrorError::Damaged { .. } | MirrorError::Foreign { .. })) => {
                tracing::warn!(%error, "the database that is replaced cannot be read; it is kept as it is");
                Ok(Self::Damaged)
            }
            // It may be read another time, or by another program: what it has must not be left behind.
            Err(error) => Err(error),
        }
    }

    /// Keeps it in the folder `copies`, and leaves nothing beside it that would be taken for the new one's journal.
    fn keep(self, dir: &Path, at: Timestamp) -> Result<Option<PathBuf>> {
        let name = || folder::new_copy(dir, "replaced", at);
        match self {
            Self::Nothing => Ok(None),
            Self::Readable(conn, _) => {
                let name = name()?;
                folder::copy_to(&conn, &name)?;
                folder::empty_journal(&conn, dir)?;
                Ok(Some(name))
            }
            Self::Damaged => {
                let name = name()?;
                folder::move_aside(dir, &name)?;
                Ok(Some(name))
            }
        }
    }
}

/// Makes the restored database this folder's, in one transaction. Answers how many changes wait in it.
fn prepare(
    file: &Path,
    schema: i64,
    from: &Path,
    old: &Replaced,
    (incarnation, at): (Incarnation, Timestamp),
) -> Result<u64> {
    let mut conn = folder::open_unfinished(file, schema)?;
    let own = read_identity(&conn).map_err(|e| MirrorError::opening(from, e))?;
    if let Replaced::Readable(_, there) = old
        && there.store_id != own.store_id
    {
        return Err(MirrorError::OtherStore {
            file: from.into(),
            found: own.store_id.get(),
            own: there.store_id.get(),
        });
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let facts = json!({ "file": from.display().to_string() });
    anew::renumber(&tx, incarnation, &Wanted { why: Anew::Restored, facts, at }, at)?;
    home::forget(&tx)?;
    let carried = match old {
        Replaced::Readable(old, _) => carry_over(&tx, old, at)?,
        Replaced::Nothing | Replaced::Damaged => 0,
    };
    let kept = outbox::count_open(&tx, i64::MAX)?;
    let body = json!({ "file": from.display().to_string(), "carried_over": carried, "waiting": kept });
    let body = &body.to_string();
    audit::append(
        &tx,
        &Entry { at, kind: "desk.restored", subject: Subject::Store, by: None, change_id: None, body },
    )?;
    tx.commit()?;
    crate::mirror::forget_touched();
    conn.close().map_err(|(_, error)| error)?;
    folder::to_disk(file)?;
    Ok(kept)
}

/// Brings along what only the replaced database has: changes without central's word are ready to be sent; the others
/// stay what they are, and what was taken back there is taken back here.
fn carry_over(tx: &Transaction<'_>, old: &Connection, at: Timestamp) -> Result<usize> {
    let mut carried = 0;
    let mut statement = old.prepare("SELECT * FROM outbox ORDER BY id")?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: ChangeId = change_id(row)?;
        if outbox::load(tx, id)?.is_none() && insert(tx, row, &columns)? {
            carried += 1;
            follow_up(tx, id, at)?;
        }
    }
    carry_numberings(tx, old)?;
    take_back_withdrawn(tx, old, at)?;
    Ok(carried)
}

/// How far the numberings had come that are given up.
fn carry_numberings(tx: &Transaction<'_>, old: &Connection) -> Result<()> {
    let mut statement = old.prepare("SELECT incarnation, lane, next_seq FROM numbering")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        tx.prepare_cached(
            "INSERT INTO numbering (incarnation, lane, next_seq) VALUES (?1, ?2, ?3)
             ON CONFLICT (incarnation, lane) DO UPDATE SET next_seq = max(next_seq, excluded.next_seq)",
        )?
        .execute(params![row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?])?;
    }
    Ok(())
}

fn change_id(row: &Row<'_>) -> Result<ChangeId> {
    use crate::row::Columns;
    row.parsed("change_id")
}

/// What a number says of a change; one without central's word gives its own back.
const OF_SENDING: [&str; 7] = ["incarnation", "seq", "cluster", "topic", "partition", "offset", "sent_at"];

fn insert(tx: &Transaction<'_>, row: &Row<'_>, columns: &[String]) -> Result<bool> {
    let state: String = row.get("state")?;
    let waits = matches!(state.as_str(), "held" | "ready" | "sent");
    let mut names = Vec::new();
    let mut cells = Vec::new();
    for column in columns.iter().filter(|column| *column != "id") {
        let cell = match column.as_str() {
            "state" if waits => Cell::Text(ChangeState::Ready.word().into()),
            column if waits && OF_SENDING.contains(&column) => Cell::Null,
            column => row.get(column)?,
        };
        names.push(column.as_str());
        cells.push(cell);
    }
    let places = vec!["?"; names.len()].join(", ");
    // Central knows the changes whose numbers are used here as well: their outcome is theirs.
    let sql = format!("INSERT OR IGNORE INTO outbox ({}) VALUES ({places})", names.join(", "));
    Ok(tx.prepare_cached(&sql)?.execute(params_from_iter(cells))? > 0)
}

/// A change that came along joins the fold, or the list of what needs somebody, and its act stands in the audit log.
fn follow_up(tx: &Transaction<'_>, id: ChangeId, at: Timestamp) -> Result<()> {
    let Some(row) = outbox::load(tx, id)? else { return Ok(()) };
    let subject = row.change.subject();
    if row.state == ChangeState::Ready {
        outbox::keep_base(tx, subject)?;
        refold::refold(tx, subject, PriceSource { by: Some(&row.by), source: "here", at: row.at })?;
    } else if let (Some(Refusal::BothChanged { fields }), Subject::Item(item), false) =
        (&row.refusal, subject, row.closed)
    {
        conflicts::open(tx, item, fields, id, at)?;
    }
    let body = &aisle_contract::up::body_of(&row.change)?;
    let kind = row.change.type_word();
    let entry = Entry { at: row.at, kind, subject, by: Some(&row.by), change_id: Some(id), body };
    audit::append(tx, &entry)
}

/// What a person took back after the backup was made does not come back.
fn take_back_withdrawn(tx: &Transaction<'_>, old: &Connection, at: Timestamp) -> Result<()> {
    let mut gone = old.prepare(
        "SELECT EXISTS (SELECT 1 FROM audit_log WHERE change_id = ?1 AND kind = 'withdrawn')
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE change_id = ?1)",
    )?;
    let waiting = outbox::list(tx, &[ChangeState::Held, ChangeState::Ready], None, usize::MAX)?;
    for row in waiting {
        if !gone.query_row([row.change_id.to_string()], |found| found.get::<_, bool>(0))? {
            continue;
        }
        let (subject, id) = (row.change.subject(), row.change_id);
        outbox::delete(tx, id)?;
        let body = &json!({ "type": row.change.type_word() }).to_string();
        let entry = Entry { at, kind: "withdrawn", subject, by: Some(&row.by), change_id: Some(id), body };
        audit::append(tx, &entry)?;
        refold::refold(tx, subject, PriceSource { by: Some(&row.by), source: "here", at })?;
    }
    Ok(())
}
