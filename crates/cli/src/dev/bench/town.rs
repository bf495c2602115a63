//! A store that rows are measured in: central's database and a desk's mirror of it, prepared once over the
//! in-process bus and copied for each round, so that every round begins with the same bytes.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{Centre, NewStore, SimulateOptions, Stop, TopicsOptions, WorkOptions};
use aisle_contract::{TopicAdmin, TopicNames, up};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, ItemId, OrderId, OrderStatus, StoreId, Timestamp,
    change::{ItemChanged, OrderAccepted},
    item::{Edit, ItemEdits},
};
use aisle_mirror::{Mirror, NewChange, NewDesk};
use aisle_sync::{Clock, Goal, SyncOptions, SystemClock};
use tempfile::TempDir;
use uuid::Uuid;

use super::{failed, io};
use crate::exit::Failure;

/// Of everything that is made up.
pub(super) const SEED: u64 = 7;
/// Lines of an order.
const LINES: usize = 8;
const FIRST_ITEM: i64 = 1_000_001;
const FIRST_ORDER: i64 = 5_000_001;
const LONG: Duration = Duration::from_secs(600);

/// How much there is of what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) items: usize,
    pub(super) orders: usize,
}

/// The prepared store, at rest.
pub(super) struct Town {
    dir: TempDir,
    pub(super) store: StoreId,
    size: Size,
}

/// Steele, Lea and Flood's `SplitMix64`: the same on every machine.
pub(super) struct SplitMix(pub(super) u64);

impl SplitMix {
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// A folder on the disk that the repository lies on: a temporary folder may be in memory, where nothing is synced.
pub(super) fn folder() -> Result<TempDir, Failure> {
    let parent = aisle_testkit::fixtures::repository().join("build/bench");
    std::fs::create_dir_all(&parent).map_err(io)?;
    tempfile::tempdir_in(parent).map_err(io)
}

fn bus() -> Bus {
    let clock = SystemClock::default();
    Bus::new("preparation", move || clock.now())
}

fn number(first: i64, place: usize) -> i64 {
    first.saturating_add(i64::try_from(place).unwrap_or(i64::MAX - first))
}

/// The item at a place of the shelf.
pub(super) fn item_id(place: usize) -> Result<ItemId, Failure> {
    Ok(ItemId::new(number(FIRST_ITEM, place))?)
}

/// The order at a place of the day.
pub(super) fn order_id(place: usize) -> Result<OrderId, Failure> {
    Ok(OrderId::new(number(FIRST_ORDER, place))?)
}

/// What the item at a place is called: words of made-up letters, about a hundred characters.
fn item_name(place: usize) -> String {
    let mut random = SplitMix(SEED ^ u64::try_from(place).unwrap_or(0));
    let mut name = format!("Item {place}");
    while name.len() < 100 {
        name.push(' ');
        for _ in 0..3 + random.below(6) {
            name.extend(char::from_digit(10 + u32::try_from(random.below(26)).unwrap_or(0), 36));
        }
    }
    name
}

/// Another name for the item at a place; as a change of exactly `bytes` bytes where that is possible.
pub(super) fn rename(place: usize, bytes: usize) -> Result<Change, Failure> {
    let from = item_name(place);
    let change = |to: String| -> Result<Change, Failure> {
        let name = Some(Edit { from: from.clone(), to });
        let changes = ItemEdits { name, ..ItemEdits::default() };
        Ok(Change::ItemChanged(ItemChanged { item: item_id(place)?, changes }))
    };
    let shortest = change("New".into())?;
    let length = up::body_of(&shortest).map_err(|e| failed("a change", e))?.len();
    change(format!("New{}", "x".repeat(bytes.saturating_sub(length))))
}

/// Accepts the order at a place.
pub(super) fn accept(place: usize) -> Result<Change, Failure> {
    Ok(Change::OrderAccepted(OrderAccepted { order: order_id(place)?, from: OrderStatus::New }))
}

/// The act of a change.
pub(super) fn act(change: Change, at: Timestamp, held: bool) -> NewChange {
    NewChange { change_id: ChangeId(Uuid::now_v7()), change, by: "Noor".into(), at, held, replaces: None }
}

impl Town {
    /// Central with a store of this size, everything published.
    pub(super) fn new(size: Size) -> Result<Self, Failure> {
        let dir = folder()?;
        let store = StoreId::new(1)?;
        let days = dir.path().join("days");
        write_days(&days, size).map_err(io)?;
        let town = Self { dir, store, size };
        let central = town.dir.path().join("central");
        std::fs::create_dir_all(&central).map_err(io)?;
        let centre = Centre::open(
            &central.join("central.db"),
            TopicNames::default(),
            Arc::new(aisle_central::SystemClock),
        )?;
        centre.add_store(NewStore::new(store, "Store", "Main street 1"))?;
        let found = centre.simulate(&SimulateOptions::new(store, days), &Stop::new())?;
        let wanted = (u64::try_from(size.items).unwrap_or(0), u64::try_from(size.orders).unwrap_or(0));
        if (found.items, found.orders) != wanted {
            return Err(Failure::new("unexpected", "the simulated store is not of the size that was asked for"));
        }
        town.settle(&centre)?;
        Ok(town)
    }

