//! The sample store: desk and centre in one process over the in-process bus. It lives in a folder of its own, made
//! anew each time, and can reach no real cluster.

use std::{path::Path, sync::Arc, thread::JoinHandle};

use aisle_app::{AppError, ConnectionSettings, NoPrinter, Opened, RpcError};
use aisle_bus::Bus;
use aisle_central::{
    Centre, NewStore, SimulateOptions, Speed, Stop, SystemClock as CentralClock, TopicsOptions, WorkOptions,
};
use aisle_contract::TopicNames;
use aisle_domain::StoreId;
use aisle_mirror::{Mirror, MirrorError};
use aisle_sync::{Clock, SystemClock};

use crate::{error, folder::find_demo, launcher::new_desk};

/// Times life: an hour passes in half a minute.
const SPEED: &str = "120";
/// Of life: how long an order waits to be accepted.
const ACCEPT_WITHIN_MS: i64 = 6 * 60 * 60 * 1000;

/// A running rehearsal; its centre ends when this is dropped.
pub(crate) struct Rehearsal {
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        self.stop.stop();
        for thread in self.threads.drain(..) {
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a part of the rehearsal ended by a fault");
            }
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn central(error: aisle_central::CentralError) -> RpcError {
    crate::error(error.code(), format!("the rehearsal's centre: {error}"), None)
}

fn fresh(dir: &Path, clock: &SystemClock) -> Result<(), RpcError> {
    let io = |e: std::io::Error| error("io_error", format!("the folder {}: {e}", dir.display()), None);
    // Only ever a folder that an earlier rehearsal made: it holds nothing else.
    if dir.join("central.db").exists() {
        // Whoever has it open still uses it; anything else that is wrong with it goes with the folder.
        if let Err(in_use @ MirrorError::FolderInUse { .. }) = Mirror::open(&dir.join("desk"), clock.now()) {
            return Err(AppError::from(in_use).into());
        }
        std::fs::remove_dir_all(dir).map_err(io)?;
    }
    std::fs::create_dir_all(dir).map_err(io)
}

/// The store whose days the folder has.
fn store_of(demo: &Path) -> Result<StoreId, RpcError> {
    let bad = |why: String| error("bad_settings", format!("the sample store in {}: {why}", demo.display()), None);
    let text = std::fs::read_to_string(demo.join("orders.jsonl")).map_err(|e| bad(e.to_string()))?;
    let first = text.lines().next().unwrap_or_default();
    let order: serde_json::Value = serde_json::from_str(first).map_err(|e| bad(e.to_string()))?;
    let id = order.get("store_id").map(ToString::to_string).unwrap_or_default();
    id.trim_matches('"').parse().map_err(|e: aisle_domain::BadId| bad(e.to_string()))
}

impl Rehearsal {
    pub(crate) fn start(dir: &Path, demo: Option<&Path>, clock: &SystemClock) -> Result<Opened, RpcError> {
        let demo = find_demo(demo)?;
        let store = store_of(&demo)?;
        fresh(dir, clock)?;
        let names = TopicNames::default();
        let centre =
            Centre::open(&dir.join("central.db"), names.clone(), Arc::new(CentralClock)).map_err(central)?;
        let mut row = NewStore::new(store, "Sample store", "1 Market Street");
        row.city = Some("Springfield".into());
        centre.add_store(row).map_err(central)?;
        let its_clock = *clock;
        let bus = Bus::new("rehearsal", move || its_clock.now());
        centre.topics(&bus, &TopicsOptions { create: true, ..TopicsOptions::default() }).map_err(central)?;
        let rehearsal = Self::run(&centre, &bus, store, &demo)?;
        let told = |e: MirrorError| RpcError::from(AppError::from(e));
        let mirror = Mirror::create(&dir.join("desk"), &new_desk(store, "", clock.now())).map_err(told)?;
        let connection = ConnectionSettings::load(&mirror).map_err(RpcError::from)?;
        Ok(Opened {
            mirror,
            transport: Arc::new(bus),
            key: None,
            names,
            rehearsal: true,
            connection,
            printer: Arc::new(NoPrinter),
            guard: Box::new(rehearsal),
        })
    }

    fn run(centre: &Centre, bus: &Bus, store: StoreId, demo: &Path) -> Result<Self, RpcError> {
        let stop = Stop::new();
        let mut rehearsal = Self { stop: stop.clone(), threads: Vec::new() };
        let (own, its_bus, its_stop) = (centre.clone(), bus.clone(), stop.clone());
        rehearsal.spawn("centre-work", move || {
            if let Err(error) = own.work(&its_bus, &WorkOptions::default(), &its_stop) {
                tracing::error!(%error, "the rehearsal's centre ended");
            }
        })?;
        let (own, its_stop) = (centre.clone(), stop);
        let mut options = SimulateOptions::new(store, demo);
        // Three minutes of the person who tries it.
        options.accept_within_ms = ACCEPT_WITHIN_MS;
        options.speed = SPEED.parse::<Speed>().map_err(central)?;
        rehearsal.spawn("centre-days", move || {
            if let Err(error) = own.simulate(&options, &its_stop) {
                tracing::error!(%error, "the rehearsal's days ended");
            }
        })?;
        Ok(rehearsal)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), RpcError> {
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(run)
            .map_err(|e| error("unexpected", format!("no thread for the rehearsal: {e}"), None))?;
        self.threads.push(thread);
        Ok(())
    }
}
