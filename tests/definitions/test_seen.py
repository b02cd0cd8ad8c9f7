"""What is only shown: the last known with its age, at once; a provider that is slow or down delays nobody."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.model import InputSpec, Workflow
from bot.domain.provider import Described, Listed, Refused, Unauthorised, Unreachable, Unsupported
from tests.builders import NOON, a_connection, a_workflow
from tests.definitions.bench import LISTED, Bench, bench, settle

DOWN = Unreachable(is_possibly_applied=False, detail="no answer in time")
CLOSED = Unauthorised(code="HTTP 403", meaning="The credential may not list workflows.")
OTHER = Workflow(workflow_id="400", name="Other run")
AMOUNT = InputSpec(name="amount")
TAKES_AMOUNT = Described(workflow=Workflow(workflow_id="396", inputs=(AMOUNT,)))
OURS = Workflow(workflow_id="7", name="Ours", inputs=())


async def test_the_first_look_waits_for_the_provider_and_says_when_it_was_asked() -> None:
    made = bench(OURS)

    seen = await made.definitions.seen(made.connection)

    assert ([one.workflow_id for one in seen.workflows], seen.seen_at, seen.trouble) == (["7", "396"], NOON, None)


async def test_what_is_new_enough_is_not_asked_for_again() -> None:
    made = bench()
    for _ in range(5):
        await made.definitions.seen(made.connection)

    assert made.wire.asked == 1


async def test_an_old_list_is_shown_at_once_and_asked_for_meanwhile() -> None:
    made = bench()
    await made.definitions.seen(made.connection)
    made.clock.move(minutes=12)
    made.provider.listed = Listed(workflows=(LISTED, OTHER))
    made.wire.gate.clear()

    shown = await asyncio.wait_for(made.definitions.seen(made.connection), timeout=1)
    made.wire.gate.set()
    await settle()
    later = await made.definitions.seen(made.connection)

    assert (shown.workflows, shown.seen_at, shown.trouble) == ((LISTED,), NOON, None)
    assert (later.workflows, later.seen_at) == ((LISTED, OTHER), made.clock.now())


async def test_a_failed_refresh_keeps_the_last_known_and_says_why_it_is_not_newer() -> None:
    made = bench()
    await made.definitions.seen(made.connection)
    made.clock.move(minutes=12)
    made.provider.listed = DOWN
    await made.definitions.seen(made.connection)
    await settle()

    seen = await made.definitions.seen(made.connection)

    assert (seen.workflows, seen.seen_at, seen.trouble) == ((LISTED,), NOON, "no usable answer: no answer in time")


async def test_once_the_provider_answers_again_nothing_is_said_of_its_trouble() -> None:
    made = bench()
    await made.definitions.seen(made.connection)
    made.clock.move(minutes=12)
    made.provider.listed = DOWN
    await made.definitions.seen(made.connection)
    await settle()
    made.provider.listed = Listed(workflows=(OTHER,))
    made.clock.move(seconds=11)
    await made.definitions.seen(made.connection)
    await settle()

    seen = await made.definitions.seen(made.connection)

    assert (seen.workflows, seen.trouble) == ((OTHER,), None)


@pytest.mark.parametrize("trouble", [DOWN, CLOSED])
async def test_without_anything_known_the_configuration_is_shown_with_the_reason(trouble: Unreachable | Unauthorised) -> None:
    made = bench(OURS, listed=trouble)

    seen = await made.definitions.seen(made.connection)

    assert (seen.workflows, seen.seen_at) == ((OURS,), None)
    assert seen.trouble


async def test_a_provider_that_fails_is_not_asked_with_every_key_that_is_pressed() -> None:
    made = bench(listed=DOWN)
    for _ in range(30):
        await made.definitions.seen(made.connection)
    assert made.wire.asked == 1

    made.clock.move(seconds=11)
    await made.definitions.seen(made.connection)

    assert made.wire.asked == 2


async def test_a_provider_that_does_not_answer_is_waited_for_no_longer_than_told() -> None:
    made = bench(OURS)
    made.wire.gate.clear()

    seen = await made.definitions.seen(made.connection, patience_s=0.0)

    assert (seen.workflows, seen.seen_at, seen.trouble) == ((OURS,), None, "it has not answered yet")
    made.wire.gate.set()
    await settle()
    assert (await made.definitions.seen(made.connection)).workflows == (OURS, LISTED)


async def test_ten_people_who_look_at_once_share_one_question() -> None:
    made = bench()
    made.wire.gate.clear()
    looking = [asyncio.create_task(made.definitions.seen(made.connection)) for _ in range(10)]
    await settle()
    made.wire.gate.set()

    assert {(await one).workflows for one in looking} == {(LISTED,)}
    assert made.wire.asked == 1


@pytest.mark.parametrize("listed", [None, Unsupported(meaning="It does not list its workflows.")])
async def test_a_provider_without_a_list_has_what_is_configured_and_no_trouble(listed: Unsupported | None) -> None:
    made = bench(OURS, listed=listed)

    seen = await made.definitions.seen(made.connection)

    assert (seen.workflows, seen.trouble) == ((OURS,), None)


# --- inputs ---


async def test_inputs_are_shown_as_last_told_while_the_provider_thinks() -> None:
    made = bench(described={"396": TAKES_AMOUNT})
    await made.definitions.seen_inputs(made.connection, LISTED)
    made.clock.move(minutes=12)
    made.provider.described["396"] = DOWN
    await made.definitions.seen_inputs(made.connection, LISTED)
    await settle()

    seen = await made.definitions.seen_inputs(made.connection, LISTED)

    assert [one.inputs for one in seen.workflows] == [(AMOUNT,)]
    assert (seen.seen_at, seen.trouble) == (NOON, "no usable answer: no answer in time")


async def test_inputs_that_nobody_told_are_no_workflow_but_a_reason() -> None:
    made = bench()

    seen = await made.definitions.seen_inputs(made.connection, LISTED)

    assert (seen.workflows, seen.trouble) == ((), "There is no such workflow. (HTTP 404)")


async def test_configured_inputs_are_never_asked_for() -> None:
    made = bench(listed=DOWN)

    seen = await made.definitions.seen_inputs(made.connection, a_workflow(AMOUNT))

    assert (seen.workflows, seen.seen_at, made.wire.asked) == ((a_workflow(AMOUNT),), None, 0)


async def test_what_the_configuration_says_lies_over_what_was_seen() -> None:
    told = Described(workflow=Workflow(workflow_id="396", name="WF_396", inputs=(AMOUNT,), extras={"a": 1}))
    made = bench(Workflow(workflow_id="396", name="Dunning run", extras={"a": 2}), described={"396": told})
    (listed,) = (await made.definitions.seen(made.connection)).workflows

    (seen,) = (await made.definitions.seen_inputs(made.connection, listed)).workflows

    assert (seen.name, seen.inputs, seen.extras) == ("Dunning run", (AMOUNT,), {"a": 2})


# --- a changed connection ---


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://rest.eu.zuora.com"},
        {"credential_mark": "another"},
        {"options": "another entity"},
        {"workflows": {"7": OURS}},
    ],
    ids=str,
)
async def test_a_changed_connection_forgets_what_was_told(change: dict[str, object]) -> None:
    made = bench()
    await made.definitions.seen(made.connection)
    made.provider.listed = DOWN

    seen = await made.definitions.seen(a_connection(**change))

    assert (LISTED in seen.workflows, seen.seen_at, made.wire.asked) == (False, None, 2)


async def test_an_answer_to_what_was_asked_before_a_change_is_not_kept_for_what_came_after() -> None:
    made = bench()
    made.wire.gate.clear()
    asked = asyncio.create_task(made.definitions.seen(made.connection))
    await settle()
    changed = a_connection(credential_mark="another")
    made.provider.listed = Listed(workflows=(OTHER,))
    asked_anew = asyncio.create_task(made.definitions.seen(changed))
    await settle()
    made.wire.gate.set()

    assert ((await asked).workflows, (await asked_anew).workflows) == ((LISTED,), (OTHER,))
    assert (await made.definitions.seen(changed)).workflows == (OTHER,)


async def test_how_often_a_run_is_asked_about_is_no_reason_to_forget() -> None:
    made = bench()
    await made.definitions.seen(made.connection)

    await made.definitions.seen(a_connection(poll_every_s=5.0))

    assert made.wire.asked == 1


# --- what a launch rests on ---


async def test_a_launch_never_rests_on_an_old_list_that_is_still_shown() -> None:
    made = bench()
    await made.definitions.seen(made.connection)
    made.clock.move(minutes=6)
    made.provider.listed = Listed(workflows=(OTHER,))

    assert (await made.find("396")).workflow is None


async def _versions(made: Bench, *, is_fresh: bool) -> list[str | None]:
    found = await made.definitions.find(made.connection, "396", is_fresh=is_fresh)
    assert found.workflow is not None
    described = await made.definitions.described(made.connection, found.workflow, is_fresh=is_fresh)
    return [found.workflow.version, described.version]


async def test_a_version_published_a_moment_ago_is_seen_where_it_must_be() -> None:
    made = bench()
    made.publish("1")
    await _versions(made, is_fresh=False)
    made.publish("2")

    assert (await _versions(made, is_fresh=False), made.wire.asked) == (["1", "1"], 2)
    assert (await _versions(made, is_fresh=True), made.wire.asked) == (["2", "2"], 4)
    assert (await _versions(made, is_fresh=False), made.wire.asked) == (["2", "2"], 4)


async def test_what_is_asked_for_now_does_not_share_a_question_of_before() -> None:
    made = bench()
    made.publish("1")
    made.wire.gate.clear()
    before = asyncio.create_task(made.definitions.known_live(made.connection))
    await settle()
    made.clock.move(seconds=1)
    made.publish("2")
    fresh = asyncio.create_task(made.definitions.find(made.connection, "396", is_fresh=True))
    await settle()
    made.wire.gate.set()

    assert [one.version for one in await before] == ["1"]
    assert (await fresh).workflow == Workflow(workflow_id="396", name="Dunning run", version="2")
    assert (await made.find("396")).workflow.version == "2"


async def test_a_slow_answer_to_an_old_question_does_not_undo_a_newer_one() -> None:
    made = bench()
    made.publish("1")
    made.wire.gate.clear()
    before = asyncio.create_task(made.definitions.known_live(made.connection))
    await settle()
    slow, made.wire.gate = made.wire.gate, asyncio.Event()
    made.wire.gate.set()
    made.clock.move(seconds=1)
    made.publish("2")
    await made.definitions.find(made.connection, "396", is_fresh=True)
    slow.set()
    await before

    assert (await made.find("396")).workflow.version == "2"


async def test_what_must_be_fresh_and_cannot_be_learnt_is_an_error_although_something_is_known() -> None:
    made = bench(Workflow(workflow_id="396", name="Dunning run"))
    await made.find("396")
    made.provider.listed = DOWN

    with pytest.raises(Exception, match="no answer in time"):
        await made.definitions.find(made.connection, "396", is_fresh=True)


async def test_where_the_list_is_closed_the_workflow_itself_is_asked_for_anew() -> None:
    made = bench(listed=CLOSED, described={"396": Described(workflow=a_workflow(version="1"))})
    await made.find("396")
    made.provider.described["396"] = Described(workflow=a_workflow(version="2"))

    found = await made.definitions.find(made.connection, "396", is_fresh=True)

    assert found.workflow is not None
    assert found.workflow.version == "2"


async def test_what_is_configured_with_inputs_is_the_newest_there_is() -> None:
    made = bench(a_workflow(AMOUNT), listed=Refused(code="X", meaning="No."))

    found = await made.definitions.find(made.connection, "396", is_fresh=True)

    assert (found.workflow, made.wire.asked) == (a_workflow(AMOUNT), 0)
