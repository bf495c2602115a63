#!/usr/bin/env bash
# Measures rows of the design's table, each beside its limit. usage: scripts/bench.sh [ROW ..]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh desk kafka screen
scripts/ui.sh
cargo build --release --locked -p aisle-cli -p aisle-desk --bins --example hello \
  --features aisle-cli/dev,aisle-desk/custom-protocol
[ $# -gt 0 ] || set -- b1 b2 d e f h j l
for row in "$@"; do target/release/aisle --json dev bench "$row"; done
