//! T12: one record in a hundred is no good, in every way that a record can be no good. Each of those is put aside or
//! refused, every good change is applied, and stores that sent none of them do not wait longer.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use aisle_bus::Bus;
use aisle_central::{Centre, EnrolOptions, NewStore, Stop, SystemClock, TopicsOptions, WorkOptions};
use aisle_contract::{
    Attributes, ChangeEnvelope, ChangeMessage, DownBody, DownMessage, Enrolment, Outgoing, StoreKey, TopicAdmin,
    TopicNames, partition_of,
};
use aisle_domain::{
    Availability, Change, ChangeId, DeskId, Incarnation, Item, ItemId, Lane, StoreId, Timestamp,
    change::{ItemChanged, ItemCreated},
    item::{Edit, ItemEdits},
    store::Durability,
};
use aisle_testkit::dice::Dice;
use uuid::Uuid;

use crate::simulation::oracle;

const STORES: i64 = 6;
/// The first of the stores sends what is no good.
const CHANGES: i64 = 200;
const PARTITIONS: i32 = 4;
/// Larger than any topic of ours takes: it came by one with other settings.
const HUGE: usize = 2_000_000;
/// What is measured is spread by the machine as well.
const SLACK: Duration = Duration::from_millis(150);
/// Central needs no longer than this for what is left when nobody sends any more.
const LIMIT: Duration = Duration::from_secs(60);

/// What many runs came to.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Counters {
    /// Worlds that were played with poison; each beside one without.
    pub runs: u64,
    /// Good changes.
    pub good: u64,
    /// Records that were no good.
    pub injected: u64,
    /// Those of them that were put aside.
    pub dead: u64,
    /// Those of them that were refused.
    pub refused: u64,
    /// How long the slowest hundredth of the other stores' changes waited, median of all runs, milliseconds.
    pub poisoned_p99_ms: u64,
    /// The same without poison.
    pub clean_p99_ms: u64,
    /// What is not as it must be.
    pub wrong: Vec<String>,
}

/// In which way a record is no good.
#[derive(Debug, Clone, Copy)]
enum Bad {
    Garbage,
    Huge,
    NoText,
    Forged,
    Unsigned,
    UnknownVersion,
    AgainstTheRules,
}

const BADS: [Bad; 7] =
    [Bad::Garbage, Bad::Huge, Bad::NoText, Bad::Forged, Bad::Unsigned, Bad::UnknownVersion, Bad::AgainstTheRules];

impl Bad {
    const fn is_dead(self) -> bool {
        !matches!(self, Self::AgainstTheRules)
    }

    const fn is_refused(self) -> bool {
        matches!(self, Self::AgainstTheRules | Self::UnknownVersion)
    }

    /// Whether it takes a number of its desk's.
    const fn is_numbered(self) -> bool {
        self.is_refused()
    }
}

struct Sender {
    store: StoreId,
    key: StoreKey,
    desk: DeskId,
    item: ItemId,
    /// The number that was given last.
    seq: i64,
    /// Changes of the item so far.
    version: i64,
}

fn name(version: i64) -> String {
    format!("Milk {version}")
}

impl Sender {
    fn new(centre: &Centre, dir: &std::path::Path, number: i64) -> Self {
        let store = StoreId::new(400 + number).unwrap();
        centre.add_store(NewStore::new(store, "A store", "1 Market Street")).unwrap();
        let file = dir.join(format!("{store}.json"));
        let options = EnrolOptions { brokers: "a:1".into(), ..EnrolOptions::default() };
        centre.enrol(store, &options, &file).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        let key = Enrolment::parse(&text).unwrap().store_key().unwrap();
        let bits = u64::try_from(number).unwrap();
        let desk = DeskId(Uuid::from_u64_pair(9, bits));
        Self { store, key, desk, item: ItemId::born_at_desk(bits), seq: 0, version: 0 }
    }

    fn envelope(&self, seq: i64) -> ChangeEnvelope {
        let (high, low) = (u64::try_from(self.store.get()).unwrap(), u64::try_from(seq).unwrap());
        ChangeEnvelope {
            change_id: ChangeId(Uuid::from_u64_pair(high, low)),
            store: self.store,
            desk: self.desk,
            incarnation: Incarnation(1),
            lane: Lane::Catalog,
            seq,
            replaces: None,
            staff: "Noor".into(),
            acted_at: Timestamp::from_millis(1_790_000_000_000),
            key_id: None,
        }
    }

    fn partition(&self) -> i32 {
        partition_of(self.store, PARTITIONS)
    }

    fn encode(&self, change: Change, seq: i64, key: Option<&StoreKey>) -> Outgoing {
        let message = ChangeMessage { envelope: self.envelope(seq), change };
        message.encode(&TopicNames::default().changes(), self.partition(), key).unwrap()
    }

    fn renamed(item: ItemId, from: i64, to: i64) -> Change {
        let edit = Some(Edit { from: name(from), to: name(to) });
        Change::ItemChanged(ItemChanged { item, changes: ItemEdits { name: edit, ..ItemEdits::default() } })
    }

