"""Scenarios on the page: each journey step by step with its caption, one at a time, and the sandbox in order afterwards."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from rich.console import Console

from bot.app.sockets import SOCKETS
from bot.sandbox import demo
from bot.sandbox.acts import Press, Read, Type
from bot.sandbox.go_journeys import ACCESS, APPROVALS, LOST_SCOPE
from bot.sandbox.journeys import LAUNCHES, TROUBLE, Journey
from bot.sandbox.pace import Aside, Deed
from bot.sandbox.page.captions import OPERATOR, Caption, Captions, shortened
from bot.sandbox.page.scenarios import grouped, name_of
from bot.sandbox.page.show import count_steps
from bot.sandbox.page.tempo import LONG_RUN_S, TEMPI, Waiting
from bot.sandbox.page.tour import ABOUT, TOUR, TOUR_NAME
from bot.sandbox.script import JOURNEYS
from bot.sandbox.slack.demo import OPERATORS
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.world import CONFIGURATION
from tests.sandbox.panel_world import Desk, a_desk

PLAYED_WITHIN_S = 40.0


def titled(words: str) -> Journey:
    return next(journey for journey in JOURNEYS if words in journey.title)


# --- what there is -----------------------------------------------------------------------------------------------------------


def test_every_journey_stands_in_one_group_by_a_name_of_its_own() -> None:
    groups = {title: mine for title, _, mine in grouped()}

    assert list(groups) == ["Launches", "Forms", "Approvals", "Access", "Trouble"]
    assert all(groups.values())
    assert sorted(one.title for mine in groups.values() for one in mine) == sorted(one.title for one in JOURNEYS)
    names = [name_of(one) for one in JOURNEYS]
    assert len({*names, TOUR_NAME}) == len(JOURNEYS) + 1
    assert groups["Launches"] == LAUNCHES
    assert groups["Trouble"] == TROUBLE


def test_the_tour_is_made_of_journeys_and_each_has_a_sentence() -> None:
    titles = {journey.title for journey in JOURNEYS}

    assert set(TOUR) <= set(ABOUT) <= titles
    assert 5 <= len(TOUR) <= 7


# --- captions ------------------------------------------------------------------------------------------------------------


def deeds(journey: Journey) -> list[Deed]:
    return [*journey.before, Type(user_id=journey.user_id, text=journey.typed), *journey.form, *journey.acts]


@pytest.mark.parametrize("journey", JOURNEYS, ids=name_of)
def test_each_step_is_told_in_words_where_it_can_be_seen(journey: Journey) -> None:
    world = Workspace.demo()
    captions = Captions(workspace=world, journey=journey)
    told = [captions.title(), *map(captions.of, deeds(journey)), captions.end("one run")]

    for caption in told:
        assert 0 < len(caption.text) < 260
        assert "<@" not in caption.text
        assert "<!" not in caption.text
        assert caption.text[0] == caption.text[0].upper()
        assert caption.channel_id in world.channels
        assert not caption.as_user or caption.as_user in world.channels[caption.channel_id].members


def test_who_does_what_stands_in_the_caption() -> None:
    captions = Captions(workspace=Workspace.demo(), journey=titled("Two of three"))
    typed = captions.of(Type(user_id="U0ALICE", text="help"))

    assert (typed.text, typed.typed, typed.as_user) == ("Alice types /launch help", "/launch help", "U0ALICE")
    pressed = captions.of(Press(user_id="U0BOB", label="Approve"))
    assert (pressed.text, pressed.label, pressed.kind) == ("Bob presses Approve", "Approve", "press")
    assert captions.of(Type(user_id="U0ALICE", text="")).typed == "/launch"


def test_what_operators_read_is_seen_through_their_eyes() -> None:
    captions = Captions(workspace=Workspace.demo(), journey=titled("operators are asked"))
    caption = captions.of(Read(words="<@U0ALICE> asks for access", where="operators"))

    assert (caption.as_user, caption.channel_id) == (OPERATOR, OPERATORS)
    assert "@alice asks for access" in caption.text
    assert OPERATOR in Workspace.demo().channels[OPERATORS].members


def test_what_happens_by_itself_leaves_the_viewer_where_they_are() -> None:
    captions = Captions(workspace=Workspace.demo(), journey=titled("Zuora Workflow"))

    assert captions.of(Aside(says="the bot is killed")).as_user == ""
    assert captions.of(Aside(says="carol chooses", user_id="U0CAROL")).as_user == "U0CAROL"


def test_a_caption_is_never_longer_than_it_can_be_read() -> None:
    assert len(shortened("x" * 500)) == 160
    assert shortened("short") == "short"


# --- tempo ---------------------------------------------------------------------------------------------------------------


def test_longer_captions_stand_longer_and_typing_takes_its_time() -> None:
    human, quick = TEMPI["human"], TEMPI["quick"]
    short, long = (Caption(kind="read", text="x" * length) for length in (10, 120))
    typed = Caption(kind="type", text="Alice types", typed="/launch help")

    assert 1 < human.for_caption(short) < human.for_caption(long) < 6
    assert human.for_caption(typed) > human.typing_s("/launch help") > 0
    assert human.typing_s("x" * 1000) <= 3.0
    assert [quick.for_caption(one) for one in (short, long, typed)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("words", "seconds"), [("A limit", LONG_RUN_S), ("Stopped by the button", LONG_RUN_S), ("Two of three", 3.0), ("Zuora", 3.0)]
)
def test_runs_last_longer_where_somebody_acts_meanwhile(words: str, seconds: float) -> None:
    assert TEMPI["human"].run_s(titled(words), 3.0) == seconds
    assert TEMPI["quick"].run_s(titled(words), 3.0) == 3.0


class Sleeper:
    """Sleeps until it is told that time is over."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.wakes = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.wakes.wait()


