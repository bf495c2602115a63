//! The store's own row: its address, its day, its policies and its reasons.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ids::StoreId, money::Currency, scale_label::Layout, time::Timestamp};

/// A store as central knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Store {
    /// The store.
    pub store_id: StoreId,
    /// Name on screen.
    pub name: String,
    /// First line of the address, 1 to 255 characters.
    pub address1: String,
    /// Second line of the address.
    #[serde(default)]
    pub address2: Option<String>,
    /// City.
    #[serde(default)]
    pub city: Option<String>,
    /// State or region.
    #[serde(default)]
    pub state: Option<String>,
    /// Country.
    #[serde(default)]
    pub country: Option<String>,
    /// Postal code.
    #[serde(default)]
    pub postal_code: Option<String>,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// IANA name of the time zone in which its day is counted.
    pub time_zone: String,
    /// Minutes after midnight at which its day starts.
    #[serde(default)]
    pub day_starts: u16,
    /// When a change counts as written: on all machines or on the majority.
    #[serde(default)]
    pub durability: Durability,
    /// Limits and winners.
    #[serde(default)]
    pub policies: Policies,
    /// Reasons staff may give.
    #[serde(default)]
    pub reasons: Reasons,
    /// No new orders until then.
    #[serde(default)]
    pub paused_until: Option<Timestamp>,
    /// Minutes added to every promise while busy.
    #[serde(default)]
    pub busy_minutes: Option<u32>,
    /// Busy until then.
    #[serde(default)]
    pub busy_until: Option<Timestamp>,
    /// Grows with every change of the row.
    pub version: i64,
}

/// How many machines must have a change before the cluster counts it as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Every replica: pushes wait while one machine is down.
    #[default]
    All,
    /// The majority of the replicas.
    Majority,
}

/// The numbers and winners a store is run by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Policies {
    /// Lower end of a derived range, percent of the expected amount.
    pub range_lo_percent: u32,
    /// Upper end of a derived range, percent of the expected amount.
    pub range_hi_percent: u32,
    /// How far above the range a manager may go, percent of its upper end.
    pub override_ceiling_percent: u32,
    /// Who wins when desk and central changed the same field.
    pub fields: FieldPolicies,
    /// What the store's scales print, as [`Layout`]s. Text on the wire: a layout that a desk does not understand keeps nobody
    /// from reading the rest.
    pub scale_labels: Vec<String>,
}

impl Policies {
    /// What the store's scales print, as far as this program understands it.
    pub fn layouts(&self) -> impl Iterator<Item = Layout> {
        self.scale_labels.iter().filter_map(|text| text.parse().ok())
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            range_lo_percent: 70,
            range_hi_percent: 110,
            override_ceiling_percent: 10,
            fields: FieldPolicies::default(),
            scale_labels: Vec::new(),
        }
    }
}

/// Who wins a field that both sides changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// The store's value.
    Store,
    /// Central's value.
    Central,
    /// Nobody: a person is asked.
    Ask,
}

/// The winner of each field of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FieldPolicies {
    /// Of `availability` and `available_until`.
    pub availability: Winner,
    /// Of `name`.
    pub name: Winner,
    /// Of `category`.
    pub category: Winner,
    /// Of `unit_price`.
    pub unit_price: Winner,
    /// Of `barcode`.
    pub barcode: Winner,
}

impl Default for FieldPolicies {
    fn default() -> Self {
        Self {
            availability: Winner::Store,
            name: Winner::Central,
            category: Winner::Central,
            unit_price: Winner::Ask,
            barcode: Winner::Ask,
        }
    }
}

/// A reason that staff may give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Its code, in central's list.
    pub code: String,
    /// Whether the failing lines must be named.
    #[serde(default)]
    pub needs_lines: bool,
    /// Whether a note must be written.
    #[serde(default)]
    pub needs_note: bool,
}

/// The reasons of a store, by what they are given for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reasons {
    /// For rejecting an order.
    pub reject: Vec<Reason>,
    /// For declining a payment.
    pub decline: Vec<Reason>,
    /// For approving a payment outside the range.
    #[serde(rename = "override")]
    pub approve_outside: Vec<Reason>,
}

impl Default for Reasons {
    /// The reasons that hold until central has sent its own.
    fn default() -> Self {
        let plain = |codes: &[&str]| -> Vec<Reason> {
            codes.iter().map(|c| Reason { code: (*c).into(), needs_lines: false, needs_note: false }).collect()
        };
        let mut reject = plain(&["too_busy", "closing", "customer_asked"]);
        reject.insert(0, Reason { code: "out_of_stock".into(), needs_lines: true, needs_note: false });
        reject.push(Reason { code: "other".into(), needs_lines: false, needs_note: true });
        Self {
            reject,
            decline: plain(&["outside_range", "wrong_order", "half_receipt", "items_returned", "other"]),
            approve_outside: plain(&[
                "weighed",
                "till_price",
                "customer_agreed",
                "half_receipt",
                "items_returned",
                "other",
            ]),
        }
    }
}

impl Reasons {
    /// Set by the desk when a payment sends its order back to picking.
    pub const SENT_BACK: &'static str = "sent_back";
    /// Set by central when the customer cancelled.
    pub const CANCELLED: &'static str = "cancelled";
    /// Set by central when nobody accepted in time.
    pub const MISSED: &'static str = "missed";

    /// The reason with this code among `reasons`.
    pub fn find<'a>(reasons: &'a [Reason], code: &str) -> Option<&'a Reason> {
        reasons.iter().find(|r| r.code == code)
    }
}
