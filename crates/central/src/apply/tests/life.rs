//! Orders and payments.

use super::*;
use crate::acts::change_order;

#[test]
fn an_order_goes_its_whole_way_and_the_decision_is_confirmed_in_the_same_transaction() {
    let mut bench = Bench::with_order();
    assert_eq!(bench.send(DESK, 1, 1, accept()).applied, 1);
    assert_eq!(bench.order().status, OrderStatus::Running);
    let payment = pay(&bench, 900);
    assert_eq!(bench.order().status, OrderStatus::Pending);
    bench.sent(Lane::Orders);
    assert_eq!(bench.send(DESK, 2, 2, approve(payment, 900, 1)).applied, 1);
    let row = bench.order();
    assert_eq!((row.status, row.decision), (OrderStatus::Confirmed, Some(Decision::Approved)));
    assert_eq!(row.decided_by.as_deref(), Some("staff of 1"));
    let sent = bench.sent(Lane::Orders);
    assert!(matches!(&sent[0], DownBody::Order(o) if **o == row), "the row goes first: {sent:?}");
    let DownBody::Ack(ack) = sent.last().unwrap() else { panic!("the ack goes last: {sent:?}") };
    assert_eq!((ack.expected, ack.position.offset), (3, 2));
}

#[test]
fn of_two_desks_deciding_the_first_wins_and_the_other_is_told() {
    let mut bench = Bench::with_order();
    let first = bench.record(DESK, 1, 1, accept());
    let second = bench.record(OTHER, 1, 2, reject());
    let applied = bench.apply(&[first, second]);
    assert_eq!((applied.applied, applied.refused), (1, 1));
    assert_eq!(bench.order().status, OrderStatus::Running);
    let refusals = bench.refusals(Lane::Orders);
    assert!(
        matches!(refusals.as_slice(), [Refusal::AlreadyDecided { status: OrderStatus::Running, .. }]),
        "{refusals:?}"
    );
}

#[test]
fn two_desks_rejecting_alike_are_both_acknowledged() {
    let mut bench = Bench::with_order();
    let first = bench.record(DESK, 1, 1, reject());
    let second = bench.record(OTHER, 1, 2, reject());
    let applied = bench.apply(&[first, second]);
    assert_eq!((applied.applied, applied.refused), (2, 0));
    let row = bench.order();
    assert_eq!((row.status, row.decided_by.as_deref()), (OrderStatus::Confirmed, Some("staff of 1")));
    assert_eq!(bench.acks(Lane::Orders).len(), 2);
}

#[test]
fn a_decision_by_a_range_that_was_replaced_before_the_payment_is_refused() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.centre.set_range(None, order_id(), Money::from_minor(100), Money::from_minor(2000)).unwrap();
    let payment = pay(&bench, 900);
    bench.sent(Lane::Orders);
    bench.send(DESK, 2, 2, approve(payment, 900, 1));
    assert_eq!(bench.refusals(Lane::Orders), [Refusal::RangeChanged]);
    assert_eq!(bench.order().waiting_payment().map(|p| p.payment_id), Some(payment), "it is back to decide");
    bench.send(DESK, 3, 3, approve(payment, 900, 2));
    assert_eq!(bench.order().status, OrderStatus::Confirmed);
}

#[test]
fn a_decision_by_the_range_that_held_when_the_payment_was_made_is_honoured() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let payment = pay(&bench, 900);
    bench
        .ledger
        .write(|tx| {
            change_order(tx, (store_id(), order_id()), "range.set", None, at(30), |row| {
                row.range = Some(AmountRange {
                    amount_lo: Money::from_minor(2000),
                    amount_hi: Money::from_minor(3000),
                    version: 2,
                    set_at: at(30),
                    set_by: "central".into(),
                });
                Ok(())
            })
        })
        .unwrap();
    bench.send(DESK, 2, 2, approve(payment, 900, 1));
    assert_eq!(bench.order().status, OrderStatus::Confirmed);
}

#[test]
fn a_note_on_an_order_the_customer_cancelled_does_not_confirm_it() {
    let mut bench = Bench::with_order();
    bench.centre.cancel_order(None, order_id(), "customer called").unwrap();
    let noted = Change::OrderNoted(OrderNoted {
        order: order_id(),
        audience: aisle_domain::change::Audience::Staff,
        text: "told the shopper".into(),
    });
    bench.send(DESK, 1, 1, noted);
    bench.send(DESK, 2, 2, Change::DueSet(DueSet { order: order_id(), from: Some(at(2700)), to: None }));
    let row = bench.order();
    assert_eq!((row.status, row.reason.as_deref()), (OrderStatus::Rejected, Some("cancelled")));
    assert!(row.is_ended_by_central());
}

#[test]
fn a_decline_that_ends_the_order_confirms_it_and_one_that_does_not_leaves_it_running() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let decline = |payment, amount, ends_order| {
        Change::PaymentDeclined(PaymentDeclined {
            order: order_id(),
            payment,
            amount: Money::from_minor(amount),
            range_version: Some(1),
            reason: "wrong_order".into(),
            note: None,
            ends_order,
        })
    };
    let first = pay(&bench, 900);
    bench.send(DESK, 2, 2, decline(first, 900, false));
    assert_eq!(bench.order().status, OrderStatus::Running);
    let second = pay(&bench, 950);
    bench.send(DESK, 3, 3, decline(second, 950, true));
    let row = bench.order();
    assert_eq!((row.status, row.decision), (OrderStatus::Confirmed, Some(Decision::Rejected)));
}

#[test]
fn lines_are_written_on_their_own_and_read_back_as_they_were_set() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let to = LineSeen { state: LineState::Short, picked_quantity: Some(Quantity::from_thousandths(500).unwrap()) };
    let set = Change::LineSet(LineSet {
        order: order_id(),
        item: ItemId::new(852_856).unwrap(),
        from: LineSeen { state: LineState::ToPick, picked_quantity: None },
        to: to.clone(),
        substitute: None,
    });
    bench.send(DESK, 2, 2, set);
    let line = &bench.order().lines[0];
    assert_eq!((line.state, line.picked_quantity), (to.state, to.picked_quantity));
}

#[test]
fn a_payment_that_comes_while_another_waits_queues_behind_it() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let (first, second) = (pay(&bench, 300), pay(&bench, 800));
    assert!(first < second);
    let waiting: Vec<Payment> = bench.order().payments;
    assert_eq!(waiting.len(), 2);
    assert_eq!(bench.order().waiting_payment().map(|p| p.payment_id), Some(first));
}
