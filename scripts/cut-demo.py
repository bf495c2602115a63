#!/usr/bin/env python3
"""Cuts the sample store in demo/ from a store folder: the whole shelf and one month of orders and receipts.

usage: cut-demo.py STORE_FOLDER DEMO_FOLDER [MONTH], such as 2017-04
"""
import json
import pathlib
import shutil
import sys


def main() -> None:
    source, target = map(pathlib.Path, sys.argv[1:3])
    month = sys.argv[3] if len(sys.argv) > 3 else "2017-04"
    target.mkdir(parents=True, exist_ok=True)
    orders = [line for line in (source / "orders.jsonl").open() if json.loads(line)["creation_time"].startswith(month)]
    kept = {json.loads(line)["order_id"] for line in orders}
    receipts = [line for line in (source / "receipts.jsonl").open() if json.loads(line)["order_id"] in kept]
    (target / "orders.jsonl").write_text("".join(orders))
    (target / "receipts.jsonl").write_text("".join(receipts))
    shutil.copyfile(source / "items.csv", target / "items.csv")
    print(f"{len(orders)} orders, {len(receipts)} receipts")


main()
