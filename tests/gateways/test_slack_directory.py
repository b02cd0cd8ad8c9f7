from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import LookupFailedError
from bot.domain.model import Channel, Person
from bot.domain.policy import person_reasons
from bot.gateways.slack_directory import SlackDirectory
from tests.builders import FrozenClock
from tests.gateways.slack_world import a_slack, answering, no_slack, refusing

ALICE = {"id": "U0ALICE", "team_id": "T0GONOGO", "name": "alice"}
FINANCE = {"id": "C0FINANCE", "name": "finance-ops", "is_member": True}


def a_directory(client: AsyncWebClient, clock: FrozenClock | None = None, enterprise_id: str | None = None) -> SlackDirectory:
    return SlackDirectory(client, clock=clock or FrozenClock(), team_id="T0GONOGO", enterprise_id=enterprise_id)


async def person(enterprise_id: str | None = None, user_id: str = "U0ALICE", **facts: Any) -> Person:
    async with a_slack() as (slack, client):
        slack.set("users.info", {"user": ALICE | facts})
        return await a_directory(client, enterprise_id=enterprise_id).person(user_id)


async def channel(**facts: Any) -> Channel:
    async with a_slack() as (slack, client):
        slack.set("conversations.info", {"channel": FINANCE | facts})
        return await a_directory(client).channel("C0FINANCE")


# --- people ---


async def test_a_member_is_nothing_but_a_member() -> None:
    assert await person() == Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice")


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({"is_restricted": True}, ["person_is_guest"]),
        ({"is_ultra_restricted": True}, ["person_is_guest"]),
        ({"is_restricted": True, "is_ultra_restricted": True}, ["person_is_guest"]),
        ({"is_stranger": True}, ["person_is_stranger"]),
        ({"is_stranger": True, "team_id": "T0OTHER"}, ["person_is_stranger"]),
        ({"team_id": "T0OTHER"}, ["person_is_stranger"]),
        ({"team_id": None}, ["person_is_stranger"]),
        ({"team_id": ""}, ["person_is_stranger"]),
        ({"is_bot": True}, ["person_is_bot"]),
        ({"is_workflow_bot": True}, ["person_is_bot"]),
        ({"deleted": True}, ["person_is_deleted"]),
        ({"deleted": True, "is_restricted": True}, ["person_is_deleted", "person_is_guest"]),
        ({"is_restricted": None, "deleted": False, "is_bot": False}, []),
    ],
)
async def test_slack_s_flags_decide_who_is_a_full_member(facts: dict[str, Any], codes: list[str]) -> None:
    assert [reason.code for reason in person_reasons(await person(**facts))] == codes


async def test_slackbot_is_a_bot_although_slack_does_not_say_so() -> None:
    assert (await person(user_id="USLACKBOT")).is_bot


@pytest.mark.parametrize(
    ("ours", "theirs", "is_stranger"),
    [
        ("E0GRID", {"enterprise_id": "E0GRID"}, False),
        ("E0GRID", {"enterprise_id": "E0OTHER"}, True),
        ("E0GRID", {}, True),
        ("E0GRID", None, True),
        ("E0GRID", "E0GRID", True),
        (None, {"enterprise_id": "E0GRID"}, True),
        (None, {"enterprise_id": None}, True),
        (None, {}, True),
    ],
)
async def test_on_grid_the_other_workspaces_of_our_organisation_are_inside(
    ours: str | None, theirs: Any, is_stranger: bool
) -> None:
    found = await person(ours, team_id="T0SISTER", enterprise_user=theirs)

    assert found.is_stranger is is_stranger


async def test_slack_s_own_word_counts_more_than_the_organisation() -> None:
    found = await person("E0GRID", is_stranger=True, enterprise_user={"enterprise_id": "E0GRID"})

    assert found.is_stranger


async def test_a_person_is_asked_for_by_id() -> None:
    async with a_slack() as (slack, client):
        slack.set("users.info", {"user": ALICE})
        await a_directory(client).person("U0ALICE")

    assert (slack.only.method, slack.only.values) == ("users.info", {"user": "U0ALICE"})


# --- channels ---


async def test_a_channel_with_the_bot_in_it_is_plain() -> None:
    assert await channel() == Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"is_ext_shared": True}, {"is_shared": True}),
        ({"is_pending_ext_shared": True}, {"is_shared": True}),
        ({"is_org_shared": True, "is_shared": True}, {"is_shared": False}),
        ({"is_archived": True}, {"is_archived": True}),
        ({"is_member": False}, {"is_member": False}),
        ({"is_member": None, "is_im": True, "name": None}, {"is_member": True, "name": "C0FINANCE"}),
    ],
)
async def test_slack_s_flags_say_what_kind_of_channel_it_is(facts: dict[str, Any], expected: dict[str, Any]) -> None:
    found = await channel(**facts)

    assert {name: getattr(found, name) for name in expected} == expected


