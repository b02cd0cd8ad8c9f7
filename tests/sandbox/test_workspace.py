"""The stand-in workspace without HTTP: what it remembers, and how it tells what changed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.forms import initial_state
from bot.sandbox.slack.tickets import RESPONSE_URL_USES, ResponseUrls, Tickets, Triggers
from bot.sandbox.slack.workspace import Message, Workspace, dm_id
from bot.sandbox.slack.world import SlackApp, manifest_scopes
from tests.builders import NOON
from tests.sandbox.slack_bots import ALICE, BOB, FINANCE, a_home, a_modal, a_text_field, actions, button, section

BOT = "U0GONOGO"


@pytest.fixture
def world() -> Workspace:
    return Workspace.demo()


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


# --- the demonstration -------------------------------------------------------------------------------------------------


def test_the_demo_is_the_world_of_the_contract(world: Workspace) -> None:
    assert {user.user_id: user.name for user in world.users.values()} == {
        "U0GONOGO": "gonogo",
        "U0ALICE": "alice",
        "U0BOB": "bob",
        "U0CAROL": "carol",
        "U0DAVE": "dave",
        "U0GUEST": "gus",
        "U0STRANGER": "stella",
        "U0GONE": "greta",
        "U0ROBOT": "robby",
    }
    assert {channel.channel_id: channel.name for channel in world.channels.values()} == {
        "C0FINANCE": "finance-ops",
        "C0SALES": "sales-ops",
        "C0DATA": "data-team",
        "C0SUPPORT": "support",
        "C0TREASURY": "treasury",
        "C0OPS": "gonogo-ops",
        "C0GENERAL": "general",
        "C0PARTNERS": "partners",
        "C0PRIVATE": "board-room",
    }
    assert (world.team.team_id, world.app.app_id, world.app.bot_user_id) == ("T0GONOGO", "A0GONOGO", BOT)
    assert {group.group_id: group.users for group in world.groups.values()} == {
        "S0LEADS": ("U0BOB", "U0CAROL"),
        "S0CONTROLLERS": ("U0CAROL",),
        "S0TREASURY": ("U0BOB", "U0CAROL", "U0DAVE"),
    }


def test_the_demo_has_one_of_each_kind_that_may_not_launch(world: Workspace) -> None:
    assert world.users["U0GUEST"].is_restricted
    assert world.users["U0STRANGER"].is_stranger
    assert world.users["U0GONE"].deleted
    assert world.users["U0ROBOT"].is_bot
    assert world.channels["C0PARTNERS"].is_ext_shared
    assert BOT not in world.channels["C0PRIVATE"].members


def test_two_demos_share_nothing(world: Workspace) -> None:
    world.post(FINANCE, ALICE, "here", NOON)
    world.open_dm(ALICE)

    other = Workspace.demo()
    assert other.messages(FINANCE) == []
    assert dm_id(ALICE) not in other.channels


def test_a_manifest_says_which_commands_events_and_scopes_there_are() -> None:
    manifest = {
        "features": {
            "app_home": {"home_tab_enabled": True},
            "slash_commands": [{"command": "/go", "should_escape": True}, {"command": "/plain"}],
            "shortcuts": [{"callback_id": "start", "type": "global"}],
        },
        "oauth_config": {"scopes": {"bot": ["commands"]}},
        "settings": {"event_subscriptions": {"bot_events": ["app_home_opened"]}},
    }
    world = Workspace.demo(manifest)

    assert world.app.commands == {"/go": True, "/plain": False}
    assert (world.app.shortcuts, world.app.events) == ({"start": "global"}, {"app_home_opened"})
    assert (world.app.has_home, world.app.has_messages_tab) == (True, False)
    assert [token.scopes for token in world.tokens.values()] == [{"commands"}, {"connections:write"}]


def test_an_empty_manifest_is_an_app_that_can_nothing() -> None:
    app = SlackApp.from_manifest({}, app_id="A", bot_user_id="U", bot_id="B")

    assert (app.commands, app.shortcuts, app.events, app.has_home) == ({}, {}, frozenset(), False)
    assert manifest_scopes({"oauth_config": None}) == frozenset()


# --- messages ----------------------------------------------------------------------------------------------------------


def test_replies_stand_in_the_thread_and_not_in_the_channel(world: Workspace) -> None:
    card = world.post(FINANCE, BOT, "card", NOON)
    world.post(FINANCE, BOT, "line", NOON, thread_ts=card.ts)
    world.post(FINANCE, ALICE, "other", NOON)

    assert texts(world.messages(FINANCE)) == ["card", "other"]
    assert texts(world.thread(FINANCE, card.ts)) == ["line"]
    assert world.thread("C0SALES", card.ts) == []


def test_ephemerals_are_their_readers_alone(world: Workspace) -> None:
    whispered = world.post(FINANCE, BOT, "psst", NOON, ephemeral_to=ALICE)

    assert texts(world.ephemerals(FINANCE, ALICE)) == ["psst"]
    assert world.ephemerals(FINANCE, BOB) == world.messages(FINANCE) == []
    assert world.find(FINANCE, whispered.ts) is None
    assert world.find_on_screen(FINANCE, whispered.ts, ALICE) == whispered
    assert world.find_on_screen(FINANCE, whispered.ts, BOB) is None


def test_the_bot_has_direct_messages_with_each_person(world: Workspace) -> None:
    dm = world.open_dm(ALICE)
    world.post(dm.channel_id, BOT, "hello", NOON)

    assert world.open_dm(ALICE) is dm
    assert texts(world.direct_messages(ALICE)) == ["hello"]
    assert world.direct_messages(BOB) == []


def test_an_update_keeps_place_and_ts(world: Workspace) -> None:
    first = world.post(FINANCE, BOT, "1", NOON)
    world.post(FINANCE, BOT, "2", NOON)
    world.update(first, NOON, text="one", blocks=[section("one")])

    assert texts(world.messages(FINANCE)) == ["one", "2"]
    assert world.messages(FINANCE)[0].ts == first.ts
    assert first.text == "1"


def test_deleting_a_card_leaves_its_thread(world: Workspace) -> None:
    card = world.post(FINANCE, BOT, "card", NOON)
    world.post(FINANCE, BOT, "line", NOON, thread_ts=card.ts)
    world.delete(card, NOON)

    assert world.messages(FINANCE) == []
    assert texts(world.thread(FINANCE, card.ts)) == ["line"]


def test_blocks_get_the_ids_that_the_bot_left_out_and_keep_the_others(world: Workspace) -> None:
    given = actions(button("Go", "go"), {"type": "button", "text": {"type": "plain_text", "text": "No"}})
    one = world.post(FINANCE, BOT, "x", NOON, blocks=[given, given | {"block_id": "mine"}])
    first, second = one.blocks

    assert "block_id" not in given
    assert (first["elements"][0]["action_id"], second["block_id"]) == ("go", "mine")
    assert first["block_id"] != second["block_id"]
    assert first["elements"][1]["action_id"] != second["elements"][1]["action_id"]


@given(st.lists(st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=1)), min_size=2, max_size=30))
def test_ts_never_repeats_and_always_grows(moments: list[timedelta]) -> None:
    world = Workspace.demo()
    made = [world.new_ts(NOON + moment) for moment in moments]

    assert sorted(set(made), key=float) == made
    assert all(len(ts.partition(".")[2]) == 6 for ts in made)


# --- what changed ------------------------------------------------------------------------------------------------------


async def test_waiting_ends_with_the_change_that_it_waits_for(world: Workspace) -> None:
    waiting = asyncio.create_task(world.wait_for(lambda seen: seen.messages(FINANCE)))
    await asyncio.sleep(0)
    world.post("C0SALES", BOT, "elsewhere", NOON)
    await asyncio.sleep(0)
    assert not waiting.done()
    world.post(FINANCE, BOT, "here", NOON)

    assert texts(await waiting) == ["here"]


async def test_what_is_there_already_is_not_waited_for(world: Workspace) -> None:
    world.post(FINANCE, BOT, "here", NOON)

    assert texts(await world.wait_for(lambda seen: seen.messages(FINANCE), timeout_s=0)) == ["here"]


async def test_waiting_in_vain_tells_what_happened_instead(world: Workspace) -> None:
    world.post(FINANCE, BOT, "something else", NOON)

    with pytest.raises(TimeoutError, match=r"within 0.01 s.*message_posted: something else"):
        await world.wait_for(lambda seen: seen.messages("C0SALES"), timeout_s=0.01)


async def test_a_subscriber_misses_nothing_from_the_moment_of_subscribing(world: Workspace) -> None:
    world.post(FINANCE, BOT, "before", NOON)
    feed = world.subscribe()
    world.post(FINANCE, BOT, "at once", NOON)
    first = await anext(feed)
    coming = asyncio.ensure_future(anext(feed))
    await asyncio.sleep(0)
    world.post(FINANCE, BOT, "later", NOON)

    assert [change.message.text for change in (first, await coming) if change.message] == ["at once", "later"]


def test_every_act_leaves_a_change(world: Workspace) -> None:
    card = world.post(FINANCE, BOT, "card", NOON)
    world.post(FINANCE, BOT, "psst", NOON, ephemeral_to=ALICE)
    world.update(card, NOON, text="new")
    world.delete(world.messages(FINANCE)[0], NOON)
    view = world.views.open(ALICE, a_modal(), NOON)
    world.views.close(view, NOON)
    world.views.publish(ALICE, a_home(), NOON)
    world.change_channel(FINANCE, NOON, is_archived=True)

    assert [(change.kind, change.user_id) for change in world.changes] == [
        ("message_posted", BOT),
        ("ephemeral_posted", ALICE),
        ("message_updated", BOT),
        ("message_deleted", BOT),
        ("view_opened", ALICE),
        ("view_closed", ALICE),
        ("home_published", ALICE),
        ("world_changed", ""),
    ]


# --- views -------------------------------------------------------------------------------------------------------------


def test_closing_shows_the_view_below(world: Workspace) -> None:
    root = world.views.open(ALICE, a_modal(), NOON)
    top = world.views.push(root, a_modal(section("more")), NOON)
    world.views.close(top, NOON)

    assert world.views.top(ALICE) == root
    world.views.clear(ALICE, NOON)
    assert world.views.top(ALICE) is None


def test_an_update_forgets_errors_and_the_fields_that_are_gone(world: Workspace) -> None:
    view = world.views.open(ALICE, a_modal(a_text_field(), a_text_field("b", "B")), NOON)
    view = world.views.show_errors(view, {"name": "no"}, NOON)
    view = world.views.update(view, a_modal(a_text_field("b", "B")), NOON)

    assert (view.errors, list(view.state)) == ({}, ["b"])


def test_a_field_of_another_type_under_the_same_id_starts_anew(world: Workspace) -> None:
    view = world.views.open(ALICE, a_modal(), NOON)
    view = world.views.type_in(view, {"name": {"typed": {"type": "plain_text_input", "value": "Ada"}}}, NOON)
    number = {"type": "number_input", "action_id": "typed", "is_decimal_allowed": False}
    changed = a_modal({"type": "input", "block_id": "name", "label": {"type": "plain_text", "text": "N"}, "element": number})

    assert world.views.update(view, changed, NOON).state == initial_state(changed["blocks"])


def test_typing_on_the_home_tab_is_kept_there(world: Workspace) -> None:
    home = world.views.publish(ALICE, a_home(a_text_field()), NOON)
    world.views.type_in(home, {"name": {"typed": {"type": "plain_text_input", "value": "Ada"}}}, NOON)

    kept = world.views.home(ALICE)
    assert kept is not None
    assert kept.state["name"]["typed"]["value"] == "Ada"
    assert world.views.stack(ALICE) == ()


# --- tickets -----------------------------------------------------------------------------------------------------------


@given(st.floats(min_value=0, max_value=10, allow_nan=False))
def test_a_trigger_is_good_for_three_seconds_and_once(waited_s: float) -> None:
    triggers = Triggers()
    trigger_id = triggers.issue(ALICE, NOON)
    late = NOON + timedelta(seconds=waited_s)
    if late > NOON + timedelta(seconds=3):
        with pytest.raises(SlackError, match="expired_trigger_id"):
            triggers.look_up(trigger_id, late)
    else:
        triggers.spend(triggers.look_up(trigger_id, late))
        with pytest.raises(SlackError, match="exchanged_trigger_id"):
            triggers.look_up(trigger_id, late)


def test_response_urls_and_socket_tickets_are_counted() -> None:
    urls, tickets = ResponseUrls(), Tickets()
    key, ticket = urls.issue(ALICE, FINANCE, NOON), tickets.issue_socket()
    used = [urls.use(key, NOON).channel_id for _ in range(RESPONSE_URL_USES)]

    assert used == [FINANCE] * 5
    with pytest.raises(SlackError, match="used_url"):
        urls.use(key, NOON)
    assert [tickets.admit_socket(ticket), tickets.admit_socket(ticket)] == [True, False]
