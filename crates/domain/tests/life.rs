//! The life of an order, held against its table written out once more.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use aisle_domain::{
    OrderStatus::{self, Approved, Confirmed, New, Pending, Rejected, Running},
    life::{Act, next},
};

/// Every step there is: from, act, to.
const STEPS: &[(OrderStatus, Act, OrderStatus)] = &[
    (New, Act::Accept, Running),
    (New, Act::Reject, Rejected),
    (Running, Act::Reject, Rejected),
    (Running, Act::PaymentArrives, Pending),
    (Pending, Act::Decline, Running),
    (Pending, Act::Approve, Approved),
    (Running, Act::ApprovePaidOnline, Approved),
    (Pending, Act::DeclineAndEnd, Rejected),
    (New, Act::Cancel, Rejected),
    (Running, Act::Cancel, Rejected),
    (Pending, Act::Cancel, Rejected),
    (New, Act::Miss, Rejected),
    (Approved, Act::Confirm, Confirmed),
    (Rejected, Act::Confirm, Confirmed),
];

#[test]
fn every_pair_of_status_and_act_leads_where_the_table_says_or_is_refused() {
    for status in OrderStatus::ALL {
        for act in Act::ALL {
            let wanted = STEPS.iter().find(|(from, by, _)| (*from, *by) == (status, act)).map(|(_, _, to)| *to);
            assert_eq!(next(status, act).ok(), wanted, "{status} {act:?}");
        }
    }
}

#[test]
fn a_confirmed_order_never_changes_again() {
    for act in Act::ALL {
        let refused = next(Confirmed, act).unwrap_err();
        assert!(refused.to_string().starts_with("an order that is confirmed cannot"), "{refused}");
    }
}

#[test]
fn every_status_is_read_back_from_its_word() {
    for status in OrderStatus::ALL {
        assert_eq!(status.word().parse(), Ok(status));
    }
    assert!("cooking".parse::<OrderStatus>().is_err());
}
