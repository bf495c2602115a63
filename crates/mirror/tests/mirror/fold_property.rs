//! Whatever comes in whatever order: what is shown is the fold of what waits over central's last row.

use std::collections::BTreeMap;

use aisle_contract::DownBody;
use aisle_domain::{
    Change, ChangeId, Incarnation, Item, Lane, LineState, Order, OrderStatus, Pending, Refusal, Store, Subject,
    change::{
        DueSet, ItemChanged, ItemCreated, ItemDeleted, LineSeen, LineSet, OrderClaimed, OrderRejected,
        OrderSentBack, StoreBusy, StorePaused,
    },
    fold,
    item::{Edit, ItemEdits},
};
use aisle_mirror::{ActError, Anew, ChangeState, OutboxRow, items, orders, outbox, store as stores};
use proptest::prelude::*;

use crate::fixtures::{
    Desk, accept, ack_of, approve, at, item, item_id, money, note, order, order_id, payment_id, pending_order,
    refused, store,
};

/// One step of a day, in small numbers that the model makes something of.
#[derive(Debug, Clone)]
enum Step {
    Act { subject: u8, kind: u8, value: u8, held: bool },
    OrderRow { number: u8, version: u8, shape: u8 },
    ItemRow { number: u8, version: u8, value: u8 },
    StoreRow { version: u8, strict: bool },
    Gone { order: bool, number: u8 },
    Cut { catalog: bool },
    Ack { catalog: bool, expected: u8 },
    Refuse { which: u8 },
    Withdraw { which: u8 },
    Release,
    Renumber,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..5_u8, 0..8_u8, 0..4_u8, any::<bool>())
            .prop_map(|(subject, kind, value, held)| Step::Act { subject, kind, value, held }),
        4 => (0..2_u8, 1..9_u8, 0..6_u8).prop_map(|(number, version, shape)| Step::OrderRow { number, version, shape }),
        4 => (0..2_u8, 1..9_u8, 0..4_u8).prop_map(|(number, version, value)| Step::ItemRow { number, version, value }),
        1 => (1..6_u8, any::<bool>()).prop_map(|(version, strict)| Step::StoreRow { version, strict }),
        1 => (any::<bool>(), 0..2_u8).prop_map(|(order, number)| Step::Gone { order, number }),
        3 => any::<bool>().prop_map(|catalog| Step::Cut { catalog }),
        3 => (any::<bool>(), 0..8_u8).prop_map(|(catalog, expected)| Step::Ack { catalog, expected }),
        2 => any::<u8>().prop_map(|which| Step::Refuse { which }),
        2 => any::<u8>().prop_map(|which| Step::Withdraw { which }),
        1 => Just(Step::Release),
        1 => Just(Step::Renumber),
    ]
}

/// What central last said, kept apart from the desk's own bases.
#[derive(Debug, Default)]
struct Central {
    orders: BTreeMap<i64, Order>,
    items: BTreeMap<i64, Item>,
    store: Option<Store>,
    incarnations: u64,
}

const PRICES: [&str; 4] = ["1.99", "2.49", "2.99", "0.99"];

fn lane(catalog: bool) -> Lane {
    if catalog { Lane::Catalog } else { Lane::Orders }
}

fn shaped_order(number: i64, version: i64, shape: u8) -> Order {
    let mut row = if shape == 3 { pending_order(number, version, "20.00") } else { order(number, version) };
    match shape {
        1 => row.status = OrderStatus::Running,
        2 => row.cancel("cancelled", "customer", at(70)).unwrap(),
        4 => row.lines[0].state = LineState::Found,
        5 => row.range = None,
        _ => {}
    }
    row
}

