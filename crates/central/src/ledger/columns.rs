//! Columns as the types of the domain.

use std::{error::Error, str::FromStr};

use aisle_domain::{
    BadId, Barcode, ChangeId, Decision, DeskId, Lane, LineState, Money, PaymentStatus, Quantity, Timestamp,
};
use rusqlite::{Row, types::Type};

#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is none of the words of this column")]
struct UnknownWord(String);

fn bad(column: usize, kind: Type, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

pub(super) fn id<T>(row: &Row<'_>, column: usize, make: fn(i64) -> Result<T, BadId>) -> rusqlite::Result<T> {
    make(row.get(column)?).map_err(|e| bad(column, Type::Integer, e))
}

pub(super) fn id_or_none<T>(
    row: &Row<'_>,
    column: usize,
    make: fn(i64) -> Result<T, BadId>,
) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<i64>>(column)?.map(make).transpose().map_err(|e| bad(column, Type::Integer, e))
}

pub(super) fn text<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    row.get_ref(column)?.as_str()?.parse().map_err(|e| bad(column, Type::Text, e))
}

pub(super) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|e| bad(column, Type::Text, e))
}

pub(super) fn money(row: &Row<'_>, column: usize) -> rusqlite::Result<Money> {
    row.get(column).map(Money::from_minor)
}

pub(super) fn quantity(row: &Row<'_>, column: usize) -> rusqlite::Result<Quantity> {
    Quantity::from_thousandths(row.get(column)?).map_err(|e| bad(column, Type::Integer, e))
}

pub(super) fn quantity_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Quantity>> {
    row.get::<_, Option<i64>>(column)?
        .map(Quantity::from_thousandths)
        .transpose()
        .map_err(|e| bad(column, Type::Integer, e))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

pub(super) fn time_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

pub(super) fn barcode_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Barcode>> {
    row.get::<_, Option<String>>(column)?
        .map(Barcode::try_from)
        .transpose()
        .map_err(|e| bad(column, Type::Text, e))
}

fn word<T>(row: &Row<'_>, column: usize, of: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let word = row.get_ref(column)?.as_str()?;
    of(word).ok_or_else(|| bad(column, Type::Text, UnknownWord(word.into())))
}

fn word_or_none<T>(
    row: &Row<'_>,
    column: usize,
    of: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)?.as_str_or_null()? {
        None => Ok(None),
        Some(_) => word(row, column, of).map(Some),
    }
}

pub(super) fn lane(row: &Row<'_>, column: usize) -> rusqlite::Result<Lane> {
    word(row, column, Lane::from_word)
}

pub(super) fn line_state(row: &Row<'_>, column: usize) -> rusqlite::Result<LineState> {
    word(row, column, |w| LineState::ALL.into_iter().find(|s| s.word() == w))
}

pub(super) fn availability(row: &Row<'_>, column: usize) -> rusqlite::Result<aisle_domain::Availability> {
    word(row, column, |w| w.parse().ok())
}

pub(super) fn decision_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Decision>> {
    word_or_none(row, column, |w| [Decision::Approved, Decision::Rejected].into_iter().find(|d| d.word() == w))
}

pub(super) fn payment_status_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PaymentStatus>> {
    word_or_none(row, column, |w| {
        [PaymentStatus::Approved, PaymentStatus::Rejected].into_iter().find(|s| s.word() == w)
    })
}

pub(super) fn desk(row: &Row<'_>, column: usize) -> rusqlite::Result<DeskId> {
    text(row, column)
}

pub(super) fn change_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<ChangeId>> {
    row.get::<_, Option<String>>(column)?
        .map(|t| t.parse())
        .transpose()
        .map_err(|e: BadId| bad(column, Type::Text, e))
}
