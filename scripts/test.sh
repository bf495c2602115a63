#!/usr/bin/env bash
# Every test, the real cluster included, and that what is generated is committed as it is generated.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
cargo test --workspace --locked
