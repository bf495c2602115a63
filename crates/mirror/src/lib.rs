//! The desk's own database: central's rows as they are shown, the outbox, the feeds' positions, the audit log. One
//! writer, readers that cannot write, every act and every batch of the feed one transaction.

pub mod alarms;
pub mod anew;
pub mod audit;
pub mod conflicts;
pub mod digest;
pub mod feed;
pub mod items;
pub mod orders;
pub mod outbox;
pub mod parked;
pub mod payments;
pub mod prices;
pub mod private;
pub mod pushes;
pub mod remirror;
pub mod saved_views;
pub mod settings;
pub mod shifts;
pub mod staff;
pub mod store;
pub mod verify;

mod act;
mod bases;
mod error;
mod folder;
mod home;
mod mirror;
mod ranges;
mod refold;
mod restore;
mod row;

pub use act::NewChange;
pub use anew::{Anew, Renumbered};
pub use audit::AuditEntry;
pub use conflicts::Conflict;
pub use digest::{CentralDigest, Compared};
pub use error::{ActError, MirrorError, Result};
pub use feed::{FeedApplied, FeedEntry, FeedPosition, Parked};
pub use mirror::{Identity, Mirror, NewDesk};
pub use orders::{Care, OrderFilter, Stage};
pub use outbox::{BadState, ChangeState, LogPlace, NumberedChange, OutboxCounts, OutboxRow, Report};
pub use parked::{ParkedRecord, Retried};
pub use prices::PriceEntry;
pub use pushes::PushRow;
pub use ranges::RangeCache;
pub use remirror::{Reason, Remirror};
pub use restore::Restored;
pub use saved_views::SavedView;
pub use shifts::Shift;
pub use staff::{Member, MemberEdit};
pub use verify::Check;
