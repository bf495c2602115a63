//! The command line, as clap reads it.

mod central;
mod mend;
mod staff;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use central::{
    Central, CentralItem, CentralOrder, CentralPayment, DeadLetters, Desks, EnrolFlags, Place, Stores,
};
pub(crate) use mend::{Conflict, Keep, Outbox, Parked, Restore};
pub(crate) use staff::Staff;

/// The order desk of a store, from a terminal.
#[derive(Debug, Parser)]
#[command(name = "aisle", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The desk's data folder
    #[arg(long, global = true, env = "AISLE_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// One JSON document, or one JSON object a line while it runs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Only results and errors
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// No colours in messages
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Never ask
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// Who acts, where more than one person works at the desk
    #[arg(long = "as", global = true, value_name = "STAFF")]
    pub(crate) person: Option<String>,
    /// File with their PIN; - reads it from the standard input
    #[arg(long, global = true, env = "AISLE_PIN_FILE", value_name = "FILE|-")]
    pub(crate) pin_file: Option<PathBuf>,
    /// Brokers to use instead of the desk's own, host:port separated by commas
    #[arg(long = "at-brokers", global = true, env = "AISLE_BROKERS", value_name = "H:P,..")]
    pub(crate) at_brokers: Option<String>,
    /// Prefix of all topics
    #[arg(long, global = true, env = "AISLE_TOPIC_PREFIX", value_name = "PREFIX")]
    pub(crate) topic_prefix: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a desk's data folder for a store; needs no line
    Init(Init),
    /// The line, the outbox, the feeds
    Status,
    /// Push what changed and read what came
    Sync(SyncArgs),
    /// Orders
    #[command(subcommand)]
    Order(Order),
    /// Payments
    #[command(subcommand)]
    Payment(Payment),
    /// The catalog
    #[command(subcommand)]
    Item(Item),
    /// Whether the store takes orders, and how soon it promises them
    #[command(subcommand)]
    Store(Store),
    /// Take back a change that has not left this desk, the newest by default
    Undo {
        /// The change
        change_id: Option<String>,
    },
    /// Changes on their way to central
    #[command(subcommand)]
    Outbox(Outbox),
    /// Messages that could not be applied
    #[command(subcommand)]
    Parked(Parked),
    /// Fields that desk and central both changed
    #[command(subcommand)]
    Conflict(Conflict),
    /// Write a verified copy of the desk's database to a new file
    Backup {
        /// The file; it is not overwritten
        file: PathBuf,
    },
    /// Write what support needs to a new file: no secrets, no names, nothing of what anybody bought
    Diagnostics {
        /// The file; it is not overwritten
        file: PathBuf,
    },
    /// Put a backup in the place of the desk's database
    Restore(Restore),
    /// The audit log
    #[command(subcommand)]
    Audit(Audit),
    /// Check the desk's database against its own rules
    Verify {
        /// Read every page of the database as well
        #[arg(long)]
        deep: bool,
    },
    /// Count and sum over central's rows in the mirror
    Digest,
    /// The desk's settings
    #[command(subcommand)]
    Config(Config),
    /// Who works at the desk
    #[command(subcommand)]
    Staff(Staff),
    /// Show the desk to a browser on this computer
    Serve(Serve),
    /// The sample store in a folder of its own: desk and centre in one process
    Rehearse(Rehearse),
    /// The reference centre
    #[command(subcommand)]
    Central(Central),
    /// For development: clusters, benchmarks, torture
    #[cfg(feature = "dev")]
    #[command(subcommand)]
    Dev(crate::dev::Dev),
    /// No command of this program
    #[command(external_subcommand)]
    Other(Vec<String>),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The store's number
    #[arg(long)]
    pub(crate) store: String,
    /// Brokers of central's cluster, host:port separated by commas; an enrolment file names them itself
    #[arg(long, required_unless_present = "enrolment")]
    pub(crate) brokers: Option<String>,
    /// This desk's name
    #[arg(long, default_value = "Desk 1")]
    pub(crate) desk_name: String,
    /// Nothing to do where the folder is this store's already
    #[arg(long)]
    pub(crate) if_missing: bool,
    /// User for SASL_SSL with SCRAM-SHA-512
    #[arg(long)]
    pub(crate) username: Option<String>,
    /// File that holds the password
    #[arg(long)]
    pub(crate) password_file: Option<String>,
    /// File with the certificate of the cluster's authority
    #[arg(long)]
    pub(crate) ca_file: Option<String>,
    /// Enrolment file of the store; with --if-missing a desk of the store takes its new key and password over
    #[arg(long, conflicts_with_all = ["username", "password_file", "ca_file"])]
    pub(crate) enrolment: Option<PathBuf>,
    /// Address of a Kafka REST proxy (not yet)
    #[arg(long)]
    pub(crate) rest: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// Every change has an outcome
    Drained,
    /// The feeds are read to their end
    CaughtUp,
    /// Both
    Both,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Go on until it is interrupted
    #[arg(long, conflicts_with = "once")]
    pub(crate) follow: bool,
    /// Until the goal is reached (the default)
    #[arg(long)]
    pub(crate) once: bool,
    /// The goal
    #[arg(long, value_enum, default_value = "both")]
    pub(crate) until: Until,
    /// Mirror both feeds anew, in place
    #[arg(long)]
    pub(crate) remirror: bool,
    /// Time between pushes with --follow
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub(crate) interval: std::time::Duration,
    /// At most this long
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(crate) timeout: std::time::Duration,
}

