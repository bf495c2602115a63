//! The people of a desk.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Staff {
    /// Everybody who works here
    List,
    /// Somebody new
    Add {
        name: String,
        /// clerk, lead or manager
        #[arg(long, default_value = "clerk")]
        role: String,
        /// File with their first PIN; - reads it from the standard input
        #[arg(long, value_name = "FILE|-")]
        new_pin_file: PathBuf,
    },
    /// Give somebody another PIN
    SetPin {
        name: String,
        /// File with the new PIN; - reads it from the standard input
        #[arg(long, value_name = "FILE|-")]
        new_pin_file: PathBuf,
    },
    /// Give somebody another role
    SetRole {
        name: String,
        /// clerk, lead or manager
        role: String,
    },
    /// Give somebody another name
    Rename { name: String, to: String },
    /// They do not work here any more; what they did stays theirs
    Disable { name: String },
    /// Set the PIN of a manager whom nobody else can let in; it stands in the audit log
    Recover {
        name: String,
        /// File with the new PIN; - reads it from the standard input
        #[arg(long, value_name = "FILE|-")]
        new_pin_file: PathBuf,
    },
}
