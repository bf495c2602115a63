//! Where the repository and its sample store are, and folders cut from it.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// The root of the repository that this was built from.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or_else(|| Path::new(".")).to_path_buf()
}

/// The sample store: `items.csv`, `orders.jsonl`, `receipts.jsonl`.
pub fn demo() -> PathBuf {
    repository().join("demo")
}

/// Writes the first `orders` orders of a store's folder, with their receipts and the whole shelf, to another.
pub fn cut(from: &Path, to: &Path, orders: usize) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    std::fs::copy(from.join("items.csv"), to.join("items.csv"))?;
    for name in ["orders.jsonl", "receipts.jsonl"] {
        let text = std::fs::read_to_string(from.join(name))?;
        let mut file = std::fs::File::create(to.join(name))?;
        for line in text.lines().take(orders) {
            writeln!(file, "{line}")?;
        }
    }
    Ok(())
}
