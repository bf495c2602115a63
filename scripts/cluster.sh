#!/usr/bin/env bash
# The real thing on one machine: three brokers, topics, a worker, the sample store's days and a desk that follows them.
# Ctrl-C ends everything this started. usage: scripts/cluster.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
cargo build --locked -p aisle-cli --features dev
aisle=$PWD/target/debug/aisle
dir=${1:-$(mktemp -d)}
pids=()
end() {
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  wait "${pids[@]}" 2>/dev/null || true
  "$aisle" dev cluster stop --dir "$dir/kafka" || true
}
trap end EXIT INT TERM
"$aisle" --json dev cluster start --dir "$dir/kafka" >"$dir/cluster.json"
AISLE_BROKERS=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["brokers"])' "$dir/cluster.json")
export AISLE_BROKERS AISLE_CENTRAL_DB=$dir/central.db AISLE_DATA=$dir/desk
"$aisle" central stores add 367 --name "Store 367" --address1 "1 Market Street" >/dev/null
"$aisle" central topics --create >/dev/null
"$aisle" central work >"$dir/work.log" 2>&1 & pids+=($!)
"$aisle" central simulate --store 367 --from demo --speed 60 >"$dir/days.log" 2>&1 & pids+=($!)
"$aisle" init --store 367 --brokers "$AISLE_BROKERS" --if-missing >/dev/null
echo "brokers   $AISLE_BROKERS"
echo "central   $AISLE_CENTRAL_DB"
echo "desk      $AISLE_DATA"
echo "Another terminal, with AISLE_DATA and AISLE_CENTRAL_DB set to these: aisle order list, aisle central stores list"
"$aisle" sync --follow & pids+=($!)
wait "${pids[-1]}"
