//! Acts: rows, audit and outbox in one transaction.

use aisle_contract::DownBody;
use aisle_domain::{
    Change, Incarnation, ItemId, Lane, OrderStatus, Refusal, Subject,
    change::{DueSet, ItemCreated, ItemDeleted, StorePaused},
};
use aisle_mirror::{ActError, Anew, ChangeState, MirrorError, alarms, audit, outbox, prices, store};

use crate::fixtures::{
    Desk, accept, approve, at, item, item_id, money, note, order_id, pending_order, price, rename,
};

fn refusal(error: ActError) -> Refusal {
    match error {
        ActError::Refused(refusal) => refusal,
        other => panic!("{other} is no refusal"),
    }
}

#[test]
fn an_accepted_order_is_running_in_the_outbox_and_in_the_audit_log() {
    let mut desk = Desk::with_rows();
    let id = desk.act(accept(1));
    assert_eq!(desk.order(1).status, OrderStatus::Running);
    let row = desk.row(id);
    assert_eq!((row.state, row.lane, row.seq, row.by.as_str()), (ChangeState::Ready, Lane::Orders, None, "Ada"));
    let log = desk.mirror.read(|conn| audit::of_subject(conn, Subject::Order(order_id(1)), 10)).unwrap();
    let kinds: Vec<_> = log.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["central.queued", "central.range", "order.accepted"]);
    assert_eq!((log[2].state, log[2].desk.as_deref()), (Some(ChangeState::Ready), Some("Front desk")));
    desk.assert_sound();
}

#[test]
fn a_refused_act_writes_nothing() {
    let mut desk = Desk::with_rows();
    desk.act(accept(1));
    let before = desk.mirror.read(|conn| audit::of_subject(conn, Subject::Order(order_id(1)), 10)).unwrap();
    let again = desk.new_change(accept(1));
    let answer = refusal(desk.mirror.act(&again).unwrap_err());
    assert!(matches!(answer, Refusal::AlreadyDecided { status: OrderStatus::Running, .. }), "{answer}");
    let missing = desk.new_change(accept(404));
    assert!(matches!(refusal(desk.mirror.act(&missing).unwrap_err()), Refusal::NotFound { .. }));
    assert!(desk.mirror.read(|conn| outbox::load(conn, again.change_id)).unwrap().is_none());
    let after = desk.mirror.read(|conn| audit::of_subject(conn, Subject::Order(order_id(1)), 10)).unwrap();
    assert_eq!(before, after);
    desk.assert_sound();
}

#[test]
fn an_act_whose_last_step_fails_leaves_none_of_its_steps() {
    let mut desk = Desk::with_rows();
    let (order, ranges) = (desk.order(1), desk.mirror.ranges().len());
    // The audit log comes last: what stands in its way must undo the order and the outbox too.
    let other = rusqlite::Connection::open(desk.dir().join("aisle.db")).unwrap();
    other
        .execute_batch("CREATE TRIGGER no BEFORE INSERT ON audit_log BEGIN SELECT raise(ABORT, 'no more'); END;")
        .unwrap();
    let new = desk.new_change(accept(1));
    assert!(matches!(desk.mirror.act(&new), Err(ActError::Mirror(_))));
    other.execute_batch("DROP TRIGGER no;").unwrap();
    assert_eq!(desk.order(1), order);
    assert_eq!(desk.mirror.ranges().len(), ranges);
    assert!(desk.mirror.read(|conn| outbox::load(conn, new.change_id)).unwrap().is_none());
    desk.assert_sound();
    desk.mirror.act(&new).unwrap();
    desk.assert_sound();
}

#[test]
fn the_same_act_told_twice_is_done_once() {
    let mut desk = Desk::with_rows();
    let new = desk.new_change(note(1, "ring twice"));
    desk.mirror.act(&new).unwrap();
    desk.mirror.act(&new).unwrap();
    assert_eq!(desk.mirror.read(outbox::counts).unwrap().ready, 1);
    let mut other = new.clone();
    other.change = note(1, "another note");
    assert_eq!(refusal(desk.mirror.act(&other).unwrap_err()), Refusal::IdTaken);
}

#[test]
fn a_change_that_no_topic_takes_is_refused_before_it_is_written() {
    let mut desk = Desk::with_rows();
    let huge = desk.new_change(note(1, &"x".repeat(aisle_contract::MAX_VALUE_BYTES)));
    assert!(matches!(refusal(desk.mirror.act(&huge).unwrap_err()), Refusal::BadValue { .. }));
    assert_eq!(desk.mirror.read(outbox::counts).unwrap().ready, 0);
}

#[test]
fn nothing_to_change_is_told_and_not_sent() {
    let mut desk = Desk::with_rows();
    for change in [
        Change::DueSet(DueSet { order: order_id(1), from: None, to: None }),
        price(10, "1.50", "1.99"),
        Change::StorePaused(StorePaused { until: None }),
    ] {
        let new = desk.new_change(change);
        assert!(matches!(refusal(desk.mirror.act(&new).unwrap_err()), Refusal::BadValue { .. }), "{new:?}");
    }
    assert_eq!(desk.mirror.read(outbox::counts).unwrap().ready, 0);
}

