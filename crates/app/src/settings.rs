//! Settings: the connection, when to push, how it looks and sounds. They live in the desk's own database.

use std::path::Path;

use aisle_contract::{TopicNames, enrolment::are_brokers};
use aisle_domain::{Eyes, Right, StoreId, store::Durability};
use aisle_mirror::{Mirror, MirrorError, NewDesk, settings};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    auto_accept::{AUTO_ACCEPT, LEAVES, SET_BY, UP_TO, eyes_in, up_to_in},
    desk::Desk,
    error::{AppError, RpcError},
    printing::PRINTER,
};

/// How the line is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Neither TLS nor users: for a cluster on the same machine.
    #[default]
    Plaintext,
    /// TLS, and SCRAM-SHA-512 with a user and a password.
    SaslSsl,
}

/// Where this desk keeps its password and its key: never in its database, so that no copy of that has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SecretsPlace {
    /// The system's keychain.
    Keychain,
    /// A file of the data folder that only its owner reads.
    File,
}

/// What an enrolment file said beside the connection, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Where the secrets are.
    pub secrets: SecretsPlace,
    /// The key that changes are signed with.
    pub key_id: String,
    /// When a change counts as written, until the store's row says it.
    pub durability: Durability,
}

/// How to reach central's cluster. The password is only ever named by its file, or kept with the desk's secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct ConnectionSettings {
    /// The store's number.
    pub store_id: String,
    /// This desk's name.
    pub desk_name: String,
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// `aisle` unless central says otherwise.
    pub topic_prefix: String,
    /// How the line is secured.
    pub security: Security,
    /// The user, for `sasl_ssl`.
    pub username: Option<String>,
    /// The file that holds the password.
    pub password_file: Option<String>,
    /// The file with the authority's certificate; without it the system's are used.
    pub ca_file: Option<String>,
    /// How the desk was enrolled, where it was. No page and no flag says so, only an enrolment file.
    #[serde(skip)]
    #[ts(skip)]
    pub enrolled: Option<Enrolled>,
}

impl ConnectionSettings {
    const KEY: &'static str = "connection";
    const ENROLLED: &'static str = "enrolled";

    /// The settings that the desk was made with.
    pub fn load(mirror: &Mirror) -> Result<Self, AppError> {
        let (stored, enrolled) =
            mirror.read(|conn| Ok((settings::get(conn, Self::KEY)?, settings::get(conn, Self::ENROLLED)?)))?;
        let identity = mirror.identity();
        let mut own: Self = match stored {
            Some(text) => serde_json::from_str(&text).map_err(MirrorError::from)?,
            None => Self::default(),
        };
        own.enrolled = enrolled.map(|text| serde_json::from_str(&text)).transpose().map_err(MirrorError::from)?;
        own.store_id = identity.store_id.to_string();
        own.desk_name.clone_from(&identity.desk_name);
        if own.topic_prefix.is_empty() {
            own.topic_prefix = TopicNames::default().prefix().into();
        }
        Ok(own)
    }

    /// Makes a desk that has these settings from its first moment on.
    pub fn create(&self, dir: &Path, new: &NewDesk) -> Result<Mirror, AppError> {
        Ok(Mirror::create_with(dir, new, &self.rows()?)?)
    }

    /// Keeps the settings with the desk.
    pub fn save(&self, mirror: &Mirror) -> Result<(), AppError> {
        let rows = self.rows()?;
        Ok(mirror.write(|tx| rows.iter().try_for_each(|(key, text)| settings::set(tx, key, text)))?)
    }

    fn rows(&self) -> Result<Vec<(&'static str, String)>, MirrorError> {
        let mut rows = vec![(Self::KEY, serde_json::to_string(self)?)];
        if let Some(enrolled) = &self.enrolled {
            rows.push((Self::ENROLLED, serde_json::to_string(enrolled)?));
        }
        Ok(rows)
    }

    /// The topics.
    pub fn names(&self) -> TopicNames {
        TopicNames::new(if self.topic_prefix.is_empty() { "aisle" } else { &self.topic_prefix })
    }

    /// Refuses settings that no connection can be made with.
    pub fn validate(&self) -> Result<StoreId, AppError> {
        let bad = |message: &str| AppError::Input { code: "bad_settings", message: message.into() };
        let store = self.store_id.trim().parse()?;
        if !are_brokers(&self.brokers) {
            return Err(bad("the address of central is host:port, several separated by commas"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !self.topic_prefix.chars().all(plain) {
            return Err(bad("the topic prefix has letters, digits, points, dashes and underscores only"));
        }
        let has_password = self.password_file.is_some() || self.enrolled.is_some();
        if self.security == Security::SaslSsl && (self.username.is_none() || !has_password) {
            return Err(bad("a secured line needs a user and the file that holds the password"));
        }
        Ok(store)
    }
}

/// A step of the connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ConnectionStep {
    /// `address`, `reach`, `sign_in`, `topics` or `feed`.
    #[ts(type = "\"address\" | \"reach\" | \"sign_in\" | \"topics\" | \"feed\"")]
    pub name: &'static str,
    /// `null` for a step that was not reached.
    pub ok: Option<bool>,
    /// What was found.
    pub detail: String,
}

/// What a connection test found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ConnectionReport {
    /// Whether every step passed.
    pub ok: bool,
    /// The steps in their order.
    pub steps: Vec<ConnectionStep>,
    /// What stopped it.
    pub error: Option<RpcError>,
}

/// The settings screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SettingsView {
    /// The connection.
    pub connection: ConnectionSettings,
    /// Seconds between pushes.
    pub push_interval_s: u64,
    /// Whether decisions leave at once while the line is up.
    pub push_decisions_at_once: bool,
    /// `system`, `light` or `dark`.
    #[ts(type = "\"system\" | \"light\" | \"dark\"")]
    pub theme: String,
    /// 0 to 100.
    pub alarm_volume: u8,
    /// Minutes without anybody after which the desk locks itself; 0 for never.
    pub lock_after_min: u32,
    /// Whether this desk accepts orders by rule.
    pub auto_accept: bool,
    /// The highest amount that the rule takes; `null` for any.
    pub auto_accept_up_to: Option<String>,
    /// What the rule leaves to somebody, of what a store chooses.
    #[ts(type = "Eyes[]")]
    pub auto_accept_leaves: Vec<Eyes>,
    /// The data folder.
    pub data_folder: String,
    /// Size of the database.
    pub database_bytes: u64,
}

