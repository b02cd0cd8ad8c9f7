"""The record that a workflow runs on is searched for by name, by whoever may see the CRM's records, and launched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.journeys.form_parts import Forms, block_of
from tests.journeys.house import ENDS, House, a_house

ALICE, SALES = "U0ALICE", "C0SALES"


async def found(house: House, text: str) -> list[str]:
    answer = await house.slack.people.suggest(ALICE, "Record id", text)
    body: Any = answer.body
    return [option["text"]["text"] for option in body["options"]]


async def test_a_record_is_searched_by_name_and_the_workflow_runs_on_it(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        alice = Forms(house, ALICE)
        view = await alice.open(SALES, "crm 713 Amount=5", "Record id")
        assert await found(house, "deal 5141") == ["Deal 5141"]
        assert (await found(house, ""))[:2] == ["Deal 9999", "Deal 9998"]

        chosen = {"text": {"type": "plain_text", "text": "Deal 5141"}, "value": "5141"}
        await house.card(await alice.launched(SALES, {block_of(view, "entityId"): chosen}), *ENDS)
        (start,) = [one for one in house.providers.received if one.verb == "start"]

        assert (start.json["entityType"], start.json["entityId"]) == ("deal", 5141)


async def test_an_id_is_offered_although_the_portal_is_down(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await Forms(house, ALICE).open(SALES, "crm 713 Amount=5", "Record id")
        house.providers.hold_scope("bitrix24", "crm", is_held=False)

        assert await found(house, "5141") == ["Deal 5141"]
        assert await found(house, "Acme") == []
