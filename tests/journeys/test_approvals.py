"""Approvals through the whole bot: real Slack deliveries in, cards and threads out, and a provider that counts what ran."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import providers
from bot.app.storage import back_up
from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.forms import named
from bot.sandbox.slack.people import _used
from bot.sandbox.slack.workspace import Message
from bot.settings import read_configuration
from tests.journeys.go_house import HERE, ONE, PINGS, TWO, WISH, GoHouse, a_go_house, with_approval
from tests.journeys.house import launch_id

GROUP = "usergroups.users.list"
DECIDING = {"Approve", "Reject", "Cancel"}
OFTEN = 12
"""Races that are run at once: which side is quicker differs from one to the next."""
TIMED = {**TWO, "remind_after": "10m", "escalate_to": ["S0CONTROLLERS"], "escalate_after": "20m"}
WISHED = {"accountId": "4028905f5a87c0ff015a87d25ae90025", "paymentId": "4028905f5a87c0ff015a889ddfb800c0"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[GoHouse, None]:
    async with a_go_house(tmp_path) as house:
        yield house


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the world's clock


# --- yes and no -----------------------------------------------------------------------------------------------------------------


async def test_two_of_the_approvers_start_exactly_what_they_were_shown_once(house: GoHouse) -> None:
    await house.start(TWO)
    card = await house.asked()
    assert all(value in card.text for value in WISHED.values())

    await house.press("U0BOB", card)
    await house.line(card, "1 of 2")
    assert house.runs() == []
    await house.press("U0CAROL", card)
    done = await house.card(card, "Succeeded")

    (run,) = house.runs()
    assert (run.key, run.inputs) == (launch_id(card), WISHED)
    assert "Approved by <@U0BOB> and <@U0CAROL>" in done.text
    assert DECIDING.isdisjoint(house.buttons(done))
    assert house.kinds(card)[:3] == ["requested", "approved", "cleared"]


async def test_a_no_takes_its_reason_from_a_form(house: GoHouse) -> None:
    await house.start(TWO)
    card = await house.asked()

    await house.press("U0BOB", card, "Reject")
    await house.workspace.wait_for(lambda seen: seen.views.top("U0BOB"))
    assert house.state(card) == "awaiting_approval"
    sent = await house.slack.submit("U0BOB", {"reason": {"value": "The account is closed."}})
    rejected = await house.card(card, "Rejected")

    assert sent.is_ok
    assert "The account is closed." in house.thread(card)[-1]
    assert "<@U0BOB>" in house.thread(card)[-1]
    assert DECIDING.isdisjoint(house.buttons(rejected))
    assert house.runs() == []


async def test_commands_decide_as_buttons_do(house: GoHouse) -> None:
    await house.start(TWO)
    first, second = await house.asked(), await house.asked(f"{WISH} maxAmount=7")

    told = await house.told("U0BOB", HERE, f"approve {launch_id(first).lower()}")
    rejected = await house.told("U0CAROL", HERE, f"reject {launch_id(second)} not this week")
    await house.press("U0CAROL", first)
    await house.card(first, "Succeeded")
    await house.card(second, "Rejected")

    assert "has your yes; it waits for more" in told
    assert "is rejected; nothing runs" in rejected
    assert "not this week" in house.thread(second)[-1]
    assert len(house.runs()) == 1


async def test_who_does_not_count_is_told_so_alone_and_the_buttons_stay(house: GoHouse) -> None:
    """The requester, a guest in the channel, and a member whom the rule does not name."""
    await house.start({**ONE, "approvers": ["U0CAROL", "U0GUEST"]})
    card = await house.asked()

    own = await house.pressed("U0ALICE", card)
    guest = await house.pressed("U0GUEST", card)
    outsider = await house.pressed("U0BOB", card)
    no_form = await house.pressed("U0BOB", card, "Reject")

    assert "somebody else has to decide" in own
    assert "guest" in guest.lower()
    assert "not among those who may decide" in outsider
    assert no_form == outsider
    assert house.workspace.views.top("U0BOB") is None
    assert "<@U0CAROL>" in outsider
    assert house.kinds(card) == ["requested"]
    assert house.buttons(card) == ["Approve", "Reject", "Cancel"]


async def test_the_first_decision_of_a_person_stands(house: GoHouse) -> None:
    await house.start(TWO)
    card = await house.asked()
    await house.press("U0BOB", card)
    await house.line(card, "1 of 2")

    again = await house.pressed("U0BOB", card)
    no = await house.told("U0BOB", HERE, f"reject {launch_id(card)} on second thoughts")

    assert "the first decision stands" in again
    assert "the first decision stands" in no
    assert house.kinds(card) == ["requested", "approved"]


async def test_a_right_that_was_taken_away_a_moment_ago_is_gone(house: GoHouse) -> None:
    await house.start(TWO)
    card = await house.asked()
    await house.press("U0BOB", card)
    await house.line(card, "1 of 2")
    regroup(house, "U0CAROL", "U0ALICE")

    await house.press("U0CAROL", card)
    line = await house.line(card, "<@U0CAROL> approved it")

    assert "1 of 2" in line
    assert "The yes of <@U0BOB> does not count any more" in line
    assert "not among those" in await house.pressed("U0BOB", card, "Reject")
    assert house.runs() == []


async def test_a_group_that_slack_does_not_tell_denies_says_so_and_works_afterwards(house: GoHouse) -> None:
    await house.start(ONE)
    card = await house.asked()
    house.slack.fault(GROUP, SlackFault.refusing("internal_error"), times=20)

    told = await house.pressed("U0BOB", card)
    assert "could not be learnt, so the answer is no" in told
    assert "S0LEADS" in told
    assert house.buttons(card) == ["Approve", "Reject", "Cancel"]
    assert house.kinds(card) == ["requested"]

    house.slack.faults.clear()
    await house.press("U0BOB", card)
    await house.card(card, "Succeeded")
    assert len(house.runs()) == 1


# --- time -----------------------------------------------------------------------------------------------------------------------


async def test_approvers_are_reminded_once_others_asked_once_and_then_it_expires(house: GoHouse) -> None:
    await house.start(TIMED)
    card = await house.asked()
    for minutes, word in ((11, "still waits for you"), (10, "so you may too"), (40, "Not enough people decided in time")):
        house.later(card, minutes=minutes)
        house.ring()
        await house.line(card, word)
        house.ring()

    await house.card(card, "Expired")
    assert house.kinds(card) == ["requested", "reminded", "escalated", "expired"]
    assert [len(house.lines(card, word)) for word in ("still waits for you", "so you may too", "in time")] == [1, 1, 1]
    assert DECIDING.isdisjoint(house.buttons(card))
    assert house.runs() == []


@pytest.mark.parametrize(
    ("minutes", "kinds"),
    [(11, ["requested", "reminded"]), (25, ["requested", "escalated"]), (90, ["requested", "expired"])],
    ids=["over the reminder", "over the escalation", "over the expiry"],
)
async def test_a_bot_that_was_down_tells_only_what_is_still_right(house: GoHouse, minutes: int, kinds: list[str]) -> None:
    await house.start(TIMED)
    card = await house.asked()
    await house.stop()
    house.later(card, minutes=minutes)

    await house.start(TIMED)
    await house.workspace.wait_for(lambda _: len(house.thread(card)) == len(kinds) or None)
    await house.stop()

    assert house.kinds(card) == kinds
    assert len(house.thread(card)) == len(kinds)


async def test_those_who_are_asked_last_may_decide_only_from_then_on(house: GoHouse) -> None:
    rule = {**ONE, "approvers": ["U0BOB"], "escalate_to": ["S0CONTROLLERS"], "escalate_after": "20m"}
    await house.start(rule)
    card = await house.asked()

    early = await house.pressed("U0CAROL", card)
    house.later(card, minutes=21)
    house.ring()
    await house.line(card, "so you may too")
    await house.press("U0CAROL", card)
    await house.card(card, "Succeeded")

    assert "not among those who may decide" in early
    assert "<!subteam^S0CONTROLLERS>" in house.lines(card, "so you may too")[0]


async def test_a_click_after_the_time_is_over_is_no_yes(house: GoHouse) -> None:
    """Whether the click comes first or the worker, who notices the expiry as it is rung by the click."""
    await house.start(ONE)
    card = await house.asked()
    house.later(card, hours=2)

    told = await house.pressed("U0BOB", card)
    house.ring()
    await house.card(card, "Expired")

    assert "is over since" in told or "It is: Expired" in told
    assert house.kinds(card) == ["requested", "expired"]
    assert house.runs() == []


# --- what changes meanwhile -----------------------------------------------------------------------------------------------------


async def test_a_rule_that_changes_while_a_launch_waits_asks_again_under_the_new_one(house: GoHouse) -> None:
    await house.start(TWO)
    card = await house.asked()
    await house.press("U0BOB", card)
    await house.line(card, "1 of 2")
    reload(house, with_approval({**TWO, "approvers": ["members"]}))

    await house.press("U0CAROL", card)
    line = await house.line(card, "asked for again")
    for person in ("U0CAROL", "U0BOB"):
        await house.press(person, card)
    await house.card(card, "Succeeded")

    assert "the grant that allows it" in line
    assert "any full member of this workspace" in line
    assert house.kinds(card)[:5] == ["requested", "approved", "reopened", "approved", "cleared"]
    assert len(house.runs()) == 1


async def test_a_grant_that_is_removed_while_a_launch_waits_ends_it(house: GoHouse) -> None:
    await house.start(ONE)
    card = await house.asked()
    document = with_approval(ONE)
    document["channels"][HERE]["grants"][0]["workflows"] = ["Refund *"]
    reload(house, document)

    await house.press("U0BOB", card)
    failed = await house.card(card, "Failed")

    assert "no longer allowed" in failed.text
    assert house.runs() == []


async def test_a_credential_that_changes_between_two_yeses_asks_again_and_says_so(house: GoHouse) -> None:
    await house.start(TWO)
    card = await house.asked()
    await house.press("U0BOB", card)
    await house.line(card, "1 of 2")
    document = with_approval(TWO)
    document["connections"]["billing"]["credential"]["client_id"] = "${ANOTHER_ID}"
    reload(house, document)

    await house.press("U0CAROL", card)
    line = await house.line(card, "asked for again")

    assert "since this changed: run as" in line
    assert "Earlier decisions no longer count." in line
    assert "0 of 2 agreed" in (await updated(house, card, "0 of 2 agreed")).text
    assert house.runs() == []


# --- two replicas ---------------------------------------------------------------------------------------------------------------


async def test_the_same_click_at_two_replicas_counts_once(house: GoHouse) -> None:
    await house.start(TWO)
    await house.start(TWO)
    cards = [await house.asked(f"{WISH} maxAmount={n}") for n in range(OFTEN)]

    await asyncio.gather(*(to_both(house, "U0BOB", card) for card in cards))
    for card in cards:
        await house.line(card, "1 of 2")

    assert {tuple(house.kinds(card)) for card in cards} == {("requested", "approved")}
    assert house.whispers("U0BOB") == []
    assert house.runs() == []


async def test_two_approvers_at_once_at_two_replicas_start_it_once(house: GoHouse) -> None:
    await house.start(TWO)
    await house.start(TWO)
    cards = [await house.asked(f"{WISH} maxAmount={n}") for n in range(OFTEN)]

    await asyncio.gather(*(house.press(person, card) for card in cards for person in ("U0BOB", "U0CAROL")))
    for card in cards:
        await house.card(card, "Succeeded")

    assert {tuple(house.kinds(card)[:3]) for card in cards} == {("requested", "approved", "cleared")}
    assert sorted(run.key for run in house.runs()) == sorted(launch_id(card) for card in cards)


async def test_approve_against_reject_has_one_winner_whom_the_loser_is_told(house: GoHouse) -> None:
    await house.start(ONE)
    await house.start(ONE)
    cards = [await house.asked(f"{WISH} maxAmount={n}") for n in range(OFTEN)]

    async def rejects(card: Message) -> None:
        await house.type("U0CAROL", HERE, f"reject {launch_id(card)} no")

    acts = [act for n, card in enumerate(cards) for act in in_turn(n, house.press("U0BOB", card), rejects(card))]
    await asyncio.gather(*acts)
    for card in cards:
        await house.card(card, "Succeeded", "Rejected")

    for card in cards:
        decided = [kind for kind in house.kinds(card) if kind in {"cleared", "rejected"}]
        is_approved = decided == ["cleared"]
        loser, words = ("U0CAROL", "<@U0BOB> approved it") if is_approved else ("U0BOB", "<@U0CAROL> rejected it")
        assert len(decided) == 1
        assert [words in told for told in await told_of(house, loser, card)] == [True]
        assert [run.key for run in house.runs()].count(launch_id(card)) == int(is_approved)


async def test_approve_against_cancel_has_one_winner_whom_the_loser_is_told(house: GoHouse) -> None:
    await house.start(ONE)
    await house.start(ONE)
    cards = [await house.asked(f"{WISH} maxAmount={n}") for n in range(OFTEN)]

    acts = [
        act
        for n, card in enumerate(cards)
        for act in in_turn(n, house.press("U0BOB", card), house.press("U0ALICE", card, "Cancel"))
    ]
    await asyncio.gather(*acts)
    for card in cards:
        await house.card(card, "Succeeded", "Cancelled")

    for card in cards:
        kinds, runs = house.kinds(card), [run.key for run in house.runs()].count(launch_id(card))
        assert runs == kinds.count("starting")
        if "cleared" not in kinds:
            assert (kinds, runs) == (["requested", "cancelled"], 0)
            assert ["<@U0ALICE> cancelled it" in told for told in await told_of(house, "U0BOB", card)] == [True]


# --- what nobody should send ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["approve L-ZZZZZ", "reject L-ZZZZZ because", 'approve "L-ZZZZZ; --"'])
async def test_an_unknown_id_is_named(house: GoHouse, typed: str) -> None:
    await house.start(ONE)

    told = await house.told("U0BOB", HERE, typed)

    assert "There is no launch “L-ZZZZZ" in told


async def test_a_launch_of_another_workspace_is_as_unknown_as_none(house: GoHouse) -> None:
    await house.start(ONE)
    card = await house.asked()
    house.write("UPDATE launches SET team_id = 'T0OTHER'")

    pressed = await house.pressed("U0BOB", card)
    typed = await house.told("U0BOB", HERE, f"approve {launch_id(card)}")
    nowhere = await house.told("U0BOB", HERE, "approve L-ZZZZZ")

    assert pressed == typed == nowhere.replace("L-ZZZZZ", launch_id(card))
    assert house.kinds(card) == ["requested"]


async def test_a_reason_is_shown_literally_and_pings_nobody(house: GoHouse) -> None:
    await house.start(ONE)
    card = await house.asked()
    reason = f"<!channel> <!here> <@U0ALICE> @everyone *bold* {'y' * 3500}"

    await house.told("U0BOB", HERE, f"reject {launch_id(card)} {reason}")
    rejected = await house.card(card, "Rejected")

    line = house.workspace.thread(HERE, card.ts)[-1]
    assert "<!channel> <!here>" in literal(line)
    assert "@everyone *bold* yyy" in literal(line)
    assert set(pings(line)) == {"<@U0BOB>"}
    assert set(pings(rejected)) == {"<@U0ALICE>", "<@U0BOB>"}
    assert len(line.text) < 1500


async def test_a_reason_of_ten_thousand_characters_is_refused_when_typed_and_cut_in_a_form(house: GoHouse) -> None:
    """Slack's own form takes no more than 3,000; what another client sends all the same is cut."""
    await house.start(ONE)
    card = await house.asked()
    told = await house.told("U0BOB", HERE, f"reject {launch_id(card)} {'z' * 10_000}")
    assert "too long" in told
    assert house.kinds(card) == ["requested"]

    await house.press("U0BOB", card, "Reject")
    view = await house.workspace.wait_for(lambda seen: seen.views.top("U0BOB"))
    values = {"reason": {"value": {"type": "plain_text_input", "value": f"<!channel> {'z' * 10_000}"}}}
    people = house.slack.people
    await people.courier.send(people.payloads.submission("U0BOB", view, values, now()))
    await house.card(card, "Rejected")

    line = house.workspace.thread(HERE, card.ts)[-1]
    assert "<!channel> zzz" in literal(line)
    assert set(pings(line)) == {"<@U0BOB>"}
    assert len(line.text) < 1500


