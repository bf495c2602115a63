//! Which orders ring, remembered so that the end of every alarm is told: heard here, decided here, or taken elsewhere.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aisle_domain::OrderId;

use crate::events::AlarmKind;

/// The alarms that were told to begin and not yet to end.
#[derive(Debug, Default)]
pub(crate) struct Rings(Mutex<BTreeMap<OrderId, AlarmKind>>);

impl Rings {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderId, AlarmKind>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, order: OrderId, kind: AlarmKind) {
        self.lock().insert(order, kind);
    }

    pub(crate) fn are_silent(&self) -> bool {
        self.lock().is_empty()
    }

    /// Forgets those that are not unheard any more, and answers them.
    pub(crate) fn end(&self, unheard: &[OrderId]) -> Vec<(OrderId, AlarmKind)> {
        self.lock().extract_if(.., |order, _| !unheard.contains(order)).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_alarm_is_told_once() {
        let (one, two) = (OrderId::new(1).unwrap(), OrderId::new(2).unwrap());
        let rings = Rings::default();
        rings.begin(one, AlarmKind::New);
        rings.begin(two, AlarmKind::Cancelled);
        assert_eq!(rings.end(&[two]), [(one, AlarmKind::New)]);
        assert_eq!(rings.end(&[two]), []);
        assert_eq!(rings.end(&[]), [(two, AlarmKind::Cancelled)]);
        assert!(rings.are_silent());
    }
}
