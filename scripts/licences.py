#!/usr/bin/env python3
"""Reads `cargo metadata` and what npm installed for the page, and refuses packages whose licence is not on the list.
usage: cargo metadata .. | licences.py NODE_MODULES"""
import json
import pathlib
import re
import sys

ALLOWED = {
    "MIT", "MIT-0", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib",
    "Unlicense", "CC0-1.0", "0BSD", "BSL-1.0", "Unicode-3.0", "MPL-2.0", "CDLA-Permissive-2.0",
    "OFL-1.1",  # fonts
}


def allowed(expression: str) -> bool:
    """Whether an SPDX expression of ORs and ANDs, without nested parentheses, can be met."""
    flat = expression.replace("/", " OR ")
    flat = re.sub(r"\(([^()]*)\)", lambda m: "@" if allowed(m.group(1)) else "!", flat)
    return any(
        all(part.strip() == "@" or part.strip() in ALLOWED for part in choice.split(" AND "))
        for choice in flat.split(" OR ")
    )


def of_page(folder: pathlib.Path) -> list[dict]:
    """Every package that npm installed, whether the page ships it or is only built with it."""
    lock = json.loads((folder / ".package-lock.json").read_text())
    return [json.loads((folder.parent / place / "package.json").read_text()) for place in lock["packages"]]


packages = json.load(sys.stdin)["packages"] + of_page(pathlib.Path(sys.argv[1]))
bad = [package for package in packages if not allowed(package.get("license") or "none given")]
for package in bad:
    print(f"{package['name']} {package['version']}: {package.get('license')}", file=sys.stderr)
if bad:
    sys.exit("licences: not on the list in scripts/licences.py")
print(f"licences: {len(packages)} packages, ok")
