//! Everything a store may and may not do at a cluster, asked of the cluster with the store's own credentials.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use aisle_contract::{Outgoing, PortError, Start, TopicAdmin, TopicNames, TopicSpec, Transport, partition_of};
use aisle_domain::{Lane, StoreId};
use aisle_kafka::{Authority, Kafka, KafkaSettings, Security};
use aisle_testkit::kafka::Kit;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// A store's credentials.
pub(crate) struct Guest {
    pub(crate) store: StoreId,
    pub(crate) enrolment: Value,
    pub(crate) brokers: String,
    pub(crate) ca_file: PathBuf,
}

impl Guest {
    pub(crate) fn kafka(&self, group: &str) -> Kafka {
        let text = |name: &str| self.enrolment[name].as_str().unwrap().to_owned();
        let security = Security::SaslSsl {
            username: text("username"),
            password: text("password"),
            authority: Authority::File(self.ca_file.clone()),
        };
        let settings = KafkaSettings {
            brokers: self.brokers.clone(),
            security,
            client_id: "guest".into(),
            group: group.into(),
        };
        Kafka::new(settings).unwrap()
    }

    pub(crate) fn own(&self) -> Kafka {
        self.kafka(&TopicNames::default().desk_group(self.store))
    }
}

/// What became of one attempt, in the words of the table.
fn word<T>(result: &Result<T, PortError>) -> String {
    match result {
        Ok(_) => "allowed".into(),
        Err(error) => error.code().into(),
    }
}

pub(crate) fn junk(topic: &str, partition: i32) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition,
        key: b"k".to_vec(),
        headers: Vec::new(),
        value: Some(b"not an event".to_vec()),
    }
}

fn write(kafka: &Kafka, topic: &str, partition: i32) -> Result<i64, PortError> {
    kafka.sender()?.send(vec![junk(topic, partition)], PATIENCE).remove(0)
}

/// Reads until a record or an error comes: silence is a failure.
fn read(kafka: &Kafka, topic: &str) -> Result<usize, PortError> {
    let mut reader = kafka.reader(topic, 0, Start::Beginning)?;
    for _ in 0..20 {
        let records = reader.read(10, Duration::from_secs(1))?;
        if !records.is_empty() {
            return Ok(records.len());
        }
    }
    Err(PortError::TimedOut("neither a record nor an error".into()))
}

fn describe(kafka: &Kafka, topic: &str) -> Result<(), PortError> {
    let view = kafka.metadata(&[topic.to_owned()], PATIENCE)?;
    view.topic(topic).map(|_| ()).ok_or_else(|| PortError::TopicMissing { topic: topic.into() })
}

fn make(kafka: &Kafka, spec: &TopicSpec) -> Result<(), PortError> {
    kafka.create(std::slice::from_ref(spec), PATIENCE).map(|_| ())
}

/// Whoever may not join is told so while waiting.
fn join(kafka: &Kafka, group: &str, topic: &str) -> Result<(), PortError> {
    let mut membership = kafka.join(group, topic)?;
    for _ in 0..20 {
        if !membership.owned(Duration::from_millis(500))?.is_empty() {
            return Ok(());
        }
    }
    Err(PortError::TimedOut("neither a place nor an error".into()))
}

