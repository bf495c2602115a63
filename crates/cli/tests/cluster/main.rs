//! Orders' whole way through a real cluster of three machines, by commands alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on ends, and what was found is shown to whoever asks"
)]

mod enrolled;
mod matrix;
mod secure;
mod store;

use std::time::{Duration, Instant};

use aisle_testkit::kafka::{Cluster, ClusterOptions, Kit};
use serde_json::Value;
use store::Store;

fn cluster(test: &str, dir: &std::path::Path) -> Option<Cluster> {
    let kit = Kit::require(test)?;
    Some(Cluster::start(&kit, &dir.join("kafka"), &ClusterOptions::default()).unwrap())
}

#[test]
fn a_month_of_a_real_store_goes_through_a_real_cluster_to_the_cent() {
    let dir = tempfile::tempdir().unwrap();
    let Some(cluster) = cluster("a month through a real cluster", dir.path()) else { return };
    let store = Store::set_up(dir.path(), &cluster.brokers());
    let _work = store.start_work("work");
    let mut days = store.start_days();
    store.decide_everything(Duration::from_mins(5));
    assert_eq!(days.wait(Duration::from_mins(1)).unwrap(), Some(0), "the simulated days end by themselves");
    store.check_end();
}

#[test]
fn a_machine_killed_during_pushes_and_a_worker_killed_at_work_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut cluster) = cluster("faults on a real cluster", dir.path()) else { return };
    let store = Store::set_up_cut(dir.path(), &cluster.brokers(), 60);
    let mut work = store.start_work("work-1");
    let mut days = store.start_days();
    // Something has gone through before anything is hurt.
    store.until(Duration::from_mins(1), "orders arrive", |store| store.count("new") > 0);
    let changes = store.accept_all();
    assert!(!changes.is_empty());
    cluster.kill(2).unwrap();
    // With one machine down nothing is accepted, and everybody can see why, as soon as the cluster itself has noticed.
    let told = (0..4).any(|_| {
        let refused = store.desk(&["sync", "--until", "drained", "--timeout", "8s"]);
        assert_ne!(refused.code, 0, "a change counts only when it is on all machines: {}", refused.json);
        refused.error_code() == "not_enough_replicas"
    });
    assert!(told, "the cause is told");
    assert_eq!(store.states(&changes)["received"], 0);
    cluster.up(2).unwrap();
    store.sync(Duration::from_secs(90));
    assert_eq!(store.states(&changes)["received"], changes.len(), "once it is back, all of it goes through");
    // A worker that dies in the midst of its work is replaced, and nobody notices but the clock.
    work.kill();
    let _other = store.start_work("work-2");
    store.decide_everything(Duration::from_mins(4));
    assert_eq!(days.wait(Duration::from_mins(1)).unwrap(), Some(0));
    store.check_end();
}

#[test]
fn wrong_brokers_missing_topics_and_weaker_settings_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let Some(cluster) = cluster("wrong settings on a real cluster", dir.path()) else { return };
    let store = Store::make(dir.path(), &cluster.brokers());
    let missing = store.central(&["topics"]);
    assert_eq!(missing.code, 7, "{}", missing.stderr);
    assert!(missing.json["topics"].to_string().contains("the topic is missing"), "{}", missing.json);
    let unsynced = store.desk(&["sync", "--timeout", "8s"]);
    assert_eq!((unsynced.code, unsynced.error_code()), (6, "topic_missing"), "{}", unsynced.stderr);

    let weaker = store.central(&["topics", "--create", "--durability", "majority"]);
    assert_eq!(weaker.code, 0, "{}", weaker.json);
    let drift = store.central(&["topics"]);
    assert_eq!(drift.code, 7);
    assert!(drift.json["topics"].to_string().contains("min.insync.replicas is 2, must be 3"), "{}", drift.json);
    assert_eq!(store.central(&["topics", "--create"]).code, 0);
    assert_eq!(store.central(&["topics"]).code, 0);

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let started = Instant::now();
    let nobody = store.desk(&["--at-brokers", &format!("127.0.0.1:{port}"), "sync", "--timeout", "6s"]);
    assert_eq!((nobody.code, nobody.error_code()), (6, "unreachable"), "{}", nobody.stderr);
    assert!(started.elapsed() < Duration::from_secs(20), "a time limit is kept");
    assert_eq!(store.desk(&["status"]).json["outbox"]["ready"], Value::from(0), "the desk waits, unhurt");
}

#[test]
fn over_tls_with_a_password_it_works_and_wrong_ones_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let Some((cluster, keys)) = secure::start("a secured cluster", dir.path()) else { return };
    let file = |name: &str| keys.join(name).display().to_string();
    let own = ["--username", "store-367", "--password-file", &file("store-367"), "--ca-file", &file("own.pem")];
    let store = Store::make_with(dir.path(), &cluster.brokers(), &own);
    let admin = ["--username", "admin", "--password-file", &file("admin"), "--ca-file", &file("own.pem")];
    let topics = store.central(&[&["topics", "--create"], &admin[..]].concat());
    assert_eq!(topics.code, 0, "{} {}", topics.json, topics.stderr);
    let synced = store.desk(&["sync", "--until", "caught-up", "--timeout", "30s"]);
    assert_eq!(synced.code, 0, "{}", synced.stderr);

    let wrong_password = ["--username", "admin", "--password-file", &file("wrong"), "--ca-file", &file("own.pem")];
    let wrong_authority =
        ["--username", "admin", "--password-file", &file("admin"), "--ca-file", &file("strange.pem")];
    for wrong in [wrong_password, wrong_authority] {
        let refused = store.central(&[&["topics"], &wrong[..]].concat());
        assert_eq!((refused.code, refused.error_code()), (6, "auth_failed"), "{}", refused.stderr);
        assert!(
            !refused.stderr.contains("guessed") && !refused.stderr.contains("admin-secret"),
            "no secret is told"
        );
    }
    let data = std::fs::read(dir.path().join("desk/aisle.db")).unwrap();
    assert!(!data.windows(12).any(|part| part == b"store-secret"), "the database holds no password");
}
