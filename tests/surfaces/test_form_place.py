"""What stands around the form's own blocks, and the views that hold no form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack.blocks import refuse_bad_view
from bot.sandbox.slack.filling import fill, submitted
from bot.sandbox.slack.forms import initial_state
from bot.surfaces.form_place import (
    PLACE,
    asking_place,
    being_launched,
    place_in,
    told,
    wants_preview,
    with_place,
    with_preview,
)
from bot.surfaces.launch_form import LAUNCH_FORM, form
from bot.surfaces.say import Say
from tests.block_limits import assert_view_within_limits
from tests.surfaces.test_form_view import CHOICE

PLACES = (("C0DATA", "data-team"), ("C0FINANCE", "finance-ops"))


def a_form() -> dict[str, Any]:
    return form(CHOICE, opened_by="command:1")


def test_the_channels_stand_above_the_form_and_the_chosen_one_is_chosen() -> None:
    view = with_place(a_form(), PLACES, "C0FINANCE")
    (block, *rest) = view["blocks"]

    refuse_bad_view(view, "modal")
    assert rest == a_form()["blocks"]
    assert [option["text"]["text"] for option in block["element"]["options"]] == ["#data-team", "#finance-ops"]
    assert place_in(initial_state(view["blocks"])) == "C0FINANCE"


def test_the_chosen_channel_comes_back_with_a_submission() -> None:
    view = with_place(a_form(), PLACES, "C0DATA")
    sent = submitted(view["blocks"], fill(view["blocks"], initial_state(view["blocks"]), {"accountId": "A1"}))

    assert place_in(sent) == "C0DATA"


def test_a_form_that_was_opened_in_a_channel_asks_for_none() -> None:
    assert with_place(a_form(), (), "C0FINANCE") == a_form()


def test_a_view_that_is_not_sent_holds_no_input_blocks() -> None:
    """Slack takes no input block without a button to send it."""
    view = asking_place(PLACES, opened_by="shortcut:1", notes=("Slack did not tell of one channel",))

    refuse_bad_view(view, "modal")
    assert [block["type"] for block in view["blocks"]] == ["section", "section"]
    assert view["blocks"][0]["accessory"]["action_id"] == PLACE
    assert (view["callback_id"], view["private_metadata"]) == (LAUNCH_FORM, "shortcut:1")
    assert place_in(initial_state(view["blocks"])) == ""


def test_nobody_chose_a_channel_in_a_state_without_one() -> None:
    assert place_in({}) == ""
    assert place_in({"place": {PLACE: {"type": "static_select", "selected_option": None}}}) == ""
    assert place_in({"place": None, "other": {"x": 1}}) == ""


def test_the_call_is_shown_first_only_where_somebody_wants_that() -> None:
    view = with_preview(a_form())
    state = initial_state(view["blocks"])

    refuse_bad_view(view, "modal")
    assert view["blocks"][:-1] == a_form()["blocks"]
    assert not wants_preview(state)
    assert wants_preview(fill(view["blocks"], state, {"Preview": ["show"]}))
    assert wants_preview(initial_state(with_preview(a_form(), is_wanted=True)["blocks"]))
    assert not wants_preview({})


def test_what_cannot_be_sent_has_no_preview() -> None:
    view = told(Say(text="Nothing here."), opened_by="command:1")

    assert with_preview(view) == view


@pytest.mark.parametrize("view", [told(Say(text="a\nb"), opened_by="k"), being_launched(opened_by="k")])
def test_views_without_a_form_only_say_something(view: dict[str, Any]) -> None:
    refuse_bad_view(view, "modal")
    assert "submit" not in view
    assert [block["type"] for block in view["blocks"]] == ["section"]
    assert view["private_metadata"] == "k"


@given(st.text(max_size=5000), st.lists(st.tuples(st.text(min_size=1, max_size=90), st.text(max_size=90)), max_size=60))
def test_whatever_is_said_or_named_is_within_slacks_limits(text: str, places: list[tuple[str, str]]) -> None:
    assert_view_within_limits(told(Say(text=text), opened_by="k"))
    assert_view_within_limits(with_place(a_form(), places, ""))
