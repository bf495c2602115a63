#!/usr/bin/env bash
# No hand-written file over 600 lines, no lock file that names a registry's host, nothing large by accident.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
while IFS= read -r file; do
  lines=$(wc -l <"$file")
  if [ "$lines" -gt 600 ]; then echo "$file has $lines lines, more than 600" >&2; failed=1; fi
done < <(git ls-files -- '*.rs' '*.ts' '*.svelte' '*.sql' '*.css' '*.sh' '*.py' ':!*generated*')
# Where a package is from, not where its makers ask for money.
if git ls-files -- 'Cargo.lock' '*package-lock.json' | xargs -r grep -nE '(source = |"resolved": )".*https?://' /dev/null |
  grep -v 'registry+https://github.com/rust-lang/'; then
  echo "a lock file names a host" >&2; failed=1
fi
while IFS= read -r file; do
  if [ "$(stat -c %s "$file")" -gt 1048576 ]; then echo "$file is over 1 MiB" >&2; failed=1; fi
done < <(git ls-files)
[ "$failed" = 0 ] && echo "sizes and lock files: ok"
exit "$failed"
