#!/usr/bin/env bash
# Format, lints, sizes, licences: everything that needs no running program.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
scripts/sizes.sh
scripts/licences.sh
