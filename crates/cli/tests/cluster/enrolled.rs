//! Stores that were enrolled by files, at a cluster that lets nobody do what was not granted.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aisle_contract::{ChangeEnvelope, ChangeMessage, Outgoing, StoreKey, Transport, partition_of};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, OrderId, OrderStatus, StoreId, Timestamp, change::OrderAccepted,
};
use aisle_testkit::{
    kafka::{Cluster, Kit},
    program::{Answer, Program},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    matrix::{Guest, junk, table, try_all, try_tools},
    secure,
    store::Store,
};

const OTHER: &str = "406";

struct Town {
    dir: PathBuf,
    kit: Kit,
    cluster: Cluster,
    keys: PathBuf,
    login: Vec<String>,
}

impl Town {
    fn start(kit: Kit, dir: &Path) -> Self {
        let (cluster, keys) = secure::start_guarded(&kit, dir);
        let (admin, password) = secure::USERS[0];
        std::fs::write(keys.join("admin.conf"), secure::tool_settings(&keys, admin, password)).unwrap();
        let file = |name: &str| keys.join(name).display().to_string();
        let login = ["--username", "admin", "--password-file", &file("admin"), "--ca-file", &file("own.pem")];
        let login = login.map(str::to_owned).to_vec();
        Self { dir: dir.into(), kit, cluster, keys, login }
    }

    fn key(&self, name: &str) -> String {
        self.keys.join(name).display().to_string()
    }

    fn program(&self, desk: &str) -> Program {
        Program::new(env!("CARGO_BIN_EXE_aisle"))
            .with("AISLE_DATA", self.dir.join(desk))
            .with("AISLE_CENTRAL_DB", self.dir.join("central.db"))
    }

    fn central(&self, args: &[&str]) -> Answer {
        let args: Vec<&str> = std::iter::once("central").chain(args.iter().copied()).collect();
        let answer = self.program("none").run(&args).unwrap();
        assert_eq!(answer.code, 0, "{args:?}: {}", answer.stderr);
        answer
    }

    /// What `stores grants` says is run, to the letter.
    fn run_grants(&self, store: &str, revoke: bool) -> Vec<Value> {
        let (brokers, keeper) = (self.cluster.brokers(), self.key("admin.conf"));
        let secret = self.dir.join(format!("{store}.scram")).display().to_string();
        let more: &[&str] = if revoke { &["--revoke"] } else { &["--secret-file", &secret] };
        let args = ["stores", "grants", store, "--brokers", &brokers, "--command-config", &keeper];
        let answer = self.central(&[&args[..], more].concat());
        let commands = answer.json["commands"].as_array().unwrap().clone();
        for command in &commands {
            self.run_command(command);
        }
        commands
    }

