"""The search of test_approval_machine.py has the power that it needs: it finds each fault that is planted here.

Without this, a machine that finds nothing would look like a bot that starts nothing on a yes that does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.domain.approvals import Click
from bot.domain.model import Delivery, Event, EventKind, Launch, Person
from bot.launching import Launching, Refusal
from bot.launching.approving import Approving
from bot.launching.entitling import Entitling
from bot.launching.rebinding import Changed, Rebinding, Same, Today
from bot.launching.rejudging import Rejudging
from bot.ports import GateAnswer, Go
from tests.test_approval_machine import Machine

SEARCH = settings(
    max_examples=300,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)
TOO_FEW = r"only \[.*\] of \d agreed"

# --- faults ------------------------------------------------------------------------------------------------------------


class TrustsWhatWasApproved(Rejudging):
    """Does not count again before the start."""

    async def _agreed(self, launch: Launch, today: Same, since: int) -> GateAnswer:
        return Go(at=self.clock.now(), since=since)


class SeesNoDifference(Rebinding):
    """Takes whatever there is today for what people were shown."""

    async def today(self, launch: Launch) -> Today:
        found = await super().today(launch)
        connection = self.connections[launch.connection]
        described = await self._workflow(launch, connection) if isinstance(found, Changed) and launch.approval else None
        grants = self.judge.policy.channels[launch.channel_id].grants
        return Same(grant=grants[0], connection=connection, workflow=described) if described else found


class CallsEverybodyAMember(Entitling):
    """Counts guests, strangers and who has left."""

    async def asker(self, launch: Launch, user_id: str) -> Any:
        found = await super().asker(launch, user_id)
        return replace(found, person=Person(user_id=user_id, team_id=found.person.team_id, name="x"))


class TakesSilenceForYes(Entitling):
    """Where Slack does not tell, nothing has changed."""

    async def entitled(self, launch: Launch, events: Sequence[Event], people: Iterable[str]) -> dict[str, bool | None]:
        found = await super().entitled(launch, events, people)
        return {name: is_so is not False for name, is_so in found.items()}


class NeverLooksAtTheClock(Approving):
    """Takes a yes whenever it comes."""

    async def _click(self, delivery: Delivery, launch: Launch, *rest: Any, **named: Any) -> Click | Refusal:
        click = await super()._click(delivery, launch, *rest, **named)
        return click if isinstance(click, Refusal) else replace(click, now=launch.created_at)


class LetsTheRequesterDecide(Rebinding):
    """Asks as if the rule said that the requester counts."""

    async def bound(self, launch: Launch, *rest: Any) -> Launch:
        found = await super().bound(launch, *rest)
        return replace(found, approval={**found.approval, "self_approval": True}) if found.approval else found


@dataclass
class Faulty:
    """A store with one fault; all else is the store's own."""

    store: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


class CountsOneForTwo(Faulty):
    """Shows the first yes once more, under somebody else's name."""

    async def events(self, launch_id: str) -> tuple[Event, ...]:
        events = await self.store.events(launch_id)
        other = {"U0BOB": "U0CAROL", "U0CAROL": "U0BOB"}
        yeses = [event for event in events if event.kind is EventKind.APPROVED]
        return (*events, *(replace(event, actor=other.get(event.actor, "U0BOB")) for event in yeses))


class OverwritesWhoWasQuicker(Faulty):
    """Saves over what somebody else decided meanwhile."""

    async def save(self, launch: Launch, event: Event | None, **named: Any) -> bool:
        stored = await self.store.launch(launch.launch_id)
        return bool(await self.store.save(replace(launch, version=stored.version), event, **named))


# --- the search ----------------------------------------------------------------------------------------------------------


def spoilt(part: Any, kind: type[Any]) -> Any:
    """The same part, of a kind that has a fault."""
    return kind(**{each.name: getattr(part, each.name) for each in fields(part)})


def with_use_case(name: str, kind: type[Any]) -> type[Machine]:
    """The machine, one of whose use cases has a fault."""

    def plant(cases: Any) -> Any:
        return replace(cases, **{name: spoilt(getattr(cases, name), kind)})

    return _planted(plant)


def with_part(name: str, kind: type[Any]) -> type[Machine]:
    """The machine, whose clicks and starts stand on a part that has a fault."""

    def plant(cases: Any) -> Any:
        part = {name: spoilt(getattr(cases.approving, name), kind)}
        binding = replace(cases.requesting.binding, **part) if name == "rebinding" else cases.requesting.binding
        requesting = replace(cases.requesting, binding=binding)
        approving, rejudging = replace(cases.approving, **part), replace(cases.rejudging, **part)
        return replace(cases, requesting=requesting, approving=approving, rejudging=rejudging)

    return _planted(plant)


def _planted(plant: Callable[[Any], Any]) -> type[Machine]:
    class Planted(Machine):
        is_hopeful = False

        def planted(self, launching: Launching) -> None:
            launching._cases = plant(launching._cases)

    return Planted


def over(faulty: type[Faulty]) -> type[Machine]:
    """The machine, whose bot has a store with a fault."""

    class Over(Machine):
        is_hopeful = False

        def seen(self, store: Any) -> Any:
            return faulty(store)

    return Over


@pytest.mark.parametrize(
    ("machine", "broken"),
    [
        (with_use_case("rejudging", TrustsWhatWasApproved), TOO_FEW),
        (with_part("rebinding", SeesNoDifference), TOO_FEW),
        (with_part("entitling", CallsEverybodyAMember), TOO_FEW),
        (with_part("entitling", TakesSilenceForYes), TOO_FEW),
        (with_part("rebinding", LetsTheRequesterDecide), TOO_FEW),
        (with_use_case("approving", NeverLooksAtTheClock), TOO_FEW),
        (over(CountsOneForTwo), TOO_FEW),
        (over(OverwritesWhoWasQuicker), "after it was|is .* after|no step|<State"),
    ],
    ids=[
        "no recount at the start",
        "digest not compared",
        "guest counted",
        "silence taken for yes",
        "requester counted",
        "expiry ignored",
        "one yes counted for two",
        "loser overwrites winner",
    ],
)
def test_the_machine_finds_a_planted_fault(machine: type[Machine], broken: str) -> None:
    """The first example that breaks a promise is shown as it is, not made smaller."""
    with pytest.raises((AssertionError, KeyError), match=broken):
        run_state_machine_as_test(machine, settings=SEARCH)  # type: ignore[no-untyped-call]
