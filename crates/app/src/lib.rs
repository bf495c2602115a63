//! What a desk can do, whichever shell asks: use cases over the mirror and the sync, views for screens and the
//! command line, and the one table of commands from which the router and the TypeScript types come. Names neither
//! Tauri nor any transport.

mod auto_accept;
mod capacity;
mod catalog;
mod changes;
mod days;
mod deadlines;
mod desk;
mod diagnostics;
mod error;
mod events;
mod finding;
mod holds;
mod mend;
mod orders;
mod payments;
mod picking;
mod pins;
mod present;
mod printing;
mod report;
mod reports;
mod rings;
mod router;
mod settings;
mod shifts;
mod signing;
mod staff;
mod table;
mod ticket;
pub mod typescript;
pub mod views;
mod wording;

pub use catalog::ItemFields;
pub use desk::{Desk, Opened, QuitReport};
pub use error::{AppError, CODES, RpcError};
pub use events::{AlarmKind, Event};
pub use mend::Keep;
pub use orders::{ApprovalReason, Rejection};
pub use pins::Pin;
pub use printing::{NoPrinter, Printer};
pub use router::{App, Launcher};
pub use settings::{ConnectionReport, ConnectionSettings, ConnectionStep, Enrolled, SecretsPlace, Security};
pub use staff::ManagerPin;
pub use views::EnrolmentView;