async def test_a_channel_that_slack_does_not_show_is_one_without_the_bot() -> None:
    async with a_slack() as (slack, client):
        slack.set("conversations.info", refusing("channel_not_found"))

        assert await a_directory(client).channel("C0PRIVATE") == Channel(channel_id="C0PRIVATE", name="C0PRIVATE")


@pytest.mark.parametrize("before", [refusing("channel_not_found"), {"channel": FINANCE | {"is_member": False}}])
async def test_once_the_bot_is_invited_the_next_try_sees_it(before: Any) -> None:
    async with a_slack() as (slack, client):
        slack.set("conversations.info", before, {"channel": FINANCE})
        directory = a_directory(client)

        assert not (await directory.channel("C0FINANCE")).is_member
        assert (await directory.channel("C0FINANCE")).is_member


# --- user groups ---


async def test_a_user_group_is_its_members() -> None:
    async with a_slack() as (slack, client):
        slack.set("usergroups.users.list", {"users": ["U0BOB", "U0CAROL"]})

        assert await a_directory(client).group_members("S0LEADS") == {"U0BOB", "U0CAROL"}

    assert slack.only.values == {"usergroup": "S0LEADS"}


async def test_an_empty_user_group_has_nobody_in_it() -> None:
    async with a_slack() as (slack, client):
        slack.set("usergroups.users.list", {"users": []})

        assert await a_directory(client).group_members("S0LEADS") == frozenset()


# --- failures ---

LOOKUPS = [
    ("person", "U0ALICE", "users.info"),
    ("channel", "C0FINANCE", "conversations.info"),
    ("group_members", "S0LEADS", "usergroups.users.list"),
]


@pytest.mark.parametrize(("lookup", "subject_id", "method"), LOOKUPS)
@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (refusing("missing_scope"), "missing_scope"),
        (refusing("ratelimited", 429, Retry_After="30"), "ratelimited"),
        (refusing("user_not_found"), "user_not_found"),
        (answering("<p>Bad gateway", 502, "text/html"), "HTTP 502"),
        (answering("[1]"), "Slack did not answer"),
        ({}, "Slack's answer is not readable"),
        ({"user": [], "channel": "C", "users": None}, "Slack's answer is not readable"),
        ({"user": {}, "channel": {}, "users": {}}, "Slack's answer is not readable"),
    ],
)
async def test_what_slack_does_not_tell_is_no_fact(lookup: str, subject_id: str, method: str, answer: Any, cause: str) -> None:
    async with a_slack() as (slack, client):
        slack.set(method, answer)
        with pytest.raises(LookupFailedError) as caught:
            await getattr(a_directory(client), lookup)(subject_id)

    assert caught.value.cause == cause
    assert subject_id in caught.value.subject


@pytest.mark.parametrize(("lookup", "subject_id", "method"), LOOKUPS)
async def test_without_slack_nothing_is_known(lookup: str, subject_id: str, method: str) -> None:
    async with no_slack() as client:
        with pytest.raises(LookupFailedError, match="Slack did not answer"):
            await getattr(a_directory(client), lookup)(subject_id)


GOOD = {"user": ALICE, "channel": FINANCE, "users": ["U0BOB"]}


@pytest.mark.parametrize(("lookup", "subject_id", "method"), LOOKUPS)
async def test_a_failure_is_not_remembered(lookup: str, subject_id: str, method: str) -> None:
    async with a_slack() as (slack, client):
        slack.set(method, refusing("internal_error"), GOOD)
        directory = a_directory(client)
        with pytest.raises(LookupFailedError):
            await getattr(directory, lookup)(subject_id)

        assert await getattr(directory, lookup)(subject_id)


@pytest.mark.parametrize(("lookup", "subject_id", "method"), LOOKUPS)
async def test_a_failure_after_an_answer_has_aged_is_not_papered_over(lookup: str, subject_id: str, method: str) -> None:
    clock = FrozenClock()
    async with a_slack() as (slack, client):
        slack.set(method, GOOD, refusing("internal_error"))
        directory = a_directory(client, clock)
        await getattr(directory, lookup)(subject_id)
        clock.move(minutes=5)

        with pytest.raises(LookupFailedError):
            await getattr(directory, lookup)(subject_id)


@pytest.mark.parametrize(
    ("lookup", "subject_id", "method", "good_for_s"),
    [(*LOOKUPS[0], 60), (*LOOKUPS[1], 60), (*LOOKUPS[2], 15)],
)
async def test_an_answer_is_good_for_a_while(lookup: str, subject_id: str, method: str, good_for_s: int) -> None:
    clock = FrozenClock()
    async with a_slack() as (slack, client):
        slack.set(method, GOOD)
        directory = a_directory(client, clock)
        await getattr(directory, lookup)(subject_id)
        clock.move(seconds=good_for_s - 1)
        await getattr(directory, lookup)(subject_id)
        assert slack.methods == [method]

        clock.move(seconds=1)
        await getattr(directory, lookup)(subject_id)

    assert slack.methods == [method, method]


