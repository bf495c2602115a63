//! CloudEvents 1.0 attributes: in headers (binary mode) or in the value (structured mode).

use std::{borrow::Cow, collections::BTreeMap, str::FromStr};

use aisle_domain::{Timestamp, in_short};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

use crate::record::Incoming;

/// The content type of a structured event.
pub const STRUCTURED: &str = "application/cloudevents+json";

/// An envelope that cannot be read: nobody can be told, the record is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadEnvelope(pub String);

impl BadEnvelope {
    pub(crate) fn in_short(self) -> Self {
        Self(in_short(self.0))
    }
}

/// The attributes of an event, without the `ce_` of their headers; those that were read are where the record has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes<'a>(BTreeMap<Cow<'a, str>, Cow<'a, str>>);

impl<'a> Attributes<'a> {
    /// The attributes every event of ours has.
    pub fn new(
        id: impl Into<Cow<'a, str>>,
        source: impl Into<Cow<'a, str>>,
        event_type: impl Into<Cow<'a, str>>,
        time: Timestamp,
    ) -> Self {
        Self::default()
            .with("specversion", "1.0")
            .with("id", id)
            .with("source", source)
            .with("type", event_type)
            .with("time", time.to_string())
    }

    /// With one more attribute. Control characters, which no attribute may have, become spaces.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        let value = value.into();
        let plain =
            if value.contains(char::is_control) { value.replace(char::is_control, " ").into() } else { value };
        self.0.insert(name.into(), plain);
        self
    }

    /// The attribute, where it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
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
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The headers of binary mode.
    pub fn headers(self) -> Vec<(String, Vec<u8>)> {
        let own =
            self.0.into_iter().map(|(name, value)| (["ce_", &name].concat(), value.into_owned().into_bytes()));
        std::iter::once(("content-type".to_owned(), b"application/json".to_vec())).chain(own).collect()
    }

    /// Attributes and data of a record in either mode.
    pub fn of(record: &'a Incoming) -> Result<(Self, Cow<'a, [u8]>), BadEnvelope> {
        Event::of(record).map(|event| (event.attributes, event.data))
    }

    fn of_headers(headers: &'a [(String, Vec<u8>)]) -> Result<Self, BadEnvelope> {
        let mut attributes = BTreeMap::new();
        for (name, value) in headers {
            let Some(name) = name.strip_prefix("ce_") else { continue };
            let text = std::str::from_utf8(value)
                .map_err(|_| BadEnvelope(format!("the attribute {name} is not UTF-8")))?;
            if attributes.insert(Cow::Borrowed(name), Cow::Borrowed(text)).is_some() {
                return Err(BadEnvelope(format!("the attribute {name} is there twice")));
            }
        }
        Ok(Self(attributes))
    }
}

/// An event in either mode, before anything in it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// Its data.
    pub data: Cow<'a, [u8]>,
    /// Whether these are the bytes that its sender wrote: not so for plain JSON inside a structured event.
    pub data_is_exact: bool,
}

impl<'a> Event<'a> {
    /// The event of a record.
    pub fn of(record: &'a Incoming) -> Result<Self, BadEnvelope> {
        Self::read(record).map_err(BadEnvelope::in_short)
    }

    fn read(record: &'a Incoming) -> Result<Self, BadEnvelope> {
        let structured = record.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type") && value.starts_with(STRUCTURED.as_bytes())
        });
        let value = record.value.as_deref().unwrap_or_default();
        let event = if structured {
            Self::of_structured(value)?
        } else {
            let attributes = Attributes::of_headers(&record.headers)?;
            Self { attributes, data: Cow::Borrowed(value), data_is_exact: true }
        };
        match event.attributes.get("specversion") {
            Some("1.0") => Ok(event),
            Some(other) => Err(BadEnvelope(format!("the event's specversion is {other}, not 1.0"))),
            None => Err(BadEnvelope("the record is no CloudEvent: it has no specversion".into())),
        }
    }

    fn of_structured(value: &[u8]) -> Result<Self, BadEnvelope> {
        let Members(members) =
            serde_json::from_slice(value).map_err(|e| BadEnvelope(format!("the event is not JSON: {e}")))?;
        let mut attributes = BTreeMap::new();
        let mut data: Option<(String, Vec<u8>, bool)> = None;
        for (name, raw) in members {
            let (bytes, is_exact) = match name.as_str() {
                // As it was written: a name that is there twice is refused where the body is read.
                "data" => (raw.get().as_bytes().to_vec(), false),
                "data_base64" => (decoded(raw)?, true),
                _ => {
                    let text = in_words(&name, raw)?;
                    if attributes.insert(Cow::Owned(name.clone()), Cow::Owned(text)).is_some() {
                        return Err(BadEnvelope(format!("the attribute {name} is there twice")));
                    }
                    continue;
                }
            };
            match data.replace((name, bytes, is_exact)).zip(data.as_ref()) {
                Some(((before, ..), (now, ..))) if before == *now => {
                    return Err(BadEnvelope(format!("the event has {now} twice")));
                }
                Some(_) => return Err(BadEnvelope("the event has both data and data_base64".into())),
                None => {}
            }
        }
        let (data, data_is_exact) = data.map_or((Vec::new(), true), |(_, bytes, is_exact)| (bytes, is_exact));
        Ok(Self { attributes: Attributes(attributes), data: Cow::Owned(data), data_is_exact })
    }
}

fn in_words(name: &str, raw: &RawValue) -> Result<String, BadEnvelope> {
    match serde_json::from_str(raw.get()) {
        Ok(Value::String(text)) => Ok(text),
        Ok(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(BadEnvelope(format!("the attribute {name} is neither text nor number"))),
    }
}

fn decoded(raw: &RawValue) -> Result<Vec<u8>, BadEnvelope> {
    let bad = |why: String| BadEnvelope(format!("the attribute data_base64: {why}"));
    let text: String = serde_json::from_str(raw.get()).map_err(|e| bad(e.to_string()))?;
    BASE64.decode(&text).map_err(|e| bad(e.to_string()))
}

/// The members of a JSON object as they were written, also where a name is there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}
