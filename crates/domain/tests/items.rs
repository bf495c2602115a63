//! Edits of items: fields merge on their own, and only the same field with two values is a conflict.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;

use aisle_domain::{
    Availability, Change, ChangeId, FieldPolicies, Item, ItemEdits, ItemId, Money, Pending, Refusal, StoreId,
    Timestamp, Winner,
    change::{ItemChanged, ItemDeleted},
    fold,
    item::{ChangedBy, Edit, Field, FieldVerdict},
};
use proptest::prelude::*;
use uuid::Uuid;

fn item(price: i64, name: &str) -> Item {
    Item {
        item_id: ItemId::new(7).unwrap(),
        store_id: StoreId::new(367).unwrap(),
        unit_price: Money::from_minor(price),
        barcode: None,
        name: name.into(),
        category: None,
        availability: Availability::Available,
        available_until: None,
        version: 3,
        deleted: false,
        changed: BTreeMap::new(),
    }
}

fn price(from: i64, to: i64) -> ItemEdits {
    let edit = Edit { from: Money::from_minor(from), to: Money::from_minor(to) };
    ItemEdits { unit_price: Some(edit), ..ItemEdits::default() }
}

fn name(from: &str, to: &str) -> ItemEdits {
    ItemEdits { name: Some(Edit { from: from.into(), to: to.into() }), ..ItemEdits::default() }
}

fn who() -> ChangedBy {
    ChangedBy { by: "Ilse".into(), at: Timestamp::from_millis(1) }
}

proptest! {
    #[test]
    fn edits_of_different_fields_commute(from in 0_i64..1000, to in 0_i64..1000, renamed in "[a-z]{1,8}") {
        let policies = FieldPolicies::default();
        let (edit, rename) = (price(from, to), name("bread", &renamed));
        let (mut one, mut other) = (item(from, "bread"), item(from, "bread"));
        one.edit(&edit, &policies, &who()).unwrap();
        one.edit(&rename, &policies, &who()).unwrap();
        other.edit(&rename, &policies, &who()).unwrap();
        other.edit(&edit, &policies, &who()).unwrap();
        prop_assert_eq!(one, other);
    }

    #[test]
    fn a_field_conflicts_only_when_both_gave_it_different_values(seen in 0_i64..5, mine in 0_i64..5, theirs in 0_i64..5) {
        let mut row = item(theirs, "bread");
        let verdict = row.edit(&price(seen, mine), &FieldPolicies::default(), &who()).unwrap()[&Field::UnitPrice];
        let wanted = if theirs == mine { FieldVerdict::Already }
            else if theirs == seen { FieldVerdict::Applied }
            else { FieldVerdict::Ask };
        prop_assert_eq!(verdict, wanted);
        let shown = if verdict == FieldVerdict::Ask { theirs } else { mine };
        prop_assert_eq!(row.unit_price, Money::from_minor(shown));
    }

    #[test]
    fn an_edit_and_its_reverse_lead_back(from in 0_i64..1000, to in 0_i64..1000) {
        let mut row = item(from, "bread");
        let edit = price(from, to);
        row.edit(&edit, &FieldPolicies::default(), &who()).unwrap();
        row.edit(&edit.reversed(), &FieldPolicies::default(), &who()).unwrap();
        prop_assert_eq!(row.unit_price, Money::from_minor(from));
    }
}

#[test]
fn the_policy_says_who_wins_a_field_that_both_changed() {
    for (winner, shown, verdict) in [
        (Winner::Store, 150, FieldVerdict::Applied),
        (Winner::Central, 125, FieldVerdict::KeptCentral),
        (Winner::Ask, 125, FieldVerdict::Ask),
    ] {
        let mut row = item(125, "bread");
        let policies = FieldPolicies { unit_price: winner, ..FieldPolicies::default() };
        let found = row.edit(&price(120, 150), &policies, &who()).unwrap();
        assert_eq!((found[&Field::UnitPrice], row.unit_price), (verdict, Money::from_minor(shown)));
    }
}

#[test]
fn who_changed_a_field_last_stands_on_the_row() {
    let mut row = item(120, "bread");
    row.edit(&price(120, 150), &FieldPolicies::default(), &who()).unwrap();
    assert_eq!(row.changed.get(&Field::UnitPrice), Some(&who()));
    assert_eq!(row.changed.len(), 1);
}

#[test]
fn a_deleted_item_takes_no_edit_and_a_price_below_zero_is_no_price() {
    let mut gone = Item { deleted: true, ..item(120, "bread") };
    assert_eq!(gone.edit(&price(120, 150), &FieldPolicies::default(), &who()).unwrap_err().code(), "not_found");
    let refused = item(120, "bread").edit(&price(120, -1), &FieldPolicies::default(), &who()).unwrap_err();
    assert_eq!(refused.code(), "bad_value");
}

#[test]
fn what_merges_is_shown_though_another_field_of_the_same_change_is_asked() {
    let both = ItemEdits { name: name("bread", "rye").name, ..price(120, 150) };
    let policies = FieldPolicies { name: Winner::Store, ..FieldPolicies::default() };
    let pending = |number, change| Pending {
        change_id: ChangeId(Uuid::from_u128(number)),
        change,
        by: "Ilse".into(),
        at: Timestamp::from_millis(1),
    };
    let id = ItemId::new(7).unwrap();
    let edit = pending(1, Change::ItemChanged(ItemChanged { item: id, changes: both }));
    let folded = fold::fold_item(Some(&item(125, "bread")), &[edit], &policies);
    let shown = folded.row.unwrap();
    assert_eq!((shown.name.as_str(), shown.unit_price), ("rye", Money::from_minor(125)));
    assert!(
        matches!(&folded.refused[..], [(_, Refusal::BothChanged { fields })] if fields == &[Field::UnitPrice])
    );
    let removed = pending(2, Change::ItemDeleted(ItemDeleted { item: id }));
    assert!(fold::fold_item(Some(&item(125, "bread")), &[removed], &policies).row.unwrap().deleted);
}
