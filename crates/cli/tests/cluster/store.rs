//! A simulated store with a desk, driven by commands alone.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aisle_testkit::{
    fixtures,
    program::{Answer, Program, Running},
};
use serde_json::Value;

pub(crate) struct Store {
    dir: PathBuf,
    from: PathBuf,
    number: String,
    program: Program,
    /// How central signs in at its cluster.
    login: Vec<String>,
}

/// Cents of a decimal string, read without a float.
fn cents(text: &str) -> i64 {
    let (whole, rest) = text.split_once('.').unwrap();
    assert_eq!(rest.len(), 2, "{text}");
    format!("{whole}{rest}").parse().unwrap()
}

/// The store whose orders a folder has.
fn number_of(folder: &Path) -> String {
    let orders = std::fs::read_to_string(folder.join("orders.jsonl")).unwrap();
    let first: Value = serde_json::from_str(orders.lines().next().unwrap()).unwrap();
    first["store_id"].to_string().trim_matches('"').to_owned()
}

impl Store {
    /// Central's store and a desk of it, without topics.
    pub(crate) fn make(dir: &Path, brokers: &str) -> Self {
        Self::make_with(dir, brokers, &[])
    }

    /// The same with more of the desk's settings.
    pub(crate) fn make_with(dir: &Path, brokers: &str, settings: &[&str]) -> Self {
        let program = Program::new(env!("CARGO_BIN_EXE_aisle"))
            .with("AISLE_DATA", dir.join("desk"))
            .with("AISLE_CENTRAL_DB", dir.join("central.db"))
            .with("AISLE_BROKERS", brokers);
        // Any store's folder of the same layout must come out as well.
        let from = std::env::var_os("AISLE_STORE_FOLDER").map_or_else(fixtures::demo, PathBuf::from);
        let number = number_of(&from);
        let store = Self { dir: dir.into(), from, number, program, login: Vec::new() };
        let added =
            store.central(&["stores", "add", &store.number, "--name", "A store", "--address1", "1 Market Street"]);
        assert_eq!(added.code, 0, "{}", added.stderr);
        let made = store.desk(&[&["init", "--store", &store.number, "--brokers", brokers], settings].concat());
        assert_eq!(made.code, 0, "{}", made.stderr);
        store
    }

    /// One that was made already, with its first `orders` orders.
    pub(crate) fn made(dir: &Path, program: Program, login: &[String], orders: usize) -> Self {
        let from = dir.join("days");
        fixtures::cut(&fixtures::demo(), &from, orders).unwrap();
        let number = number_of(&from);
        Self { dir: dir.into(), from, number, program, login: login.to_vec() }
    }

    pub(crate) fn number(&self) -> &str {
        &self.number
    }

    /// The same with topics and the whole month of orders.
    pub(crate) fn set_up(dir: &Path, brokers: &str) -> Self {
        let store = Self::make(dir, brokers);
        let topics = store.central(&["topics", "--create"]);
        assert_eq!(topics.code, 0, "{} {}", topics.json, topics.stderr);
        store
    }

    /// The same with the first `orders` orders.
    pub(crate) fn set_up_cut(dir: &Path, brokers: &str, orders: usize) -> Self {
        let mut store = Self::set_up(dir, brokers);
        let whole = std::mem::replace(&mut store.from, dir.join("days"));
        fixtures::cut(&whole, &store.from, orders).unwrap();
        store
    }

    pub(crate) fn desk(&self, args: &[&str]) -> Answer {
        self.program.run(args).unwrap()
    }

    pub(crate) fn central(&self, args: &[&str]) -> Answer {
        let login = self.login.iter().map(String::as_str);
        let args: Vec<&str> = std::iter::once("central").chain(args.iter().copied()).chain(login).collect();
        self.program.run(&args).unwrap()
    }

    pub(crate) fn start_work(&self, log: &str) -> Running {
        let login = self.login.iter().map(String::as_str);
        let args: Vec<&str> = ["central", "work"].into_iter().chain(login).collect();
        self.program.start(&args, &self.dir.join(log)).unwrap()
    }

    pub(crate) fn start_days(&self) -> Running {
        let from = self.from.display().to_string();
        let args =
            ["central", "simulate", "--store", &self.number, "--from", &from, "--speed", "max", "--until", "done"];
        self.program.start(&args, &self.dir.join("days.log")).unwrap()
    }

    pub(crate) fn sync(&self, limit: Duration) {
        let synced = self.desk(&["sync", "--timeout", &format!("{}s", limit.as_secs())]);
        assert_eq!(synced.code, 0, "{} {}", synced.json, synced.stderr);
    }

    /// Syncs until something is so.
    pub(crate) fn until(&self, limit: Duration, what: &str, so: impl Fn(&Self) -> bool) {
        let end = Instant::now() + limit;
        while !so(self) {
            assert!(Instant::now() < end, "not within {limit:?}: {what}");
            self.sync(Duration::from_mins(1));
        }
    }

    fn all(&self, args: &[&str]) -> Vec<Value> {
        let (mut rows, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut args: Vec<&str> = args.to_vec();
            args.extend(["--limit", "1000"]);
            if let Some(after) = &after {
                args.extend(["--after", after]);
            }
            let page = self.desk(&args);
            assert_eq!(page.code, 0, "{}", page.stderr);
            rows.extend(page.rows());
            match page.json["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return rows,
            }
        }
    }

