"""The Web API door, tried with the real slack_sdk over TCP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.api import METHODS
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.faults import RESPONSE_URL, Faults, SlackFault
from bot.sandbox.slack.limits import LIMITS, Limits
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.slack.world import User
from tests.builders import NOON, FrozenClock
from tests.sandbox.slack_bots import (
    ALICE,
    BOB,
    FINANCE,
    a_client,
    a_home,
    a_modal,
    a_slack,
    a_text_field,
    actions,
    button,
    refused,
    section,
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    # slack_sdk reads these wherever it makes a client; they cannot be handed in.
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def slack(clock: FrozenClock) -> AsyncIterator[SlackStandIn]:
    async with a_slack(clock=clock) as stand_in:
        yield stand_in


@pytest.fixture
def client(slack: SlackStandIn) -> AsyncWebClient:
    return a_client(slack)


def a_trigger(slack: SlackStandIn, user_id: str = ALICE, view_id: str | None = None) -> str:
    clock = slack.people.clock
    return slack.people.payloads.tickets.triggers.issue(user_id, clock.now(), view_id=view_id)


def hold(slack: SlackStandIn, *scopes: str) -> None:
    token = slack.workspace.tokens[slack.bot_token]
    slack.workspace.tokens[slack.bot_token] = replace(token, scopes=frozenset(scopes))


# --- the coverage table ------------------------------------------------------------------------------------------------

Trial = Callable[[SlackStandIn, AsyncWebClient], Awaitable[None]]
TRIALS: dict[str, Trial] = {}


def trial(method: str) -> Callable[[Trial], Trial]:
    def keep(function: Trial) -> Trial:
        TRIALS[method] = function
        return function

    return keep


@trial("apps.connections.open")
async def _connections_open(slack: SlackStandIn, client: AsyncWebClient) -> None:
    opened = await client.apps_connections_open(app_token=slack.app_token)

    assert opened["url"].startswith(slack.url.replace("http://", "ws://") + "/link/?ticket=")


@trial("auth.test")
async def _auth_test(slack: SlackStandIn, client: AsyncWebClient) -> None:
    who = await client.auth_test()

    assert (who["team_id"], who["user_id"], who["bot_id"]) == ("T0GONOGO", "U0GONOGO", "B0GONOGO")
    assert "chat:write" in who.headers["x-oauth-scopes"]


@trial("chat.postMessage")
async def _post_message(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=FINANCE, text="hello", blocks=[section("*hello*")])

    (message,) = slack.workspace.messages(FINANCE)
    assert (message.ts, message.user, message.text, message.bot_id) == (posted["ts"], "U0GONOGO", "hello", "B0GONOGO")
    assert posted["channel"] == FINANCE
    assert posted["message"]["blocks"][0]["block_id"] == message.blocks[0]["block_id"]


@trial("chat.update")
async def _update(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=FINANCE, text="old")
    updated = await client.chat_update(channel=FINANCE, ts=posted["ts"], text="new", blocks=[section("new")])

    (message,) = slack.workspace.messages(FINANCE)
    assert (updated["ts"], message.text, message.is_edited) == (posted["ts"], "new", False)


@trial("chat.delete")
async def _delete(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=FINANCE, text="gone soon")
    await client.chat_delete(channel=FINANCE, ts=posted["ts"])

    assert slack.workspace.messages(FINANCE) == []


@trial("chat.postEphemeral")
async def _post_ephemeral(slack: SlackStandIn, client: AsyncWebClient) -> None:
    shown = await client.chat_postEphemeral(channel=FINANCE, user=ALICE, text="only you")

    (message,) = slack.workspace.ephemerals(FINANCE, ALICE)
    assert (message.ts, message.text) == (shown["message_ts"], "only you")
    assert slack.workspace.messages(FINANCE) == slack.workspace.ephemerals(FINANCE, BOB) == []


@trial("chat.getPermalink")
async def _permalink(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=FINANCE, text="hello")
    link = await client.chat_getPermalink(channel=FINANCE, message_ts=posted["ts"])

    assert link["permalink"] == f"{slack.url}/archives/{FINANCE}/p{posted['ts'].replace('.', '')}"


@trial("conversations.info")
async def _conversations_info(slack: SlackStandIn, client: AsyncWebClient) -> None:
    finance = (await client.conversations_info(channel=FINANCE, include_num_members=True))["channel"]
    partners = (await client.conversations_info(channel="C0PARTNERS"))["channel"]

    assert (finance["name"], finance["is_member"], finance["is_ext_shared"]) == ("finance-ops", True, False)
    assert finance["num_members"] == len(slack.workspace.channels[FINANCE].members)
    assert partners["is_ext_shared"] is True


@trial("conversations.members")
async def _conversations_members(slack: SlackStandIn, client: AsyncWebClient) -> None:
    everybody = sorted(slack.workspace.channels[FINANCE].members)
    first = await client.conversations_members(channel=FINANCE, limit=2)
    second = await client.conversations_members(channel=FINANCE, limit=1000, cursor=first["response_metadata"]["next_cursor"])

    assert [*first["members"], *second["members"]] == everybody
    assert second["response_metadata"]["next_cursor"] == ""


@trial("conversations.open")
async def _conversations_open(slack: SlackStandIn, client: AsyncWebClient) -> None:
    hold(slack, "im:write")
    opened = await client.conversations_open(users=[ALICE])

    assert opened["channel"]["id"] in slack.workspace.channels


@trial("users.info")
async def _users_info(slack: SlackStandIn, client: AsyncWebClient) -> None:
    guest = (await client.users_info(user="U0GUEST"))["user"]
    stranger = (await client.users_info(user="U0STRANGER"))["user"]
    gone = (await client.users_info(user="U0GONE"))["user"]

    assert guest["is_restricted"] is True
    assert (stranger["is_stranger"], stranger["team_id"]) == (True, "T0OTHER")
    assert gone["deleted"] is True
    assert "is_restricted" not in gone


@trial("usergroups.list")
async def _usergroups_list(slack: SlackStandIn, client: AsyncWebClient) -> None:
    groups = (await client.usergroups_list(include_users=True, include_count=True))["usergroups"]

    assert [(group["handle"], group["users"]) for group in groups] == [
        ("leads", ["U0BOB", "U0CAROL"]),
        ("controllers", ["U0CAROL"]),
        ("treasury-leads", ["U0BOB", "U0CAROL", "U0DAVE"]),
    ]


@trial("usergroups.users.list")
async def _usergroup_users(slack: SlackStandIn, client: AsyncWebClient) -> None:
    assert (await client.usergroups_users_list(usergroup="S0LEADS"))["users"] == ["U0BOB", "U0CAROL"]


@trial("views.open")
async def _views_open(slack: SlackStandIn, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=a_trigger(slack), view=a_modal()))["view"]

    (view,) = slack.workspace.views.stack(ALICE)
    assert (opened["id"], opened["hash"], opened["root_view_id"]) == (view.view_id, view.hash, view.view_id)
    assert opened["state"]["values"] == {"name": {"typed": {"type": "plain_text_input", "value": None}}}


@trial("views.update")
async def _views_update(slack: SlackStandIn, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=a_trigger(slack), view=a_modal()))["view"]
    updated = (await client.views_update(view_id=opened["id"], hash=opened["hash"], view=a_modal(section("done"))))["view"]

    assert updated["id"] == opened["id"]
    assert updated["hash"] != opened["hash"]


@trial("views.push")
async def _views_push(slack: SlackStandIn, client: AsyncWebClient) -> None:
    root = (await client.views_open(trigger_id=a_trigger(slack), view=a_modal()))["view"]
    pushed = (await client.views_push(trigger_id=a_trigger(slack, view_id=root["id"]), view=a_modal()))["view"]

    assert (pushed["previous_view_id"], pushed["root_view_id"]) == (root["id"], root["id"])
    assert [view.view_id for view in slack.workspace.views.stack(ALICE)] == [root["id"], pushed["id"]]


@trial("views.publish")
async def _views_publish(slack: SlackStandIn, client: AsyncWebClient) -> None:
    published = (await client.views_publish(user_id=ALICE, view=a_home()))["view"]
    again = (await client.views_publish(user_id=ALICE, view=a_home(section("2")), hash=published["hash"]))["view"]

    home = slack.workspace.views.home(ALICE)
    assert home is not None
    assert (again["id"], home.hash) == (published["id"], again["hash"])


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_every_method_of_the_table_answers_the_real_sdk(method: str, slack: SlackStandIn, client: AsyncWebClient) -> None:
    await TRIALS[method](slack, client)

    assert slack.traffic[-1].name == method or method in {call.name for call in slack.traffic}


def test_table_routes_limits_and_trials_are_the_same_methods() -> None:
    slack = SlackStandIn(Workspace.demo())
    routed = {str(route.path).removeprefix("/api/") for route in slack._api.routes()} - {"{unknown:.*}"}

    assert set(METHODS) == set(TRIALS) == set(LIMITS) == routed


async def test_an_unknown_method_is_an_error_in_a_200(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as raised:
        await client.conversations_history(channel=FINANCE)

    assert (raised.value.response.status_code, raised.value.response["error"]) == (200, "unknown_method")


# --- who may call what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "error"),
    [("xoxb-nobody", "invalid_auth"), ("xapp-sandbox-app", "not_allowed_token_type")],
)
async def test_a_wrong_token_is_refused(slack: SlackStandIn, token: str, error: str) -> None:
    assert (await refused(a_client(slack, token).auth_test()))["error"] == error


async def test_no_token_a_revoked_token_and_the_bot_token_for_a_socket_are_refused(
    slack: SlackStandIn, client: AsyncWebClient, clock: FrozenClock
) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{slack.api_url}auth.test") as reply:
        assert await reply.json() == {"ok": False, "error": "not_authed"}

    assert (await refused(client.apps_connections_open(app_token=slack.bot_token)))["error"] == "not_allowed_token_type"
    slack.workspace.change_token(slack.bot_token, clock.now(), is_revoked=True)
    assert (await refused(client.auth_test()))["error"] == "token_revoked"


@pytest.mark.parametrize(
    ("scope", "call"),
    [
        ("chat:write", lambda client: client.chat_postMessage(channel=FINANCE, text="x")),
        ("chat:write", lambda client: client.chat_update(channel=FINANCE, ts="1", text="x")),
        ("chat:write", lambda client: client.chat_postEphemeral(channel=FINANCE, user=ALICE, text="x")),
        ("chat:write", lambda client: client.chat_delete(channel=FINANCE, ts="1")),
        ("users:read", lambda client: client.users_info(user=ALICE)),
        ("channels:read", lambda client: client.conversations_info(channel=FINANCE)),
        ("usergroups:read", lambda client: client.usergroups_list()),
        ("usergroups:read", lambda client: client.usergroups_users_list(usergroup="S0LEADS")),
        ("im:write", lambda client: client.conversations_open(users=[ALICE])),
    ],
)
async def test_a_missing_scope_is_named(slack: SlackStandIn, client: AsyncWebClient, scope: str, call: Any) -> None:
    hold(slack, "commands")

    refusal = await refused(call(client))
    assert (refusal["error"], refusal["needed"], refusal["provided"]) == ("missing_scope", scope, "commands")


async def test_private_channels_and_direct_messages_need_scopes_of_their_own(
    slack: SlackStandIn, client: AsyncWebClient, clock: FrozenClock
) -> None:
    hold(slack, "channels:read", "chat:write")
    members = slack.workspace.channels["C0PRIVATE"].members | {"U0GONOGO"}
    slack.workspace.change_channel("C0PRIVATE", clock.now(), members=members)
    dm = (await client.chat_postMessage(channel=ALICE, text="hello"))["channel"]

    assert (await refused(client.conversations_info(channel="C0PRIVATE")))["needed"] == "groups:read"
    assert (await refused(client.conversations_info(channel=dm)))["needed"] == "im:read"


# --- where the bot may post --------------------------------------------------------------------------------------------


async def test_it_posts_only_where_it_is_a_member(slack: SlackStandIn, client: AsyncWebClient, clock: FrozenClock) -> None:
    slack.workspace.change_channel("C0DATA", clock.now(), members=frozenset({ALICE}))
    slack.workspace.change_channel("C0SALES", clock.now(), is_archived=True)

    async def error(channel: str) -> str:
        return (await refused(client.chat_postMessage(channel=channel, text="x")))["error"]

    assert await error("C0NOWHERE") == "channel_not_found"
    assert await error("C0PRIVATE") == "channel_not_found"
    assert await error("C0DATA") == "not_in_channel"
    assert await error("C0SALES") == "is_archived"
    assert (await client.conversations_info(channel="C0DATA"))["channel"]["is_member"] is False


async def test_posting_to_a_person_opens_the_direct_messages(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=ALICE, text="psst")

    assert posted["channel"].startswith("D")
    assert [message.text for message in slack.workspace.direct_messages(ALICE)] == ["psst"]
    assert (await refused(client.chat_postMessage(channel="U0ROBOT", text="x")))["error"] == "cannot_dm_bot"
    assert (await refused(client.chat_postMessage(channel="U0GONE", text="x")))["error"] == "channel_not_found"
    assert (await refused(client.chat_update(channel=ALICE, ts=posted["ts"], text="x")))["error"] == "channel_not_found"


async def test_an_ephemeral_needs_its_reader_in_the_channel(slack: SlackStandIn, client: AsyncWebClient) -> None:
    refusal = await refused(client.chat_postEphemeral(channel=FINANCE, user="U0STRANGER", text="x"))

    assert refusal["error"] == "user_not_in_channel"


async def test_a_reply_stands_in_the_thread_of_its_parent(slack: SlackStandIn, client: AsyncWebClient) -> None:
    card = (await client.chat_postMessage(channel=FINANCE, text="card"))["ts"]
    line = (await client.chat_postMessage(channel=FINANCE, text="line 1", thread_ts=card))["ts"]
    await client.chat_postMessage(channel=FINANCE, text="line 2", thread_ts=line)

    assert [message.text for message in slack.workspace.messages(FINANCE)] == ["card"]
    assert [message.text for message in slack.workspace.thread(FINANCE, card)] == ["line 1", "line 2"]
    refusal = await refused(client.chat_postMessage(channel=FINANCE, text="x", thread_ts="1.000001"))
    assert refusal["error"] == "cannot_reply_to_message"
    link = (await client.chat_getPermalink(channel=FINANCE, message_ts=line))["permalink"]
    assert link.endswith(f"?thread_ts={card}&cid={FINANCE}")


# --- what a message may hold -------------------------------------------------------------------------------------------


async def test_a_message_needs_text_or_blocks(slack: SlackStandIn, client: AsyncWebClient) -> None:
    assert (await refused(client.api_call("chat.postMessage", json={"channel": FINANCE})))["error"] == "no_text"
    assert (await refused(client.api_call("chat.postMessage", json={"text": "x"})))["error"] == "invalid_arguments"


async def test_a_post_is_cut_off_at_40000_and_an_update_refused_above_4000(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=FINANCE, text="x" * 40_001)

    assert len(slack.workspace.messages(FINANCE)[0].text) == 40_000
    refusal = await refused(client.chat_update(channel=FINANCE, ts=posted["ts"], text="x" * 4_001))
    assert refusal["error"] == "msg_too_long"
    await client.chat_update(channel=FINANCE, ts=posted["ts"], text="x" * 4_000)


async def test_an_ephemeral_text_ends_at_40000(client: AsyncWebClient) -> None:
    refusal = await refused(client.chat_postEphemeral(channel=FINANCE, user=ALICE, text="x" * 40_001))

    assert refusal["error"] == "msg_too_long"


async def test_metadata_is_kept_and_shown(slack: SlackStandIn, client: AsyncWebClient) -> None:
    metadata = {"event_type": "launch", "event_payload": {"id": "L-7K3QW"}}
    posted = await client.chat_postMessage(channel=FINANCE, text="x", metadata=metadata)

    assert posted["message"]["metadata"] == slack.workspace.messages(FINANCE)[0].metadata == metadata


async def test_bad_blocks_are_refused_with_the_place(client: AsyncWebClient) -> None:
    long_button = actions(button("x" * 76, "go"))
    refusal = await refused(client.chat_postMessage(channel=FINANCE, text="x", blocks=[section("ok"), long_button]))

    words = "must be less than 76 characters [json-pointer:/blocks/1/elements/0/text/text]"
    assert refusal["error"] == "invalid_blocks"
    assert refusal["errors"] == [words]
    assert refusal["response_metadata"]["messages"] == [f"[ERROR] {words}"]


async def test_blocks_that_are_no_list_of_objects_are_a_matter_of_format(client: AsyncWebClient) -> None:
    for blocks in ("{not json", '"text"', "[1]"):
        refusal = await refused(client.chat_postMessage(channel=FINANCE, text="x", blocks=blocks))
        assert refusal["error"] == "invalid_blocks_format"


# --- updating ----------------------------------------------------------------------------------------------------------


async def test_only_own_messages_that_exist_are_updated_or_deleted(slack: SlackStandIn, client: AsyncWebClient) -> None:
    theirs = await slack.people.say(ALICE, FINANCE, "mine")
    whispered = (await client.chat_postEphemeral(channel=FINANCE, user=ALICE, text="x"))["message_ts"]

    async def error(ts: str) -> tuple[str, str]:
        update = await refused(client.chat_update(channel=FINANCE, ts=ts, text="x"))
        delete = await refused(client.chat_delete(channel=FINANCE, ts=ts))
        return update["error"], delete["error"]

    assert await error(theirs.ts) == ("cant_update_message", "cant_delete_message")
    assert await error("1.000001") == ("message_not_found", "message_not_found")
    assert await error(whispered) == ("message_not_found", "message_not_found")


async def test_text_alone_takes_the_blocks_away_and_marks_the_message(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=FINANCE, text="x", blocks=[section("x")])
    updated = await client.chat_update(channel=FINANCE, ts=posted["ts"], text="y")

    (message,) = slack.workspace.messages(FINANCE)
    assert (message.blocks, message.is_edited) == ((), True)
    assert updated["message"]["edited"]["user"] == "U0GONOGO"


async def test_nothing_is_updated_in_an_archived_channel(slack: SlackStandIn, client: AsyncWebClient, clock: FrozenClock) -> None:
    posted = await client.chat_postMessage(channel=FINANCE, text="x")
    slack.workspace.change_channel(FINANCE, clock.now(), is_archived=True)

    assert (await refused(client.chat_update(channel=FINANCE, ts=posted["ts"], text="y")))["error"] == "is_inactive"


# --- looking up --------------------------------------------------------------------------------------------------------


async def test_what_is_not_there_is_named_as_slack_names_it(
    slack: SlackStandIn, client: AsyncWebClient, clock: FrozenClock
) -> None:
    groups = slack.workspace.groups
    groups["S0LEADS"] = replace(groups["S0LEADS"], is_disabled=True)

    assert (await refused(client.users_info(user="U0NOBODY")))["error"] == "user_not_found"
    assert (await refused(client.usergroups_users_list(usergroup="S0NONE")))["error"] == "no_such_subteam"
    assert (await refused(client.usergroups_users_list(usergroup="S0LEADS")))["error"] == "no_such_subteam"
    assert len((await client.usergroups_list())["usergroups"]) == 2
    assert (await refused(client.chat_getPermalink(channel=FINANCE, message_ts="1")))["error"] == "message_not_found"


async def test_direct_messages_open_with_one_living_person(slack: SlackStandIn, client: AsyncWebClient) -> None:
    hold(slack, "im:write", "im:read")
    dm = (await client.conversations_open(users=ALICE))["channel"]["id"]

    assert (await client.conversations_info(channel=dm))["channel"]["user"] == ALICE
    assert (await refused(client.conversations_open(users="U0GONE")))["error"] == "user_disabled"
    assert (await refused(client.conversations_open(users="U0ROBOT")))["error"] == "cannot_dm_bot"
    assert (await refused(client.conversations_open(users="U0NOBODY")))["error"] == "user_not_found"
    assert (await refused(client.conversations_open(users=[ALICE, BOB])))["error"] == "invalid_arguments"


# --- views -------------------------------------------------------------------------------------------------------------


async def test_a_trigger_opens_one_view_within_three_seconds(
    slack: SlackStandIn, client: AsyncWebClient, clock: FrozenClock
) -> None:
    used, late = a_trigger(slack), a_trigger(slack)
    await client.views_open(trigger_id=used, view=a_modal())
    clock.move(seconds=3.1)

    async def error(trigger_id: str) -> str:
        return (await refused(client.views_open(trigger_id=trigger_id, view=a_modal())))["error"]

    assert await error(used) == "exchanged_trigger_id"
    assert await error(late) == "expired_trigger_id"
    assert await error("1.2.3") == "invalid_trigger_id"
    assert (await refused(client.views_open(view=a_modal())))["error"] == "invalid_arguments"


async def test_a_refused_view_leaves_its_trigger_good(slack: SlackStandIn, client: AsyncWebClient) -> None:
    trigger = a_trigger(slack)
    refusal = await refused(client.views_open(trigger_id=trigger, view=a_modal(title={"type": "plain_text", "text": "x" * 25})))
    await client.views_open(trigger_id=trigger, view=a_modal())

    messages = refusal["response_metadata"]["messages"]
    assert (refusal["error"], messages) == (
        "invalid_arguments",
        ["[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"],
    )


async def test_a_view_has_its_limits(slack: SlackStandIn, client: AsyncWebClient) -> None:
    async def error(view: Any) -> dict[str, Any]:
        return await refused(client.views_open(trigger_id=a_trigger(slack), view=view))

    huge = a_modal(*[section("x" * 3000) for _ in range(90)])
    assert (await error(huge))["error"] == "view_too_large"
    assert "no more than 100 items" in str(await error(a_modal(*[section("x")] * 101)))
    assert "missing required field: submit" in str(await error(a_modal(submit=None)))
    assert "must be one of modal" in str(await error(a_home()))
    assert (await error("nonsense"))["error"] == "invalid_arguments"


async def test_a_stale_hash_is_a_conflict(slack: SlackStandIn, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=a_trigger(slack), view=a_modal()))["view"]
    await client.views_update(view_id=opened["id"], view=a_modal())
    stale = {"view_id": opened["id"], "hash": opened["hash"], "view": a_modal()}

    assert (await refused(client.views_update(**stale)))["error"] == "hash_conflict"
    await client.views_publish(user_id=ALICE, view=a_home())
    refusal = await refused(client.views_publish(user_id=ALICE, view=a_home(), hash="0.0"))
    assert refusal["error"] == "hash_conflict"


async def test_a_closed_view_is_not_found(slack: SlackStandIn, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=a_trigger(slack), view=a_modal(external_id="mine")))["view"]
    await client.views_update(external_id="mine", view=a_modal(section("still here")))
    await slack.people.close(ALICE)

    assert (await refused(client.views_update(view_id=opened["id"], view=a_modal())))["error"] == "not_found"
    pushed = client.views_push(trigger_id=a_trigger(slack, view_id=opened["id"]), view=a_modal())
    assert (await refused(pushed))["error"] == "not_found"


async def test_a_fourth_view_and_a_taken_external_id_are_refused(slack: SlackStandIn, client: AsyncWebClient) -> None:
    root = (await client.views_open(trigger_id=a_trigger(slack), view=a_modal(external_id="mine")))["view"]["id"]
    for _ in range(2):
        await client.views_push(trigger_id=a_trigger(slack, view_id=root), view=a_modal())

    again = client.views_push(trigger_id=a_trigger(slack, view_id=root), view=a_modal())
    assert (await refused(again))["error"] == "push_limit_reached"
    taken = client.views_open(trigger_id=a_trigger(slack), view=a_modal(external_id="mine"))
    assert (await refused(taken))["error"] == "duplicate_external_id"


async def test_what_was_typed_survives_an_update_under_the_same_ids(slack: SlackStandIn, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=a_trigger(slack), view=a_modal()))["view"]["id"]
    slack.people.type_in(ALICE, {"Name": "Ada"})
    view = a_modal(a_text_field(initial_value="other"), a_text_field("new", "New", initial_value="fresh"))
    updated = (await client.views_update(view_id=opened, view=view))["view"]["state"]["values"]

    assert (updated["name"]["typed"]["value"], updated["new"]["typed"]["value"]) == ("Ada", "fresh")


async def test_a_home_needs_the_feature_and_a_person(client: AsyncWebClient, slack: SlackStandIn) -> None:
    assert (await refused(client.views_publish(user_id="U0NOBODY", view=a_home())))["error"] == "user_not_found"
    slack.workspace.app = replace(slack.workspace.app, has_home=False, has_messages_tab=False)

    assert (await refused(client.views_publish(user_id=ALICE, view=a_home())))["error"] == "not_enabled"
    assert (await refused(client.chat_postMessage(channel=ALICE, text="x")))["error"] == "messages_tab_disabled"


# --- how arguments may come --------------------------------------------------------------------------------------------


async def test_forms_queries_and_json_say_the_same(slack: SlackStandIn) -> None:
    url, token = f"{slack.api_url}chat.postMessage", slack.bot_token
    arguments = {"channel": FINANCE, "text": "x", "blocks": json.dumps([section("x")])}
    async with aiohttp.ClientSession() as session:
        for sent in (
            {"data": {**arguments, "token": token}},
            {"params": {**arguments, "token": token}},
            {"json": arguments, "headers": {"Authorization": f"Bearer {token}"}},
        ):
            async with session.post(url, **sent) as reply:
                assert (await reply.json())["ok"] is True
        async with session.post(url, data="{", headers={"Content-Type": "application/json"}) as reply:
            assert (await reply.json())["error"] == "not_authed"

    assert len({message.text for message in slack.workspace.messages(FINANCE)}) == 1
    assert token not in repr(slack.traffic)


# --- limits ------------------------------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(LIMITS)), st.lists(st.floats(min_value=0, max_value=20), max_size=200))
def test_no_minute_holds_more_than_its_allowance_and_one_burst(method: str, pauses_s: list[float]) -> None:
    limits, at, taken = Limits(is_on=True), NOON, []
    for pause_s in pauses_s:
        at += timedelta(seconds=pause_s)
        if limits.retry_after_s(method, FINANCE, at) is None:
            taken.append(at)

    for limit in LIMITS[method]:
        for start in taken:
            in_minute = [one for one in taken if start <= one < start + timedelta(minutes=1)]
            assert len(in_minute) <= limit.per_minute + limit.burst


@given(st.sampled_from(sorted(LIMITS)), st.integers(min_value=1, max_value=400))
def test_who_waits_as_asked_is_let_in(method: str, calls: int) -> None:
    limits = Limits(is_on=True)
    waits = [limits.retry_after_s(method, FINANCE, NOON) for _ in range(calls)]
    if waits[-1] is not None:
        assert limits.retry_after_s(method, FINANCE, NOON + timedelta(seconds=waits[-1])) is None


def test_a_clock_that_jumps_back_gives_nothing_away() -> None:
    limits = Limits(is_on=True)
    for _ in range(5):
        limits.retry_after_s("chat.postMessage", FINANCE, NOON)

    assert limits.retry_after_s("chat.postMessage", FINANCE, NOON - timedelta(hours=1)) == 1
    assert limits.retry_after_s("chat.postMessage", FINANCE, NOON + timedelta(milliseconds=10)) == 1


async def test_one_post_a_second_and_channel_with_a_burst(clock: FrozenClock) -> None:
    async with a_slack(clock=clock, limits=True) as slack:
        client = a_client(slack)
        for _ in range(5):
            await client.chat_postMessage(channel=FINANCE, text="x")
        with pytest.raises(SlackApiError) as raised:
            await client.chat_postMessage(channel=FINANCE, text="x")

        assert (raised.value.response.status_code, raised.value.response["error"]) == (429, "ratelimited")
        assert raised.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel="C0SALES", text="another channel")
        clock.move(seconds=1)
        await client.chat_postMessage(channel=FINANCE, text="x")


async def test_updates_share_one_budget_for_the_whole_app(clock: FrozenClock) -> None:
    async with a_slack(clock=clock, limits=True) as slack:
        limits, at = slack.limits, clock.now()
        taken = [limits.retry_after_s("chat.update", f"C{place}", at) for place in range(51)]

        assert taken == [None] * 50 + [2]
        assert limits.retry_after_s("chat.update", "C0", clock.move(seconds=2)) is None


async def test_limits_are_off_unless_wanted(slack: SlackStandIn, client: AsyncWebClient) -> None:
    for _ in range(10):
        await client.chat_postMessage(channel=FINANCE, text="x")

    assert len(slack.workspace.messages(FINANCE)) == 10


# --- faults ------------------------------------------------------------------------------------------------------------


async def test_a_fault_strikes_as_often_as_told_and_then_no_more(slack: SlackStandIn, client: AsyncWebClient) -> None:
    slack.fault("auth.test", SlackFault.refusing("fatal_error"), times=2)

    assert [(await refused(client.auth_test()))["error"] for _ in range(2)] == ["fatal_error"] * 2
    assert (await client.auth_test())["ok"] is True


async def test_limited_on_demand(slack: SlackStandIn, client: AsyncWebClient) -> None:
    slack.fault("chat.postMessage", SlackFault.limited(7))

    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel=FINANCE, text="x")
    assert raised.value.response.headers["Retry-After"] == "7"
    assert slack.workspace.messages(FINANCE) == []


@pytest.mark.parametrize("is_applied", [True, False])
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (SlackFault.dropping, aiohttp.ClientError),
        (SlackFault.garbling, SlackApiError),
        (lambda **options: SlackFault.answering(502, **options), SlackApiError),
        (lambda **options: SlackFault.refusing("internal_error", **options), SlackApiError),
    ],
)
async def test_a_lost_answer_says_nothing_about_the_effect(
    slack: SlackStandIn, client: AsyncWebClient, make: Any, expected: type[Exception], is_applied: bool
) -> None:
    slack.fault("chat.postMessage", make(is_applied=is_applied))

    with pytest.raises(expected):
        await client.chat_postMessage(channel=FINANCE, text="x")
    assert len(slack.workspace.messages(FINANCE)) == is_applied


async def test_a_hanging_call_is_applied_late_although_nobody_listens(slack: SlackStandIn) -> None:
    slack.fault("chat.postMessage", SlackFault.hanging())
    with pytest.raises(TimeoutError):
        await a_client(slack, timeout=0.1).chat_postMessage(channel=FINANCE, text="late")
    assert slack.workspace.messages(FINANCE) == []
    slack.faults.release()

    late = await slack.workspace.wait_for(lambda world: world.messages(FINANCE))
    assert [message.text for message in late] == ["late"]


async def test_a_hanging_call_that_was_applied_answers_once_released(slack: SlackStandIn, client: AsyncWebClient) -> None:
    slack.fault("*", SlackFault.hanging(is_applied=True))
    posting = asyncio.create_task(client.chat_postMessage(channel=FINANCE, text="x"))
    await slack.workspace.wait_for(lambda world: world.messages(FINANCE))
    slack.faults.release()

    assert (await posting)["ts"] == slack.workspace.messages(FINANCE)[0].ts
    assert len(slack.workspace.messages(FINANCE)) == 1


def test_a_fault_from_the_control_door_is_the_same_as_one_in_code() -> None:
    assert SlackFault.from_json({"kind": "status", "status": 502}) == SlackFault.answering(502)
    assert SlackFault.from_json({"kind": "drop", "is_applied": True}) == SlackFault.dropping(is_applied=True)
    for bad in ({}, {"kind": "status", "colour": "red"}, {"kind": 7}):
        with pytest.raises(NotPossibleError):
            SlackFault.from_json(bad)


def test_faults_of_a_method_come_before_those_of_all_and_in_order() -> None:
    faults, first, second, other = Faults(), *(SlackFault.refusing(name) for name in ("a", "b", "c"))
    faults.set("*", other)
    faults.set("auth.test", first)
    faults.set("auth.test", second)

    assert [faults.take("auth.test") for _ in range(4)] == [first, second, other, None]
    faults.set("auth.test", first, times=3)
    faults.clear()
    assert faults.take("auth.test") is None


def test_response_urls_have_faults_of_their_own_name() -> None:
    assert RESPONSE_URL not in METHODS


async def test_a_world_of_ones_own(clock: FrozenClock) -> None:
    demo = Workspace.demo()
    dave = User(user_id="U9DAVE", name="dave", real_name="Dave", team_id="T9")
    world = Workspace(
        team=replace(demo.team, team_id="T9"),
        app=demo.app,
        users=[dave, *demo.users.values()],
        channels=[],
        tokens=demo.tokens.values(),
    )
    async with a_slack(world, clock=clock) as slack:
        assert (await a_client(slack).users_info(user="U9DAVE"))["user"]["name"] == "dave"
        assert (await a_client(slack).auth_test())["team_id"] == "T9"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"limit": 0}, "invalid_limit"),
        ({"limit": 1001}, "invalid_limit"),
        ({"limit": "many"}, "invalid_limit"),
        ({"cursor": "made-up"}, "invalid_cursor"),
        ({"channel": "C0NOWHERE"}, "channel_not_found"),
    ],
)
async def test_members_are_asked_for_in_a_way_that_slack_takes(
    client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    assert (await refused(client.conversations_members(**({"channel": FINANCE} | arguments))))["error"] == error


async def test_members_need_the_scope_of_their_kind_of_channel(slack: SlackStandIn, client: AsyncWebClient) -> None:
    hold(slack, "groups:read")

    assert (await refused(client.conversations_members(channel=FINANCE)))["error"] == "missing_scope"
