//! Signatures: whoever holds a store's key speaks for the store, and nobody else.
//!
//! The signature is the first 128 bits of HMAC-SHA256 under the store's key, as 32 lower-case hexadecimal digits in the
//! attribute `signature`. It covers every other attribute as `name=value\n`, sorted by name, then `\n`, then the bytes
//! of the data as they travel. A structured event that is signed carries its data in `data_base64`, and what is covered
//! is what that decodes to: plain `data` has no bytes of its own, since every program may write the same JSON
//! otherwise.

use std::fmt::Write;

use hmac::{
    Hmac,
    digest::{KeyInit, Mac, generic_array::GenericArray},
};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::attributes::{Attributes, Event};

/// The attribute that names the key.
pub const KEY_ID: &str = "keyid";
/// The attribute that holds the signature.
pub const SIGNATURE: &str = "signature";

const SECRET_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 16;
/// SHA-256's block: a shorter key is the same key with zeros behind it.
const BLOCK_BYTES: usize = 64;
/// The longest name of a key.
const ID_CHARS: usize = 64;

/// A key that cannot be one. What was given is not repeated, since it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Its name.
    #[error("a key's name has 1 to 64 letters, digits and dashes")]
    Id,
    /// Its secret.
    #[error("a key's secret has 64 hexadecimal digits")]
    Secret,
}

/// Why nothing of an event is believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// There is none.
    #[error("it is not signed, and the store has a key")]
    Unsigned,
    /// It names a key that the store does not have, or no longer.
    #[error("it is signed with the key \"{0}\", which the store does not have or no longer has")]
    UnknownKey(String),
    /// Some attribute or byte is not what was signed, or it was signed with another secret.
    #[error("its signature does not fit")]
    Wrong,
    /// Nothing that can be signed for.
    #[error("a signed event in structured mode carries its data in data_base64")]
    Inexact,
}

impl BadSignature {
    /// The kind, as alarms name it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unsigned | Self::Inexact => "unsigned",
            Self::UnknownKey(_) => "unknown_key",
            Self::Wrong => "bad_signature",
        }
    }
}

/// A store's key. Its secret is shown nowhere and wiped from memory when it is dropped.
#[derive(Clone)]
pub struct StoreKey {
    id: String,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl StoreKey {
    /// A key of this name.
    pub fn new(id: &str, secret: [u8; SECRET_BYTES]) -> Result<Self, BadKey> {
        let secret = Zeroizing::new(secret);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if id.is_empty() || id.len() > ID_CHARS || !id.chars().all(plain) {
            return Err(BadKey::Id);
        }
        Ok(Self { id: id.into(), secret })
    }

    /// A key whose secret is written as text.
    pub fn from_text(id: &str, secret: &str) -> Result<Self, BadKey> {
        let secret = Zeroizing::new(of_hex::<SECRET_BYTES>(secret).ok_or(BadKey::Secret)?);
        Self::new(id, *secret)
    }

    /// Its name, which is no secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret as text, for whoever keeps it.
    pub fn secret_text(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(self.secret.as_slice()))
    }

    /// The attributes with key and signature, over what they are now and the data.
    #[must_use]
    pub fn sign<'a>(&self, attributes: Attributes<'a>, data: &[u8]) -> Attributes<'a> {
        let named = attributes.with(KEY_ID, self.id.clone());
        let signature =
            hex(self.mac(&named, data).finalize().into_bytes().get(..SIGNATURE_BYTES).unwrap_or_default());
        named.with(SIGNATURE, signature)
    }

    fn mac(&self, attributes: &Attributes<'_>, data: &[u8]) -> Hmac<Sha256> {
        let mut block = Zeroizing::new([0_u8; BLOCK_BYTES]);
        for (to, from) in block.iter_mut().zip(self.secret.iter()) {
            *to = *from;
        }
        let mut mac = <Hmac<Sha256> as KeyInit>::new(GenericArray::from_slice(block.as_slice()));
        for (name, value) in attributes.iter().filter(|(name, _)| *name != SIGNATURE) {
            for part in [name, "=", value, "\n"] {
                mac.update(part.as_bytes());
            }
        }
        mac.update(b"\n");
        mac.update(data);
        mac
    }

    /// Compares in a time that tells nothing of how much of a guess was right.
    fn fits(&self, event: &Event<'_>, signature: &str) -> bool {
        let Some(given) = of_hex::<SIGNATURE_BYTES>(signature) else { return false };
        self.mac(&event.attributes, &event.data).verify_truncated_left(&given).is_ok()
    }
}

/// Whether one of the store's keys signed the event, exactly as it is.
///
/// # Errors
/// [`BadSignature`]: nothing in the event is to be believed, not even who sent it.
pub fn check(event: &Event<'_>, keys: &[StoreKey]) -> Result<(), BadSignature> {
    let attributes = &event.attributes;
    let (Some(key_id), Some(signature)) = (attributes.get(KEY_ID), attributes.get(SIGNATURE)) else {
        return Err(BadSignature::Unsigned);
    };
    if !event.data_is_exact {
        return Err(BadSignature::Inexact);
    }
    // With a line's end or an equals sign in them, other attributes could be read from the same signed bytes.
    if attributes.iter().any(|(name, value)| !is_name(name) || value.chars().any(char::is_control)) {
        return Err(BadSignature::Wrong);
    }
    let key = keys
        .iter()
        .find(|key| key.id == key_id)
        .ok_or_else(|| BadSignature::UnknownKey(key_id.chars().take(ID_CHARS).collect()))?;
    if key.fits(event, signature) { Ok(()) } else { Err(BadSignature::Wrong) }
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Exactly `N` bytes in lower-case digits.
fn of_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 || !digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
