//! Enrolment files: everything a desk needs to speak for its store, written by central for one store and carried to it
//! by hand. A file of this kind is a secret.

use aisle_domain::{StoreId, Timestamp, store::Durability};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::signature::{BadKey, StoreKey, hex};

/// The one format there is.
pub const FORMAT: &str = "aisle.enrolment.v1";
const CHECK: &str = "check";

/// A text that is shown nowhere and wiped from memory when it is dropped.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(#[serde(with = "plain")] Zeroizing<String>);

mod plain {
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(secret: &Zeroizing<String>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(from).map(Zeroizing::new)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Takes a text in.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for whoever hands it on to where it belongs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// How the line to the cluster is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineSecurity {
    /// Neither TLS nor users: for a cluster on the same machine.
    Plaintext,
    /// TLS, and SCRAM-SHA-512.
    SaslSsl,
}

/// A key as a file carries it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyText {
    /// Its name.
    pub id: String,
    /// 64 hexadecimal digits.
    pub secret: Secret,
}

/// What an enrolment file says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Enrolment {
    /// [`FORMAT`].
    pub format: String,
    /// The store.
    pub store_id: StoreId,
    /// Its name.
    pub store_name: String,
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// The prefix of all topics.
    pub topic_prefix: String,
    /// How the line is secured.
    pub security: LineSecurity,
    /// The user, for a secured line.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The certificate of the cluster's authority; without it the system's are used.
    pub ca_pem: Option<String>,
    /// What changes are signed with.
    pub key: KeyText,
    /// When a change counts as written.
    pub durability: Durability,
    /// When central wrote it.
    pub issued_at: Timestamp,
    /// Until when a desk takes it.
    pub expires_at: Option<Timestamp>,
}

