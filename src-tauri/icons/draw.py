#!/usr/bin/env python3
"""Draws Aisle's mark, two shelves with an aisle between them, as a PNG of 1024 x 1024. usage: icons/draw.py FILE"""
import struct
import sys
import zlib

SIZE = 1024
FINE = 4  # samples a side of each pixel's edge
GROUND, INK = (20, 83, 60), (255, 255, 255)
RADIUS = 208
# Left, top, right, bottom: two posts and three boards a shelf.
SHELVES = [
    (left + x0, y0, left + x1, y1)
    for left in (232, 568)
    for x0, y0, x1, y1 in [(0, 232, 48, 792), (176, 232, 224, 792), (0, 232, 224, 280), (0, 408, 224, 456), (0, 584, 224, 632)]
]


def in_ground(x: float, y: float) -> bool:
    near = lambda v: min(max(v, RADIUS), SIZE - RADIUS)
    return (x - near(x)) ** 2 + (y - near(y)) ** 2 <= RADIUS**2


def row(y: int) -> bytes:
    ink = [any(l <= x < r and t <= y < b for l, t, r, b in SHELVES) for x in range(SIZE)]
    out = bytearray([0])
    steps = [(i + 0.5) / FINE for i in range(FINE)]
    edge = y < RADIUS or y >= SIZE - RADIUS
    for x in range(SIZE):
        if edge and (x < RADIUS or x >= SIZE - RADIUS):
            cover = sum(in_ground(x + dx, y + dy) for dx in steps for dy in steps) * 255 // FINE**2
        else:
            cover = 255
        out += bytes((*(INK if ink[x] else GROUND), cover))
    return bytes(out)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main() -> None:
    head = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    body = zlib.compress(b"".join(row(y) for y in range(SIZE)), 9)
    with open(sys.argv[1], "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


main()
