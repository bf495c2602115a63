//! The reference centre from a terminal.

mod acts;
mod loops;
mod place;

use crate::{args::Central, exit::Failure, output::Output};

pub(crate) fn run(command: &Central, global: &crate::args::Global, output: Output) -> Result<u8, Failure> {
    match command {
        Central::Topics { .. } => loops::topics(command, global, output),
        Central::Work { .. } => loops::work(command, global, output),
        Central::Simulate { .. } => loops::simulate(command, global, output),
        Central::Stores { place, command } => acts::stores(place, command, global, output),
        Central::Order { place, command } => acts::order(place, command, global, output),
        Central::Payment { place, command } => acts::payment(place, command, global, output),
        Central::Item { place, command } => acts::item(place, command, global, output),
        Central::Verify { place, store } => acts::verify(place, store.as_deref(), global, output),
        Central::Digest { place, store } => acts::digest(place, store, global, output),
        Central::Desks { place, command } => acts::desks(place, command, global, output),
        Central::NewEpoch { place, yes } => acts::new_epoch(place, *yes, global, output),
        Central::DeadLetters { place, command } => acts::dead_letters(place, command, global, output),
    }
}
