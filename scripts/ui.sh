#!/usr/bin/env bash
# Builds the page that window and browser show, into ui/dist. Quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/../ui"
mkdir -p ../build
exec 9>../build/ui.lock
flock 9
if [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --no-fund --no-audit
  touch node_modules/.package-lock.json
fi
# Folders are looked at as well: a file that went leaves its mark there.
sources=(index.html package.json package-lock.json svelte.config.js tsconfig.json vite.config.ts public src)
built=node_modules/.aisle-built
if [ -f dist/index.html ] && [ -f "$built" ] && [ -z "$(find "${sources[@]}" -newer "$built" -print -quit)" ]; then exit 0; fi
# From before the build: what is edited meanwhile is newer.
touch "$built.begun"
npm run --silent build
mv "$built.begun" "$built"
