//! Who works at a desk: roles, what each of them may do, and what a name and a PIN look like.

use serde::{Deserialize, Serialize};

use crate::change::Change;

/// What a person is at the desk. Each may do what the one before may, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Orders, payments, and what is out of stock.
    Clerk,
    /// The catalog and pausing the store as well.
    Lead,
    /// Everything.
    Manager,
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a role; there are clerk, lead, manager")]
pub struct BadRole(pub String);

impl Role {
    /// Every role, the one that may least first.
    pub const ALL: [Self; 3] = [Self::Clerk, Self::Lead, Self::Manager];

    /// The word of the tables and of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Lead => "lead",
            Self::Manager => "manager",
        }
    }

    /// Whether it may do this.
    pub fn may(self, right: Right) -> bool {
        self >= right.least()
    }

    /// The same as an error that says who may.
    ///
    /// # Errors
    /// [`NotAllowed`] where the role may not.
    pub fn require(self, right: Right) -> Result<(), NotAllowed> {
        if self.may(right) { Ok(()) } else { Err(NotAllowed { role: self, right }) }
    }
}

impl std::str::FromStr for Role {
    type Err = BadRole;

    fn from_str(word: &str) -> Result<Self, BadRole> {
        Self::ALL.into_iter().find(|role| role.word() == word).ok_or_else(|| BadRole(word.into()))
    }
}

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Accept, reject, pick, decide payments inside the range or below it, note, claim, promise, be busy.
    Orders,
    /// Say what is out of stock.
    Availability,
    /// Prices, names, barcodes, categories; items that come and go.
    Catalog,
    /// Take no new orders for a while.
    Pause,
    /// Approve above the range.
    Override,
    /// Who works here, and with which PIN.
    Staff,
    /// The line, when it is used, and what the desk does by itself.
    Settings,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 7] = [
        Self::Orders,
        Self::Availability,
        Self::Catalog,
        Self::Pause,
        Self::Override,
        Self::Staff,
        Self::Settings,
    ];

    /// The role that has it and may least beside it.
    pub const fn least(self) -> Role {
        match self {
            Self::Orders | Self::Availability => Role::Clerk,
            Self::Catalog | Self::Pause => Role::Lead,
            Self::Override | Self::Staff | Self::Settings => Role::Manager,
        }
    }

    /// The word of the page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Availability => "availability",
            Self::Catalog => "catalog",
            Self::Pause => "pause",
            Self::Override => "override",
            Self::Staff => "staff",
            Self::Settings => "settings",
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Orders => "decides orders and payments",
            Self::Availability => "says what is out of stock",
            Self::Catalog => "changes the catalog",
            Self::Pause => "pauses the store",
            Self::Override => "approves above the range",
            Self::Staff => "changes who works here",
            Self::Settings => "changes how the desk works",
        }
    }

    /// What whoever makes a change must be allowed to do.
    pub fn for_change(change: &Change) -> Self {
        match change {
            Change::ItemChanged(edit) => {
                let (catalog, availability) = (Self::Catalog, Self::Availability);
                let mut fields = edit.changes.fields().into_iter();
                if fields.all(crate::Field::is_of_availability) { availability } else { catalog }
            }
            Change::ItemCreated(_) | Change::ItemDeleted(_) => Self::Catalog,
            Change::StorePaused(_) => Self::Pause,
            Change::OrderAccepted(_)
            | Change::OrderRejected(_)
            | Change::OrderSentBack(_)
            | Change::LineSet(_)
            | Change::OrderNoted(_)
            | Change::PaymentApproved(_)
            | Change::PaymentDeclined(_)
            | Change::DueSet(_)
            | Change::OrderClaimed(_)
            | Change::RangeRequested(_)
            | Change::ShopperRated(_)
            | Change::StoreBusy(_) => Self::Orders,
        }
    }
}

/// A role does not reach for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only a {} {}, and a {} does not", right.least().word(), right.in_words(), role.word())]
pub struct NotAllowed {
    /// Who tried.
    pub role: Role,
    /// What.
    pub right: Right,
}

/// The longest name, characters.
pub const LONGEST_NAME: usize = 40;

