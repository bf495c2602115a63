//! CloudEvents 1.0 attributes: in headers (binary mode) or in the value (structured mode).

use std::{collections::BTreeMap, str::FromStr};

use aisle_domain::Timestamp;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::Value;

use crate::record::Incoming;

/// The content type of a structured event.
pub const STRUCTURED: &str = "application/cloudevents+json";

/// An envelope that cannot be read: nobody can be told, the record is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadEnvelope(pub String);

/// The attributes of an event, without the `ce_` of their headers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// The attributes every event of ours has.
    pub fn new(id: &str, source: &str, event_type: &str, time: Timestamp) -> Self {
        Self::default()
            .with("specversion", "1.0")
            .with("id", id)
            .with("source", source)
            .with("type", event_type)
            .with("time", &time.to_string())
    }

    /// With one more attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The attribute, where it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The attribute, which must be there and readable.
    pub fn read<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, BadEnvelope> {
        let text = self.get(name).ok_or_else(|| BadEnvelope(format!("the attribute {name} is missing")))?;
        text.parse().map_err(|e| BadEnvelope(format!("the attribute {name}: {e}")))
    }

    /// The attribute, which must be readable where it is there.
    pub fn read_optional<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, BadEnvelope> {
        self.get(name).map(|_| self.read(name)).transpose()
    }

    /// Attributes sorted by name, as the signature covers them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The headers of binary mode.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let own = self.0.iter().map(|(name, value)| (format!("ce_{name}"), value.clone().into_bytes()));
        std::iter::once(("content-type".to_owned(), b"application/json".to_vec())).chain(own).collect()
    }

    /// Attributes and data of a record in either mode.
    pub fn of(record: &Incoming) -> Result<(Self, Vec<u8>), BadEnvelope> {
        let structured = record.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type") && value.starts_with(STRUCTURED.as_bytes())
        });
        let value = record.value.as_deref().unwrap_or_default();
        let (attributes, data) = if structured {
            Self::of_structured(value)?
        } else {
            (Self::of_headers(&record.headers)?, value.to_vec())
        };
        match attributes.get("specversion") {
            Some("1.0") => Ok((attributes, data)),
            Some(other) => Err(BadEnvelope(format!("the event's specversion is {other}, not 1.0"))),
            None => Err(BadEnvelope("the record is no CloudEvent: it has no specversion".into())),
        }
    }

    fn of_headers(headers: &[(String, Vec<u8>)]) -> Result<Self, BadEnvelope> {
        let mut attributes = BTreeMap::new();
        for (name, value) in headers {
            let Some(name) = name.strip_prefix("ce_") else { continue };
            let text = std::str::from_utf8(value)
                .map_err(|_| BadEnvelope(format!("the attribute {name} is not UTF-8")))?;
            if attributes.insert(name.to_owned(), text.to_owned()).is_some() {
                return Err(BadEnvelope(format!("the attribute {name} is there twice")));
            }
        }
        Ok(Self(attributes))
    }

    fn of_structured(value: &[u8]) -> Result<(Self, Vec<u8>), BadEnvelope> {
        let event: serde_json::Map<String, Value> =
            serde_json::from_slice(value).map_err(|e| BadEnvelope(format!("the event is not JSON: {e}")))?;
        let mut attributes = BTreeMap::new();
        let mut data = Vec::new();
        for (name, value) in event {
            match (name.as_str(), value) {
                ("data", body) => data = body.to_string().into_bytes(),
                ("data_base64", Value::String(text)) => {
                    data = BASE64
                        .decode(&text)
                        .map_err(|e| BadEnvelope(format!("the attribute data_base64: {e}")))?;
                }
                (_, Value::String(text)) => {
                    attributes.insert(name, text);
                }
                (_, Value::Number(number)) => {
                    attributes.insert(name, number.to_string());
                }
                _ => return Err(BadEnvelope(format!("the attribute {name} is neither text nor number"))),
            }
        }
        Ok((Self(attributes), data))
    }
}
