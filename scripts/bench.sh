#!/usr/bin/env bash
# Measures rows of the design's table, each beside its limit. usage: scripts/bench.sh [ROW ..]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh kafka
cargo build --release --locked -p aisle-cli --features dev
for row in "${@:-e}"; do target/release/aisle dev bench "$row"; done
