"""Deals, leads, contacts and companies to choose from: by id, by name, and without a search the newest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Connection, Workflow
from bot.domain.provider import Busy, FoundRecord, FoundRecords, Provider, Refused, Reply, Unauthorised, Unreachable, Unsupported
from bot.providers.bitrix24 import PROVIDER
from tests.builders import a_connection
from tests.exchanges import Driven, drive
from tests.odd_replies import answered, odd_replies

CRM: Connection = a_connection(name="crm", provider="bitrix24", base_url="https://vibecode.bitrix24.tech")
KINDS = ["deal", "lead", "contact", "company"]
ROWS = [{"id": 7, "title": "Acme renewal"}, {"ID": "5141", "TITLE": "Acme licence"}]


def says(status: int, body: Any = None) -> Reply:
    return Reply(status=status, body=json.dumps(body))


def rows(*found: Any) -> Reply:
    return says(200, {"success": True, "data": list(found), "meta": {"total": len(found)}})


def fault(status: int, code: str) -> Reply:
    return says(status, {"success": False, "error": {"code": code, "message": "as documented"}})


def search(kind: str, text: str, *replies: Reply) -> Driven:
    return drive(PROVIDER.records(kind, text, CRM), *replies)


def found(*pairs: tuple[str, str]) -> FoundRecords:
    return FoundRecords(records=tuple(FoundRecord(record_id=record_id, title=title) for record_id, title in pairs))


@pytest.mark.parametrize(
    ("kind", "path"), [("deal", "deals"), ("lead", "leads"), ("contact", "contacts"), ("company", "companies")]
)
def test_without_a_search_the_newest_are_listed(kind: str, path: str) -> None:
    driven = search(kind, " ", rows({"id": 7, "title": "x", "name": "y"}))

    assert (driven.call.method, driven.call.path) == ("GET", f"/v1/{path}")
    assert driven.call.query == {"limit": "100", "order[id]": "desc"}
    assert [one.record_id for one in driven.answer.records] == ["7"]


def test_a_name_is_searched_for_and_read_in_either_spelling() -> None:
    driven = search("deal", "acme", rows(*ROWS))

    assert (driven.call.method, driven.call.path) == ("POST", "/v1/deals/search")
    assert driven.call.json == {"filter": {"title": {"$contains": "acme"}}, "limit": 100}
    assert not driven.call.changes
    assert driven.answer == found(("7", "Acme renewal"), ("5141", "Acme licence"))


def test_a_person_is_searched_for_by_both_names_and_shown_by_both() -> None:
    ada = {"id": 3, "name": "Ada", "lastName": "Byron"}
    driven = search("contact", "ada", rows(ada), rows({"id": 4, "name": "Zed", "lastName": "Adams"}, ada))

    assert [call.json["filter"] for call in driven.calls] == [{"name": {"$contains": "ada"}}, {"lastName": {"$contains": "ada"}}]
    assert driven.answer == found(("3", "Ada Byron"), ("4", "Zed Adams"))


def test_a_number_is_an_id_first_and_a_name_as_well() -> None:
    driven = search("deal", "5141", says(200, {"success": True, "data": ROWS[1]}), rows({"id": 9, "title": "Order 5141"}))

    assert [call.path for call in driven.calls] == ["/v1/deals/5141", "/v1/deals/search"]
    assert driven.answer == found(("5141", "Acme licence"), ("9", "Order 5141"))


def test_an_id_that_is_not_there_is_no_trouble() -> None:
    assert search("deal", "5141", fault(404, "ENTITY_NOT_FOUND"), rows()).answer == found()


@pytest.mark.parametrize("refusal", [fault(403, "WRITE_BLOCKED_READONLY_KEY"), fault(400, "INVALID_FILTER"), says(404, {})])
def test_where_searching_is_refused_the_newest_are_looked_through(refusal: Reply) -> None:
    driven = search("deal", "LICENCE", refusal, rows(*ROWS))

    assert driven.calls[-1].query == {"limit": "100", "order[id]": "desc"}
    assert driven.answer == found(("5141", "Acme licence"))


def test_a_record_without_a_name_is_shown_by_its_kind_and_id() -> None:
    assert search("lead", "", rows({"id": 12, "title": ""})).answer == found(("12", "Lead 12"))


@pytest.mark.parametrize("row", [{}, {"id": 0}, {"id": "x"}, {"id": None}, {"id": -1}, "text", None, []])
def test_a_row_that_is_no_record_is_left_out(row: Any) -> None:
    assert search("deal", "", rows(row, ROWS[0])).answer == found(("7", "Acme renewal"))


def test_no_more_than_a_person_can_choose_from() -> None:
    many = [{"id": number, "title": f"Deal {number}"} for number in range(1, 400)]

    assert len(search("deal", "", rows(*many)).answer.records) == 100


@pytest.mark.parametrize("code", ["SCOPE_DENIED", "BITRIX_ACCESS_DENIED"])
def test_a_key_that_may_not_read_the_crm_is_told_by_that_scope(code: str) -> None:
    answer = search("deal", "", fault(403, code)).answer

    assert isinstance(answer, Unauthorised)
    assert (answer.scope, "type the record's id" in answer.meaning) == ("crm", True)


@pytest.mark.parametrize(
    ("reply", "kind"), [(fault(429, "RATE_LIMITED"), Busy), (says(502), Unreachable), (fault(401, "X"), Unauthorised)]
)
def test_other_troubles_are_what_they_are_elsewhere(reply: Reply, kind: type[Any]) -> None:
    assert isinstance(search("deal", "", reply).answer, kind)


def test_a_kind_that_there_is_not_is_not_asked_for() -> None:
    driven = search("robot", "x")

    assert (driven.calls, type(driven.answer)) == ((), Refused)


@given(st.sampled_from(KINDS), st.text(max_size=8), odd_replies([{"success": True, "data": ROWS}]))
def test_whatever_comes_back_it_ends_with_an_answer_and_changes_nothing(kind: str, text: str, reply: Reply) -> None:
    calls, answer = answered(PROVIDER.records(kind, text, CRM), [reply], most_calls=4)

    assert isinstance(answer, FoundRecords | Refused | Unauthorised | Busy | Unreachable)
    assert not any(call.changes for call in calls)
    if isinstance(answer, FoundRecords):
        assert all(one.title and int(one.record_id) > 0 for one in answer.records)


# --- which input takes one ---

DEALS_ONLY = Workflow(workflow_id="713", extras={"entity_type": "deal"})


@pytest.mark.parametrize(
    ("name", "given_inputs", "workflow", "kind"),
    [
        ("entityId", {}, DEALS_ONLY, "deal"),
        ("entityId", {"entityType": "lead"}, DEALS_ONLY, "deal"),
        ("entityId", {"entityType": "lead"}, Workflow(workflow_id="1"), "lead"),
        ("entityId", {"entityType": "robot"}, Workflow(workflow_id="1"), None),
        ("entityId", {}, Workflow(workflow_id="1"), None),
        ("Amount", {}, DEALS_ONLY, None),
    ],
)
def test_the_records_id_is_chosen_among_records_of_the_templates_kind(
    name: str, given_inputs: dict[str, str], workflow: Workflow, kind: str | None
) -> None:
    assert PROVIDER.record_kind(name, given_inputs, workflow) == kind


def test_reading_records_needs_the_crm_scope_in_the_grant() -> None:
    assert PROVIDER.needed_scopes("records", DEALS_ONLY) == ("crm",)


def test_a_provider_without_records_says_so() -> None:
    class Plain(Provider):
        name = "plain"
        title = "Plain"

    assert Plain().record_kind("entityId", {}, DEALS_ONLY) is None
    assert isinstance(drive(Plain().records("deal", "x", CRM)).answer, Unsupported)