    /// The next change: each takes the row from where the one before left it.
    fn good(&mut self) -> Outgoing {
        self.seq += 1;
        self.version += 1;
        let change = if self.version == 1 {
            Change::ItemCreated(Box::new(ItemCreated { item: self.first() }))
        } else {
            Self::renamed(self.item, self.version - 1, self.version)
        };
        self.encode(change, self.seq, Some(&self.key))
    }

    fn first(&self) -> Item {
        Item {
            item_id: self.item,
            store_id: self.store,
            unit_price: "1.99".parse().unwrap(),
            barcode: None,
            name: name(1),
            category: None,
            availability: Availability::Available,
            available_until: None,
            version: 0,
            deleted: false,
            changed: BTreeMap::new(),
        }
    }

    fn bad(&mut self, bad: Bad) -> Outgoing {
        self.seq += i64::from(bad.is_numbered());
        // What takes no number says that it is the next one, and must not move it.
        let seq = self.seq + i64::from(!bad.is_numbered());
        let change = Self::renamed(self.item, self.version, self.version + 1);
        let mut record = self.encode(change, seq, Some(&self.key));
        match bad {
            Bad::Garbage => {
                record.headers.clear();
                record.value = Some(vec![0xff, 0x00, 0x7b]);
            }
            Bad::Huge => {
                record.headers.clear();
                record.value = Some(vec![b'['; HUGE]);
            }
            Bad::NoText => {
                for (name, value) in &mut record.headers {
                    if name == "ce_staff" {
                        *value = vec![0xff, 0xfe];
                    }
                }
            }
            Bad::Forged => record.value.as_mut().unwrap().push(b' '),
            Bad::Unsigned => record = self.encode(Self::renamed(self.item, 0, 9), seq, None),
            Bad::UnknownVersion => return self.of_version_nine(seq),
            Bad::AgainstTheRules => {
                let nobodys = Self::renamed(ItemId::new(7).unwrap(), 1, 2);
                record = self.encode(nobodys, seq, Some(&self.key));
            }
        }
        record
    }

    fn of_version_nine(&self, seq: i64) -> Outgoing {
        let e = self.envelope(seq);
        let source = format!("/stores/{}/desks/{}", e.store, e.desk);
        let attributes = Attributes::new(e.change_id.to_string(), source, "aisle.item.changed.v9", e.acted_at)
            .with("store", e.store.to_string())
            .with("desk", e.desk.to_string())
            .with("incarnation", e.incarnation.to_string())
            .with("lane", e.lane.word())
            .with("seq", seq.to_string())
            .with("staff", e.staff.as_str());
        let data = br#"{"item":"7","patch":[["name","Milk"]]}"#;
        let headers = self.key.sign(attributes, data).headers();
        let plain = self.encode(Self::renamed(self.item, 0, 1), seq, None);
        Outgoing { headers, value: Some(data.to_vec()), ..plain }
    }
}

struct Played {
    p99: Duration,
    good: u64,
    injected: Vec<Bad>,
    wrong: Vec<String>,
}

fn millis(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.since(from)).unwrap_or(0))
}

/// How long each change of a store waited for central's word.
fn waits(bus: &Bus, sender: &Sender) -> Vec<Duration> {
    let names = TopicNames::default();
    let acks: Vec<(i64, Timestamp)> = bus
        .records(&names.feed(sender.store, Lane::Catalog), 0)
        .iter()
        .filter_map(|record| match DownMessage::decode(record).unwrap().body {
            DownBody::Ack(ack) => Some((ack.expected, record.written_at)),
            _ => None,
        })
        .collect();
    let sent = bus.records(&names.changes(), sender.partition());
    let own = sent.iter().filter(|record| record.key_text() == Some(&sender.store.to_string()));
    own.zip(1..)
        .map(|(record, seq)| {
            let answered = acks.iter().find(|(expected, _)| *expected > seq);
            answered.map_or(Duration::MAX, |(_, at)| millis(record.written_at, *at))
        })
        .collect()
}

