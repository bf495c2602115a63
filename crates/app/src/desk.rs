//! An open desk: its mirror, its sync where it has a line, its held decisions and its subscribers.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aisle_contract::{TopicNames, Transport};
use aisle_domain::{Change, ChangeId, OrderId, Right, Store, Subject, Timestamp, store::Durability};
use aisle_mirror::{FeedApplied, Mirror, NewChange, alarms, orders, outbox, staff, store};
use aisle_sync::{Clock, SigningKey, SyncEngine, SyncEvent, SyncOptions, SyncStatus};
use uuid::{ContextV7, Uuid};

use crate::{
    deadlines::Deadlines,
    error::AppError,
    events::{AlarmKind, Event, EventHub},
    holds::{HOLD, Holds},
    present,
    printing::{NoPrinter, Printer},
    rings::Rings,
    settings::{ConnectionSettings, DeskSettings},
    signing::Signing,
    views::{ActReceipt, Undo},
};

/// What a shell hands over to open a desk with a line.
pub struct Opened {
    /// The desk's database.
    pub mirror: Mirror,
    /// The way to the cluster.
    pub transport: Arc<dyn Transport>,
    /// What changes are signed with, where the desk was enrolled.
    pub key: Option<SigningKey>,
    /// The topics.
    pub names: TopicNames,
    /// Whether this is the sample store.
    pub rehearsal: bool,
    /// The connection's settings, for the settings screen.
    pub connection: ConnectionSettings,
    /// The printers of this computer.
    pub printer: Arc<dyn Printer>,
    /// Keeps alive what the line needs, such as a rehearsal's centre; stopped when it is dropped.
    pub guard: Box<dyn Send + Sync>,
}

/// What is left when the desk has been closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuitReport {
    /// Changes that the cluster does not have yet. They go out at the next start.
    pub unsent: usize,
}

/// An open desk.
pub struct Desk {
    pub(crate) mirror: Mirror,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rehearsal: bool,
    pub(crate) connection: ConnectionSettings,
    pub(crate) hub: Arc<EventHub>,
    ids: Mutex<ContextV7>,
    rings: Rings,
    pub(crate) printer: Arc<dyn Printer>,
    pub(crate) signing: Signing,
    /// Minutes without anybody after which the desk is locked; 0 for never.
    lock_after: AtomicU32,
    line: Option<Line>,
}

struct Line {
    engine: SyncEngine,
    holds: Holds,
    deadlines: Deadlines,
    _guard: Box<dyn Send + Sync>,
}

impl Desk {
    /// A desk without a line, for the command line: acts are saved and go out when somebody syncs.
    pub fn offline(mirror: Mirror, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        let connection = ConnectionSettings::load(&mirror)?;
        let signing = Signing::at_start(&mirror.read(staff::list)?, clock.now());
        Ok(Self {
            printer: Arc::new(NoPrinter),
            signing,
            lock_after: AtomicU32::new(0),
            mirror,
            clock,
            rehearsal: false,
            connection,
            hub: Arc::default(),
            ids: Mutex::new(ContextV7::new()),
            rings: Rings::default(),
            line: None,
        })
    }

