//! What takes its time at central: topics, working, simulating.

use std::{sync::Arc, time::Duration};

use aisle_central::{Faults, Partitions, SimulateOptions, Speed, Stop, TopicsOptions, WorkOptions};
use aisle_domain::{StoreId, store::Durability};
use serde_json::{Map, Value};

use super::place;
use crate::{
    args::{Central, Global},
    desk::stop_flag,
    exit::{self, Failure},
    output::{Output, check_code},
};

pub(super) fn topics(command: &Central, global: &Global, output: Output) -> Result<u8, Failure> {
    let Central::Topics { place, create, partitions, replication, durability, stores } = command else {
        return Ok(exit::OK);
    };
    let durability = match durability.as_str() {
        "all" => Durability::All,
        "majority" => Durability::Majority,
        other => return Err(Failure::new("usage", format!("durability is all or majority, not {other}"))),
    };
    let stores = stores.iter().map(|id| id.parse()).collect::<Result<Vec<StoreId>, _>>()?;
    let options =
        TopicsOptions { create: *create, partitions: *partitions, replication: *replication, durability, stores };
    let cluster = place::cluster(place)?;
    let report = place::centre(place, global)?.topics(&cluster, &options)?;
    output.result(&report)?;
    Ok(check_code(report.ok))
}

/// A stop that interrupt and terminate wish for.
fn stop() -> Result<Stop, Failure> {
    let (flag, stop) = (stop_flag()?, Stop::new());
    let its_own = stop.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while !flag.load(std::sync::atomic::Ordering::Relaxed) && !its_own.wanted() {
                std::thread::sleep(Duration::from_millis(50));
            }
            its_own.stop();
        })
        .map_err(|e| Failure::new("unexpected", format!("no thread for signals: {e}")))?;
    Ok(stop)
}

fn told(output: Output, event: &impl serde::Serialize) {
    let Ok(Value::Object(mut facts)) = serde_json::to_value(event) else { return };
    let mut word = |name: &str| match facts.remove(name) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (at, event) = (word("at"), word("event"));
    // Nobody reads any more: the work itself goes on.
    drop(output.event(&at, &event, &Map::from_iter(facts)));
}

/// Where a test ends this worker.
#[cfg(feature = "dev")]
fn faults() -> Result<Option<Arc<dyn Faults>>, Failure> {
    crate::dev::fault::wished()
}

#[cfg(not(feature = "dev"))]
#[allow(clippy::unnecessary_wraps, reason = "as in builds for development")]
const fn faults() -> Result<Option<Arc<dyn Faults>>, Failure> {
    Ok(None)
}

pub(super) fn work(command: &Central, global: &Global, output: Output) -> Result<u8, Failure> {
    let Central::Work { place, partitions, until, timeout } = command else { return Ok(exit::OK) };
    let partitions = match partitions.as_str() {
        "all" => Partitions::All,
        list => Partitions::These(
            list.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>().map_err(|_| {
                Failure::new("usage", format!("\"{list}\" is not all or numbers separated by commas"))
            })?,
        ),
    };
    let printer = output;
    let until_idle = until.is_some();
    let options = WorkOptions {
        partitions,
        until_idle,
        timeout: *timeout,
        events: Some(Arc::new(move |event| told(printer, event))),
        faults: faults()?,
    };
    let centre = place::centre(place, global)?;
    let cluster = place::cluster(place)?;
    let report = centre.work(&cluster, &options, &stop()?)?;
    output.last(&report.summary)?;
    if until_idle && !report.reached {
        return Err(Failure::new("timed_out", "the time was over before everything was applied and published"));
    }
    Ok(exit::OK)
}

pub(super) fn simulate(command: &Central, global: &Global, output: Output) -> Result<u8, Failure> {
    let Central::Simulate { place, store, from, days, speed, seed, cancel, until, timeout } = command else {
        return Ok(exit::OK);
    };
    let centre = place::centre(place, global)?;
    let printer = output;
    let mut options = SimulateOptions::new(store.parse()?, from);
    options.days = *days;
    options.speed = speed.parse::<Speed>()?;
    options.seed = *seed;
    options.cancel_percent = *cancel;
    options.until_done = until.is_some();
    options.timeout = *timeout;
    options.events = Some(Arc::new(move |event| told(printer, event)));
    let summary = centre.simulate(&options, &stop()?)?;
    output.last(&summary)?;
    if !summary.reached {
        return Err(Failure::new(
            "timed_out",
            "ended before the days were done; started again, it goes on from here",
        ));
    }
    Ok(exit::OK)
}
