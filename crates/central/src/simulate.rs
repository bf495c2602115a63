//! The simulated store: a real store's days replayed. It writes central's SQL and `feed_outbox` only, in the order of
//! the files, and never waits for a desk.

mod input;
mod plan;
mod rows;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroU32,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use aisle_domain::{OrderId, OrderStatus, Shopper, Store, StoreId, Subject, Timestamp};
use serde::Serialize;

use crate::{
    Centre,
    acts::{cancel, change_order, miss_overdue, new_payment},
    apply::Rows,
    clock::Stop,
    error::CentralError,
    ledger::{AuditEntry, Ledger, SimulatedCounts, SimulatedOrder, Tx},
};
use input::{Input, InputOrder, InputReceipt};
use plan::Cancel;
use rows::{bad_id, item_row, order_row, receipt_row};

/// Items a transaction.
const ITEMS: usize = 200;
/// Orders a transaction: with their lines about 200 rows.
const ORDERS: usize = 10;
const TICK: Duration = Duration::from_millis(100);
const ACCEPT_WITHIN_MS: i64 = 10 * 60 * 1000;

/// How fast the days go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// Everything at once: no order has a deadline, and the shopper answers an accept at once.
    Max,
    /// This many times life.
    Times(NonZeroU32),
}

impl std::str::FromStr for Speed {
    type Err = CentralError;

    fn from_str(text: &str) -> Result<Self, CentralError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        text.parse().map(Self::Times).map_err(|_| CentralError::BadValue {
            what: format!("\"{text}\" is no speed; write max, or how many times life, such as 60"),
        })
    }
}

/// What to simulate.
#[derive(Clone)]
pub struct SimulateOptions {
    /// For which store.
    pub store: StoreId,
    /// The folder with `items.csv`, `orders.jsonl` and `receipts.jsonl`.
    pub from: PathBuf,
    /// Only the first so many days of the store.
    pub days: Option<u32>,
    /// How fast.
    pub speed: Speed,
    /// What is not in the files comes from it.
    pub seed: u64,
    /// How many of a hundred customers cancel.
    pub cancel_percent: u8,
    /// Go on until every order is confirmed, or rejected, or runs with a declined payment. Otherwise it ends when
    /// everything is released and every accepted order is answered.
    pub until_done: bool,
    /// End after this in any case.
    pub timeout: Option<Duration>,
    /// How long an order may wait to be accepted, milliseconds of life; at the highest speed for ever.
    pub accept_within_ms: i64,
    /// Told of everything that happens.
    pub events: Option<SimulateListener>,
}

impl SimulateOptions {
    /// All days, as fast as can be, without cancellations.
    pub fn new(store: StoreId, from: impl Into<PathBuf>) -> Self {
        Self {
            store,
            from: from.into(),
            days: None,
            speed: Speed::Max,
            seed: 1,
            cancel_percent: 0,
            until_done: false,
            timeout: None,
            accept_within_ms: ACCEPT_WITHIN_MS,
            events: None,
        }
    }
}

impl std::fmt::Debug for SimulateOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulateOptions")
            .field("store", &self.store)
            .field("from", &self.from)
            .field("days", &self.days)
            .field("speed", &self.speed)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// Who is told of what the simulation does.
pub type SimulateListener = Arc<dyn Fn(&SimulateEvent) + Send + Sync>;

/// Something that the simulation did, and when by central's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimulateEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: SimulateEventKind,
}

/// What the simulation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SimulateEventKind {
    /// The catalog is there.
    Items {
        /// How many items were added now.
        added: u64,
    },
    /// An order came in.
    Released {
        /// The order.
        order_id: OrderId,
    },
    /// A shopper paid.
    Answered {
        /// The order.
        order_id: OrderId,
    },
    /// A customer cancelled.
    Cancelled {
        /// The order.
        order_id: OrderId,
    },
}

/// Where the simulation of a store stands, earlier runs included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SimulateSummary {
    /// Items that it added to the catalog.
    pub items: u64,
    /// Orders it released.
    pub orders: u64,
    /// Payments it made.
    pub payments: u64,
    /// Receipts it made.
    pub receipts: u64,
    /// Orders it cancelled.
    pub cancelled: u64,
    /// False when it ended before what was asked for.
    #[serde(skip)]
    pub reached: bool,
}

