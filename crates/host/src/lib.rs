//! Opens a desk for a shell, over Kafka or as a rehearsal, and shows it to a browser on this computer. Window and
//! command line share it; nothing here decides anything about orders.

mod connection_test;
mod enrolment;
mod folder;
mod launcher;
mod printer;
mod rehearsal;
mod reopening;
mod secrets;
mod server;

pub use enrolment::{check_store, enrol_new, read_enrolment, read_enrolment_file, settings_of, take_over};
pub use folder::{default_data_folder, find_demo, find_ui};
pub use launcher::{Line, StandardLauncher, line_for, new_desk, read_password};
pub use printer::SystemPrinter;
pub use secrets::wants_keychain;
pub use server::{ServeOptions, Server, serve};

use aisle_app::RpcError;

pub(crate) fn error(code: &str, message: impl Into<String>, hint: Option<&str>) -> RpcError {
    RpcError { code: code.into(), message: message.into(), hint: hint.map(Into::into), retryable: false }
}
