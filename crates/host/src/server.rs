//! The same user interface in a browser on this computer: loopback only, a token in the address, Host and Origin
//! checked, so that no page from elsewhere can reach a desk.

mod files;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
};

use aisle_app::{App, Event, RpcError};
use axum::{
    Json, Router,
    extract::{
        Query, Request, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{broadcast, oneshot};
use uuid::Uuid;

use crate::{error, folder::find_ui};

/// Events that a slow page may be behind before it is told to read everything again.
const EVENTS: usize = 1024;
const POLICY: &str = "default-src 'self'; connect-src 'self' ws://127.0.0.1:* ws://localhost:*; img-src 'self' data:; \
                      object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// How a desk is shown.
#[derive(Debug, Clone, Default)]
pub struct ServeOptions {
    /// On 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Folder of the built user interface.
    pub ui: Option<PathBuf>,
}

/// A running server; it ends when this is stopped or dropped.
pub struct Server {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// What to open in a browser, token included.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends the server.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A server that ended by itself is what is wanted.
            let _ = stop.send(());
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the server ended by a fault");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

#[derive(Clone)]
struct Shared {
    app: App,
    token: Arc<str>,
    ui: Arc<PathBuf>,
    events: broadcast::Sender<Arc<str>>,
}

/// Shows a desk at a free port of this computer.
pub fn serve(app: App, options: &ServeOptions) -> Result<Server, RpcError> {
    let ui = find_ui(options.ui.as_deref())?;
    let io = |e: std::io::Error| error("io_error", format!("the server cannot start: {e}"), None);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(io)?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = runtime.block_on(tokio::net::TcpListener::bind(to)).map_err(io)?;
    let port = listener.local_addr().map_err(io)?.port();
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let address = format!("http://127.0.0.1:{port}/#token={token}");
    let (events, _) = broadcast::channel(EVENTS);
    pump(&app, events.clone()).map_err(io)?;
    let router = router(Shared { app, token: token.into(), ui: Arc::new(ui), events });
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new()
        .name("server".into())
        .spawn(move || {
            let ended = runtime.block_on(async {
                tokio::select! {
                    served = axum::serve(listener, router) => served,
                    _ = stopped => Ok(()),
                }
            });
            if let Err(error) = ended {
                tracing::error!(%error, "the server ended");
            }
            runtime.shutdown_background();
        })
        .map_err(io)?;
    Ok(Server { address, stop: Some(stop), thread: Some(thread) })
}

/// Hands the desk's events to all pages.
fn pump(app: &App, events: broadcast::Sender<Arc<str>>) -> std::io::Result<()> {
    let source = app.subscribe();
    std::thread::Builder::new().name("events".into()).spawn(move || {
        for event in source {
            // Nobody may be looking just now.
            let _ = events.send(text(&event));
        }
    })?;
    Ok(())
}

fn text(event: &Event) -> Arc<str> {
    serde_json::to_string(event).unwrap_or_default().into()
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/rpc", post(rpc))
        .route("/events", any(events))
        .fallback(files::file)
        .layer(middleware::from_fn(guard))
        .with_state(shared)
}

/// Turns away what does not come from this computer's own address, and forbids what a page must not do.
async fn guard(request: Request, next: Next) -> Response {
    if !is_own(request.headers()) {
        return (StatusCode::FORBIDDEN, "this desk only answers at its own address").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    response
}

/// Host must be loopback; Origin, where a browser sends one, must be the same.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let is_loopback =
        |host: &str| matches!(host.rsplit_once(':').map_or(host, |(name, _)| name), "127.0.0.1" | "localhost");
    let Some(host) = text(header::HOST) else { return false };
    let same = text(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    is_loopback(host) && same
}

/// Compares without telling by its time how much of a guess was right.
fn is_token(shared: &Shared, given: &str) -> bool {
    let (own, given) = (shared.token.as_bytes(), given.as_bytes());
    own.len() == given.len() && own.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[derive(Deserialize)]
struct Call {
    method: String,
    #[serde(default)]
    params: Value,
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": error(code, message, None) }))).into_response()
}

async fn rpc(State(shared): State<Shared>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    let given = headers.get("x-aisle-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_token(&shared, given) {
        return refused(
            StatusCode::UNAUTHORIZED,
            "not_allowed",
            "the address lacks its token; open it as it was printed",
        );
    }
    let call: Call = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(e) => {
            return refused(StatusCode::BAD_REQUEST, "not_understood", &format!("the call is not readable: {e}"));
        }
    };
    let answered = tokio::task::spawn_blocking(move || shared.app.call(&call.method, call.params)).await;
    match answered {
        Ok(Ok(result)) => Json(json!({ "result": result })).into_response(),
        Ok(Err(error)) => (status_of(&error), Json(json!({ "error": error }))).into_response(),
        Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR, "unexpected", "the command ended by a fault"),
    }
}

fn status_of(error: &RpcError) -> StatusCode {
    match error.code.as_str() {
        "not_found" | "no_desk" => StatusCode::NOT_FOUND,
        "not_understood" => StatusCode::BAD_REQUEST,
        "not_allowed" => StatusCode::FORBIDDEN,
        _ => StatusCode::CONFLICT,
    }
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

async fn events(State(shared): State<Shared>, Query(query): Query<Token>, upgrade: WebSocketUpgrade) -> Response {
    if !is_token(&shared, &query.token) {
        return refused(StatusCode::UNAUTHORIZED, "not_allowed", "the address lacks its token");
    }
    let source = shared.events.subscribe();
    upgrade.on_upgrade(move |socket| tell(socket, source))
}

/// Sends events until the page is gone. One that is too far behind is closed: it connects again and reads everything.
async fn tell(mut socket: WebSocket, mut source: broadcast::Receiver<Arc<str>>) {
    loop {
        tokio::select! {
            event = source.recv() => match event {
                Ok(text) => {
                    if socket.send(Message::text(text.as_ref())).await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            },
            said = socket.recv() => match said {
                // The page has nothing to say here; pings are answered by the library.
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}