impl SimulateSummary {
    const fn of(counts: SimulatedCounts, reached: bool) -> Self {
        Self {
            items: counts.items,
            orders: counts.orders,
            payments: counts.answered,
            receipts: counts.answered,
            cancelled: counts.cancelled,
            reached,
        }
    }
}

impl Centre {
    /// Replays the days of a folder for a store; goes on where it was when it is started again.
    ///
    /// # Errors
    /// [`CentralError::Input`] for a file that cannot be read, before anything is written;
    /// [`CentralError::NotFound`] for an unknown store.
    pub fn simulate(&self, options: &SimulateOptions, stop: &Stop) -> Result<SimulateSummary, CentralError> {
        if options.cancel_percent > 100 {
            return Err(CentralError::BadValue { what: "of a hundred customers at most a hundred cancel".into() });
        }
        let started = Instant::now();
        let store = self.store(options.store)?;
        let input = Input::read(&options.from)?;
        let days = orders_of_days(&input, &store, options.days)?;
        let mut run = Run { centre: self, options, ledger: self.ledger()?, input: &input, looked: None };
        run.load_items(&store, stop)?;
        let mut waiting = run.unreleased(&days)?;
        waiting.reverse();
        let mut last = None;
        loop {
            run.release(&mut waiting, &mut last)?;
            let settled = run.shop()?;
            if options.speed != Speed::Max {
                miss_overdue(&mut run.ledger, self.now())?;
            }
            let released = waiting.is_empty();
            let reached = released && if options.until_done { run.counts()?.undone == 0 } else { settled };
            let out_of_time = options.timeout.is_some_and(|limit| started.elapsed() >= limit);
            if reached || out_of_time || stop.wanted() {
                run.finish()?;
                return Ok(SimulateSummary::of(run.counts()?, reached));
            }
            if released || options.speed != Speed::Max {
                stop.sleep(TICK);
            }
        }
    }
}

/// The orders of the store's first `days` days, in the order of the file.
fn orders_of_days<'i>(
    input: &'i Input,
    store: &Store,
    days: Option<u32>,
) -> Result<Vec<&'i InputOrder>, CentralError> {
    let bad = |e: jiff::Error| CentralError::BadValue { what: format!("a day of store {}: {e}", store.store_id) };
    let zone = jiff::tz::TimeZone::get(&store.time_zone).map_err(bad)?;
    let day_of = |order: &InputOrder| {
        let start = order.creation_time.plus_millis(-i64::from(store.day_starts) * 60_000);
        let instant = jiff::Timestamp::from_millisecond(start.millis()).map_err(bad)?;
        Ok::<_, CentralError>(instant.to_zoned(zone.clone()).date())
    };
    let Some(days) = days else { return Ok(input.orders.iter().collect()) };
    let Some(first) = input.orders.iter().map(day_of).collect::<Result<Vec<_>, _>>()?.into_iter().min() else {
        return Ok(Vec::new());
    };
    let end = first.checked_add(jiff::Span::new().try_days(i64::from(days)).map_err(bad)?).map_err(bad)?;
    let mut orders = Vec::new();
    for order in &input.orders {
        if day_of(order)? < end {
            orders.push(order);
        }
    }
    Ok(orders)
}

struct Run<'a> {
    centre: &'a Centre,
    options: &'a SimulateOptions,
    ledger: Ledger,
    input: &'a Input,
    /// What other connections had written when orders were looked at.
    looked: Option<i64>,
}

/// When an order was released last, and when it was created in life.
type LastRelease = Option<(Timestamp, Timestamp)>;