/// How an act is committed and how far it is followed.
#[derive(Debug, Args, Clone)]
pub(crate) struct ActFlags {
    /// Hold it five seconds, in which Ctrl-C takes it back
    #[arg(long)]
    pub(crate) hold: bool,
    /// Sync until central has received it
    #[arg(long, value_parser = ["received"])]
    pub(crate) wait: Option<String>,
    /// How long to wait
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(crate) timeout: std::time::Duration,
}

#[derive(Debug, Args)]
pub(crate) struct PageFlags {
    /// At most this many rows, up to 1000
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Where the page before ended
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Order {
    /// Orders by the time they were queued
    List {
        /// Only these statuses
        #[arg(long, value_delimiter = ',')]
        status: Vec<String>,
        /// Only orders with changes that central does not have
        #[arg(long)]
        unsent: bool,
        #[command(flatten)]
        page: PageFlags,
    },
    /// One order with its lines, payments, receipt and timeline
    Show { id: String },
    /// Accept new orders
    Accept {
        #[arg(required = true)]
        ids: Vec<String>,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Reject an order
    Reject {
        id: String,
        #[arg(long)]
        reason: String,
        /// A line that fails; may be repeated
        #[arg(long)]
        item: Vec<String>,
        #[arg(long)]
        note: Option<String>,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Approve the waiting payment of orders, or orders that were paid online
    Approve {
        #[arg(required = true)]
        ids: Vec<String>,
        /// For an amount below the range
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Decline the waiting payment and go on picking
    SendBack {
        id: String,
        #[arg(long)]
        note: Option<String>,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Set the promised time, such as 2026-11-24T14:30:00Z
    Due {
        id: String,
        at: String,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Take care of an order
    Claim {
        id: String,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Ask central for a new range
    AskRange {
        id: String,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Say where a line is
    Line {
        id: String,
        item: String,
        /// `to_pick`, found, short, substituted or `out_of_stock`
        #[arg(long)]
        state: String,
        #[arg(long)]
        quantity: Option<String>,
        #[arg(long)]
        substitute: Option<String>,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Rate the order's shopper
    Rate {
        id: String,
        #[arg(long)]
        shopper: String,
        #[arg(long)]
        rating: u8,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Write a note
    Note {
        id: String,
        text: String,
        /// staff or customer
        #[arg(long, default_value = "staff")]
        audience: String,
        #[command(flatten)]
        act: ActFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Payment {
    /// Payments, oldest first
    List {
        /// Only those without a decision here
        #[arg(long)]
        undecided: bool,
        #[command(flatten)]
        page: PageFlags,
    },
    /// One payment with the difference explained
    Show { id: String },
    /// Approve payments
    Approve {
        #[arg(required = true)]
        ids: Vec<String>,
        /// A manager's word for an amount above the range
        #[arg(long = "override", requires = "reason")]
        override_: bool,
        /// For an amount outside the range
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Decline a payment
    Decline {
        id: String,
        #[arg(long)]
        reason: String,
        /// The order ends with it
        #[arg(long)]
        ends_order: bool,
        #[arg(long)]
        note: Option<String>,
        #[command(flatten)]
        act: ActFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Item {
    /// The catalog by name
    List {
        #[command(flatten)]
        page: PageFlags,
    },
    /// Items by words, barcode, number or category
    Search {
        text: String,
        #[command(flatten)]
        page: PageFlags,
    },
    /// One item
    Show { id: String },
    /// The prices an item had
    History { id: String },
    /// Edit fields, such as `unit_price=1.99`
    Set {
        id: String,
        /// field=value
        #[arg(required = true, value_parser = field)]
        fields: Vec<(String, String)>,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Add an item
    Add {
        #[arg(long)]
        name: String,
        #[arg(long)]
        price: String,
        #[arg(long)]
        barcode: Option<String>,
        #[arg(long)]
        category: Option<String>,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Take an item out of the catalog
    Remove {
        id: String,
        #[command(flatten)]
        act: ActFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Take no new orders for a while
    Pause {
        /// When orders are taken again, RFC 3339; `resume` takes them now
        #[arg(long)]
        until: String,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Promise later what is ordered
    Busy {
        /// Added to each promise; 0 ends it
        #[arg(long)]
        minutes: u32,
        /// Until when, RFC 3339; not needed to end it
        #[arg(long)]
        until: Option<String>,
        #[command(flatten)]
        act: ActFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Entries of one order or item, oldest first
    List {
        /// order/N, item/N or store
        #[arg(long)]
        subject: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// All settings
    Get,
    /// Set one
    Set { key: String, value: String },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Open it in this computer's browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Folder of the built user interface
    #[arg(long, env = "AISLE_UI")]
    pub(crate) ui: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Rehearse {
    /// Folder for the rehearsal; made anew each time
    pub(crate) dir: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Folder of the built user interface
    #[arg(long, env = "AISLE_UI")]
    pub(crate) ui: Option<PathBuf>,
}

/// Reads 500ms, 30s, 5m, 2h or 30d.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("\"{text}\" is not a duration, such as 30s or 5m"))?;
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let millis = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(format!("\"{unit}\" is not a unit of time; there are ms, s, m, h, d")),
    };
    Ok(std::time::Duration::from_millis(number.saturating_mul(millis)))
}

fn field(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| format!("\"{text}\" is not field=value"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_are_read_with_their_units() {
        assert_eq!(duration("30s"), Ok(std::time::Duration::from_secs(30)));
        assert_eq!(duration("5m"), Ok(std::time::Duration::from_mins(5)));
        assert!(duration("5 weeks").is_err());
        assert!(duration("").is_err());
    }
}
