//! What processes of this machine have: memory, threads, connections. Read from Linux's `/proc`.

use std::collections::BTreeSet;

use procfs::{
    ProcError, ProcResult,
    net::TcpState,
    process::{FDTarget, Process},
};

/// What one process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Has {
    /// Memory that is its own or its share of what several use (PSS), bytes.
    pub memory: u64,
    /// Threads.
    pub threads: u64,
}

/// What the process has now.
///
/// # Errors
/// When it has ended or belongs to somebody else.
pub fn has(pid: u32) -> std::io::Result<Has> {
    read(pid).map_err(std::io::Error::other)
}

fn read(pid: u32) -> ProcResult<Has> {
    let process = of(pid)?;
    let rollup = process.smaps_rollup()?;
    let memory = rollup.memory_map_rollup.iter().filter_map(|map| map.extension.map.get("Pss")).sum();
    Ok(Has { memory, threads: process.status()?.threads })
}

fn of(pid: u32) -> ProcResult<Process> {
    Process::new(i32::try_from(pid).map_err(|e| ProcError::Other(e.to_string()))?)
}

/// Files, sockets and pipes that it has open.
///
/// # Errors
/// When it has ended or belongs to somebody else.
pub fn files(pid: u32) -> std::io::Result<u64> {
    let count = of(pid).and_then(|process| process.fd_count()).map_err(std::io::Error::other)?;
    Ok(count as u64)
}

/// Connections over IPv4 that somebody has made to some ports of this machine, as they were at one moment.
#[derive(Debug)]
pub struct Connections(BTreeSet<u64>);

impl Connections {
    /// Those to these ports.
    ///
    /// # Errors
    /// When the system's table cannot be read.
    pub fn to(ports: &BTreeSet<u16>) -> std::io::Result<Self> {
        let table = procfs::net::tcp().map_err(std::io::Error::other)?;
        let made = table
            .into_iter()
            .filter(|entry| entry.state == TcpState::Established && ports.contains(&entry.remote_address.port()));
        Ok(Self(made.map(|entry| entry.inode).collect()))
    }

    /// How many of them the process has made.
    ///
    /// # Errors
    /// When it has ended or belongs to somebody else.
    pub fn of(&self, pid: u32) -> std::io::Result<u64> {
        let descriptors = of(pid).and_then(|process| process.fd()).map_err(std::io::Error::other)?;
        let targets = descriptors.flatten().map(|descriptor| descriptor.target);
        let own = targets.filter(|target| matches!(target, FDTarget::Socket(inode) if self.0.contains(inode)));
        Ok(own.count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_is_counted_by_the_one_who_made_it_and_to_the_ports_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = |port| Connections::to(&BTreeSet::from([port])).unwrap().of(std::process::id()).unwrap();
        assert_eq!(count(port), 0);
        let made = [0; 3].map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap());
        assert_eq!(count(port), 3);
        assert_eq!(count(made[0].local_addr().unwrap().port()), 0, "nobody has accepted them");
    }

    #[test]
    fn a_process_has_more_memory_once_it_has_touched_some() {
        let before = has(std::process::id()).unwrap();
        let block = std::hint::black_box(vec![7_u8; 64 << 20]);
        let after = has(std::process::id()).unwrap();
        assert!(after.memory > before.memory + (48 << 20), "{before:?}, then {after:?}");
        assert!(after.threads >= 1);
        drop(block);
    }

    #[test]
    fn one_that_has_ended_has_nothing_to_tell() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        has(child.id()).unwrap_err();
    }
}
