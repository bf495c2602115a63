//! A ledger kept outside of the system: what every call that answered has promised.

use std::collections::BTreeMap;

use aisle_domain::{ChangeId, Incarnation, Lane, Subject};
use aisle_mirror::{ChangeState, Mirror, MirrorError, feed, outbox};

/// Kind and number of a row.
pub(crate) type Key = (String, i64);

/// A change as the outbox is to have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) change: ChangeId,
    pub(crate) lane: Lane,
    /// What it was done to.
    pub(crate) subject: Subject,
    /// The act, in words.
    pub(crate) act: String,
    pub(crate) state: ChangeState,
    pub(crate) numbered: Option<(Incarnation, i64)>,
    pub(crate) offset: Option<i64>,
    /// It has or had a number: it is not taken back any more.
    pub(crate) tried: bool,
}

/// What is promised of a desk, or found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Book {
    pub(crate) incarnation: Incarnation,
    /// In the order of acting.
    pub(crate) changes: Vec<Kept>,
    /// How often each change stands in the audit log.
    pub(crate) logged: BTreeMap<String, i64>,
    /// Where each feed is read next.
    pub(crate) positions: BTreeMap<&'static str, i64>,
    /// Versions of central's rows.
    pub(crate) versions: BTreeMap<Key, i64>,
}

impl Book {
    /// What the desk has.
    pub(crate) fn read(mirror: &Mirror) -> Result<Self, MirrorError> {
        let incarnation = mirror.identity().incarnation;
        mirror.read(|conn| {
            let mut changes = Vec::new();
            for row in outbox::list(conn, &ChangeState::ALL, None, usize::MAX)? {
                changes.push(Kept {
                    change: row.change_id,
                    lane: row.lane,
                    subject: row.change.subject(),
                    act: format!("{:?}", row.change),
                    state: row.state,
                    numbered: row.incarnation.zip(row.seq),
                    offset: row.offset,
                    tried: row.attempts > 0,
                });
            }
            let mut logged = BTreeMap::new();
            let mut statement = conn.prepare(
                "SELECT change_id, count(*) FROM audit_log WHERE change_id IS NOT NULL GROUP BY change_id",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                logged.insert(row.get(0)?, row.get(1)?);
            }
            let mut positions = BTreeMap::new();
            for lane in Lane::ALL {
                let next = feed::position(conn, lane)?.map_or(0, |position| position.next_offset);
                positions.insert(lane.word(), next);
            }
            let mut versions = BTreeMap::new();
            let mut statement = conn.prepare(
                "SELECT 'order', order_id, version FROM orders UNION ALL SELECT 'item', item_id, version FROM items
                 UNION ALL SELECT 'store', 0, version FROM stores",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                versions.insert((row.get(0)?, row.get(1)?), row.get(2)?);
            }
            Ok(Self { incarnation, changes, logged, positions, versions })
        })
    }

    pub(crate) fn log(&mut self, change: ChangeId) {
        *self.logged.entry(change.to_string()).or_default() += 1;
    }

    pub(crate) fn in_state(&self, states: &[ChangeState]) -> Vec<&Kept> {
        self.changes.iter().filter(|kept| states.contains(&kept.state)).collect()
    }

    pub(crate) fn next_seq(&self, lane: Lane) -> i64 {
        let of_lane = self.changes.iter().filter(|kept| kept.lane == lane);
        let numbers = of_lane.filter_map(|kept| kept.numbered).filter(|(of, _)| *of == self.incarnation);
        1 + numbers.map(|(_, seq)| seq).max().unwrap_or(0)
    }

    /// Whether a change waits for a held one that was done to the same thing before it.
    pub(crate) fn is_behind_held(&self, change: ChangeId) -> bool {
        let Some(place) = self.changes.iter().position(|kept| kept.change == change) else { return false };
        let subject = self.changes[place].subject;
        self.changes[..place].iter().any(|kept| kept.state == ChangeState::Held && kept.subject == subject)
    }

    /// Whether everything that `promised` has is here, whatever else is.
    pub(crate) fn has_all_of(&self, promised: &Self) -> bool {
        promised.changes.iter().all(|kept| self.changes.iter().any(|here| here.change == kept.change))
    }

    /// Where the two differ, in a few words.
    pub(crate) fn difference(&self, found: &Self) -> String {
        if self.incarnation != found.incarnation {
            return format!("incarnation {} and not {}", found.incarnation, self.incarnation);
        }
        let missing = self.changes.iter().filter(|kept| !found.changes.contains(kept)).collect::<Vec<_>>();
        let extra = found.changes.iter().filter(|kept| !self.changes.contains(kept)).collect::<Vec<_>>();
        if !missing.is_empty() || !extra.is_empty() {
            return format!("promised {missing:?}, found {extra:?}");
        }
        format!(
            "promised log {:?} positions {:?} versions {:?}, found {:?} {:?} {:?}",
            self.logged, self.positions, self.versions, found.logged, found.positions, found.versions
        )
    }
}
