//! Makes permissions of the window's commands, and says what is missing where the page has not been built.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../ui/dist");
    if !Path::new("../ui/dist/index.html").is_file() {
        println!("cargo::error=ui/dist/index.html is missing, the page that the window shows");
        println!("cargo::error=build it first: scripts/ui.sh");
        return;
    }
    // Without this list every window might call every command, whatever the capabilities say.
    let manifest = tauri_build::AppManifest::new().commands(&["rpc"]);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)) {
        println!("cargo::error={}", format!("{error:#}").replace('\n', " "));
    }
}