/// A file that no desk takes. It never repeats what the file holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEnrolment {
    /// No JSON, or not all of it.
    #[error("it is not a whole enrolment file: it cannot be read beyond line {line}, column {column}")]
    Torn {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// Something else.
    #[error("it is not an enrolment file")]
    Other,
    /// A format of another program.
    #[error("its format is not known to this program, which knows {FORMAT}")]
    Format,
    /// Not as it was written.
    #[error("it is not as central wrote it: a part of it is missing or was changed")]
    Changed,
    /// A value that cannot be one.
    #[error("{0}")]
    Value(&'static str),
    /// Its key.
    #[error("its key: {0}")]
    Key(#[from] BadKey),
}

impl Enrolment {
    /// The file's text.
    ///
    /// # Errors
    /// [`BadEnrolment::Value`] for what no desk would take.
    pub fn to_text(&self) -> Result<Secret, BadEnrolment> {
        self.validate()?;
        let Ok(Value::Object(mut fields)) = serde_json::to_value(self) else { return Err(BadEnrolment::Other) };
        fields.insert(CHECK.into(), check_of(&fields).into());
        let text = serde_json::to_string_pretty(&fields).map_err(|_| BadEnrolment::Other)?;
        Ok(Secret::new(text + "\n"))
    }

    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Self, BadEnrolment> {
        let value: Value =
            serde_json::from_str(text).map_err(|e| BadEnrolment::Torn { line: e.line(), column: e.column() })?;
        let Value::Object(mut fields) = value else { return Err(BadEnrolment::Other) };
        match fields.get("format").and_then(Value::as_str) {
            Some(FORMAT) => {}
            Some(other) if other.starts_with("aisle.enrolment.") => return Err(BadEnrolment::Format),
            _ => return Err(BadEnrolment::Other),
        }
        let check = fields.remove(CHECK);
        if check.as_ref().and_then(Value::as_str) != Some(check_of(&fields).as_str()) {
            return Err(BadEnrolment::Changed);
        }
        // Of a file that is as it was written, only another program's could fail here.
        let enrolment: Self = serde_json::from_value(Value::Object(fields)).map_err(|_| BadEnrolment::Format)?;
        enrolment.validate()?;
        Ok(enrolment)
    }

    /// Whether a desk no longer takes it.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    /// The store's key.
    pub fn store_key(&self) -> Result<StoreKey, BadKey> {
        StoreKey::from_text(&self.key.id, self.key.secret.expose())
    }

    fn validate(&self) -> Result<(), BadEnrolment> {
        self.store_key()?;
        if !are_brokers(&self.brokers) {
            return Err(BadEnrolment::Value("the address of central is host:port, several separated by commas"));
        }
        let has_login = self.username.as_ref().is_some_and(|name| !name.is_empty())
            && self.password.as_ref().is_some_and(|password| !password.expose().is_empty());
        if self.security == LineSecurity::SaslSsl && !has_login {
            return Err(BadEnrolment::Value("a secured line needs a user and a password"));
        }
        Ok(())
    }
}

/// Whether a text is `host:port`, several separated by commas.
pub fn are_brokers(text: &str) -> bool {
    text.split(',').map(str::trim).all(|address| {
        address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    })
}

/// SHA-256 over the fields, however they are spaced and ordered.
fn check_of(fields: &Map<String, Value>) -> String {
    let mut text = Zeroizing::new(String::new());
    sorted(&Value::Object(fields.clone()), &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

fn sorted(value: &Value, into: &mut String) {
    let Value::Object(fields) = value else {
        into.push_str(&value.to_string());
        return;
    };
    let mut names: Vec<_> = fields.iter().collect();
    names.sort_by_key(|(name, _)| *name);
    into.push('{');
    for (name, value) in names {
        into.push_str(&Value::String(name.clone()).to_string());
        into.push(':');
        sorted(value, into);
        into.push(',');
    }
    into.push('}');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn enrolment() -> Enrolment {
        Enrolment {
            format: FORMAT.into(),
            store_id: StoreId::new(367).unwrap(),
            store_name: "Store \"367\"".into(),
            brokers: "a:1,b:2".into(),
            topic_prefix: "aisle".into(),
            security: LineSecurity::SaslSsl,
            username: Some("store-367".into()),
            password: Some(Secret::new("very-secret".into())),
            ca_pem: Some("-----BEGIN".into()),
            key: KeyText { id: "k1".into(), secret: Secret::new("ab".repeat(32)) },
            durability: Durability::Majority,
            issued_at: Timestamp::from_millis(0),
            expires_at: Some(Timestamp::from_millis(1000)),
        }
    }

    fn text() -> String {
        enrolment().to_text().unwrap().expose().to_owned()
    }

    #[test]
    fn a_file_comes_out_as_it_went_in_however_it_is_spaced() {
        let fields: Value = serde_json::from_str(&text()).unwrap();
        for text in [text(), fields.to_string(), text().replace('\n', "\r\n")] {
            let got = Enrolment::parse(&text).unwrap();
            assert_eq!(got.store_id, enrolment().store_id);
            assert_eq!(got.password.unwrap().expose(), "very-secret");
            assert_eq!(got.store_name, "Store \"367\"");
        }
    }

    #[test]
    fn a_torn_file_is_told_from_an_edited_one_and_from_something_else() {
        let whole = text();
        for end in (0..whole.trim_end().len()).filter(|end| whole.is_char_boundary(*end)) {
            assert!(matches!(Enrolment::parse(&whole[..end]), Err(BadEnrolment::Torn { .. })), "cut at {end}");
        }
        let edited = [
            whole.replace("a:1", "c:1"),
            whole.replace("\"367\"", "\"368\""),
            whole.replace("  \"password\": \"very-secret\",\n", ""),
            whole.replace("\"format\"", "\"extra\": 1, \"format\""),
        ];
        for text in edited {
            assert_ne!(text, whole);
            assert_eq!(Enrolment::parse(&text).unwrap_err(), BadEnrolment::Changed);
        }
        assert_eq!(
            Enrolment::parse(&whole.replace("enrolment.v1", "enrolment.v2")).unwrap_err(),
            BadEnrolment::Format
        );
        assert_eq!(Enrolment::parse("[]").unwrap_err(), BadEnrolment::Other);
        assert_eq!(Enrolment::parse("{\"format\": 5}").unwrap_err(), BadEnrolment::Other);
    }

    #[test]
    fn what_no_desk_would_take_is_never_written() {
        let wrong = [
            Enrolment { brokers: "central".into(), ..enrolment() },
            Enrolment { password: None, ..enrolment() },
            Enrolment { key: KeyText { id: "k1".into(), secret: Secret::new("ab".into()) }, ..enrolment() },
        ];
        for enrolment in wrong {
            assert!(enrolment.to_text().is_err(), "{enrolment:?}");
        }
    }

    #[test]
    fn it_is_taken_until_it_expires() {
        let at = Timestamp::from_millis;
        assert!(!enrolment().is_expired(at(999)));
        assert!(enrolment().is_expired(at(1000)));
        assert!(!Enrolment { expires_at: None, ..enrolment() }.is_expired(at(i64::MAX)));
    }

    proptest! {
        #[test]
        fn no_changed_byte_goes_unnoticed_and_none_shows_a_secret(place in any::<prop::sample::Index>(), byte in 32_u8..127) {
            let mut bytes = text().into_bytes();
            let place = place.index(bytes.len());
            let is_space = bytes[place].is_ascii_whitespace();
            prop_assume!(bytes[place] != byte && !(is_space && byte == b' '));
            bytes[place] = byte;
            let error = Enrolment::parse(std::str::from_utf8(&bytes).unwrap()).unwrap_err();
            prop_assert!(!error.to_string().contains("very-secret"));
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let shown = format!("{:?}", enrolment());
        assert!(!shown.contains("very-secret") && !shown.contains("abab"), "{shown}");
    }
}
