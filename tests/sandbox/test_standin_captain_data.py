"""Captain Data's stand-in against its documents: seed 004 and providers/captaindata.md."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.standins.captain_data import ACCOUNT, COOKIE, INVALID_ACCOUNT
from tests.sandbox.standin_world import World, a_world

FIND_EMAIL = "0d179c07-6443-4eeb-ada7-652fb498f997"
PROFILES = "1e28ad18-7554-4eeb-ada7-652fb498f998"
ENRICH = "2f39be29-8665-4eeb-ada7-652fb498f999"
SCRAPE = "3a4acf3a-9776-4eeb-ada7-652fb498fa00"
STEPS = {
    FIND_EMAIL: "11111111-1111-4111-8111-111111111111",
    PROFILES: "44444444-4444-4444-8444-444444444444",
    ENRICH: "55555555-5555-4555-8555-555555555555",
    SCRAPE: "66666666-6666-4666-8666-666666666666",
}
ROWS = {
    FIND_EMAIL: {"first_name": "Ada", "last_name": "Lovelace", "company_name": "Analytical Engines"},
    PROFILES: {"linkedin_profile_url": "https://example.invalid/ada"},
    ENRICH: {"domain": "example.invalid"},
    SCRAPE: {"url": "https://example.invalid/"},
}


def a_step(uid: str = FIND_EMAIL, **changes: Any) -> dict[str, Any]:
    accounts = [ACCOUNT] if uid == PROFILES else []
    return {"step_uid": STEPS[uid], "accounts": accounts, "parameters": {}} | changes


def a_job(uid: str = FIND_EMAIL, **changes: Any) -> dict[str, Any]:
    return {"job_name": "L-7K3QW", "steps": [a_step(uid)], "inputs": [ROWS[uid]]} | changes


class CaptainData:
    def __init__(self, world: World) -> None:
        self.world = world
        named = world.standins.environment()
        self.key, self.project = named["CAPTAIN_DATA_KEY"], named["CAPTAIN_DATA_PROJECT"]
        self.headers = {"Authorization": f"x-api-key {self.key}", "x-project-id": self.project}

    async def ask(self, method: str, path: str, **facts: Any) -> httpx.Response:
        return await self.world.ask("captain_data", method, f"/v3{path}", headers=self.headers, **facts)

    async def launch(self, body: dict[str, Any] | None = None, *, uid: str = FIND_EMAIL, **changes: Any) -> httpx.Response:
        return await self.ask("POST", f"/workflows/{uid}/schedule", json=a_job(uid, **changes) if body is None else body)

    async def job(self, uid: str) -> dict[str, Any]:
        return (await self.ask("GET", f"/jobs/{uid}")).json()

    def runs(self) -> int:
        return len(self.world.standins.runs("captain_data"))


@pytest.fixture
async def captain_data() -> AsyncIterator[CaptainData]:
    async with a_world(run_s=100) as world:
        yield CaptainData(world)


# --- who asks


@pytest.mark.parametrize(
    "change",
    [
        {"Authorization": ""},
        {"Authorization": "x-api-key other"},
        {"Authorization": "Bearer made-up-captain-data-key"},
        {"x-project-id": "other"},
        {"x-project-id": ""},
    ],
)
async def test_key_and_workspace_must_both_be_right(captain_data: CaptainData, change: dict[str, str]) -> None:
    captain_data.headers |= change

    assert (await captain_data.ask("GET", "/workspace")).status_code == 401
    assert (await captain_data.launch()).status_code == 401
    assert captain_data.runs() == 0


async def test_a_bare_key_header_works_too(captain_data: CaptainData) -> None:
    captain_data.headers = {"x-api-key": captain_data.key, "x-project-id": captain_data.project}

    assert (await captain_data.ask("GET", "/workspace")).json()["tasks_left"] == 900


async def test_the_key_is_refused_once_and_good_again(captain_data: CaptainData) -> None:
    captain_data.world.standins.fault("captain_data", Fault(kind=FaultKind.EXPIRE))

    assert [(await captain_data.launch()).status_code for _ in range(2)] == [401, 200]


# --- launch


@pytest.mark.parametrize("name", ["job_name", "steps", "inputs"])
async def test_three_fields_are_required(captain_data: CaptainData, name: str) -> None:
    reply = await captain_data.launch({key: value for key, value in a_job().items() if key != name})

    assert (reply.status_code, captain_data.runs()) == (400, 0)
    assert name in reply.json()["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"job_name": 7},
        {"job_name": ""},
        {"steps": []},
        {"steps": ["x"]},
        {"steps": [a_step(step_uid="unknown")]},
        {"steps": [a_step(parameters=None)]},
        {"steps": [a_step(accounts=["unknown"])]},
        {"inputs": []},
        {"inputs": {"company_name": "x"}},
        {"inputs": [{"first_name": "Ada"}]},
        {"inputs": [{"company_name": 5}]},
        {"inputs": [{"company_name": ""}]},
        {"inputs": [{"company_name": "x", "Company": "y"}]},
        {"inputs": [{"first_name": "Ada"}, {"last_name": "Lovelace"}, {"company_name": "x"}]},
        {"repeat_option": {"type": "second", "value": 10}},
        {"repeat_option": {"type": "minute"}},
    ],
)
async def test_a_careless_launch_is_refused(captain_data: CaptainData, changes: dict[str, Any]) -> None:
    reply = await captain_data.launch(**changes)

    assert (reply.status_code, captain_data.runs()) == (400, 0)
    assert reply.json()["message"]


async def test_a_form_is_no_launch(captain_data: CaptainData) -> None:
    assert (await captain_data.ask("POST", f"/workflows/{FIND_EMAIL}/schedule", data={"job_name": "x"})).status_code == 400


async def test_a_launch_is_answered_as_documented(captain_data: CaptainData) -> None:
    reply = await captain_data.launch()

    body = reply.json()
    assert reply.status_code == 200
    assert (body["message"], body["workflow"]["uid"]) == ("Bot successfully scheduled.", FIND_EMAIL)
    (run,) = captain_data.world.standins.runs("captain_data")
    assert (run.run_id, run.key, run.inputs["rows"]) == (body["job_uid"], "L-7K3QW", [ROWS[FIND_EMAIL]])


async def test_the_status_may_be_created(captain_data: CaptainData) -> None:
    captain_data.world.standins.switch("captain_data", "created_status")

    assert (await captain_data.launch()).status_code == 201


async def test_meta_and_a_proper_repeat_are_taken(captain_data: CaptainData) -> None:
    row = ROWS[FIND_EMAIL] | {"meta": {"ours": 1}}

    reply = await captain_data.launch(inputs=[row], repeat_option={"type": "minute", "value": 10})

    assert reply.status_code == 200


async def test_a_step_with_an_integration_wants_an_account(captain_data: CaptainData) -> None:
    assert (await captain_data.launch(uid=PROFILES, steps=[a_step(PROFILES, accounts=[])])).status_code == 400
    assert (await captain_data.launch(uid=PROFILES)).status_code == 200


async def test_an_account_that_is_no_good_or_taken_away_is_denied(captain_data: CaptainData) -> None:
    assert (await captain_data.launch(uid=PROFILES, steps=[a_step(PROFILES, accounts=[INVALID_ACCOUNT])])).status_code == 403

    captain_data.world.standins.hold_scope("captain_data", ACCOUNT, is_held=False)
    assert (await captain_data.launch(uid=PROFILES)).status_code == 403
    assert captain_data.runs() == 0


async def test_an_unknown_workflow_is_404(captain_data: CaptainData) -> None:
    for method, path in (("POST", "schedule"), ("GET", "jobs"), ("GET", "details")):
        assert (await captain_data.ask(method, f"/workflows/unknown/{path}", json=a_job())).status_code == 404


async def test_two_launches_of_one_name_are_two_jobs(captain_data: CaptainData) -> None:
    await captain_data.launch()
    await captain_data.launch()

    assert captain_data.runs() == 2


# --- track


@pytest.mark.parametrize(
    ("uid", "seen"),
    [
        (FIND_EMAIL, ["pending", "running", "running", "finished", "finished", "finished"]),
        (PROFILES, ["pending", "running", "paused", "paused", "running", "finished"]),
        (ENRICH, ["pending", "running", "running", "warning", "warning", "warning"]),
        (SCRAPE, ["pending", "running", "shutdown", "shutdown", "shutdown", "shutdown"]),
    ],
)
async def test_each_workflow_goes_its_own_way(captain_data: CaptainData, uid: str, seen: list[str]) -> None:
    job_uid = (await captain_data.launch(uid=uid)).json()["job_uid"]

    statuses = []
    for wait_s in (0, 20, 30, 60, 100, 100):
        captain_data.world.clock.move(wait_s)
        statuses.append((await captain_data.job(job_uid))["status"])

    assert statuses == seen


async def test_a_finished_job_counts_its_rows(captain_data: CaptainData) -> None:
    job_uid = (await captain_data.launch(inputs=[ROWS[FIND_EMAIL], ROWS[FIND_EMAIL]])).json()["job_uid"]
    captain_data.world.clock.move(100)

    job = await captain_data.job(job_uid)
    results = (await captain_data.ask("GET", f"/jobs/{job_uid}/results")).json()

    assert (job["number_inputs"], job["row_count"], job["error_message"]) == (2, 2, None)
    assert (job["start_time"], job["finish_time"]) == ("2026-11-21T12:00:00", "2026-11-21T12:01:40")
    assert (len(results["results"]), results["paging"]["have_next_page"]) == (2, False)


async def test_a_running_job_has_no_results_yet(captain_data: CaptainData) -> None:
    job_uid = (await captain_data.launch()).json()["job_uid"]

    assert (await captain_data.ask("GET", f"/jobs/{job_uid}/results")).json()["results"] == []
    assert (await captain_data.job(job_uid))["start_time"] is None


@pytest.mark.parametrize(("uid", "wait_s"), [(PROFILES, 60), (ENRICH, 100), (SCRAPE, 60)])
async def test_a_job_in_trouble_says_why(captain_data: CaptainData, uid: str, wait_s: int) -> None:
    job_uid = (await captain_data.launch(uid=uid)).json()["job_uid"]
    captain_data.world.clock.move(wait_s)

    assert (await captain_data.job(job_uid))["error_message"]


async def test_an_unknown_job_is_404(captain_data: CaptainData) -> None:
    for path in ("/jobs/unknown", "/jobs/unknown/results"):
        assert (await captain_data.ask("GET", path)).status_code == 404


async def test_jobs_of_a_workflow_are_listed_by_name(captain_data: CaptainData) -> None:
    await captain_data.launch()
    await captain_data.launch(uid=ENRICH)
    captain_data.world.clock.move(1)
    await captain_data.launch(job_name="L-7K3QX")

    rows = (await captain_data.ask("GET", f"/workflows/{FIND_EMAIL}/jobs", params={"page": 0})).json()

    assert [(row["name"], row["main_job_name"]) for row in rows] == [("L-7K3QX", "L-7K3QX"), ("L-7K3QW", "L-7K3QW")]
    assert (await captain_data.ask("GET", f"/workflows/{FIND_EMAIL}/jobs", params={"page": 1})).json() == []


async def test_the_jobs_name_may_stand_in_the_main_job_alone(captain_data: CaptainData) -> None:
    captain_data.world.standins.switch("captain_data", "name_in_main_only")
    await captain_data.launch()

    (row,) = (await captain_data.ask("GET", f"/workflows/{FIND_EMAIL}/jobs")).json()

    assert (row["name"], row["main_job_name"]) == ("Find email", "L-7K3QW")


# --- the rest


async def test_workflows_are_a_list_at_the_root(captain_data: CaptainData) -> None:
    rows = (await captain_data.ask("GET", "/workflows")).json()

    assert [row["name"] for row in rows] == ["Find email", "Extract profiles", "Enrich companies", "Scrape site"]
    assert rows[0]["steps"] == [{"name": "Find email", "step_uid": STEPS[FIND_EMAIL], "uid": STEPS[FIND_EMAIL]}]


async def test_details_tell_inputs_parameters_and_integrations(captain_data: CaptainData) -> None:
    (step,) = (await captain_data.ask("GET", f"/workflows/{FIND_EMAIL}/details")).json()["steps"]
    (other,) = (await captain_data.ask("GET", f"/workflows/{PROFILES}/details")).json()["steps"]

    assert {name: each["required"] for name, each in step["input_schema"].items()} == {
        "first_name": 0,
        "last_name": 0,
        "company_name": 1,
    }
    assert (other["integrations"], other["parameters_schema"]["properties"]["max_results"]) == (["linkedin"], 100)


async def test_the_list_of_accounts_carries_live_cookies(captain_data: CaptainData) -> None:
    body = (await captain_data.ask("GET", "/integrations/linkedin/accounts", params={"page": 0, "stats": "true"})).json()

    assert {each["uid"]: each["is_valid"] for each in body["accounts"]} == {ACCOUNT: True, INVALID_ACCOUNT: False}
    assert {each["cookies"]["li_at"] for each in body["accounts"]} == {COOKIE}
    assert (body["next_page_exist"], body["number_total_acounts"]) == (False, 2)


@pytest.mark.parametrize("path", ["/integrations/linkedin/accounts?page=1", "/integrations/hubspot/accounts"])
async def test_there_are_no_more_accounts(captain_data: CaptainData, path: str) -> None:
    assert (await captain_data.ask("GET", path)).json()["accounts"] == []


async def test_removing_a_schedule_goes_by_name_and_stops_nothing(captain_data: CaptainData) -> None:
    job_uid = (await captain_data.launch()).json()["job_uid"]

    assert (await captain_data.ask("DELETE", "/jobs/L-7K3QW")).json() == {"message": "Schedule deleted."}
    assert (await captain_data.job(job_uid))["status"] == "pending"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/jobs/x/cancel", 404), ("GET", f"/workflows/{FIND_EMAIL}/schedule", 405), ("PUT", "/workspace", 405)],
)
async def test_wrong_addresses_and_methods(captain_data: CaptainData, method: str, path: str, status: int) -> None:
    assert (await captain_data.ask(method, path)).status_code == status


async def test_too_many_inputs_are_refused_and_not_queued(captain_data: CaptainData) -> None:
    captain_data.world.standins.fault("captain_data", Fault(kind=FaultKind.STATUS, status=429))

    assert ((await captain_data.launch()).status_code, captain_data.runs()) == (429, 0)
