//! The smallest window that paints and answers a key: what the desk's start and memory are measured beside.

#[allow(clippy::exit, reason = "inside what the library generates")]
fn main() -> tauri::Result<()> {
    tauri::Builder::default().run(tauri::generate_context!("examples/hello/tauri.conf.json"))
}
