//! Long-running commands: syncing, serving the desk to a browser, rehearsing.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::Receiver,
    },
    time::Duration,
};

use aisle_app::{App, ConnectionSettings, Desk, Event};
use aisle_contract::Transport;
use aisle_host::{ServeOptions, StandardLauncher};
use aisle_mirror::Mirror;
use aisle_sync::{Clock, Goal, SyncEngine, SyncEvent, SyncOptions, SyncSummary, SystemClock};
use serde_json::json;

use super::folder;
use crate::{
    args::{Global, Rehearse, Serve, SyncArgs, Until},
    exit::{self, Failure},
    output::Output,
};

const TICK: Duration = Duration::from_millis(100);
const QUIT: Duration = Duration::from_secs(3);

/// Set by interrupt and terminate; commands end cleanly.
pub(crate) fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(flag) = FLAG.get() {
        return Ok(Arc::clone(flag));
    }
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .map_err(|e| Failure::new("io_error", format!("signals cannot be caught: {e}")))?;
    }
    Ok(Arc::clone(FLAG.get_or_init(|| flag)))
}

/// Waits; true as soon as somebody interrupts.
pub(crate) fn interrupted_within(limit: Duration) -> Result<bool, Failure> {
    let stop = stop_flag()?;
    let clock = SystemClock::default();
    let end = clock.monotonic() + limit;
    while clock.monotonic() < end {
        if stop.load(Ordering::Relaxed) {
            return Ok(true);
        }
        std::thread::sleep(TICK.min(end.saturating_sub(clock.monotonic())));
    }
    Ok(false)
}

fn line_of(mirror: &Mirror, global: &Global) -> Result<(Arc<dyn Transport>, SyncOptions), Failure> {
    let durability = |own: &ConnectionSettings| own.enrolled.as_ref().map(|enrolled| enrolled.durability);
    let mut connection = ConnectionSettings::load(mirror)?;
    if let Some(brokers) = &global.at_brokers {
        connection.brokers.clone_from(brokers);
    }
    if let Some(prefix) = &global.topic_prefix {
        connection.topic_prefix.clone_from(prefix);
    }
    let line = aisle_host::line_for(mirror, &connection)?;
    let options = SyncOptions {
        names: connection.names(),
        push_interval: Duration::from_mins(5),
        push_decisions_at_once: true,
        version: env!("CARGO_PKG_VERSION").into(),
        desk_name: mirror.identity().desk_name.clone(),
        chance: aisle_sync::system_chance(),
        key: line.key,
        durability: durability(&connection).unwrap_or_default(),
    };
    Ok((line.transport, options))
}

fn summary(found: &SyncSummary) -> serde_json::Value {
    json!({
        "received": found.received, "applied": found.applied, "parked": found.parked, "sent": found.sent,
        "acked": found.acked, "refused": found.refused, "left": found.left, "behind": found.behind,
        "duration_ms": found.duration_ms,
    })
}

pub(crate) fn sync(args: &SyncArgs, global: &Global, output: Output) -> Result<u8, Failure> {
    let mirror = folder::open_mirror(global)?;
    mirror.release(None)?;
    if args.remirror {
        Desk::offline(mirror.clone(), Arc::new(SystemClock::default()))?.remirror()?;
    }
    if args.follow {
        return follow(&mirror, args, global, output);
    }
    let (transport, options) = line_of(&mirror, global)?;
    let goal = match args.until {
        Until::Drained => Goal::Drained,
        Until::CaughtUp => Goal::CaughtUp,
        Until::Both => Goal::Both,
    };
    let stop = stop_flag()?;
    let clock = SystemClock::default();
    let found =
        aisle_sync::once(&mirror, transport.as_ref(), &options, goal, args.timeout, &clock, &stop, &mut |_| {})?;
    output.result(&summary(&found))?;
    if found.reached {
        return Ok(exit::OK);
    }
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::new("interrupted", "interrupted; what is done here is kept"));
    }
    if let Some(error) = found.error {
        Err(error.into())
    } else {
        let message = format!(
            "after {} s {} changes have no outcome yet and {} records are unread",
            args.timeout.as_secs(),
            found.left,
            found.behind
        );
        Err(Failure::new("timed_out", message).with_hint("is central working? aisle central work applies changes"))
    }
}

/// Syncs an open desk until its changes have outcomes, for `--wait received`.
pub(crate) fn sync_until_outcome(desk: &Desk, global: &Global, timeout: Duration) -> Result<(), Failure> {
    let mirror = desk.mirror();
    let (transport, options) = line_of(mirror, global)?;
    let clock = SystemClock::default();
    let stop = stop_flag()?;
    aisle_sync::once(mirror, transport.as_ref(), &options, Goal::Drained, timeout, &clock, &stop, &mut |_| {})?;
    Ok(())
}

