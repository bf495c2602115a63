//! Opens a desk for a shell, over Kafka or as a rehearsal, and shows it to a browser on this computer. Window and
//! command line share it; nothing here decides anything about orders.

mod connection_test;
mod folder;
mod launcher;
mod rehearsal;
mod server;

pub use folder::{default_data_folder, find_demo, find_ui};
pub use launcher::{StandardLauncher, read_password, transport_for};
pub use server::{ServeOptions, Server, serve};

use aisle_app::RpcError;

pub(crate) fn error(code: &str, message: impl Into<String>, hint: Option<&str>) -> RpcError {
    RpcError { code: code.into(), message: message.into(), hint: hint.map(Into::into), retryable: false }
}
