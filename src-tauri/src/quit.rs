//! The way out: what is held is released, what can go is pushed, what stays is named; never longer than a few seconds.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::Value;
use tauri::{AppHandle, Manager};

use crate::{
    desk::Desk,
    notice,
    shell::{MAIN, told},
};

/// How long the last push may take.
const PUSH: Duration = Duration::from_secs(3);
/// How long what stays unsent is shown, unless somebody closes it before.
const SHOWN: Duration = Duration::from_secs(10);

/// Whether the way out has begun.
#[derive(Debug, Default)]
pub(crate) struct Quitting(AtomicBool);

/// Quits, once, however often it is asked.
pub(crate) fn begin(handle: &AppHandle) {
    if handle.state::<Quitting>().0.swap(true, Ordering::SeqCst) {
        return;
    }
    if let Some(window) = handle.get_webview_window(MAIN) {
        told(window.hide());
    }
    let own = handle.clone();
    let started = std::thread::Builder::new().name("quit".into()).spawn(move || {
        let desk = own.state::<Desk>().inner().clone();
        // A sample store is made anew each time: what it has not sent matters to nobody.
        let rehearsal = desk.look("session", "rehearsal") == Some(Value::Bool(true));
        let left = desk.quit(PUSH).unsent;
        if left > 0 && !rehearsal {
            tracing::warn!(left, "changes stay unsent");
            notice::show(&own, "Not everything is sent", &unsent(left)).wait(SHOWN);
        }
        own.exit(0);
    });
    if let Err(error) = started {
        tracing::error!(%error, "no thread for the last push; what is unsent goes out at the next start");
        handle.exit(0);
    }
}

fn unsent(left: usize) -> String {
    let what = if left == 1 { "1 change is".to_owned() } else { format!("{left} changes are") };
    format!("{what} not sent yet. They are saved on this computer and go out when Aisle is started again.")
}

/// Quits as the menu does when the system ends the program.
#[cfg(unix)]
pub(crate) fn on_signals(handle: &AppHandle) -> std::io::Result<()> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
    };
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let handle = handle.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in signals.forever() {
            begin(&handle);
        }
    })?;
    Ok(())
}

/// Elsewhere the system closes the window instead.
#[cfg(not(unix))]
pub(crate) fn on_signals(_handle: &AppHandle) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::unsent;

    #[test]
    fn what_stays_unsent_is_counted_in_words() {
        assert!(unsent(1).starts_with("1 change is not sent yet."));
        assert!(unsent(12).starts_with("12 changes are not sent yet."));
    }
}
