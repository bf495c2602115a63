//! The page's one command, and the desk's events on their way to it.

use aisle_app::{Event, RpcError};
use serde_json::Value;
use tauri::{AppHandle, Emitter, Manager, State, UserAttentionType};

use crate::{alarm::Alarm, desk::Desk, shell::MAIN, tray};

/// What the page listens to.
const EVENTS: &str = "aisle";

/// Answers a command of the table. Off the window's thread, since it waits for the disk.
#[tauri::command]
#[allow(clippy::needless_pass_by_value, reason = "the window hands its state over by value")]
pub(crate) async fn rpc(desk: State<'_, Desk>, method: String, params: Option<Value>) -> Result<Value, RpcError> {
    let desk = desk.inner().clone();
    let answer = tauri::async_runtime::spawn_blocking(move || desk.call(&method, params.unwrap_or_default()));
    answer.await.unwrap_or_else(|_| {
        Err(RpcError {
            code: "unexpected".into(),
            message: "the command ended by a fault".into(),
            hint: None,
            retryable: false,
        })
    })
}

/// Hands every event to the page and to the alarm, from now until the program ends.
pub(crate) fn pump(handle: AppHandle, desk: &Desk, alarm: Alarm) -> std::io::Result<()> {
    let events = desk.app().subscribe();
    std::thread::Builder::new().name("events".into()).spawn(move || {
        for event in events {
            alarm.hear(&event);
            if let Event::Status { status } = &event {
                tray::waiting(&handle, &status.waiting);
            }
            if matches!(event, Event::Alarm { ringing: true, .. })
                && let Some(window) = handle.get_webview_window(MAIN)
                && let Err(error) = window.request_user_attention(Some(UserAttentionType::Critical))
            {
                tracing::debug!(%error, "the window cannot ask for attention here");
            }
            if let Err(error) = handle.emit_to(MAIN, EVENTS, &event) {
                tracing::error!(%error, "an event did not reach the page");
            }
        }
    })?;
    Ok(())
}
