//! What a page may say to a desk: calls of the command table, and bytes to its server.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use aisle_app::App;
use aisle_host::{ServeOptions, Server, StandardLauncher, serve};
use aisle_sync::SystemClock;
use aisle_torture::fuzz::Target;
use serde_json::{Value, json};

pub(crate) fn targets() -> Vec<Box<dyn Target>> {
    let store = Store::new();
    vec![Box::new(Rpc(store.clone())), Box::new(Http::new(&store))]
}

/// A sample store that is open, with an order and an item of it.
#[derive(Clone)]
struct Store {
    app: App,
    order: String,
    item: String,
    dir: Arc<tempfile::TempDir>,
}

impl Store {
    fn new() -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let launcher = StandardLauncher::new(dir.path().join("desk"));
        let app = App::new(Arc::new(launcher), Arc::new(SystemClock::default()));
        app.call("rehearse", Value::Null).unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let items = app.call("items", json!({ "text": "", "offset": 0, "limit": 1 })).unwrap();
            let orders = app.call("orders", Value::Null).unwrap();
            let (order, item) = (id_in(&orders, "order_id"), id_in(&items, "item_id"));
            if let (Some(order), Some(item)) = (order, item) {
                return Self { app, order, item, dir };
            }
            assert!(Instant::now() < end, "the sample store has no order");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// The first value of this name, anywhere.
fn id_in(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Object(fields) => match fields.get(name).and_then(Value::as_str) {
            Some(found) => Some(found.to_owned()),
            None => fields.values().find_map(|field| id_in(field, name)),
        },
        Value::Array(values) => values.iter().find_map(|value| id_in(value, name)),
        _ => None,
    }
}

/// Calls, as the window and the browser make them.
struct Rpc(Store);

impl Target for Rpc {
    fn name(&self) -> &'static str {
        "rpc"
    }

    fn take(&mut self, input: &[u8]) {
        let text = String::from_utf8_lossy(input).replace("$ORDER", &self.0.order).replace("$ITEM", &self.0.item);
        let Ok(mut call) = serde_json::from_str::<Value>(&text) else { return };
        let params = call.get_mut("params").map(Value::take).unwrap_or_default();
        let Some(method) = call["method"].as_str() else { return };
        // These end the store that is open, or wait for a network.
        if ["leave_rehearsal", "test_connection"].contains(&method) {
            return;
        }
        if let Err(error) = self.0.app.call(method, params) {
            assert_ne!(error.code, "unexpected", "{error:?}");
            assert!(!error.message.is_empty());
        }
    }

    fn end(&mut self) {
        let status = self.0.app.call("status", Value::Null).unwrap();
        assert!(status.is_object(), "the desk still answers, in {}", self.0.dir.path().display());
    }
}

/// Bytes to the server, and frames behind an upgrade.
struct Http {
    host: String,
    token: String,
    _server: Server,
    _ui: tempfile::TempDir,
}

impl Http {
    fn new(store: &Store) -> Self {
        let ui = tempfile::tempdir().unwrap();
        std::fs::write(ui.path().join("index.html"), "<title>Aisle</title>").unwrap();
        let options = ServeOptions { port: 0, ui: Some(ui.path().into()) };
        let server = serve(store.app.clone(), &options).unwrap();
        let (base, token) = server.address().split_once("/#token=").unwrap();
        let (host, token) = (base.trim_start_matches("http://").to_owned(), token.to_owned());
        Self { host, token, _server: server, _ui: ui }
    }

    fn say(&self, bytes: &[u8], patience: Duration) -> Vec<u8> {
        let mut line = TcpStream::connect(&self.host).unwrap();
        line.set_read_timeout(Some(patience)).unwrap();
        line.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        // It may have heard enough before the end. What it says first says whether it understood.
        let said = line.write_all(bytes);
        let mut answer = vec![0; 4_096];
        let count = said.and_then(|()| line.read(&mut answer)).unwrap_or(0);
        answer.truncate(count);
        answer
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + to.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

impl Target for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn every(&self) -> u64 {
        10
    }

    fn take(&mut self, input: &[u8]) {
        let bytes = replaced(input, b"$TOKEN", self.token.as_bytes());
        let bytes = replaced(&bytes, b"$HOST", self.host.as_bytes());
        let answer = self.say(&bytes, Duration::from_millis(40));
        let first: String = String::from_utf8_lossy(&answer).chars().take(40).collect();
        assert!(!first.starts_with("HTTP/1.1 500"), "{first}");
    }

    fn end(&mut self) {
        let body = r#"{"method":"session"}"#;
        let call = format!(
            "POST /rpc HTTP/1.1\r\nhost: {}\r\nx-aisle-token: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.host,
            self.token,
            body.len()
        );
        let answer = self.say(call.as_bytes(), Duration::from_secs(10));
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
}
