//! The real window under a screen of its own, as tests and measurements drive it: over WebDriver, by keys, as a person
//! would. What cannot go on panics: whoever drives it is a test.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    reason = "a test that cannot go on ends, and says what it saw"
)]

mod driver;
mod person;
mod screen;

pub use driver::{PATIENCE, Theme, Window, until};
pub use screen::{can_show, program};
