"""What was answered is recorded however long the database is away."""

from __future__ import annotations

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.worker.keeping import KEEP_AGAIN_S, KEEP_TRIES, kept
from tests.builders import FrozenClock


class _Away:
    """A write that the database takes after it was away for so many tries."""

    def __init__(self, tries: int) -> None:
        self.left = tries

    async def write(self) -> str:
        if self.left:
            self.left -= 1
            raise StoreUnavailableError("here", "nothing answers there")
        return "kept"


@pytest.mark.parametrize("tries", [0, 1, KEEP_TRIES - 1])
async def test_a_write_waits_until_the_database_is_back(tries: int) -> None:
    clock = FrozenClock()

    assert await kept(clock, "L-7K3QW", _Away(tries).write) == "kept"
    assert clock.slept_s == [KEEP_AGAIN_S] * tries


async def test_it_does_not_wait_for_ever() -> None:
    with pytest.raises(StoreUnavailableError):
        await kept(FrozenClock(), "L-7K3QW", _Away(KEEP_TRIES).write)


async def test_a_fault_of_ours_is_not_tried_again() -> None:
    tries: list[int] = []

    async def write() -> None:
        tries.append(1)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it has no text
        await kept(FrozenClock(), "L-7K3QW", write)
    assert tries == [1]
