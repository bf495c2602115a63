//! A screen of the test's own, so that nothing that happens on this computer's screen changes what is seen.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// A screen that ends with this.
pub(super) struct Screen {
    name: String,
    server: Child,
    /// Where the server keeps what is on the screen.
    memory: tempfile::TempDir,
}

/// What is on a screen: width, height, and the rows' red, green and blue.
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// Whether somebody has painted: a window that shows nothing has one colour, or two.
    pub(super) fn is_painted(&self) -> bool {
        self.rgb.chunks(3).collect::<BTreeSet<_>>().len() > 16
    }

    /// As a PNG file's bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&self.rgb).unwrap();
        writer.finish().unwrap();
        file
    }
}

/// A program that the system ends where the test is ended from outside and can clean up no more.
pub(super) fn bound(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

impl Screen {
    pub(super) fn open() -> Self {
        let memory = tempfile::tempdir().unwrap();
        let mut server = bound("Xvfb")
            // It takes a free number by itself and says which.
            .args(["-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp", "-fbdir"])
            .arg(memory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.trim().is_empty(), "Xvfb ended without a screen");
        Self { name: format!(":{}", number.trim()), server, memory }
    }

    /// What is in the upper left corner of the screen just now.
    pub(super) fn picture(&self, width: u32, height: u32) -> Picture {
        // X's own format of a window's dump: a header of big-endian numbers, the colours' names, the rows.
        let dump = std::fs::read(self.memory.path().join("Xvfb_screen0")).unwrap();
        let field = |place: usize| {
            usize::try_from(u32::from_be_bytes(dump[place * 4..][..4].try_into().unwrap())).unwrap()
        };
        let (header, bits, line, colours) = (field(0), field(11), field(12), field(19));
        assert_eq!(bits, 32, "four bytes a point");
        let rows = &dump[header + colours * 12..];
        let (columns, lines) = (width as usize, height as usize);
        let mut rgb = Vec::with_capacity(columns * lines * 3);
        for row in rows.chunks(line).take(lines) {
            // Points are words of this machine: blue comes first.
            row.chunks(4).take(columns).for_each(|point| rgb.extend([point[2], point[1], point[0]]));
        }
        Picture { width, height, rgb }
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
