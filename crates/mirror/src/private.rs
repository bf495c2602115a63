//! Files beside the database that only their owner reads.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Result, Write},
    path::{Path, PathBuf},
};

/// Writes a file whole or not at all, readable by its owner only from the first byte on.
///
/// # Errors
/// What the system says; the file is as it was then.
pub fn write(file: &Path, text: &str) -> Result<()> {
    let part: PathBuf = file.with_extension("part");
    match std::fs::remove_file(&part) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&part)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()?;
    std::fs::rename(&part, file)?;
    match file.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