# --- lost and found -------------------------------------------------------------------------------------------------------------


async def test_a_database_that_was_restored_answers_clearly_and_counts_nothing_it_does_not_know(house: GoHouse) -> None:
    """The backup is from before the second launch, and from before the first yes on the first one."""
    await house.start(TWO)
    old = await house.asked()
    await house.quiet()
    await back_up(house.settings.database_url, house.folder / "backup.db")
    await house.press("U0BOB", old)
    await house.line(old, "1 of 2")
    unknown = await house.asked(f"{WISH} maxAmount=8")
    await house.stop()
    restore(house)
    await house.start(TWO)

    told = await house.pressed("U0BOB", unknown)
    await house.press("U0CAROL", old)
    line = await house.line(old, "<@U0CAROL> approved it")

    assert launch_id(unknown) in told
    assert "1 of 2" in line
    assert house.kinds(old) == ["requested", "approved"]
    assert house.runs() == []


# --- inside ---------------------------------------------------------------------------------------------------------------------


def regroup(house: GoHouse, *users: str) -> None:
    group = house.workspace.groups["S0LEADS"]
    house.workspace.groups["S0LEADS"] = replace(group, users=users)


def reload(house: GoHouse, document: dict[str, Any]) -> None:
    """As a reload puts it in force (that the file is watched is shown by test_approval_lives.py)."""
    path = house.folder / "gonogo.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    environment = {**house.providers.environment(), "ANOTHER_ID": "made-up-other-client"}
    new = read_configuration(path, providers=providers.load(), environment=environment)
    house.bot.parts.standing.replace(policy=new.policy, connections=new.connections)