async def soon(task: asyncio.Task[None]) -> bool:
    """Whether it is over once everything that can go on has done so."""
    for _ in range(10):
        await asyncio.sleep(0)
    return task.done()


async def test_a_wait_is_cut_short_by_a_skip() -> None:
    sleeper = Sleeper()
    waiting = Waiting(sleep=sleeper.sleep)
    task = asyncio.create_task(waiting.wait(5.0))

    assert not await soon(task)
    waiting.skip()
    assert await soon(task)
    assert sleeper.slept == [5.0]


async def test_a_pause_holds_until_somebody_goes_on_or_skips() -> None:
    sleeper = Sleeper()
    sleeper.wakes.set()
    waiting = Waiting(sleep=sleeper.sleep)
    waiting.pause(is_paused=True)
    task = asyncio.create_task(waiting.wait(5.0))

    assert not await soon(task)
    waiting.skip()
    assert await soon(task)
    assert waiting.is_paused
    again = asyncio.create_task(waiting.wait(5.0))
    assert not await soon(again)
    waiting.pause(is_paused=False)
    assert await soon(again)


async def test_an_old_skip_does_not_cut_the_next_wait() -> None:
    waiting = Waiting(sleep=Sleeper().sleep)
    waiting.skip()
    task = asyncio.create_task(waiting.wait(5.0))

    assert not await soon(task)
    task.cancel()


# --- playing, with the bot -------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Desk, None]:
    async with a_desk(tmp_path_factory.mktemp("demo"), run_s=0.2, has_bot=True) as desk:
        yield desk


class Watch:
    """What a page hears of scenarios."""

    def __init__(self, desk: Desk) -> None:
        self.told: list[dict[str, Any]] = []
        self._bell = asyncio.Event()
        publish = desk.page.feed.publish

        def kept(name: str, payload: Any) -> None:
            if name == "scenario":
                self.told.append(dict(payload))
                self._bell.set()
            publish(name, payload)

        desk.page.feed.publish = kept  # type: ignore[method-assign]  # still publishes

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(PLAYED_WITHIN_S):
            await self._bell.wait()
        self._bell.clear()
        return self.told[-1]

    async def end(self) -> dict[str, Any]:
        while not (self.told and self.told[-1]["is_over"]):
            await self.next()
        return self.told[-1]


