//! Killed at any instant: every change that was told as done is there, and every rule holds.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use aisle_contract::DownBody;
use aisle_domain::{ChangeId, Lane};
use aisle_mirror::{Mirror, NewChange, outbox};
use aisle_testkit::asked::number;
use uuid::Uuid;

use crate::fixtures::{
    CLUSTER, Desk, ack, assert_sound, at, entry, item, item_id, kill_victim, money, new_desk, note, order, price,
};

const FOLDER: &str = "AISLE_VICTIM_FOLDER";
const DONE: &str = "done ";

/// How often the victim is killed: 40 times, or as often as `AISLE_KILLS` says.
fn kills() -> u64 {
    number("AISLE_KILLS", 40)
}

/// One round of a busy desk: two acts, and every few rounds a batch, an ack and new rows.
fn round(mirror: &Mirror, number: i64) -> Vec<ChangeId> {
    let now = mirror.read(|conn| aisle_mirror::items::load(conn, item_id(10))).unwrap().unwrap().unit_price;
    let next = if now == money("1.99") { "2.49" } else { "1.99" };
    let mut done = Vec::new();
    for change in [price(10, &now.to_string(), next), note(1, "busy")] {
        let change_id = ChangeId(Uuid::now_v7());
        let new = NewChange { change_id, change, by: "Ada".into(), at: at(number), held: false, replaces: None };
        mirror.act(&new).unwrap();
        done.push(change_id);
    }
    if number % 4 == 0 {
        let incarnation = new_desk().incarnation;
        for lane in Lane::ALL {
            mirror.write(|tx| outbox::cut(tx, lane, incarnation, 500, 100_000, at(number))).unwrap();
            let next = mirror.read(|conn| outbox::next_seq(conn, lane, incarnation)).unwrap();
            let position = mirror.read(|conn| aisle_mirror::feed::position(conn, lane)).unwrap();
            let offset = position.map_or(0, |p| p.next_offset);
            let row = match lane {
                Lane::Orders => DownBody::Order(Box::new(order(1, 2 + offset))),
                Lane::Catalog => DownBody::Item(Box::new(item(10, 2 + offset))),
            };
            let batch = [entry(offset, row), entry(offset + 1, ack(lane, next - 3))];
            mirror.apply_feed(lane, CLUSTER, &batch, at(number)).unwrap();
        }
    }
    done
}

#[test]
#[ignore = "the victim: started and killed by the test below"]
#[allow(clippy::print_stdout, reason = "what is told as done is what must be found")]
fn the_victim_acts_until_it_is_killed() {
    let folder = std::env::var(FOLDER).expect("started by the test below");
    let mirror = Mirror::open(Path::new(&folder), at(0)).unwrap();
    let mut out = std::io::stdout();
    for number in 1.. {
        for id in round(&mirror, number) {
            writeln!(out, "{DONE}{id}").unwrap();
        }
        out.flush().unwrap();
    }
}

/// Starts a victim on the folder, kills it after `patience`, and answers what it told as done.
fn kill_one(folder: &Path, patience: Duration) -> Vec<ChangeId> {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::the_victim_acts_until_it_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap());
    let reader = std::thread::spawn(move || -> Vec<ChangeId> {
        // A last line cut in two was not told.
        lines
            .split(b'\n')
            .map_while(Result::ok)
            .filter_map(|line| String::from_utf8(line).ok()?.strip_prefix(DONE)?.parse().ok())
            .collect()
    });
    std::thread::sleep(patience);
    kill_victim(&mut victim);
    reader.join().unwrap()
}

#[test]
fn what_was_told_as_done_is_there_after_a_kill_at_any_instant() {
    let mut told = 0;
    let mut acting = 0;
    let mut desk = None;
    for kill in 0..kills() {
        // Some kills hit the opening, most of them acts; a new folder now and then keeps the checks short.
        if kill % 20 == 0 {
            let Desk { mirror, folder, .. } = Desk::with_rows();
            drop(mirror);
            desk = Some(folder);
        }
        let dir = desk.as_ref().unwrap().path().join("desk");
        let done = kill_one(&dir, Duration::from_micros(5_000 + (kill * 7_919_333) % 250_000));
        let mirror = Mirror::open(&dir, at(1)).unwrap();
        for id in &done {
            assert!(mirror.read(|conn| outbox::load(conn, *id)).unwrap().is_some(), "{id} was told as done");
        }
        assert_sound(&mirror);
        told += done.len();
        acting += usize::from(!done.is_empty());
    }
    assert!(
        told > 0 && acting * 2 > usize::try_from(kills()).unwrap(),
        "only {acting} victims acted before they died"
    );
}
