"""A picture of a screen with at most 256 colours: a third of the size, and nobody sees it.

Why by hand: a picture library would be a dependency for four files. Only what chromium writes is read: eight bits per
channel, not interlaced. https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256
_NEAR = 3
"""Bits in which colours that stand as one may differ, per channel."""
_BYTES_PER_PIXEL = {2: 3, 6: 4}


@dataclass(frozen=True)
class Picture:
    """Rows of pixels, each three or four bytes."""

    width: int
    bytes_per_pixel: int
    rows: list[bytes]

    def pixels(self, row: bytes) -> list[bytes]:
        """The colours of one row, without what shines through."""
        step = self.bytes_per_pixel
        return [row[at : at + 3] for at in range(0, len(row), step)]


def smaller(png: bytes) -> bytes:
    """The same picture with a palette, or ``png`` itself where that is not larger."""
    picture = read(png)
    counts: Counter[bytes] = Counter()
    for row in picture.rows:
        counts.update(picture.pixels(row))
    palette = _palette(counts)
    place = {colour: _nearest(colour, palette) for colour in counts}
    lines = b"".join(b"\0" + bytes(place[colour] for colour in picture.pixels(row)) for row in picture.rows)
    head = struct.pack(">IIBBBBB", picture.width, len(picture.rows), 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return min(SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts), png, key=len)


def read(png: bytes) -> Picture:
    """The picture in a file that a browser wrote."""
    chunks = list(_chunks(png))
    width, _, depth, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    if depth != 8 or kind not in _BYTES_PER_PIXEL:
        raise ValueError(f"a picture of kind {kind} with {depth} bits is none of a browser's")
    step = _BYTES_PER_PIXEL[kind]
    raw = zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT"))
    rows, before = [], bytes(width * step)
    for at in range(0, len(raw), width * step + 1):
        before = _unfiltered(raw[at], bytearray(raw[at + 1 : at + 1 + width * step]), before, step)
        rows.append(before)
    return Picture(width, step, rows)


def _palette(counts: Counter[bytes]) -> list[bytes]:
    """The most frequent colours, one of each neighbourhood."""
    around: dict[tuple[int, ...], list[tuple[int, bytes]]] = {}
    for colour, count in counts.items():
        around.setdefault(tuple(one >> _NEAR for one in colour), []).append((count, colour))
    ranked = sorted(((sum(count for count, _ in near), max(near)[1]) for near in around.values()), reverse=True)
    return [colour for _, colour in ranked[:COLOURS]]


def _nearest(colour: bytes, palette: list[bytes]) -> int:
    red, green, blue = colour
    return min(
        range(len(palette)),
        key=lambda at: (palette[at][0] - red) ** 2 + (palette[at][1] - green) ** 2 + (palette[at][2] - blue) ** 2,
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        size = int.from_bytes(png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _unfiltered(filtered_by: int, line: bytearray, above: bytes, step: int) -> bytes:
    """One row as it was before it was made easy to compress."""
    for at in range(len(line) if filtered_by else 0):
        left = line[at - step] if at >= step else 0
        corner = above[at - step] if at >= step else 0
        guess = (0, left, above[at], (left + above[at]) >> 1, _paeth(left, above[at], corner))[filtered_by]
        line[at] = (line[at] + guess) & 255
    return bytes(line)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))
