//! The judge: what was said to be done, line by line, against what desk and centre hold in the end. It reads central's
//! database by itself and trusts no function of the system.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::Centre;
use aisle_contract::{Bounds, DownBody, DownMessage, Incoming, Transport};
use aisle_domain::{ChangeId, Lane, StoreId};
use aisle_mirror::{ChangeState, Mirror, digest, feed, items, orders, outbox, store, verify};
use rusqlite::{Connection, OpenFlags};

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
        .prepare_cached("SELECT count(*) FROM feed_outbox WHERE published IS NULL")
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
}

fn verdicts(conn: &Connection) -> HashMap<ChangeId, Verdict> {
    let mut statement =
        conn.prepare("SELECT id, change_id, outcome FROM audit WHERE change_id IS NOT NULL ORDER BY id").unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut found: HashMap<ChangeId, Verdict> = HashMap::new();
    while let Some(row) = rows.next().unwrap() {
        let id: ChangeId = row.get::<_, String>(1).unwrap().parse().unwrap();
        let verdict = Verdict { outcome: row.get(2).unwrap(), times: 0, place: row.get(0).unwrap() };
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
    chains(&conn)?;
    for desk in desks {
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

/// Values that only desks set: each change that took effect was made from the value that the one before it made.
fn chains(conn: &Connection) -> Result<(), Failure> {
    for (kind, column) in [("order.due_set", "due_at"), ("order.claimed", "claimed_by")] {
        let mut statement = conn
            .prepare(
                "SELECT store_id, subject, json_extract(detail, '$.from'), json_extract(detail, '$.to'), change_id
                 FROM audit WHERE kind = ?1 AND outcome = 'applied' ORDER BY id",
            )
            .unwrap();
        let mut rows = statement.query([kind]).unwrap();
        let mut now: BTreeMap<(i64, String), Option<String>> = BTreeMap::new();
        while let Some(row) = rows.next().unwrap() {
            let key: (i64, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            let (from, to): (Option<String>, Option<String>) = (row.get(2).unwrap(), row.get(3).unwrap());
            let known = now.insert(key.clone(), to);
            if known.is_some_and(|known| known != from) {
                let change: String = row.get(4).unwrap();
                return Err(Failure::Doubled(format!(
                    "{column} of {key:?}: {change} did not follow from what was there"
                )));
            }
        }
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

/// The desk shows central's rows, each as central said it last.
fn rows(desk: &Seen<'_>, centre: &Centre, log: &dyn Log) -> Result<(), Failure> {
    let (own_orders, own_items) = desk.mirror.read(digest::rows).unwrap();
    let there = centre.digest(desk.store).unwrap().tables;
    if aisle_domain::digest::DigestView::from(own_orders) != there.orders
        || aisle_domain::digest::DigestView::from(own_items) != there.items
    {
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
