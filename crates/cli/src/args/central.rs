//! The centre's part of the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{PageFlags, duration, field};

/// Where central's database and cluster are.
#[derive(Debug, Args, Clone)]
pub(crate) struct Place {
    /// Central's database
    #[arg(long, global = true, env = "AISLE_CENTRAL_DB", value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// Brokers, host:port separated by commas
    #[arg(long, global = true, env = "AISLE_BROKERS", value_name = "H:P,..")]
    pub(crate) brokers: Option<String>,
    /// User for SASL_SSL with SCRAM-SHA-512
    #[arg(long, global = true)]
    pub(crate) username: Option<String>,
    /// File that holds the password
    #[arg(long, global = true)]
    pub(crate) password_file: Option<PathBuf>,
    /// File with the certificate of the cluster's authority
    #[arg(long, global = true)]
    pub(crate) ca_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Central {
    /// Check the topics, or make them
    Topics {
        #[command(flatten)]
        place: Place,
        /// Make what is missing and correct what differs
        #[arg(long)]
        create: bool,
        #[arg(long, default_value_t = 12)]
        partitions: i32,
        #[arg(long, default_value_t = 3)]
        replication: i32,
        /// all or majority
        #[arg(long, default_value = "all")]
        durability: String,
        /// Stores whose feeds are made or checked
        #[arg(long, value_delimiter = ',')]
        stores: Vec<String>,
    },
    /// Stores and their desks
    Stores {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: Stores,
    },
    /// Apply what the stores send and publish what they are told
    Work {
        #[command(flatten)]
        place: Place,
        /// all, or numbers separated by commas
        #[arg(long, default_value = "all")]
        partitions: String,
        /// Stop when there is nothing left to do
        #[arg(long, value_parser = ["idle"])]
        until: Option<String>,
        /// At most this long
        #[arg(long, value_parser = duration)]
        timeout: Option<std::time::Duration>,
    },
    /// Replay a real store's days
    Simulate {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        store: String,
        /// Folder with items.csv, orders.jsonl, receipts.jsonl
        #[arg(long)]
        from: PathBuf,
        /// Only the first days
        #[arg(long)]
        days: Option<u32>,
        /// Times life, or max
        #[arg(long, default_value = "60")]
        speed: String,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Percent of orders that the customer cancels
        #[arg(long, default_value_t = 0)]
        cancel: u8,
        /// Go on until every order has its outcome
        #[arg(long, value_parser = ["done"])]
        until: Option<String>,
        /// At most this long
        #[arg(long, value_parser = duration)]
        timeout: Option<std::time::Duration>,
    },
    /// Orders at central
    Order {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: CentralOrder,
    },
    /// Payments at central
    Payment {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: CentralPayment,
    },
    /// Items at central
    Item {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: CentralItem,
    },
    /// Check central's database against its own rules
    Verify {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        store: Option<String>,
    },
    /// Count and sum over a store's rows
    Digest {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        store: String,
    },
    /// Desks of all stores
    Desks {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: Desks,
    },
    /// Begin another history, after central's database was restored from a backup
    NewEpoch {
        #[command(flatten)]
        place: Place,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// What a worker could not apply
    DeadLetters {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: DeadLetters,
    },
}

/// What an enrolment file says beside what central knows.
#[derive(Debug, Args, Clone)]
pub(crate) struct EnrolFlags {
    /// How long desks take the file
    #[arg(long, default_value = "30d", value_parser = duration)]
    pub(crate) expires: std::time::Duration,
    /// A line with TLS and a user also without --ca-file
    #[arg(long)]
    pub(crate) sasl: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Stores {
    /// Add a store
    Add {
        id: String,
        #[arg(long)]
        name: String,
        #[arg(long)]
        address1: String,
        #[arg(long)]
        city: Option<String>,
        #[arg(long, default_value = "USD")]
        currency: String,
        #[arg(long, default_value = "UTC")]
        time_zone: String,
        #[command(flatten)]
        enrol: EnrolFlags,
        /// Enrolment file to write; from then on the store's changes must be signed
        #[arg(long)]
        enrolment: Option<PathBuf>,
    },
    /// Give a store a key to sign with, and write the file that enrols its desks
    Enrol {
        id: String,
        /// Enrolment file to write
        #[arg(long)]
        enrolment: PathBuf,
        #[command(flatten)]
        enrol: EnrolFlags,
        /// Take nothing any more that is signed with the store's other keys
        #[arg(long)]
        retire_others: bool,
        /// Another password for the store's user at the cluster
        #[arg(long)]
        new_password: bool,
    },
    /// What the cluster's keeper has to run so that a store may do its part
    Grants {
        id: String,
        /// Take the store's rights away again
        #[arg(long)]
        revoke: bool,
        /// Write the password of the store's user to this new file
        #[arg(long, conflicts_with = "revoke")]
        secret_file: Option<PathBuf>,
        /// The keeper's own client settings
        #[arg(long)]
        command_config: Option<PathBuf>,
    },
    /// Say what the barcodes are like that the store's scales print; none: they print none
    ScaleLabels {
        id: String,
        /// One character a digit: I item, W grams, P price, C check digit, X any; such as 21IIIIIWWWWWC
        layouts: Vec<String>,
    },
    /// Stores, their desks and who has gone quiet
    List,
    /// What was turned away that claimed to be a store's: unsigned, or signed by somebody else
    Alarms {
        /// Only this store's
        id: Option<String>,
        /// They were looked into: take this store's from the list, and keep them in the audit log
        #[arg(long, requires = "id")]
        clear: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CentralOrder {
    /// A store's orders
    List {
        #[arg(long)]
        store: String,
        #[command(flatten)]
        page: PageFlags,
    },
    /// One order
    Show { id: String },
    /// Cancel an order for its customer
    Cancel {
        id: String,
        #[arg(long, default_value = "cancelled")]
        reason: String,
    },
    /// Set an order's range
    Range {
        id: String,
        #[arg(long)]
        lo: String,
        #[arg(long)]
        hi: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CentralPayment {
    /// A payment on an order
    Add {
        #[arg(long)]
        order: String,
        #[arg(long)]
        amount: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CentralItem {
    /// Set fields of an item
    Set {
        #[arg(long)]
        store: String,
        item: String,
        /// field=value
        #[arg(required = true, value_parser = field)]
        fields: Vec<(String, String)>,
    },
    /// Remove an item
    Remove {
        #[arg(long)]
        store: String,
        item: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// All of them, newest last
    List {
        #[command(flatten)]
        page: PageFlags,
    },
    /// One, with its raw value
    Show { id: String },
    /// Apply one now that what kept it from being applied is mended
    Replay { id: String },
    /// Mark one as done with
    Skip { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Desks {
    /// Nobody waits for this desk any more
    Retire { id: String },
}
