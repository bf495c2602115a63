//! Puts the window together: the page, the tray, the alarm, and the way out.

use std::path::PathBuf;

use tauri::{
    AppHandle, Manager, RunEvent, WebviewWindow, WebviewWindowBuilder, WindowEvent, webview::NewWindowResponse,
};

use crate::{
    alarm::Alarm,
    desk::Desk,
    notice,
    quit::{self, Quitting},
    rpc, tray,
};

/// The label of the desk's window, the only one that may call anything.
pub(crate) const MAIN: &str = "main";

/// Shows the window of this folder's desk until somebody quits.
#[allow(clippy::exit, reason = "inside what the library generates")]
pub(crate) fn run(data: PathBuf) -> tauri::Result<()> {
    tauri::Builder::default()
        .register_uri_scheme_protocol(notice::SCHEME, notice::answer)
        .invoke_handler(tauri::generate_handler![rpc::rpc])
        .setup(move |app| Ok(set_up(app.handle(), data)?))
        .build(tauri::generate_context!())?
        .run(|handle, event| match event {
            RunEvent::WindowEvent { label, event: WindowEvent::CloseRequested { api, .. }, .. }
                if label == MAIN =>
            {
                api.prevent_close();
                close(handle);
            }
            // The last window's end is no end of the program: that is `quit`, which knows what is unsent.
            RunEvent::ExitRequested { api, code: None, .. } => api.prevent_exit(),
            _ => {}
        });
    Ok(())
}

fn set_up(handle: &AppHandle, data: PathBuf) -> tauri::Result<()> {
    let demo = handle.path().resource_dir().ok().map(|folder| folder.join("demo"));
    let desk = Desk::new(data, demo.filter(|folder| folder.join("orders.jsonl").is_file()));
    handle.manage(desk.clone());
    handle.manage(Quitting::default());
    handle.manage(notice::Notice::default());
    let for_volume = desk.clone();
    let volume = move || for_volume.look("settings", "alarm_volume").and_then(|volume| volume.as_u64());
    let for_sound = desk.clone();
    let told = move |is_there| for_sound.app().tell_sound(is_there);
    rpc::pump(handle.clone(), &desk, Alarm::start(volume, told)?)?;
    std::thread::Builder::new().name("open".into()).spawn(move || desk.open())?;
    show_page(handle)?;
    handle.manage(tray::Tray::start(handle));
    quit::on_signals(handle)?;
    Ok(())
}

fn show_page(handle: &AppHandle) -> tauri::Result<()> {
    let config = handle.config().app.windows.iter().find(|window| window.label == MAIN);
    let config = config.ok_or(tauri::Error::WindowNotFound)?;
    let window = WebviewWindowBuilder::from_config(handle, config)?
        .initialization_script(include_str!("guard.js"))
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    #[cfg(target_os = "linux")]
    crate::drawing::suit(&window)?;
    #[cfg(not(target_os = "linux"))]
    drop(window);
    Ok(())
}

/// The page never leaves itself: nothing it shows may replace it.
fn is_own_page(url: &tauri::Url) -> bool {
    url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost")
}

/// Closing hides the window where the tray can bring it back, and quits elsewhere.
fn close(handle: &AppHandle) {
    if handle.state::<tray::Tray>().is_there() {
        if let Some(window) = handle.get_webview_window(MAIN) {
            told(window.hide());
        }
        tray::tell_once(handle);
    } else {
        quit::begin(handle);
    }
}

/// Brings the window back in front of everything.
pub(crate) fn show(handle: &AppHandle) {
    let Some(window): Option<WebviewWindow> = handle.get_webview_window(MAIN) else { return };
    told(window.show());
    told(window.unminimize());
    told(window.set_focus());
}

/// What a window manager does not do is no reason to end anything.
pub(crate) fn told(done: tauri::Result<()>) {
    if let Err(error) = done {
        tracing::warn!(%error, "the window manager does not do this");
    }
}

#[cfg(test)]
mod tests {
    use super::is_own_page;

    #[test]
    fn the_window_stays_on_its_own_page() {
        let own = |url: &str| is_own_page(&url.parse().unwrap());
        assert!(own("tauri://localhost/index.html"));
        assert!(own("http://tauri.localhost/"));
        for other in [
            "https://example.com/",
            "http://tauri.localhost.example.com/",
            "http://localhost:5173/",
            "file:///etc/passwd",
            "data:text/html,x",
        ] {
            assert!(!own(other), "{other}");
        }
    }
}