fn order_change(number: i64, kind: u8, value: u8) -> Change {
    let order = order_id(number);
    let state = [LineState::ToPick, LineState::Found, LineState::Short, LineState::OutOfStock][usize::from(value)];
    let seen = |state| LineSeen { state, picked_quantity: None };
    match kind {
        0 => accept(number),
        1 => Change::OrderRejected(OrderRejected {
            order,
            from: if value.is_multiple_of(2) { OrderStatus::New } else { OrderStatus::Running },
            reason: "too_busy".into(),
            lines: Vec::new(),
            note: None,
        }),
        2 => approve(number, "20.00"),
        3 => Change::OrderSentBack(OrderSentBack { order, payment: payment_id(number), note: None }),
        4 => {
            let (from, to) = (seen(LineState::ToPick), seen(state));
            Change::LineSet(LineSet { order, item: item_id(10), from, to, substitute: None })
        }
        5 => Change::DueSet(DueSet { order, from: None, to: Some(at(i64::from(value))) }),
        6 => Change::OrderClaimed(OrderClaimed { order, from: None, to: Some(format!("Ada {value}")) }),
        _ => note(number, "call the customer"),
    }
}

fn item_change(number: i64, kind: u8, value: u8) -> Change {
    let id = item_id(number);
    match kind {
        0 => Change::ItemDeleted(ItemDeleted { item: id }),
        1 => Change::ItemCreated(Box::new(ItemCreated { item: item(number, 0) })),
        2 | 3 => {
            let name = Some(Edit { from: format!("Whole milk {number}"), to: format!("Milk {value}") });
            Change::ItemChanged(ItemChanged { item: id, changes: ItemEdits { name, ..ItemEdits::default() } })
        }
        _ => {
            let from = money(PRICES[usize::from(kind) % PRICES.len()]);
            let unit_price = Some(Edit { from, to: money(PRICES[usize::from(value)]) });
            Change::ItemChanged(ItemChanged {
                item: id,
                changes: ItemEdits { unit_price, ..ItemEdits::default() },
            })
        }
    }
}

fn change(subject: u8, kind: u8, value: u8) -> Change {
    match subject {
        0 | 1 => order_change(1 + i64::from(subject), kind, value),
        2 | 3 => item_change(8 + i64::from(subject), kind, value),
        _ if kind.is_multiple_of(2) => Change::StorePaused(StorePaused { until: Some(at(i64::from(value))) }),
        _ => Change::StoreBusy(StoreBusy { minutes: u32::from(value), until: at(3600) }),
    }
}

fn waiting(desk: &Desk, states: &[ChangeState], which: u8) -> Option<ChangeId> {
    let rows = desk.mirror.read(|conn| outbox::list(conn, states, None, 1000)).unwrap();
    rows.get(usize::from(which) % rows.len().max(1)).map(|row| row.change_id)
}

fn take(desk: &mut Desk, central: &mut Central, step: &Step) {
    match *step {
        Step::Act { subject, kind, value, held } => {
            let mut new = desk.new_change(change(subject, kind, value));
            new.held = held;
            let answer = desk.mirror.act(&new);
            assert!(matches!(answer, Ok(_) | Err(ActError::Refused(_))), "{answer:?}");
        }
        Step::OrderRow { number, version, shape } => {
            let row = shaped_order(1 + i64::from(number), version.into(), shape);
            if central.orders.get(&row.order_id.get()).is_none_or(|known| known.version < row.version) {
                central.orders.insert(row.order_id.get(), row.clone());
            }
            desk.orders(vec![DownBody::Order(Box::new(row))]);
        }
        Step::ItemRow { number, version, value } => {
            let mut row = item(10 + i64::from(number), version.into());
            row.unit_price = money(PRICES[usize::from(value)]);
            row.deleted = version == 8;
            if central.items.get(&row.item_id.get()).is_none_or(|known| known.version < row.version) {
                central.items.insert(row.item_id.get(), row.clone());
            }
            desk.catalog(vec![DownBody::Item(Box::new(row))]);
        }
        Step::StoreRow { version, strict } => {
            let mut row = store(version.into());
            if strict {
                row.reasons.reject.clear();
                row.policies.fields.unit_price = aisle_domain::Winner::Central;
            }
            if central.store.as_ref().is_none_or(|known| known.version < row.version) {
                central.store = Some(row.clone());
            }
            desk.orders(vec![DownBody::Store(Box::new(row))]);
        }
        Step::Gone { order: true, number } => {
            central.orders.remove(&(1 + i64::from(number)));
            desk.orders(vec![DownBody::OrderGone(order_id(1 + i64::from(number)))]);
        }
        Step::Gone { order: false, number } => {
            central.items.remove(&(10 + i64::from(number)));
            desk.catalog(vec![DownBody::ItemGone(item_id(10 + i64::from(number)))]);
        }
        Step::Cut { catalog } => {
            desk.cut(lane(catalog));
        }
        Step::Ack { catalog, expected } => {
            let identity = desk.mirror.identity();
            let body = ack_of(identity.desk_id, identity.incarnation, lane(catalog), expected.into());
            desk.feed(lane(catalog), vec![body]);
        }
        Step::Refuse { which } => {
            if let Some(id) = waiting(desk, &[ChangeState::Sent], which) {
                let lane = desk.row(id).lane;
                desk.feed(lane, vec![refused(id, Refusal::RangeChanged)]);
            }
        }
        Step::Withdraw { which } => {
            if let Some(id) = waiting(desk, &[ChangeState::Held, ChangeState::Ready], which) {
                let is_undoable = desk.row(id).is_undoable();
                match desk.mirror.withdraw(id, "Ada", at(900)) {
                    Ok(_) => assert!(is_undoable),
                    Err(error) => assert!(!is_undoable && matches!(error, ActError::Numbered), "{error}"),
                }
            }
        }
        Step::Release => {
            desk.mirror.release(None).unwrap();
        }
        Step::Renumber => {
            central.incarnations += 1;
            desk.mirror.renumber(Incarnation(0xb000 + central.incarnations), Anew::Forgotten, at(800)).unwrap();
        }
    }
}

