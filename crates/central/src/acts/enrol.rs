//! Enrolling a store: a key to sign with, a user at the cluster, and the file that carries both to a desk.

use std::path::{Path, PathBuf};

use aisle_contract::{
    StoreKey,
    enrolment::{Enrolment, FORMAT, KeyText, LineSecurity, Secret},
    signature::hex,
};
use aisle_domain::{Store, StoreId, Subject, Timestamp};

use super::{
    needed_store,
    stores::{NewStore, insert, store_view},
};
use crate::{
    Centre,
    error::CentralError,
    ledger::{AuditEntry, StoreUser, Tx},
    new_file,
    views::{EnrolmentView, StoreView},
};

/// What is not in central's database.
#[derive(Debug, Clone, Default)]
pub struct EnrolOptions {
    /// The cluster's machines as a desk reaches them, `host:port` separated by commas.
    pub brokers: String,
    /// Whether the line is secured with TLS and a user; always so with an authority's certificate.
    pub secured: bool,
    /// The certificate of the cluster's authority, as PEM.
    pub ca_pem: Option<String>,
    /// How long a desk takes the file.
    pub expires_after_ms: Option<i64>,
    /// Take nothing any more that is signed with the store's other keys.
    pub retire_others: bool,
    /// Give the store's user another password; the one before holds until the cluster's keeper sets this one.
    pub new_password: bool,
}

/// 32 bytes that nobody can guess.
fn secret() -> [u8; 32] {
    rand::random()
}

/// The user that a store has at the cluster.
fn user_of(tx: &Tx<'_>, store: StoreId, anew: bool, now: Timestamp) -> Result<StoreUser, CentralError> {
    if let Some(user) = tx.store_user(store)?.filter(|_| !anew) {
        return Ok(user);
    }
    let password = Secret::new(hex(secret().get(..20).unwrap_or_default()));
    let user = StoreUser { username: format!("store-{store}"), password };
    tx.set_store_user(store, &user, now)?;
    Ok(user)
}

impl Centre {
    /// Gives a store one more key and writes the file that enrols desks with it. Keys overlap until they are retired,
    /// so that desks can be enrolled one after the other. Needs no broker.
    ///
    /// # Errors
    /// [`CentralError::NotFound`] for a store that is not known, [`CentralError::BadValue`] for what no desk would
    /// take, [`CentralError::Taken`] when the file is there already, [`CentralError::File`] when it cannot be written. Nothing is changed then.
    pub fn enrol(&self, store: StoreId, options: &EnrolOptions, file: &Path) -> Result<StoreView, CentralError> {
        let now = self.now();
        self.ledger()?.write(|tx| {
            let store = needed_store(tx, store)?;
            self.enrol_in(tx, &store, options, file, now)
        })
    }

    /// Adds a store and enrols it at once: both or neither.
    pub fn add_and_enrol(
        &self,
        new: NewStore,
        options: &EnrolOptions,
        file: &Path,
    ) -> Result<StoreView, CentralError> {
        let now = self.now();
        self.ledger()?.write(|tx| {
            let store = insert(tx, new, now)?;
            self.enrol_in(tx, &store, options, file, now)
        })
    }

    /// The file is there before the transaction is committed: a file whose key central does not know can be thrown
    /// away, a key that nobody has would turn the store's desks away.
    fn enrol_in(
        &self,
        tx: &Tx<'_>,
        store: &Store,
        options: &EnrolOptions,
        file: &Path,
        now: Timestamp,
    ) -> Result<StoreView, CentralError> {
        let id = store.store_id;
        let key = StoreKey::new(&format!("k-{}", hex(&rand::random::<[u8; 6]>())), secret())
            .map_err(|e| CentralError::BadValue { what: e.to_string() })?;
        tx.add_key(id, &key, now)?;
        let retired = if options.retire_others { tx.retire_keys_but(id, key.id(), now)? } else { Vec::new() };
        let is_secured = options.secured || options.ca_pem.is_some();
        let user = if is_secured { Some(user_of(tx, id, options.new_password, now)?) } else { None };
        let facts = serde_json::json!({ "key": key.id(), "retired": retired });
        tx.audit(&AuditEntry {
            detail: Some(facts.to_string()),
            ..AuditEntry::of_central(id, Subject::Store, "store.enrolled", now)
        })?;
        let enrolment = Enrolment {
            format: FORMAT.into(),
            store_id: id,
            store_name: store.name.clone(),
            brokers: options.brokers.trim().into(),
            topic_prefix: self.names().prefix().into(),
            security: if is_secured { LineSecurity::SaslSsl } else { LineSecurity::Plaintext },
            username: user.as_ref().map(|user| user.username.clone()),
            password: user.map(|user| user.password),
            ca_pem: options.ca_pem.clone(),
            key: KeyText { id: key.id().into(), secret: Secret::new(key.secret_text().to_string()) },
            durability: store.durability,
            issued_at: now,
            expires_at: options.expires_after_ms.map(|span| now.plus_millis(span)),
        };
        let text = enrolment.to_text().map_err(|e| CentralError::BadValue { what: e.to_string() })?;
        let mut view = store_view(tx, store, now)?;
        view.enrolment = Some(EnrolmentView {
            file: file.display().to_string(),
            key_id: key.id().into(),
            username: enrolment.username.clone(),
            expires_at: enrolment.expires_at,
            retired,
        });
        write(file, text.expose())?;
        Ok(view)
    }
}

/// A new file that only its owner reads.
pub(super) fn write(file: &Path, text: &str) -> Result<(), CentralError> {
    new_file::write(file, text).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            CentralError::Taken { what: format!("the file {}", file.display()) }
        } else {
            CentralError::File { path: PathBuf::from(file), why: error.to_string() }
        }
    })
}
