//! A real Apache Kafka cluster on loopback ports: started, hurt and stopped by its own process ids.

mod hurt;
mod node;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use node::Node;
use uuid::Uuid;

const READY: Duration = Duration::from_secs(90);

/// Why a cluster could not be had or hurt.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Java or the jars are missing.
    #[error("{0}")]
    Missing(String),
    /// A node ended or did not get ready.
    #[error("node {node} did not get ready: {why}")]
    NotReady {
        /// Which, from 1.
        node: usize,
        /// Its last words.
        why: String,
    },
    /// A process or a file did not do as asked.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// The error.
        error: std::io::Error,
    },
}

pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> ClusterError {
    move |error| ClusterError::Io { what: what.into(), error }
}

/// Kafka's jars and settings on this machine.
#[derive(Debug, Clone)]
pub struct Kit {
    lib: PathBuf,
    log4j: PathBuf,
}

impl Kit {
    /// Finds what `scripts/kafka/fetch.sh` has fetched.
    pub fn find() -> Result<Self, ClusterError> {
        let root = crate::fixtures::repository();
        let kit = Self { lib: root.join("build/kafka/lib"), log4j: root.join("scripts/kafka/log4j2.xml") };
        let has_jars = std::fs::read_dir(&kit.lib).is_ok_and(|mut jars| jars.next().is_some());
        if !has_jars {
            let words = format!("Kafka's jars are not in {}; run scripts/kafka/fetch.sh", kit.lib.display());
            return Err(ClusterError::Missing(words));
        }
        let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        match java {
            Ok(status) if status.success() => Ok(kit),
            _ => Err(ClusterError::Missing("java is missing; install default-jre-headless".into())),
        }
    }

    /// For tests: the kit, or a loud skip.
    ///
    /// # Panics
    /// Where `CI=true`: a skip is a failure there.
    #[allow(clippy::panic, clippy::print_stderr, reason = "a test that is skipped must be heard, and fail in CI")]
    pub fn require(test: &str) -> Option<Self> {
        match Self::find() {
            Ok(kit) => Some(kit),
            Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{test}: {error}"),
            Err(error) => {
                eprintln!("\nSKIPPED {test}: {error}\n");
                None
            }
        }
    }

    /// Runs one of Kafka's own tools to its end, by the name of its script or of its class.
    pub fn tool<S: AsRef<OsStr>>(&self, tool: &str, args: &[S]) -> Result<Output, ClusterError> {
        let class = match tool {
            "kafka-configs.sh" => "kafka.admin.ConfigCommand",
            "kafka-acls.sh" => "org.apache.kafka.tools.AclCommand",
            "kafka-topics.sh" => "org.apache.kafka.tools.TopicCommand",
            other => other,
        };
        let log = Path::new(if cfg!(windows) { "NUL" } else { "/dev/null" });
        self.java(log).arg(class).args(args).output().map_err(io("java cannot be started"))
    }

    fn java(&self, log: &Path) -> Command {
        let mut command = Command::new("java");
        command
            .args(["-Xms48m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"])
            .arg(format!("-Dkafka.log={}", log.display()))
            .arg(format!("-Dlog4j2.configurationFile={}", self.log4j.display()))
            .arg("-Djava.awt.headless=true")
            .arg("-cp")
            .arg(format!("{}/*", self.lib.display()));
        command
    }
}

/// How a cluster is made.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// How many machines.
    pub nodes: usize,
    /// Server settings; later ones win.
    pub extra: Vec<String>,
    /// Arguments for formatting, such as users.
    pub format: Vec<String>,
    /// Heap of each machine.
    pub heap_mb: u32,
    /// Ports that the machines tell their clients instead of their own, such as those of proxies: one for each machine,
    /// or none.
    pub advertised: Vec<u16>,
    /// A machine whose disk holds only this many megabytes. Needs the right to mount.
    pub small_disk: Option<(usize, u32)>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            nodes: 3,
            extra: Vec::new(),
            format: Vec::new(),
            heap_mb: 256,
            advertised: Vec::new(),
            small_disk: None,
        }
    }
}

