//! The tray, where the platform has one: Aisle rings on while its window is closed.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use aisle_app::views::Waiting;
use tauri::{
    AppHandle, Manager,
    menu::{Menu, MenuItem},
    tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent},
};

use crate::{notice, quit, shell};

const OPEN: &str = "open";
const QUIT: &str = "quit";

/// The icon, or none.
pub(crate) struct Tray {
    icon: Option<TrayIcon>,
    told: AtomicBool,
    /// What it says last.
    said: Mutex<String>,
}

impl Tray {
    /// Shows the icon where something is there to show it.
    pub(crate) fn start(handle: &AppHandle) -> Self {
        let icon = if platform::has_tray() {
            build(handle).inspect_err(|error| tracing::warn!(%error, "there is no tray icon")).ok()
        } else {
            tracing::info!("this screen has no tray: closing the window quits");
            None
        };
        Self { icon, told: AtomicBool::new(false), said: Mutex::default() }
    }

    /// Whether a closed window can be brought back.
    pub(crate) fn is_there(&self) -> bool {
        self.icon.is_some()
    }
}

fn build(handle: &AppHandle) -> tauri::Result<TrayIcon> {
    let open = MenuItem::with_id(handle, OPEN, "Open Aisle", true, None::<&str>)?;
    let quit = MenuItem::with_id(handle, QUIT, "Quit", true, None::<&str>)?;
    let menu = Menu::with_items(handle, &[&open, &quit])?;
    let mut tray = TrayIconBuilder::new().tooltip("Aisle").menu(&menu).show_menu_on_left_click(false);
    if let Some(icon) = handle.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.on_menu_event(|handle, event| match event.id().as_ref() {
        OPEN => shell::show(handle),
        QUIT => quit::begin(handle),
        _ => {}
    })
    .on_tray_icon_event(|tray, event| {
        if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event {
            shell::show(tray.app_handle());
        }
    })
    .build(handle)
}

/// Says at the icon what waits for somebody, where that has changed.
pub(crate) fn waiting(handle: &AppHandle, waiting: &Waiting) {
    let Some(tray) = handle.try_state::<Tray>() else { return };
    let Some(icon) = &tray.icon else { return };
    let (title, words) = in_words(waiting);
    let mut said = tray.said.lock().unwrap_or_else(PoisonError::into_inner);
    if *said == words {
        return;
    }
    let shown = icon.set_tooltip(Some(&words)).and_then(|()| icon.set_title(Some(&title)));
    if let Err(error) = shown {
        tracing::debug!(%error, "the tray icon does not say what waits");
    }
    *said = words;
}

/// The figure beside the icon, nothing where nothing waits, and what it means.
fn in_words(waiting: &Waiting) -> (String, String) {
    let count = waiting.new + waiting.payments;
    let parts = [(waiting.new, "to accept"), (waiting.payments, "to decide")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if parts.is_empty() {
        return (String::new(), "Aisle: nothing waits".into());
    }
    (count.to_string(), format!("Aisle: {}", parts.join(", ")))
}

/// Says, once a run, that closing was not quitting.
pub(crate) fn tell_once(handle: &AppHandle) {
    if !handle.state::<Tray>().told.swap(true, Ordering::SeqCst) {
        let text = "New orders still ring. The icon in the tray opens the window again, and its menu quits.";
        notice::show(handle, "Aisle goes on", text);
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::path::Path;

    use gio::{BusType, Cancellable, DBusCallFlags, glib::variant::ToVariant};

    /// What the icon's library is loaded from when the first icon is made; without it that would be a fault.
    const LIBRARIES: [&str; 2] = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];
    /// Whoever shows icons has this name on the session's bus.
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    const PATIENCE_MS: i32 = 500;

    pub(super) fn has_tray() -> bool {
        has_library() && has_watcher()
    }

    fn has_library() -> bool {
        let roots = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib"].map(Path::new);
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        let extra = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let named = std::env::split_paths(&extra).collect::<Vec<_>>();
        let folders = roots.iter().flat_map(|root| [root.to_path_buf(), root.join(&triplet)]).chain(named);
        folders.into_iter().any(|folder| LIBRARIES.iter().any(|library| folder.join(library).exists()))
    }

    fn has_watcher() -> bool {
        // Asked for by address only: GLib would otherwise start a bus of its own.
        if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none() {
            return false;
        }
        let Ok(bus) = gio::bus_get_sync(BusType::Session, Cancellable::NONE) else { return false };
        let answer = bus.call_sync(
            Some("org.freedesktop.DBus"),
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "NameHasOwner",
            Some(&(WATCHER,).to_variant()),
            None,
            DBusCallFlags::NONE,
            PATIENCE_MS,
            Cancellable::NONE,
        );
        answer.is_ok_and(|answer| answer.child_value(0).get::<bool>() == Some(true))
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    pub(super) fn has_tray() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_says_what_waits_for_somebody() {
        let waiting = |new, payments| Waiting { new, payments, picking: 7, refused: 0, unheard: 0 };
        assert_eq!(in_words(&waiting(0, 0)), (String::new(), "Aisle: nothing waits".into()));
        assert_eq!(in_words(&waiting(2, 1)), ("3".into(), "Aisle: 2 to accept, 1 to decide".into()));
        assert_eq!(in_words(&waiting(0, 1)), ("1".into(), "Aisle: 1 to decide".into()));
    }
}
