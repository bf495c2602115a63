//! Randomness as a value: what needs some is handed it, and a simulation hands in what is the same every time.

use std::sync::Arc;

use uuid::{Builder, Uuid};

use crate::Incarnation;

/// A source of random numbers. Cheap to clone; all clones draw from the same source.
#[derive(Clone)]
pub struct Chance(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Chance {
    /// Draws with `draw`, all of whose 64 bits are used.
    pub fn new(draw: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }

    /// The next number.
    pub fn draw(&self) -> u64 {
        (self.0)()
    }

    /// A new random id.
    pub fn uuid(&self) -> Uuid {
        let (high, low) = (self.draw(), self.draw());
        Builder::from_random_bytes(Uuid::from_u64_pair(high, low).into_bytes()).into_uuid()
    }

    /// A new numbering.
    pub fn incarnation(&self) -> Incarnation {
        Incarnation(self.draw())
    }
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chance")
    }
}
