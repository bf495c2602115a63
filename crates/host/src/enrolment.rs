//! Taking an enrolment file: what it says becomes the desk's connection, its secrets go where secrets are kept.

use std::path::Path;

use aisle_app::{AppError, ConnectionSettings, Enrolled, EnrolmentView, RpcError, Security};
use aisle_contract::{
    Enrolment,
    enrolment::{BadEnrolment, KeyText, LineSecurity},
};
use aisle_domain::{StoreId, Timestamp};
use aisle_mirror::Mirror;

use crate::{error, launcher::try_out, secrets::Secrets};

/// The authority's certificate, in the data folder.
pub(crate) const CA_FILE: &str = "ca.pem";
/// Larger than any file of this kind.
const LARGEST: u64 = 1024 * 1024;

/// Reads the text of an enrolment file; refuses what was torn, changed, has expired, or makes no connection.
pub fn read_enrolment(text: &str, now: Timestamp) -> Result<Enrolment, RpcError> {
    let enrolment = Enrolment::parse(text).map_err(|bad| {
        let hint = match bad {
            BadEnrolment::Format => "use the version of Aisle that central names, or have the file written anew",
            BadEnrolment::Other => "choose the file that central wrote for this store",
            _ => "copy the file again from where central wrote it, or have it written anew",
        };
        error("bad_enrolment", format!("the enrolment file is not taken: {bad}"), Some(hint))
    })?;
    match enrolment.expires_at {
        Some(end) if enrolment.is_expired(now) => Err(error(
            "enrolment_expired",
            format!("the enrolment file of store {} expired at {end}", enrolment.store_id),
            Some("have central write a new one, or set this computer's clock right if it is wrong"),
        )),
        _ => try_out(&enrolment).map(|()| enrolment),
    }
}

/// Reads an enrolment file.
pub fn read_enrolment_file(file: &Path, now: Timestamp) -> Result<Enrolment, RpcError> {
    let cannot = |e: std::io::Error| {
        let code = if e.kind() == std::io::ErrorKind::NotFound { "not_found" } else { "io_error" };
        error(code, format!("the enrolment file {} cannot be read: {e}", file.display()), None)
    };
    if std::fs::metadata(file).map_err(cannot)?.len() > LARGEST {
        let message = format!("{} is too large for an enrolment file", file.display());
        return Err(error("bad_enrolment", message, Some("choose the file that central wrote for this store")));
    }
    let bytes = zeroize::Zeroizing::new(std::fs::read(file).map_err(cannot)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        let message = format!("the enrolment file is not taken: {} is no text", file.display());
        error("bad_enrolment", message, Some("choose the file that central wrote for this store"))
    })?;
    read_enrolment(text, now)
}

/// Refuses a file of another store.
pub fn check_store(enrolment: &Enrolment, store: StoreId) -> Result<(), RpcError> {
    if enrolment.store_id == store {
        return Ok(());
    }
    let message = format!("the enrolment file is for store {}, not for store {store}", enrolment.store_id);
    Err(error("wrong_store", message, Some("use the file that central wrote for this store")))
}

/// What a page shows of it before it is taken.
pub(crate) fn view(enrolment: &Enrolment) -> EnrolmentView {
    EnrolmentView {
        store_id: enrolment.store_id.to_string(),
        store_name: enrolment.store_name.clone(),
        brokers: enrolment.brokers.clone(),
        secured: enrolment.security == LineSecurity::SaslSsl,
        expires_at: enrolment.expires_at.map(|end| end.to_string()),
    }
}

/// The connection that a file describes. Its secrets are not in it.
pub fn settings_of(enrolment: &Enrolment, desk_name: &str) -> ConnectionSettings {
    ConnectionSettings {
        store_id: enrolment.store_id.to_string(),
        desk_name: desk_name.into(),
        brokers: enrolment.brokers.clone(),
        topic_prefix: enrolment.topic_prefix.clone(),
        security: match enrolment.security {
            LineSecurity::Plaintext => Security::Plaintext,
            LineSecurity::SaslSsl => Security::SaslSsl,
        },
        username: enrolment.username.clone(),
        password_file: None,
        ca_file: enrolment.ca_pem.as_ref().map(|_| CA_FILE.into()),
        enrolled: None,
    }
}

/// Gives an open desk what a file of its store says: new secrets, the authority's certificate, the connection. The
/// settings come last: until they are written the desk goes on as before.
pub fn take_over(
    mirror: &Mirror,
    enrolment: &Enrolment,
    mut connection: ConnectionSettings,
    in_keychain: bool,
) -> Result<(), RpcError> {
    check_store(enrolment, mirror.identity().store_id)?;
    let secrets = Secrets {
        password: enrolment.password.clone(),
        key: KeyText { id: enrolment.key.id.clone(), secret: enrolment.key.secret.clone() },
    };
    if let Some(pem) = &enrolment.ca_pem {
        let file = mirror.dir().join(CA_FILE);
        std::fs::write(&file, pem).map_err(|e| {
            error(
                "io_error",
                format!("the authority's certificate cannot be kept in {}: {e}", file.display()),
                None,
            )
        })?;
    }
    let place = secrets.keep(mirror.dir(), mirror.identity().desk_id, in_keychain)?;
    connection.enrolled =
        Some(Enrolled { secrets: place, key_id: enrolment.key.id.clone(), durability: enrolment.durability });
    connection.save(mirror).map_err(|e: AppError| e.into())
}
