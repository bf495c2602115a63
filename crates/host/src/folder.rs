//! Where things are on this computer.

use std::path::{Path, PathBuf};

use aisle_app::RpcError;

use crate::error;

/// The platform's folder for this user's data, with `aisle` in it.
pub fn default_data_folder() -> Result<PathBuf, RpcError> {
    let home = |rest: &str| std::env::var_os("HOME").map(|home| Path::new(&home).join(rest));
    let base = if cfg!(windows) {
        std::env::var_os("LOCALAPPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        home("Library/Application Support")
    } else {
        std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).or_else(|| home(".local/share"))
    };
    base.map(|base| base.join("aisle")).ok_or_else(|| {
        error("bad_settings", "this computer names no folder for a user's data", Some("name one with --data DIR"))
    })
}

/// Beside the program, as packages install it, or in the repository that it was built from.
fn beside_program(installed: &str, in_repository: &str, must_have: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let mut candidates = vec![program.parent()?.join("../share/aisle").join(installed)];
    candidates.extend(program.ancestors().map(|folder| folder.join(in_repository)));
    candidates.into_iter().find(|candidate| candidate.join(must_have).is_file())
}

/// The sample store's folder: the one of the environment, else the named one, else what lies beside the program.
pub fn find_demo(named: Option<&Path>) -> Result<PathBuf, RpcError> {
    std::env::var_os("AISLE_DEMO")
        .map(PathBuf::from)
        .or_else(|| named.map(Path::to_path_buf))
        .or_else(|| beside_program("demo", "demo", "orders.jsonl"))
        .ok_or_else(|| error("not_found", "the sample store's files are not installed", Some("set AISLE_DEMO")))
}

/// The built user interface.
pub fn find_ui(named: Option<&Path>) -> Result<PathBuf, RpcError> {
    let found = named.map(Path::to_path_buf).or_else(|| beside_program("ui", "ui/dist", "index.html"));
    match found {
        Some(folder) if folder.join("index.html").is_file() => Ok(folder),
        Some(folder) => {
            let message = format!("there is no user interface in {}", folder.display());
            Err(error("not_found", message, Some("build it with npm run build in ui, or name it with --ui DIR")))
        }
        None => Err(error("not_found", "the user interface is not installed", Some("name it with --ui DIR"))),
    }
}
