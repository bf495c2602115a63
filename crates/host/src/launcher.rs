//! What a shell hands to the app: the data folder and the way to a cluster.

use std::{path::PathBuf, sync::Arc};

use aisle_app::{AppError, ConnectionReport, ConnectionSettings, Launcher, Opened, RpcError, Security};
use aisle_contract::Transport;
use aisle_domain::{DeskId, Incarnation};
use aisle_kafka::{Kafka, KafkaSettings};
use aisle_mirror::{Mirror, NewDesk};
use aisle_sync::{Clock, SystemClock};
use uuid::Uuid;

use crate::{connection_test, error, rehearsal::Rehearsal};

/// Opens the desk of one data folder.
pub struct StandardLauncher {
    dir: PathBuf,
    demo: Option<PathBuf>,
    clock: SystemClock,
}

impl StandardLauncher {
    /// For the desk of this folder; the sample store goes into a folder beside its database.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, demo: None, clock: SystemClock::default() }
    }

    /// With the folder that the sample store's days are in; without one it is searched for.
    #[must_use]
    pub fn with_demo(self, demo: Option<PathBuf>) -> Self {
        Self { demo, ..self }
    }

    fn opened(mirror: Mirror, connection: ConnectionSettings) -> Result<Opened, RpcError> {
        Ok(Opened {
            transport: transport_for(&connection)?,
            names: connection.names(),
            mirror,
            rehearsal: false,
            connection,
            guard: Box::new(()),
        })
    }
}

fn told(error: impl Into<AppError>) -> RpcError {
    error.into().into()
}

/// The password in a file, without the line's end. Nothing else ever holds one.
pub fn read_password(file: &str) -> Result<String, RpcError> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| error("io_error", format!("the password file {file} cannot be read: {e}"), None))?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(error("bad_settings", format!("the password file {file} is empty"), None));
    }
    Ok(password)
}

/// The way to the cluster of these settings. Connects to nothing yet.
pub fn transport_for(connection: &ConnectionSettings) -> Result<Arc<dyn Transport>, RpcError> {
    Ok(Arc::new(kafka_for(connection)?))
}

pub(crate) fn kafka_for(connection: &ConnectionSettings) -> Result<Kafka, RpcError> {
    let security = match connection.security {
        Security::Plaintext => aisle_kafka::Security::Plaintext,
        Security::SaslSsl => {
            let named = |value: &Option<String>, what: &str| {
                value.clone().ok_or_else(|| error("bad_settings", format!("a secured line needs {what}"), None))
            };
            aisle_kafka::Security::SaslSsl {
                username: named(&connection.username, "a user")?,
                password: read_password(&named(&connection.password_file, "a password file")?)?,
                ca_file: connection.ca_file.as_ref().map(PathBuf::from),
            }
        }
    };
    let client_id = format!("aisle-{}-{}", connection.store_id, connection.desk_name.replace(' ', "-"));
    Kafka::new(KafkaSettings { brokers: connection.brokers.clone(), security, client_id }).map_err(told)
}

impl Launcher for StandardLauncher {
    fn open(&self) -> Result<Option<Opened>, RpcError> {
        if !self.dir.join("aisle.db").exists() {
            return Ok(None);
        }
        let mirror = Mirror::open(&self.dir, self.clock.now()).map_err(told)?;
        let connection = ConnectionSettings::load(&mirror).map_err(told)?;
        Self::opened(mirror, connection).map(Some)
    }

    fn connect(&self, settings: &ConnectionSettings) -> Result<Opened, RpcError> {
        let store_id = settings.validate().map_err(told)?;
        // Settings that no client can be made of are told before a folder is made for them.
        kafka_for(settings)?;
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let desk_name = if settings.desk_name.trim().is_empty() { "Desk 1" } else { settings.desk_name.trim() };
        let new = NewDesk {
            store_id,
            desk_id: DeskId(Uuid::new_v4()),
            incarnation: Incarnation(high ^ low.rotate_left(32)),
            desk_name: desk_name.into(),
            at: self.clock.now(),
        };
        let mirror = Mirror::create(&self.dir, &new).map_err(told)?;
        settings.save(&mirror).map_err(told)?;
        let connection = ConnectionSettings::load(&mirror).map_err(told)?;
        Self::opened(mirror, connection)
    }

    fn rehearse(&self) -> Result<Opened, RpcError> {
        Rehearsal::start(&self.dir.join("rehearsal"), self.demo.as_deref(), &self.clock)
    }

    fn test(&self, settings: &ConnectionSettings) -> ConnectionReport {
        connection_test::run(settings)
    }
}
