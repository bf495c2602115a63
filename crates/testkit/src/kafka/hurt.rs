//! What else can happen to a cluster: a disk that is full or new, all data gone, and who leads what.

use std::{fs, io::Write, path::Path, process::Command};

use serde_json::Value;

use super::{Cluster, ClusterError, id, io};

/// The file that fills a small disk.
const FILLER: &str = "filler";

impl Cluster {
    /// Gives a machine a disk of so many megabytes.
    pub(super) fn mount_small_disk(&mut self, number: usize, megabytes: u32) -> Result<(), ClusterError> {
        let data = self.node(number)?.data();
        fs::create_dir_all(&data).map_err(io("a data folder cannot be made"))?;
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&data).output();
        match mounted {
            Ok(output) if output.status.success() => {
                self.mounted = Some(data);
                Ok(())
            }
            Ok(output) => {
                let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(ClusterError::Missing(format!("a small disk cannot be mounted: {why}")))
            }
            Err(error) => Err(io("mount cannot be started")(error)),
        }
    }

    /// Whether this process may mount a small disk.
    pub fn can_have_small_disk(dir: &Path) -> bool {
        let at = dir.join("may-mount");
        if fs::create_dir_all(&at).is_err() {
            return false;
        }
        let run = |program: &str, args: &[&str]| {
            Command::new(program).args(args).arg(&at).output().is_ok_and(|output| output.status.success())
        };
        let may = run("mount", &["-t", "tmpfs", "-o", "size=1m", "tmpfs"]) && run("umount", &[]);
        drop(fs::remove_dir(&at));
        may
    }

    pub(super) fn unmount(&mut self) {
        if let Some(data) = self.mounted.take() {
            // Nothing is left to be done where it does not work; the folder stays then.
            drop(Command::new("umount").arg(data).output());
        }
    }

    /// Fills the disk of a machine to the last byte. Only for one with a small disk.
    pub fn fill_disk(&self, number: usize) -> Result<(), ClusterError> {
        let data = self.node(number)?.data();
        if self.mounted.as_ref() != Some(&data) {
            return Err(ClusterError::Missing(format!("node {number} has no small disk to fill")));
        }
        let mut file = fs::File::create(data.join(FILLER)).map_err(io("the disk cannot be filled"))?;
        let zeroes = vec![0_u8; 64 * 1024];
        while file.write_all(&zeroes).is_ok() {}
        Ok(())
    }

    /// Gives the room back.
    pub fn free_disk(&self, number: usize) -> Result<(), ClusterError> {
        fs::remove_file(self.node(number)?.data().join(FILLER)).map_err(io("the disk cannot be freed"))
    }

    /// Replaces the disk of a machine that is down by an empty one.
    pub fn wipe(&self, number: usize) -> Result<(), ClusterError> {
        let node = self.node(number)?;
        let other = self
            .nodes
            .iter()
            .find(|other| other.port != node.port)
            .ok_or_else(|| ClusterError::Missing("no other node has the cluster's id".into()))?;
        let meta = fs::read_to_string(other.data().join("meta.properties")).map_err(io("the cluster's id"))?;
        let cluster = meta
            .lines()
            .find_map(|line| line.strip_prefix("cluster.id="))
            .ok_or_else(|| ClusterError::Missing("a node does not say its cluster's id".into()))?;
        empty(&node.data())?;
        // What is written at the first start only; every node has the same.
        fs::copy(other.data().join("bootstrap.checkpoint"), node.data().join("bootstrap.checkpoint"))
            .map_err(io("the format cannot be copied"))?;
        node.write_meta(number, cluster, &id())
    }

    /// All data of all machines is gone: another cluster, with another id, at the same addresses.
    pub fn rebuild(&mut self) -> Result<(), ClusterError> {
        for number in 1..=self.nodes.len() {
            if self.node(number)?.is_alive() {
                self.kill(number)?;
            }
        }
        for node in &self.nodes {
            empty(&node.data())?;
        }
        self.format()?;
        self.start_all()
    }

    /// The machine that is the cluster's controller now, by what the machines last wrote of their votes.
    pub fn controller(&self) -> Option<usize> {
        let told = self.nodes.iter().filter(|node| node.is_alive()).filter_map(|node| {
            let text = fs::read_to_string(node.data().join("__cluster_metadata-0/quorum-state")).ok()?;
            let state: Value = serde_json::from_str(&text).ok()?;
            Some((state.get("leaderEpoch")?.as_i64()?, state.get("leaderId")?.as_i64()?))
        });
        told.max().and_then(|(_, leader)| usize::try_from(leader).ok()).filter(|leader| *leader > 0)
    }

    /// The machine that leads a partition.
    pub fn leader(&self, topic: &str, partition: i32) -> Result<usize, ClusterError> {
        let args = ["--bootstrap-server", &self.brokers_inside(), "--describe", "--topic", topic];
        let output = self.kit.tool("kafka-topics.sh", &args)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let wanted = partition.to_string();
        let mut leaders = text.lines().filter_map(|line| {
            let word = |name: &str| line.split('\t').map(str::trim).find_map(|cell| cell.strip_prefix(name));
            (word("Partition: ")? == wanted).then(|| word("Leader: ")?.parse().ok()).flatten()
        });
        leaders.next().ok_or_else(|| ClusterError::Missing(format!("nobody leads {topic}/{partition}: {text}")))
    }

    /// Removes a topic, as a mistaken hand would.
    pub fn delete_topic(&self, topic: &str) -> Result<(), ClusterError> {
        let args = ["--bootstrap-server", &self.brokers_inside(), "--delete", "--topic", topic];
        let output = self.kit.tool("kafka-topics.sh", &args)?;
        if output.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(ClusterError::Missing(format!("{topic} cannot be deleted: {why}")))
    }
}

/// Removes what is in a folder, which itself may be a mount.
fn empty(folder: &Path) -> Result<(), ClusterError> {
    for entry in fs::read_dir(folder).map_err(io("a data folder cannot be read"))? {
        let path = entry.map_err(io("a data folder cannot be read"))?.path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(io(format!("{} cannot be removed", path.display())))?;
    }
    Ok(())
}
