//! The desk's database against its own rules.

use aisle_domain::{Item, ItemId, Order, OrderId, Subject, fold};
use rusqlite::Connection;

use crate::{
    audit,
    bases::{self, Base, Kind},
    error::Result,
    items, orders, outbox,
    ranges::RangeCache,
    refold,
    row::Columns,
};

/// Problems that are named one by one.
const NAMED: usize = 20;

/// Items whose search is tried when not every one is.
const SAMPLED: i64 = 1000;

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

fn ranges_cache(conn: &Connection, ranges: Option<&RangeCache>) -> Result<Check> {
    let table = RangeCache::rows(conn)?;
    let mut problems = Vec::new();
    if let Some(cache) = ranges {
        let mut cached = cache.entries();
        let mut expected = table.clone();
        cached.sort_unstable();
        expected.sort_unstable();
        if cached != expected {
            problems.push(format!("{} ranges in memory, {} in the table", cached.len(), expected.len()));
        }
    }
    Ok(check("ranges_cache", i64::try_from(table.len()).unwrap_or(i64::MAX), problems))
}

/// Shown = fold(base, unacknowledged) for every row with a base, and no unacknowledged change without one.
fn folds(conn: &Connection) -> Result<Check> {
    let (policies, reasons) = refold::rules(conn)?;
    let mut problems = Vec::new();
    let mut statement = conn.prepare("SELECT kind, id FROM bases ORDER BY kind, id")?;
    let mut rows = statement.query([])?;
    let mut checked = 0;
    while let Some(row) = rows.next()? {
        checked += 1;
        let (kind, id): (String, i64) = (row.get("kind")?, row.get("id")?);
        let same = match kind.as_str() {
            "order" => {
                let id = row.id("id", OrderId::new)?;
                let pending = refold::pending(&outbox::unacknowledged(conn, Subject::Order(id))?);
                let base = bases::load::<Order>(conn, Kind::Order, id.get())?.and_then(|Base(base)| base);
                let folded = base.map(|base| fold::fold_order(&base, &pending, &policies, &reasons).row);
                folded == orders::load(conn, id)?
            }
            "item" => {
                let id = row.id("id", ItemId::new)?;
                let pending = refold::pending(&outbox::unacknowledged(conn, Subject::Item(id))?);
                let base = bases::load::<Item>(conn, Kind::Item, id.get())?.and_then(|Base(base)| base);
                fold::fold_item(base.as_ref(), &pending, &policies.fields).row == items::load(conn, id)?
            }
            _ => true,
        };
        if !same {
            problems.push(format!("{kind} {id}: what is shown does not follow from central's row and the outbox"));
        }
    }
    let without = "SELECT DISTINCT o.kind || ' ' || o.subject || ' has unacknowledged changes and no base' FROM outbox o
        LEFT JOIN bases b ON b.kind = o.kind AND b.id = o.subject
        WHERE o.state IN ('held', 'ready', 'sent') AND b.id IS NULL";
    problems.extend(texts(conn, without)?);
    Ok(check("fold", checked, problems))
}

/// Items whose own words do not find them: all of them when `deep`, else about a thousand.
fn search_index(conn: &Connection, deep: bool) -> Result<Check> {
    let items = number(conn, "SELECT count(*) FROM items")?;
    let step = if deep { 1 } else { (items / SAMPLED).max(1) };
    let mut problems = Vec::new();
    let mut checked = 0;
    let mut sample = conn.prepare("SELECT item_id, name FROM items WHERE item_id % ?1 = 0")?;
    let mut find = conn.prepare("SELECT count(*) FROM items_words WHERE items_words MATCH ?1 AND rowid = ?2")?;
    let mut rows = sample.query([step])?;
    while let Some(row) = rows.next()? {
        let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
        let Some(query) = items::words_query(&name) else { continue };
        checked += 1;
        if find.query_row(rusqlite::params![query, id], |row| row.get::<_, i64>(0))? != 1 {
            problems.push(format!("item {id} is not found by its own name"));
        }
    }
    Ok(check("search_index", checked, problems))
}
