from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import time_machine

from bot.gateways.clock import ALPHABET, SystemClock
from bot.surfaces.cards import read_cancel_value


@time_machine.travel(datetime(2026, 11, 21, 12, 0, tzinfo=UTC), tick=False)
def test_the_time_is_utc() -> None:
    now = SystemClock().now()

    assert (now, now.utcoffset()) == (datetime(2026, 11, 21, 12, 0, tzinfo=UTC), timedelta(0))


def test_lots_fall_from_0_up_to_1_and_differ() -> None:
    lots = [SystemClock().jitter() for _ in range(1000)]

    assert all(0 <= lot < 1 for lot in lots)
    assert (min(lots) < 0.25, max(lots) > 0.75) == (True, True)


def test_a_launch_id_is_one_that_others_read() -> None:
    ids = [SystemClock().new_launch_id() for _ in range(1000)]

    assert all(re.fullmatch("L-[0-9A-Z]{4,12}", launch_id) for launch_id in ids)
    assert all(read_cancel_value(launch_id) == launch_id for launch_id in ids)


def test_a_launch_id_can_be_read_aloud() -> None:
    assert not set("01ILOU") & set(ALPHABET)
    assert len(set(ALPHABET)) == len(ALPHABET) == 30


def test_launch_ids_are_drawn_from_all_of_them() -> None:
    ids = [SystemClock().new_launch_id() for _ in range(1000)]

    assert len(set(ids)) > 990
    assert {character for launch_id in ids for character in launch_id[2:]} == set(ALPHABET)


async def test_no_wait_is_no_wait() -> None:
    await SystemClock().sleep(0)
