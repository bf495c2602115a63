//! Single acts of the centre, and what it knows.

use std::time::Duration;

use aisle_central::{Centre, EnrolOptions, GrantsOptions, ItemChange, NewStore};
use aisle_domain::{ItemId, Money, StoreId};
use serde_json::json;

use super::place;
use crate::{
    args::{CentralItem, CentralOrder, CentralPayment, DeadLetters, Desks, EnrolFlags, Global, Place, Stores},
    exit::{self, Failure},
    output::{Output, check_code},
};

const LONGEST: Duration = Duration::from_hours(3650 * 24);

pub(super) fn stores(place: &Place, command: &Stores, global: &Global, output: Output) -> Result<u8, Failure> {
    let centre = place::centre(place, global)?;
    match command {
        Stores::Add { id, name, address1, city, currency, time_zone, enrol, enrolment } => {
            let mut new = NewStore::new(id.parse()?, name, address1);
            new.city.clone_from(city);
            new.currency.clone_from(currency);
            new.time_zone.clone_from(time_zone);
            output.result(&match enrolment {
                Some(file) => centre.add_and_enrol(new, &enrol_options(place, enrol)?, file)?,
                None => centre.add_store(new)?,
            })?;
        }
        Stores::Enrol { id, enrolment, enrol, retire_others, new_password } => {
            let mut options = enrol_options(place, enrol)?;
            options.retire_others = *retire_others;
            options.new_password = *new_password;
            output.result(&centre.enrol(id.parse()?, &options, enrolment)?)?;
        }
        Stores::Grants { id, revoke, secret_file, command_config } => {
            let options = GrantsOptions {
                revoke: *revoke,
                secret_file: secret_file.clone(),
                bootstrap: place.brokers.clone(),
                command_config: command_config.clone(),
            };
            output.result(&centre.grants(id.parse()?, &options)?)?;
        }
        Stores::Alarms { id, clear } => {
            let store: Option<StoreId> = id.as_deref().map(str::parse).transpose()?;
            let alarms = match store {
                Some(store) if *clear => centre.clear_alarms(store)?,
                store => centre.list_alarms(store)?,
            };
            output.result(&json!({ "items": alarms, "next": null }))?;
        }
        Stores::ScaleLabels { id, layouts } => {
            let store = centre.set_scale_labels(id.parse()?, layouts)?;
            output.result(&json!({ "store_id": store.store_id, "scale_labels": store.policies.scale_labels }))?;
        }
        Stores::List => output.result(&json!({ "items": centre.list_stores()?, "next": null }))?,
    }
    Ok(exit::OK)
}

fn enrol_options(place: &Place, flags: &EnrolFlags) -> Result<EnrolOptions, Failure> {
    let brokers = place.brokers.clone().ok_or_else(|| {
        Failure::new("usage", "the file must say where the cluster is").with_hint("use --brokers HOST:PORT,..")
    })?;
    let ca_pem = place.ca_file.as_ref().map(|file| {
        let bad = |why: String| {
            let message = format!("the authority's certificate {}: {why}", file.display());
            Failure::new("bad_settings", message).with_hint("name a file in the PEM format with --ca-file")
        };
        let text = std::fs::read_to_string(file).map_err(|e| bad(e.to_string()))?;
        if text.contains("-----BEGIN CERTIFICATE-----") && !text.contains("PRIVATE KEY") {
            Ok(text)
        } else {
            Err(bad("it holds no certificate, or a private key beside it".into()))
        }
    });
    if flags.expires > LONGEST {
        return Err(Failure::new("bad_value", "an enrolment file is taken for 3650d at most"));
    }
    Ok(EnrolOptions {
        brokers,
        secured: flags.sasl,
        ca_pem: ca_pem.transpose()?,
        expires_after_ms: Some(i64::try_from(flags.expires.as_millis()).unwrap_or(i64::MAX)),
        ..EnrolOptions::default()
    })
}

