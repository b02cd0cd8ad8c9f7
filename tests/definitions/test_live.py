from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.definitions import GOOD_FOR, trouble_words
from bot.domain.errors import LookupFailedError
from bot.domain.model import InputSpec, InputType, Workflow
from bot.domain.provider import (
    Busy,
    CatalogueAnswer,
    Described,
    Listed,
    Refused,
    Trouble,
    Unauthorised,
    Unreachable,
    Unsupported,
)
from tests.builders import a_connection, a_workflow
from tests.definitions.bench import LISTED, Bench, bench

AMOUNT = InputSpec(name="amount", type=InputType.DECIMAL)
NOTE = InputSpec(name="note")
DUNNING = a_workflow(AMOUNT)
OTHER = Workflow(workflow_id="400", name="Other run")
DOWN = Unreachable(is_possibly_applied=False, detail="no answer in time")
CLOSED = Unauthorised(code="HTTP 403", meaning="The credential may not list workflows.", scope="Workflow View Access")
TROUBLES: list[Trouble] = [
    DOWN,
    CLOSED,
    Refused(code="HTTP 404", meaning="There is no such thing."),
    Busy(code="HTTP 429", meaning="Too many calls.", retry_after_s=3),
]


# --- a provider that does not tell ---


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_without_configuration_a_list_that_cannot_be_read_is_an_error(trouble: Trouble) -> None:
    made = bench(listed=trouble)

    with pytest.raises(LookupFailedError) as caught:
        await made.definitions.known(made.connection)

    assert (caught.value.subject, caught.value.cause) == ("the workflows of billing", trouble_words(trouble))


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_what_is_configured_is_known_while_the_provider_is_down(trouble: Trouble) -> None:
    made = bench(DUNNING, listed=trouble)

    assert await made.definitions.known(made.connection) == (DUNNING,)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_live_list_says_that_it_could_not_be_read_even_with_configuration(trouble: Trouble) -> None:
    made = bench(DUNNING, listed=trouble)

    with pytest.raises(LookupFailedError):
        await made.definitions.known_live(made.connection)


@pytest.mark.parametrize("typed", ["396", "Dunning run", "dunning RUN"])
async def test_what_is_configured_with_inputs_is_found_without_asking_anybody(typed: str) -> None:
    made = bench(DUNNING, listed=DOWN)

    assert ((await made.find(typed)).workflow, made.wire.asked) == (DUNNING, 0)


async def test_what_is_configured_without_inputs_is_found_while_the_provider_is_down() -> None:
    made = bench(LISTED, listed=DOWN)

    assert (await made.find("Dunning run")).workflow == LISTED


async def test_a_name_that_fits_several_configured_ones_is_said_so_also_while_the_provider_is_down() -> None:
    twin = Workflow(workflow_id="397", name="Dunning run")
    made = bench(LISTED, twin, listed=DOWN, described={"Dunning run": Refused(code="HTTP 404", meaning="No.")})

    found = await made.find("Dunning run")

    assert (found.workflow, found.candidates) == (None, (LISTED, twin))


async def test_where_the_list_is_closed_a_workflow_is_found_by_its_id_all_the_same() -> None:
    made = bench(listed=CLOSED, described={"396": Described(workflow=DUNNING)})

    found = await made.find("396")

    assert (found.workflow, found.known) == (DUNNING, (DUNNING,))


async def test_where_the_list_is_closed_an_unknown_id_is_an_error() -> None:
    made = bench(listed=CLOSED)

    with pytest.raises(LookupFailedError, match="There is no such workflow"):
        await made.find("399")


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_inputs_that_the_provider_does_not_tell_are_an_error(trouble: Trouble) -> None:
    made = bench(described={"396": trouble})

    with pytest.raises(LookupFailedError) as caught:
        await made.described(LISTED)

    assert (caught.value.subject, caught.value.cause) == ("the inputs of Dunning run at billing", trouble_words(trouble))


async def test_a_provider_that_never_tells_inputs_leads_to_the_configuration() -> None:
    made = bench(described={"396": Unsupported(meaning="It does not tell which inputs a workflow takes.")})

    with pytest.raises(LookupFailedError) as caught:
        await made.described(LISTED)

    assert caught.value.cause == (
        "It does not tell which inputs a workflow takes. An operator can name its inputs in the configuration."
    )


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (DOWN, "no usable answer: no answer in time"),
        (CLOSED, "The credential may not list workflows. (HTTP 403)"),
        (Busy(code="HTTP 429", meaning="Too many calls."), "Too many calls. (HTTP 429)"),
        (Refused(code="X", meaning="No."), "No. (X)"),
    ],
)
def test_every_trouble_has_words(trouble: Trouble, words: str) -> None:
    assert trouble_words(trouble) == words


