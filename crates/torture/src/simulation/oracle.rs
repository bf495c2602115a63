//! The judge: what was said to be done, line by line, against what desk and centre hold in the end. What was done is
//! kept by whoever did it; central's verdicts and the rows of both are read with SQL of the judge's own. What the system
//! says of itself (outbox, digests, its own checks, the decoder of the feed) is asked for besides, and never instead.

mod tables;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::Centre;
use aisle_contract::{Attributes, Bounds, DownBody, DownMessage, Incoming, Transport};
use aisle_domain::{
    ChangeId, Epoch, Lane, StoreId, Subject,
    digest::{DigestView, RowDigest},
};
use aisle_mirror::{ChangeState, Mirror, digest, feed, items, orders, outbox, store, verify};
use rusqlite::{Connection, OpenFlags, types::Value};

use super::{
    desk::{Done, short},
    world::Failure,
};

/// A desk as the judge sees it.
pub(crate) struct Seen<'a> {
    pub(crate) name: &'a str,
    pub(crate) store: StoreId,
    pub(crate) mirror: &'a Mirror,
    pub(crate) done: &'a [Done],
}

/// What the judge reads of the cluster.
pub(crate) trait Log {
    /// Of each partition of a topic.
    fn bounds(&self, topic: &str) -> Vec<Bounds>;

    /// Everything in a topic's first partition.
    fn records(&self, topic: &str) -> Vec<Incoming>;
}

impl Log for Bus {
    fn bounds(&self, topic: &str) -> Vec<Bounds> {
        (0..).map_while(|partition| Transport::bounds(self, topic, partition, Duration::ZERO).ok()).collect()
    }

    fn records(&self, topic: &str) -> Vec<Incoming> {
        Self::records(self, topic, 0)
    }
}

/// Central's database, read by itself.
pub(crate) fn central_db(centre: &Centre) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(centre.path(), flags).unwrap()
}

/// What keeps central from being at rest.
pub(crate) fn central_unrest(conn: &Connection, centre: &Centre, log: &dyn Log) -> Option<String> {
    let waiting: i64 = conn
        .prepare_cached(
            "SELECT coalesce(sum((SELECT count(*) FROM feed_outbox o
                WHERE o.store_id = f.store_id AND o.lane = f.lane AND o.id > f.published_to)), 0) FROM feeds f",
        )
        .unwrap()
        .query_row([], |row| row.get(0))
        .unwrap();
    if waiting > 0 {
        return Some(format!("{waiting} rows wait to be published"));
    }
    let topic = centre.names().changes();
    for (partition, bounds) in (0_i32..).zip(log.bounds(&topic)) {
        let at: i64 = conn
            .prepare_cached("SELECT next_offset FROM positions WHERE partition = ?1")
            .unwrap()
            .query_row([partition], |row| row.get(0))
            .unwrap_or(0);
        if bounds.low < bounds.high && at < bounds.high {
            return Some(format!("central is at {at} of {} in partition {partition}", bounds.high));
        }
    }
    None
}

/// Central's word on a change: its outcome, how often it is written down, and when.
#[derive(Debug)]
struct Verdict {
    outcome: String,
    times: u32,
    place: i64,
    /// Store, subject and kind, as they are written down.
    of: (i64, String, String),
}

/// What central does by itself has no change in its audit.
fn verdicts(conn: &Connection) -> HashMap<ChangeId, Verdict> {
    let mut statement = conn
        .prepare(
            "SELECT id, change_id, outcome, store_id, subject, kind FROM audit WHERE change_id IS NOT NULL ORDER BY id",
        )
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut found: HashMap<ChangeId, Verdict> = HashMap::new();
    while let Some(row) = rows.next().unwrap() {
        let id: ChangeId = row.get::<_, String>(1).unwrap().parse().unwrap();
        let of = (row.get(3).unwrap(), row.get(4).unwrap(), row.get(5).unwrap());
        let verdict = Verdict { outcome: row.get(2).unwrap(), times: 0, place: row.get(0).unwrap(), of };
        found.entry(id).or_insert(verdict).times += 1;
    }
    found
}

