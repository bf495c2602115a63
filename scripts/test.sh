#!/usr/bin/env bash
# Every test: the page, the real cluster and the real window included, and that what is generated is committed as it is
# generated.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh desk kafka screen tests
scripts/ui.sh
(cd ui && npm test --silent)
. scripts/selection.sh
# The window's tests start the program, which no test builds.
cargo build "${selection[@]}"
cargo test "${selection[@]}"