fn pending(desk: &Desk, subject: Subject) -> (Vec<Pending>, Vec<OutboxRow>) {
    let mut rows = desk.mirror.read(|conn| outbox::of_subject(conn, subject)).unwrap();
    rows.retain(|row| !matches!(row.state, ChangeState::Received | ChangeState::Refused));
    let changes = rows
        .iter()
        .map(|row| Pending {
            change_id: row.change_id,
            change: row.change.clone(),
            by: row.by.clone(),
            at: row.at,
        })
        .collect();
    (changes, rows)
}

/// Marked as going to be refused are exactly those that the fold refuses.
fn assert_marks(rows: &[OutboxRow], refused: &[(ChangeId, Refusal)]) {
    let marked: Vec<_> = rows.iter().filter_map(|r| Some((r.change_id, r.will_be_refused.clone()?))).collect();
    assert_eq!(marked, refused);
}

/// The same rule once more, over the model's rows instead of the desk's bases.
fn assert_shown(desk: &Desk, central: &Central) {
    let shown_store = desk.mirror.read(stores::load).unwrap();
    let (policies, reasons) =
        shown_store.clone().map_or_else(Default::default, |store| (store.policies, store.reasons));
    for number in [1, 2] {
        let shown = desk.mirror.read(|conn| orders::load(conn, order_id(number))).unwrap();
        let (changes, rows) = pending(desk, Subject::Order(order_id(number)));
        let Some(base) = central.orders.get(&number) else {
            assert_eq!(shown, None);
            assert!(rows.iter().all(|row| row.will_be_refused.is_some()));
            continue;
        };
        let folded = fold::fold_order(base, &changes, &policies, &reasons);
        assert_eq!(shown, Some(folded.row));
        assert_marks(&rows, &folded.refused);
    }
    for number in [10, 11] {
        let shown = desk.mirror.read(|conn| items::load(conn, item_id(number))).unwrap();
        let (changes, rows) = pending(desk, Subject::Item(item_id(number)));
        let folded = fold::fold_item(central.items.get(&number), &changes, &policies.fields);
        assert_eq!(shown, folded.row);
        assert_marks(&rows, &folded.refused);
    }
    let (changes, _) = pending(desk, Subject::Store);
    assert_eq!(shown_store, central.store.as_ref().map(|base| fold::fold_store(base, &changes).row));
}

/// 48 days, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    if asked { ProptestConfig::default() } else { ProptestConfig::with_cases(48) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_sequence_of_acts_rows_acks_and_refusals_keeps_shown_equal_to_the_fold(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut desk = Desk::with_rows();
        let mut central = Central::default();
        central.orders.insert(1, order(1, 1));
        central.items.insert(10, item(10, 1));
        central.store = Some(store(1));
        for step in &steps {
            take(&mut desk, &mut central, step);
            assert_shown(&desk, &central);
        }
        desk.assert_sound();
    }
}
