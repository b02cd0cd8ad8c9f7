"""README's pictures are there, small, and in both colours."""

from __future__ import annotations

import re

import pytest

from tests.page.screenshots import MOST_BYTES, PICTURES, README, SCHEMES
from tests.page.smaller import SIGNATURE
from tests.readme_parts import README as TEXT

NAMES = tuple(f"{one.name}-{scheme}.png" for one in README for scheme in SCHEMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_there_and_small(name: str) -> None:
    png = (PICTURES / name).read_bytes()

    assert png.startswith(SIGNATURE)
    assert len(png) <= MOST_BYTES


def test_the_readme_opens_with_them_for_light_and_dark_and_says_what_they_show() -> None:
    opening = TEXT.read_text(encoding="utf-8").split("\n```", 1)[0]
    shown = re.findall(
        r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="docs/pictures/([\w-]+\.png)">\s*'
        r'<img src="docs/pictures/([\w-]+\.png)" alt="[^"]{20,}"[^>]*>\s*</picture>',
        opening,
    )

    assert shown == [(f"{one.name}-dark.png", f"{one.name}-light.png") for one in README]


def test_no_picture_lies_there_that_nobody_shows() -> None:
    assert sorted(path.name for path in PICTURES.iterdir()) == sorted(NAMES)
