//! From SQLite's values to the domain's.

use std::str::FromStr;

use aisle_domain::{Money, Quantity, Timestamp};
use rusqlite::Row;

use crate::error::{MirrorError, Result};

/// Reads columns by name as domain values.
pub(crate) trait Columns {
    fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<T>;
    fn parsed_optional<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<Option<T>>;
    fn id<T>(&self, column: &str, make: impl Fn(i64) -> std::result::Result<T, aisle_domain::BadId>) -> Result<T>;
    fn id_optional<T>(
        &self,
        column: &str,
        make: impl Fn(i64) -> std::result::Result<T, aisle_domain::BadId>,
    ) -> Result<Option<T>>;
    fn time(&self, column: &str) -> Result<Timestamp>;
    fn time_optional(&self, column: &str) -> Result<Option<Timestamp>>;
    fn money(&self, column: &str) -> Result<Money>;
    fn quantity(&self, column: &str) -> Result<Quantity>;
    fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T>;
    fn json_optional<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>>;
    fn word<T: Copy>(&self, column: &str, all: &[T], word: impl Fn(T) -> &'static str) -> Result<T>;
    fn word_optional<T: Copy>(
        &self,
        column: &str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>>;
}

pub(crate) fn bad(column: &str, why: impl std::fmt::Display) -> MirrorError {
    MirrorError::BadRow { what: format!("the column {column}"), why: why.to_string() }
}

impl Columns for Row<'_> {
    fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<T> {
        self.get_ref(column)?.as_str().map_err(|e| bad(column, e))?.parse().map_err(|e| bad(column, e))
    }

    fn parsed_optional<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<Option<T>> {
        let text = self.get_ref(column)?.as_str_or_null().map_err(|e| bad(column, e))?;
        text.map(|text| text.parse().map_err(|e| bad(column, e))).transpose()
    }

    fn id<T>(&self, column: &str, make: impl Fn(i64) -> std::result::Result<T, aisle_domain::BadId>) -> Result<T> {
        make(self.get(column)?).map_err(|e| bad(column, e))
    }

    fn id_optional<T>(
        &self,
        column: &str,
        make: impl Fn(i64) -> std::result::Result<T, aisle_domain::BadId>,
    ) -> Result<Option<T>> {
        self.get::<_, Option<i64>>(column)?.map(|id| make(id).map_err(|e| bad(column, e))).transpose()
    }

    fn time(&self, column: &str) -> Result<Timestamp> {
        Ok(Timestamp::from_millis(self.get(column)?))
    }

    fn time_optional(&self, column: &str) -> Result<Option<Timestamp>> {
        Ok(self.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    fn money(&self, column: &str) -> Result<Money> {
        Ok(Money::from_minor(self.get(column)?))
    }

    fn quantity(&self, column: &str) -> Result<Quantity> {
        Quantity::from_thousandths(self.get(column)?).map_err(|e| bad(column, e))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(self.get_ref(column)?.as_str().map_err(|e| bad(column, e))?)
            .map_err(|e| bad(column, e))
    }

    fn json_optional<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let text = self.get_ref(column)?.as_str_or_null().map_err(|e| bad(column, e))?;
        text.map(|text| serde_json::from_str(text).map_err(|e| bad(column, e))).transpose()
    }

    fn word<T: Copy>(&self, column: &str, all: &[T], word: impl Fn(T) -> &'static str) -> Result<T> {
        self.word_optional(column, all, word)?.ok_or_else(|| bad(column, "it is empty"))
    }

    fn word_optional<T: Copy>(
        &self,
        column: &str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>> {
        let text = self.get_ref(column)?.as_str_or_null().map_err(|e| bad(column, e))?;
        text.map(|text| {
            all.iter()
                .copied()
                .find(|value| word(*value) == text)
                .ok_or_else(|| bad(column, format!("\"{text}\"")))
        })
        .transpose()
    }
}
