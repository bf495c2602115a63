//! What commands take.

use serde::Deserialize;
use ts_rs::TS;

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
    /// What to look for.
    FindText {
        /// As typed.
        text: String,
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
    /// Approve a payment.
    ApprovePayment {
        /// The payment.
        payment_id: String,
        /// For an amount below the range.
        reason: Option<String>,
        /// For an amount above it, by a manager.
        override_reason: Option<String>,
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