# --- providers without a list ---


@pytest.mark.parametrize("listed", [None, Unsupported(meaning="It does not list its workflows.")])
async def test_without_a_list_only_what_is_configured_is_known(listed: CatalogueAnswer | None) -> None:
    made = bench(LISTED, listed=listed)

    assert await made.definitions.known_live(made.connection) == (LISTED,)
    assert (await made.find("399")).workflow is None
    assert (await made.find("399")).known == (LISTED,)


# --- configuration over provider ---


async def test_what_the_provider_tells_is_filled_from_the_configuration_field_by_field() -> None:
    told = Workflow(workflow_id="396", name="WF_396", version="3", inputs=(NOTE,), obstacle="inactive", extras={"a": 1, "b": 1})
    named = Workflow(workflow_id="396", name="Dunning run", extras={"b": 2})
    made = bench(named, listed=Listed(workflows=(told,)))

    (known,) = await made.definitions.known(made.connection)

    assert known == Workflow(
        workflow_id="396", name="Dunning run", version="3", inputs=(NOTE,), obstacle="inactive", extras={"a": 1, "b": 2}
    )


async def test_configured_inputs_stand_as_a_whole_even_if_there_are_none() -> None:
    told = Workflow(workflow_id="396", name="Dunning run", inputs=(NOTE, AMOUNT))
    made = bench(Workflow(workflow_id="396", inputs=()), listed=Listed(workflows=(told,)))

    (known,) = await made.definitions.known(made.connection)

    assert known.inputs == ()


async def test_what_only_the_configuration_has_is_known_beside_what_is_listed() -> None:
    made = bench(OTHER)

    assert [workflow.workflow_id for workflow in await made.definitions.known(made.connection)] == ["400", "396"]


async def test_a_configured_name_wins_over_a_listed_workflow_of_the_same_name() -> None:
    twin = Workflow(workflow_id="397", name="Dunning run")
    made = bench(LISTED, listed=Listed(workflows=(twin, LISTED)))

    found = await made.find("Dunning run")

    assert (found.workflow, found.known) == (LISTED, (LISTED, twin))


async def test_the_description_says_more_than_the_list_and_the_configuration_more_than_both() -> None:
    listed = Workflow(
        workflow_id="396", name="Dunning run", version="3", obstacle="no version", extras={"a": "list", "b": "list"}
    )
    told = Workflow(workflow_id="396", version="4", inputs=(AMOUNT,), extras={"b": "told", "c": "told"})
    made = bench(Workflow(workflow_id="396", extras={"c": "ours"}), described={"396": Described(workflow=told)})

    assert await made.described(listed) == Workflow(
        workflow_id="396", name="Dunning run", version="4", inputs=(AMOUNT,), extras={"a": "list", "b": "told", "c": "ours"}
    )


async def test_a_configured_version_is_the_one_that_runs() -> None:
    told = Workflow(workflow_id="396", name="WF_396", version="4", inputs=(AMOUNT,), obstacle="inactive")
    made = bench(Workflow(workflow_id="396", name="Dunning run", version="3"), described={"396": Described(workflow=told)})

    described = await made.described(Workflow(workflow_id="396", name="Dunning run", version="3"))

    assert described == Workflow(workflow_id="396", name="Dunning run", version="3", inputs=(AMOUNT,), obstacle="inactive")


async def test_a_workflow_with_inputs_is_not_described() -> None:
    made = bench()

    assert (await made.described(DUNNING), made.wire.asked) == (DUNNING, 0)


# --- looking up by what was typed ---

