//! An order with everything that travels with it: lines, range, payments, receipts, shopper. This is the whole row
//! that central sends and the base that changes are folded over.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ItemId, OrderId, PaymentId, ShopperId, StoreId, TransactionId, UserId},
    item::Barcode,
    life::{self, Act, IllegalAct, OrderStatus},
    money::Money,
    quantity::Quantity,
    range::AmountRange,
    store::Reasons,
    time::Timestamp,
};

/// What items cost today: those that lie in baskets instead of others.
pub type ShelfPrices = BTreeMap<ItemId, Money>;

/// What was decided on an order; stays readable after it is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Its payment was approved.
    Approved,
    /// It was rejected, or ended.
    Rejected,
}

impl Decision {
    /// The word of the tables and of the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// Where a line is while its order is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// Not looked for yet.
    ToPick,
    /// All of it is in the basket.
    Found,
    /// Less than ordered is in the basket.
    Short,
    /// Another item is in the basket instead.
    Substituted,
    /// None is to be had.
    OutOfStock,
}

impl LineState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::ToPick, Self::Found, Self::Short, Self::Substituted, Self::OutOfStock];

    /// The word of the tables and of the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ToPick => "to_pick",
            Self::Found => "found",
            Self::Short => "short",
            Self::Substituted => "substituted",
            Self::OutOfStock => "out_of_stock",
        }
    }
}

/// One line that the customer ordered (`ClientOrderItem`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// The item; at most one line of an order has it.
    pub item_id: ItemId,
    /// Its name when it was ordered.
    pub name: String,
    /// Its barcode when it was ordered.
    #[serde(default)]
    pub barcode: Option<Barcode>,
    /// Price of one unit when it was ordered.
    pub order_unit_price: Money,
    /// How much was ordered.
    pub quantity: Quantity,
    /// `each` or `kg`.
    #[serde(default = "each")]
    pub unit: String,
    /// The customer's note on the line.
    #[serde(default)]
    pub note: Option<String>,
    /// Where picking is.
    pub state: LineState,
    /// How much is in the basket, where that was said.
    #[serde(default)]
    pub picked_quantity: Option<Quantity>,
    /// The item that is in the basket instead.
    #[serde(default)]
    pub substitute: Option<ItemId>,
}

fn each() -> String {
    "each".into()
}

impl OrderLine {
    /// Price times quantity as ordered.
    pub fn total(&self) -> Money {
        self.order_unit_price.times(self.quantity)
    }

    /// Whether it is sold by weight.
    pub fn is_weighed(&self) -> bool {
        self.unit == "kg"
    }

    /// What the line costs by what is picked so far: nothing while it is still to pick. A substitute counts at its price
    /// on the shelf, or at the ordered one where that is not known.
    pub fn picked_total(&self, prices: &ShelfPrices) -> Money {
        let each = match self.state {
            LineState::ToPick | LineState::OutOfStock => return Money::ZERO,
            LineState::Found | LineState::Short => None,
            LineState::Substituted => self.substitute.and_then(|id| prices.get(&id).copied()),
        };
        each.unwrap_or(self.order_unit_price).times(self.picked_quantity.unwrap_or(self.quantity))
    }

    /// What the line will come to: as ordered while it is to pick, else as picked.
    pub fn forecast(&self, prices: &ShelfPrices) -> Money {
        if self.state == LineState::ToPick { self.total() } else { self.picked_total(prices) }
    }
}

/// What central knows of a payment's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Approved.
    Approved,
    /// Declined; `rejected` in the tables and on the wire.
    Rejected,
}

