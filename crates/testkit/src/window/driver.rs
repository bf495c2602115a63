//! Drives the window over WebDriver, and ends everything that it started.

use std::{
    fs::File,
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use reqwest::blocking::Client;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};
use serde_json::{Value, json};

use crate::processes;

use super::screen::{Picture, Screen, bound, program};

/// The name that WebDriver's standard gives a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long something may take that is done at once on a machine with nothing else to do.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// After so long without anything on the screen it is asked for.
const UNPAINTED: Duration = Duration::from_secs(4);

/// What the system wants windows to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The window, and what a person can do with it.
pub struct Window {
    driver: Child,
    client: Client,
    session: String,
    log: PathBuf,
    screen: Screen,
    _own: tempfile::TempDir,
}

/// Asks until there is an answer.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Writes a picture to where a person finds it.
fn keep(name: &str, picture: &Picture) {
    let folder = crate::fixtures::repository().join("build/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), picture.encode()).unwrap();
}

impl Window {
    /// Starts the desk's program over this data folder.
    pub fn open(data: &Path, theme: Theme) -> Self {
        Self::open_program(&program(), data, theme)
    }

    /// Starts a program with a web view.
    pub fn open_program(program: &Path, data: &Path, theme: Theme) -> Self {
        let screen = Screen::open();
        let own = tempfile::tempdir().unwrap();
        let log = own.path().join("log");
        let file = File::create(&log).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = bound("WebKitWebDriver");
        command
            .arg(format!("--port={port}"))
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("DISPLAY", screen.name())
            .env("AISLE_DATA", data)
            // Nothing goes into the keychain of whoever runs it.
            .env("AISLE_SECRETS", "file")
            .env("GTK_THEME", if theme == Theme::Dark { "Adwaita:dark" } else { "Adwaita" })
            // No tray, whatever the computer has that this runs on.
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .process_group(0);
        for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(name, own.path().join(name));
        }
        let driver = command.spawn().unwrap();
        let client = Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        let mut window =
            Self { driver, client, session: format!("http://127.0.0.1:{port}"), log, screen, _own: own };
        until("the driver listens", PATIENCE, || TcpStream::connect(("127.0.0.1", port)).ok());
        let program = json!({ "webkitgtk:browserOptions": { "binary": program, "args": [] } });
        let session = window.post("/session", &json!({ "capabilities": { "alwaysMatch": program } }));
        let id = session["sessionId"].as_str().unwrap();
        window.session = format!("{}/session/{id}", window.session);
        // The standard's 30 s are too few for a machine that is busy.
        window.post("/timeouts", &json!({ "script": 60_000 }));
        window
    }

    fn answer(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Result<Value, Value> {
        let mut request = self.client.request(method, format!("{}{path}", self.session));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().map_err(|error| json!({ "error": format!("{error:?}") }))?;
        let fine = answer.status().is_success();
        let mut value: Value = answer.json().map_err(|error| json!({ "error": error.to_string() }))?;
        if fine { Ok(value["value"].take()) } else { Err(value["value"].take()) }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.answer(reqwest::Method::POST, path, Some(body)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn get(&self, path: &str) -> Result<Value, Value> {
        self.answer(reqwest::Method::GET, path, None)
    }

    /// Runs a script's body in the page and answers what it returns.
    pub fn js(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs the body of an asynchronous function in the page; what it throws is the error.
    pub fn js_later(&self, body: &str, args: &[Value]) -> Result<Value, Value> {
        let script = format!(
            "const args = [...arguments], done = args.pop();\
             (async () => {{ {body} }})().then(ok => done({{ok}}), error => done({{error: error instanceof Error ? error.message : error}}))"
        );
        let mut answer = self.post("/execute/async", &json!({ "script": script, "args": args }));
        match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["ok"].take()),
        }
    }

    /// Calls one of the window's own commands, as the page's script can.
    pub fn invoke(&self, command: &str, args: &Value) -> Result<Value, Value> {
        self.js_later(
            "return await window.__TAURI_INTERNALS__.invoke(args[0], args[1])",
            &[json!(command), args.clone()],
        )
    }

    /// Calls a command of the table.
    pub fn call(&self, method: &str, params: &Value) -> Result<Value, Value> {
        self.invoke("rpc", &json!({ "method": method, "params": params }))
    }

    /// Does with the keyboard what WebDriver's key actions say.
    pub fn keys(&self, actions: &[Value]) {
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.post("/actions", &json!({ "actions": [keyboard] }));
    }

    /// Makes the page this large, and waits until it is.
    pub fn set_size(&self, width: u32, height: u32) {
        self.post("/window/rect", &json!({ "x": 0, "y": 0, "width": width, "height": height }));
        until("the page has its size", PATIENCE, || {
            (self.js("return [innerWidth, innerHeight]") == json!([width, height])).then_some(())
        });
    }

    /// The windows of the program.
    pub fn windows(&self) -> Vec<String> {
        let windows = self.get("/window/handles").unwrap_or_default();
        windows.as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
    }

    /// Drives another window of the program from now on.
    pub fn switch_to(&self, window: &str) {
        self.post("/window", &json!({ "handle": window }));
    }

    /// The path of the first element that fits; nothing while there is none.
    fn element(&self, css: &str) -> Option<String> {
        let by = json!({ "using": "css selector", "value": css });
        let found = self.answer(reqwest::Method::POST, "/element", Some(&by)).ok()?;
        Some(format!("/element/{}", found[ELEMENT].as_str()?))
    }

    /// What an element says; nothing while there is none.
    pub fn text(&self, css: &str) -> Option<String> {
        let text = self.get(&format!("{}/property/innerText", self.element(css)?)).ok()?;
        text.as_str().map(Into::into)
    }

    /// Clicks on an element as a person does.
    pub fn click(&self, css: &str) {
        let element = until(css, PATIENCE, || self.element(css));
        self.post(&format!("{element}/click"), &json!({}));
    }

    /// Keeps what is on the screen, for a person to look at, and answers its width and height.
    pub fn picture(&self, name: &str) -> (u32, u32) {
        let size = self.js("return [innerWidth, innerHeight]");
        let pixels = |at: usize| u32::try_from(size[at].as_u64().unwrap()).unwrap();
        // The screen is painted after the page has changed.
        let settled = "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))))";
        self.js_later(settled, &[]).unwrap();
        let mut looked = Instant::now();
        let picture = until("the window is painted", PATIENCE, || {
            let picture = self.screen.picture(pixels(0), pixels(1));
            if picture.is_painted() {
                return Some(picture);
            }
            // Seen once in many runs on a screen without a window manager: nothing is drawn after a new size until
            // something on the page changes.
            if looked.elapsed() > UNPAINTED {
                looked = Instant::now();
                eprintln!(
                    "{name}: the window shows nothing; something on the page is changed so that it is drawn"
                );
                self.js("document.documentElement.style.transform = 'translateX(0)'");
                self.js("document.documentElement.style.transform = ''");
            }
            None
        });
        keep(name, &picture);
        (picture.width, picture.height)
    }

    /// What driver and program wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What went wrong on the page, as the program wrote it down.
    pub fn errors(&self) -> Vec<String> {
        self.log().lines().filter(|line| line.contains("the page reports an error")).map(Into::into).collect()
    }

    /// The memory of the program and its web processes, bytes: what each shares is counted in parts (PSS).
    pub fn memory(&self) -> u64 {
        let group = self.driver.id().to_string();
        let of_group = |pid: &str| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // The name may hold anything; what follows its bracket is state, parent, group.
            let (before, after) = stat.rsplit_once(')')?;
            let name = before.split_once('(')?.1.to_owned();
            (after.split_whitespace().nth(2) == Some(&group)).then_some(name)
        };
        let shared = |pid: &str| Some(processes::has(pid.parse().ok()?).ok()?.memory);
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let own = pids.filter(|pid| of_group(pid).is_some_and(|name| !name.starts_with("WebKitWebDriver")));
        own.filter_map(|pid| shared(&pid)).sum()
    }

    /// The program's process, a child of the driver's.
    fn program(&self) -> Option<Pid> {
        let driver = self.driver.id().to_string();
        let is_ours = |pid: &str| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            value("PPid:") == Some(&driver) && value("Name:").is_some_and(|name| name.starts_with("aisle-desk"))
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pid = entries.filter_map(|entry| entry.file_name().into_string().ok()).find(|pid| is_ours(pid))?;
        Pid::from_raw(pid.parse().ok()?)
    }

    /// Ends the program as the system does when somebody logs out.
    pub fn terminate(&self) {
        kill_process(self.program().unwrap(), Signal::TERM).unwrap();
    }

    /// Whether the program has ended.
    pub fn has_ended(&self) -> bool {
        self.program().is_none()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = std::thread::current().name().unwrap_or("unnamed").replace("::", "-");
            keep(&format!("failed-{name}"), &self.screen.picture(1920, 1080));
        }
        let program = self.program();
        let _ = self.answer(reqwest::Method::DELETE, "", None);
        // Only the group that was made here: the driver, the program, and its web processes.
        if let Some(group) = Pid::from_raw(self.driver.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        drop(self.driver.wait());
        // Whoever opens the folder next finds it free.
        let end = Instant::now() + PATIENCE;
        while program.is_some_and(|pid| test_kill_process(pid).is_ok()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        if std::thread::panicking() {
            eprintln!("--- what driver and window wrote\n{}", self.log());
        }
    }
}
