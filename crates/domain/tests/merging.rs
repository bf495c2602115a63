//! T10, the laws of merging: three desks and central edit one item, what the desks send comes late, more than once and in
//! any mixture, and in the end all show the same. `AISLE_CASES` says how many histories.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::collections::{BTreeMap, BTreeSet};

use aisle_domain::{
    Availability, Change, ChangeId, FieldPolicies, Item, ItemEdits, ItemId, Money, Pending, StoreId, Timestamp,
    Winner,
    change::ItemChanged,
    fold,
    item::{ChangedBy, Edit, Field},
};
use proptest::prelude::*;
use uuid::Uuid;

const DESKS: usize = 3;
const FIELDS: [Field; 3] = [Field::UnitPrice, Field::Name, Field::Category];

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// Somebody at a desk, or at central (`DESKS`), gives a field one of a few values.
    Edit { who: usize, field: usize, value: u8 },
    /// The next change of a desk comes to central, or one that came before comes again.
    Deliver { desk: usize, again: bool, which: prop::sample::Index },
    /// A desk hears what central has.
    Pull { desk: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..=DESKS, 0..FIELDS.len(), 0_u8..4).prop_map(|(who, field, value)| Step::Edit { who, field, value }),
        4 => (0..DESKS, prop::bool::weighted(0.3), any::<prop::sample::Index>())
            .prop_map(|(desk, again, which)| Step::Deliver { desk, again, which }),
        2 => (0..DESKS).prop_map(|desk| Step::Pull { desk }),
    ]
}

/// An edit of one field, from what is shown.
fn edit(shown: &Item, field: Field, value: u8) -> ItemEdits {
    let text = |value: u8| format!("value {value}");
    let mut edits = ItemEdits::default();
    match field {
        Field::UnitPrice => {
            edits.unit_price = Some(Edit { from: shown.unit_price, to: Money::from_minor(i64::from(value)) });
        }
        Field::Name => edits.name = Some(Edit { from: shown.name.clone(), to: text(value) }),
        _ => edits.category = Some(Edit { from: shown.category.clone(), to: Some(text(value)) }),
    }
    edits
}

fn fields_of(pending: &Pending) -> Vec<Field> {
    let Change::ItemChanged(change) = &pending.change else { unreachable!("only edits are made") };
    change.changes.fields()
}

/// The value of a field, as text.
fn shown_of(item: &Item, field: Field) -> String {
    match field {
        Field::UnitPrice => item.unit_price.to_string(),
        Field::Name => item.name.clone(),
        _ => item.category.clone().unwrap_or_default(),
    }
}

/// What an edit of one field leads from, and to.
fn ends(edits: &ItemEdits) -> (String, String) {
    let ItemEdits { unit_price, name, category, .. } = edits;
    let price = unit_price.as_ref().map(|edit| (edit.from.to_string(), edit.to.to_string()));
    let name = name.as_ref().map(|edit| (edit.from.clone(), edit.to.clone()));
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let category = category.as_ref().map(|edit| (text(&edit.from), text(&edit.to)));
    price.or(name).or(category).unwrap()
}

/// A desk: central's row as it heard it, and what it has no word on.
struct Desk {
    base: Item,
    waiting: Vec<Pending>,
    sent: usize,
    all: Vec<Pending>,
}

struct Town {
    policies: FieldPolicies,
    central: Option<Item>,
    outcomes: BTreeMap<ChangeId, Result<(), &'static str>>,
    desks: Vec<Desk>,
    /// Who gave each field a value.
    editors: BTreeMap<Field, BTreeSet<usize>>,
}

impl Town {
    fn new(winner: Winner) -> Self {
        let row = Item {
            item_id: ItemId::new(7).unwrap(),
            store_id: StoreId::new(367).unwrap(),
            unit_price: Money::from_minor(0),
            barcode: None,
            name: "value 0".into(),
            category: None,
            availability: Availability::Available,
            available_until: None,
            version: 1,
            deleted: false,
            changed: BTreeMap::new(),
        };
        let policies =
            FieldPolicies { unit_price: winner, name: winner, category: winner, ..FieldPolicies::default() };
        let desk = || Desk { base: row.clone(), waiting: Vec::new(), sent: 0, all: Vec::new() };
        let desks = (0..DESKS).map(|_| desk()).collect();
        Self { policies, central: Some(row.clone()), outcomes: BTreeMap::new(), desks, editors: BTreeMap::new() }
    }

