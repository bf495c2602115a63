#!/usr/bin/env bash
# Every package that Aisle and its page are built of has a licence that its own allows. Works without a network.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo metadata --format-version 1 --locked | python3 scripts/licences.py ui/node_modules
echo "advisories: not checked here, that needs a database from the network (cargo deny check advisories)"
