"""Person kind × channel kind × operation × door × provider, generated; what each must come to is worked out here, by hand-written
rules of its own (design.md, sections 6, 7 and 11; issue 4), without asking the bot.

Every (person, channel, operation, door) is played; providers take turns, so that each meets every person, channel and operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, product

import pytest

from bot.domain.model import State
from bot.store.sqlite import SqliteStore
from tests.access_world import DOORS, PEOPLE, PLACES, SIDES, UNTOLD, Cell, Outcome, World, user_id
from tests.builders import FrozenClock
from tests.ports import a_store

NO_MEMBER = {
    "guest": "person_is_guest",
    "single-channel guest": "person_is_guest",
    "stranger": "person_is_stranger",
    "bot": "person_is_bot",
    "deleted": "person_is_deleted",
}
CLOSED = {
    "no policy": "channel_without_policy",
    "direct message": "channel_without_policy",
    "archived": "channel_is_archived",
    "without the bot": "channel_without_bot",
    "shared": "channel_is_shared",
}
NEEDS_A_SCOPE = {
    "launch": {"zuora", "bitrix24", "salesforce", "domo", "captain_data"},
    "cancel": {"zuora", "bitrix24", "domo"},
}
"""Salesforce and Captain Data name no scope for stopping: what was not sent is stopped without them."""
STARTS = {"launch", "preview", "why"}
LISTS = {"list", "help", "access"}
ABOUT_ONE = {"status", "cancel", "settle", "approve", "reject"}
"""These look at the person first, and tell a guest nothing about the channel."""
NO_LONGER = {"other connection", "no policy", "shared", "frozen", "scope not granted", "scope not held", "limit reached"}
"""Places in which nobody may launch it any more, so that a yes ends it. Where nothing can be shown is no reason."""
ALLOWED: Outcome = ("allowed", frozenset())


def refused(*codes: str) -> Outcome:
    return "refused", frozenset(codes)


# --- the table -------------------------------------------------------------------------------------------------------------


def expected(cell: Cell) -> Outcome:
    """What the cell must come to, by the first of these that says no."""
    if cell.person == "unknown":
        return refused("lookup_failed")
    closed = {CLOSED[cell.place]} if cell.place in CLOSED else set[str]()
    if cell.person in NO_MEMBER:
        return refused(NO_MEMBER[cell.person], *(() if cell.operation in ABOUT_ONE else closed))
    if cell.operation in {"approve", "reject"}:
        return decision(cell)
    if cell.operation in {"status", "cancel"} and cell.place == "direct message":
        return refused("launch_elsewhere")
    if closed and cell.operation != "status":
        return refused(*closed)
    return ALLOWED if cell.operation in {*LISTS, "status"} else granted(cell)


def decision(cell: Cell) -> Outcome:
    """Who is named decides, wherever they press; who is not learns of a launch only in its own channel."""
    if cell.person == "group unknown":
        return refused("lookup_failed")
    if cell.person not in {"listed", "in the group"}:
        is_there = cell.door != "home" and cell.place != "direct message"
        return refused("not_approver" if is_there else "launch_elsewhere")
    return ("ended", frozenset()) if cell.operation == "approve" and cell.place in NO_LONGER else ALLOWED


def granted(cell: Cell) -> Outcome:
    """What the channel's one grant says."""
    if cell.place == "other connection":
        return refused("connection_not_granted")
    needs = NEEDS_A_SCOPE["cancel" if cell.operation == "cancel" else "launch"]
    against = {
        "scope_not_granted": cell.place == "scope not granted" and cell.provider in needs,
        "requester_not_granted": not_named(cell),
        "lookup_failed": cell.person == "group unknown" and (cell.place == "group" or is_exempt_unknown(cell)),
    }
    if cell.operation in STARTS:
        against |= {
            "scope_not_held": cell.place == "scope not held" and cell.provider in needs,
            "limit_per_hour": cell.place == "limit reached",
            "frozen": is_frozen(cell),
        }
    codes = [code for code, is_so in against.items() if is_so]
    return refused(*codes) if codes else ALLOWED


def not_named(cell: Cell) -> bool:
    one = {"user": {"listed"}, "group": {"in the group", "group unknown"}}.get(cell.place)
    return one is not None and cell.person not in one


def is_frozen(cell: Cell) -> bool:
    exempt = {"listed", "in the group", "group unknown"}
    return cell.place == "frozen" or (cell.place == "frozen but for some" and cell.person not in exempt)


def is_exempt_unknown(cell: Cell) -> bool:
    """Whether the freeze excepts them is what Slack did not tell: that denies, and is what is said."""
    return cell.operation in STARTS and cell.place == "frozen but for some"


# --- playing it --------------------------------------------------------------------------------------------------------------


def cells(operation: str, door: str) -> Iterator[Cell]:
    """Every person in every place; providers in turn."""
    turn = list(DOORS).index(operation)
    for (who, person), (where, place) in product(enumerate(PEOPLE), enumerate(PLACES)):
        provider = list(SIDES)[(who + where + turn) % len(SIDES)]
        yield Cell(person=person, place=place, operation=operation, door=door, provider=provider)


