//! Who acts at a desk of several people, from a terminal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::path::{Path, PathBuf};

use aisle_testkit::program::{Answer, Program};

fn told(answer: &Answer, code: i32, error: &str) {
    assert_eq!((answer.code, answer.error_code()), (code, error), "{}", answer.stderr);
    assert!(!answer.error["message"].as_str().unwrap().is_empty());
}

fn done(answer: &Answer) -> &serde_json::Value {
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    &answer.json
}

struct Terminal {
    dir: tempfile::TempDir,
    program: Program,
}

impl Terminal {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let program = Program::new(env!("CARGO_BIN_EXE_aisle")).with("AISLE_DATA", dir.path().join("desk"));
        let made = program.run(&["init", "--store", "367", "--brokers", "127.0.0.1:9"]).unwrap();
        assert_eq!(made.code, 0, "{}", made.stderr);
        Self { dir, program }
    }

    fn pin(&self, pin: &str) -> PathBuf {
        let file = self.dir.path().join(format!("pin-{pin}"));
        std::fs::write(&file, format!("{pin}\n")).unwrap();
        file
    }

    fn run(&self, words: &[&str]) -> Answer {
        self.program.run(words).unwrap()
    }

    /// The same as somebody.
    fn run_as(&self, name: &str, pin: &str, words: &[&str]) -> Answer {
        let file = self.pin(pin);
        let who = ["--as", name, "--pin-file", text(&file)];
        self.run(&[&who, words].concat())
    }

    /// A desk of Teo, the manager, and Noor, a clerk.
    fn with_people() -> Self {
        let terminal = Self::open();
        let (teo, noor) = (terminal.pin("7391"), terminal.pin("2468"));
        done(&terminal.run(&["staff", "rename", "Manager", "Teo"]));
        done(&terminal.run(&["staff", "set-pin", "Teo", "--new-pin-file", text(&teo)]));
        let added = terminal.run_as(
            "teo",
            "7391",
            &["staff", "add", "Noor", "--role", "clerk", "--new-pin-file", text(&noor)],
        );
        assert_eq!(done(&added)["items"][1]["role"], "clerk");
        terminal
    }
}

fn text(file: &Path) -> &str {
    file.to_str().unwrap()
}

const HONEY: [&str; 6] = ["item", "add", "--name", "Local honey", "--price", "7.99"];

#[test]
fn alone_and_without_a_pin_nobody_says_who_they_are() {
    let terminal = Terminal::open();
    done(&terminal.run(&HONEY));
    let people = terminal.run(&["staff", "list"]);
    assert_eq!(done(&people)["items"][0]["name"], "Manager");
    let second = terminal.run(&["staff", "add", "Noor", "--new-pin-file", text(&terminal.pin("2468"))]);
    told(&second, 4, "needs_pin");
}

#[test]
fn with_several_people_whoever_acts_says_who_and_their_role_holds() {
    let terminal = Terminal::with_people();
    told(&terminal.run(&HONEY), 4, "locked");
    told(&terminal.run(&[&["--as", "Noor"][..], &HONEY].concat()), 4, "needs_pin");
    told(&terminal.run_as("Noor", "9999", &HONEY), 4, "wrong_pin");
    told(&terminal.run_as("Sam", "2468", &HONEY), 3, "not_found");
    let denied = terminal.run_as("Noor", "2468", &HONEY);
    told(&denied, 4, "not_allowed");
    assert!(denied.error["hint"].as_str().unwrap().contains("lead"), "{}", denied.stderr);
    let added = terminal.run_as("Teo", "7391", &HONEY);
    let subject = done(&added)["subject"].as_str().unwrap().to_owned();
    let log = terminal.run(&["audit", "list", "--subject", &subject]);
    assert_eq!(done(&log)["items"][0]["by"], "Teo");
    // Reading is for whoever has the folder.
    done(&terminal.run(&["status"]));
    done(&terminal.run(&["outbox", "list"]));
}

#[test]
fn wrong_pins_make_the_next_command_wait_as_well() {
    let terminal = Terminal::with_people();
    for _ in 0..5 {
        told(&terminal.run_as("Noor", "9999", &["undo"]), 4, "wrong_pin");
    }
    told(&terminal.run_as("Noor", "2468", &["undo"]), 4, "pin_wait");
    told(&terminal.run_as("Teo", "7391", &["undo"]), 3, "not_found");
}

#[test]
fn a_pin_stands_in_no_argument_and_a_file_that_is_not_there_is_told() {
    let terminal = Terminal::with_people();
    told(&terminal.run(&["--as", "Teo", "--pin-file", "/nowhere/pin", "undo"]), 1, "io_error");
    assert_eq!(terminal.run(&["staff", "set-pin", "Teo", "7391"]).code, 2);
    let easy = terminal.pin("1234");
    let set = terminal.run_as("Teo", "7391", &["staff", "set-pin", "Noor", "--new-pin-file", text(&easy)]);
    told(&set, 2, "bad_pin");
    let role = terminal.run_as("Teo", "7391", &["staff", "set-role", "Noor", "boss"]);
    told(&role, 2, "bad_value");
}

#[test]
fn a_manager_who_has_nobody_left_to_ask_is_recovered_and_that_is_written_down() {
    let terminal = Terminal::with_people();
    let fresh = terminal.pin("8520");
    told(&terminal.run(&["staff", "recover", "Noor", "--new-pin-file", text(&fresh)]), 4, "not_allowed");
    done(&terminal.run(&["staff", "recover", "Teo", "--new-pin-file", text(&fresh)]));
    done(&terminal.run_as("Teo", "8520", &["staff", "disable", "Noor"]));
    let log = terminal.run(&["audit", "list", "--subject", "store"]);
    let entries = done(&log)["items"].as_array().unwrap();
    assert!(entries.iter().any(|e| e["kind"] == "staff.pin_set" && e["by"] == "the terminal"), "{entries:?}");
    assert!(!log.json.to_string().contains("8520") && !log.json.to_string().contains("argon2"));
}
