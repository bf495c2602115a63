//! The day: counted from the orders that were queued in it, whenever somebody asks.

use std::{collections::BTreeMap, path::Path};

use aisle_domain::{
    Order, OrderId, Store, Subject, Timestamp,
    day::{self, Day, Tally},
};
use aisle_mirror::{audit, orders, outbox, private};

use crate::{
    days,
    desk::Desk,
    error::AppError,
    views::{CauseView, ExportView, MarkView, OftenView, ReportView, ShopperDayView, TallyView, TimesView},
};

const MISSING_SHOWN: usize = 12;
const FOLDER: &str = "exports";

/// A day of the store's calendar: its name, and from when to when.
struct Span {
    name: String,
    from: Timestamp,
    to: Timestamp,
}

/// The named day, or the one that `now` lies in.
fn span(store: &Store, name: Option<&str>, now: Timestamp) -> Result<Span, AppError> {
    let today = || days::day_of(store, now).map(|day| day.to_string()).unwrap_or_default();
    let name = name.map_or_else(today, str::to_owned);
    let (from, to) = days::named(store, &name)?;
    Ok(Span { name, from, to })
}

fn tally(tally: Tally) -> TallyView {
    TallyView { count: tally.count, amount: tally.amount.to_string() }
}

fn often(counts: impl IntoIterator<Item = (String, usize)>) -> Vec<OftenView> {
    let mut all: Vec<_> = counts.into_iter().map(|(name, count)| OftenView { name, count }).collect();
    all.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
    all
}

fn times(sorted: &[i64]) -> TimesView {
    let limits = [10_000, 30_000, 60_000, 120_000, i64::MAX];
    let mut before = 0;
    let under = limits.map(|limit| {
        let to = sorted.partition_point(|time| *time < limit);
        let within = to - before;
        before = to;
        within
    });
    TimesView {
        count: sorted.len(),
        median_s: day::median(sorted).map(|ms| ms / 1000),
        longest_s: sorted.last().map(|ms| ms / 1000),
        under,
    }
}

fn hours(store: &Store, orders: &[Order]) -> Vec<usize> {
    let mut hours = vec![0; 24];
    for order in orders {
        let hour = days::hour_of(store, order.queued_time).unwrap_or_default();
        if let Some(count) = usize::try_from(hour).ok().and_then(|hour| hours.get_mut(hour)) {
            *count += 1;
        }
    }
    hours
}

/// A quotient with one decimal, half up.
fn quotient(part: i64, whole: i64) -> Option<String> {
    let (part, whole) = (i128::from(part), i128::from(whole));
    let tenths = (part * 20 + whole).checked_div_euclid(whole * 2)?;
    Some(format!("{}.{}", tenths / 10, tenths % 10))
}

impl Desk {
    fn orders_of(&self, span: &Span) -> Result<(Vec<Order>, BTreeMap<OrderId, Timestamp>), AppError> {
        Ok(self.mirror.read(|conn| {
            let orders = orders::queued_between(conn, span.from, span.to)?;
            let mut accepted = BTreeMap::new();
            for order in &orders {
                let at = audit::made_at(conn, Subject::Order(order.order_id), "order.accepted")?;
                accepted.extend(at.map(|at| (order.order_id, at)));
            }
            Ok((orders, accepted))
        })?)
    }

