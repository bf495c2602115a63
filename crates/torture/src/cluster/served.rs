//! The desk as a person runs it: the program that serves the page, and acts that the page would send.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aisle_domain::StoreId;
use aisle_testkit::program::{Program, Running};
use reqwest::blocking::Client;
use serde_json::{Value, json};

use super::tail;
use crate::simulation::Failure;

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Served {
    pub(super) name: &'static str,
    pub(super) running: Running,
    pub(super) dir: PathBuf,
    log: PathBuf,
    client: Client,
    base: String,
    token: String,
}

impl Served {
    /// Makes the desk's folder and lets the program run; `program` knows the topics.
    pub(super) fn start(
        program: &Program,
        dir: &Path,
        name: &'static str,
        (store, brokers): (StoreId, &str),
    ) -> Result<Self, Failure> {
        let (folder, log, ui) = (dir.join(name), dir.join(format!("{name}.log")), dir.join("ui"));
        std::fs::create_dir_all(&ui).unwrap();
        std::fs::write(ui.join("index.html"), "<!doctype html><title>Aisle</title>").unwrap();
        let program = program.clone().with("AISLE_DATA", &folder).with("AISLE_UI", &ui);
        let number = store.to_string();
        let made = program.run(&["init", "--store", &number, "--desk-name", name, "--brokers", brokers]).unwrap();
        if made.code != 0 {
            return Err(Failure::Wrong(format!("the desk {name} cannot be made: {}", made.stderr)));
        }
        let running = program.start(&["serve"], &log).unwrap();
        let address = address(&log)
            .ok_or_else(|| Failure::Stuck(format!("the desk {name} tells no address: {}", tail(&log, 5))))?;
        let (base, token) = address.split_once("/#token=").expect("an address with a token");
        let (base, token, client) = (base.to_owned(), token.to_owned(), Client::new());
        Ok(Self { name, running, dir: folder, log, client, base, token })
    }

    /// What the page would call. A refusal is an answer too.
    pub(super) fn call(&self, method: &str, params: &Value) -> Result<Value, Failure> {
        let body = json!({ "method": method, "params": params }).to_string();
        let request = self.client.post(format!("{}/rpc", self.base)).header("x-aisle-token", &self.token);
        let answer = request.body(body).timeout(PATIENCE).send().and_then(reqwest::blocking::Response::json);
        answer.map_err(|e| Failure::Wrong(format!("the desk {} does not answer {method}: {e}", self.name)))
    }

    pub(super) fn last_words(&self) -> String {
        tail(&self.log, 5)
    }
}

fn address(log: &Path) -> Option<String> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if let Ok(told) = serde_json::from_str::<Value>(&text)
            && let Some(address) = told["address"].as_str()
        {
            return Some(address.to_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    None
}
