//! What is true of Aisle, without I/O and without a clock: identifiers, money and quantities, the life of an
//! order, authorised ranges and payment decisions, receipts against orders, catalog edits and their merge, and
//! the fold of unacknowledged changes over central's rows.
//!
//! The desk and central call the same functions, so that what the desk predicts is what central decides.

pub mod auto_accept;
pub mod chance;
pub mod change;
pub mod day;
pub mod decide;
pub mod digest;
pub mod fold;
pub mod ids;
pub mod item;
pub mod life;
pub mod money;
pub mod order;
pub mod planted;
pub mod quantity;
pub mod range;
pub mod receipt;
pub mod refusal;
pub mod scale_label;
pub mod staff;
pub mod store;
pub mod time;

pub use auto_accept::{Arrival, AutoAccept, Eyes};
pub use chance::Chance;
pub use change::{Change, Lane, Pending, Subject};
pub use decide::{Context, Outcome};
pub use ids::{
    BadId, ChangeId, DeskId, Epoch, Incarnation, ItemId, OrderId, PaymentId, ShopperId, StoreId, TransactionId,
    UserId,
};
pub use item::{Availability, Barcode, Field, Item, ItemEdits};
pub use life::{Act, IllegalAct, OrderStatus};
pub use money::{BadMoney, Currency, Money};
pub use order::{Decision, LineState, Order, OrderLine, Payment, PaymentStatus, Receipt, ReceiptLine, Shopper};
pub use planted::{Planted, is_planted};
pub use quantity::{BadQuantity, Quantity};
pub use range::{AmountRange, Verdict};
pub use receipt::{Difference, DifferenceKind};
pub use refusal::{Refusal, in_short};
pub use scale_label::{BadLayout, Layout};
pub use staff::{NotAllowed, Right, Role};
pub use store::{FieldPolicies, Policies, Reason, Reasons, Store, Winner};
pub use time::Timestamp;
