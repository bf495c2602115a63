//! Decisions on orders and payments, and what receipts explain.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use aisle_domain::{
    AmountRange, Change, ChangeId, Context, Decision, DifferenceKind, ItemId, LineState, Money, Order, OrderId,
    OrderLine, OrderStatus, Outcome, Payment, PaymentId, Pending, Policies, Quantity, Reasons, Receipt,
    ReceiptLine, Refusal, StoreId, Timestamp, TransactionId, UserId,
    change::{OrderAccepted, OrderRejected, OrderSentBack, Override, PaymentApproved, PaymentDeclined},
    decide, fold,
    order::ShelfPrices,
    receipt,
};
use proptest::prelude::*;
use uuid::Uuid;

const T0: Timestamp = Timestamp::from_millis(1_000_000);

fn money(minor: i64) -> Money {
    Money::from_minor(minor)
}

fn line(item: i64, price: i64, thousandths: i64) -> OrderLine {
    OrderLine {
        item_id: ItemId::new(item).unwrap(),
        name: format!("Item {item}"),
        barcode: None,
        order_unit_price: money(price),
        quantity: Quantity::from_thousandths(thousandths).unwrap(),
        unit: "each".into(),
        note: None,
        state: LineState::ToPick,
        picked_quantity: None,
        substitute: None,
    }
}

/// An order of 10.00 with the range 7.00 to 11.00.
fn order(status: OrderStatus, payments: &[i64]) -> Order {
    let mut order = Order {
        order_id: OrderId::new(1).unwrap(),
        store_id: StoreId::new(367).unwrap(),
        user_id: UserId::new(5).unwrap(),
        creation_time: T0,
        status,
        queued_time: T0,
        accept_by: None,
        due_at: None,
        display_no: "0001".into(),
        customer_name: None,
        note: None,
        substitution: None,
        payment_expected: true,
        decision: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        claimed_by: None,
        accepted_by: None,
        accepted_at: None,
        version: 1,
        lines: vec![line(11, 400, 2000), line(12, 200, 1000)],
        range: None,
        payments: Vec::new(),
        receipts: Vec::new(),
        shopper: None,
    };
    order.range = Some(AmountRange::derive(order.expected(), &Policies::default(), 1, T0, "central"));
    for (number, amount) in (1..).zip(payments) {
        order.receive_payment(Payment {
            payment_id: PaymentId::new(number).unwrap(),
            order_id: order.order_id,
            store_id: order.store_id,
            amount: money(*amount),
            made_at: T0.plus_millis(100),
            decide_by: None,
            status: None,
            reason: None,
            decided_by: None,
            decided_at: None,
        });
    }
    order
}

fn apply_with(order: &mut Order, change: &Change, superseded: &[AmountRange]) -> Result<Outcome, Refusal> {
    let (policies, reasons) = (Policies::default(), Reasons::default());
    let context =
        Context { policies: &policies, reasons: &reasons, superseded, by: "Noor", at: T0.plus_millis(500) };
    decide::apply(order, change, &context)
}

fn apply(order: &mut Order, change: &Change) -> Result<Outcome, Refusal> {
    apply_with(order, change, &[])
}

fn accept(from: OrderStatus) -> Change {
    Change::OrderAccepted(OrderAccepted { order: OrderId::new(1).unwrap(), from })
}

fn approve(payment: i64, amount: i64, reason: Option<&str>, over: Option<&str>) -> Change {
    Change::PaymentApproved(PaymentApproved {
        order: OrderId::new(1).unwrap(),
        payment: Some(PaymentId::new(payment).unwrap()),
        amount: Some(money(amount)),
        range_version: Some(1),
        reason: reason.map(Into::into),
        override_: over.map(|reason| Override { reason: reason.into(), by: "Teo".into() }),
    })
}

fn decline(payment: i64, amount: i64, ends_order: bool) -> Change {
    Change::PaymentDeclined(PaymentDeclined {
        order: OrderId::new(1).unwrap(),
        payment: PaymentId::new(payment).unwrap(),
        amount: money(amount),
        range_version: Some(1),
        reason: "outside_range".into(),
        note: None,
        ends_order,
    })
}

