#!/usr/bin/env bash
# Builds Aisle and opens the desk's window; without a screen the same page is served to a browser on this computer and
# the address is printed. A new folder begins with the choice between a store to connect and the sample store.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh desk
scripts/ui.sh
. scripts/selection.sh
cargo build "${selection[@]}"
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  exec target/debug/aisle-desk
fi
echo "There is no screen here. Open this address in a browser; Ctrl-C ends the desk." >&2
exec target/debug/aisle serve
