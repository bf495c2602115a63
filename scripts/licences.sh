#!/usr/bin/env bash
# Every package that Aisle is built of has a licence that its own allows. Works without a network.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo metadata --format-version 1 --locked | python3 scripts/licences.py
echo "advisories: not checked here, that needs a database from the network (cargo deny check advisories)"
