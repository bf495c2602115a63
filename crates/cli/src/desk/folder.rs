//! The data folder: making it and opening it.

use std::{path::PathBuf, sync::Arc};

use aisle_app::{ConnectionSettings, Desk, Security};
use aisle_domain::{DeskId, Incarnation};
use aisle_mirror::{Mirror, MirrorError, NewDesk};
use aisle_sync::{Clock, SystemClock};
use serde_json::json;
use uuid::Uuid;

use crate::{
    args::{Global, Init},
    exit::{self, Failure},
    output::Output,
};

/// The folder that was named, or the platform's own.
pub(crate) fn path(global: &Global) -> Result<PathBuf, Failure> {
    match &global.data {
        Some(path) => Ok(path.clone()),
        None => Ok(aisle_host::default_data_folder()?),
    }
}

fn nothing_there(global: &Global, error: MirrorError) -> Failure {
    let failure = Failure::from(error);
    if failure.0.code != "no_desk" || global.data.is_some() {
        return failure;
    }
    failure.with_hint("name the folder with --data or AISLE_DATA, or make it with aisle init")
}

/// Opens for reading, beside a running desk where there is one.
pub(crate) fn open_to_read(global: &Global) -> Result<Desk, Failure> {
    let mirror = Mirror::open_read_only(&path(global)?).map_err(|e| nothing_there(global, e))?;
    Ok(Desk::offline(mirror, Arc::new(SystemClock::default()))?)
}

/// Opens for acting: takes the folder's lock.
pub(crate) fn open_to_act(global: &Global) -> Result<Desk, Failure> {
    let mirror = open_mirror(global)?;
    Ok(Desk::offline(mirror, Arc::new(SystemClock::default()))?)
}

/// The database alone, with the folder's lock.
pub(crate) fn open_mirror(global: &Global) -> Result<Mirror, Failure> {
    Mirror::open(&path(global)?, SystemClock::default().now()).map_err(|e| nothing_there(global, e))
}

pub(crate) fn init(init: &Init, global: &Global, output: Output) -> Result<u8, Failure> {
    if init.enrolment.is_some() || init.rest.is_some() {
        return Err(Failure::new("not_yet", "enrolment files and REST proxies are not yet there in this version"));
    }
    let dir = path(global)?;
    let connection = ConnectionSettings {
        store_id: init.store.clone(),
        desk_name: init.desk_name.clone(),
        brokers: init.brokers.clone(),
        topic_prefix: global.topic_prefix.clone().unwrap_or_default(),
        security: if init.username.is_some() { Security::SaslSsl } else { Security::Plaintext },
        username: init.username.clone(),
        password_file: init.password_file.clone(),
        ca_file: init.ca_file.clone(),
    };
    let store_id = connection.validate()?;
    let now = SystemClock::default().now();
    let (mirror, created) = if dir.join("aisle.db").exists() {
        let mirror = Mirror::open(&dir, now)?;
        let own = mirror.identity().store_id;
        if own != store_id {
            let message = format!("the folder {} belongs to store {own}, not to store {store_id}", dir.display());
            return Err(Failure::new("wrong_store", message).with_hint("name another folder with --data"));
        }
        if !init.if_missing {
            let message = format!("the folder {} is this store's already", dir.display());
            return Err(Failure::new("id_taken", message).with_hint("use --if-missing where that is fine"));
        }
        (mirror, false)
    } else {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let new = NewDesk {
            store_id,
            desk_id: DeskId(Uuid::new_v4()),
            incarnation: Incarnation(high ^ low.rotate_left(32)),
            desk_name: init.desk_name.clone(),
            at: now,
        };
        let mirror = Mirror::create(&dir, &new)?;
        connection.save(&mirror)?;
        (mirror, true)
    };
    let identity = mirror.identity();
    output.result(&json!({
        "store_id": identity.store_id,
        "desk_id": identity.desk_id,
        "incarnation": identity.incarnation,
        "data": dir.display().to_string(),
        "created": created,
    }))?;
    Ok(exit::OK)
}
