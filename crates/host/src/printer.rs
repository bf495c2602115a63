//! The printers of this computer, by the commands that CUPS and its like bring: `lpstat` and `lp`.

use std::{
    io::{ErrorKind, Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use aisle_app::Printer;

/// A print system that does not answer holds nobody up for longer.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(20);

/// The commands of the system, or those of a folder.
#[derive(Debug, Clone, Default)]
pub struct SystemPrinter {
    folder: Option<PathBuf>,
}

impl SystemPrinter {
    /// With the commands of this folder.
    pub fn of(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = match &self.folder {
            Some(folder) => Command::new(folder.join(name)),
            None => Command::new(name),
        };
        // Answers are read: they are to be in one language.
        command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn not_begun(name: &str, why: &std::io::Error) -> String {
    if why.kind() == ErrorKind::NotFound {
        format!("this computer has no print system: the command {name} is not there; install CUPS")
    } else {
        format!("the command {name} cannot be run: {why}")
    }
}

fn ended_within(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if Instant::now() >= end => {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            None => std::thread::sleep(LOOK),
        }
    }
}

/// What a command answered.
fn answer(name: &str, mut child: Child) -> Result<String, String> {
    let broken = |why: std::io::Error| format!("the command {name} broke off: {why}");
    let status = ended_within(&mut child, PATIENCE).map_err(broken)?;
    let text_of = |from: Option<&mut dyn Read>| {
        let mut text = String::new();
        from.map_or(Ok(0), |from| from.read_to_string(&mut text)).map(|_| text)
    };
    let out = text_of(child.stdout.as_mut().map(|out| out as &mut dyn Read)).map_err(broken)?;
    let complaint = text_of(child.stderr.as_mut().map(|err| err as &mut dyn Read)).map_err(broken)?;
    match status {
        Some(status) if status.success() => Ok(out),
        Some(status) if complaint.trim().is_empty() => Err(format!("the command {name} ended with {status}")),
        Some(_) => Err(complaint.trim().to_owned()),
        None => Err(format!("the print system has not answered for {} s", PATIENCE.as_secs())),
    }
}

impl Printer for SystemPrinter {
    fn queues(&self) -> Result<Vec<String>, String> {
        let name = "lpstat";
        let child = self.command(name).arg("-e").spawn().map_err(|why| not_begun(name, &why))?;
        let names = answer(name, child);
        // Without a single printer it complains.
        let names = match names {
            Err(why) if why.contains("No destinations") => String::new(),
            other => other?,
        };
        Ok(names.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect())
    }

    fn print(&self, queue: &str, title: &str, text: &str) -> Result<(), String> {
        let name = "lp";
        let mut child = self
            .command(name)
            .args(["-d", queue, "-t", title, "-"])
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|why| not_begun(name, &why))?;
        // A command that complains does not read on: what it says counts then.
        let written = child.stdin.take().map_or(Ok(()), |mut paper| paper.write_all(text.as_bytes()));
        answer(name, child)?;
        written.map_err(|why| format!("the printer \"{queue}\" did not take all of the ticket: {why}"))
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, path::Path};

    use super::*;

    fn system(folder: &Path, name: &str, script: &str) -> SystemPrinter {
        let file = folder.join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        SystemPrinter::of(folder.into())
    }

    #[test]
    fn a_ticket_goes_to_the_printer_that_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let paper = folder.path().join("paper");
        let printer = system(folder.path(), "lp", &format!("echo \"$@\" > {0}; cat >> {0}", paper.display()));
        printer.print("kitchen", "Pick list 6472", "[ ] 2 x Käse\n").unwrap();
        let came_out = std::fs::read_to_string(paper).unwrap();
        assert_eq!(came_out, "-d kitchen -t Pick list 6472 -\n[ ] 2 x Käse\n");
    }

    #[test]
    fn what_the_print_system_says_is_told_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let printer = system(folder.path(), "lp", "echo 'lp: The printer or class does not exist.' >&2; exit 1");
        let why = printer.print("attic", "t", &"x".repeat(200_000)).unwrap_err();
        assert_eq!(why, "lp: The printer or class does not exist.");
        let printer = system(folder.path(), "lpstat", "printf 'kitchen\\noffice\\n'");
        assert_eq!(printer.queues().unwrap(), ["kitchen", "office"]);
        let printer = system(folder.path(), "lpstat", "echo 'lpstat: No destinations added.' >&2; exit 1");
        assert_eq!(printer.queues().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_computer_without_a_print_system_says_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        let printer = SystemPrinter::of(folder.path().join("nothing"));
        assert!(printer.queues().unwrap_err().contains("install CUPS"));
        assert!(printer.print("kitchen", "t", "x").unwrap_err().contains("install CUPS"));
    }
}