    /// A desk with its line: releases what an earlier run still held, and starts to push and to read.
    pub(crate) fn start(opened: Opened, clock: Arc<dyn Clock>, hub: Arc<EventHub>) -> Result<Arc<Self>, AppError> {
        opened.mirror.release(None)?;
        let own = DeskSettings::load(&opened.mirror)?;
        let signing = Signing::at_start(&opened.mirror.read(staff::list)?, clock.now());
        let options = SyncOptions {
            names: opened.names,
            push_interval: Duration::from_secs(own.push_interval_s),
            push_decisions_at_once: own.push_decisions_at_once,
            version: env!("CARGO_PKG_VERSION").into(),
            desk_name: opened.mirror.identity().desk_name.clone(),
            chance: aisle_sync::system_chance(),
            key: opened.key,
            durability: opened.connection.enrolled.as_ref().map_or_else(Durability::default, |e| e.durability),
        };
        let mut failed = None;
        let desk = Arc::new_cyclic(|weak: &Weak<Self>| {
            let (for_sink, for_holds, for_deadlines) = (Weak::clone(weak), Weak::clone(weak), Weak::clone(weak));
            let holds = Holds::start(Arc::clone(&clock), move |change| {
                if let Some(desk) = for_holds.upgrade() {
                    desk.release_quietly(Some(change));
                }
            });
            let deadlines = Deadlines::start(move || {
                if let Some(desk) = for_deadlines.upgrade() {
                    desk.look_at_deadlines();
                }
            });
            let line = match holds.and_then(|holds| Ok((holds, deadlines?))) {
                Ok((holds, deadlines)) => Some(Line {
                    engine: SyncEngine::start(
                        opened.mirror.clone(),
                        opened.transport,
                        options,
                        Arc::clone(&clock),
                        Arc::new(move |event| {
                            if let Some(desk) = for_sink.upgrade() {
                                desk.synced(event);
                            }
                        }),
                    ),
                    holds,
                    deadlines,
                    _guard: opened.guard,
                }),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            };
            Self {
                printer: opened.printer,
                signing,
                lock_after: AtomicU32::new(own.lock_after_min),
                mirror: opened.mirror,
                clock,
                rehearsal: opened.rehearsal,
                connection: opened.connection,
                hub,
                ids: Mutex::new(ContextV7::new()),
                rings: Rings::default(),
                line,
            }
        });
        match failed {
            Some(error) => Err(AppError::Input { code: "io_error", message: error.to_string() }),
            None => Ok(desk),
        }
    }

    /// With the printers of this computer.
    #[must_use]
    pub fn with_printer(self, printer: Arc<dyn Printer>) -> Self {
        Self { printer, ..self }
    }

    pub(crate) const fn has_line(&self) -> bool {
        self.line.is_some()
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.mirror.dir()
    }

    /// The mirror, for reads that are no use case.
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The store's row, or what holds until central has sent it.
    pub(crate) fn store(&self) -> Result<Store, AppError> {
        let store = self.mirror.read(store::load)?;
        Ok(store.unwrap_or_else(|| present::unknown_store(self.mirror.identity().store_id)))
    }

