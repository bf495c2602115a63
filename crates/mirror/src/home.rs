//! Where the data folder lives. A copy of it, or a file that was put back by hand, would use the numbers of the original:
//! whoever opens it elsewhere gives all numbers anew before anything is numbered.

use std::path::Path;

use aisle_domain::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    anew::{self, Anew},
    error::Result,
    folder, settings,
};

const KEY: &str = "home";

/// What tells one place from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Home {
    /// A digest of the machine's own id; `None` where it has none.
    machine: Option<String>,
    /// Device of the folder, as far as the system numbers them.
    device: Option<u64>,
    /// Number of the folder and of the database's file on that device.
    inodes: Option<(u64, u64)>,
    path: String,
}

impl Home {
    fn of(dir: &Path, file: &Path) -> Self {
        let (device, inodes) = numbers(dir, file);
        let path = dir.canonicalize().unwrap_or_else(|_| dir.into()).display().to_string();
        Self { machine: machine(), device, inodes, path }
    }

    /// Devices are numbered anew at a start of the system, and folders are renamed: neither alone is another place.
    fn is_same_place(&self, other: &Self) -> bool {
        if self.machine != other.machine {
            return false;
        }
        match (self.inodes, other.inodes) {
            (Some(own), Some(its)) => own == its && (self.device == other.device || self.path == other.path),
            _ => self.path == other.path,
        }
    }
}

/// The id itself is nobody else's business; a backup goes to other computers.
fn machine() -> Option<String> {
    let id = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .into_iter()
        .find_map(|file| std::fs::read_to_string(file).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())?;
    let hash = Sha256::digest(format!("aisle:{id}"));
    Some(hash.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

#[cfg(unix)]
fn numbers(dir: &Path, file: &Path) -> (Option<u64>, Option<(u64, u64)>) {
    use std::os::unix::fs::MetadataExt;
    match (std::fs::metadata(dir), std::fs::metadata(file)) {
        (Ok(dir), Ok(file)) => (Some(dir.dev()), Some((dir.ino(), file.ino()))),
        _ => (None, None),
    }
}

/// Here the path has to do.
#[cfg(not(unix))]
fn numbers(_: &Path, _: &Path) -> (Option<u64>, Option<(u64, u64)>) {
    (None, None)
}

/// Looks whether the folder still lives where it did, and remembers where it lives now.
pub(crate) fn check(conn: &mut Connection, dir: &Path, at: Timestamp) -> Result<()> {
    let here = Home::of(dir, &folder::database(dir));
    let text = serde_json::to_string(&here)?;
    let kept = settings::get(conn, KEY)?;
    if kept.as_ref() == Some(&text) {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(before) = kept.and_then(|text| serde_json::from_str::<Home>(&text).ok())
        && !before.is_same_place(&here)
    {
        let facts =
            json!({ "before": before.path, "now": here.path, "other_machine": before.machine != here.machine });
        anew::want(&tx, Anew::Copied, facts, at)?;
    }
    settings::set(&tx, KEY, &text)?;
    tx.commit()?;
    Ok(())
}

/// A database that is put into the folder on purpose lives there from its next opening on.
pub(crate) fn forget(tx: &Transaction<'_>) -> Result<()> {
    settings::remove(tx, KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Home {
        Home { machine: Some("m".into()), device: Some(1), inodes: Some((10, 11)), path: "/data/aisle".into() }
    }

    #[test]
    fn a_renamed_folder_and_a_device_that_is_numbered_anew_are_the_same_place() {
        assert!(home().is_same_place(&Home { path: "/data/other".into(), ..home() }));
        assert!(home().is_same_place(&Home { device: Some(2), ..home() }));
    }

    #[test]
    fn another_machine_another_folder_another_file_and_another_disk_are_another_place() {
        assert!(!home().is_same_place(&Home { machine: Some("n".into()), ..home() }));
        assert!(!home().is_same_place(&Home { inodes: Some((12, 11)), ..home() }));
        assert!(!home().is_same_place(&Home { inodes: Some((10, 13)), ..home() }), "a file put back by hand");
        assert!(!home().is_same_place(&Home { device: Some(2), path: "/mnt/aisle".into(), ..home() }));
        let nameless = Home { inodes: None, device: None, ..home() };
        assert!(nameless.is_same_place(&nameless.clone()));
        assert!(!nameless.is_same_place(&Home { path: "/x".into(), ..nameless.clone() }));
    }
}
