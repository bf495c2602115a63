//! Finding orders, and questions to them that have a name.

use std::collections::BTreeSet;

use aisle_domain::{OrderId, Store, Timestamp};
use aisle_mirror::{Care, MirrorError, OrderFilter, SavedView, alarms, orders, saved_views};

use crate::{
    days,
    desk::Desk,
    error::AppError,
    views::{FoundOrders, FoundView, Keeper, NamedQuery, OrderFlag, OrdersQuery, Period},
};

const MOST_FOUND: usize = 200;
const MOST_VIEWS: usize = 50;
const LONGEST_TEXT: usize = 200;
const LONGEST_NAME: usize = 40;

/// From when and before when, in days of the store.
fn queued_in(period: Period, store: &Store, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    let begun = |days_before| Some(days::begun(store, now, days_before));
    match period {
        Period::Any => (None, None),
        Period::Today => (begun(0), None),
        Period::Yesterday => (begun(1), begun(0)),
        Period::Week => (begun(6), None),
    }
}

impl Desk {
    /// The orders that answer a question.
    pub fn find_orders(&self, query: &OrdersQuery) -> Result<FoundOrders, AppError> {
        let text = checked_text(query)?;
        let store = self.store()?;
        let filter = self.filter(query, &store)?;
        let ((found, total), unheard) =
            self.mirror.read(|conn| Ok((orders::find(conn, text, &filter)?, alarms::unheard(conn)?)))?;
        let unheard: BTreeSet<OrderId> = unheard.into_iter().map(|(order, _, _)| order).collect();
        let shown = |found: &orders::Found| {
            let card = self.card(&found.order, &store, &unheard)?;
            Ok(FoundView { card, item: found.item.clone() })
        };
        Ok(FoundOrders { rows: found.iter().map(shown).collect::<Result<_, AppError>>()?, total })
    }

    fn filter(&self, query: &OrdersQuery, store: &Store) -> Result<OrderFilter, AppError> {
        let now = self.now();
        let (queued_from, queued_before) = match &query.day {
            Some(day) => days::named(store, day).map(|(from, to)| (Some(from), Some(to)))?,
            None => queued_in(query.period, store, now),
        };
        let has = |flag| query.flags.contains(&flag);
        Ok(OrderFilter {
            stages: query.stages.iter().map(|stage| (*stage).into()).collect(),
            unsent: has(OrderFlag::Unsent),
            queued_from,
            queued_before,
            care: match query.keeper {
                Keeper::Any => None,
                Keeper::Me => Some(Care::Of(self.person()?)),
                Keeper::Nobody => Some(Care::Nobody),
            },
            late_at: has(OrderFlag::Late).then(|| self.central_now()),
            incomplete: has(OrderFlag::Incomplete),
            outside_range: has(OrderFlag::Outside),
            limit: MOST_FOUND,
            ..OrderFilter::default()
        })
    }

    /// Questions that somebody at this desk gave a name, by name.
    pub fn saved_views(&self) -> Result<Vec<NamedQuery>, AppError> {
        let saved = self.mirror.read(saved_views::list)?;
        let shown = |view: SavedView| {
            let query = serde_json::from_value(view.query).map_err(MirrorError::from)?;
            Ok(NamedQuery { name: view.name, query, saved_by: view.saved_by })
        };
        saved.into_iter().map(shown).collect()
    }

    /// Gives a question a name, in the place of one that had it.
    ///
    /// # Errors
    /// `bad_value` for a name that is empty or too long, for one view too many.
    pub fn save_view(&self, name: &str, query: &OrdersQuery) -> Result<Vec<NamedQuery>, AppError> {
        let saved_by = self.person()?;
        checked_text(query)?;
        let name = name.trim();
        let bad = |message: String| AppError::Input { code: "bad_value", message };
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(bad(format!("a view's name has 1 to {LONGEST_NAME} characters")));
        }
        let query = serde_json::to_value(query).map_err(MirrorError::from)?;
        let view = SavedView { name: name.into(), query, saved_by };
        if !self.mirror.save_view(&view, self.now(), MOST_VIEWS)? {
            return Err(bad(format!("there are {MOST_VIEWS} views already; remove one that nobody needs")));
        }
        self.saved_views()
    }

    /// Forgets a question's name.
    pub fn remove_view(&self, name: &str) -> Result<Vec<NamedQuery>, AppError> {
        self.person()?;
        self.mirror.remove_view(name)?;
        self.saved_views()
    }
}

fn checked_text(query: &OrdersQuery) -> Result<&str, AppError> {
    if query.text.chars().count() > LONGEST_TEXT {
        let message = format!("what is looked for has at most {LONGEST_TEXT} characters");
        return Err(AppError::Input { code: "bad_value", message });
    }
    Ok(query.text.trim())
}
