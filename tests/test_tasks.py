"""What runs until it is ended does end, also where a library forgot that it was cancelled."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from bot.tasks import end

OFTEN_S = 0.001
"""How soon to ask once more: what is asked has nothing to put in order."""


async def test_a_forgotten_cancellation_is_asked_for_once_more() -> None:
    forgotten = 0

    async def forgetful() -> None:
        nonlocal forgotten
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if forgotten == 2:
                    raise
                forgotten += 1

    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)

    await end(task, once_more_after_s=OFTEN_S)

    assert task.cancelled()
    assert forgotten == 2


async def test_putting_things_in_order_is_not_broken_off() -> None:
    steps: list[str] = []

    async def orderly() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for step in ("one", "two"):
                await asyncio.sleep(0)
                steps.append(step)

    tasks = [asyncio.create_task(orderly()) for _ in range(2)]
    await asyncio.sleep(0)

    await end(*tasks)

    assert sorted(steps) == ["one", "one", "two", "two"]


async def test_an_error_is_told_and_keeps_nobody_from_ending() -> None:
    async def broken() -> None:
        raise ValueError("of its own")

    tasks = [asyncio.create_task(broken()), asyncio.create_task(asyncio.Event().wait())]
    await asyncio.sleep(0)

    with capture_logs() as logs:
        await end(*tasks)

    assert [(log["event"], str(log["exc_info"])) for log in logs] == [("task_fault", "of its own")]


async def test_nothing_to_end_is_no_fault() -> None:
    await end()
