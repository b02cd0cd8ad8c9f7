"""What a message brings to a form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.inputs import read_value
from bot.domain.model import InputType, Problem
from bot.surfaces.found_values import MOST_FOUND, Found, found_values, suggested
from tests.surfaces.form_parts import block, drawn, element, spec

PAGE = "https://acme.bitrix24.com/crm/deal/details/5141/?a=1&b=2"
URL = spec("page", InputType.URL)
MAIL = spec("who", InputType.EMAIL)
RECORD = spec("entityId", InputType.INTEGER)
ACCOUNT = spec("accountId")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", Found()),
        ("no values here, just 12 words", Found()),
        ("see <https://acme.com/a|the page>", Found(urls=("https://acme.com/a",))),
        ("see https://acme.com/a.", Found(urls=("https://acme.com/a",))),
        (f"<{PAGE.replace('&', '&amp;')}>", Found(urls=(PAGE,), ids=("5141",))),
        ("ask <mailto:ada@example.com|ada@example.com>", Found(emails=("ada@example.com",))),
        ("ask ada@example.com, please", Found(emails=("ada@example.com",))),
        ("account 4028905f5a87c0ff015a87d25ae90025!", Found(ids=("4028905f5a87c0ff015a87d25ae90025",))),
        ("run a8afdc89-9491-4ee4-b7c3-b9e9b86c0138", Found(ids=("a8afdc89-9491-4ee4-b7c3-b9e9b86c0138",))),
        ("INV-00042 on 2026-11-21", Found(ids=("INV-00042",))),
        ("it costs 12.500 or 1,250", Found()),
        ("<@U0ALICE> <!channel> <#C0FINANCE|finance>", Found()),
        ("5141 and 5141", Found(ids=("5141",))),
        ("<javascript:alert(1)|x>", Found()),
    ],
)
def test_addresses_and_ids_are_found(message: str, expected: Found) -> None:
    assert found_values(message) == expected


def test_what_looks_like_a_token_is_never_offered() -> None:
    token = "xoxb-" + "1234567890-abcdefghij"

    assert found_values(f"use {token} or https://hooks.slack.com/services/T000/B000/abcdefgh1") == Found()


def test_the_only_value_of_a_kind_stands_in_its_field() -> None:
    found = suggested(found_values(f"<{PAGE}> by ada@example.com"), (URL, MAIL, RECORD, spec("note")))
    view = drawn(URL, MAIL, RECORD, given=found.given)

    assert found.given == {"page": PAGE, "who": "ada@example.com", "entityId": "5141"}
    assert found.notes == {}
    assert element(view, "page")["initial_value"] == PAGE


def test_of_several_values_none_is_taken_and_all_are_told() -> None:
    found = suggested(found_values("https://a.example/ https://b.example/ 5141 5142"), (URL, RECORD, ACCOUNT))
    view = drawn(URL, RECORD, notes_at=found.notes)

    assert found.given == {}
    assert "In the message: https://a.example/, https://b.example/" in block(view, "page")["hint"]["text"]
    assert found.notes["entityId"] == "In the message: 5141, 5142"


def test_an_id_is_only_for_an_input_that_is_called_one_and_takes_it() -> None:
    found = suggested(found_values("4028905f5a87c0ff"), (ACCOUNT, RECORD, spec("id"), spec("paid"), spec("note")))

    assert found.given == {"accountId": "4028905f5a87c0ff", "id": "4028905f5a87c0ff"}


@given(st.text(max_size=500) | st.lists(st.sampled_from(["<", ">", "|", "https://", "a@b.co", "&lt;", "123", " "])).map("".join))
def test_whatever_a_message_says_what_is_suggested_fits(message: str) -> None:
    found = found_values(message)
    specs = (URL, MAIL, RECORD, ACCOUNT)
    brought = suggested(found, specs)

    assert all(len(kind) <= MOST_FOUND for kind in (found.urls, found.emails, found.ids))
    assert not [
        name
        for name, text in brought.given.items()
        for one in specs
        if one.name == name and isinstance(read_value(one, text), Problem)
    ]
    drawn(*specs, given=brought.given, notes_at=brought.notes)
