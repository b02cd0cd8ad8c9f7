"""Changes in words and as YAML: what is pasted must be read back as what was meant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.changes import AddGrant, AddRequester, AddScope, AddWorkflow, AllowShared, Change, ExemptFrom, RaiseLimit
from bot.domain.grants import Grant
from bot.surfaces.change_text import change_parts, scalar, snippet
from bot.surfaces.escaping import as_plain
from tests.builders import NOON

ENDS = NOON + timedelta(hours=2)
GRANT = Grant(connection="billing", scopes=("Workflow Run Access",), workflows=("396",), requesters=("U0BOB",))
PLACE: dict[str, Any] = {"channel_id": "C0FINANCE", "number": 2}


def read(*changes: Change, channel: str = "finance-ops", connection: str = "billing") -> Any:
    return yaml.safe_load(snippet(changes, channel_name=channel, connection=connection))


@pytest.mark.parametrize(
    ("change", "sentence", "meaning"),
    [
        (
            AddRequester(**PLACE, user_id="U0BOB"),
            "Add U0BOB to the requesters of grant 2 of #finance-ops, for everything that it names.",
            {"channels": {"C0FINANCE": {"grants": [{"requesters": ["U0BOB"]}]}}},
        ),
        (
            AddWorkflow(**PLACE, pattern="396"),
            "Add “396” to the workflows of grant 2 of #finance-ops, for everybody whom it names.",
            {"channels": {"C0FINANCE": {"grants": [{"workflows": ["396"]}]}}},
        ),
        (
            AddScope(**PLACE, scope="Workflow Run Access"),
            "Add “Workflow Run Access” to the scopes of grant 2 of #finance-ops.",
            {"channels": {"C0FINANCE": {"grants": [{"scopes": ["Workflow Run Access"]}]}}},
        ),
        (
            RaiseLimit(**PLACE, limit="per_hour", most=6),
            "Raise the limit of grant 2 of #finance-ops to 6 launches in any hour.",
            {"channels": {"C0FINANCE": {"grants": [{"limits": {"per_hour": 6}}]}}},
        ),
        (
            RaiseLimit(**PLACE, limit="running", most=6),
            "Raise the limit of grant 2 of #finance-ops to 6 launches at a time.",
            {"channels": {"C0FINANCE": {"grants": [{"limits": {"running": 6}}]}}},
        ),
        (
            AddGrant(channel_id="C0FINANCE", channel_name="finance-ops", grant=GRANT),
            "Add a grant to #finance-ops: “396” of billing, for U0BOB.",
            {
                "channels": {
                    "C0FINANCE": {
                        "grants": [
                            {
                                "connection": "billing",
                                "scopes": ["Workflow Run Access"],
                                "workflows": ["396"],
                                "requesters": ["U0BOB"],
                            }
                        ]
                    }
                }
            },
        ),
        (
            AllowShared(channel_id="C0FINANCE"),
            "Allow launches in #finance-ops although another organisation reads along.",
            {"channels": {"C0FINANCE": {"shared": True}}},
        ),
        (
            ExemptFrom(freeze="month-end", user_id="U0BOB", ends=ENDS),
            "Except U0BOB from the freeze “month-end”; or wait until 2026-11-21 14:00 UTC.",
            {"freezes": [{"except": ["U0BOB"]}]},
        ),
    ],
)
def test_every_change_has_its_sentence_and_its_yaml(change: Change, sentence: str, meaning: Any) -> None:
    assert as_plain(change_parts(change, "finance-ops")) == sentence
    assert read(change) == meaning


def test_what_is_added_to_one_grant_stands_in_one_entry_and_comments_say_where_it_goes() -> None:
    changes = (
        AllowShared(channel_id="C0FINANCE"),
        AddWorkflow(**PLACE, pattern="396"),
        AddScope(**PLACE, scope="Workflow Run Access"),
        AddScope(**PLACE, scope="Workflow View Access"),
        AddRequester(**PLACE, user_id="U0BOB"),
        RaiseLimit(**PLACE, limit="per_hour", most=6),
        RaiseLimit(**PLACE, limit="running", most=2),
        ExemptFrom(freeze="month-end", user_id="U0BOB", ends=ENDS),
    )
    text = snippet(changes, channel_name="finance-ops", connection="billing")

    assert text == "\n".join(  # noqa: FLY002 - lines are read one by one
        [
            "channels:",
            "  C0FINANCE:  # finance-ops",
            "    shared: true",
            "    grants:",
            "      # grant 2 (billing): put this in",
            '      - workflows: ["396"]',
            "        scopes: [Workflow Run Access, Workflow View Access]",
            "        requesters: [U0BOB]",
            "        limits: {per_hour: 6, running: 2}",
            "freezes:",
            "  # month-end: put this in",
            "  - except: [U0BOB]",
        ]
    )


def test_a_new_channel_brings_its_name() -> None:
    change = AddGrant(channel_id="C0NEW", channel_name="new-place", grant=GRANT, is_channel_new=True)

    assert read(change)["channels"]["C0NEW"]["name"] == "new-place"


def test_nothing_to_change_is_no_yaml() -> None:
    assert read() is None


@given(st.text(max_size=60))
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    assert yaml.safe_load(f"x: [{scalar(text)}]") == {"x": [text]}


@pytest.mark.parametrize(
    "text", ["396", "true", "No", "null", "1e3", "~", "a: b", "a #b", "[a]", "- a", "", " a", "0x1f", "2026-11-21"]
)
def test_what_yaml_would_take_for_something_else_is_quoted(text: str) -> None:
    assert scalar(text).startswith('"')
    assert yaml.safe_load(scalar(text)) == text


@given(st.text(max_size=40), st.text(max_size=40), st.text(min_size=1, max_size=40))
def test_a_name_in_a_comment_never_leaves_it(channel: str, connection: str, freeze: str) -> None:
    changes = (AddRequester(**PLACE, user_id="U0BOB"), ExemptFrom(freeze=freeze, user_id="U0BOB", ends=ENDS))

    assert read(*changes, channel=channel, connection=connection) == {
        "channels": {"C0FINANCE": {"grants": [{"requesters": ["U0BOB"]}]}},
        "freezes": [{"except": ["U0BOB"]}],
    }
