//! What is wrong is told with what, where and what to do, and leaves the data as it was.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::path::Path;

use aisle_testkit::program::{Answer, Program};

fn program(dir: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_aisle"))
        .with("AISLE_DATA", dir.join("desk"))
        .with("AISLE_CENTRAL_DB", dir.join("central.db"))
}

fn desk(dir: &Path) -> Program {
    let program = program(dir);
    let made = program.run(&["init", "--store", "367", "--brokers", "127.0.0.1:9"]).unwrap();
    assert_eq!(made.code, 0, "{}", made.stderr);
    program
}

fn told(answer: &Answer, code: i32, error: &str) {
    assert_eq!((answer.code, answer.error_code()), (code, error), "{}", answer.stderr);
    let message = answer.error["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.contains("Error {"), "{message}");
}

#[test]
fn a_folder_belongs_to_one_store_and_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let program = desk(dir.path());
    let again = program.run(&["init", "--store", "367", "--brokers", "127.0.0.1:9", "--if-missing"]).unwrap();
    assert_eq!((again.code, &again.json["created"]), (0, &false.into()));
    told(&program.run(&["init", "--store", "367", "--brokers", "127.0.0.1:9"]).unwrap(), 4, "id_taken");
    told(&program.run(&["init", "--store", "368", "--brokers", "127.0.0.1:9"]).unwrap(), 4, "wrong_store");
}

#[test]
fn settings_that_no_line_can_be_made_of_are_refused_before_a_folder_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let program = program(dir.path());
    for (store, brokers, code) in [
        ("0", "127.0.0.1:9", "bad_id"),
        ("9223372036854775808", "127.0.0.1:9", "bad_id"),
        ("367", "central", "bad_settings"),
        ("367", "central:99999", "bad_settings"),
        ("367", "", "bad_settings"),
    ] {
        told(&program.run(&["init", "--store", store, "--brokers", brokers]).unwrap(), 2, code);
    }
    assert!(!dir.path().join("desk").exists());
}

#[test]
fn a_command_without_a_desk_and_an_unknown_command_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let program = program(dir.path());
    told(&program.run(&["status"]).unwrap(), 3, "no_desk");
    told(&program.run(&["diagnostics", "x"]).unwrap(), 3, "no_desk");
    assert!(!dir.path().join("x").exists());
    told(&program.run(&["sing"]).unwrap(), 2, "usage");
    told(&program.run(&["staff", "list"]).unwrap(), 3, "no_desk");
    assert_eq!(program.run(&["order"]).unwrap().code, 2);
}

#[test]
fn a_store_is_busy_or_paused_only_by_a_number_and_a_time_that_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let program = desk(dir.path());
    let far = "2100-01-01T00:00:00Z";
    for (arguments, code) in [
        (vec!["pause", "--until", "2017-04-05T12:00:00Z"], "bad_value"),
        (vec!["pause", "--until", "tomorrow"], "bad_value"),
        (vec!["pause", "--until", far], "bad_value"),
        (vec!["busy", "--minutes", "500", "--until", far], "bad_value"),
        (vec!["busy", "--minutes", "20"], "usage"),
        (vec!["busy", "--minutes", "0"], "not_found"),
    ] {
        let told_so = program.run(&[vec!["store"], arguments.clone()].concat()).unwrap();
        assert_eq!(told_so.error_code(), code, "{arguments:?}: {}", told_so.stderr);
    }
    assert_eq!(program.run(&["outbox", "list"]).unwrap().json["items"], serde_json::json!([]));
}

#[test]
fn prices_and_numbers_that_are_none_are_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let program = desk(dir.path());
    for (price, code) in [("1.234", "bad_price"), ("-1.00", "bad_price"), ("1,50", "bad_price"), ("", "bad_price")]
    {
        let answer = program.run(&["item", "add", "--name", "Bread", &format!("--price={price}")]).unwrap();
        told(&answer, 2, code);
    }
    told(&program.run(&["item", "add", "--name", " ", "--price", "1.00"]).unwrap(), 2, "bad_value");
    told(&program.run(&["order", "show", "9223372036854775808"]).unwrap(), 2, "bad_id");
    told(&program.run(&["order", "show", "5"]).unwrap(), 3, "not_found");
    told(&program.run(&["order", "accept", "5"]).unwrap(), 3, "not_found");
    assert_eq!(program.run(&["outbox", "list"]).unwrap().rows().len(), 0);
    let verified = program.run(&["verify", "--deep"]).unwrap();
    assert_eq!(verified.code, 0, "{}", verified.json);
}

