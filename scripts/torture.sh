#!/usr/bin/env bash
# The long programme that tries to break the promises, part by part; docs/reliability.md says what each part is.
# usage: scripts/torture.sh [PART ..]   all parts without one, hours; quick: those of minutes, with ten minutes of the storm
#   AISLE_SEED sets the first seed, AISLE_RUNS other counts than the whole ones; AISLE_STORE_FOLDER names another store
#   folder (a whole year) for the journey of a month. What was interrupted goes on where it stood: parts that are done, and
#   portions of those that are played on a cluster, are written down in build/torture, for a commit without changes.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh desk kafka tests
scripts/ui.sh
. scripts/selection.sh
export CI=true AISLE_KILLS="${AISLE_KILLS:-500}"
if [ -z "$(git status --porcelain)" ]; then
  kept=build/torture/$(git rev-parse --short HEAD)
  mkdir -p "$kept"
else
  kept=$(mktemp -d)
fi

# A part that is a test, with its whole count.
tested() { AISLE_RUNS="${AISLE_RUNS:-$1}" cargo test "${selection[@]}" --test "$2" -- "${@:3}" --nocapture --test-threads=1; }
# A part that the command line plays.
played() {
  cargo build --locked "${selection[@]}"
  target/debug/aisle --json dev torture "$1" --seed "${AISLE_SEED:-1}" ${AISLE_RUNS:+--runs "$AISLE_RUNS"} \
    --journal "$kept/portions.jsonl"
}

part() {
  case $1 in
    T1) tested 20000 disk t1; cargo test "${selection[@]}" --test mirror crash ;;
    T2) tested 50000 disk t2 ;;
    T3) tested 5000 disk t3 ;;
    T4) tested 1350 matrix ;;
    T5 | T6 | T7 | T11 | growth | silence | storm | chain) played "$1" ;;
    storm-cut) AISLE_RUNS="${AISLE_RUNS:-30}" played storm ;;
    T8) tested 500 restore t8 ;;
    T9) tested 10000 simulation whatever ;;
    T10) AISLE_CASES="${AISLE_RUNS:-100000}" cargo test "${selection[@]}" --test merging ;;
    T13) AISLE_JUMPS="${AISLE_RUNS:-1000}" tested 1 simulation clocks ;;
    T12) tested 20 poison ;;
    T14) tested 100000 fuzz ;;
    T16) AISLE_PLANTED=all cargo test "${selection[@]}" --test planted -- --nocapture ;;
    journeys) cargo test "${selection[@]}" --test cluster -- --test-threads=1 ;;
    *) echo "torture.sh: there is no part \"$1\"" >&2; exit 2 ;;
  esac
}

if [ "$*" = quick ]; then set -- T16 T1 T2 T3 T4 T12 T13 storm-cut; fi
if [ $# = 0 ]; then set -- T16 T1 T2 T3 T4 T8 T9 T10 T12 T13 T14 T11 T5 T6 T7 growth silence chain storm journeys; fi
for name in "$@"; do
  done_as="$name, seed ${AISLE_SEED:-1}, runs ${AISLE_RUNS:-of the whole}"
  if grep -qxF "$done_as" "$kept/done" 2>/dev/null; then
    echo "== $name was done before"
    continue
  fi
  echo "== $name"
  part "$name"
  echo "$done_as" >> "$kept/done"
done
