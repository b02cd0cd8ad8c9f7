"""What was made at the start is left alone by the collector, and whoever waits for the disk is soon heard."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from bot.app.interpreter import SWITCH_EVERY_S, settle_in


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    every_s = sys.getswitchinterval()
    yield
    sys.setswitchinterval(every_s)
    gc.unfreeze()


def test_what_is_there_is_not_walked_over_again() -> None:
    made = [[number] for number in range(100)]
    settle_in()

    assert gc.get_freeze_count() > len(made)
    assert not any(one is made for one in gc.get_objects())


def test_threads_change_places_often() -> None:
    settle_in()

    assert sys.getswitchinterval() == pytest.approx(SWITCH_EVERY_S)
