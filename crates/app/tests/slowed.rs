//! A cluster that makes a desk wait, as whoever asks the desk for its status sees it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aisle_app::{App, ConnectionReport, ConnectionSettings, EnrolmentView, Launcher, Opened, RpcError};
use aisle_bus::Bus;
use aisle_contract::{PortError, Through, TopicNames, Transport};
use aisle_domain::{DeskId, Incarnation, StoreId};
use aisle_mirror::{Mirror, NewDesk};
use aisle_sync::{Clock, SystemClock};
use serde_json::Value;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(20);

/// A line to a cluster without anything in it, which makes whoever uses it wait.
struct Slow {
    bus: Bus,
    wait: Arc<Mutex<Option<Duration>>>,
}

impl Through for Slow {
    fn through(&self) -> Result<&dyn Transport, PortError> {
        Ok(&self.bus)
    }

    fn throttled(&self) -> Option<Duration> {
        *self.wait.lock().unwrap()
    }
}

/// A program whose folder holds a desk on such a line.
struct OnSlowLine {
    folder: tempfile::TempDir,
    wait: Arc<Mutex<Option<Duration>>>,
}

impl Launcher for OnSlowLine {
    fn open(&self) -> Result<Option<Opened>, RpcError> {
        let new = NewDesk {
            store_id: StoreId::new(367).unwrap(),
            desk_id: DeskId(Uuid::from_u128(7)),
            incarnation: Incarnation(1),
            desk_name: "Front".into(),
            at: SystemClock::default().now(),
        };
        let bus = Bus::new("bus-1", || SystemClock::default().now());
        Ok(Some(Opened {
            mirror: Mirror::create(&self.folder.path().join("desk"), &new).unwrap(),
            transport: Arc::new(Slow { bus, wait: Arc::clone(&self.wait) }),
            key: None,
            names: TopicNames::default(),
            rehearsal: false,
            connection: ConnectionSettings::default(),
            printer: Arc::new(aisle_app::NoPrinter),
            guard: Box::new(()),
        }))
    }

    fn connect(&self, _: &ConnectionSettings) -> Result<Opened, RpcError> {
        unreachable!("the folder has a desk")
    }

    fn read_enrolment(&self, _: &str) -> Result<EnrolmentView, RpcError> {
        unreachable!("the folder has a desk")
    }

    fn enrol(&self, _: &str, _: &str) -> Result<Opened, RpcError> {
        unreachable!("the folder has a desk")
    }

    fn rehearse(&self) -> Result<Opened, RpcError> {
        unreachable!("the folder has a desk")
    }

    fn test(&self, _: &ConnectionSettings) -> ConnectionReport {
        unreachable!("the folder has a desk")
    }
}

#[test]
fn a_desk_that_is_made_to_wait_shows_it_in_its_status_until_it_is_not_any_more() {
    let wait = Arc::new(Mutex::new(Some(Duration::from_millis(1_200))));
    let launcher = OnSlowLine { folder: tempfile::tempdir().unwrap(), wait: Arc::clone(&wait) };
    let app = App::new(Arc::new(launcher), Arc::new(SystemClock::default()));
    app.start().unwrap();
    let shown = |wanted: Value| {
        let end = Instant::now() + PATIENCE;
        loop {
            let link = app.call("status", Value::Null).unwrap()["link"].clone();
            if link["throttled_ms"] == wanted {
                return;
            }
            assert!(Instant::now() < end, "{link}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    shown(1_200.into());
    *wait.lock().unwrap() = None;
    shown(Value::Null);
    app.quit(Duration::ZERO);
}