/// A running cluster. Its machines are killed and its folder removed when it is dropped, unless it was left running.
#[derive(Debug)]
pub struct Cluster {
    kit: Kit,
    dir: PathBuf,
    nodes: Vec<Node>,
    heap_mb: u32,
    /// Arguments for formatting.
    format: Vec<String>,
    /// Where a small disk is mounted.
    mounted: Option<PathBuf>,
    keep: bool,
}

fn free_ports(count: usize) -> Result<Vec<u16>, ClusterError> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()
        .map_err(io("no free port"))?;
    listeners
        .iter()
        .map(|listener| listener.local_addr().map(|address| address.port()))
        .collect::<Result<_, _>>()
        .map_err(io("no free port"))
}

impl Cluster {
    /// Starts a cluster in an empty folder and waits until every machine serves.
    pub fn start(kit: &Kit, dir: &Path, options: &ClusterOptions) -> Result<Self, ClusterError> {
        std::fs::create_dir_all(dir).map_err(io(format!("{} cannot be made", dir.display())))?;
        let nodes = Node::lay_out(dir, &free_ports(options.nodes * 3)?, options)?;
        let mut cluster = Self {
            kit: kit.clone(),
            dir: dir.into(),
            nodes,
            heap_mb: options.heap_mb,
            format: options.format.clone(),
            mounted: None,
            keep: false,
        };
        if let Some((node, megabytes)) = options.small_disk {
            cluster.mount_small_disk(node, megabytes)?;
        }
        cluster.format()?;
        cluster.start_all()?;
        Ok(cluster)
    }

    fn start_all(&mut self) -> Result<(), ClusterError> {
        for node in 1..=self.nodes.len() {
            self.spawn(node)?;
        }
        for node in 1..=self.nodes.len() {
            self.wait_ready(node)?;
        }
        Ok(())
    }

    /// A cluster that an earlier process left running in this folder.
    pub fn attach(kit: &Kit, dir: &Path) -> Result<Self, ClusterError> {
        let nodes = Node::find(dir)?;
        if nodes.is_empty() {
            return Err(ClusterError::Missing(format!("there is no cluster in {}", dir.display())));
        }
        let heap_mb = ClusterOptions::default().heap_mb;
        Ok(Self {
            kit: kit.clone(),
            dir: dir.into(),
            nodes,
            heap_mb,
            format: Vec::new(),
            mounted: None,
            keep: true,
        })
    }

    /// Leaves the machines running when this is dropped.
    pub const fn leave_running(&mut self) {
        self.keep = true;
    }

    /// `host:port` of every machine, separated by commas.
    pub fn brokers(&self) -> String {
        self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect::<Vec<_>>().join(",")
    }

