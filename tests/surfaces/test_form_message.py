"""A message that a launch is about: its values and the way back, and nothing else of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.surfaces.form_message import AboutMessage, kept_message, read_message
from bot.surfaces.found_values import Found


def a_payload(text: str = "about <https://crm.example.com/deal/5141/>", **changes: Any) -> dict[str, Any]:
    """Slack's payload of a message shortcut."""
    plain = {
        "type": "message_action",
        "team": {"id": "T0GONOGO", "domain": "gonogo-sandbox"},
        "channel": {"id": "C0FINANCE", "name": "finance-ops"},
        "message_ts": "1763716200.000300",
        "message": {"text": text, "ts": "1763716200.000300", "user": "U0BOB"},
    }
    return {**plain, **changes}


def about(**changes: Any) -> AboutMessage:
    return read_message(kept_message(a_payload(**changes)))


def test_the_values_and_the_address_of_the_message_are_kept() -> None:
    found = about()

    assert found.found.urls == ("https://crm.example.com/deal/5141/",)
    assert "5141" in found.found.ids
    assert found.link == "https://gonogo-sandbox.slack.com/archives/C0FINANCE/p1763716200000300"


def test_what_others_wrote_is_not_kept() -> None:
    kept = kept_message(a_payload("please dun account 4028905f5a87c0ff015a87d25ae90025 before noon"))

    assert "4028905f5a87c0ff015a87d25ae90025" in kept
    assert "please" not in kept
    assert "noon" not in kept


def test_what_looks_like_a_token_is_not_kept() -> None:
    token = "xoxb-" + "1" * 12 + "-made-up-for-a-test"

    assert token not in kept_message(a_payload(f"use {token}"))


def test_a_reply_is_addressed_inside_its_thread() -> None:
    message = {"text": "x", "ts": "1763716205.000100", "thread_ts": "1763716200.000300"}

    link = about(message=message, message_ts="1763716205.000100").link
    assert link == (
        "https://gonogo-sandbox.slack.com/archives/C0FINANCE/p1763716205000100?thread_ts=1763716200.000300&cid=C0FINANCE"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"team": {"id": "T0GONOGO"}},
        {"team": {"id": "T0GONOGO", "domain": "evil.example/x"}},
        {"channel": {"id": "../../x"}},
        {"message_ts": "now", "message": {"text": "x"}},
        {"team": None, "channel": None, "message": None, "message_ts": None},
    ],
)
def test_an_address_is_never_made_of_anything_else(changes: dict[str, Any]) -> None:
    assert about(**changes).link == ""


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"found": 1, "link": "javascript:alert(1)"}', '{"found": {"urls": [1, {}]}}'])
def test_what_is_no_message_holds_nothing(kept: str) -> None:
    assert read_message(kept) == AboutMessage(found=Found())


@given(st.text(max_size=300))
def test_whatever_a_message_holds_comes_back_as_it_was_kept(text: str) -> None:
    read = about(message={"text": text, "ts": "1763716200.000300"})

    assert all(isinstance(one, str) for one in (*read.found.urls, *read.found.emails, *read.found.ids))
    assert read.link.startswith("https://gonogo-sandbox.slack.com/")