pub(super) fn order(
    place: &Place,
    command: &CentralOrder,
    global: &Global,
    output: Output,
) -> Result<u8, Failure> {
    let centre = place::centre(place, global)?;
    match command {
        CentralOrder::List { store, page } => {
            output.result(&centre.list_orders(
                store.parse()?,
                &[],
                page.after.as_deref(),
                page.limit.into(),
            )?)?;
        }
        CentralOrder::Show { id } => output.result(&centre.show_order(None, id.parse()?)?)?,
        CentralOrder::Cancel { id, reason } => {
            output.result(&centre.cancel_order(None, id.parse()?, reason)?)?;
        }
        CentralOrder::Range { id, lo, hi } => {
            let (lo, hi) = (Money::parse_non_negative(lo)?, Money::parse_non_negative(hi)?);
            output.result(&centre.set_range(None, id.parse()?, lo, hi)?)?;
        }
    }
    Ok(exit::OK)
}

pub(super) fn payment(
    place: &Place,
    command: &CentralPayment,
    global: &Global,
    output: Output,
) -> Result<u8, Failure> {
    let CentralPayment::Add { order, amount } = command;
    let centre = place::centre(place, global)?;
    let amount = Money::parse_non_negative(amount)?;
    output.result(&centre.add_payment(None, order.parse()?, amount)?)?;
    Ok(exit::OK)
}

pub(super) fn item(place: &Place, command: &CentralItem, global: &Global, output: Output) -> Result<u8, Failure> {
    let centre = place::centre(place, global)?;
    match command {
        CentralItem::Set { store, item, fields } => {
            let changes = fields
                .iter()
                .map(|(field, value)| format!("{field}={value}").parse::<ItemChange>())
                .collect::<Result<Vec<_>, _>>()?;
            output.result(&centre.set_item(store.parse()?, item.parse::<ItemId>()?, &changes)?)?;
        }
        CentralItem::Remove { store, item } => {
            output.result(&centre.remove_item(store.parse()?, item.parse::<ItemId>()?)?)?;
        }
    }
    Ok(exit::OK)
}

pub(super) fn verify(place: &Place, store: Option<&str>, global: &Global, output: Output) -> Result<u8, Failure> {
    let centre: Centre = place::centre(place, global)?;
    let store: Option<StoreId> = store.map(str::parse).transpose()?;
    let report = centre.verify(store)?;
    output.result(&report)?;
    Ok(check_code(report.ok))
}

pub(super) fn digest(place: &Place, store: &str, global: &Global, output: Output) -> Result<u8, Failure> {
    output.result(&place::centre(place, global)?.digest(store.parse()?)?)?;
    Ok(exit::OK)
}

pub(super) fn dead_letters(
    place: &Place,
    command: &DeadLetters,
    global: &Global,
    output: Output,
) -> Result<u8, Failure> {
    let centre = place::centre(place, global)?;
    let number = |id: &str| {
        id.parse().map_err(|_| Failure::new("bad_id", format!("\"{id}\" is not the number of a dead letter")))
    };
    match command {
        DeadLetters::List { page } => {
            output.result(&centre.list_dead_letters(page.after.as_deref(), page.limit.into())?)?;
        }
        DeadLetters::Show { id } => output.result(&centre.show_dead_letter(number(id)?)?)?,
        DeadLetters::Replay { id } => output.result(&centre.replay_dead_letter(number(id)?)?)?,
        DeadLetters::Skip { id } => output.result(&centre.skip_dead_letter(number(id)?)?)?,
    }
    Ok(exit::OK)
}

pub(super) fn desks(place: &Place, command: &Desks, global: &Global, output: Output) -> Result<u8, Failure> {
    let Desks::Retire { id } = command;
    output.result(&place::centre(place, global)?.retire_desk(id.parse()?)?)?;
    Ok(exit::OK)
}

pub(super) fn new_epoch(place: &Place, yes: bool, global: &Global, output: Output) -> Result<u8, Failure> {
    let centre = place::existing(place, global)?;
    let question =
        "Begin another history? Every desk mirrors all rows anew and sends again what this one does not know.";
    output.confirm(question, yes, global)?;
    output.result(&centre.new_epoch()?)?;
    Ok(exit::OK)
}
