#!/usr/bin/env bash
# Format, lints, types, sizes, licences: everything that needs no running program.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh desk
scripts/ui.sh
. scripts/selection.sh
cargo fmt --all --check
cargo clippy "${selection[@]}" --all-targets -- -D warnings
(cd ui && npm run --silent check)
scripts/sizes.sh
scripts/licences.sh
