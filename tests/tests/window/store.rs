//! A store whose desk has seen orders and has no line now.

use std::{path::Path, sync::Arc, sync::atomic::AtomicBool, time::Duration};

use aisle_app::{ConnectionSettings, Launcher, Security};
use aisle_bus::Bus;
use aisle_central::{
    Centre, NewStore, SimulateOptions, Stop, SystemClock as CentralClock, TopicsOptions, WorkOptions,
};
use aisle_contract::TopicNames;
use aisle_domain::{Incarnation, Lane, StoreId};
use aisle_host::StandardLauncher;
use aisle_mirror::{Anew, Mirror, Reason};
use aisle_sync::{Clock, Goal, SyncOptions, SystemClock, once};
use aisle_testkit::fixtures;
use serde_json::Value;

/// Where nothing listens.
pub(crate) const NOWHERE: &str = "127.0.0.1:1";

pub(crate) fn settings() -> ConnectionSettings {
    ConnectionSettings {
        store_id: "367".into(),
        desk_name: "Desk 1".into(),
        brokers: NOWHERE.into(),
        topic_prefix: String::new(),
        security: Security::Plaintext,
        username: None,
        password_file: None,
        ca_file: None,
        enrolled: None,
    }
}

/// Gives a desk's line a password, which is in this file.
pub(crate) fn secure(desk: &Path, password: &Path) {
    let mirror = Mirror::open(desk, SystemClock::default().now()).unwrap();
    let secured = ConnectionSettings {
        security: Security::SaslSsl,
        username: Some("store-367".into()),
        password_file: Some(password.display().to_string()),
        ..ConnectionSettings::load(&mirror).unwrap()
    };
    secured.save(&mirror).unwrap();
}

/// Lets a desk find out that a copy of it sends, and begin both its feeds anew, which nothing ends while it is cut off.
pub(crate) fn copied_and_mirrored_anew(desk: &Path) {
    let mirror = Mirror::open(desk, SystemClock::default().now()).unwrap();
    let now = SystemClock::default().now();
    mirror.renumber(Incarnation(99), Anew::Forked, now).unwrap();
    for lane in Lane::ALL {
        mirror.remirror(lane, Reason::Cluster, &Value::Null, now).unwrap();
    }
}

/// Makes the folder of a desk that read its first orders from central, and was then cut off.
pub(crate) fn cut_off(dir: &Path, orders: usize) -> std::path::PathBuf {
    let store = StoreId::new(367).unwrap();
    let clock = SystemClock::default();
    let bus = Bus::new("bus-1", move || clock.now());
    let centre = Centre::open(&dir.join("central.db"), TopicNames::default(), Arc::new(CentralClock)).unwrap();
    centre.add_store(NewStore::new(store, "Store 367", "1 Market Street")).unwrap();
    centre.topics(&bus, &TopicsOptions { create: true, ..TopicsOptions::default() }).unwrap();
    let days = dir.join("days");
    fixtures::cut(&fixtures::demo(), &days, orders).unwrap();
    centre.simulate(&SimulateOptions::new(store, &days), &Stop::new()).unwrap();
    let work = WorkOptions { until_idle: true, timeout: Some(Duration::from_secs(60)), ..WorkOptions::default() };
    centre.work(&bus, &work, &Stop::new()).unwrap();
    let desk = dir.join("desk");
    let opened = StandardLauncher::new(desk.clone()).connect(&settings()).unwrap();
    let options = SyncOptions {
        names: TopicNames::default(),
        push_interval: Duration::from_mins(5),
        push_decisions_at_once: true,
        version: "test".into(),
        desk_name: "Desk 1".into(),
        chance: aisle_sync::system_chance(),
        key: None,
        durability: aisle_domain::store::Durability::default(),
    };
    let stop = AtomicBool::new(false);
    let limit = Duration::from_secs(60);
    let read = once(&opened.mirror, &bus, &options, Goal::CaughtUp, limit, &clock, &stop, &mut |_| {}).unwrap();
    assert!(read.reached, "{read:?}");
    desk
}
