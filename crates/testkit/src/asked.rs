//! What whoever runs a test asks of it by the environment.

use std::env::VarError;

/// The number that this variable says, or another without it.
///
/// # Panics
/// Where it says something else: a misspelt wish must not pass as the usual run.
#[allow(clippy::panic, reason = "a test that cannot go on ends")]
pub fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("{name}={text} is no number: {error}")),
        Err(VarError::NotPresent) => otherwise,
        Err(VarError::NotUnicode(text)) => panic!("{name}={} is no text", text.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_variable_it_is_the_usual_number() {
        assert_eq!(number("AISLE_ASKED_FOR_BY_NOBODY", 7), 7);
    }

    #[test]
    #[should_panic(expected = "PATH=")]
    fn what_is_no_number_ends_the_test() {
        number("PATH", 7);
    }
}