#[test]
fn a_payment_that_came_before_the_accept_waits_for_a_decision_after_it() {
    let mut early = order(OrderStatus::New, &[1000]);
    assert_eq!((early.status, early.waiting_payment()), (OrderStatus::New, None));
    let accept = Change::OrderAccepted(OrderAccepted { order: early.order_id, from: OrderStatus::New });
    assert_eq!(apply(&mut early, &accept), Ok(Outcome::Applied));
    assert_eq!(early.status, OrderStatus::Pending);
    assert_eq!(early.waiting_payment().map(|p| p.amount), Some(money(1000)));
}

#[test]
fn the_same_act_again_is_already_done_and_changes_nothing() {
    let mut order = order(OrderStatus::New, &[]);
    assert_eq!(apply(&mut order, &accept(OrderStatus::New)), Ok(Outcome::Applied));
    let after = order.clone();
    assert!(matches!(apply(&mut order, &accept(OrderStatus::New)), Ok(Outcome::Already { .. })));
    assert_eq!(order, after);
}

#[test]
fn of_two_decisions_the_first_wins_and_the_other_is_told_who_and_when() {
    let mut order = order(OrderStatus::Running, &[900]);
    apply(&mut order, &decline(1, 900, true)).unwrap();
    let refused = apply(&mut order, &approve(1, 900, None, None)).unwrap_err();
    let told = Refusal::AlreadyDecided {
        by: Some("Noor".into()),
        at: T0.plus_millis(500),
        status: OrderStatus::Rejected,
    };
    assert_eq!(refused, told);
}

#[test]
fn inside_needs_nothing_below_a_reason_above_an_override_and_above_the_ceiling_nothing_helps() {
    for (amount, reason, over, wanted) in [
        (700, None, None, Ok(())),
        (1100, None, None, Ok(())),
        (699, None, None, Err("needs_reason")),
        (699, Some("half_receipt"), None, Ok(())),
        (699, Some("mood"), None, Err("unknown_reason")),
        (1101, None, None, Err("needs_override")),
        (1101, Some("weighed"), None, Err("needs_override")),
        (1101, None, Some("weighed"), Ok(())),
        (1210, None, Some("weighed"), Ok(())),
        (1211, None, Some("weighed"), Err("over_ceiling")),
    ] {
        let before = order(OrderStatus::Running, &[amount]);
        let mut after = before.clone();
        let found = apply(&mut after, &approve(1, amount, reason, over));
        assert_eq!(found.as_ref().map(|_| ()).map_err(Refusal::code), wanted, "{amount} {reason:?} {over:?}");
        if found.is_ok() {
            assert_eq!((after.status, after.decision), (OrderStatus::Approved, Some(Decision::Approved)));
        } else {
            assert_eq!(after, before, "what is refused changes nothing");
        }
    }
}

#[test]
fn a_decision_names_the_amount_it_was_taken_by() {
    let mut order = order(OrderStatus::Running, &[900]);
    assert_eq!(apply(&mut order, &approve(1, 901, None, None)).unwrap_err().code(), "amount_changed");
}

#[test]
fn a_range_that_was_in_force_when_the_payment_was_made_or_later_is_honoured() {
    let first = order(OrderStatus::Running, &[900]).range.unwrap();
    let replaced_at = |millis: i64| {
        let mut order = order(OrderStatus::Running, &[900]);
        order.range = Some(AmountRange { version: 2, set_at: T0.plus_millis(millis), ..first.clone() });
        order
    };
    // The payment was made at 100: a range that was replaced after that was in force then.
    let mut after = replaced_at(101);
    assert!(apply_with(&mut after, &approve(1, 900, None, None), std::slice::from_ref(&first)).is_ok());
    let mut before = replaced_at(100);
    let refused = apply_with(&mut before, &approve(1, 900, None, None), std::slice::from_ref(&first));
    assert_eq!(refused, Err(Refusal::RangeChanged));
    let mut unknown = replaced_at(101);
    assert_eq!(apply(&mut unknown, &approve(1, 900, None, None)), Err(Refusal::RangeChanged));
}

#[test]
fn a_second_payment_queues_and_waits_once_the_first_is_declined() {
    let mut order = order(OrderStatus::Running, &[2000, 900]);
    assert_eq!(order.waiting_payment().unwrap().payment_id.get(), 1);
    assert_eq!(apply(&mut order, &approve(2, 900, None, None)).unwrap_err().code(), "illegal_act");
    apply(&mut order, &decline(1, 2000, false)).unwrap();
    assert_eq!(order.status, OrderStatus::Pending);
    assert_eq!(order.waiting_payment().unwrap().payment_id.get(), 2);
    apply(&mut order, &approve(2, 900, None, None)).unwrap();
    assert_eq!(order.status, OrderStatus::Approved);
}

