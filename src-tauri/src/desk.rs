//! The desk behind the window: opened on a thread of its own, so that the window is there at once.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aisle_app::{App, QuitReport, RpcError};
use aisle_host::StandardLauncher;
use aisle_sync::SystemClock;
use serde_json::Value;

/// The app, and whether its folder has been looked at. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    app: App,
    opened: Arc<OnceLock<()>>,
}

impl Desk {
    /// For the desk of this folder; `demo` is the sample store's where the program brings it along.
    pub(crate) fn new(data: PathBuf, demo: Option<PathBuf>) -> Self {
        let launcher = StandardLauncher::new(data).with_demo(demo);
        let app = App::new(Arc::new(launcher), Arc::new(SystemClock::default()));
        Self { app, opened: Arc::default() }
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Opens the folder's desk. What stands against it is told by the command `session`, on the page.
    pub(crate) fn open(&self) {
        if let Err(error) = self.app.start() {
            tracing::error!(code = error.code, message = error.message, "the desk could not be opened");
        }
        // A second call finds it set, which is as good.
        let _ = self.opened.set(());
    }

    /// Answers a command, after the folder was looked at: before that a first run would be shown to everybody.
    pub(crate) fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.opened.wait();
        self.app.call(method, params)
    }

    /// What a command answers under this name; nothing while no desk is open.
    pub(crate) fn look(&self, method: &str, name: &str) -> Option<Value> {
        self.call(method, Value::Null).ok()?.get(name).cloned()
    }

    /// Closes the desk. Changes that stay unsent go out at the next start.
    pub(crate) fn quit(&self, limit: Duration) -> QuitReport {
        self.opened.wait();
        self.app.quit(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_waits_until_the_folder_was_looked_at() {
        let desk = Desk::new(std::env::temp_dir().join("aisle-desk-that-is-not-there"), None);
        let own = desk.clone();
        let asked = std::thread::spawn(move || own.call("session", Value::Null));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!asked.is_finished());
        desk.open();
        assert_eq!(asked.join().unwrap().unwrap()["state"], "first_run");
    }
}