    /// The same, past whatever was advertised: where machines speak with each other.
    pub fn brokers_inside(&self) -> String {
        self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.inside)).collect::<Vec<_>>().join(",")
    }

    /// Where clients reach the machines.
    pub fn ports(&self) -> BTreeSet<u16> {
        self.nodes.iter().map(|node| node.port).collect()
    }

    /// Process ids of the machines that were started.
    pub fn pids(&self) -> Vec<u32> {
        self.nodes.iter().filter_map(Node::pid).collect()
    }

    /// Formats one machine's storage and gives the others a copy: half the time of three formats.
    fn format(&self) -> Result<(), ClusterError> {
        let Some(first) = self.nodes.first() else { return Ok(()) };
        let cluster = id();
        let log = self.dir.join("format.log");
        let output = self
            .kit
            .java(&log)
            .args(["kafka.tools.StorageTool", "format", "-t", &cluster, "-c"])
            .arg(first.properties())
            .args(&self.format)
            .output()
            .map_err(io("java cannot be started"))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(ClusterError::NotReady { node: 1, why });
        }
        let boot = first.data().join("bootstrap.checkpoint");
        for (number, node) in (1_usize..).zip(&self.nodes).skip(1) {
            std::fs::create_dir_all(node.data()).map_err(io("a data folder cannot be made"))?;
            std::fs::copy(&boot, node.data().join("bootstrap.checkpoint"))
                .map_err(io("the format cannot be copied"))?;
            node.write_meta(number, &cluster, &id())?;
        }
        Ok(())
    }

    fn node(&self, number: usize) -> Result<&Node, ClusterError> {
        number
            .checked_sub(1)
            .and_then(|index| self.nodes.get(index))
            .ok_or_else(|| ClusterError::Missing(format!("there is no node {number}")))
    }

    fn spawn(&mut self, number: usize) -> Result<(), ClusterError> {
        let node = self.node(number)?;
        let log = node.log();
        std::fs::write(&log, "").map_err(io("a log cannot be made"))?;
        let out = std::fs::File::create(node.out()).map_err(io("a log cannot be made"))?;
        let child = self
            .kit
            .java(&log)
            .arg(format!("-Xmx{}m", self.heap_mb))
            .arg("kafka.Kafka")
            .arg(node.properties())
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(io("a log cannot be made"))?)
            .stderr(out)
            .spawn()
            .map_err(io("java cannot be started"))?;
        if let Some(node) = number.checked_sub(1).and_then(|index| self.nodes.get_mut(index)) {
            node.started(child)?;
        }
        Ok(())
    }

    fn wait_ready(&mut self, number: usize) -> Result<(), ClusterError> {
        let end = Instant::now() + READY;
        loop {
            let node = self.node(number)?;
            let log = std::fs::read_to_string(node.log()).unwrap_or_default();
            if log.contains("Kafka Server started") {
                return Ok(());
            }
            if !node.is_alive() || Instant::now() >= end {
                let tail: Vec<&str> = log.lines().rev().take(5).collect();
                let out = std::fs::read_to_string(node.out()).unwrap_or_default();
                return Err(ClusterError::NotReady { node: number, why: format!("{}\n{out}", tail.join("\n")) });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends a machine at once, as a power cut does.
    pub fn kill(&mut self, number: usize) -> Result<(), ClusterError> {
        self.node(number)?.signal(rustix::process::Signal::KILL)?;
        self.reap(number)
    }

    /// Ends a machine in order.
    pub fn term(&mut self, number: usize) -> Result<(), ClusterError> {
        self.node(number)?.signal(rustix::process::Signal::TERM)?;
        self.reap(number)
    }

    fn reap(&mut self, number: usize) -> Result<(), ClusterError> {
        match number.checked_sub(1).and_then(|index| self.nodes.get_mut(index)) {
            Some(node) => node.reap(Duration::from_secs(30)),
            None => Ok(()),
        }
    }

    /// Stops a machine in its tracks; it keeps its connections.
    pub fn pause(&self, number: usize) -> Result<(), ClusterError> {
        self.node(number)?.signal(rustix::process::Signal::STOP)
    }

    /// Lets a paused machine go on.
    pub fn resume(&self, number: usize) -> Result<(), ClusterError> {
        self.node(number)?.signal(rustix::process::Signal::CONT)
    }

    /// Starts a machine again and waits until it serves.
    pub fn up(&mut self, number: usize) -> Result<(), ClusterError> {
        self.spawn(number)?;
        self.wait_ready(number)
    }

    /// Ends all machines at once and removes the folder.
    pub fn destroy(&mut self) {
        for node in &mut self.nodes {
            if node.is_alive() {
                // One that is gone already is what is wanted.
                drop(node.signal(rustix::process::Signal::KILL));
                drop(node.reap(Duration::from_secs(10)));
            }
        }
        self.unmount();
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.keep {
            self.destroy();
        }
    }
}

/// 128 random bits as Kafka writes them: base64 for addresses, 22 characters, no leading dash.
fn id() -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = Uuid::new_v4().as_u128();
    let middle = (1..21).map(|at| {
        let six = usize::try_from((bits >> (at * 6)) & 63).unwrap_or(0);
        LETTERS.get(six).copied().map_or('A', char::from)
    });
    std::iter::once('A').chain(middle).chain(std::iter::once('A')).collect()
}
