//! What a shell hands to the app: the data folder and the way to a cluster.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use aisle_app::{
    AppError, ConnectionReport, ConnectionSettings, EnrolmentView, Launcher, Opened, RpcError, Security,
};
use aisle_contract::{Enrolment, StoreKey, Transport, enrolment::LineSecurity};
use aisle_domain::{DeskId, Incarnation, StoreId, Timestamp};
use aisle_kafka::{Authority, Kafka, KafkaSettings};
use aisle_mirror::{Mirror, NewDesk};
use aisle_sync::{Clock, SigningKey, SystemClock};
use uuid::Uuid;

use crate::{
    connection_test,
    enrolment::{self, enrol_new, read_enrolment, settings_of},
    error,
    printer::SystemPrinter,
    rehearsal::Rehearsal,
    reopening::Reopening,
    secrets::{Secrets, wants_keychain},
};

/// Opens the desk of one data folder.
pub struct StandardLauncher {
    dir: PathBuf,
    demo: Option<PathBuf>,
    in_keychain: bool,
    printer: SystemPrinter,
    clock: SystemClock,
}

impl StandardLauncher {
    /// For the desk of this folder; the sample store goes into a folder beside its database.
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            demo: None,
            in_keychain: wants_keychain(),
            printer: SystemPrinter::default(),
            clock: SystemClock::default(),
        }
    }

    /// With the folder that the sample store's days are in; without one it is searched for.
    #[must_use]
    pub fn with_demo(self, demo: Option<PathBuf>) -> Self {
        Self { demo, ..self }
    }

    /// Whether a desk's secrets go to the system's keychain; a file of its folder keeps them otherwise.
    #[must_use]
    pub fn with_keychain(self, in_keychain: bool) -> Self {
        Self { in_keychain, ..self }
    }

    /// With printers that are others than the system's.
    #[must_use]
    pub fn with_printer(self, printer: SystemPrinter) -> Self {
        Self { printer, ..self }
    }

    fn opened(&self, mirror: Mirror, connection: ConnectionSettings) -> Opened {
        // Whatever is wrong with its line, the desk works on without it and shows why it has none.
        let line = line_for(&mirror, &connection)
            .unwrap_or_else(|error| Line::closed(&error, &mirror, &connection, self.clock));
        Opened {
            transport: line.transport,
            key: line.key,
            names: connection.names(),
            mirror,
            rehearsal: false,
            connection,
            printer: Arc::new(self.printer.clone()),
            guard: Box::new(()),
        }
    }
}

/// A desk that was not there before.
pub fn new_desk(store_id: StoreId, desk_name: &str, at: Timestamp) -> NewDesk {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    let desk_name = if desk_name.trim().is_empty() { "Desk 1" } else { desk_name.trim() };
    NewDesk {
        store_id,
        desk_id: DeskId(Uuid::new_v4()),
        incarnation: Incarnation(high ^ low.rotate_left(32)),
        desk_name: desk_name.into(),
        at,
    }
}

fn told(error: impl Into<AppError>) -> RpcError {
    error.into().into()
}

/// The password in a file, without the line's end. Nothing else ever holds one.
pub fn read_password(file: &str) -> Result<String, RpcError> {
    let text = std::fs::read_to_string(file).map_err(|e| unreadable("the password file", Path::new(file), &e))?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(error("bad_settings", format!("the password file {file} is empty"), None));
    }
    Ok(password)
}

fn unreadable(what: &str, file: &Path, why: &std::io::Error) -> RpcError {
    let message = format!("{what} {} cannot be read: {why}", file.display());
    error("io_error", message, Some("put the file where this desk looks for it"))
}

/// A desk's way to its cluster.
pub struct Line {
    /// The way.
    pub transport: Arc<dyn Transport>,
    /// What changes are signed with, where the desk was enrolled.
    pub key: Option<SigningKey>,
}

impl Line {
    /// One that cannot be opened just now.
    fn closed(why: &RpcError, mirror: &Mirror, connection: &ConnectionSettings, clock: SystemClock) -> Self {
        let (dir, desk, own) = (mirror.dir().to_path_buf(), mirror.identity().desk_id, connection.clone());
        let line = Reopening::new(why, move || open_line(&dir, desk, &own), Arc::new(clock));
        let key = connection.enrolled.as_ref().map(|_| line.key());
        Self { transport: Arc::new(line), key }
    }
}

/// The way to the cluster of these settings. Connects to nothing yet.
///
/// # Errors
/// `secrets_unavailable` when the desk was enrolled and its secrets cannot be read; what the settings lack.
pub fn line_for(mirror: &Mirror, connection: &ConnectionSettings) -> Result<Line, RpcError> {
    open_line(mirror.dir(), mirror.identity().desk_id, connection)
}

fn open_line(dir: &Path, desk: DeskId, connection: &ConnectionSettings) -> Result<Line, RpcError> {
    let secrets = match &connection.enrolled {
        Some(enrolled) => Some(Secrets::load(dir, desk, enrolled.secrets)?),
        None => None,
    };
    let kafka = kafka_for(connection, dir, secrets.as_ref())?;
    let key = secrets.map(|secrets| {
        StoreKey::from_text(&secrets.key.id, secrets.key.secret.expose()).map(SigningKey::from).map_err(|e| {
            error("secrets_unavailable", format!("this desk's key: {e}"), Some("enrol this desk again"))
        })
    });
    Ok(Line { transport: Arc::new(kafka), key: key.transpose()? })
}

