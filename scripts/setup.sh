#!/usr/bin/env bash
# Installs what is missing on Debian and Ubuntu, and says what to install elsewhere. Quick when nothing is missing.
# usage: scripts/setup.sh [desk] [kafka] [screen] [tests]
#   (nothing)  what the command line is built with
#   desk       and what the window and its page are built with
#   kafka      and what a real cluster on this machine needs
#   screen     and what drives the window in tests
#   tests      and the programs that tests compare with, and a keychain
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "setup.sh: $*" >&2; exit 1; }
is_older() { [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

command -v cargo >/dev/null || fail "Rust is missing: install it with rustup, https://rustup.rs, then call this again"
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
found=$(rustc --version | cut -d' ' -f2)
if is_older "$found" "$wanted"; then fail "Rust $found is too old, Aisle needs $wanted: rustup update"; fi

need_node() {
  local wanted=20.19.0 found how="install Node from https://nodejs.org, or on Debian 13 and later: apt-get install nodejs npm"
  command -v node >/dev/null && command -v npm >/dev/null || fail "Node is missing, Aisle's page is built with $wanted or newer: $how"
  found=$(node -p process.versions.node)
  if is_older "$found" "$wanted"; then fail "Node $found is too old, Aisle needs $wanted or newer: $how"; fi
}

packages=(build-essential cmake pkg-config zlib1g-dev libssl-dev)
command -v python3 >/dev/null || packages+=(python3)
for part in "$@"; do
  case $part in
    desk) need_node; packages+=(libwebkit2gtk-4.1-dev libasound2-dev) ;;
    kafka) # another maker's Java or Maven is as good
      packages+=(openssl)
      command -v java >/dev/null || packages+=(default-jre-headless)
      command -v mvn >/dev/null || packages+=(maven) ;;
    screen) packages+=(webkit2gtk-driver xvfb util-linux) ;;
    tests) packages+=(sqlite3 dbus-daemon gnome-keyring) ;; # a keychain of the system, to keep secrets in
    *) fail "there is no part \"$part\"; there are desk, kafka, screen, tests" ;;
  esac
done
# A package that dpkg has never heard of makes it fail and is missing all the same.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qx "installed $package" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  install=(apt-get install -y --no-install-recommends "${missing[@]}")
  command -v apt-get >/dev/null || fail "install these with this system's own tool: ${missing[*]}"
  if [ "$(id -u)" = 0 ]; then
    apt-get update -q && "${install[@]}"
  elif sudo -n true 2>/dev/null; then
    sudo apt-get update -q && sudo "${install[@]}"
  else
    fail "these packages are missing; run: sudo ${install[*]}"
  fi
fi
case " $* " in *" kafka "*) scripts/kafka/fetch.sh ;; esac
