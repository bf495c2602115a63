//! Single acts of the centre, and what it knows.

use aisle_central::{Centre, ItemChange, NewStore};
use aisle_domain::{ItemId, Money, StoreId};
use serde_json::json;

use super::place;
use crate::{
    args::{CentralItem, CentralOrder, CentralPayment, DeadLetters, Desks, Global, Place, Stores},
    exit::{self, Failure},
    output::{Output, check_code},
};

pub(super) fn stores(place: &Place, command: &Stores, global: &Global, output: Output) -> Result<u8, Failure> {
    let centre = place::centre(place, global)?;
    match command {
        Stores::Add { id, name, address1, city, currency, time_zone, enrolment } => {
            if enrolment.is_some() {
                return Err(Failure::new("not_yet", "enrolment files are not yet there in this version"));
            }
            let mut new = NewStore::new(id.parse()?, name, address1);
            new.city.clone_from(city);
            new.currency.clone_from(currency);
            new.time_zone.clone_from(time_zone);
            output.result(&centre.add_store(new)?)?;
        }
        Stores::List => output.result(&json!({ "items": centre.list_stores()?, "next": null }))?,
    }
    Ok(exit::OK)
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