#[test]
fn a_held_change_waits_until_it_is_released() {
    let mut desk = Desk::with_rows();
    let mut new = desk.new_change(accept(1));
    new.held = true;
    desk.mirror.act(&new).unwrap();
    assert!(desk.cut(Lane::Orders).is_empty());
    assert_eq!(desk.mirror.release(Some(new.change_id)).unwrap(), 1);
    assert_eq!(desk.mirror.release(None).unwrap(), 0);
    assert_eq!(desk.cut(Lane::Orders).len(), 1);
}

#[test]
fn a_withdrawn_change_is_as_if_it_had_not_been_but_for_the_audit_log() {
    let mut desk = Desk::with_rows();
    let order = desk.order(1);
    let id = desk.act(accept(1));
    assert_eq!(desk.mirror.withdraw(id, "Ada", at(300)).unwrap(), Subject::Order(order_id(1)));
    assert_eq!(desk.order(1), order);
    assert!(desk.mirror.read(|conn| outbox::load(conn, id)).unwrap().is_none());
    let log = desk.mirror.read(|conn| audit::of_subject(conn, Subject::Order(order_id(1)), 2)).unwrap();
    assert_eq!([log[0].kind.as_str(), log[1].kind.as_str()], ["order.accepted", "withdrawn"]);
    desk.assert_sound();
}

#[test]
fn withdrawing_an_accept_warns_of_what_was_built_on_it() {
    let mut desk = Desk::with_rows();
    let accepted = desk.act(accept(1));
    let rejected = desk.act(Change::OrderRejected(aisle_domain::change::OrderRejected {
        order: order_id(1),
        from: OrderStatus::Running,
        reason: "too_busy".into(),
        lines: Vec::new(),
        note: None,
    }));
    desk.mirror.withdraw(accepted, "Ada", at(300)).unwrap();
    assert_eq!(desk.order(1).status, OrderStatus::New);
    assert!(desk.row(rejected).will_be_refused.is_some());
    desk.assert_sound();
}

#[test]
fn a_numbered_change_cannot_be_withdrawn() {
    let mut desk = Desk::with_rows();
    let id = desk.act(accept(1));
    desk.cut(Lane::Orders);
    assert!(matches!(desk.mirror.withdraw(id, "Ada", at(300)), Err(ActError::Numbered)));
    let unknown = desk.new_change(accept(1)).change_id;
    let answer = desk.mirror.withdraw(unknown, "Ada", at(300));
    assert!(matches!(answer, Err(ActError::Mirror(MirrorError::NotFound { .. }))));
}

#[test]
fn a_change_that_had_a_number_once_cannot_be_withdrawn_though_it_waits_for_another() {
    let mut desk = Desk::with_rows();
    let sent = desk.act(accept(1));
    desk.cut(Lane::Orders);
    desk.mirror.renumber(Incarnation(9), Anew::Copied, at(290)).unwrap();
    assert_eq!(desk.row(sent).state, ChangeState::Ready);
    assert!(desk.mirror.read(outbox::latest_undoable).unwrap().is_none());
    assert!(matches!(desk.mirror.withdraw(sent, "Ada", at(300)), Err(ActError::Numbered)));
    let since = desk.act(note(1, "since"));
    assert_eq!(desk.mirror.read(outbox::latest_undoable).unwrap().unwrap().change_id, since);
    desk.mirror.withdraw(since, "Ada", at(301)).unwrap();
    desk.assert_sound();
}

#[test]
fn a_new_price_stands_in_its_history_and_a_withdrawn_one_too() {
    let mut desk = Desk::with_rows();
    let id = desk.act(price(10, "1.99", "2.49"));
    desk.mirror.withdraw(id, "Ada", at(300)).unwrap();
    let history = desk.mirror.read(|conn| prices::history(conn, item_id(10), 10)).unwrap();
    let seen: Vec<_> = history.iter().map(|e| (e.old, e.new, e.source.as_str(), e.by.as_deref())).collect();
    assert_eq!(
        seen,
        [
            (Some(money("2.49")), money("1.99"), "here", Some("Ada")),
            (Some(money("1.99")), money("2.49"), "here", Some("Ada")),
        ]
    );
}

#[test]
fn an_item_made_here_is_gone_again_when_that_is_withdrawn() {
    let mut desk = Desk::with_rows();
    let mut born = item(1, 0);
    born.item_id = ItemId::born_at_desk(77);
    let id = desk.act(Change::ItemCreated(Box::new(ItemCreated { item: born.clone() })));
    let load = |desk: &Desk| desk.mirror.read(|conn| aisle_mirror::items::load(conn, born.item_id)).unwrap();
    assert_eq!(load(&desk), Some(born.clone()));
    desk.assert_sound();
    desk.mirror.withdraw(id, "Ada", at(300)).unwrap();
    assert_eq!(load(&desk), None);
    desk.assert_sound();
}

