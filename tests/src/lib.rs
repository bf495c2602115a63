//! Journeys across crates; see the files beside this one.
