//! A desk's secrets in a real keychain of the system, and without one.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on ends, and one that is skipped must be heard"
)]

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Whether a program is there; a skip is a failure in CI.
fn is_there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        assert!(std::env::var("CI").is_err(), "{program} is missing; run scripts/setup.sh tests");
        eprintln!("\nSKIPPED: {program} is missing\n");
    }
    found.status.success()
}

/// Runs lines of a shell on a bus of its own, nothing of this user's in reach; answers what each `aisle` printed.
fn on_a_bus(dir: &Path, lines: &str) -> Vec<Value> {
    let script = format!("set -e\naisle() {{ \"$AISLE\" --json \"$@\" 2>&1 || true; echo; echo --; }}\n{lines}");
    let run = Command::new("dbus-run-session")
        .args(["--", "bash", "-c", &script])
        .env_remove("AISLE_SECRETS")
        .env("AISLE", env!("CARGO_BIN_EXE_aisle"))
        .env("AISLE_DATA", dir.join("desk"))
        .env("AISLE_CENTRAL_DB", dir.join("central.db"))
        .env("ENROLMENT", dir.join("store.json"))
        .env("HOME", dir)
        .env("XDG_DATA_HOME", dir.join("data"))
        .env("XDG_RUNTIME_DIR", dir.join("run"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{told} {}", String::from_utf8_lossy(&run.stderr));
    // An error stands on one line, behind what was logged.
    let json = |answer: &str| {
        let last = || answer.lines().rev().find_map(|line| serde_json::from_str(line).ok());
        serde_json::from_str(answer.trim()).ok().or_else(last)
    };
    told.split("\n--\n").filter_map(json).collect()
}

/// A folder with an enrolment file, and the folders that a session has.
fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["data", "run"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    let made = on_a_bus(
        dir.path(),
        "aisle central stores add 367 --name S --address1 A --brokers 127.0.0.1:1 --enrolment $ENROLMENT",
    );
    assert_eq!(made[0]["signed"], true, "{made:?}");
    dir
}

#[test]
fn the_systems_keychain_keeps_a_desks_secrets_and_the_folder_alone_has_none() {
    if !is_there("dbus-run-session") || !is_there("gnome-keyring-daemon") {
        return;
    }
    let dir = place();
    let told = on_a_bus(
        dir.path(),
        "printf pw | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null\n\
         aisle init --store 367 --enrolment $ENROLMENT\naisle status\naisle sync --timeout 2s",
    );
    assert_eq!(told[0]["created"], true, "{told:?}");
    assert_eq!((&told[1]["secrets"], &told[1]["signed"]), (&Value::from("keychain"), &Value::Bool(true)));
    assert_eq!(told[2]["error"]["code"], "unreachable", "the secrets were found: {}", told[2]);
    assert!(!dir.path().join("desk/secrets").exists());
    // The same folder where nobody unlocks that keychain: it says so in time, and works on.
    let started = Instant::now();
    let told = on_a_bus(dir.path(), "aisle sync --timeout 2s\naisle item add --name Cards --price 1.00");
    assert_eq!(told[0]["error"]["code"], "secrets_unavailable", "{told:?}");
    assert_eq!(told[1]["state"], "saved");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn without_a_keychain_a_file_keeps_them_and_nothing_hangs() {
    if !is_there("dbus-run-session") {
        return;
    }
    let dir = place();
    let started = Instant::now();
    // A bus on which nobody offers the service at all.
    let told = on_a_bus(
        dir.path(),
        "export DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere\n\
         aisle init --store 367 --enrolment $ENROLMENT\naisle status",
    );
    assert_eq!((&told[0]["created"], &told[1]["secrets"]), (&Value::Bool(true), &Value::from("file")), "{told:?}");
    assert!(dir.path().join("desk/secrets").exists());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