#[test]
fn a_deleted_item_leaves_grid_and_search_and_stays_readable() {
    let mut desk = Desk::with_rows();
    desk.act(Change::ItemDeleted(ItemDeleted { item: item_id(10) }));
    assert!(desk.item(10).deleted);
    let (found, total) = desk.mirror.read(|conn| aisle_mirror::items::search(conn, "whole milk", 0, 20)).unwrap();
    assert_eq!((found.len(), total), (0, 0));
    assert_eq!(desk.mirror.read(aisle_mirror::items::count).unwrap(), 0);
    desk.assert_sound();
}

#[test]
fn a_pause_of_the_store_is_shown_at_once() {
    let mut desk = Desk::with_rows();
    desk.act(Change::StorePaused(StorePaused { until: Some(at(3600)) }));
    let shown = desk.mirror.read(store::load).unwrap().unwrap();
    assert_eq!(shown.paused_until, Some(at(3600)));
    desk.assert_sound();
}

#[test]
fn the_range_cache_follows_every_commit_and_survives_a_restart() {
    let mut desk = Desk::with_rows();
    let store = desk.mirror.identity().store_id;
    let range = Some((money("14.00"), money("22.00")));
    assert_eq!(desk.mirror.ranges().get(order_id(1), store), range);
    desk.orders(vec![DownBody::Order(Box::new(pending_order(1, 2, "20.00")))]);
    desk.act(approve(1, "20.00"));
    assert_eq!(desk.order(1).status, OrderStatus::Approved);
    assert_eq!(desk.mirror.ranges().get(order_id(1), store), None, "it is closed");
    desk.orders(vec![DownBody::Order(Box::new(crate::fixtures::order(2, 1)))]);
    let dir = desk.dir();
    let Desk { mirror, folder, .. } = desk;
    drop(mirror);
    let again = aisle_mirror::Mirror::open(&dir, at(900)).unwrap();
    assert_eq!(again.ranges().len(), 1);
    assert_eq!(again.ranges().get(order_id(2), store), range);
    drop(folder);
}

#[test]
fn a_note_does_not_silence_the_alarm_of_a_new_order_and_accepting_does() {
    let mut desk = Desk::with_rows();
    desk.act(note(1, "big order"));
    assert_eq!(desk.mirror.read(alarms::unheard).unwrap().len(), 1);
    desk.act(accept(1));
    assert!(desk.mirror.read(alarms::unheard).unwrap().is_empty());
}

#[test]
fn a_refused_change_is_closed_by_a_person_or_by_its_replacement() {
    let mut desk = Desk::with_rows();
    let first = desk.act(rename(10, "Whole milk 10", "Milk"));
    let second = desk.act(price(10, "1.99", "2.49"));
    desk.cut(Lane::Catalog);
    let fields = |field| Refusal::BothChanged { fields: vec![field] };
    desk.catalog(vec![
        crate::fixtures::refused(first, fields(aisle_domain::Field::Name)),
        crate::fixtures::refused(second, fields(aisle_domain::Field::UnitPrice)),
        crate::fixtures::ack(Lane::Catalog, 3),
    ]);
    assert_eq!(desk.mirror.read(aisle_mirror::conflicts::count_open).unwrap(), 2);
    assert_eq!(desk.mirror.read(outbox::counts).unwrap().refused, 2);
    desk.mirror.close(first, "Ada", at(700)).unwrap();
    let mut mine = desk.new_change(price(10, "1.99", "2.59"));
    mine.replaces = Some(second);
    desk.mirror.act(&mine).unwrap();
    assert_eq!(desk.mirror.read(aisle_mirror::conflicts::count_open).unwrap(), 0);
    assert_eq!(desk.mirror.read(outbox::counts).unwrap().refused, 0);
    assert!(desk.row(first).closed);
    let unknown = desk.new_change(accept(1)).change_id;
    assert!(matches!(desk.mirror.close(unknown, "Ada", at(700)), Err(MirrorError::NotFound { .. })));
    desk.assert_sound();
}

#[test]
fn taking_a_replacement_back_brings_the_choice_back() {
    let mut desk = Desk::with_rows();
    let refused = desk.act(price(10, "1.99", "2.49"));
    desk.cut(Lane::Catalog);
    let both = Refusal::BothChanged { fields: vec![aisle_domain::Field::UnitPrice] };
    desk.catalog(vec![crate::fixtures::refused(refused, both), crate::fixtures::ack(Lane::Catalog, 2)]);
    let mirror = desk.mirror.clone();
    let open = || mirror.read(|conn| aisle_mirror::conflicts::list(conn, 10)).unwrap();
    let before = open();
    let mut mine = desk.new_change(price(10, "1.99", "2.59"));
    mine.replaces = Some(refused);
    desk.mirror.act(&mine).unwrap();
    assert!(open().is_empty());
    desk.mirror.withdraw(mine.change_id, "Ada", at(800)).unwrap();
    assert_eq!(open(), before);
    assert_eq!(desk.mirror.read(outbox::counts).unwrap().refused, 1);
    desk.assert_sound();
}