/// Rows of what was tried, what must come of it, and what came.
pub(crate) type Rows = Vec<(String, &'static str, String)>;

/// Tries everything as `guest`, with `other` as the store whose things are none of its business.
pub(crate) fn try_all(guest: &Guest, other: StoreId) -> Rows {
    let names = TopicNames::default();
    let kafka = guest.own();
    let (changes, dead) = (names.changes(), names.dead_letters());
    let home = partition_of(guest.store, 12);
    let feed = |store, lane| names.feed(store, lane);
    let mut rows = Rows::new();
    let mut row = |what: &str, wanted, came: String| rows.push((what.to_owned(), wanted, came));
    row("write changes", "allowed", word(&write(&kafka, &changes, home)));
    row("read changes", "not_authorized", word(&read(&kafka, &changes)));
    row("write dead letters", "not_authorized", word(&write(&kafka, &dead, 0)));
    row("read dead letters", "topic_missing", word(&read(&kafka, &dead)));
    for lane in Lane::ALL {
        let (own, theirs) = (feed(guest.store, lane), feed(other, lane));
        let lane = lane.word();
        row(&format!("read own {lane}"), "allowed", word(&read(&kafka, &own)));
        row(&format!("write own {lane}"), "not_authorized", word(&write(&kafka, &own, 0)));
        row(&format!("describe own {lane}"), "allowed", word(&describe(&kafka, &own)));
        row(&format!("read the other's {lane}"), "topic_missing", word(&read(&kafka, &theirs)));
        row(&format!("write the other's {lane}"), "not_authorized", word(&write(&kafka, &theirs, 0)));
        row(&format!("describe the other's {lane}"), "not_authorized", word(&describe(&kafka, &theirs)));
    }
    let own_spec = &names.feed_specs(guest.store, 3)[0];
    let new_spec = TopicSpec { name: format!("{}.more", own_spec.name), ..own_spec.clone() };
    row("alter own orders", "not_authorized", word(&make(&kafka, own_spec)));
    row("alter the other's orders", "not_authorized", word(&make(&kafka, &names.feed_specs(other, 3)[0])));
    row("create a topic", "not_authorized", word(&make(&kafka, &new_spec)));
    let foreign = names.desk_group(other);
    let own_feed = feed(guest.store, Lane::Orders);
    row("join the other's group", "not_authorized", word(&join(&kafka, &foreign, &own_feed)));
    row("join central's group", "not_authorized", word(&join(&kafka, "aisle-central", &own_feed)));
    rows
}

/// Something that Kafka's own tools do.
struct Attempt {
    what: String,
    tool: &'static str,
    args: Vec<String>,
}

const DELETE_RECORDS: &str = "org.apache.kafka.tools.DeleteRecordsCommand";
const GROUPS: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";

/// What no store's desk ever needs, with `records` as the place for a file of its own.
fn attempts(guest: &Guest, other: StoreId, records: &Path) -> Vec<Attempt> {
    let names = TopicNames::default();
    let (changes, own) = (names.changes(), names.feed(guest.store, Lane::Orders));
    let (group, principal) = (names.desk_group(other), format!("User:store-{}", guest.store));
    let partitions = [&changes, &own].map(|topic| json!({ "topic": topic, "partition": 0, "offset": 1 })).to_vec();
    std::fs::write(records, json!({ "version": 1, "partitions": partitions }).to_string()).unwrap();
    let (records, user) = (records.display().to_string(), format!("store-{other}"));
    let all: [(&str, &'static str, &[&str]); 9] = [
        ("delete own orders", "kafka-topics.sh", &["--delete", "--topic", &own]),
        ("more partitions of changes", "kafka-topics.sh", &["--alter", "--topic", &changes, "--partitions", "99"]),
        ("delete records", DELETE_RECORDS, &["--offset-json-file", &records]),
        (
            "settings of own orders",
            "kafka-configs.sh",
            &["--alter", "--entity-type", "topics", "--entity-name", &own, "--add-config", "retention.ms=1"],
        ),
        (
            "the other's password",
            "kafka-configs.sh",
            &[
                "--alter",
                "--entity-type",
                "users",
                "--entity-name",
                &user,
                "--add-config",
                "SCRAM-SHA-512=[password=guessed]",
            ],
        ),
        (
            "rights for oneself",
            "kafka-acls.sh",
            &["--add", "--allow-principal", &principal, "--operation", "All", "--topic", "*"],
        ),
        ("see everybody's rights", "kafka-acls.sh", &["--list"]),
        ("look into the other's group", GROUPS, &["--describe", "--group", &group]),
        ("delete the other's group", GROUPS, &["--delete", "--group", &group]),
    ];
    let owned = |args: &[&str]| args.iter().map(|arg| (*arg).to_owned()).collect();
    all.map(|(what, tool, args)| Attempt { what: what.into(), tool, args: owned(args) }).into()
}

/// Tries with Kafka's own tools what none of our programs would, signed in by `login` as `guest`.
pub(crate) fn try_tools(kit: &Kit, guest: &Guest, other: StoreId, login: &Path) -> Rows {
    let signed_in = ["--bootstrap-server", &guest.brokers, "--command-config", &login.display().to_string()]
        .map(str::to_owned);
    let tried = |Attempt { what, tool, args }| {
        let done = kit.tool(tool, &[&signed_in[..], &args].concat()).unwrap();
        let told = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        let is_refused = told.contains("authorization failed") || told.contains("AuthorizationException");
        // One of several records deleted would be told beside the refusal of the others.
        let is_refused = is_refused && !told.contains("low_watermark");
        (what, "not_authorized", if is_refused { "not_authorized".to_owned() } else { told })
    };
    attempts(guest, other, &login.with_extension("records")).into_iter().map(tried).collect()
}

/// The table of both stores, for people.
pub(crate) fn table(first: (StoreId, &Rows), second: (StoreId, &Rows)) -> String {
    let mut text = format!("{:<40} {:<16} {:<16} {:<16}\n", "attempt", "must be", first.0, second.0);
    for ((what, wanted, one), (_, _, two)) in first.1.iter().zip(second.1) {
        writeln!(text, "{what:<40} {wanted:<16} {one:<16} {two:<16}").unwrap();
    }
    text
}