/// The desk's own settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeskSettings {
    pub(crate) push_interval_s: u64,
    pub(crate) push_decisions_at_once: bool,
    pub(crate) theme: String,
    pub(crate) alarm_volume: u8,
    pub(crate) lock_after_min: u32,
}

impl DeskSettings {
    pub(crate) fn load(mirror: &Mirror) -> Result<Self, MirrorError> {
        mirror.read(|conn| {
            let text = |key: &str| settings::get(conn, key);
            Ok(Self {
                push_interval_s: text("push_interval_s")?.and_then(|t| t.parse().ok()).unwrap_or(300),
                push_decisions_at_once: text("push_decisions_at_once")?.is_none_or(|t| t == "true"),
                theme: text("theme")?.unwrap_or_else(|| "system".into()),
                alarm_volume: text("alarm_volume")?.and_then(|t| t.parse().ok()).unwrap_or(80),
                lock_after_min: text(LOCK_AFTER)?.and_then(|t| t.parse().ok()).unwrap_or(10),
            })
        })
    }
}

const LOCK_AFTER: &str = "lock_after_min";

/// How a desk looks and sounds is for whoever is at it; how it works is not.
fn right_for(key: &str) -> Right {
    if matches!(key, "theme" | "alarm_volume" | PRINTER) { Right::Orders } else { Right::Settings }
}

/// Checks a value and says what is wanted.
fn check_setting(key: &str, value: &str) -> Result<(), AppError> {
    let (ok, want) = match key {
        "push_interval_s" => {
            (value.parse::<u64>().is_ok_and(|s| (10..=86_400).contains(&s)), "10 to 86400 seconds")
        }
        "push_decisions_at_once" => (matches!(value, "true" | "false"), "true or false"),
        "theme" => (matches!(value, "system" | "light" | "dark"), "system, light or dark"),
        "alarm_volume" => (value.parse::<u8>().is_ok_and(|v| v <= 100), "0 to 100"),
        // Whether it is there the desk asks.
        PRINTER => (!value.starts_with('-') && !value.chars().any(char::is_control), "a printer of this computer"),
        AUTO_ACCEPT => (matches!(value, "true" | "false"), "true or false"),
        UP_TO => (
            value.is_empty() || up_to_in(value).is_some(),
            "an amount above zero such as 80.00, or nothing for any",
        ),
        LEAVES => (eyes_in(value).is_some(), "some of note,ask,out_of_stock, or nothing"),
        LOCK_AFTER => (value.parse::<u32>().is_ok_and(|v| v <= 480), "0 to 480 minutes, 0 for never"),
        _ => {
            let message = format!(
                "\"{key}\" is not a setting; there are push_interval_s, push_decisions_at_once, theme, alarm_volume, \
                 lock_after_min, printer, auto_accept, auto_accept_up_to, auto_accept_leaves"
            );
            return Err(AppError::Input { code: "not_found", message });
        }
    };
    if ok {
        Ok(())
    } else {
        Err(AppError::Input { code: "bad_value", message: format!("{key} cannot be \"{value}\"; it is {want}") })
    }
}

impl Desk {
    /// All settings.
    pub fn settings(&self) -> Result<SettingsView, AppError> {
        let own = DeskSettings::load(&self.mirror)?;
        let kept = self.rule_settings()?;
        let database = self.mirror.dir().join("aisle.db");
        Ok(SettingsView {
            connection: self.connection.clone(),
            push_interval_s: own.push_interval_s,
            push_decisions_at_once: own.push_decisions_at_once,
            theme: own.theme,
            alarm_volume: own.alarm_volume,
            lock_after_min: own.lock_after_min,
            auto_accept: kept.is_on,
            auto_accept_up_to: kept.rule.up_to.map(|most| most.to_string()),
            auto_accept_leaves: kept.rule.leaves.into_iter().collect(),
            data_folder: self.mirror.dir().display().to_string(),
            database_bytes: std::fs::metadata(database).map_or(0, |meta| meta.len()),
        })
    }

    /// Sets one setting; it holds from now on.
    pub fn set_setting(&self, key: &str, value: &str) -> Result<SettingsView, AppError> {
        check_setting(key, value)?;
        let by = self.require(right_for(key))?.name;
        if key == PRINTER {
            self.check_printer(value)?;
        }
        self.mirror.write(|tx| {
            if key == AUTO_ACCEPT {
                settings::set(tx, SET_BY, &by)?;
            }
            settings::set(tx, key, value)
        })?;
        let own = DeskSettings::load(&self.mirror)?;
        self.set_push_interval(own.push_interval_s);
        self.set_push_decisions_at_once(own.push_decisions_at_once);
        self.set_lock_after(own.lock_after_min);
        if key == PRINTER {
            self.tell_session();
        }
        self.settings()
    }
}