#[test]
fn an_item_made_here_is_found_edited_taken_back_and_its_barcode_is_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let program = desk(dir.path());
    let add = ["item", "add", "--name", "Rye bread", "--price", "2.50", "--barcode", "2000000000015"];
    let added = program.run(&add).unwrap();
    assert_eq!(added.code, 0, "{}", added.stderr);
    let id = added.json["subject"].as_str().unwrap().strip_prefix("item/").unwrap().to_owned();
    told(&program.run(&add).unwrap(), 4, "duplicate_barcode");
    for text in ["rye", "bre ry", "2000000000015", "20000000", &id] {
        let found = program.run(&["item", "search", text]).unwrap().rows();
        assert_eq!(found.len(), 1, "{text}");
    }
    let set = program.run(&["item", "set", &id, "unit_price=2.75"]).unwrap();
    assert_eq!(set.code, 0, "{}", set.stderr);
    assert_eq!(program.run(&["item", "show", &id]).unwrap().json["item"]["unit_price"], "2.75");
    told(&program.run(&["item", "set", &id, "colour=brown"]).unwrap(), 2, "bad_value");
    told(&program.run(&["item", "set", &id, "unit_price=2.75"]).unwrap(), 2, "bad_value");
    assert_eq!(program.run(&["undo"]).unwrap().code, 0);
    assert_eq!(program.run(&["item", "show", &id]).unwrap().json["item"]["unit_price"], "2.50");
    assert_eq!(program.run(&["verify", "--deep"]).unwrap().code, 0);
}

#[test]
fn a_second_writer_on_the_folder_is_refused_and_a_reader_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let program = desk(dir.path());
    let log = dir.path().join("log");
    let mut running = program.start(&["sync", "--follow"], &log).unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    // What it says first it says with the lock in its hands; asking by a second writer might take it first.
    while std::fs::metadata(&log).unwrap().len() == 0 {
        assert!(std::time::Instant::now() < end, "the running desk says nothing");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    told(&program.run(&["undo"]).unwrap(), 5, "folder_in_use");
    assert_eq!(program.run(&["status"]).unwrap().code, 0);
    running.kill();
    told(&program.run(&["undo"]).unwrap(), 3, "not_found");
}

#[test]
fn a_newer_a_foreign_and_a_damaged_database_are_told_apart_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let program = desk(dir.path());
    let file = dir.path().join("desk/aisle.db");
    let good = std::fs::read(&file).unwrap();
    // The header's user_version and application_id, as SQLite's file format places them.
    let with = |at: usize, bytes: [u8; 4]| {
        let mut changed = good.clone();
        changed[at..at + 4].copy_from_slice(&bytes);
        changed
    };
    let mut torn = good.clone();
    torn.truncate(good.len() / 2);
    for (bytes, code, error) in [
        (with(60, [0, 0, 0, 99]), 9, "db_newer"),
        (with(68, [1, 2, 3, 4]), 7, "db_foreign"),
        (torn, 7, "db_damaged"),
        (b"not a database at all, but long enough to be read as one".repeat(40), 7, "db_damaged"),
    ] {
        for wal in ["aisle.db-wal", "aisle.db-shm"] {
            drop(std::fs::remove_file(dir.path().join("desk").join(wal)));
        }
        std::fs::write(&file, &bytes).unwrap();
        told(&program.run(&["undo"]).unwrap(), code, error);
        assert!(std::fs::read(&file).unwrap() == bytes, "{error}: the file is left as it was");
    }
}

#[test]
fn central_refuses_what_no_store_may_be_and_files_that_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let program = program(dir.path());
    let add =
        |id: &str, name: &str| program.run(&["central", "stores", "add", id, "--name", name, "--address1", "x"]);
    assert_eq!(add("367", "A store").unwrap().code, 0);
    told(&add("367", "A store").unwrap(), 4, "id_taken");
    told(&add("368", "").unwrap(), 2, "bad_value");
    let days = dir.path().join("days");
    std::fs::create_dir(&days).unwrap();
    std::fs::write(days.join("items.csv"), "item_id,barcode,name,category,unit_price\n1,2,Bread,Food,1.234\n")
        .unwrap();
    std::fs::write(days.join("orders.jsonl"), "").unwrap();
    std::fs::write(days.join("receipts.jsonl"), "").unwrap();
    let args = ["central", "simulate", "--store", "367", "--speed", "max", "--from"];
    let args: Vec<&str> = args.into_iter().chain([days.to_str().unwrap()]).collect();
    let refused = program.run(&args).unwrap();
    told(&refused, 2, "bad_input");
    assert!(refused.error["message"].as_str().unwrap().contains("items.csv, line 2"), "{}", refused.error);
}

#[test]
fn what_a_stores_scales_print_is_a_layout_or_is_refused_with_what_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let program = program(dir.path());
    let labels = |id: &str, layouts: &[&str]| {
        program.run(&[&["central", "stores", "scale-labels", id], layouts].concat()).unwrap()
    };
    told(&labels("367", &["21IIIIIWWWWWC"]), 3, "not_found");
    let added = program.run(&["central", "stores", "add", "367", "--name", "A store", "--address1", "x"]).unwrap();
    assert_eq!(added.code, 0, "{}", added.stderr);
    let refused = labels("367", &["21IIIIIWWWWWC", "2100"]);
    told(&refused, 2, "bad_value");
    assert!(refused.error["message"].as_str().unwrap().contains("such as 21IIIIIWWWWWC"), "{}", refused.error);
    let none = labels("367", &[]);
    assert_eq!(none.json["scale_labels"], serde_json::json!([]), "nothing was kept of what was refused");
    let set = labels("367", &["21IIIIIWWWWWC", "2IIIIIXPPPPC"]);
    assert_eq!(set.json["scale_labels"], serde_json::json!(["21IIIIIWWWWWC", "2IIIIIXPPPPC"]), "{}", set.stderr);
}
