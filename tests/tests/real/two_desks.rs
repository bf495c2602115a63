//! Two desks of one store that decide the same orders while neither hears of the other.

use std::time::Duration;

use aisle_domain::{
    Change, ChangeId, Decision, Order, OrderId, OrderStatus, Refusal,
    change::{OrderAccepted, OrderRejected},
};
use aisle_mirror::{ChangeState, orders, outbox};
use aisle_sync::Goal;
use aisle_testkit::kafka::{Cluster, ClusterOptions, Kit};

use crate::town::{Desk, LONG, Town};

const ORDERS: usize = 200;
/// Long enough to send: nobody works yet, so nothing is received.
const SEND: Duration = Duration::from_secs(8);

fn accept(order: OrderId) -> Change {
    Change::OrderAccepted(OrderAccepted { order, from: OrderStatus::New })
}

fn reject(order: OrderId, reason: &str) -> Change {
    let reason = reason.into();
    Change::OrderRejected(OrderRejected { order, from: OrderStatus::New, reason, lines: Vec::new(), note: None })
}

/// What each of the two decides on the order at this place: in turn one accepts it, the other does, both do, or both reject it for
/// different reasons.
fn decisions(place: usize, order: OrderId) -> [Change; 2] {
    match place % 4 {
        0 => [accept(order), reject(order, "too_busy")],
        1 => [reject(order, "closing"), accept(order)],
        2 => [accept(order), accept(order)],
        _ => [reject(order, "too_busy"), reject(order, "closing")],
    }
}

fn shown(desk: &Desk<'_>, order: OrderId) -> Order {
    desk.mirror.read(|conn| orders::load(conn, order)).unwrap().unwrap()
}

/// Whether an order is as this change leaves it; central confirms what ends an order.
fn is_effect(order: &Order, change: &Change) -> bool {
    match change {
        Change::OrderAccepted(_) => order.status == OrderStatus::Running,
        Change::OrderRejected(rejected) => {
            let ended = order.status == OrderStatus::Confirmed && order.decision == Some(Decision::Rejected);
            ended && order.reason.as_deref() == Some(rejected.reason.as_str())
        }
        _ => false,
    }
}

#[test]
fn two_desks_that_decide_the_same_200_orders_offline_come_to_one_outcome_each_and_the_loser_is_told() {
    let Some(kit) = Kit::require("two desks that decide the same orders") else { return };
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(&kit, &dir.path().join("kafka"), &ClusterOptions::default()).unwrap();
    let town = Town::new(dir.path(), &cluster.brokers(), "twodesks", ORDERS);
    let (noor, sam) = (town.desk(&dir.path().join("noor")), town.desk(&dir.path().join("sam")));
    let fresh = noor.orders(OrderStatus::New);
    assert_eq!((fresh.len(), sam.orders(OrderStatus::New)), (ORDERS, fresh.clone()));

    // Noor's first half is in the log before Sam's, Sam's second half before hers.
    let mut changes: Vec<[(ChangeId, Change); 2]> = Vec::new();
    let decide = |desk: &Desk<'_>, by: &str, change: Change| (desk.act(change.clone(), by), change);
    let both: Vec<[Change; 2]> = fresh.iter().enumerate().map(|(place, order)| decisions(place, *order)).collect();
    let half = ORDERS / 2;
    let mut of_noor: Vec<_> = both[..half].iter().map(|[one, _]| decide(&noor, "Noor", one.clone())).collect();
    noor.sync(Goal::Drained, SEND);
    let of_sam: Vec<_> = both.iter().map(|[_, other]| decide(&sam, "Sam", other.clone())).collect();
    sam.sync(Goal::Drained, SEND);
    of_noor.extend(both[half..].iter().map(|[one, _]| decide(&noor, "Noor", one.clone())));
    noor.sync(Goal::Drained, SEND);
    changes.extend(of_noor.into_iter().zip(of_sam).map(|(one, other)| [one, other]));
    assert!(changes.iter().all(|[one, other]| {
        noor.state(one.0) == ChangeState::Sent && sam.state(other.0) == ChangeState::Sent
    }));

    town.work(None).unwrap();
    for desk in [&noor, &sam] {
        let healed = desk.sync(Goal::Both, LONG);
        assert!(healed.reached, "{healed:?}");
    }

    for (place, (order, [one, other])) in fresh.iter().zip(&changes).enumerate() {
        let at_both = [shown(&noor, *order), shown(&sam, *order)];
        assert_eq!(at_both[0], at_both[1], "both show the same");
        let (winner, loser) =
            if place < half { ((&noor, one), (&sam, other)) } else { ((&sam, other), (&noor, one)) };
        assert!(is_effect(&at_both[0], &winner.1.1), "order {order}: {:?}", at_both[0]);
        assert_eq!(winner.0.state(winner.1.0), ChangeState::Received);
        let told = loser.0.mirror.read(|conn| outbox::load(conn, loser.1.0)).unwrap().unwrap();
        if place % 4 >= 2 {
            assert_eq!(told.state, ChangeState::Received, "both did the same, whatever their reasons");
            continue;
        }
        assert_eq!(told.state, ChangeState::Refused, "order {order}");
        let first = if place < half { "Noor" } else { "Sam" };
        let Some(Refusal::AlreadyDecided { by, .. }) = &told.refusal else { panic!("{told:?}") };
        assert_eq!(by.as_deref(), Some(first), "who was first is told");
    }
    for desk in [&noor, &sam] {
        desk.assert_same_as_central("in the end");
    }
    assert!(town.centre.verify(None).unwrap().ok);
}