impl PaymentStatus {
    /// The word of the tables and of the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// A payment at the till, waiting for a decision until it has a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// The payment.
    pub payment_id: PaymentId,
    /// Its order.
    pub order_id: OrderId,
    /// Its store.
    pub store_id: StoreId,
    /// The amount to be paid.
    pub amount: Money,
    /// When it was made, by central's clock: decides which range it is judged by.
    pub made_at: Timestamp,
    /// When the shopper's till gives up; shown and alarms, changes no status.
    #[serde(default)]
    pub decide_by: Option<Timestamp>,
    /// `None` until decided.
    #[serde(default)]
    pub status: Option<PaymentStatus>,
    /// The reason that was given with the decision.
    #[serde(default)]
    pub reason: Option<String>,
    /// Who decided.
    #[serde(default)]
    pub decided_by: Option<String>,
    /// When they did.
    #[serde(default)]
    pub decided_at: Option<Timestamp>,
}

/// One line of a receipt (`ShopperOrderItem`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptLine {
    /// From 1.
    pub line_no: u32,
    /// The item, where the till knew it.
    #[serde(default)]
    pub item_id: Option<ItemId>,
    /// Its name on the receipt.
    pub name: String,
    /// Price of one unit, rounded to the cent by the till.
    pub unit_price: Money,
    /// How much.
    pub quantity: Quantity,
}

impl ReceiptLine {
    /// Price times quantity.
    pub fn total(&self) -> Money {
        self.unit_price.times(self.quantity)
    }
}

/// What the shopper really bought (`ShopperOrderDetails` and its items).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The till's number.
    pub transaction_id: TransactionId,
    /// Its order.
    pub order_id: OrderId,
    /// Its store.
    pub store_id: StoreId,
    /// When it was printed.
    pub datetime: Timestamp,
    /// What was paid; need not equal the sum of the lines.
    pub amount: Money,
    /// Its lines.
    pub lines: Vec<ReceiptLine>,
}

/// Who picks the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shopper {
    /// The shopper.
    pub shopper_id: ShopperId,
    /// What staff rated them for this order, 1 to 5.
    #[serde(default)]
    pub rating: Option<u8>,
}

/// An order, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The order.
    pub order_id: OrderId,
    /// Its store.
    pub store_id: StoreId,
    /// The customer.
    pub user_id: UserId,
    /// When the customer placed it.
    pub creation_time: Timestamp,
    /// Where it is in its life.
    pub status: OrderStatus,
    /// When central queued it for the store: age and deadlines count from here.
    pub queued_time: Timestamp,
    /// When central ends it if nobody accepted; `None` for no deadline.
    #[serde(default)]
    pub accept_by: Option<Timestamp>,
    /// When it was promised.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    /// The number that people say, its last digits.
    pub display_no: String,
    /// The customer's name, where central tells it.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// The customer's note.
    #[serde(default)]
    pub note: Option<String>,
    /// What the customer wants when something is out of stock.
    #[serde(default)]
    pub substitution: Option<String>,
    /// False for an order paid online.
    #[serde(default = "yes")]
    pub payment_expected: bool,
    /// What was decided.
    #[serde(default)]
    pub decision: Option<Decision>,
    /// The reason that was given with it.
    #[serde(default)]
    pub reason: Option<String>,
    /// Who decided.
    #[serde(default)]
    pub decided_by: Option<String>,
    /// When they did.
    #[serde(default)]
    pub decided_at: Option<Timestamp>,
    /// Who at the store takes care of it.
    #[serde(default)]
    pub claimed_by: Option<String>,
    /// Who accepted it.
    #[serde(default)]
    pub accepted_by: Option<String>,
    /// When they did.
    #[serde(default)]
    pub accepted_at: Option<Timestamp>,
    /// Grows with every change of the row at central.
    pub version: i64,
    /// Ordered lines.
    pub lines: Vec<OrderLine>,
    /// The range in force.
    #[serde(default)]
    pub range: Option<AmountRange>,
    /// Its payments, oldest first.
    #[serde(default)]
    pub payments: Vec<Payment>,
    /// Its receipts, oldest first.
    #[serde(default)]
    pub receipts: Vec<Receipt>,
    /// Who picks it.
    #[serde(default)]
    pub shopper: Option<Shopper>,
}

