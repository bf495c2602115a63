//! What was turned away that claimed to be a store's, until somebody has looked into it.

use aisle_domain::{StoreId, Subject};

use super::needed_store;
use crate::{
    Centre,
    error::CentralError,
    ledger::{AuditEntry, Tx},
    views::{AlarmView, StoreAlarmView},
};

fn of_store(tx: &Tx<'_>, store: StoreId) -> Result<Vec<StoreAlarmView>, CentralError> {
    let view = |row| StoreAlarmView { store_id: store, alarm: AlarmView::from(row) };
    Ok(tx.alarms(store)?.into_iter().map(view).collect())
}

impl Centre {
    /// The alarms of one store, or of all, the latest of each store first.
    pub fn list_alarms(&self, store: Option<StoreId>) -> Result<Vec<StoreAlarmView>, CentralError> {
        self.ledger()?.read(|tx| {
            let stores = match store {
                Some(store) => vec![needed_store(tx, store)?],
                None => tx.stores()?,
            };
            let found = stores.iter().map(|store| of_store(tx, store.store_id));
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
    }

    /// Somebody has looked into a store's alarms: they are listed no more, and the audit log keeps what they were. What
    /// rang stays among the dead letters, and what comes after rings again. Answers what was cleared.
    pub fn clear_alarms(&self, store: StoreId) -> Result<Vec<StoreAlarmView>, CentralError> {
        let now = self.now();
        self.ledger()?.write(|tx| {
            needed_store(tx, store)?;
            let cleared = of_store(tx, store)?;
            if !cleared.is_empty() {
                tx.clear_alarms(store)?;
                let mut entry = AuditEntry::of_central(store, Subject::Store, "alarms.cleared", now);
                entry.detail = Some(serde_json::to_string(&cleared).map_err(CentralError::from)?);
                tx.audit(&entry)?;
            }
            Ok(cleared)
        })
    }
}
