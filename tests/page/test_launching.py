"""A launch at each provider, typed and by form, in a browser; what is wrong with a form stands at its fields."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from bot.sandbox.acting import Actor
from bot.sandbox.acts import Edit, Fill
from bot.sandbox.form_journeys import FORMS
from bot.sandbox.journeys import LAUNCHES, TROUBLE, Journey
from bot.sandbox.script import _is_as_documented
from bot.sandbox.world import Sandbox
from tests.page.conftest import Come
from tests.page.person import Card, Form, Person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.journey]

FIRST_FORMS = FORMS[: len(LAUNCHES)]
THREE_ERRORS = next(one for one in FORMS if "Three errors" in one.title)
WITHIN_S = 20.0


def title(journey: Journey) -> str:
    return journey.title


async def filled(person: Person, act: Fill) -> Form:
    """The launch form, filled as a journey says."""
    form = person.form
    for label, wanted in act.choices:
        await form.choose(label, wanted)
    for label, value in act.values.items():
        if label in act.searched or await form.field(label).get_attribute("role") == "combobox":
            await form.choose(label, value)
        else:
            await form.field(label).fill(value)
    return form


async def ended(card: Card, journey: Journey) -> None:
    """The card and the last line of its thread say how it ended, and the provider got the document's request, once."""
    assert journey.ends is not None
    await card.says(journey.ends.word)
    thread = await card.open_thread()
    await expect(thread.get_by_role("article").last).to_contain_text(journey.ends.word)
    if journey.request is not None:
        sandbox, wanted = card.person.sandbox, journey.request
        sent = [one for one in sandbox.providers.received if one.provider == wanted.provider and one.verb == "start"]
        message = next(one for one in sandbox.slack.workspace.messages(journey.channel_id) if card.launch_id in one.text)
        assert _is_as_documented(sent[-1], wanted, message)


@pytest.mark.parametrize("journey", LAUNCHES, ids=title)
async def test_a_launch_that_is_typed(come: Come, journey: Journey) -> None:
    person = await come(journey.user_id, journey.channel_id)

    card = await person.launch(journey.typed)

    await ended(card, journey)


@pytest.mark.parametrize("journey", FIRST_FORMS, ids=title)
async def test_a_launch_by_form(come: Come, journey: Journey) -> None:
    person = await come(journey.user_id, journey.channel_id)
    known = await person.launches()
    await person.type("/launch")
    (act,) = journey.form
    assert isinstance(act, Fill)
    form = await filled(person, act)

    await form.send()
    await form.gone()

    await ended(await person.new_card(known), journey)


async def test_what_is_wrong_stands_at_its_fields_and_corrected_it_launches(come: Come, sandbox: Sandbox) -> None:
    journey = THREE_ERRORS
    actor = Actor(sandbox=sandbox, channel_id=journey.channel_id, say=str, within_s=WITHIN_S)
    for act in journey.before:
        await actor.act(act)
    wrong, right, put_back = journey.form
    assert isinstance(wrong, Fill)
    assert isinstance(right, Fill)
    assert isinstance(put_back, Edit)
    person = await come(journey.user_id, journey.channel_id)
    known = await person.launches()
    await person.type(f"/launch {journey.typed}")
    form = await filled(person, wrong)

    await form.send()
    for label in wrong.wrong:
        await expect(form.field(label)).to_have_attribute("aria-invalid", "true")
        await expect(form.field(label)).to_have_accessible_description(re.compile(r"\S"))
    await expect(form.field(wrong.wrong[0])).to_be_focused()
    await filled(person, right)
    await form.send()
    await form.gone()

    await ended(await person.new_card(known), journey)
    await actor.act(put_back)


@pytest.mark.parametrize("journey", [one for one in TROUBLE if one.refused_with], ids=title)
async def test_a_refusal_is_seen_by_one_person_alone(come: Come, journey: Journey) -> None:
    person = await come(journey.user_id, journey.channel_id)
    other = await come("U0BOB", journey.channel_id)
    cards = await person.cards.count()
    await person.type(f"/launch {journey.typed}")

    told = person.log.get_by_role("article", name=re.compile("only visible to you", re.IGNORECASE)).last
    await expect(told).to_contain_text(journey.refused_with or "")
    assert await person.cards.count() == await other.cards.count() == cards
    await expect(other.log.get_by_text("Only visible to you")).to_have_count(0)


async def test_the_page_says_what_a_command_takes_and_completes_it(come: Come) -> None:
    person = await come("U0ALICE", "C0FINANCE")
    await person.composer.fill("/la")

    await expect(person.page.get_by_role("option").first).to_contain_text("/launch")
    await person.composer.press("Tab")
    await expect(person.composer).to_have_value(re.compile("^/launch "))


async def test_three_things_wrong_with_a_typed_launch_are_each_named(come: Come) -> None:
    person = await come("U0ALICE", "C0DATA")
    await person.type("/launch analytics AddTwoNumbers parameter1=thirteen colour=red")
    told: Any = person.log.get_by_role("article", name=re.compile("only visible to you", re.IGNORECASE)).last

    for words in ("parameter1", "parameter2", "colour"):
        await expect(told).to_contain_text(words)
