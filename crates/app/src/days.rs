//! Days of a store: each begins at the store's own hour, by the clock on its wall.

use aisle_domain::{Store, Timestamp};
use jiff::{ToSpan, civil::Date, tz::TimeZone};

use crate::error::AppError;

fn zone(store: &Store) -> TimeZone {
    TimeZone::get(&store.time_zone).unwrap_or(TimeZone::UTC)
}

/// The day that an instant lies in; `None` beyond all calendars.
pub(crate) fn day_of(store: &Store, at: Timestamp) -> Option<Date> {
    let instant = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
    let wall = instant.to_zoned(zone(store)).datetime();
    Some(wall.checked_sub(i64::from(store.day_starts).minutes()).ok()?.date())
}

/// The hour that the store's clock shows at an instant; `None` beyond all calendars.
pub(crate) fn hour_of(store: &Store, at: Timestamp) -> Option<i8> {
    Some(jiff::Timestamp::from_millisecond(at.millis()).ok()?.to_zoned(zone(store)).hour())
}

/// When a day begins; `None` beyond all calendars.
fn begin(store: &Store, day: Date) -> Option<Timestamp> {
    let wall =
        day.to_datetime(jiff::civil::Time::midnight()).checked_add(i64::from(store.day_starts).minutes()).ok()?;
    Some(Timestamp::from_millis(wall.to_zoned(zone(store)).ok()?.timestamp().as_millisecond()))
}

/// When the day began that `now` lies in, or one that is so many days before it.
pub(crate) fn begun(store: &Store, now: Timestamp, days_before: i64) -> Timestamp {
    let day = day_of(store, now).and_then(|day| day.checked_sub(days_before.days()).ok());
    day.and_then(|day| begin(store, day)).unwrap_or(now)
}

/// A day by its name, from when to when.
///
/// # Errors
/// `bad_value` for a text that is no day.
pub(crate) fn named(store: &Store, text: &str) -> Result<(Timestamp, Timestamp), AppError> {
    let bad = || AppError::input("bad_value", format!("\"{text}\" is no day; write it as 2017-04-05"));
    let day: Date = text.parse().map_err(|_| bad())?;
    span(store, day).ok_or_else(bad)
}

/// From when to when a day is; `None` beyond all calendars.
fn span(store: &Store, day: Date) -> Option<(Timestamp, Timestamp)> {
    Some((begin(store, day)?, begin(store, day.tomorrow().ok()?)?))
}

#[cfg(test)]
mod tests {
    use aisle_domain::StoreId;

    use super::*;
    use crate::present::unknown_store;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn store_in(zone: &str, day_starts: u16) -> Store {
        Store { time_zone: zone.into(), day_starts, ..unknown_store(StoreId::new(367).unwrap()) }
    }

    #[test]
    fn the_day_starts_when_the_store_says_in_its_zone() {
        let now = at("2026-11-24T02:00:00Z");
        assert_eq!(begun(&store_in("UTC", 0), now, 0), at("2026-11-24T00:00:00Z"));
        assert_eq!(begun(&store_in("America/New_York", 0), now, 0), at("2026-11-23T05:00:00Z"));
        assert_eq!(begun(&store_in("UTC", 240), now, 0), at("2026-11-23T04:00:00Z"));
    }

    #[test]
    fn it_starts_at_the_same_time_of_the_wall_where_clocks_are_changed_that_night() {
        let store = store_in("Europe/Berlin", 4 * 60);
        // Clocks went back on 25 October 2026 at three.
        let now = at("2026-10-26T02:30:00Z");
        assert_eq!(begun(&store, now, 0), at("2026-10-25T03:00:00Z"));
        assert_eq!(begun(&store, now, 1), at("2026-10-24T02:00:00Z"));
        assert_eq!(begun(&store, now, 6), at("2026-10-19T02:00:00Z"));
        // Forward on 29 March: the day that begins at two, which is not there, begins at three.
        let early = store_in("Europe/Berlin", 2 * 60);
        assert_eq!(begun(&early, at("2026-03-29T10:00:00Z"), 0), at("2026-03-29T01:00:00Z"));
    }
}