impl Run<'_> {
    fn tell(&self, what: SimulateEventKind) {
        if let Some(events) = &self.options.events {
            events(&SimulateEvent { at: self.centre.now(), what });
        }
    }

    /// Adds the items that the store does not have.
    fn load_items(&mut self, store: &Store, stop: &Stop) -> Result<(), CentralError> {
        let store_id = store.store_id;
        let mut added = 0;
        for step in self.input.items.chunks(ITEMS) {
            if stop.wanted() {
                break;
            }
            let now = self.centre.now();
            let known = self.ledger.read(|tx| {
                step.iter().try_fold(true, |all, item| Ok(all && tx.item_is_known(store_id, item.item_id)?))
            })?;
            if known {
                continue;
            }
            added += self.ledger.write(|tx| {
                let mut rows = Rows::new(tx, now);
                let mut new = 0;
                for item in step {
                    if !tx.item_is_known(store_id, item.item_id)? {
                        *rows.item(store_id, item.item_id)? = Some(item_row(store_id, item));
                        new += 1;
                    }
                }
                rows.write()?;
                tx.note_items(store_id, new)?;
                Ok(new)
            })?;
        }
        self.tell(SimulateEventKind::Items { added: added.unsigned_abs() });
        Ok(())
    }

    fn unreleased<'i>(&mut self, orders: &[&'i InputOrder]) -> Result<Vec<&'i InputOrder>, CentralError> {
        let store = self.options.store;
        self.ledger.read(|tx| {
            let mut left = Vec::new();
            for order in orders {
                if !tx.was_released(store, order.order_id)? {
                    left.push(*order);
                }
            }
            Ok(left)
        })
    }

    /// Whether the store takes no new orders now. At the highest speed there is no time of day in which that could end.
    fn is_paused(&mut self, now: Timestamp) -> Result<bool, CentralError> {
        let store = self.options.store;
        if self.options.speed == Speed::Max {
            return Ok(false);
        }
        let row = self.ledger.read(|tx| tx.store(store))?;
        Ok(row.and_then(|row| row.paused_until).is_some_and(|until| until > now))
    }

    /// Releases what is due of `waiting`, whose last one comes first: at the highest speed one transaction's worth.
    fn release(&mut self, waiting: &mut Vec<&InputOrder>, last: &mut LastRelease) -> Result<(), CentralError> {
        let now = self.centre.now();
        if self.is_paused(now)? {
            return Ok(());
        }
        let mut due = Vec::new();
        while due.len() < ORDERS {
            let Some(order) = waiting.last() else { break };
            let wait = last.map_or(0, |(_, created)| self.options.speed.wall(order.creation_time.since(created)));
            if last.is_some_and(|(released, _)| now.since(released) < wait) {
                break;
            }
            *last = Some((now, order.creation_time));
            due.extend(waiting.pop());
        }
        if due.is_empty() {
            return Ok(());
        }
        let (input, options) = (self.input, self.options);
        self.ledger.write(|tx| {
            let mut rows = Rows::new(tx, now);
            let store = rows.known_store(options.store)?;
            for order in &due {
                if tx.order(options.store, order.order_id)?.is_none() {
                    rows.add_order(order_row(&store, input, order, options, now)?);
                    let subject = Subject::Order(order.order_id);
                    tx.audit(&AuditEntry::of_central(options.store, subject, "order.queued", now))?;
                }
                tx.note_released(options.store, order.order_id, order.line, now)?;
            }
            rows.write()
        })?;
        for order in due {
            self.tell(SimulateEventKind::Released { order_id: order.order_id });
        }
        Ok(())
    }

    /// Lets shoppers answer and customers cancel where it is time. True when nothing is left to answer by now.
    fn shop(&mut self) -> Result<bool, CentralError> {
        let wrote = self.ledger.others_wrote()?;
        if self.options.speed == Speed::Max && self.options.cancel_percent == 0 && self.looked == Some(wrote) {
            return Ok(true);
        }
        self.looked = Some(wrote);
        let now = self.centre.now();
        let store = self.options.store;
        let open = self.ledger.read(|tx| tx.unsettled(store))?;
        let mut settled = true;
        let mut acts = Vec::new();
        for order in open {
            match self.next_step(&order, now) {
                Step::Nothing => {}
                Step::Wait => settled = false,
                step => acts.push((order, step)),
            }
        }
        for some in acts.chunks(ORDERS) {
            let (input, options) = (self.input, self.options);
            self.ledger.write(|tx| {
                some.iter().try_for_each(|(order, step)| act(tx, input, options, order, *step, now))
            })?;
            for (order, step) in some {
                self.tell_step(order.order, *step);
            }
        }
        Ok(settled && !acts.iter().any(|(_, step)| *step == Step::SeeAccepted))
    }

    fn tell_step(&self, order_id: OrderId, step: Step) {
        match step {
            Step::Answer => self.tell(SimulateEventKind::Answered { order_id }),
            Step::Cancel => self.tell(SimulateEventKind::Cancelled { order_id }),
            Step::Nothing | Step::Wait | Step::SeeAccepted => {}
        }
    }

    /// What is to be done with an open order now.
    fn next_step(&self, order: &SimulatedOrder, now: Timestamp) -> Step {
        let options = self.options;
        let plan = plan::cancel(options.seed, order.order, options.cancel_percent, options.speed);
        if let Some(Cancel::After { millis }) = plan {
            return if now.since(order.released_at) >= millis { Step::Cancel } else { Step::Wait };
        }
        if order.status == OrderStatus::New {
            return Step::Nothing;
        }
        let picking = self.picking_ms(order);
        match order.accepted_at {
            None if picking > 0 => Step::SeeAccepted,
            Some(accepted) if now.since(accepted) < picking => Step::Wait,
            _ if plan == Some(Cancel::InsteadOfPaying) => Step::Cancel,
            _ => Step::Answer,
        }
    }

    /// How long the shopper takes, wall time.
    fn picking_ms(&self, order: &SimulatedOrder) -> i64 {
        let created = self.input.order_at(order.line).map(|o| o.creation_time);
        let paid = self.input.receipt(order.order).map(|r| r.datetime);
        created.zip(paid).map_or(0, |(created, paid)| self.options.speed.wall(paid.since(created)))
    }

    fn counts(&mut self) -> Result<SimulatedCounts, CentralError> {
        let store = self.options.store;
        self.ledger.read(|tx| tx.simulated_counts(store))
    }

    /// Lets the desks check what they have now.
    fn finish(&mut self) -> Result<(), CentralError> {
        let now = self.centre.now();
        let store = self.options.store;
        self.ledger.write(|tx| tx.cut_digests(store, true, now))
    }
}

