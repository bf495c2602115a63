#!/usr/bin/env bash
# Builds Aisle and starts the sample store: no server is needed. With a built page (ui/dist) it is served to a browser and
# the address is printed; without one the sample store's alarms are printed here.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
cargo build --locked -p aisle-cli
exec target/debug/aisle rehearse "${AISLE_DATA:-${XDG_DATA_HOME:-$HOME/.local/share}/aisle}"
