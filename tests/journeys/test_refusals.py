"""A provider that refuses a start is not sent another over that connection, by the whole bot."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.standins import Fault, FaultKind
from tests.journeys.house import a_house


async def test_a_refused_start_keeps_the_next_one_from_being_sent_and_its_thread_says_so(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.providers.fault("zuora", Fault(kind=FaultKind.STATUS, status=429, retry_after_s=600), verb="start")
        first = await house.launched("U0BOB", "C0FINANCE", "billing 396 accountId=A1")
        await house.workspace.wait_for(lambda _: "Next try" in "".join(house.thread(first)))

        second = await house.launched("U0BOB", "C0FINANCE", "billing 396 accountId=A2")
        await house.workspace.wait_for(lambda _: "Next try" in "".join(house.thread(second)))

        starts = [one for one in house.providers.received if one.path.endswith("/workflows/396/run")]
        assert len(starts) == 1
        assert "The provider takes no more calls over the connection billing for a while." in house.thread(second)[-1]