async def updated(house: GoHouse, card: Message, words: str) -> Message:
    def shown(_: object) -> Message | None:
        found = house.workspace.find(card.channel_id, card.ts)
        return found if found is not None and words in found.text else None

    return await house.workspace.wait_for(shown)


async def to_both(house: GoHouse, user_id: str, card: Message, label: str = "Approve") -> None:
    """One press, handed to both bots at once: the stand-in gives each payload to the next socket in turn."""
    people = house.slack.people
    delivery = people.payloads.message_action(user_id, card, _used(named(card.blocks, label), None), now())
    copy = Acknowledged(delivery=delivery, status=0, body={}, elapsed_ms=0)
    for acknowledged in await asyncio.gather(people.redeliver(copy), people.redeliver(copy)):
        assert acknowledged.is_ok, acknowledged


def in_turn(n: int, first: Any, second: Any) -> tuple[Any, Any]:
    """Now this one is begun first, now that one."""
    return (first, second) if n % 2 else (second, first)


async def told_of(house: GoHouse, user_id: str, card: Message) -> list[str]:
    """What this person alone was told of the launch, but for the answer to a decision that counted."""

    def told(_: object) -> list[str]:
        return [text for text in house.whispers(user_id) if launch_id(card) in text and "does not wait" in text]

    return await house.workspace.wait_for(lambda seen: told(seen) or None)


