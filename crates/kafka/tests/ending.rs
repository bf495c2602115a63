//! A program ends while its threads are on the line: whoever quits does not wait for the network.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::{process::Command, time::Duration};

use aisle_kafka::{Authority, Kafka, KafkaSettings, Security};

/// So many programs end, each at another moment of what its threads do.
const ENDINGS: u64 = 12;
const THREADS: usize = 6;
const AFTER: &str = "AISLE_TEST_ENDS_AFTER_MS";

#[test]
#[ignore = "the program: started by the test below"]
fn the_program_ends_while_threads_make_secured_clients() {
    let settings = || KafkaSettings {
        brokers: "127.0.0.1:1".into(),
        security: Security::SaslSsl {
            username: "store-367".into(),
            password: "secret".into(),
            authority: Authority::System,
        },
        ..KafkaSettings::default()
    };
    for _ in 0..THREADS {
        std::thread::spawn(move || {
            loop {
                drop(Kafka::new(settings()).unwrap());
            }
        });
    }
    let after = std::env::var(AFTER).expect("started by the test below").parse().unwrap();
    std::thread::sleep(Duration::from_millis(after));
}

#[test]
fn a_program_that_ends_while_its_threads_make_secured_clients_ends_in_order() {
    for ending in 0..ENDINGS {
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_program_ends_while_threads_make_secured_clients", "--ignored"])
            .env(AFTER, (200 + 37 * ending).to_string())
            .output()
            .unwrap();
        assert!(ended.status.success(), "ending {ending}: {}", ended.status);
    }
}
