#!/usr/bin/env bash
# The long programme that tries to break the promises, part by part; docs/reliability.md says what each part is.
# usage: scripts/torture.sh [--nightly] [PART ..]   all parts without one, hours; quick: those of minutes, with ten minutes
#   of the storm; --nightly: counts for whole nights
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

# How much of each part is the whole of it, and a night's.
declare -A counts=(
  [T1]="20000 300000" [T2]="50000 1000000" [T3]="5000 100000" [T4]="1350 13500" [T5]="150 3000" [T6]="3000 50000"
  [T7]="20 300" [T8]="500 10000" [T9]="10000 1000000" [T10]="100000 5000000" [T11]="3000 60000" [T12]="20 200"
  [T13]="1000 20000" [T14]="100000 5000000" [T15]="10 360" [storm]="360 1800" [storm-cut]="30 30" [chain]="5 60"
)
column=1
if [ "${1:-}" = --nightly ]; then
  column=2
  shift
fi
count() { echo "${AISLE_RUNS:-$(cut -d' ' -f$column <<<"${counts[$1]:-1 1}")}"; }

# A part that is a test.
tested() {
  cargo test "${selection[@]}" --test "$1" -- "${@:2}" --nocapture --test-threads=1
}
# A part that the command line plays, by its name there.
played() {
  cargo build "${selection[@]}"
  target/debug/aisle --json dev torture "$1" --seed "${AISLE_SEED:-1}" --runs "$2" --journal "$kept/portions.jsonl" "${@:3}"
}
# The same at the speed of what stores have: for many of them at a time.
played_fast() {
  cargo build --release --locked -p aisle-cli --features dev
  target/release/aisle --json dev torture "$1" --seed "${AISLE_SEED:-1}" --runs "$2" --journal "$kept/portions.jsonl" "${@:3}"
}

part() {
  local runs
  runs=$(count "$1")
  case $1 in
    T1) AISLE_RUNS=$runs tested disk t1; cargo test "${selection[@]}" --test mirror crash ;;
    T2) AISLE_RUNS=$runs tested disk t2 ;;
    T3) AISLE_RUNS=$runs tested disk t3 ;;
    T4) AISLE_RUNS=$runs tested matrix ;;
    T5) played_fast T5 "$runs" --stores 50 --rate 300 --workers 4 ;;
    T15 | storm | chain) played_fast "$1" "$runs" ;;
    T6 | T7 | T11 | growth | silence) played "$1" "$runs" ;;
    storm-cut) played_fast storm "$runs" ;;
    T8) AISLE_RUNS=$runs tested restore t8 ;;
    T9) AISLE_RUNS=$runs tested simulation whatever ;;
    T10) AISLE_CASES=$runs cargo test "${selection[@]}" --test merging ;;
    T12) AISLE_RUNS=$runs tested poison ;;
    T13) AISLE_JUMPS=$runs AISLE_RUNS=1 tested simulation clocks ;;
    T14) AISLE_RUNS=$runs tested fuzz ;;
    T16) AISLE_PLANTED=all cargo test "${selection[@]}" --test planted -- --nocapture ;;
    journeys) cargo test "${selection[@]}" --test cluster -- --test-threads=1 ;;
    *) echo "torture.sh: there is no part \"$1\"" >&2; exit 2 ;;
  esac
}

if [ "$*" = quick ]; then set -- T16 T1 T2 T3 T4 T12 T13 storm-cut; fi
if [ $# = 0 ]; then set -- T16 T1 T2 T3 T4 T8 T9 T10 T12 T13 T14 T11 T5 T6 T7 T15 growth silence chain storm journeys; fi
for name in "$@"; do
  done_as="$name, seed ${AISLE_SEED:-1}, $(count "$name")"
  if grep -qxF "$done_as" "$kept/done" 2>/dev/null; then
    echo "== $name was done before"
    continue
  fi
  echo "== $name"
  part "$name"
  echo "$done_as" >> "$kept/done"
done
