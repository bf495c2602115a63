#!/usr/bin/env bash
# Fetches Apache Kafka's jars into build/kafka/lib, for tests, benchmarks and `make cluster`. Quick when they are there.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
pom=$root/scripts/kafka/pom.xml lib=$root/build/kafka/lib stamp=$root/build/kafka/fetched
if [ -f "$stamp" ] && cmp -s "$pom" "$stamp"; then exit 0; fi
command -v mvn >/dev/null || { echo "fetch.sh: Maven is missing; run make setup, or: apt-get install maven" >&2; exit 1; }
echo "Fetching Apache Kafka (once)" >&2
rm -rf "$lib" "$stamp"
mkdir -p "$lib"
mvn -q -B -f "$pom" dependency:copy-dependencies -DoutputDirectory="$lib" ||
  { echo "fetch.sh: Maven could not fetch the jars; is there a line to a Maven repository?" >&2; exit 1; }
cp "$pom" "$stamp"