/// The file with the authority's certificate. A client that cannot read it says so in words of its own library only.
fn certificate(file: PathBuf) -> Result<PathBuf, RpcError> {
    match std::fs::File::open(&file) {
        Ok(_) => Ok(file),
        Err(why) => Err(unreadable("the authority's certificate", &file, &why)),
    }
}

pub(crate) fn kafka_for(
    connection: &ConnectionSettings,
    dir: &Path,
    secrets: Option<&Secrets>,
) -> Result<Kafka, RpcError> {
    let security = match connection.security {
        Security::Plaintext => aisle_kafka::Security::Plaintext,
        Security::SaslSsl => {
            let named = |value: &Option<String>, what: &str| {
                value.clone().ok_or_else(|| error("bad_settings", format!("a secured line needs {what}"), None))
            };
            aisle_kafka::Security::SaslSsl {
                username: named(&connection.username, "a user")?,
                password: match secrets.and_then(|secrets| secrets.password.as_ref()) {
                    Some(password) => password.expose().into(),
                    None => read_password(&named(&connection.password_file, "a password file")?)?,
                },
                // What an enrolment brought along lies in the data folder, wherever that is by now.
                authority: connection
                    .ca_file
                    .as_ref()
                    .map(|file| certificate(if secrets.is_some() { dir.join(file) } else { PathBuf::from(file) }))
                    .transpose()?
                    .into(),
            }
        }
    };
    let client_id = format!("aisle-{}-{}", connection.store_id, connection.desk_name.replace(' ', "-"));
    let store: StoreId = connection.store_id.trim().parse().map_err(told)?;
    let group = connection.names().desk_group(store);
    Kafka::new(KafkaSettings { brokers: connection.brokers.clone(), security, client_id, group }).map_err(told)
}

/// Refuses an enrolment that no client can be made of, before anything is made for it.
pub(crate) fn try_out(enrolment: &Enrolment) -> Result<(), RpcError> {
    let LineSecurity::SaslSsl = enrolment.security else { return Ok(()) };
    let security = aisle_kafka::Security::SaslSsl {
        username: enrolment.username.clone().unwrap_or_default(),
        password: enrolment.password.as_ref().map(|p| p.expose().to_owned()).unwrap_or_default(),
        authority: enrolment.ca_pem.clone().map_or(Authority::System, Authority::Pem),
    };
    let settings = KafkaSettings { brokers: enrolment.brokers.clone(), security, ..KafkaSettings::default() };
    Kafka::new(settings).map(drop).map_err(|e| {
        error("bad_enrolment", format!("the enrolment file is not taken: {e}"), Some("have it written anew"))
    })
}

impl Launcher for StandardLauncher {
    fn open(&self) -> Result<Option<Opened>, RpcError> {
        if !self.dir.join("aisle.db").exists() {
            return Ok(None);
        }
        let mirror = Mirror::open(&self.dir, self.clock.now()).map_err(told)?;
        let connection = ConnectionSettings::load(&mirror).map_err(told)?;
        Ok(Some(self.opened(mirror, connection)))
    }

    fn connect(&self, settings: &ConnectionSettings) -> Result<Opened, RpcError> {
        let store_id = settings.validate().map_err(told)?;
        // Settings that no client can be made of are told before a folder is made for them.
        kafka_for(settings, &self.dir, None)?;
        let new = new_desk(store_id, &settings.desk_name, self.clock.now());
        let mirror = settings.create(&self.dir, &new).map_err(told)?;
        let connection = ConnectionSettings::load(&mirror).map_err(told)?;
        Ok(self.opened(mirror, connection))
    }

    fn read_enrolment(&self, text: &str) -> Result<EnrolmentView, RpcError> {
        read_enrolment(text, self.clock.now()).map(|enrolment| enrolment::view(&enrolment))
    }

    fn enrol(&self, text: &str, desk_name: &str) -> Result<Opened, RpcError> {
        let enrolment = read_enrolment(text, self.clock.now())?;
        let new = new_desk(enrolment.store_id, desk_name, self.clock.now());
        let settings = settings_of(&enrolment, &new.desk_name);
        let mirror = enrol_new(&self.dir, &new, &enrolment, settings, self.in_keychain)?;
        let connection = ConnectionSettings::load(&mirror).map_err(told)?;
        Ok(self.opened(mirror, connection))
    }

    fn rehearse(&self) -> Result<Opened, RpcError> {
        let mut opened = Rehearsal::start(&self.dir.join("rehearsal"), self.demo.as_deref(), &self.clock)?;
        opened.printer = Arc::new(self.printer.clone());
        Ok(opened)
    }

    fn test(&self, settings: &ConnectionSettings) -> ConnectionReport {
        // An enrolled line is tried as it is: its secrets go to no other address than the one that was enrolled.
        let own = Mirror::open_read_only(&self.dir)
            .ok()
            .and_then(|mirror| ConnectionSettings::load(&mirror).ok().map(|own| (mirror, own)))
            .filter(|(_, own)| own.enrolled.is_some());
        match own {
            Some((mirror, own)) => {
                connection_test::run(&own, || line_for(&mirror, &own).map(|line| line.transport))
            }
            None => connection_test::run(settings, || Ok(Arc::new(kafka_for(settings, &self.dir, None)?))),
        }
    }
}
