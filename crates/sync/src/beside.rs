//! What a running sync leaves in the data folder for programs beside it, which have no line of their own: how it stands.

use std::path::Path;

use aisle_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::shared::SyncStatus;

const FILE: &str = "line.json";
/// A program that stands still, or was killed, leaves no younger one.
const FRESH_MS: i64 = 30_000;

#[derive(Serialize, Deserialize)]
struct Note {
    at: Timestamp,
    status: SyncStatus,
}

/// Leaves how the sync stands. It is of use only while it is fresh, so that nothing waits for the disk; what keeps it from
/// being written is told by everything else.
pub(crate) fn leave(dir: &Path, status: SyncStatus, now: Timestamp) {
    let new = dir.join(format!("{FILE}.new"));
    let left = serde_json::to_vec(&Note { at: now, status })
        .map_err(std::io::Error::from)
        .and_then(|json| std::fs::write(&new, json))
        .and_then(|()| std::fs::rename(&new, dir.join(FILE)));
    if let Err(error) = left {
        tracing::debug!(%error, "programs beside this one are not told how the line is");
    }
}

/// The sync has ended.
pub(crate) fn take_away(dir: &Path) {
    if let Err(error) = std::fs::remove_file(dir.join(FILE)) {
        tracing::debug!(%error, "there was no note of the line to take away");
    }
}

/// How the sync of another program on this data folder stands; `None` where none runs.
pub fn seen_beside(dir: &Path, now: Timestamp) -> Option<SyncStatus> {
    let note: Note = serde_json::from_slice(&std::fs::read(dir.join(FILE)).ok()?).ok()?;
    (now.since(note.at).abs() < FRESH_MS).then_some(note.status)
}