@pytest.mark.parametrize(("lookup", "subject_id", "method"), [LOOKUPS[0], LOOKUPS[2]])
async def test_what_must_be_fresh_is_asked_of_slack_and_remembered_for_others(lookup: str, subject_id: str, method: str) -> None:
    async with a_slack() as (slack, client):
        slack.set(method, GOOD)
        directory = a_directory(client, FrozenClock())
        await getattr(directory, lookup)(subject_id)
        await getattr(directory, lookup)(subject_id, is_fresh=True)
        await getattr(directory, lookup)(subject_id)

    assert slack.methods == [method, method]


async def test_what_is_remembered_of_one_is_not_told_of_another() -> None:
    async with a_slack() as (slack, client):
        slack.set("users.info", {"user": ALICE}, {"user": ALICE | {"name": "bob"}})
        directory = a_directory(client)

        assert [(await directory.person(user_id)).name for user_id in ("U0ALICE", "U0BOB", "U0ALICE")] == [
            "alice",
            "bob",
            "alice",
        ]


# --- who is in a channel ---


def page(*members: str, then: str = "") -> dict[str, Any]:
    return {"members": list(members), "response_metadata": {"next_cursor": then}}


async def test_whoever_stands_on_a_later_page_is_found_and_no_further_page_is_asked_for() -> None:
    async with a_slack() as (slack, client):
        slack.set("conversations.members", page("U0BOB", then="two"), page("U0ALICE", then="three"), page("U0CAROL"))
        assert await a_directory(client).is_in_channel("U0ALICE", "C0FINANCE")

    assert [call.values["cursor"] for call in slack.asked] == ["", "two"]
    assert slack.asked[0].values["limit"] == "1000"


async def test_whoever_stands_on_no_page_is_not_in_the_channel() -> None:
    async with a_slack() as (slack, client):
        slack.set("conversations.members", page("U0BOB", then="two"), page("U0CAROL"))

        assert not await a_directory(client).is_in_channel("U0ALICE", "C0FINANCE")


async def test_a_yes_is_remembered_for_a_while_and_a_no_never() -> None:
    clock = FrozenClock()
    async with a_slack() as (slack, client):
        slack.set("conversations.members", page(), page("U0ALICE"))
        directory = a_directory(client, clock)
        answers = [await directory.is_in_channel("U0ALICE", "C0FINANCE") for _ in range(3)]
        clock.move(minutes=1)
        await directory.is_in_channel("U0ALICE", "C0FINANCE")

    assert answers == [False, True, True]
    assert len(slack.asked) == 3


@pytest.mark.parametrize("answer", [refusing("channel_not_found"), {"members": "all"}, {}, answering("<html>")])
async def test_members_that_slack_does_not_tell_are_a_failed_lookup(answer: Any) -> None:
    async with a_slack() as (slack, client):
        slack.set("conversations.members", answer)

        with pytest.raises(LookupFailedError, match="the members of C0FINANCE"):
            await a_directory(client).is_in_channel("U0ALICE", "C0FINANCE")


async def test_pages_without_end_are_given_up() -> None:
    async with a_slack() as (slack, client):
        slack.set("conversations.members", page("U0BOB", then="again"))

        with pytest.raises(LookupFailedError, match="more than 50000"):
            await a_directory(client).is_in_channel("U0ALICE", "C0FINANCE")


async def test_one_page_answers_for_everybody_on_it_for_a_while() -> None:
    clock = FrozenClock()
    async with a_slack() as (slack, client):
        slack.set("conversations.members", page("U0ALICE", "U0BOB"))
        directory = a_directory(client, clock)
        found = [await directory.is_in_channel(user_id, "C0FINANCE") for user_id in ("U0BOB", "U0ALICE")]
        asked_within = len(slack.asked)
        clock.move(minutes=1)
        await directory.is_in_channel("U0ALICE", "C0FINANCE")

    assert found == [True, True]
    assert (asked_within, len(slack.asked)) == (1, 2)


async def test_a_no_is_asked_anew_unless_a_remembered_one_will_do() -> None:
    clock = FrozenClock()
    async with a_slack() as (slack, client):
        slack.set("conversations.members", page("U0BOB"))
        directory = a_directory(client, clock)
        first = await directory.is_in_channel("U0ALICE", "C0FINANCE", is_fresh=False)
        others = [await directory.is_in_channel(one, "C0FINANCE", is_fresh=False) for one in ("U0ALICE", "U0BOB", "U0CAROL")]
        asked_remembered = len(slack.asked)
        slack.set("conversations.members", page("U0BOB", "U0ALICE"))
        joined = await directory.is_in_channel("U0ALICE", "C0FINANCE")
        clock.move(minutes=1)
        await directory.is_in_channel("U0CAROL", "C0FINANCE", is_fresh=False)

    assert (first, others, joined) == (False, [False, True, False], True)
    assert (asked_remembered, len(slack.asked)) == (1, 3)
