"""What all stand-ins share: faults, the record of requests, runs, the control door, the demo's configuration."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import bot.sandbox
from bot.domain.provider import UNREADABLE, Reply
from bot.providers import load
from bot.sandbox.standins import STANDINS, Fault, FaultKind, ProviderStandIns, Run
from bot.sandbox.standins._faults import FaultLine
from bot.sandbox.standins._zuora_tenant import run_status as zuora_status
from bot.sandbox.standins.captain_data import PHASES, RECIPES, job_status
from bot.sandbox.standins.domo import MODELS
from bot.sandbox.standins.domo import run_status as domo_status
from bot.settings import read_configuration
from tests.sandbox.standin_world import Seeds, World, a_world

NAMES = sorted(STANDINS)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@pytest.fixture
async def seeds(world: World) -> Seeds:
    return Seeds(world)


def counted(seeds: Seeds, name: str) -> int:
    return len(seeds.world.standins.runs(name))


async def prepared(seeds: Seeds, name: str, fault: Fault, *, verb: str = "start", times: int = 1) -> None:
    """Log in first, so that the fault meets the start."""
    if name in {"zuora", "salesforce"}:
        await seeds.login(name)
    seeds.world.standins.fault(name, fault, verb=verb, times=times)


async def arrived(world: World) -> None:
    """Give way until a request is there."""
    while not world.standins.received:  # noqa: ASYNC110 - the record of requests is a list, and nothing else tells of it
        await asyncio.sleep(0)


# --- faults: what the client gets, and whether the provider did it


@pytest.mark.parametrize("is_applied", [False, True])
@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("name", NAMES)
async def test_a_status_is_answered_before_or_after_applying(seeds: Seeds, name: str, status: int, is_applied: bool) -> None:
    await prepared(seeds, name, Fault(kind=FaultKind.STATUS, status=status, is_applied=is_applied, retry_after_s=1.5))

    reply = await seeds.start(name)

    assert (reply.status_code, reply.headers["Retry-After"]) == (status, "1.5")
    assert counted(seeds, name) == int(is_applied)
    assert (await seeds.start(name)).is_success


@pytest.mark.parametrize("is_applied", [False, True])
@pytest.mark.parametrize("name", NAMES)
async def test_a_dropped_connection_tells_nothing(seeds: Seeds, name: str, is_applied: bool) -> None:
    await prepared(seeds, name, Fault(kind=FaultKind.DROP, is_applied=is_applied))

    with pytest.raises(httpx.TransportError):
        await seeds.start(name)

    assert counted(seeds, name) == int(is_applied)
    assert seeds.world.standins.received[-1].status is None


@pytest.mark.parametrize("is_applied", [False, True])
@pytest.mark.parametrize("kind", [FaultKind.GARBAGE, FaultKind.HTML])
@pytest.mark.parametrize("name", NAMES)
async def test_an_unreadable_answer_is_a_200(seeds: Seeds, name: str, kind: FaultKind, is_applied: bool) -> None:
    await prepared(seeds, name, Fault(kind=kind, is_applied=is_applied))

    reply = await seeds.start(name)

    assert reply.status_code == 200
    assert Reply(status=200, body=reply.content.decode(errors="replace")).json() is UNREADABLE
    assert counted(seeds, name) == int(is_applied)


async def test_html_says_that_it_is_html(seeds: Seeds) -> None:
    await prepared(seeds, "domo", Fault(kind=FaultKind.HTML))

    assert (await seeds.start("domo")).headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("is_applied", [False, True])
@pytest.mark.parametrize("name", NAMES)
async def test_a_truncated_body_ends_in_a_broken_connection(seeds: Seeds, name: str, is_applied: bool) -> None:
    await prepared(seeds, name, Fault(kind=FaultKind.TRUNCATED, is_applied=is_applied))

    with pytest.raises(httpx.RemoteProtocolError):
        await seeds.start(name)

    assert counted(seeds, name) == int(is_applied)


async def test_an_enormous_body_is_valid_json_of_the_size_asked_for(seeds: Seeds) -> None:
    await prepared(seeds, "domo", Fault(kind=FaultKind.ENORMOUS, size_bytes=3_000_000, is_applied=True))

    reply = await seeds.start("domo")

    assert len(reply.json()["padding"]) == 3_000_000
    assert counted(seeds, "domo") == 1


async def test_a_client_that_has_had_enough_ends_an_enormous_body(seeds: Seeds) -> None:
    seeds.world.standins.fault("domo", Fault(kind=FaultKind.ENORMOUS))
    read = 0
    async with seeds.world.http.stream("GET", seeds.world.standins.base_url("domo") + "/api/workflow/v1/models") as reply:
        async for piece in reply.aiter_bytes():
            read += len(piece)
            if read > 1_000_000:
                break

    assert 1_000_000 < read < 100_000_000
    assert (await seeds.start("domo")).is_success


async def test_a_redirect_leads_to_another_host_which_need_not_be_followed(seeds: Seeds) -> None:
    elsewhere = "http://localhost:9/stolen"
    await prepared(seeds, "bitrix24", Fault(kind=FaultKind.REDIRECT, location=elsewhere))

    reply = await seeds.start("bitrix24")

    assert (reply.status_code, reply.headers["Location"], counted(seeds, "bitrix24")) == (307, elsewhere, 0)


async def test_a_hang_that_nobody_waits_for_is_never_applied(seeds: Seeds) -> None:
    await prepared(seeds, "domo", Fault(kind=FaultKind.HANG))
    seeds.world.http.timeout = httpx.Timeout(0.1)

    with pytest.raises(httpx.ReadTimeout):
        await seeds.start("domo")
    async with asyncio.timeout(5):
        while not seeds.world.standins.received[-1].is_over:  # noqa: ASYNC110 - the stand-in looks now and then who still waits
            await asyncio.sleep(0.01)
    await seeds.world.standins.stop()

    assert counted(seeds, "domo") == 0


async def test_a_hang_after_applying_has_applied(seeds: Seeds) -> None:
    await prepared(seeds, "domo", Fault(kind=FaultKind.HANG, is_applied=True))
    seeds.world.http.timeout = httpx.Timeout(0.1)

    with pytest.raises(httpx.ReadTimeout):
        await seeds.start("domo")

    assert counted(seeds, "domo") == 1


@pytest.mark.parametrize("is_applied", [False, True])
async def test_a_released_hang_goes_on_as_if_nothing_had_been(seeds: Seeds, is_applied: bool) -> None:
    await prepared(seeds, "domo", Fault(kind=FaultKind.HANG, is_applied=is_applied))
    pending = asyncio.create_task(seeds.start("domo"))
    await arrived(seeds.world)

    assert not pending.done()
    seeds.world.standins.release()

    assert (await pending).status_code == 200
    assert counted(seeds, "domo") == 1


async def test_stopping_lets_hanging_answers_go() -> None:
    async with a_world() as world:
        seeds = Seeds(world)
        await prepared(seeds, "domo", Fault(kind=FaultKind.HANG))
        pending = asyncio.create_task(seeds.start("domo"))
        await arrived(world)

        await world.standins.stop()

        assert (await pending).status_code == 200


@pytest.mark.parametrize("name", NAMES)
async def test_a_credential_expires_without_anything_applied(seeds: Seeds, name: str) -> None:
    await prepared(seeds, name, Fault(kind=FaultKind.EXPIRE), verb="any")

    reply = await seeds.start(name)
    if name in {"zuora", "salesforce"}:
        await seeds.login(name)

    assert (reply.status_code, counted(seeds, name)) == (401, 0)
    assert (await seeds.start(name)).is_success


@pytest.mark.parametrize("name", NAMES)
async def test_a_scope_is_refused_once(seeds: Seeds, name: str) -> None:
    await prepared(seeds, name, Fault(kind=FaultKind.REFUSE_SCOPE), verb="any")

    assert ((await seeds.start(name)).status_code, counted(seeds, name)) == (403, 0)
    assert (await seeds.start(name)).is_success


@pytest.mark.parametrize("name", NAMES)
async def test_a_late_run_is_counted_at_once_and_starts_later(seeds: Seeds, name: str) -> None:
    await prepared(seeds, name, Fault(kind=FaultKind.LATE, delay_s=30), verb="any")
    asked_at = seeds.world.clock.at

    with pytest.raises(httpx.TransportError):
        await seeds.start(name)

    (run,) = seeds.world.standins.runs(name)
    assert run.started_at == asked_at + 30


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("bitrix24", "/v1/workflows?templateId=713"),
        ("captain_data", "/v3/workflows/0d179c07-6443-4eeb-ada7-652fb498f997/jobs"),
        ("domo", "/api/workflow/v1/instances?modelId=a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"),
    ],
)
async def test_a_late_run_is_in_no_list_before_its_time(seeds: Seeds, name: str, path: str) -> None:
    seeds.world.standins.fault(name, Fault(kind=FaultKind.LATE, delay_s=30))
    with pytest.raises(httpx.TransportError):
        await seeds.start(name)

    async def listed() -> int:
        named = seeds.world.standins.environment()
        headers = {
            "X-Api-Key": named["BITRIX24_API_KEY"] if name == "bitrix24" else named["CAPTAIN_DATA_KEY"],
            "x-project-id": named["CAPTAIN_DATA_PROJECT"],
            "X-DOMO-Developer-Token": named["DOMO_TOKEN"],
        }
        body = (await seeds.world.ask(name, "GET", path, headers=headers)).json()
        return len(body["data"] if name == "bitrix24" else body)

    assert await listed() == 0
    seeds.world.clock.move(31)
    assert await listed() == 1


async def test_a_fault_for_one_verb_spares_the_others(seeds: Seeds) -> None:
    seeds.world.standins.fault("zuora", Fault(kind=FaultKind.STATUS, status=503), verb="track")

    assert (await seeds.start("zuora")).status_code == 200
    headers = {"Authorization": f"Bearer {seeds.tokens['zuora']}"}
    assert (await seeds.world.ask("zuora", "GET", "/workflows/workflow_runs/400", headers=headers)).status_code == 503


async def test_a_login_can_fail_by_name(seeds: Seeds) -> None:
    seeds.world.standins.fault("zuora", Fault(kind=FaultKind.STATUS, status=500), verb="login")

    assert (await seeds.login("zuora")).status_code == 500
    assert (await seeds.login("zuora")).status_code == 200


async def test_a_fault_befalls_as_often_as_it_was_asked_to(seeds: Seeds) -> None:
    await prepared(seeds, "bitrix24", Fault(kind=FaultKind.STATUS, status=502), times=3)

    assert [(await seeds.start("bitrix24")).status_code for _ in range(4)] == [502, 502, 502, 201]


FAULTS = st.builds(Fault, kind=st.sampled_from(FaultKind), status=st.sampled_from([500, 502]))


@given(st.lists(st.tuples(st.sampled_from(["any", "start", "track", "login"]), FAULTS, st.integers(1, 3))), st.data())
def test_every_fault_is_used_once_and_for_its_own_verb(asked: list[tuple[str, Fault, int]], data: st.DataObject) -> None:
    line = FaultLine()
    for verb, fault, times in asked:
        line.add(fault, verb=verb, times=times)
    total = sum(times for _, _, times in asked)

    taken = 0
    for _ in range(total):
        verb = data.draw(st.sampled_from(["start", "track", "login"]))
        before = list(line.waiting)
        fault = line.take(verb)
        taken += fault is not None
        if fault is not None:
            assert (verb, fault) in before or ("any", fault) in before
        else:
            assert all(waiting != verb for waiting, _ in before)

    assert taken + len(line.waiting) == total


def test_an_expiry_for_any_verb_waits_for_a_call_that_uses_the_session() -> None:
    line = FaultLine()
    line.add(Fault(kind=FaultKind.EXPIRE), verb="any", times=1)

    assert line.take("login") is None
    assert line.take("track") is not None


# --- time


def a_run(workflow_id: str, **changes: Any) -> Run:
    plain: dict[str, Any] = {"run_id": "1", "provider": "x", "workflow_id": workflow_id, "started_at": 0.0, "lasts_s": 10.0}
    return Run(**(plain | changes))


MOMENTS = st.lists(st.floats(0, 60), min_size=2).map(sorted)
ORDER = {
    "zuora": ["Queued", "Processing", "Pending", "Finished"],
    "stopped": ["Stopping", "Stopped"],
    "domo": [None, "IN_PROGRESS", "COMPLETED", "FAILED"],
}


@given(MOMENTS, st.sampled_from(["286", "301", "303", "396"]), st.sampled_from([None, 2.0]))
def test_a_zuora_run_never_goes_back(moments: list[float], workflow_id: str, stopped_at: float | None) -> None:
    run = a_run(workflow_id, stopped_at=stopped_at)
    words = ORDER["zuora"] if stopped_at is None else ORDER["stopped"]

    places = [words.index(zuora_status(run, at)) for at in moments if at >= (stopped_at or 0)]

    assert places == sorted(places)


@given(MOMENTS, st.sampled_from(list(MODELS)))
def test_a_domo_run_never_goes_back(moments: list[float], model_id: str) -> None:
    places = [ORDER["domo"].index(domo_status(a_run(model_id), at)) for at in moments]

    assert places == sorted(places)


@given(st.sampled_from(list(RECIPES)), st.floats(30, 1000))
def test_every_job_ends(uid: str, at: float) -> None:
    ending = RECIPES[uid].ending

    assert job_status(a_run(uid), at) == ("finished" if ending == "paused" else ending)
    assert job_status(a_run(uid, lasts_s=0.0), 0.0) == job_status(a_run(uid), at)
    assert PHASES[ending][0][1] == "pending"


async def test_speed_is_for_runs_that_start_from_now_on(seeds: Seeds) -> None:
    await seeds.start("domo")
    seeds.world.standins.speed(0)
    await seeds.start("domo")

    assert [run.lasts_s for run in seeds.world.standins.runs("domo")] == [10, 0]


# --- what was received


@pytest.mark.parametrize("name", NAMES)
async def test_a_request_is_recorded_with_its_answer(seeds: Seeds, name: str) -> None:
    reply = await seeds.start(name)

    received = seeds.world.standins.received[-1]
    assert (received.provider, received.verb, received.method) == (name, "start", "POST")
    assert received.path == reply.request.url.path.removeprefix(f"/{name}")
    assert (received.status, received.at) == (reply.status_code, received.at)
    assert received.json == yaml.safe_load(reply.request.content)


async def test_no_secret_is_kept_of_any_request(seeds: Seeds) -> None:
    for name in NAMES:
        await seeds.start(name)

    shown = repr(seeds.world.standins.received)
    named = seeds.world.standins.environment()
    secrets = [value for key, value in named.items() if not key.endswith("_URL")] + list(seeds.tokens.values())
    assert [secret for secret in secrets if secret in shown] == []


async def test_a_login_is_recorded_by_the_names_of_its_fields(seeds: Seeds) -> None:
    await seeds.login("zuora")

    (received,) = seeds.world.standins.received
    assert (received.verb, received.json) == ("login", None)
    assert set(received.form_keys) == {"client_id", "client_secret", "grant_type"}


async def test_what_is_no_operation_is_recorded_as_other(seeds: Seeds) -> None:
    await seeds.world.ask("domo", "GET", "/nothing", content=b"{")

    (received,) = seeds.world.standins.received
    assert (received.verb, received.json, received.status) == ("other", None, 404)


async def test_a_run_started_past_the_bot_is_not_counted(seeds: Seeds) -> None:
    run = seeds.world.standins.start_elsewhere("zuora", "396", started_by="somebody", accountId="1")

    assert (run.run_id, run.started_by, counted(seeds, "zuora")) == ("400", "somebody", 0)
    assert (await seeds.start("zuora")).json()["id"] == 401


@pytest.mark.parametrize("name", NAMES)
def test_each_stand_in_has_a_name_and_ids_that_never_repeat(name: str) -> None:
    standins = ProviderStandIns(run_s=0)
    workflow_id = {"zuora": "396", "bitrix24": "713"}.get(name, "x")

    ids = [standins.start_elsewhere(name, workflow_id, started_by="x").run_id for _ in range(20)]

    assert standins.standin(name).name == name
    assert len(set(ids)) == 20


# --- the server


async def test_stand_ins_listen_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        await ProviderStandIns().start("0.0.0.0")  # noqa: S104 - that is what is refused


async def test_stopping_before_starting_and_twice_is_harmless() -> None:
    standins = ProviderStandIns()
    await standins.stop()
    await standins.start()
    await standins.stop()
    await standins.stop()


async def test_an_unknown_stand_in_is_404(world: World) -> None:
    assert (await world.http.get(f"{world.standins.url}/acme/workflows")).status_code == 404


async def test_each_provider_has_an_address_of_its_own(world: World) -> None:
    assert world.standins.base_url("zuora") == f"{world.standins.url}/zuora"
    assert world.standins.environment()["ZUORA_URL"] == world.standins.base_url("zuora")


def test_an_unknown_switch_is_an_error() -> None:
    with pytest.raises(KeyError):
        ProviderStandIns().switch("zuora", "nonsense")


# --- the control door


async def test_faults_can_be_asked_for_by_http(seeds: Seeds) -> None:
    asked = {"provider": "bitrix24", "verb": "start", "times": 2, "kind": "status", "status": 429, "retry_after_s": 2}

    reply = await seeds.world.control("fault", **asked)

    assert reply.json() == {"ok": True}
    assert [(await seeds.start("bitrix24")).status_code for _ in range(3)] == [429, 429, 201]


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "acme"},
        {"provider": 7},
        {"kind": "nonsense"},
        {"kind": None},
        {"verb": "nonsense"},
        {"times": 0},
        {"times": "2"},
        {"status": "429"},
        {"is_applied": "yes"},
        {"delay_s": "long"},
        {"colour": "red"},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(seeds: Seeds, wrong: dict[str, Any]) -> None:
    reply = await seeds.world.control("fault", **({"provider": "domo", "kind": "drop"} | wrong))

    assert (reply.status_code, reply.json()["ok"]) == (400, False)
    assert reply.json()["error"]
    assert (await seeds.start("domo")).is_success


async def test_speed_scope_and_switch_can_be_changed_by_http(seeds: Seeds) -> None:
    await seeds.world.control("speed", run_s=0.5)
    await seeds.world.control("scope", provider="domo", scope="EXECUTE", is_held=False)
    await seeds.world.control("switch", provider="captain_data", switch="created_status", is_on=True)

    assert (await seeds.start("domo")).status_code == 403
    assert (await seeds.start("captain_data")).status_code == 201
    assert seeds.world.standins.runs("captain_data")[0].lasts_s == 0.5


async def test_a_scope_can_be_taken_on_one_workflow_and_given_back(seeds: Seeds) -> None:
    facts = {"provider": "salesforce", "scope": "Run Flows", "workflow": "Escalate_to_Case"}

    await seeds.world.control("scope", **facts, is_held=False)
    assert (await seeds.start("salesforce")).status_code == 404

    await seeds.world.control("scope", **facts, is_held=True)
    assert (await seeds.start("salesforce")).status_code == 200


@pytest.mark.parametrize(
    ("door", "body"),
    [
        ("speed", {}),
        ("speed", {"run_s": -1}),
        ("speed", {"run_s": "fast"}),
        ("scope", {"provider": "domo", "scope": "EXECUTE"}),
        ("scope", {"provider": "domo", "scope": 3, "is_held": True}),
        ("switch", {"provider": "domo", "switch": "nonsense", "is_on": True}),
        ("switch", {"provider": "domo", "switch": "null_as_text", "is_on": 1}),
    ],
)
async def test_a_change_that_makes_no_sense_is_refused(world: World, door: str, body: dict[str, Any]) -> None:
    assert (await world.control(door, **body)).status_code == 400


async def test_a_body_that_is_no_json_changes_nothing(world: World) -> None:
    assert (await world.http.post(f"{world.standins.url}/_control/speed", content=b"{")).status_code == 400


async def test_a_hang_can_be_released_by_http(seeds: Seeds) -> None:
    await prepared(seeds, "domo", Fault(kind=FaultKind.HANG))
    pending = asyncio.create_task(seeds.start("domo"))
    await arrived(seeds.world)

    await seeds.world.control("release")

    assert (await pending).is_success


async def test_what_was_received_and_what_runs_can_be_read_by_http(seeds: Seeds) -> None:
    await seeds.start("captain_data")

    (received,) = (await seeds.world.http.get(f"{seeds.world.standins.url}/_control/received")).json()
    (run,) = (await seeds.world.http.get(f"{seeds.world.standins.url}/_control/runs/captain_data")).json()

    assert (received["headers"]["authorization"], received["json"]["job_name"]) == ("****", "L-7K3QW")
    assert (run["key"], run["provider"]) == ("L-7K3QW", "captain_data")
    assert (await seeds.world.http.get(f"{seeds.world.standins.url}/_control/runs/acme")).status_code == 404


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.invalid"}, {"Origin": "null"}, {"Host": "evil.invalid:80"}])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "speed"), ("POST", "fault"), ("POST", "release"), ("GET", "received"), ("GET", "runs/domo")]
)
async def test_another_page_or_name_is_kept_out(world: World, method: str, path: str, headers: dict[str, str]) -> None:
    reply = await world.http.request(method, f"{world.standins.url}/_control/{path}", headers=headers, json={"run_s": 0})

    assert reply.status_code == 403


async def test_the_own_page_is_let_in(world: World) -> None:
    headers = {"Origin": world.standins.url}

    reply = await world.http.post(f"{world.standins.url}/_control/speed", headers=headers, json={"run_s": 1})

    assert reply.status_code == 200


# --- the demo's configuration

DEMO = (Path(bot.sandbox.__file__).parent / "demo.yaml").read_text()

ADDRESSES = {f"{name.upper()}_URL": f"http://127.0.0.1:1/{name}" for name in NAMES}


def demo() -> dict[str, Any]:
    return yaml.safe_load(DEMO)


async def test_every_reference_of_the_demo_is_offered_and_every_offer_is_used(world: World) -> None:
    assert set(re.findall(r"\$\{(\w+)\}", DEMO)) == set(world.standins.environment())


def test_the_demo_has_every_provider_and_no_literal_secret() -> None:
    connections = demo()["connections"]

    assert {name: each["provider"] for name, each in connections.items()} == {
        "billing": "zuora",
        "crm": "bitrix24",
        "sales": "salesforce",
        "support": "salesforce",
        "analytics": "domo",
        "growth": "captain_data",
    }
    for each in connections.values():
        assert all(value.startswith("${") for value in [each["base_url"], *each["credential"].values()])


def test_the_demo_is_a_configuration_that_the_bot_takes() -> None:
    path = Path(bot.sandbox.__file__).parent / "demo.yaml"

    read = read_configuration(path, providers=load(), environment=ProviderStandIns().environment() | ADDRESSES)

    assert set(read.connections) == {"billing", "crm", "sales", "support", "analytics", "growth"}
    assert {connection.poll_every_s for connection in read.connections.values()} == {0.3}
    assert set(read.policy.channels) == {"C0FINANCE", "C0SALES", "C0SUPPORT", "C0TREASURY", "C0DATA"}


def test_the_demos_workflows_are_those_of_the_stand_ins() -> None:
    connections = demo()["connections"]

    for model_id, entry in connections["analytics"]["workflows"].items():
        model = MODELS[model_id]
        assert (entry["name"], entry["message_name"], model.versions[entry["version"]]) == (model.name, model.message_name, True)
        assert {each.name for each in model.inputs} == set(entry["inputs"])
    for uid, entry in connections["growth"]["workflows"].items():
        recipe = RECIPES[uid]
        assert (entry["name"], [step["step_uid"] for step in entry["steps"]]) == (
            recipe.name,
            [step.step_uid for step in recipe.steps],
        )
        assert set(recipe.steps[0].inputs) == set(entry["inputs"])


def test_the_demo_grants_what_it_names() -> None:
    configured = demo()

    assert {name: channel["name"] for name, channel in configured["channels"].items()} == {
        "C0FINANCE": "finance-ops",
        "C0SALES": "sales-ops",
        "C0SUPPORT": "support",
        "C0TREASURY": "treasury",
        "C0DATA": "data-team",
    }
    for channel in configured["channels"].values():
        for grant in channel["grants"]:
            assert grant["connection"] in configured["connections"]
            assert grant["workflows"]
            assert grant["requesters"] in (["members"], ["S0TREASURY"])
