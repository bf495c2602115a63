//! The desk in a browser: the same commands over HTTP, and its events as they happen.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]

use std::{
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use aisle_app::App;
use aisle_host::{ServeOptions, Server, StandardLauncher, serve};
use aisle_sync::SystemClock;
use reqwest::{StatusCode, blocking::Client};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket, client::IntoClientRequest, http::HeaderValue};

struct Desk {
    app: App,
    server: Option<Server>,
    client: Client,
    host: String,
    token: String,
    _dir: tempfile::TempDir,
}

fn desk() -> Desk {
    let dir = tempfile::tempdir().unwrap();
    let ui = dir.path().join("ui");
    std::fs::create_dir(&ui).unwrap();
    std::fs::write(ui.join("index.html"), "<!doctype html><title>Aisle</title>").unwrap();
    let launcher = StandardLauncher::new(dir.path().join("desk"));
    let app = App::new(Arc::new(launcher), Arc::new(SystemClock::default()));
    let server = serve(app.clone(), &ServeOptions { port: 0, ui: Some(ui) }).unwrap();
    let (base, token) = server.address().split_once("/#token=").unwrap();
    let (host, token) = (base.strip_prefix("http://").unwrap().to_owned(), token.to_owned());
    Desk { app, server: Some(server), client: Client::new(), host, token, _dir: dir }
}

impl Desk {
    fn call(&self, method: &str, params: &Value) -> (StatusCode, Value) {
        let request = self.client.post(format!("http://{}/rpc", self.host)).header("x-aisle-token", &self.token);
        let answer = request.json(&json!({ "method": method, "params": params })).send().unwrap();
        (answer.status(), answer.json().unwrap())
    }

    fn listen(&self, token: &str, origin: Option<&str>) -> Result<WebSocket<TcpStream>, StatusCode> {
        let mut request = format!("ws://{}/events?token={token}", self.host).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
        }
        let stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(StatusCode::from_u16(answer.status().as_u16()).unwrap())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The next event of this kind; ten seconds are its limit.
fn next(socket: &mut WebSocket<TcpStream>, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        assert!(Instant::now() < end, "no event \"{kind}\" within ten seconds");
        if let Message::Text(text) = socket.read().unwrap() {
            let event: Value = serde_json::from_str(&text).unwrap();
            if event["type"] == kind && fits(&event) {
                return event;
            }
        }
    }
}

#[test]
fn an_order_rings_in_every_page_and_is_accepted_in_one() {
    let desk = desk();
    let origin = format!("http://{}", desk.host);
    let mut pages = [desk.listen(&desk.token, None).unwrap(), desk.listen(&desk.token, Some(&origin)).unwrap()];
    let (status, answer) = desk.call("rehearse", &Value::Null);
    assert_eq!((status, &answer["result"]["rehearsal"]), (StatusCode::OK, &json!(true)));
    let rung: Vec<Value> = pages
        .iter_mut()
        .map(|page| next(page, "alarm", |event| event["ringing"] == true)["order_id"].clone())
        .collect();
    assert_eq!(rung[0], rung[1]);
    let order = json!({ "order_id": rung[0] });
    let (status, answer) = desk.call("accept_order", &order);
    assert_eq!((status, &answer["result"]["state"]), (StatusCode::OK, &json!("saved")));
    // The other page hears that it is taken, and who asks again is told.
    let other = |event: &Value| event["ringing"] == false && event["order_id"] == rung[0];
    next(&mut pages[1], "alarm", other);
    let (status, answer) = desk.call("accept_order", &order);
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::CONFLICT, &json!("illegal_act")));
    desk.app.quit(Duration::from_secs(3));
}

#[test]
fn events_are_for_the_own_page_with_its_token_only() {
    let desk = desk();
    assert_eq!(desk.listen("", None).err(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(desk.listen(&"0".repeat(desk.token.len()), None).err(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(desk.listen(&desk.token, Some("http://evil.example")).err(), Some(StatusCode::FORBIDDEN));
    assert_eq!(desk.listen(&desk.token, Some("null")).err(), Some(StatusCode::FORBIDDEN));
    assert!(desk.listen(&desk.token, None).is_ok());
}

#[test]
fn a_stopped_server_lets_its_pages_go_and_leaves_its_port() {
    let mut desk = desk();
    let mut page = desk.listen(&desk.token, None).unwrap();
    desk.server.take().unwrap().stop();
    assert!(page.read().is_err(), "the page hears that nobody is there any more");
    assert!(TcpStream::connect(&desk.host).is_err());
}
