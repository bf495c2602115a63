//! From SQLite's values to the domain's.

use std::str::FromStr;

use aisle_domain::{Money, Quantity, Timestamp};
use rusqlite::{
    Row,
    types::{FromSql, ValueRef},
};

use crate::error::{MirrorError, Result};

/// Reads columns by name as domain values.
pub(crate) trait Columns {
    fn cell(&self, column: &str) -> rusqlite::Result<ValueRef<'_>>;

    fn value<T: FromSql>(&self, column: &str) -> rusqlite::Result<T>;

    fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<T> {
        self.cell(column)?.as_str().map_err(|e| bad(column, e))?.parse().map_err(|e| bad(column, e))
    }

    fn parsed_optional<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<Option<T>> {
        let text = self.cell(column)?.as_str_or_null().map_err(|e| bad(column, e))?;
        text.map(|text| text.parse().map_err(|e| bad(column, e))).transpose()
    }

    fn id<T>(&self, column: &str, make: impl Fn(i64) -> std::result::Result<T, aisle_domain::BadId>) -> Result<T> {
        make(self.value(column)?).map_err(|e| bad(column, e))
    }

    fn id_optional<T>(
        &self,
        column: &str,
        make: impl Fn(i64) -> std::result::Result<T, aisle_domain::BadId>,
    ) -> Result<Option<T>> {
        self.value::<Option<i64>>(column)?.map(|id| make(id).map_err(|e| bad(column, e))).transpose()
    }

    fn time(&self, column: &str) -> Result<Timestamp> {
        Ok(Timestamp::from_millis(self.value(column)?))
    }

    fn time_optional(&self, column: &str) -> Result<Option<Timestamp>> {
        Ok(self.value::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    fn money(&self, column: &str) -> Result<Money> {
        Ok(Money::from_minor(self.value(column)?))
    }

    fn quantity(&self, column: &str) -> Result<Quantity> {
        Quantity::from_thousandths(self.value(column)?).map_err(|e| bad(column, e))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(self.cell(column)?.as_str().map_err(|e| bad(column, e))?).map_err(|e| bad(column, e))
    }

    fn json_optional<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let text = self.cell(column)?.as_str_or_null().map_err(|e| bad(column, e))?;
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
        let text = self.cell(column)?.as_str_or_null().map_err(|e| bad(column, e))?;
        text.map(|text| {
            all.iter()
                .copied()
                .find(|value| word(*value) == text)
                .ok_or_else(|| bad(column, format!("\"{text}\"")))
        })
        .transpose()
    }
}

impl Columns for Row<'_> {
    fn cell(&self, column: &str) -> rusqlite::Result<ValueRef<'_>> {
        self.get_ref(column)
    }

    fn value<T: FromSql>(&self, column: &str) -> rusqlite::Result<T> {
        self.get(column)
    }
}

/// A row whose columns stand in an order that is known. Of a wide row SQLite is asked for hundreds of names otherwise,
/// which takes longer than reading it.
pub(crate) struct Placed<'r, 's> {
    row: &'r Row<'s>,
    columns: &'static [&'static str],
}

impl<'r, 's> Placed<'r, 's> {
    pub(crate) const fn new(row: &'r Row<'s>, columns: &'static [&'static str]) -> Self {
        Self { row, columns }
    }

    fn place(&self, column: &str) -> rusqlite::Result<usize> {
        let place = self.columns.iter().position(|name| *name == column);
        place.ok_or_else(|| rusqlite::Error::InvalidColumnName(column.into()))
    }
}

impl Columns for Placed<'_, '_> {
    fn cell(&self, column: &str) -> rusqlite::Result<ValueRef<'_>> {
        self.row.get_ref(self.place(column)?)
    }

    fn value<T: FromSql>(&self, column: &str) -> rusqlite::Result<T> {
        self.row.get(self.place(column)?)
    }
}

pub(crate) fn bad(column: &str, why: impl std::fmt::Display) -> MirrorError {
    MirrorError::BadRow { what: format!("the column {column}"), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use crate::{folder::MIGRATIONS, items, orders, outbox};

    #[test]
    fn columns_that_are_read_by_their_place_stand_in_the_order_of_their_table() {
        let conn = Connection::open_in_memory().unwrap();
        for sql in MIGRATIONS {
            conn.execute_batch(sql).unwrap();
        }
        let tables: [(&str, &[&str]); 4] = [
            ("outbox", &outbox::COLUMNS),
            ("items", &items::COLUMNS),
            ("orders", &orders::COLUMNS),
            ("client_order_items", &orders::LINE_COLUMNS),
        ];
        for (table, columns) in tables {
            let all = conn.prepare(&format!("SELECT * FROM {table}")).unwrap();
            assert!(all.column_names().eq(columns.iter().copied()), "{table}");
        }
    }
}
