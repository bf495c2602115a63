//! PINs: argon2id with a pepper that lies beside the database and not in it, so that no copy of that lets anybody guess.

use std::{fmt::Write as _, io::ErrorKind, path::Path};

use aisle_domain::staff::check_pin;
use aisle_mirror::private;
use argon2::{
    Algorithm, Argon2, KeyId, ParamsBuilder, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{
        SaltString,
        rand_core::{OsRng, RngCore},
    },
};
use serde::Deserialize;
use ts_rs::TS;

use crate::error::AppError;

const FILE: &str = "pepper";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

/// A PIN as it was typed. Shown to nobody.
#[derive(Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(transparent)]
pub struct Pin(String);

impl Pin {
    /// As it was typed or stands in a file.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin")
    }
}

/// What is mixed into every PIN, with the name under which hashes know it.
struct Pepper {
    id: Vec<u8>,
    secret: Vec<u8>,
}

/// What came of trying a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    Right,
    Wrong,
    /// It was set with another pepper than the one that is here, or there is none: nobody can tell.
    Untold,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

impl Pepper {
    fn made() -> Self {
        let random = |length| {
            let mut bytes = vec![0; length];
            OsRng.fill_bytes(&mut bytes);
            bytes
        };
        Self { id: random(ID_BYTES), secret: random(SECRET_BYTES) }
    }

    fn from_text(text: &str) -> Option<Self> {
        let (id, secret) = text.trim().split_once(' ')?;
        let (id, secret) = (bytes_of(id)?, bytes_of(secret)?);
        (id.len() == ID_BYTES && secret.len() == SECRET_BYTES).then_some(Self { id, secret })
    }

    /// The one of a data folder; `None` where there is none, or something else in its place.
    fn load(dir: &Path) -> Result<Option<Self>, AppError> {
        let file = dir.join(FILE);
        match std::fs::read_to_string(&file) {
            Ok(text) => Ok(Self::from_text(&text)),
            Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => Ok(None),
            Err(why) => Err(io_error(&file, &why)),
        }
    }

    fn load_or_make(dir: &Path) -> Result<Self, AppError> {
        if let Some(pepper) = Self::load(dir)? {
            return Ok(pepper);
        }
        let (file, pepper) = (dir.join(FILE), Self::made());
        let text = format!("{} {}\n", hex(&pepper.id), hex(&pepper.secret));
        private::write(&file, &text).map_err(|why| io_error(&file, &why))?;
        Ok(pepper)
    }
}

fn io_error(file: &Path, why: &std::io::Error) -> AppError {
    let message = format!("the file {} that PINs are checked with: {why}", file.display());
    AppError::Input { code: "io_error", message }
}

fn unexpected(why: impl std::fmt::Display) -> AppError {
    AppError::Input { code: "unexpected", message: format!("the PIN cannot be hashed: {why}") }
}

/// What is kept of a PIN.
pub(crate) fn hash(dir: &Path, pin: &Pin) -> Result<String, AppError> {
    check_pin(&pin.0).map_err(|bad| AppError::input("bad_pin", bad))?;
    let pepper = Pepper::load_or_make(dir)?;
    let mut params = ParamsBuilder::new();
    params.keyid(KeyId::new(&pepper.id).map_err(unexpected)?);
    let params = params.build().map_err(unexpected)?;
    let argon = Argon2::new_with_secret(&pepper.secret, Algorithm::Argon2id, Version::V0x13, params);
    let salt = SaltString::generate(&mut OsRng);
    let hash = argon.map_err(unexpected)?.hash_password(pin.0.as_bytes(), &salt).map_err(unexpected)?;
    Ok(hash.to_string())
}

/// Whether a PIN is the one that was kept. Takes some hundredths of a second, whatever it is.
pub(crate) fn try_pin(dir: &Path, pin: &Pin, kept: &str) -> Result<Tried, AppError> {
    let Some(pepper) = Pepper::load(dir)? else { return Ok(Tried::Untold) };
    let hash = PasswordHash::new(kept).map_err(unexpected)?;
    let params = argon2::Params::try_from(&hash).map_err(unexpected)?;
    if params.keyid() != pepper.id.as_slice() {
        return Ok(Tried::Untold);
    }
    let argon = Argon2::new_with_secret(&pepper.secret, Algorithm::Argon2id, Version::V0x13, params);
    match argon.map_err(unexpected)?.verify_password(pin.0.as_bytes(), &hash) {
        Ok(()) => Ok(Tried::Right),
        Err(argon2::password_hash::Error::Password) => Ok(Tried::Wrong),
        Err(why) => Err(unexpected(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_known_again_and_no_other_and_its_hash_says_nothing_without_the_file_beside_it() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let kept = hash(here.path(), &Pin::new("7391")).unwrap();
        assert!(kept.starts_with("$argon2id$") && !kept.contains("7391"), "{kept}");
        let tried = |dir: &Path, pin: &str| try_pin(dir, &Pin::new(pin), &kept).unwrap();
        assert_eq!(tried(here.path(), "7391"), Tried::Right);
        assert_eq!(tried(here.path(), "7392"), Tried::Wrong);
        assert_eq!(tried(elsewhere.path(), "7391"), Tried::Untold, "there is no such file");
        hash(elsewhere.path(), &Pin::new("7391")).unwrap();
        assert_eq!(tried(elsewhere.path(), "7391"), Tried::Untold, "it is another one");
        std::fs::write(here.path().join(FILE), "torn").unwrap();
        assert_eq!(tried(here.path(), "7391"), Tried::Untold);
    }

    #[test]
    fn the_same_pin_is_kept_otherwise_each_time_and_the_file_is_its_owner_s_alone() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = [0, 1].map(|_| hash(folder.path(), &Pin::new("7391")).unwrap());
        assert_ne!(one, other);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_pin_is_told_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        for bad in ["12", "1111", "4321", "abcd"] {
            assert_eq!(hash(folder.path(), &Pin::new(bad)).unwrap_err().code(), "bad_pin");
        }
        assert!(!folder.path().join(FILE).exists(), "nothing was made for it");
        assert_eq!(format!("{:?}", Pin::new("7391")), "Pin");
    }
}
