//! Taking an enrolment file: what it says becomes the desk's connection, its secrets go where secrets are kept.

use std::path::Path;

use aisle_app::{AppError, ConnectionSettings, Enrolled, EnrolmentView, RpcError, SecretsPlace, Security};
use aisle_contract::{
    Enrolment,
    enrolment::{BadEnrolment, KeyText, LineSecurity},
};
use aisle_domain::{DeskId, StoreId, Timestamp};
use aisle_mirror::{Mirror, MirrorError, NewDesk};

use crate::{
    error,
    launcher::try_out,
    secrets::{self, Secrets, WRITABLE},
};

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

/// Makes the desk of a file of its store. The desk comes last: it is there with its secrets and its connection, or the
/// folder has none and the file can be taken again.
pub fn enrol_new(
    dir: &Path,
    new: &NewDesk,
    enrolment: &Enrolment,
    connection: ConnectionSettings,
    in_keychain: bool,
) -> Result<Mirror, RpcError> {
    let told = |e: AppError| RpcError::from(e);
    check_store(enrolment, new.store_id)?;
    // What lies there belongs to the desk that is there.
    if dir.join("aisle.db").exists() {
        return Err(told(MirrorError::AlreadyADesk { dir: dir.into() }.into()));
    }
    std::fs::create_dir_all(dir).map_err(|e| {
        let message = format!("the data folder {} cannot be made: {e}", dir.display());
        error("io_error", message, Some(WRITABLE))
    })?;
    let place = keep(dir, new.desk_id, enrolment, in_keychain)?;
    let made = enrolled(connection, enrolment, place).create(dir, new);
    if made.is_err() {
        secrets::forget(dir, new.desk_id, place);
    }
    made.map_err(told)
}

/// Gives an open desk what a file of its store says: new secrets, the authority's certificate, the connection. The
/// settings come last: until they are written the desk goes on as before, with what it had.
pub fn take_over(
    mirror: &Mirror,
    enrolment: &Enrolment,
    connection: ConnectionSettings,
    in_keychain: bool,
) -> Result<(), RpcError> {
    check_store(enrolment, mirror.identity().store_id)?;
    let place = keep(mirror.dir(), mirror.identity().desk_id, enrolment, in_keychain)?;
    enrolled(connection, enrolment, place).save(mirror)?;
    match place {
        // An earlier enrolment may have left a file, which nobody needs from here on.
        SecretsPlace::Keychain => secrets::remove_file(mirror.dir()),
        SecretsPlace::File => Ok(()),
    }
}

fn enrolled(connection: ConnectionSettings, enrolment: &Enrolment, secrets: SecretsPlace) -> ConnectionSettings {
    let enrolled = Enrolled { secrets, key_id: enrolment.key.id.clone(), durability: enrolment.durability };
    ConnectionSettings { enrolled: Some(enrolled), ..connection }
}

/// Puts secrets and certificate where a desk looks for them; answers where the secrets are.
fn keep(dir: &Path, desk: DeskId, enrolment: &Enrolment, in_keychain: bool) -> Result<SecretsPlace, RpcError> {
    let secrets = Secrets {
        password: enrolment.password.clone(),
        key: KeyText { id: enrolment.key.id.clone(), secret: enrolment.key.secret.clone() },
    };
    if let Some(pem) = &enrolment.ca_pem {
        let file = dir.join(CA_FILE);
        std::fs::write(&file, pem).map_err(|e| {
            error(
                "io_error",
                format!("the authority's certificate cannot be kept in {}: {e}", file.display()),
                Some(WRITABLE),
            )
        })?;
    }
    secrets.keep(dir, desk, in_keychain)
}

#[cfg(test)]
mod tests {
    use aisle_testkit::fixtures;

    use super::*;
    use crate::launcher::new_desk;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    /// A desk of store 367 that keeps its secrets in a file, and the enrolment file of its store.
    fn enrolled_by_file(dir: &Path) -> (Mirror, Enrolment) {
        let file = fixtures::repository().join("tests/corpus/enrolment/plain.json");
        let enrolment = read_enrolment_file(&file, NOW).unwrap();
        let new = new_desk(enrolment.store_id, "Front", NOW);
        let connection = settings_of(&enrolment, "Front");
        (enrol_new(dir, &new, &enrolment, connection, false).unwrap(), enrolment)
    }

    fn place_of(mirror: &Mirror) -> SecretsPlace {
        ConnectionSettings::load(mirror).unwrap().enrolled.unwrap().secrets
    }

    #[test]
    fn the_secrets_that_a_desk_has_go_only_once_its_settings_name_the_new_ones() {
        // A keychain of the test's own: it takes everything, and nothing outlives the test.
        keyring::set_default_credential_builder(keyring::mock::default_credential_builder());
        let dir = tempfile::tempdir().unwrap();
        let (mirror, enrolment) = enrolled_by_file(dir.path());
        let secrets = dir.path().join("secrets");
        let unwritable = Mirror::open_read_only(dir.path()).unwrap();
        assert!(take_over(&unwritable, &enrolment, settings_of(&enrolment, "Front"), true).is_err());
        assert!(secrets.exists() && place_of(&mirror) == SecretsPlace::File, "the desk goes on with what it had");
        take_over(&mirror, &enrolment, settings_of(&enrolment, "Front"), true).unwrap();
        assert!(!secrets.exists() && place_of(&mirror) == SecretsPlace::Keychain);
    }

    #[test]
    fn a_folder_that_has_a_desk_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (mirror, enrolment) = enrolled_by_file(dir.path());
        let before = std::fs::read(dir.path().join("secrets")).unwrap();
        let new = new_desk(enrolment.store_id, "Back", NOW);
        let refused =
            enrol_new(dir.path(), &new, &enrolment, settings_of(&enrolment, "Back"), false).err().unwrap();
        assert_eq!(refused.code, "id_taken");
        assert_eq!(std::fs::read(dir.path().join("secrets")).unwrap(), before);
        assert_eq!(mirror.identity().desk_name, "Front");
    }

    #[test]
    fn nothing_stays_of_a_desk_that_could_not_be_made() {
        let dir = tempfile::tempdir().unwrap();
        let file = fixtures::repository().join("tests/corpus/enrolment/plain.json");
        let enrolment = read_enrolment_file(&file, NOW).unwrap();
        // Where the database is made first lies something that is no file.
        std::fs::create_dir(dir.path().join("aisle.db.new")).unwrap();
        let new = new_desk(enrolment.store_id, "Front", NOW);
        assert!(enrol_new(dir.path(), &new, &enrolment, settings_of(&enrolment, "Front"), false).is_err());
        assert!(!dir.path().join("secrets").exists());
    }
}
