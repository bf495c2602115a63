//! The page in a browser: only for whoever has the address with its token, only from this computer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::sync::Arc;

use aisle_app::App;
use aisle_host::{ServeOptions, Server, StandardLauncher, serve};
use aisle_sync::SystemClock;
use reqwest::{StatusCode, blocking::Client};
use serde_json::{Value, json};

struct Page {
    _dir: tempfile::TempDir,
    _server: Server,
    client: Client,
    base: String,
    token: String,
}

fn page() -> Page {
    let dir = tempfile::tempdir().unwrap();
    let ui = dir.path().join("ui");
    std::fs::create_dir(&ui).unwrap();
    std::fs::write(ui.join("index.html"), "<!doctype html><title>Aisle</title>").unwrap();
    std::fs::write(dir.path().join("secret"), "not for browsers").unwrap();
    let launcher = StandardLauncher::new(dir.path().join("desk"));
    let app = App::new(Arc::new(launcher), Arc::new(SystemClock::default()));
    let server = serve(app, &ServeOptions { port: 0, ui: Some(ui) }).unwrap();
    let (base, token) = server.address().split_once("/#token=").unwrap();
    let (base, token) = (base.to_owned(), token.to_owned());
    Page { _dir: dir, _server: server, client: Client::new(), base, token }
}

impl Page {
    fn rpc(&self, token: &str, body: &str) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}/rpc", self.base)).header("x-aisle-token", token);
        let answer = request.body(body.to_owned()).send().unwrap();
        (answer.status(), answer.json().unwrap())
    }
}

#[test]
fn a_command_needs_the_token_of_the_address() {
    let page = page();
    let body = r#"{"method":"session"}"#;
    let (status, answer) = page.rpc(&page.token, body);
    assert_eq!((status, &answer["result"]["state"]), (StatusCode::OK, &json!("first_run")));
    for wrong in ["", "0", &"0".repeat(page.token.len())] {
        let (status, answer) = page.rpc(wrong, body);
        assert_eq!((status, &answer["error"]["code"]), (StatusCode::UNAUTHORIZED, &json!("not_allowed")));
    }
}

#[test]
fn a_call_that_is_not_understood_is_told_so() {
    let page = page();
    for body in ["", "{", r#"{"params":null}"#, r#"{"method":"sing"}"#, "[]"] {
        let (status, answer) = page.rpc(&page.token, body);
        assert_eq!(
            (status, &answer["error"]["code"]),
            (StatusCode::BAD_REQUEST, &json!("not_understood")),
            "{body}"
        );
    }
    let (status, answer) = page.rpc(&page.token, r#"{"method":"orders"}"#);
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::NOT_FOUND, &json!("no_desk")));
}

#[test]
fn another_host_or_origin_is_turned_away() {
    let page = page();
    let get = |name: &str, value: &str| page.client.get(&page.base).header(name, value).send().unwrap().status();
    assert_eq!(get("host", "evil.example"), StatusCode::FORBIDDEN);
    assert_eq!(get("origin", "http://evil.example"), StatusCode::FORBIDDEN);
    assert_eq!(get("origin", &page.base), StatusCode::OK);
}

#[test]
fn the_page_is_served_with_a_strict_policy_and_nothing_outside_its_folder() {
    let page = page();
    let first = page.client.get(&page.base).send().unwrap();
    let policy = first.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(first.headers()["cache-control"], "no-store");
    assert!(first.text().unwrap().contains("Aisle"));
    for path in ["/nothing.js", "/..%2fsecret", "/%2e%2e/secret"] {
        assert_eq!(
            page.client.get(format!("{}{path}", page.base)).send().unwrap().status(),
            StatusCode::NOT_FOUND
        );
    }
}

#[test]
fn events_need_the_token_too() {
    let page = page();
    let upgrade = |token: &str| {
        let request = page.client.get(format!("{}/events?token={token}", page.base));
        let headers = [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .send()
            .unwrap()
            .status()
    };
    assert_eq!(upgrade("wrong"), StatusCode::UNAUTHORIZED);
    assert_eq!(upgrade(&page.token), StatusCode::SWITCHING_PROTOCOLS);
}