#[test]
fn what_was_approved_before_counts_against_the_range() {
    let mut order = order(OrderStatus::Running, &[800]);
    apply(&mut order, &approve(1, 800, None, None)).unwrap();
    assert_eq!(order.used(), money(800));
    let range = order.range.unwrap();
    assert_eq!(range.judge(money(300), money(800)), aisle_domain::Verdict::Inside);
    assert_eq!(range.judge(money(301), money(800)), aisle_domain::Verdict::Above);
}

#[test]
fn a_payment_on_an_order_that_is_over_is_kept_and_changes_no_status() {
    let over = order(OrderStatus::Confirmed, &[900]);
    assert_eq!((over.status, over.payments.len()), (OrderStatus::Confirmed, 1));
    assert!(over.waiting_payment().is_none());
}

#[test]
fn what_is_picked_and_what_it_will_come_to_follow_the_lines_and_the_shelf() {
    let mut order = order(OrderStatus::Running, &[]);
    let shelf = ShelfPrices::from([(ItemId::new(99).unwrap(), money(260))]);
    assert_eq!((order.picked(&shelf), order.forecast(&shelf)), (money(0), money(1000)));
    order.lines[0].state = LineState::Short;
    order.lines[0].picked_quantity = Some(Quantity::ONE);
    assert_eq!((order.picked(&shelf), order.forecast(&shelf)), (money(400), money(600)));
    order.lines[1].state = LineState::Substituted;
    order.lines[1].substitute = ItemId::new(99).ok();
    assert_eq!((order.picked(&shelf), order.forecast(&shelf)), (money(660), money(660)));
    // What the shelf does not have any more counts as it was ordered.
    assert_eq!(order.forecast(&ShelfPrices::new()), money(600));
    order.lines[1].state = LineState::OutOfStock;
    assert_eq!((order.forecast(&shelf), order.lines_to_pick()), (money(400), 0));
}

#[test]
fn rejecting_for_want_of_stock_names_the_lines_and_other_needs_a_note() {
    let reject = |reason: &str, lines: &[i64], note: Option<&str>| {
        let change = OrderRejected {
            order: OrderId::new(1).unwrap(),
            from: OrderStatus::New,
            reason: reason.into(),
            lines: lines.iter().map(|id| ItemId::new(*id).unwrap()).collect(),
            note: note.map(Into::into),
        };
        let mut order = order(OrderStatus::New, &[]);
        apply(&mut order, &Change::OrderRejected(change)).map(|_| order.status).map_err(|e| e.code())
    };
    assert_eq!(reject("out_of_stock", &[], None), Err("needs_lines"));
    assert_eq!(reject("out_of_stock", &[11], None), Ok(OrderStatus::Rejected));
    assert_eq!(reject("out_of_stock", &[99], None), Err("not_found"));
    assert_eq!(reject("other", &[], Some("  ")), Err("needs_note"));
    assert_eq!(reject("other", &[], Some("flood")), Ok(OrderStatus::Rejected));
}

#[test]
fn a_cancelled_order_is_final_and_sending_back_declines_its_payment() {
    let mut sent_back = order(OrderStatus::Running, &[900]);
    let change = OrderSentBack { order: sent_back.order_id, payment: PaymentId::new(1).unwrap(), note: None };
    apply(&mut sent_back, &Change::OrderSentBack(change)).unwrap();
    assert_eq!(sent_back.status, OrderStatus::Running);
    assert_eq!(sent_back.payments.first().unwrap().reason.as_deref(), Some(Reasons::SENT_BACK));

    let mut cancelled = order(OrderStatus::Running, &[900]);
    cancelled.cancel(Reasons::CANCELLED, "central", T0).unwrap();
    assert_eq!(apply(&mut cancelled, &approve(1, 900, None, None)).unwrap_err().code(), "already_decided");
    assert!(cancelled.cancel(Reasons::CANCELLED, "central", T0).is_err());
}

