//! A screen of the test's own, so that nothing that happens on this computer's screen changes what is seen.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// A screen that ends with this.
pub(super) struct Screen {
    name: String,
    server: Child,
}

/// A program that the system ends where the test is ended from outside and can clean up no more.
pub(super) fn bound(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

impl Screen {
    pub(super) fn open() -> Self {
        let mut server = bound("Xvfb")
            // It takes a free number by itself and says which.
            .args(["-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.trim().is_empty(), "Xvfb ended without a screen");
        Self { name: format!(":{}", number.trim()), server }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // One that is gone already is what is wanted.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// Whether the tools are there. Without them a test is skipped loudly, and fails where everything must be there.
pub fn can_show() -> bool {
    let is_there = |tool: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
    };
    let missing: Vec<&str> =
        ["WebKitWebDriver", "Xvfb", "setpriv"].into_iter().filter(|tool| !is_there(tool)).collect();
    if missing.is_empty() {
        return true;
    }
    let message = format!("not found: {}; scripts/setup.sh screen installs what is missing", missing.join(", "));
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
    // Not by a macro: what those print is shown for failed tests only.
    std::io::stderr().write_all(format!("SKIPPED, THE WINDOW IS NOT TESTED: {message}\n").as_bytes()).unwrap();
    false
}

/// The window's program, built beside the program that drives it.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join("aisle-desk"));
    let found = beside.clone().find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("{:?} is not built; scripts/test.sh builds it", beside.collect::<Vec<_>>()))
}
