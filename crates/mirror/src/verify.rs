//! The desk's database against its own rules.

use std::{path::Path, time::Duration};

use aisle_domain::{Item, Order, Store, Subject, fold};
use rusqlite::Connection;

use crate::{
    audit,
    bases::{self, Base, Kind},
    error::Result,
    folder::{self, Access},
    items, orders, outbox,
    ranges::{RangeCache, RangeRow},
    refold, store,
};

/// Problems that are named one by one.
const NAMED: usize = 20;

/// About how many items are searched for: each costs a walk over all that share its words.
const SAMPLED: i64 = 500;
const SAMPLED_DEEP: i64 = 2000;

/// How often the cache and its table are compared again, and after what time.
const LOOKS: usize = 5;
const MOMENT: Duration = Duration::from_millis(50);

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Whether it found nothing.
    pub ok: bool,
    /// How much it looked at.
    pub checked: i64,
    /// What it found, at most 20.
    pub problems: Vec<String>,
}

fn check(name: &'static str, checked: i64, mut problems: Vec<String>) -> Check {
    let ok = problems.is_empty();
    problems.truncate(NAMED);
    Check { name, ok, checked, problems }
}

/// Runs all checks; `deep` reads every page of the file as well. `ranges` is the cache of the program that asks.
pub fn run(conn: &Connection, deep: bool, ranges: Option<&RangeCache>) -> Result<Vec<Check>> {
    Ok(vec![
        sqlite(conn, deep)?,
        foreign_keys(conn)?,
        {
            let (checked, problems) = audit::check_chain(conn)?;
            check("audit_chain", checked, problems)
        },
        money_sums(conn)?,
        ranges_cache(conn, ranges)?,
        {
            let (checked, problems) = outbox::check_dense(conn)?;
            check("outbox_dense", checked, problems)
        },
        folds(conn)?,
        search_index(conn, deep)?,
    ])
}

fn texts(conn: &Connection, sql: &str) -> Result<Vec<String>> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

fn number(conn: &Connection, sql: &str) -> Result<i64> {
    Ok(conn.query_row(sql, [], |row| row.get(0))?)
}

fn sqlite(conn: &Connection, deep: bool) -> Result<Check> {
    // The check of the words' index goes by what this connection remembers of how the index is built, and others may
    // have merged it since: only a query makes it look again. What is wrong with the index shows below.
    drop(conn.query_row("SELECT rowid FROM items_words LIMIT 1", [], |_| Ok(())));
    let found = texts(conn, if deep { "PRAGMA integrity_check" } else { "PRAGMA quick_check" })?;
    let problems = found.into_iter().filter(|line| line != "ok").collect();
    Ok(check("sqlite", number(conn, "PRAGMA page_count")?, problems))
}

