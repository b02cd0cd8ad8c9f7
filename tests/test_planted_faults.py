"""The search of test_reliability_machine.py has the power that it needs: it finds each fault that is planted here.

Without this, a machine that finds nothing would look like a bot that does nothing wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.domain.model import Delivery, Event, EventKind, Launch, State
from tests.test_reliability_machine import Reliability

SEARCH = settings(
    max_examples=200,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)

# --- faults ------------------------------------------------------------------------------------------------------------


@dataclass
class Faulty:
    """A store with one fault; all else is the store's own."""

    store: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


class KnowsNoOwner(Faulty):
    """Knows of no run that it belongs to a launch, and does not look before it writes an adoption."""

    async def bound_runs(self, _connection: str, _run_ids: frozenset[str]) -> frozenset[str]:
        return frozenset()

    async def save(self, launch: Launch, event: Event | None, **named: Any) -> bool:
        if event is None or event.kind is not EventKind.ADOPTED:
            return await self.store.save(launch, event, **named)
        if not await self.store.save(replace(launch, run_id=None), event, **named):
            return False
        return await self.store.save(replace(launch, version=launch.version + 1), None, keep_lease=True)


@dataclass
class TakesEverythingForNew(Faulty):
    """Takes a redelivered command for a new one."""

    keys: list[str] = field(default_factory=list[str])

    async def record_delivery(self, delivery: Delivery, **named: Any) -> bool:
        await self.store.record_delivery(delivery, **named)
        return True

    async def create(self, launch: Launch, event: Event, *, delivery_key: str, **named: Any) -> Launch | None:
        again = "#" * self.keys.count(delivery_key)
        self.keys.append(delivery_key)
        return await self.store.create(launch, event, delivery_key=delivery_key + again, **named)


class TrustsEveryHolder(Faulty):
    """Lets a worker write whose lease lapsed, and whose launch another took."""

    async def save(self, launch: Launch, event: Event | None, *, holder: str | None = None, **named: Any) -> bool:
        stored = await self.store.launch(launch.launch_id) if holder is not None else None
        if stored is None or stored.state.is_final:
            return await self.store.save(launch, event, holder=holder, **named)
        return await self.store.save(replace(launch, version=stored.version), event, **named)


class TakesStartsForUnsent(Faulty):
    """Takes a start without an answer for one that was never sent."""

    async def lease_of(self, connection: str, **named: Any) -> list[Launch]:
        due = await self.store.lease_of(connection, **named)
        return [replace(one, state=State.QUEUED) if one.state is State.STARTING else one for one in due]


class DropsWhatWasLeft(Faulty):
    """Never finds what a crashed bot left undone."""

    async def lease_deliveries(self, **_named: Any) -> list[Delivery]:
        return []


class ForgetsWhatItTold(Faulty):
    """Does not note that a line was told."""

    async def lines_told(self, *_arguments: Any, **_named: Any) -> None: ...


# --- the search ----------------------------------------------------------------------------------------------------------


def over(faulty: type[Faulty]) -> type[Reliability]:
    """The machine, whose bots have a faulty store."""

    class Over(Reliability):
        def planted(self, store: Any) -> Any:
            return faulty(store)

    return Over


class WithoutKeys(Reliability):
    """The machine, whose provider ignores the key that it is said to honour."""

    def __init__(self) -> None:
        super().__init__()
        self.site.honours_keys = False


RAN_TWICE = "ran more than once"


@pytest.mark.parametrize(
    ("machine", "broken"),
    [
        (WithoutKeys, RAN_TWICE),
        (over(TakesStartsForUnsent), RAN_TWICE),
        (over(TrustsEveryHolder), f"{RAN_TWICE}|is no step from"),
        (over(KnowsNoOwner), "belongs to several launches"),
        (over(TakesEverythingForNew), r"\d commands, \d launches"),
        (over(DropsWhatWasLeft), "without any effect"),
        (over(ForgetsWhatItTold), "stands [0-9]+ times"),
    ],
    ids=["key ignored", "sent again", "lapsed lease", "run adopted twice", "redelivery", "delivery dropped", "line repeated"],
)
def test_the_machine_finds_a_planted_fault(machine: type[Reliability], broken: str) -> None:
    """A handful of examples is enough for most; the first that breaks a promise is shown as it is, not made smaller."""
    with pytest.raises(AssertionError, match=broken):
        run_state_machine_as_test(machine, settings=SEARCH)  # type: ignore[no-untyped-call]