    /// A day of the store, `2017-04-05`; the one that is without a name.
    ///
    /// # Errors
    /// `bad_value` for what is no day.
    pub fn report(&self, named: Option<&str>) -> Result<ReportView, AppError> {
        let (store, now) = (self.store()?, self.central_now());
        let span = span(&store, named, now)?;
        let (orders, accepted) = self.orders_of(&span)?;
        let day = Day::of(&orders, &accepted, &store.policies);
        let counts = self.mirror.read(outbox::counts)?;
        let marks = day.marks.iter().map(|mark| MarkView {
            order_id: mark.order_id.to_string(),
            display_no: mark.display_no.clone(),
            expected: mark.expected.to_string(),
            paid: mark.paid.to_string(),
            percent: quotient(mark.paid.minor().saturating_mul(100), mark.expected.minor()),
            verdict: mark.verdict,
            status: mark.status,
            decision: mark.decision,
        });
        let shoppers = day.shoppers.iter().map(|shopper| {
            let sum: i64 = shopper.ratings.iter().map(|rating| i64::from(*rating)).sum();
            let rated = i64::try_from(shopper.ratings.len()).unwrap_or(0);
            ShopperDayView {
                shopper_id: shopper.shopper_id.to_string(),
                orders: shopper.orders,
                outside: shopper.outside,
                rating: quotient(sum, rated),
            }
        });
        Ok(ReportView {
            day: span.name,
            from: span.from.to_string(),
            to: span.to.to_string(),
            is_running: now < span.to,
            counted_at: now.to_string(),
            currency: store.currency.0.clone(),
            orders: TallyView { count: day.orders, amount: day.expected.to_string() },
            lines: day.lines,
            paid: tally(day.paid),
            difference: day.paid.amount.minus(day.expected_of_paid).to_string(),
            approved: tally(day.approved),
            declined: tally(day.declined),
            open: tally(day.open),
            unsent: counts.held + counts.ready + counts.sent,
            rejected: often(day.rejected),
            declined_for: often(day.declined_for),
            to_accept: times(&day.to_accept),
            to_decide: times(&day.to_decide),
            hours: hours(&store, &orders),
            marks: marks.collect(),
            causes: day
                .causes
                .iter()
                .map(|(kind, tally)| CauseView {
                    kind: *kind,
                    lines: tally.count,
                    amount: tally.amount.to_string(),
                })
                .collect(),
            missing: often(day.missing.into_iter().take(MISSING_SHOWN)),
            shoppers: shoppers.collect(),
        })
    }

    /// Writes a day's orders as a table into the data folder's exports, in the place of an earlier one of that day.
    pub fn export_report(&self, named: Option<&str>) -> Result<ExportView, AppError> {
        let store = self.store()?;
        let span = span(&store, named, self.central_now())?;
        let (orders, accepted) = self.orders_of(&span)?;
        let text = table(&orders, &accepted, &store)?;
        let folder = self.mirror.dir().join(FOLDER);
        let file = folder.join(format!("day-{}.csv", span.name));
        let written = std::fs::create_dir_all(&folder).and_then(|()| private::write(&file, &text));
        written.map_err(|why| not_written(&file, &why))?;
        Ok(ExportView { file: file.display().to_string(), rows: orders.len() })
    }
}

fn not_written(file: &Path, why: &std::io::Error) -> AppError {
    AppError::Input { code: "io_error", message: format!("the table {} cannot be written: {why}", file.display()) }
}

/// What a spreadsheet would run as a formula it is to show as text.
fn defused(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.into() }
}

fn table(orders: &[Order], accepted: &BTreeMap<OrderId, Timestamp>, store: &Store) -> Result<String, AppError> {
    let failed = |why: String| AppError::Input { code: "unexpected", message: format!("the table: {why}") };
    let mut rows = csv::Writer::from_writer(Vec::new());
    let head = [
        "order_id",
        "display_no",
        "queued_time",
        "status",
        "decision",
        "reason",
        "decided_by",
        "lines",
        "expected",
        "paid",
        "currency",
        "verdict",
        "accepted_after_s",
    ];
    rows.write_record(head).map_err(|why| failed(why.to_string()))?;
    let day = Day::of(orders, accepted, &store.policies);
    let marks: BTreeMap<OrderId, &day::Mark> = day.marks.iter().map(|mark| (mark.order_id, mark)).collect();
    for order in orders {
        let mark = marks.get(&order.order_id);
        let after =
            accepted.get(&order.order_id).map(|at| (at.since(order.queued_time).max(0) / 1000).to_string());
        rows.write_record([
            order.order_id.to_string(),
            order.display_no.clone(),
            order.queued_time.to_string(),
            order.status.word().to_owned(),
            order.decision.map(|decision| decision.word().to_owned()).unwrap_or_default(),
            defused(order.reason.as_deref().unwrap_or_default()),
            defused(order.decided_by.as_deref().unwrap_or_default()),
            order.lines.len().to_string(),
            order.expected().to_string(),
            mark.map(|mark| mark.paid.to_string()).unwrap_or_default(),
            store.currency.0.clone(),
            mark.map(|mark| mark.verdict.word().to_owned()).unwrap_or_default(),
            after.unwrap_or_default(),
        ])
        .map_err(|why| failed(why.to_string()))?;
    }
    let bytes = rows.into_inner().map_err(|why| failed(why.to_string()))?;
    String::from_utf8(bytes).map_err(|why| failed(why.to_string()))
}
