//! What commands take.

use aisle_domain::{LineState, Role, change::Audience};
use serde::Deserialize;
use ts_rs::TS;

use super::OrdersQuery;
use crate::pins::Pin;

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* })*
    };
}

params! {
    /// Which order.
    OrderKey {
        /// The order.
        order_id: String,
    }
    /// Which orders.
    OrderKeys {
        /// The orders.
        order_ids: Vec<String>,
    }
    /// Rate who shopped an order.
    RateShopper {
        /// The order.
        order_id: String,
        /// 1 to 5.
        rating: u8,
    }
    /// Which item.
    ItemKey {
        /// The item.
        item_id: String,
    }
    /// Which change, or the newest.
    ChangeKey {
        /// The change.
        change_id: Option<String>,
    }
    /// Which order's alarm, or all.
    AlarmKey {
        /// The order.
        order_id: Option<String>,
    }
    /// Give a question a name.
    SaveView {
        /// The name.
        name: String,
        /// What it asks.
        query: OrdersQuery,
    }
    /// Which question that has a name.
    ViewKey {
        /// Its name.
        name: String,
    }
    /// Reject an order.
    RejectOrder {
        /// The order.
        order_id: String,
        /// A code of the store's list.
        reason: String,
        /// The lines that fail.
        items: Vec<String>,
        /// What staff wrote.
        note: Option<String>,
    }
    /// Say where a line is.
    SetLine {
        /// The order.
        order_id: String,
        /// The ordered item.
        item_id: String,
        /// Where it is.
        #[ts(type = "LineState")]
        state: LineState,
        /// The item in the basket instead.
        substitute: Option<String>,
    }
    /// Say how much of a line is in the basket.
    PickQuantity {
        /// The order.
        order_id: String,
        /// The ordered item.
        item_id: String,
        /// As typed.
        quantity: String,
    }
    /// What may lie in the basket instead.
    ReplacementQuery {
        /// The order.
        order_id: String,
        /// The ordered item.
        item_id: String,
        /// As typed or scanned; empty for what is most like it.
        text: String,
    }
    /// A code was scanned while an order is picked.
    ScanLine {
        /// The order.
        order_id: String,
        /// The code.
        code: String,
    }
    /// Approve a payment.
    ApprovePayment {
        /// The payment.
        payment_id: String,
        /// For an amount below the range.
        reason: Option<String>,
        /// For an amount above it, by a manager.
        override_reason: Option<String>,
        /// The manager, where they are not the one who is signed in.
        manager: Option<GivenPin>,
    }
    /// A person's PIN, given for one thing.
    GivenPin {
        /// Who.
        staff_id: String,
        /// Their PIN.
        pin: Pin,
    }
    /// Sign in.
    SignIn {
        /// Who.
        staff_id: String,
        /// Their PIN, where they have one.
        pin: Option<Pin>,
    }
    /// Somebody new.
    AddMember {
        /// Their name.
        name: String,
        /// What they are.
        #[ts(type = "Role")]
        role: Role,
        /// Their first PIN.
        pin: Pin,
    }
    /// Which person.
    MemberKey {
        /// Who.
        staff_id: String,
    }
    /// Which day of the store's calendar.
    DayKey {
        /// `2017-04-05`; `null` for the one that is.
        day: Option<String>,
    }
    /// End the shift.
    EndShift {
        /// To whoever comes next.
        note: String,
    }
    /// Another name.
    RenameMember {
        /// Who.
        staff_id: String,
        /// The name.
        name: String,
    }
    /// Another role.
    SetRole {
        /// Who.
        staff_id: String,
        /// What they are from now on.
        #[ts(type = "Role")]
        role: Role,
    }
    /// Another PIN.
    SetPin {
        /// Who.
        staff_id: String,
        /// The new one.
        pin: Pin,
        /// The one before, for one's own.
        before: Option<Pin>,
    }
    /// Decline a payment.
    DeclinePayment {
        /// The payment.
        payment_id: String,
        /// A code of the store's list.
        reason: String,
        /// Whether the order ends with it.
        ends_order: bool,
        /// What staff wrote.
        note: Option<String>,
    }
    /// Send an order back to picking.
    SendBack {
        /// The payment that waits.
        payment_id: String,
        /// What staff wrote.
        note: Option<String>,
    }
    /// Promise one order for another time.
    SetDue {
        /// The order.
        order_id: String,
        /// RFC 3339.
        due_at: String,
    }
    /// Take care of an order, or leave it to others.
    ClaimOrder {
        /// The order.
        order_id: String,
        /// Whether it is taken.
        takes: bool,
    }
    /// Write a note on an order.
    AddNote {
        /// The order.
        order_id: String,
        /// For whom.
        #[ts(type = "Audience")]
        audience: Audience,
        /// The note.
        text: String,
    }
    /// Take no new orders until a time; without it, take them again.
    PauseStore {
        /// RFC 3339.
        until: Option<String>,
    }
    /// Promise later what is ordered until a time.
    BusyStore {
        /// Added to each promise.
        minutes: u32,
        /// RFC 3339.
        until: String,
    }
    /// A page of the catalog.
    ItemQuery {
        /// As typed; empty for all.
        text: String,
        /// Of the first row.
        offset: i64,
        /// At most 500.
        limit: i64,
    }
    /// Edit an item's fields.
    EditItem {
        /// The item.
        item_id: String,
        /// New values as typed, by field.
        fields: std::collections::BTreeMap<String, String>,
    }
    /// Set a setting.
    SetSetting {
        /// Which.
        key: String,
        /// Its value as text.
        value: String,
    }
    /// An error of the page.
    PageError {
        /// What the page says.
        text: String,
    }
}

/// The text of an enrolment file. Not to be shown: it holds secrets.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentText {
    /// All of it.
    pub text: String,
}

/// An enrolment file that is to be taken. Not to be shown: it holds secrets.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// All of its text.
    pub text: String,
    /// This desk's name.
    pub desk_name: String,
}