fn follow(mirror: &Mirror, args: &SyncArgs, global: &Global, output: Output) -> Result<u8, Failure> {
    let (transport, mut options) = line_of(mirror, global)?;
    options.push_interval = args.interval;
    let stop = stop_flag()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let (printer, its_clock) = (output, Arc::clone(&clock));
    let engine = SyncEngine::start(
        mirror.clone(),
        transport,
        options,
        clock,
        Arc::new(move |event| {
            let at = its_clock.now().to_string();
            // Nobody reads any more: the sync itself goes on.
            drop(print_event(printer, &at, &event));
        }),
    );
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
    }
    let unsent = engine.quit(QUIT);
    output.message(&format!("stopped; {unsent} changes are not sent yet"))?;
    Ok(exit::OK)
}

fn print_event(output: Output, at: &str, event: &SyncEvent) -> Result<(), Failure> {
    match event {
        SyncEvent::Feed(applied) => output.event(
            at,
            "fed",
            &json!({
                "orders": applied.orders.len(), "items": applied.items.len(), "received": applied.received,
                "refused": applied.refused, "parked": applied.parked, "new_orders": applied.new_orders,
                "cancelled": applied.cancelled,
            }),
        ),
        SyncEvent::Outbox => output.event(at, "outbox", &json!({})),
        SyncEvent::Status(status) => output.event(
            at,
            "status",
            &json!({
                "link": status.link.state.word(),
                "cause": status.link.cause.as_ref().map(aisle_sync::Cause::words),
                "catching_up": status.catching_up,
                "remirroring": status.feeds.iter().any(|feed| feed.remirroring),
                "throttled_ms": status.throttled_ms,
            }),
        ),
    }
}

pub(crate) fn serve(args: &Serve, global: &Global, output: Output) -> Result<u8, Failure> {
    let launcher = StandardLauncher::new(folder::path(global)?);
    let app = App::new(Arc::new(launcher), Arc::new(SystemClock::default()));
    if let Err(error) = app.start() {
        output.message(&format!("the desk could not be opened: {}", error.message))?;
    }
    serve_app(&app, args.port, args.ui.clone(), args.open, output)
}

pub(crate) fn rehearse(args: &Rehearse, _global: &Global, output: Output) -> Result<u8, Failure> {
    let launcher = StandardLauncher::new(args.dir.clone());
    let app = App::new(Arc::new(launcher), Arc::new(SystemClock::default()));
    let events = app.subscribe();
    app.call("rehearse", serde_json::Value::Null)?;
    match aisle_host::find_ui(args.ui.as_deref()) {
        Ok(ui) => serve_app(&app, args.port, Some(ui), false, output),
        // Without a page the rehearsal is followed here: what would ring is printed.
        Err(_) if args.ui.is_none() => follow_events(&app, &events, &args.dir, output),
        Err(error) => Err(error.into()),
    }
}

fn follow_events(
    app: &App,
    events: &Receiver<Event>,
    dir: &std::path::Path,
    output: Output,
) -> Result<u8, Failure> {
    let stop = stop_flag()?;
    let clock = SystemClock::default();
    let desk = dir.join("rehearsal").join("desk");
    output
        .message(&format!("the sample store runs; look at it with: aisle --data {} order list", desk.display()))?;
    while !stop.load(Ordering::Relaxed) {
        if let Ok(Event::Alarm { kind, order_id, ringing: true }) = events.recv_timeout(TICK) {
            output.event(&clock.now().to_string(), "alarm", &json!({ "kind": kind, "order_id": order_id }))?;
        }
    }
    app.quit(QUIT);
    Ok(exit::OK)
}

fn serve_app(
    app: &App,
    port: u16,
    ui: Option<std::path::PathBuf>,
    open: bool,
    output: Output,
) -> Result<u8, Failure> {
    let stop = stop_flag()?;
    let server = aisle_host::serve(app.clone(), &ServeOptions { port, ui })?;
    output.result(&json!({ "address": server.address() }))?;
    if open {
        let opened = std::process::Command::new("xdg-open").arg(server.address()).spawn();
        if let Err(error) = opened {
            output.message(&format!("no browser could be started ({error}); open the address by hand"))?;
        }
    }
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
    }
    server.stop();
    let report = app.quit(QUIT);
    output.message(&format!("stopped; {} changes are not sent yet", report.unsent))?;
    Ok(exit::OK)
}
