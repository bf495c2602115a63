//! One machine of a cluster: its folder, its settings, its process.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{ClusterError, io};

/// One machine.
#[derive(Debug)]
pub(super) struct Node {
    dir: PathBuf,
    pub(super) port: u16,
    child: Option<Child>,
    pid: Option<u32>,
}

/// Settings that make fail-over, compaction and retention happen within seconds.
const QUICK: &[&str] = &[
    "num.network.threads=2",
    "num.io.threads=2",
    "background.threads=2",
    "offsets.topic.num.partitions=3",
    "transaction.state.log.num.partitions=3",
    "auto.create.topics.enable=false",
    "unclean.leader.election.enable=false",
    "group.initial.rebalance.delay.ms=0",
    "group.min.session.timeout.ms=1000",
    "log.segment.bytes=16777216",
    "log.initial.task.delay.ms=500",
    "log.cleaner.backoff.ms=500",
    "log.retention.check.interval.ms=1000",
    "log.cleaner.dedupe.buffer.size=2097152",
    "broker.heartbeat.interval.ms=150",
    "broker.session.timeout.ms=1500",
    "replica.lag.time.max.ms=1500",
    "replica.fetch.backoff.ms=100",
    "controller.quorum.election.timeout.ms=500",
    "controller.quorum.fetch.timeout.ms=1000",
];

impl Node {
    /// Writes the settings of a cluster's machines: broker and controller in one process each.
    pub(super) fn lay_out(
        dir: &Path,
        clients: &[u16],
        controllers: &[u16],
        extra: &[String],
    ) -> Result<Vec<Self>, ClusterError> {
        let voters: Vec<String> =
            (1..).zip(controllers).map(|(id, port): (u32, _)| format!("{id}@127.0.0.1:{port}")).collect();
        let mut nodes = Vec::new();
        for ((id, port), controller) in (1_u32..).zip(clients).zip(controllers) {
            let node = Self { dir: dir.join(id.to_string()), port: *port, child: None, pid: None };
            std::fs::create_dir_all(&node.dir).map_err(io("a node's folder cannot be made"))?;
            let text = node.settings(id, *controller, &voters.join(","), clients.len(), extra);
            std::fs::write(node.properties(), text).map_err(io("a node's settings cannot be written"))?;
            nodes.push(node);
        }
        Ok(nodes)
    }

    fn settings(&self, id: u32, controller: u16, voters: &str, nodes: usize, extra: &[String]) -> String {
        let replication = nodes.min(3);
        let in_sync = if replication > 1 { 2 } else { 1 };
        let mut text = String::new();
        let mut line = |setting: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{setting}");
        };
        line("process.roles=broker,controller".into());
        line(format!("node.id={id}"));
        line(format!("controller.quorum.voters={voters}"));
        line(format!("log.dirs={}", self.data().display()));
        line(format!("listeners=CLIENT://127.0.0.1:{},CONTROLLER://127.0.0.1:{controller}", self.port));
        line(format!("advertised.listeners=CLIENT://127.0.0.1:{}", self.port));
        line("listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT".into());
        line("inter.broker.listener.name=CLIENT".into());
        line("controller.listener.names=CONTROLLER".into());
        for name in ["default.replication.factor", "offsets.topic.replication.factor"] {
            line(format!("{name}={replication}"));
        }
        line(format!("transaction.state.log.replication.factor={replication}"));
        line(format!("share.coordinator.state.topic.replication.factor={replication}"));
        line(format!("min.insync.replicas={in_sync}"));
        line(format!("transaction.state.log.min.isr={in_sync}"));
        line(format!("share.coordinator.state.topic.min.isr={in_sync}"));
        for setting in QUICK {
            line((*setting).into());
        }
        for setting in extra {
            line(setting.clone());
        }
        text
    }

    /// Machines that an earlier process left running.
    pub(super) fn find(dir: &Path) -> Result<Vec<Self>, ClusterError> {
        let mut nodes = Vec::new();
        for id in 1.. {
            let own = dir.join(id.to_string());
            let Ok(settings) = std::fs::read_to_string(own.join("server.properties")) else { break };
            let port = settings
                .lines()
                .find_map(|line| line.strip_prefix("advertised.listeners=CLIENT://127.0.0.1:"))
                .and_then(|port| port.parse().ok())
                .ok_or_else(|| ClusterError::Missing(format!("the settings of node {id} name no port")))?;
            let pid = std::fs::read_to_string(own.join("pid")).ok().and_then(|text| text.trim().parse().ok());
            nodes.push(Self { dir: own, port, child: None, pid });
        }
        Ok(nodes)
    }

    pub(super) fn properties(&self) -> PathBuf {
        self.dir.join("server.properties")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    pub(super) fn out(&self) -> PathBuf {
        self.dir.join("out")
    }

    pub(super) const fn pid(&self) -> Option<u32> {
        self.pid
    }

    fn process(&self) -> Option<Pid> {
        self.pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw)
    }

    pub(super) fn started(&mut self, child: Child) -> Result<(), ClusterError> {
        self.pid = Some(child.id());
        std::fs::write(self.dir.join("pid"), child.id().to_string()).map_err(io("a process id cannot be kept"))?;
        self.child = Some(child);
        Ok(())
    }

    pub(super) fn is_alive(&self) -> bool {
        self.process().is_some_and(|pid| test_kill_process(pid).is_ok())
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<(), ClusterError> {
        let pid = self.process().ok_or_else(|| ClusterError::Missing("the node is not running".into()))?;
        kill_process(pid, signal).map_err(|e| ClusterError::Io { what: "a signal".into(), error: e.into() })
    }

    /// Waits until the process is gone.
    pub(super) fn reap(&mut self, limit: Duration) -> Result<(), ClusterError> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            let gone = match &mut self.child {
                Some(child) => child.try_wait().map_err(io("a node cannot be waited for"))?.is_some(),
                None => !self.is_alive(),
            };
            if gone {
                self.child = None;
                self.pid = None;
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(ClusterError::Missing("the node did not end".into()))
    }
}