ASKED = [(operation, door) for operation, doors in DOORS.items() for door in doors]


@pytest.mark.parametrize(("operation", "door"), ASKED, ids=[f"{operation} ({door})" for operation, door in ASKED])
async def test_every_person_everywhere_gets_what_the_table_says(operation: str, door: str) -> None:
    wrong: list[str] = []
    async with a_store() as store:
        numbers = count(1)
        for cell in cells(operation, door):
            wrong += [f"{cell}: {fault}" for fault in await faults(cell, store, numbers)]

    assert wrong == []


async def faults(cell: Cell, store: SqliteStore, numbers: count[int]) -> list[str]:
    """What is wrong with one cell."""
    world = World(cell, store, numbers, FrozenClock(ids=numbers))
    launch = await world.prepare()
    kept_before = await _kept(world)
    outcomes = await world.play(launch)
    wanted = expected(cell)
    found = [f"came to {one}, not to {wanted}" for one in outcomes if one not in {wanted, (wanted[0], UNTOLD)}]
    if wanted[0] == "refused":
        found += _disturbed(world, len(outcomes))
        found += ["changed a launch"] if await _kept(world) != kept_before else []
    found += ["something was sent to the provider"] if world.wire.calls else []
    if cell.operation in {"launch", "preview"} and wanted == ALLOWED:
        found += [] if len(await _kept(world)) - len(kept_before) == (cell.operation == "launch") else ["kept another number"]
    found += [] if cell.operation not in {"list", "help"} else _listing(world, cell)
    return found


def _disturbed(world: World, answers: int) -> Iterator[str]:
    """A refusal is told to that person alone, in a message of a length that is read; nobody else notices."""
    cell = world.cell
    if {what for what, _ in world.thread.told} != {"answer"} or len(world.thread.answers) != answers:
        yield f"told {world.thread.told}"
    for delivery, say in world.thread.answers:
        if delivery.user_id != user_id(cell.person) or not 0 < len(say.text) <= 4000:
            yield f"answered {delivery.user_id} with {len(say.text)} characters"
    if world.rings:
        yield "woke the worker"
    if _is_closed_to(cell) and world.definitions.asked:
        yield "asked the provider what it has"


def _is_closed_to(cell: Cell) -> bool:
    """Who may do nothing here at all causes no question, not even for the list that is kept anyway.

    Two do, of full members: `/launch why` says what would open a shared channel, and a yes is compared with the rule in force.
    """
    if cell.person in NO_MEMBER or cell.person == "unknown":
        return True
    if cell.operation == "approve" or (cell.operation, cell.place) == ("why", "shared"):
        return False
    return cell.place in {*CLOSED, "other connection"}


def _listing(world: World, cell: Cell) -> Iterator[str]:
    """A list names a workflow exactly where a launch of it would go."""
    would = expected(Cell(person=cell.person, place=cell.place, operation="launch", door="typed", provider=cell.provider))
    text = world.thread.answers[0][1].text
    workflow = SIDES[cell.provider].workflow
    if (workflow.label in text or workflow.workflow_id in text) != (would == ALLOWED):
        yield f"listed the workflow, or did not, although a launch is {would}"


async def _kept(world: World) -> list[tuple[str, State, int]]:
    launches = await world.store.recent(channel_id=world.lives_in, limit=500)
    return [(one.launch_id, one.state, one.version) for one in launches]


# --- the table itself ----------------------------------------------------------------------------------------------------------


def test_the_table_says_both_yes_and_no_to_every_operation() -> None:
    said = {operation: {expected(cell)[0] for cell in cells(operation, door)} for operation, door in ASKED}

    assert all({"allowed", "refused"} <= verdicts for verdicts in said.values()), said


def test_every_kind_of_refusal_is_met() -> None:
    met = {code for operation, door in ASKED for cell in cells(operation, door) for code in expected(cell)[1]}

    assert met == {
        *NO_MEMBER.values(), *CLOSED.values(), "lookup_failed", "launch_elsewhere", "not_approver", "connection_not_granted",
        "scope_not_granted", "scope_not_held", "requester_not_granted", "limit_per_hour", "frozen",
    }  # fmt: skip


def test_each_provider_meets_every_person_place_and_operation() -> None:
    played = [cell for operation, door in ASKED for cell in cells(operation, door)]

    for side in SIDES:
        mine = [cell for cell in played if cell.provider == side]
        assert {cell.person for cell in mine} == set(PEOPLE)
        assert {cell.place for cell in mine} == set(PLACES)
        assert {(cell.operation, cell.door) for cell in mine} == set(ASKED)


async def test_a_second_press_of_the_same_button_is_judged_by_the_record_and_not_by_the_first_answer() -> None:
    async with a_store() as store:
        numbers = count(1)
        cell = Cell(person="listed", place="members", operation="approve", door="button", provider="zuora")
        world = World(cell, store, numbers, FrozenClock(ids=numbers))
        launch = await world.prepare()

        first, second = await world.play(launch), await world.play(launch)

        assert (first, second) == ([ALLOWED], [refused("already_decided")])
