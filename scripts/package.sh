#!/usr/bin/env bash
# Builds a Debian package of window and command line, with everything of Kafka's client built in:
# build/aisle_VERSION_ARCH.deb
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh desk
scripts/ui.sh
cargo build --release --locked -p aisle-cli -p aisle-desk \
  --features aisle-cli/kafka-vendored,aisle-desk/kafka-vendored,aisle-desk/custom-protocol
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
arch=$(dpkg --print-architecture)
root=build/debian/aisle
rm -rf build/debian
programs=(usr/bin/aisle usr/bin/aisle-desk)
for program in "${programs[@]}"; do install -D -m 755 "target/release/${program##*/}" "$root/$program"; done
for file in items.csv orders.jsonl receipts.jsonl README.md; do
  install -D -m 644 "demo/$file" "$root/usr/share/aisle/demo/$file"
done
# The window brings its page along; this one is for `aisle serve`.
mkdir -p "$root/usr/share/aisle/ui"
cp -r ui/dist/. "$root/usr/share/aisle/ui"
install -D -m 644 src-tauri/aisle-desk.desktop "$root/usr/share/applications/aisle-desk.desktop"
icons=$root/usr/share/icons/hicolor
install -D -m 644 src-tauri/icons/32x32.png "$icons/32x32/apps/aisle-desk.png"
install -D -m 644 src-tauri/icons/128x128.png "$icons/128x128/apps/aisle-desk.png"
install -D -m 644 src-tauri/icons/128x128@2x.png "$icons/256x256/apps/aisle-desk.png"
install -D -m 644 src-tauri/icons/icon.png "$icons/512x512/apps/aisle-desk.png"
install -D -m 644 LICENSE "$root/usr/share/doc/aisle/copyright"
install -m 644 LICENSE-MIT LICENSE-APACHE "$root/usr/share/doc/aisle"
chmod -R u=rwX,go=rX "$root"

mkdir "$root/DEBIAN"
# The names and least versions of what the programs are linked with, as this system's own packages declare them.
printf 'Source: aisle\n\nPackage: aisle\nArchitecture: any\n' >build/debian/control
depends=$(cd build && dpkg-shlibdeps -O "${programs[@]/#/debian/aisle/}" | sed -n 's/^shlibs:Depends=//p')
cat >"$root/DEBIAN/control" <<CONTROL
Package: aisle
Version: $version
Architecture: $arch
Maintainer: Aisle <desk@aisle.invalid>
Depends: $depends
Recommends: libayatana-appindicator3-1
Section: misc
Priority: optional
Description: order desk of a store that sells through a marketplace
 Works without a line to the centre, and shows for every change whether the centre has it. aisle-desk is its window,
 aisle its command line.
CONTROL
dpkg-deb --root-owner-group --build "$root" "build/aisle_${version}_${arch}.deb"