    fn shown(&self, desk: usize) -> Item {
        let desk = &self.desks[desk];
        fold::fold_item(Some(&desk.base), &desk.waiting, &self.policies).row.unwrap()
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Edit { who, field, value } => self.edit(*who, FIELDS[*field], *value),
            Step::Deliver { desk, again: true, which } if self.desks[*desk].sent > 0 => {
                let known = which.index(self.desks[*desk].sent);
                self.apply(&self.desks[*desk].all[known].clone());
            }
            Step::Deliver { desk, .. } => self.deliver(*desk),
            Step::Pull { desk } => self.pull(*desk),
        }
    }

    fn edit(&mut self, who: usize, field: Field, value: u8) {
        self.editors.entry(field).or_default().insert(who);
        let shown = if who == DESKS { self.central.clone().unwrap() } else { self.shown(who) };
        let item = shown.item_id;
        let change = Change::ItemChanged(ItemChanged { item, changes: edit(&shown, field, value) });
        let number = self.desks.iter().map(|desk| desk.all.len() as u128).sum::<u128>();
        let change_id = ChangeId(Uuid::from_u128(number + 1));
        let pending = Pending { change_id, change, by: who.to_string(), at: Timestamp::from_millis(1) };
        if who == DESKS {
            let who = ChangedBy { by: pending.by, at: pending.at };
            fold::apply_item(&mut self.central, &pending.change, &self.policies, &who).unwrap();
        } else {
            self.desks[who].waiting.push(pending.clone());
            self.desks[who].all.push(pending);
        }
    }

    fn deliver(&mut self, desk: usize) {
        let next = self.desks[desk].all.get(self.desks[desk].sent).cloned();
        if let Some(next) = next {
            self.desks[desk].sent += 1;
            self.apply(&next);
        }
    }

    /// A change that was seen before has no effect.
    fn apply(&mut self, pending: &Pending) {
        if self.outcomes.contains_key(&pending.change_id) {
            return;
        }
        let (wanted, value) = self.wanted(pending);
        let who = ChangedBy { by: pending.by.clone(), at: pending.at };
        let outcome = fold::apply_item(&mut self.central, &pending.change, &self.policies, &who);
        let outcome = outcome.map_err(|refusal| refusal.code());
        let field = fields_of(pending)[0];
        assert_eq!((outcome, shown_of(self.central.as_ref().unwrap(), field)), (wanted, value), "{pending:?}");
        self.outcomes.insert(pending.change_id, outcome);
    }

    /// What the rule says that an edit comes to, and the value that its field has then.
    fn wanted(&self, pending: &Pending) -> (Result<(), &'static str>, String) {
        let Change::ItemChanged(change) = &pending.change else { unreachable!("only edits are made") };
        let field = fields_of(pending)[0];
        let current = shown_of(self.central.as_ref().unwrap(), field);
        let (from, to) = ends(&change.changes);
        if current == from || current == to {
            return (Ok(()), to);
        }
        match self.policies.unit_price {
            Winner::Store => (Ok(()), to),
            Winner::Central => (Err("kept_central"), current),
            Winner::Ask => (Err("both_changed"), current),
        }
    }

    fn pull(&mut self, desk: usize) {
        let desk = &mut self.desks[desk];
        desk.base = self.central.clone().unwrap();
        desk.waiting.retain(|pending| !self.outcomes.contains_key(&pending.change_id));
    }
}

fn cases() -> u32 {
    std::env::var("AISLE_CASES").map_or(10_000, |text| text.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn desks_that_heard_everything_show_what_central_has_and_only_a_field_of_two_hands_is_ever_refused(
        steps in prop::collection::vec(step(), 0..40),
        winner in prop_oneof![Just(Winner::Store), Just(Winner::Central), Just(Winner::Ask)],
    ) {
        let mut town = Town::new(winner);
        for step in &steps {
            town.take(step);
        }
        for desk in 0..DESKS {
            while town.desks[desk].sent < town.desks[desk].all.len() {
                town.deliver(desk);
            }
        }
        for desk in 0..DESKS {
            town.pull(desk);
            prop_assert!(town.desks[desk].waiting.is_empty());
            prop_assert_eq!(town.shown(desk), town.central.clone().unwrap());
        }
        for pending in town.desks.iter().flat_map(|desk| &desk.all) {
            let outcome = town.outcomes[&pending.change_id];
            let hands = town.editors[&fields_of(pending)[0]].len();
            prop_assert!(outcome.is_ok() || hands > 1, "{:?} of one hand came to {:?}", pending, outcome);
        }
    }
}