fn pending(number: u128, change: Change) -> Pending {
    Pending { change_id: ChangeId(Uuid::from_u128(number)), change, by: "Noor".into(), at: T0 }
}

#[test]
fn a_fold_without_changes_is_the_base_and_a_refused_change_leaves_no_trace() {
    let base = order(OrderStatus::Running, &[900]);
    let (policies, reasons) = (Policies::default(), Reasons::default());
    assert_eq!(fold::fold_order(&base, &[], &policies, &reasons).row, base);
    let late = pending(1, decline(2, 900, false));
    let folded = fold::fold_order(&base, &[late, pending(2, approve(1, 900, None, None))], &policies, &reasons);
    assert_eq!(folded.row.status, OrderStatus::Approved);
    assert_eq!(folded.refused.len(), 1);
}

prop_compose! {
    fn order_lines()(lines in prop::collection::btree_map(1_i64..20, (0_i64..2000, 1_i64..5000, prop::option::of(20_i64..30)), 1..8))
        -> Vec<OrderLine> {
        lines.into_iter().map(|(item, (price, quantity, substitute))| {
            let mut line = line(item, price, quantity);
            line.substitute = substitute.map(|id| ItemId::new(id).unwrap());
            line
        }).collect()
    }
}

prop_compose! {
    fn receipts()(lines in prop::collection::vec((prop::option::of(1_i64..30), 0_i64..2000, 0_i64..5000), 0..10), amount in 0_i64..50_000)
        -> Receipt {
        Receipt {
            transaction_id: TransactionId::new(1).unwrap(),
            order_id: OrderId::new(1).unwrap(),
            store_id: StoreId::new(367).unwrap(),
            datetime: T0,
            amount: money(amount),
            lines: (1..).zip(lines).map(|(line_no, (item, price, quantity))| ReceiptLine {
                line_no,
                item_id: item.map(|id| ItemId::new(id).unwrap()),
                name: "x".into(),
                unit_price: money(price),
                quantity: Quantity::from_thousandths(quantity).unwrap(),
            }).collect(),
        }
    }
}

proptest! {
    #[test]
    fn the_parts_of_a_difference_sum_to_it_to_the_cent(lines in order_lines(), receipt in receipts()) {
        let expected: Money = lines.iter().map(OrderLine::total).sum();
        let parts = receipt::explain(&lines, std::slice::from_ref(&receipt));
        let sum: Money = parts.iter().map(|part| part.amount).sum();
        prop_assert_eq!(sum, receipt.amount.minus(expected));
        prop_assert!(parts.iter().all(|part| part.amount != Money::ZERO));
    }

    #[test]
    fn every_receipt_line_is_used_once(lines in order_lines(), receipt in receipts()) {
        let matched = receipt::match_lines(&lines, std::slice::from_ref(&receipt));
        let of_lines: Money = matched.lines.iter().filter_map(|(_, bought)| bought.as_ref()).map(|b| b.total).sum();
        let extra: Money = matched.extra.iter().map(|line| line.total()).sum();
        prop_assert_eq!(of_lines.plus(extra), receipt.lines.iter().map(ReceiptLine::total).sum());
    }
}

#[test]
fn a_missing_a_dearer_and_an_unordered_item_are_told_apart() {
    let lines = vec![line(1, 100, 2000), line(2, 300, 1000)];
    let bought = |line_no, item: i64, price| ReceiptLine {
        line_no,
        item_id: Some(ItemId::new(item).unwrap()),
        name: "x".into(),
        unit_price: money(price),
        quantity: Quantity::from_thousandths(if item == 1 { 2000 } else { 1000 }).unwrap(),
    };
    let receipt = Receipt {
        transaction_id: TransactionId::new(1).unwrap(),
        order_id: OrderId::new(1).unwrap(),
        store_id: StoreId::new(367).unwrap(),
        datetime: T0,
        amount: money(271),
        lines: vec![bought(1, 1, 110), bought(2, 9, 50)],
    };
    let parts = receipt::explain(&lines, &[receipt]);
    let kinds: Vec<_> = parts.iter().map(|part| (part.kind, part.amount.minor())).collect();
    let wanted = [
        (DifferenceKind::Price, 20),
        (DifferenceKind::Missing, -300),
        (DifferenceKind::Extra, 50),
        (DifferenceKind::Rounding, 1),
    ];
    assert_eq!(kinds, wanted);
}
