//! An order's whole way from the centre over a real cluster of three machines into the window, decided there by
//! keyboard, and back until central has confirmed it.

use std::{path::Path, time::Duration};

use aisle_testkit::{
    fixtures,
    kafka::{Cluster, ClusterOptions, Kit},
    program::Program,
    window::{PATIENCE, Theme, Window, can_show, program, until},
};
use serde_json::Value;

const STEP: Duration = Duration::from_secs(60);

/// A command that succeeds; its answer.
pub(crate) fn run(aisle: &Program, args: &[&str]) -> Value {
    let answer = aisle.run(args).unwrap();
    assert_eq!(answer.code, 0, "{args:?}: {} {}", answer.json, answer.stderr);
    answer.json
}

/// A cluster with a centre that knows the store, and the program that speaks for both sides.
pub(crate) fn town(kit: &Kit, dir: &Path) -> (Cluster, Program) {
    let cluster = Cluster::start(kit, &dir.join("kafka"), &ClusterOptions::default()).unwrap();
    let aisle = Program::new(program().with_file_name("aisle"))
        .with("AISLE_DATA", dir.join("desk"))
        .with("AISLE_CENTRAL_DB", dir.join("central.db"))
        .with("AISLE_BROKERS", cluster.brokers());
    run(&aisle, &["central", "stores", "add", "367", "--name", "Store 367", "--address1", "1 Market Street"]);
    run(&aisle, &["central", "topics", "--create"]);
    (cluster, aisle)
}

#[test]
fn an_order_travels_over_a_real_cluster_and_is_decided_in_the_window() {
    let Some(kit) = Kit::require("an order over a real cluster into the window") else { return };
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (cluster, aisle) = town(&kit, dir.path());
    let central = |args: &[&str]| run(&aisle, &[&["central"], args].concat());
    let _work = aisle.start(&["central", "work"], &dir.path().join("work.log")).unwrap();

    // First the desk is connected by its first page; the store is empty and says so.
    let window = Window::open(&dir.path().join("desk"), Theme::Light);
    window.set_size(1366, 768);
    window.sees("h1", "Which store is this desk for", PATIENCE);
    window.tab_to("store");
    window.type_text("367");
    window.tab_to("brokers");
    window.type_text(&cluster.brokers());
    window.press("Ctrl+Enter");
    let steps = window.sees("[data-testid=connection-steps]", "aisle.store.367.orders has", STEP);
    assert!(steps.contains("3 machines answer") && steps.contains("aisle.changes has 12 partitions"), "{steps}");
    assert_eq!(window.broken_rules(), Vec::<String>::new());
    window.picture("first-run-tested-1366x768-light");
    window.press("Enter");
    window.sees("[data-testid=link]", "Connected", STEP);
    window.sees("main h2", "No orders waiting", STEP);

    let days = dir.path().join("days");
    fixtures::cut(&fixtures::demo(), &days, 1).unwrap();
    let from = days.display().to_string();
    let simulate = ["central", "simulate", "--store", "367", "--from", &from, "--speed", "max", "--until", "done"];
    let _days = aisle.start(&simulate, &dir.path().join("days.log")).unwrap();
    window.sees("[data-testid=status]", "New", STEP);
    window.press("Space a a");
    window.sees("[aria-label=Timeline]", "Received by central", STEP);
    window.sees("[data-testid=status]", "Payment to decide", STEP);
    window.sees("[data-testid=order]", "Inside the range", PATIENCE);
    window.press("y");
    window.sees("[data-testid=status]", "Confirmed", STEP);
    window.sees("[data-testid=outbox]", "All received", STEP);
    window.go("s", "Sync");
    window.sees("main", "Payment approved", PATIENCE);
    window.sees("main", "partition", PATIENCE);
    assert_eq!(window.errors(), Vec::<String>::new());

    // Both sides have the same, to the version of every row.
    let orders = central(&["order", "list", "--store", "367"]);
    assert_eq!(orders["items"][0]["status"], "confirmed", "{orders}");
    let of_central = central(&["digest", "--store", "367"])["tables"].clone();
    // The shelf has a lane of its own and comes down behind the orders.
    until("the desk has every row of central's", STEP, || {
        (aisle.run(&["digest"]).ok()?.json["tables"] == of_central).then_some(())
    });
    central(&["verify"]);
}