async def played(desk: Desk, name: str) -> list[dict[str, Any]]:
    watch = Watch(desk)
    told = await desk.done("/page/scenarios", name=name, pace="quick")
    assert told["scenario"]["name"] == name
    await watch.end()
    await asyncio.sleep(0)
    return watch.told


@pytest.mark.asyncio(loop_scope="module")
async def test_everything_that_can_be_played_is_listed(desk: Desk) -> None:
    status, told = await desk.get("/page/scenarios")

    assert status == 200
    assert told["tour"]["name"] == TOUR_NAME
    assert told["playing"] is None
    assert [len(group["scenarios"]) for group in told["groups"]] == [len(mine) for _, _, mine in grouped()]
    first = told["groups"][0]["scenarios"][0]
    assert (first["name"], first["channel"], first["user"]) == ("zuora-workflow", "finance-ops", "alice")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_scenario_is_told_step_by_step_and_ends_with_its_verdict(desk: Desk) -> None:
    told = await played(desk, name_of(titled("Two of three")))

    kinds = [one["kind"] for one in told]
    assert kinds == ["title", "type", "press", "read", "type", "world", "end", "end"]
    assert [one["as_user"] for one in told[:5]] == ["U0ALICE", "U0ALICE", "U0BOB", "", "U0DAVE"]
    assert told[2]["card_ts"]
    assert told[3]["thread_ts"] == told[2]["card_ts"]
    assert told[4]["typed"].startswith("/launch approve L-")
    assert told[-1] | {"is_over": True, "is_ok": True, "verdict": "One run, ended Succeeded, as it should"} == told[-1]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("words", ["Rejected", "By form: Domo", "Three errors", "Why: allowed once", "A guest", "answer is lost"])
async def test_the_steps_that_are_told_are_as_many_as_were_said(desk: Desk, words: str) -> None:
    journey = titled(words)
    told = await played(desk, name_of(journey))

    assert (told[-1]["is_ok"], told[-1]["of"]) == (True, count_steps(journey)), told[-1]["verdict"]
    steps = [one["step"] for one in told if one["kind"] not in {"title", "end"}]
    assert steps == list(range(1, count_steps(journey) + 1))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_reason_stands_in_the_form_before_it_is_sent(desk: Desk) -> None:
    shown: list[str] = []
    feed = desk.page.feed
    show_views = feed.show_views

    def kept(user_id: str) -> None:
        view = desk.sandbox.slack.workspace.views.top(user_id)
        shown.append(str(view.state) if view else "")
        show_views(user_id)

    feed.show_views = kept  # type: ignore[method-assign]  # still tells
    await played(desk, name_of(titled("Rejected")))

    assert ["The customer was paid back last week." in state for state in shown] == [True]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_second_scenario_waits_for_the_first(desk: Desk) -> None:
    watch = Watch(desk)
    await desk.done("/page/scenarios", name="zuora-workflow", pace="human")

    assert "“Zuora Workflow” is playing" in await desk.refused("/page/scenarios", name=TOUR_NAME)
    _, told = await desk.get("/page/scenarios")
    assert told["playing"]["title"] == "Zuora Workflow"
    paused = await desk.done("/page/scenarios/pause")
    assert paused["scenario"]["is_paused"]
    await desk.done("/page/scenarios/pause", is_paused=False)
    await desk.done("/page/scenarios/skip")
    await desk.done("/page/scenarios/stop")
    end = await watch.end()
    assert (end["is_ok"], end["verdict"]) == (False, "Stopped.")
    assert (await desk.get("/page/scenarios"))[1]["playing"] is None


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("", {"name": "nothing"}, "no scenario 'nothing'"),
        ("", {}, "no scenario ''"),
        ("", {"name": "zuora-workflow", "pace": "warp"}, "no pace 'warp'"),
        ("/pause", {}, "No scenario is playing"),
        ("/skip", {}, "No scenario is playing"),
    ],
)
async def test_what_cannot_be_played_is_said(desk: Desk, path: str, body: dict[str, Any], words: str) -> None:
    assert words in await desk.refused(f"/page/scenarios{path}", **body)