    fn ids(&self, args: &[&str], name: &str) -> Vec<String> {
        self.all(args).iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn count(&self, status: &str) -> usize {
        self.all(&["order", "list", "--status", status]).len()
    }

    /// Accepts every new order; answers the changes.
    pub(crate) fn accept_all(&self) -> Vec<String> {
        let new = self.ids(&["order", "list", "--status", "new"], "order_id");
        let mut changes = Vec::new();
        for some in new.chunks(200) {
            let args: Vec<&str> = ["order", "accept"].into_iter().chain(some.iter().map(String::as_str)).collect();
            let accepted = self.desk(&args);
            assert_eq!(accepted.code, 0, "{}", accepted.stderr);
            let rows = if some.len() == 1 { vec![accepted.json] } else { accepted.rows() };
            changes.extend(rows.iter().map(|row| row["change_id"].as_str().unwrap().to_owned()));
        }
        changes
    }

    /// By the rule: inside, approve; else decline, and the order ends.
    fn decide_payments(&self) {
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for payment in self.all(&["payment", "list", "--undecided"]) {
            let id = payment["payment_id"].as_str().unwrap().to_owned();
            if payment["verdict"] == "inside" { inside.push(id) } else { outside.push(id) }
        }
        for some in inside.chunks(200) {
            let args: Vec<&str> =
                ["payment", "approve"].into_iter().chain(some.iter().map(String::as_str)).collect();
            let approved = self.desk(&args);
            assert_eq!(approved.code, 0, "{} {}", approved.json, approved.stderr);
        }
        for id in outside {
            let declined = self.desk(&["payment", "decline", &id, "--reason", "outside_range", "--ends-order"]);
            assert_eq!(declined.code, 0, "{}", declined.stderr);
        }
    }

    /// Accepts and decides until every order of the folder is confirmed.
    pub(crate) fn decide_everything(&self, limit: Duration) {
        let wanted = std::fs::read_to_string(self.from.join("orders.jsonl")).unwrap().lines().count();
        let end = Instant::now() + limit;
        while self.count("confirmed") < wanted {
            assert!(Instant::now() < end, "{} of {wanted} orders are confirmed in time", self.count("confirmed"));
            self.accept_all();
            self.decide_payments();
            self.sync(Duration::from_secs(90));
        }
    }

    /// How many of these changes are in each state.
    pub(crate) fn states(&self, changes: &[String]) -> BTreeMap<&'static str, usize> {
        let mut states = BTreeMap::from([("received", 0), ("other", 0)]);
        for change in changes {
            let shown = self.desk(&["outbox", "show", change]);
            let word = if shown.json["state"] == "received" { "received" } else { "other" };
            *states.get_mut(word).unwrap() += 1;
        }
        states
    }

    /// Everything that must hold at the end.
    pub(crate) fn check_end(&self) {
        let status = self.desk(&["status"]).json;
        let outbox = &status["outbox"];
        for state in ["held", "ready", "sent", "refused"] {
            assert_eq!(outbox[state], Value::from(0), "{outbox}");
        }
        assert_eq!(status["parked"], Value::from(0));
        assert_eq!(self.central(&["dead-letters", "list"]).rows().len(), 0, "nothing is dead");
        for checks in [self.desk(&["verify", "--deep"]), self.central(&["verify"])] {
            assert_eq!((checks.code, &checks.json["ok"]), (0, &Value::Bool(true)), "{}", checks.json);
        }
        assert_eq!(self.desk(&["digest"]).json, self.central(&["digest", "--store", &self.number]).json);
        let orders = self.all(&["order", "list"]);
        self.check_rows(&orders);
        self.check_sums(&orders);
    }

    /// Central's and the desk's orders agree, row for row.
    fn check_rows(&self, orders: &[Value]) {
        for order in orders {
            let id = order["order_id"].as_str().unwrap();
            assert_eq!(order["status"], "confirmed", "order {id}");
            let theirs = self.central(&["order", "show", id]).json;
            for name in ["status", "decision", "reason", "version", "expected", "range", "user_id"] {
                assert_eq!(order[name], theirs[name], "{name} of order {id}");
            }
            let pick = |rows: &Value, names: &[&str]| -> Vec<Vec<Value>> {
                let rows = rows.as_array().cloned().unwrap_or_default();
                rows.iter().map(|row| names.iter().map(|name| row[*name].clone()).collect()).collect()
            };
            let lines = ["item_id", "name", "barcode", "order_unit_price", "quantity", "state"];
            assert_eq!(pick(&order["lines"], &lines), pick(&theirs["lines"], &lines), "lines of order {id}");
            let payments = ["payment_id", "amount", "status"];
            assert_eq!(
                pick(&order["payments"], &payments),
                pick(&theirs["payments"], &payments),
                "payments of {id}"
            );
            for payment in order["payments"].as_array().unwrap() {
                let approved = payment["status"] == "approved";
                assert_eq!(approved, payment["verdict"] == "inside", "only inside its range: order {id}");
            }
        }
    }

    /// The sum of all receipts is the file's, to the cent.
    fn check_sums(&self, orders: &[Value]) {
        let file = std::fs::read_to_string(self.from.join("receipts.jsonl")).unwrap();
        let wanted: i64 = file
            .lines()
            .map(|line| cents(serde_json::from_str::<Value>(line).unwrap()["amount"].as_str().unwrap()))
            .sum();
        let found: i64 = orders.iter().map(|order| cents(order["receipt"]["amount"].as_str().unwrap())).sum();
        assert_eq!(found, wanted);
        let paid: i64 = orders
            .iter()
            .flat_map(|order| order["payments"].as_array().unwrap())
            .map(|payment| cents(payment["amount"].as_str().unwrap()))
            .sum();
        assert_eq!(paid, wanted);
    }
}