    fn next_change_id(&self) -> ChangeId {
        let now = self.now().millis();
        let seconds = u64::try_from(now.div_euclid(1000)).unwrap_or_default();
        let nanos = u32::try_from(now.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ChangeId(Uuid::new_v7(uuid::Timestamp::from_unix(&*ids, seconds, nanos)))
    }

    /// Commits an act. `hold` gives it the five seconds in which it can be taken back; without a line whoever asked
    /// for the hold releases it.
    pub(crate) fn act(
        &self,
        change: Change,
        hold: bool,
        replaces: Option<ChangeId>,
    ) -> Result<ActReceipt, AppError> {
        let by = self.require(Right::for_change(&change))?.name;
        self.is_active();
        self.act_as(by, change, hold, replaces)
    }

    /// The same, whoever is at the desk: a rule acts as well.
    pub(crate) fn act_as(
        &self,
        by: String,
        change: Change,
        hold: bool,
        replaces: Option<ChangeId>,
    ) -> Result<ActReceipt, AppError> {
        let decision = change.is_decision();
        let new = NewChange { change_id: self.next_change_id(), change, by, at: self.now(), held: hold, replaces };
        let subject = self.mirror.act(&new)?;
        if let Subject::Order(order) = subject {
            self.acknowledge_quietly(order)?;
            self.hush()?;
        }
        if let Some(line) = &self.line {
            if hold {
                let order = if let Subject::Order(order) = subject { Some(order) } else { None };
                for other in line.holds.hold(new.change_id, order) {
                    self.release_quietly(Some(other));
                }
            } else if decision {
                line.engine.decided();
            }
        }
        self.changed(subject);
        Ok(ActReceipt {
            change_id: new.change_id.to_string(),
            state: "saved",
            subject: subject.to_string(),
            undo: Some(Undo {
                change_id: new.change_id.to_string(),
                text: self.in_words(&new.change)?,
                hold_ms: if hold { i64::try_from(HOLD.as_millis()).unwrap_or(0) } else { 0 },
            }),
        })
    }

    /// Takes back a change that has no number yet; without an id the newest such.
    pub fn undo(&self, change: Option<ChangeId>) -> Result<ActReceipt, AppError> {
        let missing = || AppError::NotFound("change that can still be taken back".into());
        let found = match change {
            Some(id) => self.mirror.read(|conn| outbox::load(conn, id))?,
            None => Some(self.mirror.read(outbox::latest_undoable)?.ok_or_else(missing)?),
        };
        // Whoever may not do it may not undo it either.
        let by = match &found {
            Some(row) => self.require(Right::for_change(&row.change))?.name,
            None => self.person()?,
        };
        let id = found.map(|row| row.change_id).or(change).ok_or_else(missing)?;
        let subject = self.mirror.withdraw(id, &by, self.now())?;
        if let Some(line) = &self.line {
            line.holds.forget(id);
        }
        self.changed(subject);
        Ok(ActReceipt { change_id: id.to_string(), state: "saved", subject: subject.to_string(), undo: None })
    }

    /// Ends the hold of a change, or of all: they may be numbered from now on.
    pub fn release(&self, change: Option<ChangeId>) -> Result<(), AppError> {
        self.mirror.release(change)?;
        if let Some(line) = &self.line {
            if let Some(id) = change {
                line.holds.forget(id);
            }
            line.engine.decided();
        }
        self.hub.emit(&Event::Outbox);
        self.push_status();
        Ok(())
    }

    fn release_quietly(&self, change: Option<ChangeId>) {
        if let Err(error) = self.release(change) {
            tracing::error!(%error, "a held change could not be released; it is released at the next start");
        }
    }

    /// How long a change is still held, in milliseconds.
    pub(crate) fn hold_ms(&self, change: ChangeId) -> Option<i64> {
        let left = self.line.as_ref()?.holds.remaining(change)?;
        i64::try_from(left.as_millis()).ok()
    }

    /// Pushes now, over a line that is opened for it where it was closed on this computer.
    pub fn send_now(&self) -> Result<(), AppError> {
        if let Some(line) = &self.line {
            line.engine.push_now();
        }
        Ok(())
    }

    pub(crate) fn sync_status(&self) -> Option<SyncStatus> {
        self.line.as_ref().map(|line| line.engine.status())
    }

    pub(crate) fn set_push_interval(&self, seconds: u64) {
        if let Some(line) = &self.line {
            line.engine.set_push_interval(Duration::from_secs(seconds));
        }
    }

    pub(crate) fn set_lock_after(&self, minutes: u32) {
        self.lock_after.store(minutes, Ordering::Relaxed);
    }

    /// What has come due since a second ago.
    fn look_at_deadlines(&self) {
        if let Err(error) = self.ring_late() {
            tracing::error!(%error, "deadlines could not be looked at");
        }
        if let Err(error) = self.accept_by_rule() {
            tracing::error!(%error, "orders could not be accepted by rule");
        }
        let after = Duration::from_secs(u64::from(self.lock_after.load(Ordering::Relaxed)) * 60);
        if let Err(error) = self.lock_when_idle(after) {
            tracing::error!(%error, "the desk could not be locked after nobody was there");
        }
    }

    pub(crate) fn set_push_decisions_at_once(&self, at_once: bool) {
        if let Some(line) = &self.line {
            line.engine.set_push_decisions_at_once(at_once);
        }
    }

    /// Acknowledges an order's alarm, or all of them: they stop ringing.
    pub fn acknowledge(&self, order: Option<OrderId>) -> Result<(), AppError> {
        let heard = self.mirror.write(|tx| alarms::acknowledge(tx, order))?;
        self.hush()?;
        if !heard.is_empty() {
            self.hub.emit(&Event::Orders { order_ids: heard.iter().map(ToString::to_string).collect() });
            self.push_status();
        }
        Ok(())
    }

    /// Whoever decides an order has heard it.
    fn acknowledge_quietly(&self, order: OrderId) -> Result<(), AppError> {
        if self.mirror.read(alarms::unheard)?.iter().any(|(id, _, _)| *id == order) {
            self.acknowledge(Some(order))?;
        }
        Ok(())
    }

    /// Tells subscribers what an act changed.
    pub(crate) fn changed(&self, subject: Subject) {
        match subject {
            Subject::Order(id) => self.hub.emit(&Event::Orders { order_ids: vec![id.to_string()] }),
            Subject::Item(id) => self.hub.emit(&Event::Items { item_ids: vec![id.to_string()] }),
            Subject::Store => self.hub.emit(&Event::Session { session: Box::new(self.session()) }),
        }
        self.hub.emit(&Event::Outbox);
        self.push_status();
    }

    /// Tells subscribers what came from central or moved in the outbox.
    fn synced(&self, event: SyncEvent) {
        match event {
            SyncEvent::Feed(applied) => self.fed(&applied),
            SyncEvent::Outbox => self.hub.emit(&Event::Outbox),
            SyncEvent::Status(_) => {}
        }
        self.push_status();
    }

    fn fed(&self, applied: &FeedApplied) {
        if !applied.orders.is_empty() {
            let order_ids = applied.orders.iter().map(ToString::to_string).collect();
            self.hub.emit(&Event::Orders { order_ids });
        }
        if applied.items_many || !applied.items.is_empty() {
            let item_ids = applied.items.iter().map(ToString::to_string).collect();
            self.hub.emit(&Event::Items { item_ids });
        }
        if applied.store {
            self.hub.emit(&Event::Session { session: Box::new(self.session()) });
        }
        if applied.outbox {
            self.hub.emit(&Event::Outbox);
        }
        let new = applied.new_orders.iter().map(|order| (*order, AlarmKind::New));
        let cancelled = applied.cancelled.iter().map(|order| (*order, AlarmKind::Cancelled));
        for (order, kind) in new.chain(cancelled) {
            self.ring(order, kind);
        }
        if let Err(error) = self.hush() {
            tracing::error!(%error, "alarms that ended could not be told");
        }
    }

    fn ring(&self, order: OrderId, kind: AlarmKind) {
        self.rings.begin(order, kind);
        self.hub.emit(&Event::Alarm { kind, order_id: order.to_string(), ringing: true });
    }

    /// Tells the end of alarms that are unheard no more.
    fn hush(&self) -> Result<(), AppError> {
        if self.rings.are_silent() {
            return Ok(());
        }
        let unheard: Vec<OrderId> =
            self.mirror.read(alarms::unheard)?.iter().map(|(order, _, _)| *order).collect();
        for (order, kind) in self.rings.end(&unheard) {
            self.hub.emit(&Event::Alarm { kind, order_id: order.to_string(), ringing: false });
        }
        Ok(())
    }

    /// Rings again for what nobody had acknowledged when the desk was closed.
    pub(crate) fn ring_unheard(&self) -> Result<(), AppError> {
        for (order, kind, _) in self.mirror.read(alarms::unheard)? {
            self.ring(order, AlarmKind::from_word(&kind));
        }
        Ok(())
    }

    /// Rings for orders whose deadline has come since it was last looked. Answers which.
    pub fn ring_late(&self) -> Result<Vec<OrderId>, AppError> {
        let now = self.central_now();
        if !self.mirror.read(|conn| alarms::is_any_late(conn, now))? {
            return Ok(Vec::new());
        }
        let late = self.mirror.write(|tx| alarms::raise_late(tx, now))?;
        for order in &late {
            self.ring(*order, AlarmKind::Late);
        }
        self.hub.emit(&Event::Orders { order_ids: late.iter().map(ToString::to_string).collect() });
        self.push_status();
        Ok(late)
    }

    fn push_status(&self) {
        if !self.hub.is_heard() {
            return;
        }
        match self.status() {
            Ok(status) => self.hub.emit(&Event::Status { status: Box::new(status) }),
            Err(error) => tracing::error!(%error, "the header's figures could not be read"),
        }
    }

    /// Releases what is held, pushes for at most `limit`, stops. Never blocks longer.
    pub fn quit(&self, limit: Duration) -> QuitReport {
        self.release_quietly(None);
        let Some(line) = &self.line else { return QuitReport { unsent: 0 } };
        line.holds.stop();
        line.deadlines.stop();
        QuitReport { unsent: line.engine.quit(limit) }
    }

    /// Whether the mirror has this order, for messages that name it.
    pub(crate) fn require_order(&self, id: OrderId) -> Result<aisle_domain::Order, AppError> {
        self.mirror
            .read(|conn| orders::load(conn, id))?
            .ok_or_else(|| AppError::NotFound(format!("order {id} in this store's mirror")))
    }
}
