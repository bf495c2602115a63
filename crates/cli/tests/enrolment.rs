//! Enrolling a store's desks by files, without any broker: what is refused, what is kept where, and what is told to
//! nobody.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::path::{Path, PathBuf};

use aisle_testkit::{
    fixtures::CERTIFICATE,
    program::{Answer, Program},
};
use serde_json::Value;

struct Place {
    dir: tempfile::TempDir,
    program: Program,
}

impl Place {
    /// A centre that knows store 367, and no desk yet.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), CERTIFICATE).unwrap();
        let program = Program::new(env!("CARGO_BIN_EXE_aisle"))
            .with("AISLE_DATA", dir.path().join("desk"))
            .with("AISLE_CENTRAL_DB", dir.path().join("central.db"))
            .with("RUST_LOG", Path::new("trace"));
        let place = Self { dir, program };
        place.ok(&["central", "stores", "add", "367", "--name", "Store 367", "--address1", "1 Market Street"]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn run(&self, args: &[&str]) -> Answer {
        self.program.run(args).unwrap()
    }

    fn ok(&self, args: &[&str]) -> Answer {
        let answer = self.run(args);
        assert_eq!(answer.code, 0, "{args:?}: {}", answer.error);
        answer
    }

    /// Enrols the store; answers what the file says.
    fn enrol(&self, name: &str, more: &[&str]) -> Value {
        let file = self.text(name);
        let args = ["central", "stores", "enrol", "367", "--enrolment", &file, "--brokers", "127.0.0.1:9"];
        self.ok(&[&args[..], more].concat());
        serde_json::from_str(&std::fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    fn secured(&self, name: &str) -> Value {
        self.enrol(name, &["--ca-file", &self.text("ca.pem")])
    }

    fn init(&self, name: &str, more: &[&str]) -> Answer {
        let file = self.text(name);
        self.run(&[&["init", "--store", "367", "--enrolment", &file], more].concat())
    }

    fn refused(&self, answer: &Answer, code: i32, error: &str) {
        assert_eq!((answer.code, answer.error_code()), (code, error), "{}", answer.stderr);
        assert!(answer.error["hint"].is_string(), "what to do is told: {}", answer.error);
        assert!(!self.path("desk").exists(), "nothing is made");
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn an_enrolled_desk_signs_and_keeps_its_secrets_out_of_its_database() {
    let place = Place::new();
    place.secured("store.json");
    let made = place.init("store.json", &[]);
    assert_eq!((made.code, &made.json["created"]), (0, &Value::Bool(true)), "{}", made.stderr);
    let status = place.ok(&["status"]).json;
    assert_eq!((&status["signed"], &status["secrets"]), (&Value::Bool(true), &Value::from("file")));
    let connection = place.ok(&["config", "get"]).json["connection"].clone();
    assert_eq!(connection["brokers"], "127.0.0.1:9");
    assert_eq!((&connection["username"], &connection["security"]), (&"store-367".into(), &"sasl_ssl".into()));
    assert_eq!(std::fs::read_to_string(place.path("desk/ca.pem")).unwrap(), CERTIFICATE);
    let stores = place.ok(&["central", "stores", "list"]);
    assert_eq!(stores.rows()[0]["signed"], true);
}

#[test]
fn a_desk_that_was_not_enrolled_says_so() {
    let place = Place::new();
    place.ok(&["init", "--store", "367", "--brokers", "127.0.0.1:9"]);
    let status = place.ok(&["status"]).json;
    assert_eq!((&status["signed"], &status["secrets"]), (&Value::Bool(false), &Value::Null));
    assert_eq!(place.ok(&["central", "stores", "list"]).rows()[0]["signed"], false);
}

#[test]
fn alarms_are_listed_for_all_stores_and_cleared_for_one_at_a_time() {
    let place = Place::new();
    place.secured("store.json");
    for args in [&["central", "stores", "alarms"][..], &["central", "stores", "alarms", "367", "--clear"]] {
        assert_eq!(place.ok(args).json, serde_json::json!({ "items": [], "next": null }));
    }
    let all = place.run(&["central", "stores", "alarms", "--clear"]);
    assert_eq!(all.code, 2, "{}", all.stderr);
    let unknown = place.run(&["central", "stores", "alarms", "999", "--clear"]);
    assert_eq!((unknown.code, unknown.error_code()), (3, "not_found"));
}

#[test]
fn no_secret_is_in_the_database_its_copies_a_log_an_answer_an_error_or_a_diagnostics_file() {
    let place = Place::new();
    let said = place.secured("store.json");
    let again = place.secured("again.json");
    let secrets: Vec<String> = [&said, &again]
        .iter()
        .flat_map(|said| [said["password"].clone(), said["key"]["secret"].clone()])
        .map(|secret| secret.as_str().unwrap().to_owned())
        .collect();
    assert!(secrets.iter().all(|secret| secret.len() >= 32), "they can be searched for");
    let mut answers = vec![
        place.init("store.json", &[]),
        place.run(&["status"]),
        place.run(&["config", "get"]),
        place.run(&["sync", "--timeout", "3s"]),
        place.init("again.json", &["--if-missing"]),
        place.init("again.json", &[]),
        place.ok(&["backup", &place.text("backup.db")]),
        place.ok(&["diagnostics", &place.text("diagnostics.json")]),
        place.run(&["central", "stores", "list"]),
        place.run(&["central", "stores", "grants", "367", "--secret-file", &place.text("scram")]),
        place.run(&["central", "stores", "grants", "367", "--revoke"]),
    ];
    // Every field of the file swapped with every other one: errors that quote what they found would show it here.
    for (one, other) in [("password", "issued_at"), ("password", "store_id"), ("key", "password")] {
        let mut mixed = again.clone();
        let (first, second) = (mixed[one].take(), mixed[other].take());
        mixed[one] = second;
        mixed[other] = first;
        std::fs::write(place.path("mixed.json"), mixed.to_string()).unwrap();
        answers.push(place.init("mixed.json", &["--if-missing"]));
    }
    for (number, answer) in answers.iter().enumerate() {
        for secret in &secrets {
            let told = format!("{} {}", answer.json, answer.stderr);
            assert!(!told.contains(secret), "answer {number} tells a secret");
        }
    }
    assert!(answers[3].stderr.contains("TRACE") || answers[3].stderr.contains("DEBUG"), "logs were looked at");
    let copy = place.path("copy.db");
    let copied = std::process::Command::new("sqlite3")
        .arg(place.path("desk/aisle.db"))
        .arg(format!("VACUUM INTO '{}'", copy.display()))
        .status()
        .unwrap();
    assert!(copied.success());
    let kept = place.path("desk/secrets");
    let mut looked_at = 0;
    let made = [copy, place.path("backup.db"), place.path("diagnostics.json")];
    for file in files(&place.path("desk")).into_iter().chain(made).filter(|file| *file != kept) {
        let bytes = std::fs::read(&file).unwrap();
        looked_at += bytes.len();
        for secret in &secrets {
            assert!(!holds(&bytes, secret), "{} holds a secret", file.display());
        }
    }
    assert!(looked_at > 100_000, "{looked_at} bytes were looked at");
    let bytes = std::fs::read(&kept).unwrap();
    assert!(secrets[2..].iter().all(|secret| holds(&bytes, secret)), "they are where they must be");
    #[cfg(unix)]
    for file in [&kept, &place.path("store.json"), &place.path("scram")] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn a_file_that_is_not_this_stores_or_not_whole_or_not_in_time_is_refused_and_nothing_is_made() {
    let place = Place::new();
    place.enrol("store.json", &[]);
    let whole = std::fs::read_to_string(place.path("store.json")).unwrap();
    let other = place.run(&["init", "--store", "368", "--enrolment", &place.text("store.json")]);
    place.refused(&other, 4, "wrong_store");
    let broken = [
        ("torn.json", whole[..whole.len() / 2].to_owned()),
        ("empty.json", String::new()),
        ("edited.json", whole.replace("127.0.0.1:9", "127.0.0.1:8")),
        ("other.json", "{\"name\": \"something else\"}".to_owned()),
        ("newer.json", whole.replace("enrolment.v1", "enrolment.v2")),
    ];
    for (name, text) in broken {
        std::fs::write(place.path(name), text).unwrap();
        place.refused(&place.init(name, &[]), 2, "bad_enrolment");
    }
    std::fs::write(place.path("ca.pem"), CERTIFICATE.replace("MII", "AII")).unwrap();
    place.secured("authority.json");
    place.refused(&place.init("authority.json", &[]), 2, "bad_enrolment");
    std::fs::write(place.path("binary.json"), [0xff, 0xfe, 0x00]).unwrap();
    place.refused(&place.init("binary.json", &[]), 2, "bad_enrolment");
    place.enrol("expired.json", &["--expires", "1ms"]);
    place.refused(&place.init("expired.json", &[]), 4, "enrolment_expired");
    let missing = place.init("missing.json", &[]);
    assert_eq!((missing.code, missing.error_code()), (3, "not_found"), "{}", missing.stderr);
    assert_eq!(place.init("store.json", &[]).code, 0, "the file itself is good");
}

#[test]
fn a_desk_of_the_store_takes_a_new_key_over_and_stays_the_desk_it_was() {
    let place = Place::new();
    let first = place.secured("first.json");
    let made = place.init("first.json", &[]).json;
    let second = place.secured("second.json");
    assert_eq!(first["password"], second["password"], "desks that are at work keep their password");
    assert_ne!(first["key"], second["key"]);
    let plain = place.init("second.json", &[]);
    assert_eq!((plain.code, plain.error_code()), (4, "id_taken"));
    let again = place.init("second.json", &["--if-missing"]);
    assert_eq!((again.code, &again.json["created"]), (0, &Value::Bool(false)), "{}", again.stderr);
    assert_eq!(again.json["desk_id"], made["desk_id"]);
    assert_eq!(again.json["incarnation"], made["incarnation"]);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(place.path("desk/secrets")).unwrap()).unwrap();
    assert_eq!(kept["key"], second["key"]);
    // Without a file nothing of it is lost.
    place.ok(&["init", "--store", "367", "--brokers", "127.0.0.1:9", "--if-missing"]);
    assert_eq!(place.ok(&["status"]).json["signed"], true);
}

#[test]
fn a_desk_whose_secrets_are_gone_says_so_and_works_on() {
    let place = Place::new();
    place.secured("store.json");
    place.init("store.json", &[]);
    std::fs::remove_file(place.path("desk/secrets")).unwrap();
    let synced = place.run(&["sync", "--timeout", "3s"]);
    assert_eq!((synced.code, synced.error_code()), (6, "secrets_unavailable"), "{}", synced.error);
    assert!(synced.error["hint"].as_str().unwrap().contains("--if-missing"));
    place.ok(&["item", "add", "--name", "Cards", "--price", "1.00"]);
    place.init("store.json", &["--if-missing"]);
    let synced = place.run(&["sync", "--timeout", "3s"]);
    assert_eq!(synced.error_code(), "unreachable", "it has its way again: {}", synced.error);
}

#[test]
fn an_enrolment_file_is_never_overwritten_and_names_what_it_needs() {
    let place = Place::new();
    place.enrol("store.json", &[]);
    let before = std::fs::read(place.path("store.json")).unwrap();
    let file = place.text("store.json");
    let again =
        place.run(&["central", "stores", "enrol", "367", "--enrolment", &file, "--brokers", "127.0.0.1:9"]);
    assert_eq!((again.code, again.error_code()), (4, "id_taken"), "{}", again.error);
    assert_eq!(std::fs::read(place.path("store.json")).unwrap(), before);
    let free = place.text("free.json");
    let nowhere = place.run(&["central", "stores", "enrol", "367", "--enrolment", &free]);
    assert_eq!((nowhere.code, nowhere.error_code()), (2, "usage"), "{}", nowhere.error);
    let key = place.text("key.pem");
    std::fs::write(&key, format!("{CERTIFICATE}-----BEGIN PRIVATE KEY-----\n")).unwrap();
    let args = ["central", "stores", "enrol", "367", "--enrolment", &free, "--brokers", "a:1", "--ca-file", &key];
    let private = place.run(&args);
    assert_eq!((private.code, private.error_code()), (2, "bad_settings"), "{}", private.error);
    assert!(!place.path("free.json").exists());
    assert_eq!(place.ok(&["central", "stores", "list"]).rows()[0]["keys"].as_array().unwrap().len(), 1);
    // A store and its file at once: both or neither.
    let add =
        ["central", "stores", "add", "368", "--name", "S", "--address1", "A", "--brokers", "a:1", "--enrolment"];
    let taken = place.run(&[&add[..], &[&file]].concat());
    assert_eq!(taken.error_code(), "id_taken");
    assert_eq!(place.ok(&["central", "stores", "list"]).rows().len(), 1);
    let added = place.ok(&[&add[..], &[&free]].concat()).json;
    assert_eq!((&added["signed"], &added["enrolment"]["file"]), (&Value::Bool(true), &Value::from(free)));
}
