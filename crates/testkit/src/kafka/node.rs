//! One machine of a cluster: its folder, its settings, its process.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{ClusterError, ClusterOptions, io};

/// One machine.
#[derive(Debug)]
pub(super) struct Node {
    dir: PathBuf,
    pub(super) port: u16,
    /// Where the machines speak with each other; the clients' port unless something else is advertised.
    pub(super) inside: u16,
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
    pub(super) fn lay_out(dir: &Path, ports: &[u16], options: &ClusterOptions) -> Result<Vec<Self>, ClusterError> {
        let (clients, others) = ports.split_at(options.nodes);
        let (controllers, insides) = others.split_at(options.nodes);
        let voters: Vec<String> =
            (1..).zip(controllers).map(|(id, port): (u32, _)| format!("{id}@127.0.0.1:{port}")).collect();
        let mut nodes = Vec::new();
        for (place, port) in clients.iter().enumerate() {
            let advertised = options.advertised.get(place).copied();
            let inside = if advertised.is_some() { insides.get(place).copied().unwrap_or(*port) } else { *port };
            let dir = dir.join((place + 1).to_string());
            let node = Self { dir, port: *port, inside, child: None, pid: None };
            std::fs::create_dir_all(&node.dir).map_err(io("a node's folder cannot be made"))?;
            let controller = controllers.get(place).copied().unwrap_or_default();
            let mut text = node.listeners(place + 1, controller, advertised);
            text.push_str(&node.settings(&voters.join(","), options));
            std::fs::write(node.properties(), text).map_err(io("a node's settings cannot be written"))?;
            nodes.push(node);
        }
        Ok(nodes)
    }

    /// Who is reached where. Behind proxies the machines keep a way to each other that no proxy cuts.
    fn listeners(&self, id: usize, controller: u16, advertised: Option<u16>) -> String {
        let (own, inside) = (self.port, self.inside);
        let (listeners, told, map, between) = match advertised {
            None => (
                format!("CLIENT://127.0.0.1:{own}"),
                format!("CLIENT://127.0.0.1:{own}"),
                "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "CLIENT",
            ),
            Some(proxy) => (
                format!("CLIENT://127.0.0.1:{own},INSIDE://127.0.0.1:{inside}"),
                format!("CLIENT://127.0.0.1:{proxy},INSIDE://127.0.0.1:{inside}"),
                "CLIENT:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "INSIDE",
            ),
        };
        format!(
            "node.id={id}\nlisteners={listeners},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners={told}\nlistener.security.protocol.map={map}\n\
             inter.broker.listener.name={between}\n"
        )
    }

    fn settings(&self, voters: &str, options: &ClusterOptions) -> String {
        let replication = options.nodes.min(3);
        let in_sync = if replication > 1 { 2 } else { 1 };
        let mut text = String::new();
        let mut line = |setting: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{setting}");
        };
        line("process.roles=broker,controller".into());
        line(format!("controller.quorum.voters={voters}"));
        line(format!("log.dirs={}", self.data().display()));
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
        for setting in &options.extra {
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
            nodes.push(Self { dir: own, port, inside: port, child: None, pid });
        }
        Ok(nodes)
    }

    pub(super) fn properties(&self) -> PathBuf {
        self.dir.join("server.properties")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Says whose disk this is.
    pub(super) fn write_meta(&self, number: usize, cluster: &str, directory: &str) -> Result<(), ClusterError> {
        let meta = format!("version=1\ncluster.id={cluster}\ndirectory.id={directory}\nnode.id={number}\n");
        std::fs::write(self.data().join("meta.properties"), meta).map_err(io("the format cannot be written"))
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