@pytest.mark.asyncio(loop_scope="module")
async def test_stopping_what_does_not_play_is_no_fault(desk: Desk) -> None:
    assert (await desk.done("/page/scenarios/stop"))["scenario"] is None


# --- the sandbox is put in order ------------------------------------------------------------------------------------------


@pytest.mark.asyncio(loop_scope="module")
async def test_a_right_that_was_taken_is_there_again_and_the_bot_knows(desk: Desk) -> None:
    (lost,) = LOST_SCOPE
    told = await played(desk, name_of(lost))
    again = await played(desk, name_of(titled("Bitrix24: a run")))

    assert [one[-1]["is_ok"] for one in (told, again)] == [True, True]
    assert desk.sandbox.providers.standin("bitrix24").holds("bizproc")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_that_was_edited_is_as_it_was_although_it_was_stopped(desk: Desk) -> None:
    freeze = next(journey for journey in ACCESS if journey.title == "A freeze")
    file = desk.sandbox.configuration
    watch = Watch(desk)
    await desk.done("/page/scenarios", name=name_of(freeze), pace="human")
    await desk.done("/page/scenarios/skip")  # the title
    async with asyncio.timeout(10):
        while file.read_text(encoding="utf-8") == CONFIGURATION.read_text(encoding="utf-8"):
            await desk.post("/page/scenarios/skip")
            await asyncio.sleep(0.02)
    await desk.done("/page/scenarios/stop")

    await watch.end()
    assert file.read_text(encoding="utf-8") == CONFIGURATION.read_text(encoding="utf-8")


@pytest.mark.asyncio(loop_scope="module")
async def test_speed_is_what_it_was_after_a_scenario_that_needs_long_runs(desk: Desk) -> None:
    watch = Watch(desk)
    await desk.done("/page/scenarios", name=name_of(titled("Stopped by the button")), pace="human")
    await watch.next()
    during = desk.sandbox.providers.run_s
    await desk.done("/page/scenarios/stop")

    assert (during, desk.sandbox.providers.run_s) == (LONG_RUN_S, 0.2)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_scenario_that_stops_the_bot_shares_it_with_who_keeps_it_alive(desk: Desk) -> None:
    """Time that passes stops the bot twice; the demo starts a bot that ends. There is one bot at any time."""
    screen = io.StringIO()
    keeping = asyncio.create_task(demo.keep(desk.sandbox, Console(file=screen)))
    told = await played(desk, name_of(next(one for one in APPROVALS if "expired" in one.title)))
    keeping.cancel()

    assert told[-1]["is_ok"], told[-1]["verdict"]
    assert 1 <= desk.sandbox.slack.sockets.count <= SOCKETS, "one bot, with its sockets"
    assert "the bot ended" not in screen.getvalue()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_journey_that_ends_otherwise_is_told_as_such(desk: Desk) -> None:
    """The provider refuses the start: there is no run that could succeed."""
    desk.sandbox.providers.fault("domo", Fault(kind=FaultKind.STATUS, status=400), verb="start")
    desk.panels.scenarios.ends_within_s = 1.0
    told = await played(desk, name_of(titled("Domo Workflows, by name")))
    desk.panels.scenarios.ends_within_s = PLAYED_WITHIN_S

    assert not told[-1]["is_ok"]
    assert told[-1]["verdict"].startswith("Not as it should: ")
    assert "Failed" in told[-1]["verdict"]
