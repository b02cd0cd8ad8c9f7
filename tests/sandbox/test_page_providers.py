"""The provider panel: it shows what the stand-ins hold, run and received, turns their faults, and says what does not fit."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from bot.sandbox.page.providers import ProviderPanel, launches_in, plainly
from bot.sandbox.page.words import FAULTS, FIELDS, SWITCHES, VERBS, switch_words
from bot.sandbox.standins import STANDINS, Fault, FaultKind, ProviderStandIns
from bot.sandbox.standins._house import VERBS as KNOWN_VERBS
from bot.sandbox.standins._house import Run, StandIn, World
from tests.sandbox.panel_world import Desk, a_desk
from tests.sandbox.standin_world import Clock, Seeds, a_world

NAMES = sorted(STANDINS)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk, None]:
    async with a_desk(tmp_path) as desk:
        yield desk


async def started_at_bitrix24(desk: Desk, **body: Any) -> httpx.Response | None:
    """A start with the made-up key; None where the connection is cut."""
    standins = desk.sandbox.providers
    url = f"{standins.base_url('bitrix24')}/v1/workflows/start"
    headers = {"X-Api-Key": standins.environment()["BITRIX24_API_KEY"]}
    wanted = {"templateId": 713, "entityType": "deal", "entityId": 5141} | body
    async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
        try:
            return await http.post(url, json=wanted, headers=headers)
        except httpx.TransportError:
            return None


# --- looking ---------------------------------------------------------------------------------------------------------------


async def test_five_providers_with_all_that_they_hold(desk: Desk) -> None:
    status, told = await desk.get("/page/providers")

    assert status == 200
    assert [one["name"] for one in told["providers"]] == NAMES
    for one in told["providers"]:
        assert one["address"].startswith("http://127.0.0.1:")
        assert one["workflows"]
        assert all(scope["is_held"] for scope in one["scopes"])
        assert (one["runs"], one["requests"], one["faults"], one["hanging"]) == ([], [], [], 0)
    titles = {one["name"]: one["title"] for one in told["providers"]}
    assert titles["captain_data"] == "Captain Data"


async def test_a_run_shows_its_inputs_its_progress_and_its_request(desk: Desk) -> None:
    await started_at_bitrix24(desk)

    shown = await desk.provider("bitrix24")

    (run,), (request,) = shown["runs"], shown["requests"]
    assert (run["workflow"], run["inputs"]["entityId"], run["status"], run["lasts_s"]) == (
        "Contract approval",
        5141,
        "running",
        30.0,
    )
    assert (request["method"], request["path"], request["status"], request["verb"]) == (
        "POST",
        "/v1/workflows/start",
        201,
        "start",
    )
    assert request["json"] == {"templateId": 713, "entityType": "deal", "entityId": 5141}


async def test_no_credential_stands_in_the_panel() -> None:
    """Every start of the documents is sent, with logins where there are any; no made-up secret comes back."""
    async with a_world() as world:
        for name in NAMES:
            assert (await Seeds(world).start(name)).status_code in {200, 201}
        shown = json.dumps(ProviderPanel(world.standins).shown())
        secrets = [value for name, value in world.standins.environment().items() if not name.endswith("_URL")]

    assert len(secrets) > len(NAMES)
    assert [secret for secret in secrets if secret in shown] == []


async def test_looks_that_are_alike_stand_as_one_with_their_count() -> None:
    async with a_world() as world:
        await Seeds(world).start("domo")
        token = {"X-DOMO-Developer-Token": world.standins.environment()["DOMO_TOKEN"]}
        run_id = world.standins.runs("domo")[0].run_id
        for _ in range(5):
            await world.ask("domo", "GET", f"/api/workflow/v1/instances/{run_id}", headers=token)
        shown = next(one for one in ProviderPanel(world.standins).shown()["providers"] if one["name"] == "domo")

    assert [(one["method"], one["count"]) for one in shown["requests"]] == [("GET", 5), ("POST", 1)]
    assert shown["requests"][0]["id"] == 1  # the first of them: a look more does not make it another row


async def test_a_run_belongs_to_the_launch_that_the_database_says(tmp_path: Path) -> None:
    database = tmp_path / "gonogo.db"
    assert launches_in(database) == {}
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("CREATE TABLE launches (launch_id TEXT, run_id TEXT)")
        opened.executemany("INSERT INTO launches VALUES (?, ?)", [("L-7K3QW", "run-1"), ("L-NONE1", None)])

    assert launches_in(database) == {"run-1": "L-7K3QW"}


async def test_the_launch_stands_at_its_run() -> None:
    async with a_world() as world:
        await Seeds(world).start("domo")
        run_id = world.standins.runs("domo")[0].run_id
        panel = ProviderPanel(world.standins, launches=lambda: {run_id: "L-7K3QW"})
        shown = next(one for one in panel.shown()["providers"] if one["name"] == "domo")

    assert [run["launch_id"] for run in shown["runs"]] == ["L-7K3QW"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("13.5"), 13.5),
        (Decimal("0.12345678901234567890123"), "0.12345678901234567890123"),
        ({"a": (1, {"b": Decimal(2)})}, {"a": [1, {"b": 2.0}]}),
        ("<b>", "<b>"),
        (None, None),
    ],
)
def test_json_for_a_browser_keeps_what_it_would_round(value: Any, shown: Any) -> None:
    assert plainly(value) == shown


# --- telling -------------------------------------------------------------------------------------------------------------


async def test_only_what_changed_is_told_and_four_times_a_second_at_most() -> None:
    clock = Clock()
    told: list[tuple[str, float]] = []
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            standins.speed(7.0)
        if len(slept) == 6:
            raise asyncio.CancelledError

    standins = ProviderStandIns(now=clock.now, sleep=clock.sleep)
    with pytest.raises(asyncio.CancelledError):
        await ProviderPanel(standins, sleep=sleep).watch(lambda name, payload: told.append((name, payload["run_s"])))

    assert told == [("providers", 2.0), ("providers", 7.0)]
    assert set(slept) == {0.25}


async def test_a_page_hears_of_what_happens_at_a_provider(desk: Desk) -> None:
    await desk.get("/page/providers")  # somebody looks
    url = f"{desk.sandbox.slack.url}/page/events?as=U0ALICE"
    line = b""
    async with asyncio.timeout(5), desk.session.get(url) as stream:
        await started_at_bitrix24(desk)
        async for line in stream.content:
            if line.startswith(b"data: ") and b'"workflow": "Contract approval"' in line:
                break

    assert b'"launch_id"' in line


# --- faults --------------------------------------------------------------------------------------------------------------


async def test_a_fault_waits_is_shown_and_befalls(desk: Desk) -> None:
    fault = {"provider": "bitrix24", "kind": "status", "status": 503, "retry_after_s": 2, "verb": "start", "times": 2}
    told = await desk.done("/page/providers/fault", **fault)

    waiting = next(one for one in told["providers"]["providers"] if one["name"] == "bitrix24")["faults"]
    assert [(one["kind"], one["verb"], one["facts"]) for one in waiting] == [
        ("status", "start", {"status": 503, "retry_after_s": 2.0})
    ] * 2
    reply = await started_at_bitrix24(desk)
    assert reply is not None
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
    assert len((await desk.provider("bitrix24"))["faults"]) == 1


async def test_a_fault_may_strike_after_the_start_was_done(desk: Desk) -> None:
    await desk.done("/page/providers/fault", provider="bitrix24", kind="drop", verb="start", is_applied=True)

    assert await started_at_bitrix24(desk) is None
    shown = await desk.provider("bitrix24")
    assert (len(shown["runs"]), shown["requests"][0]["status"]) == (1, None)


async def test_waiting_faults_are_taken_back_one_kind_or_all(desk: Desk) -> None:
    for kind in ("hang", "drop"):
        await desk.done("/page/providers/fault", provider="domo", kind=kind, times=3)
    await desk.done("/page/providers/fault", provider="zuora", kind="html")

    await desk.done("/page/providers/clear", provider="domo", place=0, times=3)
    assert [one["kind"] for one in (await desk.provider("domo"))["faults"]] == ["drop"] * 3

    await desk.done("/page/providers/clear")
    assert [len((await desk.provider(name))["faults"]) for name in NAMES] == [0] * 5


async def test_hanging_answers_are_let_go(desk: Desk) -> None:
    await desk.done("/page/providers/fault", provider="bitrix24", kind="hang", verb="start")
    starting = asyncio.create_task(started_at_bitrix24(desk))
    await desk.until("bitrix24", lambda shown: shown["hanging"])

    await desk.done("/page/providers/release")

    reply = await starting
    assert reply is not None
    assert reply.status_code == 201


async def test_an_answer_that_was_cut_off_hangs_no_more(desk: Desk) -> None:
    await desk.done("/page/providers/fault", provider="bitrix24", kind="drop", verb="start")
    await started_at_bitrix24(desk)

    shown = await desk.until("bitrix24", lambda shown: not shown["hanging"])
    assert [one["status"] for one in shown["requests"]] == [None]


# --- speed, rights, oddities ----------------------------------------------------------------------------------------------


async def test_speed_holds_for_the_next_run(desk: Desk) -> None:
    await desk.done("/page/providers/speed", run_s=0.2)
    await started_at_bitrix24(desk)

    assert [run["lasts_s"] for run in (await desk.provider("bitrix24"))["runs"]] == [0.2]


async def test_a_right_is_taken_and_given(desk: Desk) -> None:
    right = {"provider": "bitrix24", "scope": "bizproc"}
    await desk.done("/page/providers/scope", **right, is_held=False)
    refused = await started_at_bitrix24(desk)
    taken = (await desk.provider("bitrix24"))["scopes"]
    await desk.done("/page/providers/scope", **right, is_held=True)
    accepted = await started_at_bitrix24(desk)

    assert refused is not None
    assert accepted is not None
    assert (refused.status_code, accepted.status_code) == (403, 201)
    assert {scope["name"]: scope["is_held"] for scope in taken} == {"bizproc": False, "crm": True}


async def test_an_oddity_is_turned_on(desk: Desk) -> None:
    await desk.done("/page/providers/switch", provider="bitrix24", switch="read_only_key", is_on=True)

    reply = await started_at_bitrix24(desk)
    assert reply is not None
    assert reply.json()["error"]["code"] == "WRITE_BLOCKED_READONLY_KEY"
    switches = {each["name"]: each["is_on"] for each in (await desk.provider("bitrix24"))["switches"]}
    assert switches["read_only_key"]


# --- what does not fit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "body", "words"),
    [
        ("fault", {"provider": "sap", "kind": "drop"}, "no stand-in sap"),
        ("fault", {"provider": "domo", "kind": "gremlins"}, "no fault gremlins"),
        ("fault", {"provider": "domo", "kind": "drop", "verb": "dance"}, "no verb dance"),
        ("fault", {"provider": "domo", "kind": "drop", "times": 0}, "times must be a whole number"),
        ("fault", {"provider": "domo", "kind": "drop", "times": 1.5}, "times must be a whole number"),
        ("fault", {"provider": "domo", "kind": "status", "status": "many"}, "status must be a whole number"),
        ("speed", {"run_s": -1}, "run_s must be"),
        ("speed", {"run_s": "fast"}, "run_s must be"),
        ("scope", {"provider": "domo", "scope": 7, "is_held": True}, "scope must be text"),
        ("switch", {"provider": "domo", "switch": "nothing", "is_on": True}, "null_as_text"),
        ("clear", {"provider": "sap"}, "no stand-in sap"),
        ("clear", {"provider": "domo", "place": -1}, "place must be"),
        ("clear", {"provider": "domo", "place": True}, "place must be"),
        ("clear", {"times": "all"}, "times must be"),
    ],
)
async def test_what_cannot_be_done_is_said(desk: Desk, act: str, body: dict[str, Any], words: str) -> None:
    assert words in await desk.refused(f"/page/providers/{act}", **body)


@pytest.mark.parametrize("path", ["/page/providers", "/page/scenarios"])
async def test_no_other_page_reads_the_panels(desk: Desk, path: str) -> None:
    status, _ = await desk.get(path, Origin="http://elsewhere.example")

    assert status == 403


@pytest.mark.parametrize("path", ["/page/providers/fault", "/page/providers/clear", "/page/scenarios", "/page/scenarios/stop"])
async def test_no_other_page_turns_anything(desk: Desk, path: str) -> None:
    headers = {"Origin": "http://elsewhere.example"}
    async with desk.session.post(desk.sandbox.slack.url + path, json={}, headers=headers) as reply:
        assert reply.status == 403
    async with desk.session.post(desk.sandbox.slack.url + path, data=aiohttp.FormData({"a": "b"})) as reply:
        assert reply.status == 415


# --- words ---------------------------------------------------------------------------------------------------------------


def test_everything_that_can_be_turned_has_words() -> None:
    standins = ProviderStandIns()
    switches = {(one.name, switch) for one in standins.standins() for switch in one.switches}

    assert set(FAULTS) == set(FaultKind)
    assert set(VERBS) == {*KNOWN_VERBS, "any"}
    assert set(SWITCHES) == switches
    assert {name for words in FAULTS.values() for name in words.fields} <= set(FIELDS)


def test_every_field_of_a_fault_is_one() -> None:
    names = vars(Fault(kind=FaultKind.DROP))

    assert set(FIELDS) <= set(names)


def test_a_switch_without_words_is_called_by_its_name() -> None:
    assert switch_words("sap", "odd_thing") == ("Odd thing", "")


# --- what stand-ins tell of themselves ---------------------------------------------------------------------------------------


def made(name: str) -> StandIn:
    return STANDINS[name](World(now=lambda: 1000.0, sleep=asyncio.sleep, run_s=10.0))


@pytest.mark.parametrize("name", NAMES)
def test_workflows_are_told_by_the_ids_that_start_them(name: str) -> None:
    told = made(name).workflows()

    assert len({one.workflow_id for one in told}) == len(told) > 2
    assert all(one.name for one in told)
    assert any(each.is_required for one in told for each in one.inputs) or name == "bitrix24"


STATUSES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "bitrix24": ("713", ("running", "running", "gone from the list")),
    "captain_data": ("0d179c07-6443-4eeb-ada7-652fb498f997", ("pending", "running", "finished")),
    "domo": ("a8afdc89-9491-4ee4-b7c3-b9e9b86c0138", ("null", "IN_PROGRESS", "COMPLETED")),
    "salesforce": ("Recalculate_Territory", ("Running", "Running", "Error")),
    "zuora": ("396", ("Queued", "Processing", "Finished")),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_run_stands_where_its_provider_says(name: str) -> None:
    workflow_id, expected = STATUSES[name]
    standin = made(name)
    run = Run(run_id="0001", provider=name, workflow_id=workflow_id, started_at=1000.0, lasts_s=10.0)

    assert tuple(standin.status_of(run, 1000.0 + after_s) for after_s in (0.5, 6.0, 11.0)) == expected


def test_a_paused_interview_is_told_as_such() -> None:
    run = Run(run_id="0001", provider="salesforce", workflow_id="Renewal_Reminder", started_at=1000.0, lasts_s=10.0)
    standin = made("salesforce")

    assert [standin.status_of(run, 1000.0 + after_s) for after_s in (1.0, 11.0)] == ["Paused", "Finished"]
