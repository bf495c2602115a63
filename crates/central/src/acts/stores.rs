//! Stores and their desks.

use aisle_contract::DownBody;
use aisle_domain::{
    Currency, DeskId, Lane, Layout, Policies, Reasons, Store, StoreId, Subject, Timestamp, store::Durability,
};

use super::needed_store;
use crate::{
    Centre,
    error::CentralError,
    ledger::{AuditEntry, Desk, Feed, Tx},
    views::{DeskView, DigestTables, StoreDigest, StoreView},
};

/// A desk says something of itself at least this often.
const HEARTBEAT_MS: i64 = 5 * 60 * 1000;

/// A store to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStore {
    /// Its number.
    pub store_id: StoreId,
    /// Name on screen, 1 to 255 characters.
    pub name: String,
    /// First line of the address, 1 to 255 characters.
    pub address1: String,
    /// Second line of the address.
    pub address2: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State or region.
    pub state: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// ISO 4217 code, three capital letters.
    pub currency: String,
    /// IANA name.
    pub time_zone: String,
    /// Minutes after midnight at which the day starts, below 1440.
    pub day_starts: u16,
    /// When a change counts as written.
    pub durability: Durability,
}

impl NewStore {
    /// A store with a name and an address, in dollars and UTC, its day from midnight.
    pub fn new(store_id: StoreId, name: &str, address1: &str) -> Self {
        Self {
            store_id,
            name: name.into(),
            address1: address1.into(),
            address2: None,
            city: None,
            state: None,
            country: None,
            postal_code: None,
            currency: "USD".into(),
            time_zone: "UTC".into(),
            day_starts: 0,
            durability: Durability::default(),
        }
    }

    fn check(&self) -> Result<(), CentralError> {
        let bad = |what: String| Err(CentralError::BadValue { what });
        let short = |text: &str| !text.trim().is_empty() && text.chars().count() <= 255;
        if !short(&self.name) {
            return bad("a store's name has 1 to 255 characters".into());
        }
        if !short(&self.address1) {
            return bad("the first line of a store's address has 1 to 255 characters".into());
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return bad(format!(
                "\"{}\" is no currency; write its three capital letters, such as USD",
                self.currency
            ));
        }
        if jiff::tz::TimeZone::get(&self.time_zone).is_err() {
            return bad(format!(
                "\"{}\" is no time zone; write its name, such as America/New_York",
                self.time_zone
            ));
        }
        if self.day_starts >= 24 * 60 {
            return bad(format!(
                "a day cannot start {} minutes after midnight; write less than 1440",
                self.day_starts
            ));
        }
        Ok(())
    }

    fn row(self) -> Store {
        Store {
            store_id: self.store_id,
            name: self.name,
            address1: self.address1,
            address2: self.address2,
            city: self.city,
            state: self.state,
            country: self.country,
            postal_code: self.postal_code,
            currency: Currency(self.currency),
            time_zone: self.time_zone,
            day_starts: self.day_starts,
            durability: self.durability,
            policies: Policies::default(),
            reasons: Reasons::default(),
            paused_until: None,
            busy_minutes: None,
            busy_until: None,
            version: 1,
        }
    }
}

/// Sends a store's row down its feed.
pub(super) fn send_store(tx: &Tx<'_>, store: &Store, now: Timestamp) -> Result<(), CentralError> {
    let feed = Feed { store: store.store_id, lane: Lane::Orders };
    tx.enqueue(feed, &DownBody::Store(Box::new(store.clone())), now)
}

fn is_quiet(desk: &Desk, now: Timestamp) -> bool {
    !desk.retired && desk.last_heard.is_none_or(|heard| now.since(heard) > 2 * HEARTBEAT_MS)
}

pub(super) fn store_view(tx: &Tx<'_>, store: &Store, now: Timestamp) -> Result<StoreView, CentralError> {
    let desks = tx.desks(store.store_id)?;
    let keys = tx.key_rows(store.store_id)?;
    Ok(StoreView {
        store_id: store.store_id,
        name: store.name.clone(),
        signed: !keys.is_empty(),
        quiet: desks.iter().any(|d| is_quiet(d, now)),
        desks: desks.iter().map(|d| DeskView::of(d, !is_quiet(d, now) && !d.retired)).collect(),
        keys: keys.into_iter().map(Into::into).collect(),
        alarms: tx.alarms(store.store_id)?.into_iter().map(Into::into).collect(),
        enrolment: None,
    })
}

