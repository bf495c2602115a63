//! How the web view draws. Without a graphics card, layers that are put together by one only cost memory and time.

use std::path::Path;

use tauri::WebviewWindow;
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};

/// Where the system shows graphics cards.
const CARDS: &str = "/dev/dri";

/// Draws with the processor alone where there is nothing else.
pub(crate) fn suit(window: &WebviewWindow) -> tauri::Result<()> {
    if Path::new(CARDS).exists() {
        return Ok(());
    }
    window.with_webview(|view| {
        if let Some(settings) = WebViewExt::settings(&view.inner()) {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}
