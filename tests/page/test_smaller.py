"""Pictures become smaller and stay what they were."""

from __future__ import annotations

import struct
import zlib

import pytest

from tests.page.smaller import SIGNATURE, _chunk, read, smaller

WIDTH, HEIGHT = 64, 48


def a_picture(*, filtered_by: int = 0, colours: int = 40, step: int = 3) -> bytes:
    """Made by hand; every row is filtered alike. The pixels come out as they may."""
    row = bytes((at * 7 + at // step * 5) % colours * 6 % 256 for at in range(WIDTH * step))
    lines = b"".join(bytes([filtered_by]) + (row if filtered_by == 0 else bytes(one % 4 for one in row)) for _ in range(HEIGHT))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, {3: 2, 4: 6}[step], 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 0)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


@pytest.mark.parametrize("filtered_by", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("step", [3, 4])
def test_each_way_of_writing_rows_is_read(filtered_by: int, step: int) -> None:
    picture = read(a_picture(filtered_by=filtered_by, step=step))

    assert (picture.width, len(picture.rows), {len(row) for row in picture.rows}) == (WIDTH, HEIGHT, {WIDTH * step})


def test_it_is_smaller_and_of_the_same_size_on_the_screen() -> None:
    before = a_picture()
    after = smaller(before)

    assert len(after) < len(before) / 3
    assert struct.unpack(">II", after[16:24]) == (WIDTH, HEIGHT)
    assert after[25] == 3


def test_what_does_not_become_smaller_is_left_alone() -> None:
    once = SIGNATURE + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(b"\0\1\2\3", 9)),
            (b"IEND", b""),
        )
    )

    assert smaller(once) == once


def test_another_kind_of_picture_is_refused() -> None:
    deep = SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))

    with pytest.raises(ValueError, match="16 bits"):
        read(deep)
