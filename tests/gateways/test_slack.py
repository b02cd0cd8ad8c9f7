from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import ThreadError
from bot.domain.model import EventKind, State
from bot.gateways.slack import PERMANENT, Face, SlackThread
from bot.surfaces import cards
from bot.surfaces.words import Say
from tests.builders import FrozenClock, a_delivery, a_launch, an_event
from tests.gateways.slack_world import a_slack, answering, no_slack, refusing

FACES = {"billing": Face(title="Zuora Workflow", can_cancel=True)}
RUNNING = a_launch(state=State.RUNNING, run_id="400", version=3)
EVENTS = (an_event(), an_event(EventKind.ACCEPTED, facts={"run_id": "400"}))
SAY = Say(text="Only you see this.", blocks=({"type": "divider"},))
LITERAL = {"parse": "none", "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def literal(say: Say) -> dict[str, Any]:
    return {"text": say.text, "blocks": [dict(block) for block in say.blocks], **LITERAL}


def card(*, can_cancel: bool = True, title: str = "Zuora Workflow", launch: Any = RUNNING) -> Say:
    return cards.card(launch, EVENTS, provider_title=title, can_cancel=can_cancel)


# --- cards and lines ---


async def test_a_card_is_posted_literally_into_the_channel_of_the_launch() -> None:
    async with a_slack() as (slack, client):
        slack.set("chat.postMessage", {"ts": "17.000200"})
        ts = await SlackThread(client, faces=FACES, clock=FrozenClock()).post_card(RUNNING, EVENTS)

    assert (ts, slack.only.method) == ("17.000200", "chat.postMessage")
    assert slack.only.values == {"channel": "C0FINANCE", **literal(card())}
    assert slack.only.headers["Authorization"] == "Bearer made-up-token"


async def test_a_card_is_updated_where_it_stands() -> None:
    async with a_slack() as (slack, client):
        await SlackThread(client, faces=FACES, clock=FrozenClock()).update_card(RUNNING, EVENTS, card_ts="17.000200")

    assert slack.only.method == "chat.update"
    assert slack.only.values == {"channel": "C0FINANCE", "ts": "17.000200", **literal(card())}


async def test_a_line_is_posted_into_the_thread_of_the_card() -> None:
    line = cards.line(RUNNING, EVENTS[1], provider_title="Zuora Workflow")
    async with a_slack() as (slack, client):
        ts = await SlackThread(client, faces=FACES, clock=FrozenClock()).post_lines(RUNNING, EVENTS[1:2], card_ts="17.000200")

    assert (ts, slack.only.method) == ("1.000100", "chat.postMessage")
    assert slack.only.values == {"channel": "C0FINANCE", "thread_ts": "17.000200", **literal(line)}


async def test_a_direct_card_goes_to_the_requester_alone() -> None:
    async with a_slack() as (slack, client):
        await SlackThread(client, faces=FACES, clock=FrozenClock()).post_direct(RUNNING, EVENTS)

    assert slack.only.values == {"channel": "U0ALICE", **literal(card())}


async def test_a_connection_that_is_gone_shows_its_provider_s_plain_name_and_no_way_to_stop() -> None:
    gone = a_launch(connection="old-billing", state=State.RUNNING)
    async with a_slack() as (slack, client):
        await SlackThread(client, faces=FACES, clock=FrozenClock()).post_card(gone, EVENTS)

    assert slack.only.values == {"channel": "C0FINANCE", **literal(card(title="zuora", can_cancel=False, launch=gone))}


async def test_a_message_without_blocks_sends_none() -> None:
    async with a_slack() as (slack, client):
        await SlackThread(client, faces=FACES, clock=FrozenClock()).answer(a_delivery(), Say(text="plain"))

    assert "blocks" not in slack.only.values


# --- what Slack refuses ---


async def thread_error(answer: Any) -> ThreadError:
    async with a_slack() as (slack, client):
        slack.set("chat.postMessage", answer)
        with pytest.raises(ThreadError) as caught:
            await SlackThread(client, faces=FACES, clock=FrozenClock()).post_card(RUNNING, EVENTS)
    return caught.value


@pytest.mark.parametrize("code", sorted(PERMANENT - {"no_ts"}))
async def test_what_slack_can_never_take_is_permanent(code: str) -> None:
    error = await thread_error(refusing(code))

    assert (error.code, error.is_permanent, error.retry_after_s) == (code, True, None)


@pytest.mark.parametrize(
    "code", ["internal_error", "fatal_error", "service_unavailable", "invalid_auth", "token_revoked", "novel"]
)
async def test_what_slack_may_take_later_is_not_permanent(code: str) -> None:
    error = await thread_error(refusing(code))

    assert (error.code, error.is_permanent) == (code, False)


async def test_slack_s_own_wait_is_handed_on() -> None:
    error = await thread_error(refusing("ratelimited", 429, Retry_After="30"))

    assert (error.code, error.retry_after_s, error.is_permanent) == ("ratelimited", 30.0, False)


async def test_an_answer_that_is_none_is_not_permanent() -> None:
    error = await thread_error(answering("<p>Bad gateway", 502, "text/html"))

    assert (error.code, error.is_permanent) == ("HTTP 502", False)


async def test_a_message_that_cannot_be_found_again_is_not_posted_twice() -> None:
    async with a_slack() as (slack, client):
        slack.set("chat.postMessage", {"channel": "C0FINANCE"})
        with pytest.raises(ThreadError) as caught:
            await SlackThread(client, faces=FACES, clock=FrozenClock()).post_card(RUNNING, EVENTS)

    assert (caught.value.code, caught.value.is_permanent, slack.methods) == ("no_ts", True, ["chat.postMessage"])
    assert caught.value.is_in_doubt, "a card must not be posted again"


async def test_without_slack_it_is_told_later() -> None:
    async with no_slack() as client:
        with pytest.raises(ThreadError) as caught:
            await SlackThread(client, faces=FACES, clock=FrozenClock()).post_card(RUNNING, EVENTS)

    assert (caught.value.code, caught.value.is_permanent, caught.value.retry_after_s) == ("unreachable", False, None)


# --- answers to one person ---

EPHEMERAL = {"channel": "C0FINANCE", "user": "U0ALICE", "text": SAY.text, "parse": "none", "blocks": [{"type": "divider"}]}


async def test_an_answer_is_seen_by_the_one_who_asked_only() -> None:
    async with a_slack() as (slack, client):
        await SlackThread(client, faces=FACES, clock=FrozenClock()).answer(a_delivery(reply_url=f"{slack.url}address"), SAY)

    assert (slack.methods, slack.only.values) == (["chat.postEphemeral"], EPHEMERAL)


@pytest.mark.parametrize(
    "code", ["channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived", "restricted_action"]
)
async def test_where_the_bot_cannot_speak_it_answers_at_slack_s_address(code: str) -> None:
    async with a_slack() as (slack, client):
        slack.set("chat.postEphemeral", refusing(code))
        slack.set("address", answering("ok", content_type="text/plain"))
        await SlackThread(client, faces=FACES, clock=FrozenClock()).answer(a_delivery(reply_url=f"{slack.url}address"), SAY)

    assert slack.methods == ["chat.postEphemeral", "address"]
    answered = {"text": SAY.text, "blocks": [{"type": "divider"}], "response_type": "ephemeral", "replace_original": False}
    assert slack.asked[1].values == answered
    assert "Authorization" not in slack.asked[1].headers


@pytest.mark.parametrize("status", [404, 410, 429, 500])
async def test_an_address_that_is_used_up_leads_to_a_direct_message(status: int) -> None:
    async with a_slack() as (slack, client):
        slack.set("chat.postEphemeral", refusing("not_in_channel"))
        slack.set("address", answering("used_url", status, "text/plain"))
        await SlackThread(client, faces=FACES, clock=FrozenClock()).answer(a_delivery(reply_url=f"{slack.url}address"), SAY)

    assert slack.methods == ["chat.postEphemeral", "address", "chat.postMessage"]
    assert slack.asked[2].values == {"channel": "U0ALICE", **literal(SAY)}


@pytest.mark.parametrize("address", [None, "http://127.0.0.1:1/nobody", "no address at all"])
async def test_without_an_address_that_answers_it_is_a_direct_message(address: str | None) -> None:
    async with a_slack() as (slack, client):
        slack.set("chat.postEphemeral", refusing("channel_not_found"))
        await SlackThread(client, faces=FACES, clock=FrozenClock()).answer(a_delivery(reply_url=address), SAY)

    assert slack.methods == ["chat.postEphemeral", "chat.postMessage"]


async def test_a_passing_trouble_is_not_answered_elsewhere() -> None:
    async with a_slack() as (slack, client):
        slack.set("chat.postEphemeral", refusing("ratelimited", 429, Retry_After="3"))
        with pytest.raises(ThreadError) as caught:
            await SlackThread(client, faces=FACES, clock=FrozenClock()).answer(a_delivery(reply_url=f"{slack.url}address"), SAY)

    assert caught.value.retry_after_s is not None
    assert set(slack.methods) == {"chat.postEphemeral"}


@pytest.mark.parametrize("away", [answering("<p>Busy", 503, "text/html"), refusing("service_unavailable", 503)])
async def test_an_answer_waits_for_a_slack_that_is_away_for_a_moment_and_becomes_no_lasting_message(away: Any) -> None:
    clock = FrozenClock()
    async with a_slack() as (slack, client):
        slack.set("chat.postEphemeral", away, {"message_ts": "1.2"})
        await SlackThread(client, faces=FACES, clock=clock).answer(a_delivery(reply_url=f"{slack.url}address"), SAY)

    assert slack.methods == ["chat.postEphemeral", "chat.postEphemeral"]
    assert clock.slept_s == [1.0]


async def test_who_cannot_be_told_at_all_is_an_error() -> None:
    async with a_slack() as (slack, client):
        slack.set("chat.postEphemeral", refusing("not_in_channel"))
        slack.set("chat.postMessage", refusing("messages_tab_disabled"))
        with pytest.raises(ThreadError) as caught:
            await SlackThread(client, faces=FACES, clock=FrozenClock()).answer(a_delivery(), SAY)

    assert (caught.value.code, caught.value.is_permanent) == ("messages_tab_disabled", True)


# --- App Home ---


HOME = {"type": "home", "blocks": [{"type": "divider"}]}


async def test_a_home_is_published_for_its_person_whatever_stood_there() -> None:
    async with a_slack() as (slack, client):
        await SlackThread(client, faces=FACES, clock=FrozenClock()).publish_home("U0BOB", HOME)

    assert slack.only.method == "views.publish"
    assert slack.only.values == {"user_id": "U0BOB", "view": HOME}


@pytest.mark.parametrize(
    ("code", "is_permanent"),
    [("not_enabled", True), ("user_not_found", True), ("view_too_large", True), ("hash_conflict", False), ("fatal_error", False)],
)
async def test_a_home_that_slack_refuses_for_good_is_told_from_one_to_try_again(code: str, is_permanent: bool) -> None:
    async with a_slack() as (slack, client):
        slack.set("views.publish", refusing(code))
        with pytest.raises(ThreadError) as refused:
            await SlackThread(client, faces=FACES, clock=FrozenClock()).publish_home("U0BOB", HOME)

    assert (refused.value.code, refused.value.is_permanent) == (code, is_permanent)


async def test_homes_are_published_at_the_documented_pace_once_slack_has_refused_one() -> None:
    clock = FrozenClock()
    async with a_slack() as (slack, client):
        slack.set("views.publish", refusing("ratelimited", 429, Retry_After="2"), {})
        thread = SlackThread(client, faces=FACES, clock=clock)
        with pytest.raises(ThreadError) as limited:
            await thread.publish_home("U0BOB", HOME)
        for user_id in ("U0BOB", "U0CAROL"):
            await thread.publish_home(user_id, HOME)

    assert limited.value.retry_after_s == 2
    assert clock.slept_s == [2.0, 0.65]


async def test_an_answer_to_a_press_on_a_home_goes_by_direct_message() -> None:
    """Such a press is in no channel; the delivery names the person instead."""
    press = a_delivery(kind="button", channel_id="U0BOB", user_id="U0BOB")
    async with a_slack() as (slack, client):
        slack.set("chat.postEphemeral", refusing("channel_not_found"))
        await SlackThread(client, faces=FACES, clock=FrozenClock()).answer(press, SAY)

    assert slack.asked[-1].method == "chat.postMessage"
    assert slack.asked[-1].values == {"channel": "U0BOB", **literal(SAY)}


# --- forms ---


async def test_a_form_is_opened_by_its_trigger_and_known_by_its_id_and_mark() -> None:
    async with a_slack() as (slack, client):
        slack.set("views.open", {"view": {"id": "V1", "hash": "17.abc"}})
        shown = await SlackThread(client, faces=FACES, clock=FrozenClock()).open_form("1.2.trigger", {"type": "modal"})

    assert (shown.view_id, shown.mark) == ("V1", "17.abc")
    assert slack.only.values == {"trigger_id": "1.2.trigger", "view": {"type": "modal"}}


@pytest.mark.parametrize(("mark", "guard"), [("17.abc", {"hash": "17.abc"}), ("", {})])
async def test_a_form_is_updated_only_as_it_was_seen_where_that_is_asked_for(mark: str, guard: dict[str, str]) -> None:
    async with a_slack() as (slack, client):
        slack.set("views.update", {"view": {"id": "V1", "hash": "18.abc"}})
        shown = await SlackThread(client, faces=FACES, clock=FrozenClock()).update_form("V1", {"type": "modal"}, mark=mark)

    assert shown.mark == "18.abc"
    assert slack.only.values == {"view_id": "V1", "view": {"type": "modal"}, **guard}


async def test_a_form_that_somebody_else_drew_is_an_error_by_slacks_name() -> None:
    async with a_slack() as (slack, client):
        slack.set("views.update", refusing("hash_conflict"))
        with pytest.raises(ThreadError, match="hash_conflict"):
            await SlackThread(client, faces=FACES, clock=FrozenClock()).update_form("V1", {}, mark="17.abc")


async def test_an_answer_without_a_view_is_a_form_without_a_name() -> None:
    async with a_slack() as (slack, client):
        slack.set("views.open", {})
        shown = await SlackThread(client, faces=FACES, clock=FrozenClock()).open_form("1.2.trigger", {})

    assert (shown.view_id, shown.mark) == ("", "")