    fn run_command(&self, command: &Value) {
        let arguments: Vec<&str> =
            command["arguments"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        let done = self.kit.tool(command["tool"].as_str().unwrap(), &arguments).unwrap();
        let told = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{}: {told}", command["line"]);
    }

    /// Adds a store with its enrolment file; answers what that says.
    fn add(&self, store: &str) -> Value {
        let file = self.dir.join(format!("{store}.json"));
        let (brokers, ca, name) = (self.cluster.brokers(), self.key("own.pem"), file.display().to_string());
        let args = ["stores", "add", store, "--name", "A store", "--address1", "1 Market Street"];
        self.central(&[&args[..], &["--enrolment", &name, "--brokers", &brokers, "--ca-file", &ca]].concat());
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    fn init(&self, desk: &str, args: &[&str]) -> Program {
        let program = self.program(desk);
        let made = program.run(&[&["init"], args].concat()).unwrap();
        assert_eq!(made.code, 0, "{}", made.stderr);
        program
    }

    fn enrolled(&self, desk: &str, store: &str) -> Program {
        let file = self.dir.join(format!("{store}.json")).display().to_string();
        self.init(desk, &["--store", store, "--enrolment", &file])
    }

    fn guest(&self, store: &str, enrolment: &Value) -> Guest {
        Guest {
            store: store.parse().unwrap(),
            enrolment: enrolment.clone(),
            brokers: self.cluster.brokers(),
            ca_file: self.keys.join("own.pem"),
        }
    }

    fn alarms(&self, store: &str) -> Vec<(String, i64)> {
        let stores = self.central(&["stores", "list"]).rows();
        let own = stores.iter().find(|row| row["store_id"] == store).unwrap();
        let alarms = own["alarms"].as_array().unwrap().iter();
        let mut found: Vec<_> =
            alarms.map(|a| (a["kind"].as_str().unwrap().to_owned(), a["count"].as_i64().unwrap())).collect();
        found.sort();
        found
    }
}

/// Whoever claims to be this desk with this number.
fn forged(store: StoreId, desk: &Value, seq: i64, id: u128) -> ChangeMessage {
    let change = Change::OrderAccepted(OrderAccepted { order: OrderId::new(1).unwrap(), from: OrderStatus::New });
    let envelope = ChangeEnvelope {
        change_id: ChangeId(Uuid::from_u128(id)),
        store,
        desk: DeskId(desk["desk_id"].as_str().unwrap().parse().unwrap()),
        incarnation: desk["incarnation"].as_str().unwrap().parse::<Incarnation>().unwrap(),
        lane: change.lane(),
        seq,
        replaces: None,
        staff: "mallory".into(),
        acted_at: Timestamp::from_millis(1_790_000_000_000),
        key_id: None,
    };
    ChangeMessage { envelope, change }
}

fn key_of(enrolment: &Value) -> StoreKey {
    let text = |name: &str| enrolment["key"][name].as_str().unwrap();
    StoreKey::from_text(text("id"), text("secret")).unwrap()
}

/// Sends as a store's own user, whatever it says.
fn send(guest: &Guest, record: Outgoing) {
    let mut sender = guest.own().sender().unwrap();
    let answers = sender.send(vec![record], Duration::from_secs(20));
    assert!(matches!(answers.as_slice(), [Ok(_)]), "the cluster cannot know better: {answers:?}");
}

fn within(limit: Duration, what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + limit;
    while !so() {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Valid credentials, valid key, another store's name, desk, number and key's name.
fn a_hostile_store_gets_nowhere(town: &Town, victim: &Store, enrolments: (&Value, &Value)) {
    let (store, other): (StoreId, StoreId) = (victim.number().parse().unwrap(), OTHER.parse().unwrap());
    let hostile = town.guest(OTHER, enrolments.1);
    let (own, theirs) = (key_of(enrolments.0), key_of(enrolments.1));
    let renamed = StoreKey::from_text(own.id(), &theirs.secret_text()).unwrap();
    let desk = victim.desk(&["status"]).json;
    let before = town.central(&["stores", "list"]).rows();
    let desks = |rows: &[Value]| rows.iter().find(|r| r["store_id"] == victim.number()).unwrap()["desks"].clone();
    let (home, away) = (partition_of(store, 12), partition_of(other, 12));
    let encode = |message: ChangeMessage, partition, key: Option<&StoreKey>| {
        message.encode("aisle.changes", partition, key).unwrap()
    };
    send(&hostile, encode(forged(store, &desk, 1000, 1), home, None));
    send(&hostile, encode(forged(store, &desk, 1000, 2), home, Some(&theirs)));
    send(&hostile, encode(forged(store, &desk, 1000, 3), home, Some(&renamed)));
    send(&hostile, encode(forged(other, &desk, 1, 4), away, Some(&theirs)));
    let expected = ["bad_signature", "unknown_key", "unsigned"].map(|kind| (kind.to_owned(), 1)).to_vec();
    within(Duration::from_secs(20), "three alarms", || town.alarms(victim.number()) == expected);
    within(Duration::from_secs(20), "one alarm", || town.alarms(OTHER) == [("foreign_desk".to_owned(), 1)]);
    let letters = town.central(&["dead-letters", "list"]).rows();
    let whys: Vec<&str> = letters.iter().map(|l| l["why"].as_str().unwrap()).collect();
    assert_eq!(whys.iter().filter(|why| why.contains("not believed") || why.contains("belongs to")).count(), 4);
    for letter in letters.iter().filter(|l| l["why"].as_str().unwrap().contains("not believed")) {
        let args = ["central", "dead-letters", "replay", letter["id"].as_str().unwrap()];
        let replayed = town.program("none").run(&args).unwrap();
        assert_eq!(replayed.error_code(), "bad_value", "{}", replayed.stderr);
    }
    // The other is untouched: the same desks with the same numbers, and what it does goes through.
    let names = |desks: &Value| -> Vec<Value> {
        desks.as_array().unwrap().iter().map(|d| d["incarnations"].clone()).collect()
    };
    let after = town.central(&["stores", "list"]).rows();
    assert_eq!(names(&desks(&after)), names(&desks(&before)));
    let done = victim.desk(&["item", "add", "--name", "Cards", "--price", "1.00"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    victim.sync(Duration::from_mins(1));
}

/// What is wrong with the line is told in time, by the sync that fails and by the status after it.
fn faults_name_their_cause(town: &Town, store: &str) {
    let brokers = town.cluster.brokers();
    let strange = town.dir.join("strange.json").display().to_string();
    let authority = town.key("strange.pem");
    town.central(&[
        "stores",
        "enrol",
        store,
        "--enrolment",
        &strange,
        "--brokers",
        &brokers,
        "--ca-file",
        &authority,
    ]);
    let user = format!("store-{store}");
    let (wrong, ca) = (town.key("wrong"), town.key("own.pem"));
    let plain = ["--store", store, "--brokers", &brokers];
    let login = ["--username", &user, "--password-file", &wrong, "--ca-file", &ca];
    let faults = [
        ("authority", vec!["--store", store, "--enrolment", &strange], "auth_failed", "certificate"),
        ("password", [&plain[..], &login].concat(), "auth_failed", "uthentication"),
        ("plaintext", plain.to_vec(), "auth_failed", "TLS"),
    ];
    println!("{:<12} {:<14} {:>8}  cause", "fault", "code", "told in");
    for (name, args, code, word) in faults {
        let desk = town.init(&format!("desk-{name}"), &args);
        assert_eq!(desk.run(&["item", "add", "--name", "Cards", "--price", "1.00"]).unwrap().code, 0);
        let started = Instant::now();
        let synced = desk.run(&["sync", "--timeout", "12s"]).unwrap();
        let took = started.elapsed();
        assert_eq!((synced.code, synced.error_code()), (6, code), "{name}: {}", synced.stderr);
        assert!(took < Duration::from_secs(40), "{name}: {took:?}");
        let cause = desk.run(&["status"]).unwrap().json["link"]["cause"].as_str().unwrap().to_owned();
        assert!(cause.contains(word), "{name}: {cause}");
        println!("{name:<12} {code:<14} {:>6} s  {cause}", took.as_secs());
    }
}

/// A store that sends more than it may is made to wait, loses nothing by it, and is told.
fn a_quota_slows_down_and_loses_nothing(town: &Town, guest: &Guest) {
    let keeper = town.key("admin.conf");
    let user = format!("store-{}", guest.store);
    let args = ["--bootstrap-server", &guest.brokers, "--command-config", &keeper, "--alter"];
    let quota = ["--add-config", "producer_byte_rate=20000", "--entity-type", "users", "--entity-name", &user];
    let done = town.kit.tool("kafka-configs.sh", &[&args[..], &quota].concat()).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let kafka = guest.own();
    let home = partition_of(guest.store, 12);
    let mut sender = kafka.sender().unwrap();
    let (started, mut taken) = (Instant::now(), 0);
    while kafka.throttled().is_none() {
        assert!(started.elapsed() < Duration::from_mins(1), "being made to wait is told");
        let noise = (0..1_000).map(|_| Uuid::new_v4().simple().to_string()).collect::<String>();
        let record = Outgoing { value: Some(noise.into_bytes()), ..junk("aisle.changes", home) };
        let answers = sender.send(vec![record], Duration::from_secs(30));
        assert!(matches!(answers.as_slice(), [Ok(_)]), "{answers:?}");
        taken += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    let (took, told) = (started.elapsed().as_millis(), kafka.throttled());
    println!("quota 20 kB/s: {taken} records of 32 kB all taken in {took} ms, then told to wait {told:?}");
    let lift = ["--delete-config", "producer_byte_rate", "--entity-type", "users", "--entity-name", &user];
    let done = town.kit.tool("kafka-configs.sh", &[&args[..], &lift].concat()).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A user that is gone keeps the connections it has; its rights end at once for all of them.
fn revoking_ends_what_is_open(town: &Town, enrolment: &Value) {
    let guest = town.guest(OTHER, enrolment);
    let kafka = guest.own();
    let mut sender = kafka.sender().unwrap();
    let home = partition_of(guest.store, 12);
    let mut write = || sender.send(vec![junk("aisle.changes", home)], Duration::from_secs(10)).remove(0);
    write().unwrap();
    let args = ["stores", "grants", OTHER, "--revoke", "--brokers", &guest.brokers];
    let keeper = town.key("admin.conf");
    let told = town.central(&[&args[..], &["--command-config", &keeper]].concat()).json;
    let (user, rights) = told["commands"].as_array().unwrap().split_last().unwrap();
    town.run_command(user);
    let end = Instant::now() + Duration::from_secs(5);
    let mut taken = 0;
    while Instant::now() < end {
        write().unwrap();
        taken += 1;
        std::thread::sleep(Duration::from_millis(250));
    }
    let fresh = guest.own().metadata(&["aisle.changes".to_owned()], Duration::from_secs(10)).unwrap_err();
    println!("user deleted: {taken} writes over the open connection in 5 s were taken; a new one: {fresh}");
    assert_eq!(fresh.code(), "auth_failed");
    for command in rights {
        town.run_command(command);
    }
    let ended = Instant::now();
    let refused = loop {
        match write() {
            Ok(_) => assert!(ended.elapsed() < Duration::from_secs(10), "the open connection may still write"),
            Err(error) => break error,
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    println!("rights taken: refused {} ms later over the open connection: {refused}", ended.elapsed().as_millis());
    assert_eq!(refused.code(), "not_authorized");
}

/// The file by which Kafka's own tools sign in as a store.
fn tool_login(town: &Town, guest: &Guest) -> PathBuf {
    let file = town.keys.join(format!("{}.conf", guest.store));
    let text = |name: &str| guest.enrolment[name].as_str().unwrap();
    std::fs::write(&file, secure::tool_settings(&town.keys, text("username"), text("password"))).unwrap();
    file
}

#[test]
fn enrolled_stores_do_their_part_at_a_guarded_cluster_and_nothing_else() {
    let Some(kit) = Kit::require("enrolled stores at a guarded cluster") else { return };
    let dir = tempfile::tempdir().unwrap();
    let town = Town::start(kit, dir.path());
    let program = town.program("desk").with("AISLE_BROKERS", Path::new(&town.cluster.brokers()));
    let store = Store::made(dir.path(), program, &town.login, 6);
    let enrolments = (town.add(store.number()), town.add(OTHER));
    let topics = store.central(&["topics", "--create"]);
    assert_eq!(topics.code, 0, "{} {}", topics.json, topics.stderr);
    for id in [store.number(), OTHER] {
        town.run_grants(id, false);
    }
    town.enrolled("desk", store.number());
    let other = town.enrolled("desk-other", OTHER);

    // Orders go through as anywhere else, signed.
    let _work = store.start_work("work");
    let mut days = store.start_days();
    store.decide_everything(Duration::from_mins(3));
    assert_eq!(days.wait(Duration::from_mins(1)).unwrap(), Some(0));
    assert_eq!(store.desk(&["status"]).json["signed"], true);
    store.check_end();
    assert_eq!(other.run(&["item", "add", "--name", "Cards", "--price", "1.00"]).unwrap().code, 0);
    let synced = other.run(&["sync", "--timeout", "60s"]).unwrap();
    assert_eq!(synced.code, 0, "{}", synced.stderr);

    let ids: (StoreId, StoreId) = (store.number().parse().unwrap(), OTHER.parse().unwrap());
    let guests = (town.guest(store.number(), &enrolments.0), town.guest(OTHER, &enrolments.1));
    let mut rows = (try_all(&guests.0, ids.1), try_all(&guests.1, ids.0));
    for (rows, guest, other) in [(&mut rows.0, &guests.0, ids.1), (&mut rows.1, &guests.1, ids.0)] {
        rows.extend(try_tools(&town.kit, guest, other, &tool_login(&town, guest)));
    }
    println!("\n{}", table((ids.0, &rows.0), (ids.1, &rows.1)));
    for (what, wanted, came) in rows.0.iter().chain(&rows.1) {
        assert_eq!(came, wanted, "{what}");
    }
    a_hostile_store_gets_nowhere(&town, &store, (&enrolments.0, &enrolments.1));
    faults_name_their_cause(&town, store.number());
    a_quota_slows_down_and_loses_nothing(&town, &guests.1);
    revoking_ends_what_is_open(&town, &enrolments.1);
}