fn foreign_keys(conn: &Connection) -> Result<Check> {
    let found = texts(conn, "SELECT \"table\" || ' row ' || rowid FROM pragma_foreign_key_check")?;
    Ok(check("foreign_keys", number(conn, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'")?, found))
}

/// Whole amounts, ranges the right way round, and parts of a difference that sum to it.
fn money_sums(conn: &Connection) -> Result<Check> {
    let mut problems = Vec::new();
    let mut checked = 0;
    for id in orders::ids(conn)? {
        let Some(order) = orders::load(conn, id)? else { continue };
        checked += 1;
        if order.receipts.is_empty() {
            continue;
        }
        let paid: aisle_domain::Money = order.receipts.iter().map(|r| r.amount).sum();
        let parts: aisle_domain::Money =
            aisle_domain::receipt::explain(&order.lines, &order.receipts).iter().map(|part| part.amount).sum();
        if parts != paid.minus(order.expected()) {
            problems.push(format!("order {id}: the parts sum to {parts}, paid minus expected is another amount"));
        }
    }
    Ok(check("money_sums", checked, problems))
}

/// The cache against its table. It follows a commit by a moment: only what stays different is a problem.
fn ranges_cache(conn: &Connection, ranges: Option<&RangeCache>) -> Result<Check> {
    let table = RangeCache::rows(conn)?;
    let checked = i64::try_from(table.len()).unwrap_or(i64::MAX);
    let Some(cache) = ranges.filter(|cache| !cache.is_snapshot()) else {
        return Ok(check("ranges_cache", checked, Vec::new()));
    };
    let mut problem = differences(cache, table);
    for _ in 0..LOOKS {
        if problem.is_none() {
            break;
        }
        let Some(file) = conn.path() else { break };
        std::thread::sleep(MOMENT);
        problem = differences(cache, RangeCache::rows(&folder::connect(Path::new(file), Access::Read)?)?);
    }
    Ok(check("ranges_cache", checked, problem.into_iter().collect()))
}

fn differences(cache: &RangeCache, mut table: Vec<RangeRow>) -> Option<String> {
    let mut cached = cache.entries();
    cached.sort_unstable();
    table.sort_unstable();
    (cached != table).then(|| {
        let (in_memory, in_table) = (cached.len(), table.len());
        let same = cached.iter().filter(|row| table.binary_search(row).is_ok()).count();
        format!("{in_memory} ranges in memory, {in_table} in the table, {same} of them the same")
    })
}

/// Shown = fold(base, unacknowledged) for every row with a base, and no unacknowledged change without one.
fn folds(conn: &Connection) -> Result<Check> {
    let mut problems = Vec::new();
    let mut checked = 0;
    let mut subjects = bases::subjects(conn)?;
    subjects.extend(bases::load::<Store>(conn, Kind::Store, 0)?.map(|_| Subject::Store));
    for subject in subjects {
        checked += 1;
        match is_folded(conn, subject) {
            Ok(true) => {}
            Ok(false) => {
                problems
                    .push(format!("{subject}: what is shown does not follow from central's row and the outbox"));
            }
            Err(error) if error.is_of_one_row() => problems.push(format!("{subject}: {error}")),
            Err(error) => return Err(error),
        }
    }
    let without =
        "SELECT DISTINCT o.kind || ' ' || o.subject || ' has unacknowledged changes and no base' FROM outbox o
        LEFT JOIN bases b ON b.kind = o.kind AND b.id = o.subject
        WHERE o.state IN ('held', 'ready', 'sent') AND b.id IS NULL";
    problems.extend(texts(conn, without)?);
    let kept = "SELECT b.kind || ' ' || b.id || ' has a base and nothing unacknowledged' FROM bases b
        WHERE NOT EXISTS (SELECT 1 FROM outbox o
            WHERE o.kind = b.kind AND o.subject = b.id AND o.state IN ('held', 'ready', 'sent'))";
    problems.extend(texts(conn, kept)?);
    Ok(check("fold", checked, problems))
}

fn is_folded(conn: &Connection, subject: Subject) -> Result<bool> {
    let (policies, reasons) = refold::rules(conn)?;
    let pending = refold::pending(&outbox::unacknowledged(conn, subject)?);
    Ok(match subject {
        Subject::Order(id) => {
            let base = bases::load::<Order>(conn, Kind::Order, id.get())?.and_then(|Base(base)| base);
            refold::fold_order(base.as_ref(), id, &pending, &policies, &reasons).row == orders::load(conn, id)?
        }
        Subject::Item(id) => {
            let base = bases::load::<Item>(conn, Kind::Item, id.get())?.and_then(|Base(base)| base);
            fold::fold_item(base.as_ref(), &pending, &policies.fields).row == items::load(conn, id)?
        }
        Subject::Store => {
            let base = bases::load::<Store>(conn, Kind::Store, 0)?.and_then(|Base(base)| base);
            base.map(|base| fold::fold_store(&base, &pending).row) == store::load(conn)?
        }
    })
}

/// Items whose own words do not find them, and deleted ones that are found, among items spread over the catalog.
fn search_index(conn: &Connection, deep: bool) -> Result<Check> {
    let items = number(conn, "SELECT count(*) FROM items")?;
    let sampled = if deep { SAMPLED_DEEP } else { SAMPLED };
    let step = usize::try_from((items / sampled).max(1)).unwrap_or(1);
    let mut problems = Vec::new();
    let mut checked = 0;
    let mut all = conn.prepare("SELECT item_id, name, deleted FROM items ORDER BY item_id")?;
    let mut find = conn.prepare("SELECT count(*) FROM items_words WHERE items_words MATCH ?1 AND rowid = ?2")?;
    let mut rows = all.query([])?;
    let mut place = 0_usize;
    while let Some(row) = rows.next()? {
        place += 1;
        if !place.is_multiple_of(step) {
            continue;
        }
        let (id, name, deleted): (i64, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // Names in letters that the index does not know are found by their beginning alone.
        let Some(query) = items::whole_words_query(&name).filter(|_| name.is_ascii()) else { continue };
        checked += 1;
        let found = find.query_row(rusqlite::params![query, id], |row| row.get::<_, i64>(0))? == 1;
        match (found, deleted) {
            (false, false) => problems.push(format!("item {id} is not found by its own name")),
            (true, true) => problems.push(format!("item {id} is deleted and found by its name")),
            _ => {}
        }
    }
    Ok(check("search_index", checked, problems))
}
