//! The people of a desk, from the terminal.

use std::path::Path;

use aisle_app::{Desk, Pin, views::StaffView};
use serde_json::json;

use super::folder;
use crate::{
    args::{Global, Staff},
    exit::{self, Failure},
    output::Output,
};

/// A PIN as it stands in a file, or on the standard input: never in an argument.
pub(crate) fn read_pin(file: &Path) -> Result<Pin, Failure> {
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|why| {
        let message = format!("the PIN cannot be read from {}: {why}", file.display());
        Failure::new("io_error", message).with_hint("name a file that holds the PIN and nothing else, or -")
    })?;
    Ok(Pin::new(text.trim()))
}

/// The number of who has the name.
fn of(desk: &Desk, name: &str) -> Result<String, Failure> {
    let is_them = |known: &str| known.to_lowercase() == name.trim().to_lowercase();
    let found = desk.staff()?.people.into_iter().find(|person| is_them(&person.name));
    found
        .map(|person| person.staff_id)
        .ok_or_else(|| Failure::new("not_found", format!("there is no person \"{name}\" at this desk")))
}

pub(crate) fn staff(command: &Staff, global: &Global, output: Output) -> Result<u8, Failure> {
    let StaffView { people } = match command {
        Staff::List => folder::open_to_read(global)?.staff()?,
        Staff::Add { name, role, new_pin_file } => {
            let pin = read_pin(new_pin_file)?;
            folder::open_to_act(global)?.add_member(name, role.parse()?, &pin)?
        }
        Staff::SetPin { name, new_pin_file } => {
            let (desk, pin) = (folder::open_to_act(global)?, read_pin(new_pin_file)?);
            desk.set_pin(&of(&desk, name)?, &pin, None)?
        }
        Staff::SetRole { name, role } => {
            let desk = folder::open_to_act(global)?;
            desk.set_role(&of(&desk, name)?, role.parse()?)?
        }
        Staff::Rename { name, to } => {
            let desk = folder::open_to_act(global)?;
            desk.rename_member(&of(&desk, name)?, to)?
        }
        Staff::Disable { name } => {
            let desk = folder::open_to_act(global)?;
            desk.disable_member(&of(&desk, name)?)?
        }
        Staff::Recover { name, new_pin_file } => {
            let pin = read_pin(new_pin_file)?;
            folder::open_to_act(global)?.recover(name, &pin)?
        }
    };
    output.result(&json!({ "items": people, "next": null }))?;
    Ok(exit::OK)
}
