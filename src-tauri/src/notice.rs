//! A small window with a sentence in it, for when the page is not there to say it. It has no script and may call
//! nothing.

use std::{
    sync::{Mutex, PoisonError, mpsc},
    time::Duration,
};

use tauri::{
    AppHandle, Manager, UriSchemeContext, WebviewUrl, WebviewWindowBuilder, WindowEvent, Wry,
    http::{Request, Response},
};

/// Where its page lies.
pub(crate) const SCHEME: &str = "notice";
const LABEL: &str = "notice";

/// What it says.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    html: Mutex<String>,
}

/// A notice on the screen.
#[derive(Debug)]
pub(crate) struct Shown {
    closed: mpsc::Receiver<()>,
}

impl Shown {
    /// Until somebody closes it, at most `limit`.
    pub(crate) fn wait(&self, limit: Duration) {
        // Closed, over time, or never shown: all end the waiting.
        let _ = self.closed.recv_timeout(limit);
    }
}

/// Shows a sentence. One notice at a time: a later one replaces it.
pub(crate) fn show(handle: &AppHandle, title: &str, text: &str) -> Shown {
    let (close, closed) = mpsc::channel();
    *handle.state::<Notice>().html.lock().unwrap_or_else(PoisonError::into_inner) = page(title, text);
    if let Err(error) = open(handle, title, close) {
        tracing::error!(%error, text, "a notice cannot be shown");
    }
    Shown { closed }
}

fn open(handle: &AppHandle, title: &str, close: mpsc::Sender<()>) -> tauri::Result<()> {
    if let Some(earlier) = handle.get_webview_window(LABEL) {
        earlier.destroy()?;
    }
    let url = format!("{SCHEME}://localhost/").parse().map_err(|_| tauri::Error::InvalidWebviewUrl("notice"))?;
    let window = WebviewWindowBuilder::new(handle, LABEL, WebviewUrl::CustomProtocol(url))
        .title(format!("Aisle: {title}"))
        .inner_size(520.0, 200.0)
        .resizable(false)
        .center()
        .build()?;
    window.on_window_event(move |event| {
        if matches!(event, WindowEvent::Destroyed) {
            // Whoever waited may have gone on.
            let _ = close.send(());
        }
    });
    Ok(())
}

/// The notice's page.
#[allow(clippy::needless_pass_by_value, reason = "the window hands its request over by value")]
pub(crate) fn answer(context: UriSchemeContext<'_, Wry>, _request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let notice = context.app_handle().state::<Notice>();
    let html = notice.html.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut response = Response::new(html.into_bytes());
    let headers = response.headers_mut();
    headers.insert("content-type", tauri::http::HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    headers.insert("content-security-policy", tauri::http::HeaderValue::from_static(policy));
    response
}

fn page(title: &str, text: &str) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (title, text) = (escape(title), escape(text));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>\
         :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}\
         body {{ margin: 28px 32px; background: Canvas; color: CanvasText }} h1 {{ font-size: 20px; margin: 0 0 8px }}\
         </style><main><h1>{title}</h1><p>{text}</p></main></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_notice_shows_text_as_text() {
        let page = page("a < b", "<script>alert(1)</script> & more");
        assert!(page.contains("<h1>a &lt; b</h1>"));
        assert!(page.contains("<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; more</p>"));
    }
}