def pings(message: Message) -> list[str]:
    """Whom Slack would notify: by what is marked in the text, and in the blocks, whatever kind they are of."""
    marked = [found for found in PINGS.findall(message.text) if not found.startswith("<!date")]
    return marked + [ping for block in message.blocks for ping in _in_block(block)]


def _in_block(part: Any) -> list[str]:
    match part:
        case {"type": "user", "user_id": user_id}:
            return [f"<@{user_id}>"]
        case {"type": "usergroup" | "broadcast"}:
            return [str(part)]
        case {"type": "mrkdwn", "text": text}:
            return [found for found in PINGS.findall(text) if not found.startswith("<!date")]
        case dict():
            return [ping for value in part.values() for ping in _in_block(value)]
        case list():
            return [ping for value in part for ping in _in_block(value)]
        case _:
            return []


def literal(message: Message) -> str:
    """What people read in the blocks' plain parts."""
    return "".join(_plain(block) for block in message.blocks)


def _plain(part: Any) -> str:
    match part:
        case {"type": "text" | "plain_text", "text": str(text)}:
            return text
        case dict():
            return "".join(_plain(value) for value in part.values())
        case list():
            return "".join(_plain(value) for value in part)
        case _:
            return ""


def restore(house: GoHouse) -> None:
    for path in house.folder.glob("gonogo.db*"):
        path.unlink()
    (house.folder / "backup.db").rename(house.database)