const fn yes() -> bool {
    true
}

impl Order {
    /// What the ordered lines cost: the expected amount.
    pub fn expected(&self) -> Money {
        self.lines.iter().map(OrderLine::total).sum()
    }

    /// What is picked so far.
    pub fn picked(&self, prices: &ShelfPrices) -> Money {
        self.lines.iter().map(|line| line.picked_total(prices)).sum()
    }

    /// Picked so far plus what is still to pick.
    pub fn forecast(&self, prices: &ShelfPrices) -> Money {
        self.lines.iter().map(|line| line.forecast(prices)).sum()
    }

    /// Lines that nobody has said anything of.
    pub fn lines_to_pick(&self) -> usize {
        self.lines.iter().filter(|line| line.state == LineState::ToPick).count()
    }

    /// The payment that waits for a decision: the oldest undecided one of an order that is pending.
    pub fn waiting_payment(&self) -> Option<&Payment> {
        self.payments.iter().find(|p| p.status.is_none()).filter(|_| self.status == OrderStatus::Pending)
    }

    /// What approved payments have already used of the range.
    pub fn used(&self) -> Money {
        self.payments.iter().filter(|p| p.status == Some(PaymentStatus::Approved)).map(|p| p.amount).sum()
    }

    /// Whether central ended it for the customer or for want of an accept.
    pub fn is_ended_by_central(&self) -> bool {
        matches!(self.reason.as_deref(), Some(Reasons::CANCELLED | Reasons::MISSED))
            && self.decision == Some(Decision::Rejected)
    }

    /// Moves the status by `act`. The only place that writes one.
    pub(crate) fn step(&mut self, act: Act) -> Result<(), IllegalAct> {
        self.status = life::next(self.status, act)?;
        Ok(())
    }

    pub(crate) fn decide(&mut self, decision: Decision, reason: Option<&str>, by: &str, at: Timestamp) {
        self.decision = Some(decision);
        self.reason = reason.map(Into::into);
        self.decided_by = Some(by.into());
        self.decided_at = Some(at);
    }

    /// Central: a payment comes in. It waits for a decision if the order is being picked, queues behind another
    /// one, and is only kept and shown on an order that is in no state for it. False when it is known already.
    pub fn receive_payment(&mut self, payment: Payment) -> bool {
        if self.payments.iter().any(|p| p.payment_id == payment.payment_id) {
            return false;
        }
        self.payments.push(payment);
        self.resume_payments();
        true
    }

    /// Makes the order wait for its next undecided payment, if it has one and is in a state for it.
    pub(crate) fn resume_payments(&mut self) {
        if self.payments.iter().any(|p| p.status.is_none())
            && let Ok(status) = life::next(self.status, Act::PaymentArrives)
        {
            self.status = status;
        }
    }

    /// Central: a receipt comes in. False when it is known already.
    pub fn receive_receipt(&mut self, receipt: Receipt) -> bool {
        let known = self.receipts.iter().any(|r| r.transaction_id == receipt.transaction_id);
        if !known {
            self.receipts.push(receipt);
        }
        !known
    }

    /// Central: the customer cancelled.
    pub fn cancel(&mut self, reason: &str, by: &str, at: Timestamp) -> Result<(), IllegalAct> {
        self.step(Act::Cancel)?;
        self.decide(Decision::Rejected, Some(reason), by, at);
        Ok(())
    }

    /// Central: nobody accepted in time.
    pub fn miss(&mut self, at: Timestamp) -> Result<(), IllegalAct> {
        self.step(Act::Miss)?;
        self.decide(Decision::Rejected, Some(Reasons::MISSED), "central", at);
        Ok(())
    }

    /// Central: the decision has been applied.
    pub fn confirm(&mut self) -> Result<(), IllegalAct> {
        self.step(Act::Confirm)
    }
}
