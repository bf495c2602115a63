//! Central's database and cluster, as the flags name them.

use std::sync::Arc;

use aisle_app::RpcError;
use aisle_central::{CentralError, Centre, SystemClock};
use aisle_contract::TopicNames;
use aisle_kafka::{Kafka, KafkaSettings, Security};

use crate::{
    args::{Global, Place},
    exit::Failure,
};

impl From<CentralError> for Failure {
    fn from(error: CentralError) -> Self {
        Self(RpcError {
            code: error.code().into(),
            message: error.to_string(),
            hint: None,
            retryable: error.retryable(),
        })
    }
}

fn names(global: &Global) -> TopicNames {
    global.topic_prefix.as_deref().map_or_else(TopicNames::default, TopicNames::new)
}

/// The centre over its database, made where it is not there yet.
pub(super) fn centre(place: &Place, global: &Global) -> Result<Centre, Failure> {
    let db = place.db.as_ref().ok_or_else(|| {
        Failure::new("usage", "central's database is not named").with_hint("use --db FILE or AISLE_CENTRAL_DB")
    })?;
    Ok(Centre::open(db, names(global), Arc::new(SystemClock))?)
}

/// The centre over a database that is there: a new one has nothing to begin anew.
pub(super) fn existing(place: &Place, global: &Global) -> Result<Centre, Failure> {
    match &place.db {
        Some(db) if !db.is_file() => {
            Err(Failure::new("not_found", format!("there is no database of central's at {}", db.display()))
                .with_hint("name it with --db FILE or AISLE_CENTRAL_DB"))
        }
        _ => centre(place, global),
    }
}

/// The way to central's cluster.
pub(super) fn cluster(place: &Place) -> Result<Kafka, Failure> {
    let brokers = place.brokers.clone().ok_or_else(|| {
        Failure::new("usage", "the cluster is not named").with_hint("use --brokers HOST:PORT,.. or AISLE_BROKERS")
    })?;
    let security = match (&place.username, &place.password_file) {
        (Some(username), Some(file)) => Security::SaslSsl {
            username: username.clone(),
            password: aisle_host::read_password(&file.to_string_lossy())?,
            authority: place.ca_file.clone().into(),
        },
        (None, None) => Security::Plaintext,
        _ => return Err(Failure::new("usage", "a secured line needs both --username and --password-file")),
    };
    Ok(Kafka::new(KafkaSettings {
        brokers,
        security,
        client_id: "aisle-central".into(),
        ..KafkaSettings::default()
    })?)
}
