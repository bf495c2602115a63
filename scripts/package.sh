#!/usr/bin/env bash
# Builds a Debian package of the command line, with everything of Kafka's client built in: build/aisle_VERSION_ARCH.deb
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
cargo build --release --locked --bin aisle --features aisle-cli/kafka-vendored
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
arch=$(dpkg --print-architecture)
root=build/package
rm -rf "$root"
install -D -m 755 target/release/aisle "$root/usr/bin/aisle"
for file in items.csv orders.jsonl receipts.jsonl README.md; do
  install -D -m 644 "demo/$file" "$root/usr/share/aisle/demo/$file"
done
install -D -m 644 LICENSE "$root/usr/share/doc/aisle/copyright"
mkdir -p "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: aisle
Version: $version
Architecture: $arch
Maintainer: Aisle <desk@aisle.invalid>
Depends: libc6
Section: misc
Priority: optional
Description: order desk of a store that sells through a marketplace
 Works without a line to the centre, and shows for every change whether the centre has it.
CONTROL
dpkg-deb --root-owner-group --build "$root" "build/aisle_${version}_${arch}.deb"