/// A name that nobody can be told by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a person's name has 1 to {LONGEST_NAME} characters on one line")]
pub struct BadName;

/// A person's name as it is kept: without space around it.
///
/// # Errors
/// [`BadName`] where there is none, where it is too long or has control characters.
pub fn name(text: &str) -> Result<String, BadName> {
    let name = text.trim();
    let is_good = !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if is_good { Ok(name.into()) } else { Err(BadName) }
}

/// What is no PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPin {
    /// Too short, too long, or no digits.
    #[error("a PIN has 4 to 8 digits")]
    Form,
    /// One of those that are tried first.
    #[error("this PIN is easy to guess: all its digits are equal, or follow each other")]
    Easy,
}

/// Refuses a PIN that is none, and those that whoever guesses tries first.
///
/// # Errors
/// [`BadPin`] says which.
pub fn check_pin(pin: &str) -> Result<(), BadPin> {
    let is_form = (4..=8).contains(&pin.len()) && pin.bytes().all(|byte| byte.is_ascii_digit());
    if !is_form {
        return Err(BadPin::Form);
    }
    let steps = || pin.bytes().zip(pin.bytes().skip(1)).map(|(one, next)| i16::from(next) - i16::from(one));
    let is_run = |by: i16| steps().all(|step| step == by);
    if [0, 1, -1].into_iter().any(is_run) { Err(BadPin::Easy) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Availability, ItemId, Money,
        change::{ItemChanged, StorePaused},
        item::{Edit, ItemEdits},
    };

    fn edited(changes: ItemEdits) -> Change {
        Change::ItemChanged(ItemChanged { item: ItemId::new(1).unwrap(), changes })
    }

    #[test]
    fn a_clerk_says_what_is_out_of_stock_and_a_lead_what_it_costs() {
        let availability = Some(Edit { from: Availability::Available, to: Availability::OutOfStock });
        let unit_price = Some(Edit { from: Money::from_minor(100), to: Money::from_minor(120) });
        let out = edited(ItemEdits { availability: availability.clone(), ..ItemEdits::default() });
        let dearer = edited(ItemEdits { unit_price: unit_price.clone(), ..ItemEdits::default() });
        let both = edited(ItemEdits { unit_price, availability, ..ItemEdits::default() });
        let may = |role: Role, change: &Change| role.may(Right::for_change(change));
        assert!(may(Role::Clerk, &out));
        assert!(!may(Role::Clerk, &dearer) && !may(Role::Clerk, &both));
        assert!(may(Role::Lead, &both));
        let paused = Change::StorePaused(StorePaused { until: None });
        assert!(!may(Role::Clerk, &paused) && may(Role::Lead, &paused));
    }

    #[test]
    fn only_a_manager_may_all_and_whoever_may_not_is_told_who_may() {
        assert!(Right::ALL.into_iter().all(|right| Role::Manager.may(right)));
        assert_eq!(
            Role::Clerk.require(Right::Override).unwrap_err().to_string(),
            "only a manager approves above the range, and a clerk does not"
        );
        assert_eq!(Role::Lead.require(Right::Catalog), Ok(()));
    }

    #[test]
    fn a_pin_has_digits_and_is_none_of_those_that_are_tried_first() {
        for bad in ["", "123", "12a4", "123456789", "１２３４", " 1294"] {
            assert_eq!(check_pin(bad), Err(BadPin::Form), "{bad}");
        }
        for easy in ["0000", "1234", "87654321", "99999999"] {
            assert_eq!(check_pin(easy), Err(BadPin::Easy), "{easy}");
        }
        assert_eq!(check_pin("1243"), Ok(()));
    }

    #[test]
    fn a_name_is_kept_without_the_space_around_it() {
        assert_eq!(name("  Noor Haddad ").unwrap(), "Noor Haddad");
        for bad in ["", "  ", "two\nlines", &"x".repeat(41)] {
            assert_eq!(name(bad), Err(BadName), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_pin_that_is_taken_is_of_four_to_eight_digits(text in ".*") {
            if check_pin(&text).is_ok() {
                prop_assert!((4..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()));
            }
            if let Ok(kept) = name(&text) {
                prop_assert_eq!(kept.trim(), kept.as_str());
            }
        }
    }
}