/// What the simulation does with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It waits for the store.
    Nothing,
    /// It waits for its time.
    Wait,
    SeeAccepted,
    Answer,
    Cancel,
}

fn act(
    tx: &Tx<'_>,
    input: &Input,
    options: &SimulateOptions,
    order: &SimulatedOrder,
    step: Step,
    now: Timestamp,
) -> Result<(), CentralError> {
    let key = (options.store, order.order);
    match step {
        Step::Nothing | Step::Wait => Ok(()),
        Step::SeeAccepted => tx.note_accepted(options.store, order.order, now),
        Step::Cancel => match cancel(tx, key, "cancelled", now) {
            Ok(()) => tx.note_settled(options.store, order.order, "cancelled"),
            // A desk was faster by a moment.
            Err(CentralError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        },
        Step::Answer => match input.receipt(order.order) {
            Some(receipt) => answer(tx, key, receipt, options.seed, now),
            None => Ok(()),
        },
    }
}

/// The shopper's receipt and payment, in one transaction, unless the store has ended the order meanwhile.
fn answer(
    tx: &Tx<'_>,
    (store, order): (StoreId, OrderId),
    receipt: &InputReceipt,
    seed: u64,
    now: Timestamp,
) -> Result<(), CentralError> {
    let row = tx.order(store, order)?;
    if !row.is_some_and(|o| matches!(o.status, OrderStatus::Running | OrderStatus::Pending)) {
        return Ok(());
    }
    let payment = new_payment(tx, (store, order), receipt.amount, now)?;
    let shopper = plan::shopper(seed, order).map_err(|e| bad_id(&e))?;
    let receipt = receipt_row((store, order), receipt);
    let facts = serde_json::json!({
        "payment": payment.payment_id, "amount": payment.amount, "transaction": receipt.transaction_id
    });
    change_order(tx, (store, order), "payment.received", Some(facts), now, |row| {
        row.receive_receipt(receipt);
        row.receive_payment(payment);
        row.shopper.get_or_insert(Shopper { shopper_id: shopper, rating: None });
        Ok(())
    })?;
    tx.note_settled(store, order, "answered")
}
