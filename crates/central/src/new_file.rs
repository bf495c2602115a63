//! Files with secrets in them: whole or not there, readable by their owner only, never over another file.

use std::{
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Result, Write},
    path::Path,
};

/// Writes a file that must not be there yet.
pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    let name = file.file_name().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if file.symlink_metadata().is_ok() {
        return Err(Error::from(ErrorKind::AlreadyExists));
    }
    let part = folder.join(format!(".{}.{}.part", name.to_string_lossy(), uuid::Uuid::new_v4().simple()));
    let written = fill(&part, text).and_then(|()| give_name(&part, file));
    let removed = std::fs::remove_file(&part);
    written?;
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // A new name is on the disk only when its folder is; some systems do not let a folder be opened for that.
    if cfg!(unix) { File::open(folder).and_then(|folder| folder.sync_all()) } else { Ok(()) }
}

fn fill(part: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(part)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}

/// A second name fails where the first is taken; where the file system has none, the name was free a moment ago.
fn give_name(part: &Path, file: &Path) -> Result<()> {
    match std::fs::hard_link(part, file) {
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            std::fs::rename(part, file)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_owners_alone_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        write(&file, "one").unwrap();
        assert_eq!(write(&file, "two").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();
            assert_eq!(write(&link, "two").unwrap_err().kind(), ErrorKind::AlreadyExists);
        }
        assert!(write(&folder.path().join("no/such/folder"), "x").is_err());
    }
}
