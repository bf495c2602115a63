//! The command line as a test drives it: run, read the JSON, look at the exit code.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// `aisle` with the environment that a test gives it.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    env: Vec<(String, String)>,
}

/// What a run answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The exit code; -1 when it was ended by a signal.
    pub code: i32,
    /// The last JSON document on stdout; null without one.
    pub json: Value,
    /// The error on stderr, where there is one.
    pub error: Value,
    /// All of stderr.
    pub stderr: String,
}

impl Answer {
    fn of(output: &Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let whole = serde_json::from_str(&stdout).ok();
        let last = || stdout.lines().rev().find_map(|line| serde_json::from_str(line).ok());
        let told = stderr.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
        Self {
            code: output.status.code().unwrap_or(-1),
            json: whole.or_else(last).unwrap_or_default(),
            error: told.and_then(|mut told| told.get_mut("error").map(Value::take)).unwrap_or_default(),
            stderr,
        }
    }

    /// The rows of a list, or the list itself.
    pub fn rows(&self) -> Vec<Value> {
        let rows = self.json.get("items").unwrap_or(&self.json);
        rows.as_array().cloned().unwrap_or_default()
    }

    /// The error's code; empty without one.
    pub fn error_code(&self) -> &str {
        self.error.get("code").and_then(Value::as_str).unwrap_or_default()
    }
}

impl Program {
    /// The program at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        // No test leaves an entry in the keychain of whoever runs it.
        Self { path: path.into(), env: vec![("AISLE_SECRETS".into(), "file".into())] }
    }

    /// With one more variable of the environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.env.push((name.into(), value.as_ref().display().to_string()));
        self
    }

    fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("--json").args(args).stdin(Stdio::null());
        for name in ["AISLE_DATA", "AISLE_BROKERS", "AISLE_CENTRAL_DB", "AISLE_TOPIC_PREFIX", "RUST_LOG"] {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> std::io::Result<Answer> {
        Ok(Answer::of(&self.command(args).output()?))
    }

    /// Starts a command that runs until it is stopped; its output goes to a file.
    pub fn start<S: AsRef<OsStr>>(&self, args: &[S], log: &Path) -> std::io::Result<Running> {
        let file = std::fs::File::create(log)?;
        let child = self.command(args).stdout(file.try_clone()?).stderr(file).spawn()?;
        Ok(Running { child: Some(child) })
    }
}

/// A command that runs; killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Option<Child>,
}

impl Running {
    /// Ends it at once, as a power cut does; answers how it ended, since it may have been gone already.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        let mut child = self.child.take()?;
        // One that is gone already is what is wanted.
        drop(child.kill());
        child.wait().ok()
    }

    /// Its process id, as long as it is not known to have ended.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it runs, or stands still.
    pub fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    fn signal(&self, signal: rustix::process::Signal) -> std::io::Result<()> {
        let process = self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok());
        let process = process.and_then(rustix::process::Pid::from_raw);
        process.map_or(Ok(()), |process| Ok(rustix::process::kill_process(process, signal)?))
    }

    /// Asks it to end in order.
    pub fn term(&self) -> std::io::Result<()> {
        self.signal(rustix::process::Signal::TERM)
    }

    /// Stops it in its tracks; it keeps what it has.
    pub fn pause(&self) -> std::io::Result<()> {
        self.signal(rustix::process::Signal::STOP)
    }

    /// Lets a paused one go on.
    pub fn resume(&self) -> std::io::Result<()> {
        self.signal(rustix::process::Signal::CONT)
    }

    /// Waits for its end and answers its code, -1 when a signal ended it; `None` when the time is over first.
    pub fn wait(&mut self, limit: Duration) -> std::io::Result<Option<i32>> {
        Ok(self.wait_status(limit)?.map(|status| status.code().unwrap_or(-1)))
    }

    /// Waits for its end and answers how it ended; `None` when the time is over first.
    pub fn wait_status(&mut self, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
        let end = Instant::now() + limit;
        while let Some(child) = &mut self.child {
            if let Some(status) = child.try_wait()? {
                self.child = None;
                return Ok(Some(status));
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