/// Judges a world at rest; answers one line about its end.
pub(crate) fn judge(
    desks: &[Seen<'_>],
    centre: &Centre,
    log: &dyn Log,
    central_went_back: bool,
) -> Result<String, Failure> {
    let conn = central_db(centre);
    let verdicts = verdicts(&conn);
    for desk in desks {
        acts(desk, &verdicts, central_went_back)?;
        if !central_went_back {
            // A centre that went back reads its log again before it hears what it forgot: what lies there under a younger
            // numbering may come first.
            order_of_acting(desk, &verdicts)?;
        }
    }
    strangers(desks, &verdicts)?;
    chains(&conn)?;
    for desk in desks {
        tables::same(desk, &conn)?;
        rows(desk, centre, log)?;
        sound(desk)?;
    }
    let report =
        centre.verify(None).map_err(|error| Failure::Wrong(format!("central cannot be verified: {error}")))?;
    if !report.ok {
        return Err(Failure::Wrong(format!("central: {:?}", report.checks.iter().find(|check| !check.ok))));
    }
    Ok(format!("{} changes at central, {}", verdicts.len(), fingerprint(&conn)))
}

/// Every act that was said to be done has one outcome, the same at both ends; what was taken back has none.
fn acts(desk: &Seen<'_>, verdicts: &HashMap<ChangeId, Verdict>, central_went_back: bool) -> Result<(), Failure> {
    for done in desk.done {
        let words = || format!("{}: {} {}", desk.name, done.change.type_word(), short(done.id));
        let here = desk.mirror.read(|conn| outbox::load(conn, done.id)).unwrap();
        let there = verdicts.get(&done.id);
        if done.withdrawn {
            if here.is_some() || there.is_some() {
                return Err(Failure::Wrong(format!("{} was taken back and is there all the same", words())));
            }
            continue;
        }
        let is_refused = here.as_ref().is_some_and(|row| row.state == ChangeState::Refused);
        if there.is_none() && is_refused && central_went_back {
            // The history that refused it is over; whoever did it was told.
            continue;
        }
        let Some(there) = there else { return Err(Failure::Lost(format!("{} never came to central", words()))) };
        if there.times > 1 {
            return Err(Failure::Doubled(format!("{} has {} outcomes", words(), there.times)));
        }
        let done_to = (desk.store.get(), done.change.subject().to_string(), done.change.type_word().to_owned());
        if there.of != done_to {
            return Err(Failure::Wrong(format!("{} is {:?} at central", words(), there.of)));
        }
        if here.is_none() && done.before_restore {
            continue;
        }
        let Some(here) = here else { return Err(Failure::Lost(format!("{} is not in the outbox", words()))) };
        let agrees = match here.state {
            ChangeState::Received => there.outcome != "refused",
            ChangeState::Refused => there.outcome == "refused",
            _ => false,
        };
        if !agrees {
            let (state, outcome) = (here.state.word(), &there.outcome);
            return Err(Failure::Lost(format!("{} is {state} here and {outcome} at central", words())));
        }
    }
    Ok(())
}

/// Central has a verdict on nothing that nobody did: an act that came to it under a second id would take effect twice.
fn strangers(desks: &[Seen<'_>], verdicts: &HashMap<ChangeId, Verdict>) -> Result<(), Failure> {
    let done: HashSet<ChangeId> = desks.iter().flat_map(|desk| desk.done).map(|done| done.id).collect();
    match verdicts.iter().filter(|(id, _)| !done.contains(id)).min_by_key(|(_, verdict)| verdict.place) {
        None => Ok(()),
        Some((id, verdict)) => Err(Failure::Doubled(format!("nobody did {id}, of which central has {verdict:?}"))),
    }
}

/// Central took what was done at a desk to one thing in the order in which it was done.
fn order_of_acting(desk: &Seen<'_>, verdicts: &HashMap<ChangeId, Verdict>) -> Result<(), Failure> {
    let mut latest: BTreeMap<String, (i64, ChangeId)> = BTreeMap::new();
    for done in desk.done.iter().filter(|done| !done.withdrawn) {
        let Some(verdict) = verdicts.get(&done.id) else { continue };
        let subject = done.change.subject().to_string();
        if let Some((place, before)) = latest.insert(subject.clone(), (verdict.place, done.id))
            && place > verdict.place
        {
            let (first, second) = (short(before), short(done.id));
            return Err(Failure::Wrong(format!("{}: {second} came before {first}, on {subject}", desk.name)));
        }
    }
    Ok(())
}

/// A value of orders that only desks set once the order is there.
struct Chain {
    kind: &'static str,
    column: &'static str,
    /// A field of a change's body, as the column has it.
    told: fn(&str) -> String,
    /// What it is before anybody set it, where central does not choose that.
    first: Option<Value>,
}

const CHAINS: [Chain; 2] = [
    Chain {
        kind: "order.due_set",
        column: "due_at",
        told: |field| {
            format!("CAST(round(unixepoch(json_extract(detail, '$.{field}'), 'subsec') * 1000) AS INTEGER)")
        },
        first: None,
    },
    Chain {
        kind: "order.claimed",
        column: "claimed_by",
        told: |field| format!("json_extract(detail, '$.{field}')"),
        first: Some(Value::Null),
    },
];

/// Each change that took effect was made from the value that the one before it made, and the last is what the order has.
fn chains(conn: &Connection) -> Result<(), Failure> {
    for Chain { kind, column, told, first } in CHAINS {
        let mut now: BTreeMap<(i64, String), Value> = BTreeMap::new();
        let (from, to) = (told("from"), told("to"));
        let mut statement = conn
            .prepare(&format!(
                "SELECT store_id, subject, {from}, {to}, change_id FROM audit
                 WHERE kind = ?1 AND outcome = 'applied' ORDER BY id"
            ))
            .unwrap();
        let mut rows = statement.query([kind]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let key: (i64, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            let (from, to): (Value, Value) = (row.get(2).unwrap(), row.get(3).unwrap());
            let known = now.insert(key.clone(), to).or_else(|| first.clone());
            if known.is_some_and(|known| known != from) {
                let change: String = row.get(4).unwrap();
                return Err(Failure::Doubled(format!(
                    "{column} of {key:?}: {change} did not follow from what was there"
                )));
            }
        }
        ends(conn, column, &now, first.as_ref())?;
    }
    Ok(())
}

/// The orders have what was set last.
fn ends(
    conn: &Connection,
    column: &str,
    last: &BTreeMap<(i64, String), Value>,
    first: Option<&Value>,
) -> Result<(), Failure> {
    let mut statement =
        conn.prepare(&format!("SELECT store_id, 'order/' || order_id, {column} FROM orders")).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut seen = 0;
    while let Some(row) = rows.next().unwrap() {
        let key: (i64, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        let has: Value = row.get(2).unwrap();
        seen += usize::from(last.contains_key(&key));
        if let Some(set) = last.get(&key).or(first)
            && *set != has
        {
            return Err(Failure::Wrong(format!("{column} of {key:?} is {has:?}, and {set:?} was set last")));
        }
    }
    if seen < last.len() {
        return Err(Failure::Wrong(format!(
            "{column} was set on {} orders that are not there",
            last.len() - seen
        )));
    }
    Ok(())
}

/// What central's feed says last of every row of a store, in the history that is.
fn last_words(centre: &Centre, log: &dyn Log, of: StoreId) -> BTreeMap<String, DownBody> {
    let epoch = centre.digest(of).unwrap().epoch;
    let mut words = BTreeMap::new();
    for lane in Lane::ALL {
        for record in log.records(&centre.names().feed(of, lane)) {
            let DownMessage { epoch: said_in, body } = DownMessage::decode(&record).unwrap();
            if said_in.is_some_and(|said_in| said_in != epoch) {
                continue;
            }
            if let Some(key) = body.key() {
                words.insert(key, body);
            }
        }
    }
    words
}

/// Every digest of a store's feeds is that of the newest rows before it, in the history that is. A log that was compacted
/// or cut tells nothing of it.
pub(crate) fn feeds_hold(centre: &Centre, log: &dyn Log, of: StoreId) -> Result<(), Failure> {
    let (epoch, conn) = (centre.digest(of).unwrap().epoch, central_db(centre));
    for lane in Lane::ALL {
        let topic = centre.names().feed(of, lane);
        // Before the log is read: answers to heartbeats are published all the while.
        let mark = published_to(&conn, of, lane);
        let records = log.records(&topic);
        mark_holds(&topic, mark, epoch, &records)?;
        let is_whole = (0_i64..).zip(&records).all(|(place, record)| record.offset == place);
        let mut rows: BTreeMap<Subject, i64> = BTreeMap::new();
        for record in records.iter().filter(|_| is_whole) {
            let DownMessage { epoch: said_in, body } = DownMessage::decode(record).unwrap();
            if said_in.is_some_and(|said_in| said_in != epoch) {
                continue;
            }
            let mut newest = |subject, version: i64| {
                let known = rows.entry(subject).or_insert(version);
                *known = version.max(*known);
            };
            match body {
                DownBody::Order(row) => newest(Subject::Order(row.order_id), row.version),
                DownBody::Item(row) => newest(Subject::Item(row.item_id), row.version),
                DownBody::OrderGone(order) => drop(rows.remove(&Subject::Order(order))),
                DownBody::ItemGone(item) => drop(rows.remove(&Subject::Item(item))),
                DownBody::Digest(said) => {
                    let mut own = RowDigest::default();
                    for (subject, version) in &rows {
                        own.add(*subject, *version);
                    }
                    if DigestView::from(own) != said.rows {
                        let (offset, said) = (record.offset, said.rows);
                        return Err(Failure::Wrong(format!(
                            "{topic}: {said:?} at {offset}, behind rows of {own:?}"
                        )));
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The last row of a feed that central takes for published.
fn published_to(conn: &Connection, of: StoreId, lane: Lane) -> i64 {
    conn.prepare_cached("SELECT published_to FROM feeds WHERE store_id = ?1 AND lane = ?2")
        .unwrap()
        .query_row((of.get(), lane.word()), |row| row.get(0))
        .unwrap()
}

/// What central takes for published lies in the feed: its last row does, which compaction leaves there.
fn mark_holds(topic: &str, published_to: i64, epoch: Epoch, records: &[Incoming]) -> Result<(), Failure> {
    let number = |record: &Incoming| -> Option<i64> {
        let (attributes, _) = Attributes::of(record).ok()?;
        attributes.get("id")?.strip_prefix(&format!("{epoch}:"))?.parse().ok()
    };
    let last = records.iter().filter_map(number).max().unwrap_or(0);
    // What central forgets leaves without a number.
    let is_gone = records.last().is_some_and(|record| record.value.is_none());
    if last < published_to && !is_gone {
        return Err(Failure::Wrong(format!(
            "{topic}: published to row {published_to}, but the last in the feed is {last}"
        )));
    }
    Ok(())
}

/// The desk shows central's rows, each as central said it last.
fn rows(desk: &Seen<'_>, centre: &Centre, log: &dyn Log) -> Result<(), Failure> {
    let (own_orders, own_items) = desk.mirror.read(digest::rows).unwrap();
    let there = centre.digest(desk.store).unwrap().tables;
    if DigestView::from(own_orders) != there.orders || DigestView::from(own_items) != there.items {
        let here = (own_orders, own_items);
        return Err(Failure::Wrong(format!("{}: digests differ: {here:?} here, {there:?} at central", desk.name)));
    }
    for (key, body) in last_words(centre, log, desk.store) {
        let same = desk.mirror.read(|conn| {
            Ok(match &body {
                DownBody::Order(row) => orders::load(conn, row.order_id)?.as_ref() == Some(&**row),
                DownBody::Item(row) => items::load(conn, row.item_id)?.as_ref() == Some(&**row),
                DownBody::Store(row) => store::load(conn)?.as_ref() == Some(&**row),
                _ => true,
            })
        });
        if !same.unwrap() {
            return Err(Failure::Wrong(format!("{}: {key} is shown otherwise than central has it", desk.name)));
        }
    }
    Ok(())
}

fn sound(desk: &Seen<'_>) -> Result<(), Failure> {
    let ranges = desk.mirror.ranges();
    let checks = desk.mirror.read(|conn| verify::run(conn, false, Some(ranges))).unwrap();
    if let Some(bad) = checks.into_iter().find(|check| !check.ok) {
        return Err(Failure::Wrong(format!("{}: {bad:?}", desk.name)));
    }
    let parked = desk.mirror.read(feed::parked_count).unwrap();
    if parked > 0 {
        return Err(Failure::Wrong(format!("{}: {parked} messages are parked", desk.name)));
    }
    Ok(())
}

/// What central holds in the end, in a few characters.
fn fingerprint(conn: &Connection) -> String {
    let orders: String = conn
        .query_row("SELECT coalesce(group_concat(store_id || ':' || order_id || ':' || status || ':' || version), '') FROM orders", [], |row| row.get(0))
        .unwrap();
    let items: String = conn
        .query_row("SELECT coalesce(group_concat(store_id || ':' || item_id || ':' || unit_price || ':' || version), '') FROM items", [], |row| row.get(0))
        .unwrap();
    format!("orders {orders}; items {items}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central's tables with one order, on which such changes took effect.
    fn central(due_at: i64, claimed_by: Option<&str>, applied: &[(&str, &str)]) -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE orders (store_id INTEGER, order_id INTEGER, due_at INTEGER, claimed_by TEXT);
             CREATE TABLE audit (id INTEGER PRIMARY KEY, store_id INTEGER, subject TEXT, kind TEXT, outcome TEXT,
                 change_id TEXT, detail TEXT);",
        )
        .unwrap();
        conn.execute("INSERT INTO orders VALUES (1, 7, ?1, ?2)", (due_at, claimed_by)).unwrap();
        for (kind, detail) in applied {
            let sql = "INSERT INTO audit (store_id, subject, kind, outcome, change_id, detail)
                       VALUES (1, 'order/7', ?1, 'applied', 'c', ?2)";
            conn.execute(sql, (kind, detail)).unwrap();
        }
        conn
    }

    #[test]
    fn a_chain_holds_link_by_link_and_ends_in_what_the_order_has() {
        let due = ("order.due_set", r#"{"from":"2026-09-21T14:13:20Z","to":"2026-09-21T14:13:21.250Z"}"#);
        let [ana, bo] =
            [r#"{"from":null,"to":"Ana"}"#, r#"{"from":"Ana","to":"Bo"}"#].map(|d| ("order.claimed", d));
        assert_eq!(chains(&central(1_790_000_001_250, Some("Bo"), &[due, ana, bo])), Ok(()));
        let is_doubled = |applied: &[_]| {
            matches!(chains(&central(1_790_000_001_250, Some("Ana"), applied)), Err(Failure::Doubled(_)))
        };
        assert!(is_doubled(&[ana, ana]), "taken twice");
        assert!(is_doubled(&[bo]), "nobody had claimed it before");
        let is_wrong =
            |due_at, by, applied: &[_]| matches!(chains(&central(due_at, by, applied)), Err(Failure::Wrong(_)));
        assert!(is_wrong(1_790_000_001_251, None, &[due]), "a millisecond more than was set");
        assert!(is_wrong(0, Some("Ana"), &[ana, bo]), "what was set last is not there");
        assert!(is_wrong(0, Some("Ana"), &[]), "nobody claimed it");
    }

    #[test]
    fn what_nobody_did_and_central_has_a_verdict_on_is_an_act_taken_twice() {
        let conn = central(0, None, &[("order.claimed", r#"{"from":null,"to":"Ana"}"#)]);
        let id = "019abcde-0000-7000-8000-000000000001";
        conn.execute("UPDATE audit SET change_id = ?1", [id]).unwrap();
        let found = verdicts(&conn);
        assert!(matches!(strangers(&[], &found), Err(Failure::Doubled(words)) if words.contains(id)));
        conn.execute("UPDATE audit SET change_id = NULL", []).unwrap();
        assert_eq!(strangers(&[], &verdicts(&conn)), Ok(()), "central's own acts have no change");
    }
}
