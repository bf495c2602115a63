//! The rule that accepts orders by itself, and which it leaves to somebody's eyes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{money::Money, order::Order, time::Timestamp};

/// Why an order needs somebody's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Eyes {
    /// It came long after it was placed: whoever placed it may not want it any more.
    LateArrival,
    /// It was to be accepted before now.
    PastDeadline,
    /// The store takes no new orders.
    Paused,
    /// It costs more than the rule takes.
    Amount,
    /// The customer wrote a note.
    Note,
    /// The customer wants to be asked where something is out of stock.
    Ask,
    /// Something on it is out of stock.
    OutOfStock,
}

impl Eyes {
    /// Those that a store chooses; the others always hold.
    pub const CHOSEN: [Self; 3] = [Self::Note, Self::Ask, Self::OutOfStock];

    /// The word of the settings and of the page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::LateArrival => "late_arrival",
            Self::PastDeadline => "past_deadline",
            Self::Paused => "paused",
            Self::Amount => "amount",
            Self::Note => "note",
            Self::Ask => "ask",
            Self::OutOfStock => "out_of_stock",
        }
    }
}

/// The rule as a store set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoAccept {
    /// The highest amount that an order may be expected to cost; `None` for any.
    pub up_to: Option<Money>,
    /// What else it leaves to somebody's eyes.
    pub leaves: BTreeSet<Eyes>,
}

/// What is known where an order arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// By central's clock.
    pub now: Timestamp,
    /// It came long after it was placed.
    pub is_late: bool,
    /// The store takes no new orders.
    pub is_paused: bool,
    /// Something on it is out of stock.
    pub lacks_something: bool,
}

impl AutoAccept {
    /// Why a new order is left to somebody; `None` where the rule accepts it.
    pub fn needs_eyes(&self, order: &Order, arrival: Arrival) -> Option<Eyes> {
        let note = order.note.as_deref().is_some_and(|note| !note.trim().is_empty());
        let reasons = [
            (Eyes::LateArrival, arrival.is_late),
            (Eyes::PastDeadline, order.accept_by.is_some_and(|by| by <= arrival.now)),
            (Eyes::Paused, arrival.is_paused),
            (Eyes::Amount, self.up_to.is_some_and(|most| order.expected() > most)),
            (Eyes::Note, self.leaves.contains(&Eyes::Note) && note),
            (Eyes::Ask, self.leaves.contains(&Eyes::Ask) && order.substitution.as_deref() == Some("ask")),
            (Eyes::OutOfStock, self.leaves.contains(&Eyes::OutOfStock) && arrival.lacks_something),
        ];
        reasons.into_iter().find_map(|(why, holds)| holds.then_some(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{OrderId, StoreId, UserId},
        life::OrderStatus,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
    }

    fn order() -> Order {
        Order {
            order_id: OrderId::new(1).unwrap(),
            store_id: StoreId::new(1).unwrap(),
            user_id: UserId::new(1).unwrap(),
            creation_time: at(0),
            status: OrderStatus::New,
            queued_time: at(1),
            accept_by: Some(at(600)),
            due_at: None,
            display_no: "0001".into(),
            customer_name: None,
            note: Some(" ".into()),
            substitution: Some("similar".into()),
            payment_expected: true,
            decision: None,
            reason: None,
            decided_by: None,
            decided_at: None,
            claimed_by: None,
            accepted_by: None,
            accepted_at: None,
            version: 1,
            lines: Vec::new(),
            range: None,
            payments: Vec::new(),
            receipts: Vec::new(),
            shopper: None,
        }
    }

    const NOW: Arrival = Arrival { now: at_599(), is_late: false, is_paused: false, lacks_something: false };

    const fn at_599() -> Timestamp {
        Timestamp::from_millis(1_700_000_599_000)
    }

    fn rule() -> AutoAccept {
        AutoAccept { up_to: None, leaves: Eyes::CHOSEN.into() }
    }

    #[test]
    fn an_order_that_asks_nothing_of_anybody_is_accepted() {
        assert_eq!(rule().needs_eyes(&order(), NOW), None);
    }

    #[test]
    fn what_came_late_is_over_or_comes_while_the_store_is_paused_is_left_to_somebody_whatever_the_store_chose() {
        let bare = AutoAccept { up_to: None, leaves: BTreeSet::new() };
        let why = |arrival| bare.needs_eyes(&order(), arrival);
        assert_eq!(why(Arrival { is_late: true, ..NOW }), Some(Eyes::LateArrival));
        assert_eq!(why(Arrival { now: at(600), ..NOW }), Some(Eyes::PastDeadline));
        assert_eq!(why(Arrival { is_paused: true, ..NOW }), Some(Eyes::Paused));
    }

    #[test]
    fn notes_questions_and_empty_shelves_are_left_to_somebody_where_the_store_chose_so() {
        let noted = Order { note: Some("No nuts!".into()), ..order() };
        let asks = Order { substitution: Some("ask".into()), ..order() };
        let lacks = Arrival { lacks_something: true, ..NOW };
        assert_eq!(rule().needs_eyes(&noted, NOW), Some(Eyes::Note));
        assert_eq!(rule().needs_eyes(&asks, NOW), Some(Eyes::Ask));
        assert_eq!(rule().needs_eyes(&order(), lacks), Some(Eyes::OutOfStock));
        let bare = AutoAccept { leaves: BTreeSet::new(), ..rule() };
        assert_eq!(bare.needs_eyes(&noted, NOW), None);
        assert_eq!(bare.needs_eyes(&asks, lacks), None);
    }

    #[test]
    fn an_amount_above_the_limit_is_left_to_somebody_and_the_limit_itself_is_not() {
        let limited = AutoAccept { up_to: Some(Money::from_minor(0)), ..rule() };
        assert_eq!(limited.needs_eyes(&order(), NOW), None);
        let below = AutoAccept { up_to: Some(Money::from_minor(-1)), ..rule() };
        assert_eq!(below.needs_eyes(&order(), NOW), Some(Eyes::Amount));
    }
}
