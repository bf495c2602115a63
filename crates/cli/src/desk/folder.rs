//! The data folder: making it and opening it.

use std::{path::PathBuf, sync::Arc};

use aisle_app::{ConnectionSettings, Desk, Security};
use aisle_contract::{Enrolment, enrolment::are_brokers};
use aisle_host::{check_store, read_enrolment_file, settings_of};
use aisle_mirror::{Mirror, MirrorError};
use aisle_sync::{Clock, SystemClock};
use serde_json::json;

use super::staff::read_pin;
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
    let desk = Desk::offline(open_mirror(global)?, Arc::new(SystemClock::default()))?
        .with_printer(Arc::new(aisle_host::SystemPrinter::default()));
    if let Some(name) = &global.person {
        let pin = global.pin_file.as_deref().map(read_pin).transpose()?;
        desk.sign_in_as(name, pin.as_ref())?;
    }
    Ok(desk)
}

/// The database alone, with the folder's lock.
pub(crate) fn open_mirror(global: &Global) -> Result<Mirror, Failure> {
    Mirror::open(&path(global)?, SystemClock::default().now()).map_err(|e| nothing_there(global, e))
}

/// The connection of an enrolment file or of flags, and the store it is for.
fn connection_of(
    init: &Init,
    global: &Global,
    enrolment: Option<&Enrolment>,
) -> Result<ConnectionSettings, Failure> {
    if let Some(enrolment) = enrolment {
        check_store(enrolment, init.store.parse()?)?;
        let mut connection = settings_of(enrolment, &init.desk_name);
        if let Some(brokers) = &init.brokers {
            connection.brokers.clone_from(brokers);
        }
        return Ok(connection);
    }
    Ok(ConnectionSettings {
        store_id: init.store.clone(),
        desk_name: init.desk_name.clone(),
        brokers: init.brokers.clone().unwrap_or_default(),
        topic_prefix: global.topic_prefix.clone().unwrap_or_default(),
        security: if init.username.is_some() { Security::SaslSsl } else { Security::Plaintext },
        username: init.username.clone(),
        password_file: init.password_file.clone(),
        ca_file: init.ca_file.clone(),
        enrolled: None,
    })
}

pub(crate) fn init(init: &Init, global: &Global, output: Output) -> Result<u8, Failure> {
    if init.rest.is_some() {
        return Err(Failure::new("not_yet", "REST proxies are not yet there in this version"));
    }
    let dir = path(global)?;
    let now = SystemClock::default().now();
    let enrolment = init.enrolment.as_deref().map(|file| read_enrolment_file(file, now)).transpose()?;
    let connection = connection_of(init, global, enrolment.as_ref())?;
    let store_id = match &enrolment {
        // The file was checked when it was read; its password is in no file.
        Some(enrolment) if are_brokers(&connection.brokers) => enrolment.store_id,
        _ => connection.validate()?,
    };
    let in_keychain = aisle_host::wants_keychain();
    let created = !dir.join("aisle.db").exists();
    let mirror = if created {
        let new = aisle_host::new_desk(store_id, &init.desk_name, now);
        match &enrolment {
            Some(enrolment) => aisle_host::enrol_new(&dir, &new, enrolment, connection, in_keychain)?,
            None => connection.create(&dir, &new)?,
        }
    } else {
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
        if let Some(enrolment) = &enrolment {
            aisle_host::take_over(&mirror, enrolment, connection, in_keychain)?;
        }
        mirror
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
