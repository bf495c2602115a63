#!/usr/bin/env bash
# The real thing on one machine: three brokers, topics, a worker, the sample store's days and a desk that follows them: its
# window, or without a screen its page for a browser. Closing the window or Ctrl-C ends everything that this started.
# usage: scripts/cluster.sh [FOLDER]   a new folder keeps what there was; without one everything is gone afterwards
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh desk kafka
scripts/ui.sh
. scripts/selection.sh
cargo build "${selection[@]}"
aisle=$PWD/target/debug/aisle
kept=${1:-}
dir=${kept:-$(mktemp -d)}
# The brokers' ports are others each time, so nothing that an earlier run left can be gone on with.
if [ -n "$kept" ]; then mkdir "$dir"; fi
centre=() desk=
end() {
  local status=$?
  trap '' INT TERM HUP
  # The desk first, while there is somebody to send its last changes to.
  for pid in $desk "${centre[@]}"; do
    if kill -TERM "$pid" 2>/dev/null; then wait "$pid" || true; fi
  done
  "$aisle" dev cluster stop --dir "$dir/kafka" || true
  if [ -z "$kept" ]; then rm -rf "$dir"; fi
  exit "$status"
}
trap end EXIT
trap 'exit 0' INT TERM HUP
# In a session of its own: Ctrl-C is for this script, which ends the brokers last.
setsid --wait "$aisle" --json dev cluster start --dir "$dir/kafka" >"$dir/cluster.json"
AISLE_BROKERS=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["brokers"])' "$dir/cluster.json")
export AISLE_BROKERS AISLE_CENTRAL_DB=$dir/central.db AISLE_DATA=$dir/desk
"$aisle" central stores add 367 --name "Store 367" --address1 "1 Market Street" >/dev/null
"$aisle" central topics --create >/dev/null
"$aisle" central work >"$dir/work.log" 2>&1 & centre+=($!)
"$aisle" central simulate --store 367 --from demo --speed 10 >"$dir/days.log" 2>&1 & centre+=($!)
"$aisle" init --store 367 --brokers "$AISLE_BROKERS" >/dev/null
cat <<TOLD
Another terminal can look at either side, with these set:
  export AISLE_BROKERS=$AISLE_BROKERS
  export AISLE_CENTRAL_DB=$AISLE_CENTRAL_DB AISLE_DATA=$AISLE_DATA
such as: target/debug/aisle order list, target/debug/aisle central stores list
TOLD
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  target/debug/aisle-desk & desk=$!
else
  echo "There is no screen here. Open this address in a browser; Ctrl-C ends everything."
  "$aisle" serve & desk=$!
fi
wait "$desk"
