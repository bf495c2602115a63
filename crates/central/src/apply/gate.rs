//! Who is let in: signatures, before anything else in a record is believed.

use std::collections::HashMap;

use aisle_contract::{Event, signature};
use aisle_domain::StoreId;

use crate::{
    error::CentralError,
    ledger::{Alarm, StoreKeys, Tx},
};

/// Checks signatures. Keys are read once a batch.
#[derive(Debug, Default)]
pub(super) struct Gate {
    keys: HashMap<StoreId, StoreKeys>,
}

impl Gate {
    /// Why nothing of this event is to be believed. One that names no store is let through: nothing can come of it.
    pub(super) fn turned_away(&mut self, tx: &Tx<'_>, event: &Event<'_>) -> Result<Option<Alarm>, CentralError> {
        let Ok(store) = event.attributes.read::<StoreId>("store") else { return Ok(None) };
        let keys = match self.keys.get(&store) {
            Some(keys) => keys,
            None => self.keys.entry(store).or_insert(tx.store_keys(store)?),
        };
        if !keys.must_sign {
            return Ok(None);
        }
        Ok(signature::check(event, &keys.active).err().map(|bad| Alarm {
            kind: bad.kind(),
            store,
            desk: event.attributes.read("desk").ok(),
            why: format!("not believed to be of store {store}: {bad}"),
        }))
    }
}
