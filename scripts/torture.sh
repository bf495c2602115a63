#!/usr/bin/env bash
# The long fault programme: 500 kills of a desk in the midst of its acts, then the journeys through a real cluster.
# AISLE_KILLS sets the kills; AISLE_STORE_FOLDER names another store folder (a whole year) for the journey of a month.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh kafka tests
export CI=true AISLE_KILLS="${AISLE_KILLS:-500}"
cargo test --locked -p aisle-mirror --release
cargo test --locked -p aisle-cli --release --test cluster -- --test-threads=1
