#!/usr/bin/env bash
# Installs what is missing on Debian and Ubuntu, and says what to install elsewhere. Quick when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "setup.sh: $*" >&2; exit 1; }

command -v cargo >/dev/null || fail "Rust is missing: install it with rustup, https://rustup.rs, then call this again"
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
found=$(rustc --version | cut -d' ' -f2)
[ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] ||
  fail "Rust $found is too old, Aisle needs $wanted: rustup update"

packages=(build-essential cmake pkg-config zlib1g-dev libssl-dev openssl maven default-jre-headless)
missing=()
for package in "${packages[@]}"; do
  case $package in # another maker's Java or Maven is as good
    default-jre-headless) command -v java >/dev/null && continue ;;
    maven) command -v mvn >/dev/null && continue ;;
  esac
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
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
scripts/kafka/fetch.sh
