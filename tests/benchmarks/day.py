"""The bad day of tests/journeys/test_slack_days.py as figures: many launches in one channel within half a minute, under Slack's limits."""

from __future__ import annotations

import logging
from collections import Counter

import structlog

from bot.sandbox.slack.limits import ONE_A_SECOND
from tests.builders import NOON
from tests.journeys.test_slack_days import HOUR_S, LAUNCHES, a_day

OVER_S = 30.0
A_TIME = 10


async def bad_day() -> dict[str, float]:
    """Until every end is shown: how long beside the floor of two calls each, refusals, and calls that Slack answered, per launch."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # each refusal is a line
    async with a_day() as day:
        for _ in range(LAUNCHES // A_TIME):
            await day.ask(A_TIME)
            await day.clock.sleep(OVER_S * A_TIME / LAUNCHES)
        await day.until_told(within_s=2 * HOUR_S)
        calls = Counter(one.status for one in day.slack.traffic if one.kind == "call")
        took_s = (day.clock.now() - NOON).total_seconds()
    floor_s = max(2 * LAUNCHES - ONE_A_SECOND.burst, 0) * 60 / ONE_A_SECOND.per_minute
    return {
        "burst_day_s": took_s,
        "burst_day_of_floor": took_s / floor_s,
        "burst_day_refusals": float(calls[429]),
        "burst_day_calls_per_launch": calls[200] / LAUNCHES,
    }