/// Ends central's work however the sending ends.
struct AtEnd<'a>(&'a Stop);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Waits until central has applied and published all that was sent; what it does not do in time is judged.
fn until_all_is_read(centre: &Centre, bus: &Bus) {
    let (conn, end) = (oracle::central_db(centre), Instant::now() + LIMIT);
    while oracle::central_unrest(&conn, centre, bus).is_some() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One world: stores that send while central works.
fn play(seed: u64, poisoned: bool) -> Played {
    let dir = tempfile::tempdir().unwrap();
    let clock = aisle_sync::SystemClock::default();
    let bus = Bus::new("poison", move || aisle_sync::Clock::now(&clock));
    let names = TopicNames::default();
    let path = dir.path().join("central.db");
    let centre = Centre::open(&path, names.clone(), Arc::new(SystemClock)).unwrap();
    let mut senders: Vec<Sender> = (0..STORES).map(|n| Sender::new(&centre, dir.path(), n)).collect();
    let topics = TopicsOptions { create: true, partitions: PARTITIONS, ..TopicsOptions::default() };
    centre.topics(&bus, &topics).unwrap();
    // Somebody set the topic to take more than it must.
    let mut lax = names.changes_spec(PARTITIONS, 3, Durability::All);
    lax.settings.insert("max.message.bytes", "30000000".into());
    bus.create(&[lax], Duration::ZERO).unwrap();
    let mut dice = Dice::new(seed);
    let mut injected = Vec::new();
    let mut good = 0_u64;
    let stop = Stop::new();
    std::thread::scope(|scope| {
        let _ended = AtEnd(&stop);
        // Central works for as long as anything is sent: it may well be idle between two records.
        scope.spawn(|| centre.work(&bus, &WorkOptions::default(), &stop).unwrap());
        for round in 0..CHANGES {
            let mut records: Vec<Outgoing> = senders.iter_mut().map(Sender::good).collect();
            good += u64::try_from(records.len()).unwrap();
            // One in a hundred of all, all of them from one store; each kind has its turn.
            if poisoned && round % 16 == 8 {
                let bad = BADS[injected.len() % BADS.len()];
                let place = dice.index(records.len());
                injected.push(bad);
                let record = senders[0].bad(bad);
                // Behind the good one of its store, somewhere among those of the others.
                records.insert(place.max(1), record);
            }
            let answers = bus.append(records);
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        until_all_is_read(&centre, &bus);
    });
    // What is left to be published is, by another who takes over.
    let rest = WorkOptions { until_idle: true, timeout: Some(LIMIT), ..WorkOptions::default() };
    let report = centre.work(&bus, &rest, &Stop::new()).unwrap();
    let mut wrong = Vec::new();
    if !report.reached {
        wrong.push(format!("central did not come to rest: {report:?}"));
    }
    judge(&centre, &bus, &senders, &injected, &mut wrong);
    let mut waited: Vec<Duration> = senders[1..].iter().flat_map(|sender| waits(&bus, sender)).collect();
    waited.sort_unstable();
    let p99 = waited[waited.len() * 99 / 100];
    Played { p99, good, injected, wrong }
}

fn judge(centre: &Centre, bus: &Bus, senders: &[Sender], injected: &[Bad], wrong: &mut Vec<String>) {
    for sender in senders {
        let item = centre.show_item(sender.store, sender.item).unwrap();
        if item.name != name(CHANGES) || item.version > CHANGES {
            wrong.push(format!("store {} is at {} in version {}", sender.store, item.name, item.version));
        }
    }
    let dead = injected.iter().filter(|bad| bad.is_dead()).count();
    let letters = centre.list_dead_letters(None, 1_000).unwrap().items.len();
    let published: usize = (0..3).map(|p| bus.records(&TopicNames::default().dead_letters(), p).len()).sum();
    if (letters, published) != (dead, dead) {
        wrong.push(format!("{dead} records were to be put aside, {letters} were, {published} were published"));
    }
    let feed = bus.records(&TopicNames::default().feed(senders[0].store, Lane::Catalog), 0);
    let is_refusal = |record: &&aisle_contract::Incoming| {
        matches!(DownMessage::decode(record).unwrap().body, DownBody::Refused(_))
    };
    let (told, refused) =
        (feed.iter().filter(is_refusal).count(), injected.iter().filter(|bad| bad.is_refused()).count());
    if told != refused {
        wrong.push(format!("{refused} changes were to be refused, {told} were"));
    }
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Plays `runs` worlds with poison, each beside one without.
pub fn t12(seed: u64, runs: u64) -> Counters {
    let mut sum = Counters { runs, ..Counters::default() };
    let (mut poisoned, mut clean) = (Vec::new(), Vec::new());
    let start = Instant::now();
    for run in 0..runs {
        for with in [run % 2 == 0, run % 2 == 1] {
            let played = play(seed + run, with);
            sum.good += played.good;
            sum.injected += u64::try_from(played.injected.len()).unwrap();
            sum.dead += u64::try_from(played.injected.iter().filter(|bad| bad.is_dead()).count()).unwrap();
            sum.refused += u64::try_from(played.injected.iter().filter(|bad| bad.is_refused()).count()).unwrap();
            let told =
                |words| format!("seed {}, {}: {words}", seed + run, if with { "poisoned" } else { "clean" });
            sum.wrong.extend(played.wrong.into_iter().map(told));
            if with { &mut poisoned } else { &mut clean }.push(played.p99);
        }
    }
    let (poisoned, clean) = (median(poisoned), median(clean));
    let whole = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    (sum.poisoned_p99_ms, sum.clean_p99_ms) = (whole(poisoned), whole(clean));
    if poisoned > clean * 2 + SLACK {
        sum.wrong.push(format!("others waited {poisoned:?} instead of {clean:?}, after {:?}", start.elapsed()));
    }
    sum
}
