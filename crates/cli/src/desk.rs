//! Desk commands: each opens the data folder, does one thing, and answers.

mod acts;
mod folder;
mod listing;
mod mend;
mod run;
mod staff;

pub(crate) use run::stop_flag;

use crate::{
    args::{Command, Global},
    exit::{self, Failure},
    output::Output,
};

pub(crate) fn run(command: &Command, global: &Global, output: Output) -> Result<u8, Failure> {
    match command {
        Command::Init(init) => folder::init(init, global, output),
        Command::Status => listing::status(global, output),
        Command::Sync(args) => run::sync(args, global, output),
        Command::Order(command) => acts::order(command, global, output),
        Command::Payment(command) => acts::payment(command, global, output),
        Command::Item(command) => acts::item(command, global, output),
        Command::Store(command) => acts::store(command, global, output),
        Command::Undo { change_id } => acts::undo(change_id.as_deref(), global, output),
        Command::Outbox(command) => acts::outbox(command, global, output),
        Command::Parked(command) => mend::parked(command, global, output),
        Command::Conflict(command) => mend::conflict(command, global, output),
        Command::Backup { file } => mend::backup(file, global, output),
        Command::Diagnostics { file } => mend::diagnostics(file, global, output),
        Command::Restore(command) => mend::restore(command, global, output),
        Command::Audit(command) => listing::audit(command, global, output),
        Command::Verify { deep } => listing::verify(*deep, global, output),
        Command::Digest => listing::digest(global, output),
        Command::Config(command) => listing::config(command, global, output),
        Command::Serve(args) => run::serve(args, global, output),
        Command::Rehearse(args) => run::rehearse(args, global, output),
        Command::Staff(command) => staff::staff(command, global, output),
        Command::Other(words) => unknown(words),
        Command::Central(_) => Ok(exit::OK),
        #[cfg(feature = "dev")]
        Command::Dev(_) => Ok(exit::OK),
    }
}

fn unknown(words: &[String]) -> Result<u8, Failure> {
    let word = words.first().map_or("", String::as_str);
    Err(Failure::new("usage", format!("there is no command \"{word}\""))
        .with_hint("aisle --help lists the commands"))
}