    /// Publishes everything, and mirrors it in a desk where there is to be one.
    fn settle(&self, centre: &Centre) -> Result<(), Failure> {
        let bus = bus();
        make_topics(centre, &bus)?;
        let options = WorkOptions { until_idle: true, timeout: Some(LONG), ..WorkOptions::default() };
        if !centre.work(&bus, &options, &Stop::new())?.reached {
            return Err(Failure::new("timed_out", "the store was not published in time"));
        }
        let clock = SystemClock::default();
        let new = NewDesk {
            store_id: self.store,
            desk_id: DeskId(Uuid::new_v4()),
            incarnation: Incarnation(1),
            desk_name: "Desk 1".into(),
            at: clock.now(),
        };
        let mirror = Mirror::create(&self.desk(), &new)?;
        let (options, stop) = (sync_options(centre.names()), AtomicBool::new(false));
        let synced = aisle_sync::once(&mirror, &bus, &options, Goal::CaughtUp, LONG, &clock, &stop, &mut |_| ())?;
        if !synced.reached || synced.parked > 0 {
            return Err(Failure::new("timed_out", "the store was not mirrored in time"));
        }
        Ok(())
    }

    fn desk(&self) -> PathBuf {
        self.dir.path().join("desk")
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Opens the prepared desk itself, to act in it before rounds begin.
    pub(super) fn open_desk(&self) -> Result<Mirror, Failure> {
        Ok(Mirror::open(&self.desk(), SystemClock::default().now())?)
    }

    /// A copy of the desk, as one that has always read the feeds of this cluster and has nothing more to read there.
    pub(super) fn copy_desk(&self, name: &str, cluster: &str) -> Result<Mirror, Failure> {
        let to = self.dir.path().join(name);
        copy(&self.desk(), &to)?;
        tell(&to.join("aisle.db"), "UPDATE feed_positions SET cluster = ?1, next_offset = 0", cluster)?;
        Ok(Mirror::open(&to, SystemClock::default().now())?)
    }

    /// A copy of central with topics of its own, as one that has filled them in this cluster: one that finds itself at
    /// another cluster than before would fill them all again while something else is measured.
    pub(super) fn copy_centre(&self, name: &str, names: TopicNames, cluster: &str) -> Result<Centre, Failure> {
        let to = self.dir.path().join(name);
        copy(&self.dir.path().join("central"), &to)?;
        tell(&to.join("central.db"), "UPDATE meta SET value = ?1 WHERE name = 'feeds_cluster'", cluster)?;
        Ok(Centre::open(&to.join("central.db"), names, Arc::new(aisle_central::SystemClock))?)
    }

    /// Makes the topics of such names as for a real store, by a copy that goes: a centre that makes topics anew for a store
    /// that it had published fills them all again while something else is measured.
    pub(super) fn make_topics(&self, names: &TopicNames, admin: &dyn TopicAdmin) -> Result<(), Failure> {
        make_topics(&self.copy_centre("topics", names.clone(), "of nobody")?, admin)?;
        self.forget("topics")
    }

    /// Removes a copy.
    pub(super) fn forget(&self, name: &str) -> Result<(), Failure> {
        std::fs::remove_dir_all(self.dir.path().join(name)).map_err(io)
    }

    /// What the data is, for the answer.
    pub(super) fn told(&self) -> String {
        let Size { items, orders } = self.size;
        format!("a made-up store of {items} items and {orders} orders of {LINES} lines, SplitMix64 seed {SEED}")
    }
}

/// How the measured desks sync.
pub(super) fn sync_options(names: &TopicNames) -> SyncOptions {
    SyncOptions {
        names: names.clone(),
        push_interval: Duration::from_secs(300),
        push_decisions_at_once: true,
        version: env!("CARGO_PKG_VERSION").into(),
        desk_name: "Desk 1".into(),
        chance: aisle_sync::system_chance(),
        key: None,
        durability: aisle_domain::store::Durability::default(),
    }
}

/// Makes a centre's topics as they are made for a real store.
pub(super) fn make_topics(centre: &Centre, admin: &dyn TopicAdmin) -> Result<(), Failure> {
    let report = centre.topics(admin, &TopicsOptions { create: true, ..TopicsOptions::default() })?;
    if report.ok { Ok(()) } else { Err(Failure::new("topic_weaker", "the topics could not be made")) }
}

/// Writes the name of a cluster into a copy.
fn tell(database: &Path, statement: &str, cluster: &str) -> Result<(), Failure> {
    let failed = |error| failed("a copy of a database", error);
    let conn = rusqlite::Connection::open(database).map_err(failed)?;
    if conn.execute(statement, [cluster]).map_err(failed)? == 0 {
        return Err(Failure::new("unexpected", "a copy of a database knows no cluster"));
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to).map_err(io)?;
    for entry in std::fs::read_dir(from).map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.file_type().map_err(io)?.is_file() {
            let copied = to.join(entry.file_name());
            std::fs::copy(entry.path(), &copied).map_err(io)?;
            // What the copy leaves in memory is not to be written while something is measured.
            std::fs::File::open(&copied).and_then(|file| file.sync_all()).map_err(io)?;
        }
    }
    Ok(())
}

fn write_days(folder: &Path, size: Size) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut random = SplitMix(SEED);
    let mut items = String::from("item_id,barcode,name,category,unit_price\n");
    for place in 0..size.items {
        let (id, cents) = (number(FIRST_ITEM, place), 49 + random.below(2_000));
        let name = item_name(place);
        let line = format!("{id},2{id:012},{name},Category {},{}.{:02}\n", id % 40, cents / 100, cents % 100);
        items.push_str(&line);
    }
    let (mut orders, mut receipts) = (String::new(), String::new());
    for place in 0..size.orders {
        let id = number(FIRST_ORDER, place);
        let start = usize::try_from(random.below(u64::try_from(size.items).unwrap_or(1))).unwrap_or(0);
        let lines: Vec<String> = (0..LINES)
            .map(|line| {
                let item = number(FIRST_ITEM, (start + line) % size.items);
                format!("{{\"item_id\":{item},\"unit_price\":\"{}.49\",\"quantity\":1}}", 1 + line)
            })
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            orders,
            "{{\"order_id\":{id},\"store_id\":1,\"user_id\":{},\"creation_time\":\"2026-01-01T08:00:00Z\",\"items\":[{}]}}",
            1 + random.below(900),
            lines.join(",")
        );
        let _ = writeln!(
            receipts,
            "{{\"transaction_id\":{id},\"order_id\":{id},\"store_id\":1,\"datetime\":\"2026-01-01T09:00:00Z\",\
             \"amount\":\"1.00\",\"items\":[]}}"
        );
    }
    std::fs::write(folder.join("items.csv"), items)?;
    std::fs::write(folder.join("orders.jsonl"), orders)?;
    std::fs::write(folder.join("receipts.jsonl"), receipts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renaming_has_the_bytes_that_were_asked_for() {
        for place in [0, 9, 12_345] {
            assert_eq!(up::body_of(&rename(place, 300).unwrap()).unwrap().len(), 300);
        }
    }

    #[test]
    fn what_is_made_up_is_the_same_every_time() {
        assert_eq!(SplitMix(0).next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(item_name(3), item_name(3));
    }
}
