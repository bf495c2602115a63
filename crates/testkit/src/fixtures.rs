//! Where the repository and its sample store are, and folders cut from it.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// An authority's certificate, good for a hundred years.
pub const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBiTCCAS+gAwIBAgIUXFJcPGRDTEqM2s3fW1poH+WZUygwCgYIKoZIzj0EAwIw\n\
GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTI2MjMzMzM5WhgPMjEy\n\
NjExMDIyMzMzMzlaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI\n\
zj0CAQYIKoZIzj0DAQcDQgAEJeqQnxVYJ2WMb2acXd3AEYmW0Y0S1WHAGB34if/k\n\
MecOVjsC8TovugQsLchzSX7HdyOw8EJomtRQ9ig7xZIPPqNTMFEwHQYDVR0OBBYE\n\
FMKaZ0Kg7T7wGUyf9qWi+erzUFfwMB8GA1UdIwQYMBaAFMKaZ0Kg7T7wGUyf9qWi\n\
+erzUFfwMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJ25kCwq\n\
dFb2AnpXE1X1Bf+HKVsFM/v36UNJ2N1yPmCzAiAsiGv9B6A6PCi9jJ/85NM/AYao\n\
FAGuM+5cCG+byPP7Ng==\n\
-----END CERTIFICATE-----\n\
";

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

/// Writes the day of a store's folder that has the most orders, in two parts: the first `orders` of it, and the others; each with
/// its receipts and the shelf as far as they name it.
pub fn busiest_day(from: &Path, orders: usize, (first, rest): (&Path, &Path)) -> std::io::Result<()> {
    let day_of = |line: &str| line.split_once("\"creation_time\":\"").map(|(_, at)| at.chars().take(10).collect());
    let text = std::fs::read_to_string(from.join("orders.jsonl"))?;
    let days: Vec<String> = text.lines().filter_map(day_of).collect();
    let busy = days.iter().max_by_key(|day| days.iter().filter(|other| other == day).count()).cloned();
    let lines = text.lines().zip(&days).enumerate().filter(|(_, (_, day))| Some(*day) == busy.as_ref());
    let places: Vec<usize> = lines.map(|(place, _)| place).collect();
    for (to, part) in [(first, places.get(..orders)), (rest, places.get(orders..))] {
        std::fs::create_dir_all(to)?;
        std::fs::copy(from.join("items.csv"), to.join("items.csv"))?;
        for name in ["orders.jsonl", "receipts.jsonl"] {
            let text = std::fs::read_to_string(from.join(name))?;
            let lines: Vec<&str> = text.lines().collect();
            let kept = part.unwrap_or_default().iter().filter_map(|place| lines.get(*place).copied());
            std::fs::write(to.join(name), kept.collect::<Vec<_>>().join("\n"))?;
        }
        cut_shelf(to, 0)?;
    }
    Ok(())
}

/// Leaves on a cut store's shelf the first `items` and those that its orders and receipts name: where the shelf is not what
/// is looked at, the whole of it takes longer to read than everything else.
pub fn cut_shelf(days: &Path, items: usize) -> std::io::Result<()> {
    let file = days.join("items.csv");
    let shelf = std::fs::read_to_string(&file)?;
    let [ordered, bought] =
        ["orders.jsonl", "receipts.jsonl"].map(|name| std::fs::read_to_string(days.join(name)));
    let named = ordered? + &bought?;
    let is_named = |line: &str| line.split(',').next().is_some_and(|id| named.contains(id));
    // The first line is the heading.
    let kept = shelf.lines().enumerate().filter(|(place, line)| *place <= items || is_named(line));
    std::fs::write(&file, kept.map(|(_, line)| line).collect::<Vec<_>>().join("\n"))
}