SEVERAL = Listed(
    workflows=(
        Workflow(workflow_id="1", name="Report"),
        Workflow(workflow_id="2", name="report"),
        Workflow(workflow_id="3", name="1"),
        Workflow(workflow_id="4", name="Twin"),
        Workflow(workflow_id="5", name="Twin"),
        Workflow(workflow_id="6", name="Straße"),
        Workflow(workflow_id="7", name=None),
    )
)


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("1", ["1"]),
        ("Report", ["1"]),
        ("report", ["2"]),
        ("REPORT", ["1", "2"]),
        ("Twin", ["4", "5"]),
        ("tWIN", ["4", "5"]),
        ("STRASSE", ["6"]),
        ("7", ["7"]),
        ("", []),
        ("None", []),
        ("Repor", []),
    ],
)
async def test_an_id_counts_before_a_name_and_a_name_as_typed_before_one_in_any_case(typed: str, ids: list[str]) -> None:
    found = await bench(listed=SEVERAL).find(typed)

    assert [workflow.workflow_id for workflow in found.candidates] == ids
    assert found.workflow == (found.candidates[0] if len(ids) == 1 else None)


# --- asking once ---


async def test_a_list_is_kept_for_five_minutes() -> None:
    made = bench()
    await made.find("396")
    made.provider.listed = Listed(workflows=(LISTED, OTHER))
    made.clock.move(seconds=GOOD_FOR.total_seconds() - 1)
    assert ((await made.find("400")).workflow, made.wire.asked) == (None, 1)

    made.clock.move(seconds=1)

    assert ((await made.find("400")).workflow, made.wire.asked) == (OTHER, 2)


async def test_a_description_is_kept_for_five_minutes() -> None:
    made = bench(described={"396": Described(workflow=DUNNING)})
    for _ in range(3):
        await made.described(LISTED)
    assert made.wire.asked == 1

    made.clock.move(minutes=5)
    await made.described(LISTED)

    assert made.wire.asked == 2


async def test_a_failure_is_not_remembered() -> None:
    made = bench(listed=DOWN)
    with pytest.raises(LookupFailedError):
        await made.definitions.known(made.connection)

    made.provider.listed = Listed(workflows=(LISTED,))

    assert await made.definitions.known(made.connection) == (LISTED,)


async def test_what_is_kept_of_one_connection_is_not_told_of_another() -> None:
    made = bench()
    await made.definitions.known(made.connection)

    await made.definitions.known(a_connection(name="sandbox"))

    assert made.wire.asked == 2


async def together(made: Bench, *questions: Callable[[], Any]) -> list[Any]:
    """All questions while the provider is still thinking about the first."""
    made.wire.gate.clear()
    asking = [asyncio.create_task(question()) for question in questions]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    made.wire.gate.set()
    return await asyncio.gather(*asking, return_exceptions=True)


async def test_one_question_at_a_time_serves_all_who_ask_it() -> None:
    made = bench()

    answers = await together(made, *[lambda: made.find("396")] * 10)

    assert [answer.workflow for answer in answers] == [LISTED] * 10
    assert made.wire.asked == 1


async def test_all_who_wait_for_a_provider_that_is_down_hear_of_it_at_once() -> None:
    made = bench(listed=DOWN)

    answers = await together(made, *[lambda: made.definitions.known(made.connection)] * 10)

    assert ({str(answer) for answer in answers}, made.wire.asked) == (
        {"the workflows of billing: no usable answer: no answer in time"},
        1,
    )


async def test_different_questions_do_not_wait_for_each_other() -> None:
    made = bench(described={"396": Described(workflow=DUNNING), "400": Described(workflow=OTHER)})

    await together(made, lambda: made.described(LISTED), lambda: made.described(OTHER), lambda: made.find("396"))

    assert made.wire.asked == 3


async def test_who_stops_waiting_does_not_stop_the_question() -> None:
    made = bench()
    made.wire.gate.clear()
    gives_up, stays = (asyncio.create_task(made.find("396")) for _ in range(2))
    await asyncio.sleep(0)
    gives_up.cancel()
    await asyncio.sleep(0)
    made.wire.gate.set()

    assert ((await stays).workflow, made.wire.asked, gives_up.cancelled()) == (LISTED, 1, True)


async def test_a_question_that_nobody_waits_for_any_more_fails_quietly() -> None:
    made = bench(listed=DOWN)
    made.wire.gate.clear()
    gives_up = asyncio.create_task(made.find("396"))
    await asyncio.sleep(0)
    gives_up.cancel()
    made.wire.gate.set()
    await asyncio.wait([gives_up])
    await asyncio.sleep(0)

    made.provider.listed = Listed(workflows=(LISTED,))

    assert (await made.find("396")).workflow == LISTED
