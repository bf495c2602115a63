//! The window's types are those of the command table.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::path::Path;

#[test]
fn the_committed_typescript_is_what_the_command_table_generates() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/lib/rpc/generated.ts");
    let generated = aisle_app::typescript::generate();
    if std::env::var_os("AISLE_REGENERATE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap();
    assert!(
        committed == generated,
        "run AISLE_REGENERATE=1 cargo test -p aisle-app --test typescript, and commit it"
    );
}