/// Writes a new store's row and sends it down its feed.
pub(super) fn insert(tx: &Tx<'_>, new: NewStore, now: Timestamp) -> Result<Store, CentralError> {
    new.check()?;
    if tx.store(new.store_id)?.is_some() {
        return Err(CentralError::Taken { what: format!("store {}", new.store_id) });
    }
    let store = new.row();
    tx.save_store(&store)?;
    tx.begin_feeds(store.store_id)?;
    send_store(tx, &store, now)?;
    for lane in Lane::ALL {
        tx.touch_digest(Feed { store: store.store_id, lane })?;
    }
    tx.audit(&AuditEntry::of_central(store.store_id, Subject::Store, "store.added", now))?;
    Ok(store)
}

impl Centre {
    /// Adds a store. Needs no broker.
    ///
    /// # Errors
    /// [`CentralError::BadValue`] for a value that no store may have, [`CentralError::Taken`] for a known number.
    pub fn add_store(&self, new: NewStore) -> Result<StoreView, CentralError> {
        let now = self.now();
        self.ledger()?.write(|tx| {
            let store = insert(tx, new, now)?;
            store_view(tx, &store, now)
        })
    }

    /// Says what the barcodes are like that the store's scales print.
    ///
    /// # Errors
    /// [`CentralError::BadValue`] for a text that is no layout, [`CentralError::NotFound`] for a store that is not known.
    pub fn set_scale_labels(&self, store: StoreId, layouts: &[String]) -> Result<Store, CentralError> {
        for text in layouts {
            text.parse::<Layout>().map_err(|bad| CentralError::BadValue { what: bad.to_string() })?;
        }
        let now = self.now();
        self.ledger()?.write(|tx| {
            let mut row = needed_store(tx, store)?;
            if row.policies.scale_labels != layouts {
                row.policies.scale_labels = layouts.into();
                row.version += 1;
                tx.save_store(&row)?;
                send_store(tx, &row, now)?;
                tx.audit(&AuditEntry::of_central(store, Subject::Store, "store.scale_labels", now))?;
            }
            Ok(row)
        })
    }

    /// The store's row.
    pub fn store(&self, store: StoreId) -> Result<Store, CentralError> {
        self.ledger()?.read(|tx| needed_store(tx, store))
    }

    /// All stores with their desks. A store is quiet when one of its desks was not heard for two intervals.
    pub fn list_stores(&self) -> Result<Vec<StoreView>, CentralError> {
        let now = self.now();
        self.ledger()?.read(|tx| tx.stores()?.iter().map(|store| store_view(tx, store, now)).collect())
    }

    /// Marks a desk as one that nobody waits for. It counts again once it is heard again.
    pub fn retire_desk(&self, desk: DeskId) -> Result<DeskView, CentralError> {
        let missing = || CentralError::NotFound { what: format!("desk {desk}") };
        self.ledger()?.write(|tx| {
            if !tx.retire_desk(desk)? {
                return Err(missing());
            }
            let row = tx.desk(desk)?.ok_or_else(missing)?;
            Ok(DeskView::of(&row, false))
        })
    }

    /// Count and sum over a store's orders and items, counted from the rows: what a desk that has everything shows.
    pub fn digest(&self, store: StoreId) -> Result<StoreDigest, CentralError> {
        self.ledger()?.read(|tx| {
            needed_store(tx, store)?;
            let [orders, items] = tx.counted_digests(store)?;
            let tables = DigestTables { orders: orders.into(), items: items.into() };
            Ok(StoreDigest { epoch: tx.epoch()?, tables })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> NewStore {
        NewStore::new(StoreId::new(1).unwrap(), "Store", "Main street 1")
    }

    #[test]
    fn a_store_with_a_value_no_store_may_have_is_refused() {
        assert!(store().check().is_ok());
        let wrong = [
            NewStore { name: " ".into(), ..store() },
            NewStore { address1: String::new(), ..store() },
            NewStore { address1: "x".repeat(256), ..store() },
            NewStore { currency: "usd".into(), ..store() },
            NewStore { time_zone: "Mars/Olympus".into(), ..store() },
            NewStore { day_starts: 1440, ..store() },
        ];
        for new in wrong {
            assert_eq!(new.check().unwrap_err().code(), "bad_value", "{new:?}");
        }
    }

    #[test]
    fn a_desk_that_was_not_heard_for_two_intervals_is_quiet_unless_it_is_retired() {
        let heard = |at: Option<i64>, retired| Desk {
            id: DeskId(uuid::Uuid::nil()),
            store: StoreId::new(1).unwrap(),
            name: None,
            incarnations: Vec::new(),
            last_heard: at.map(Timestamp::from_millis),
            outbox: None,
            oldest_age_s: None,
            behind: None,
            version: None,
            clock_offset_ms: None,
            forked_at: None,
            retired,
        };
        let now = Timestamp::from_millis(600_000);
        assert!(!is_quiet(&heard(Some(0), false), now));
        assert!(is_quiet(&heard(Some(-1), false), now));
        assert!(is_quiet(&heard(None, false), now));
        assert!(!is_quiet(&heard(Some(-1), true), now));
    }
}
