"""What an App Home says beside its lists."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Reason
from bot.surfaces.home import home
from bot.surfaces.home_notices import MOST_TROUBLES, closed_home, say_how_to_launch, with_troubles
from bot.surfaces.say import Say
from tests.block_limits import assert_harmless, assert_view_within_limits, shown

EMPTY = home((), (), (), command="/launch")


def text_of(view: dict[str, Any]) -> str:
    return shown(Say(text="Home", blocks=tuple(view["blocks"])))


@pytest.mark.parametrize(
    ("code", "word"), [("person_is_guest", "guest"), ("person_is_stranger", "organisation"), ("person_is_bot", "bot")]
)
def test_a_closed_home_says_why_and_nothing_else(code: str, word: str) -> None:
    view = closed_home((Reason(code=code, facts={"person": "U0GUEST"}),), command="/launch")

    assert_view_within_limits(view)
    assert word in text_of(view)
    assert "approval" not in text_of(view)
    assert not any(block["type"] == "actions" for block in view["blocks"])


def test_a_home_that_lacks_nothing_is_as_it_was() -> None:
    assert with_troubles(EMPTY, ()) == EMPTY


def test_what_could_not_be_looked_up_is_named_after_everything_else() -> None:
    view = with_troubles(EMPTY, ["user group S0LEADS: Slack did not tell"])

    assert view["blocks"][:-1] == EMPTY["blocks"]
    assert "This may be incomplete" in text_of(view)
    assert "user group S0LEADS: Slack did not tell." in text_of(view)
    assert EMPTY["blocks"] != view["blocks"]


def test_many_troubles_are_counted() -> None:
    text = text_of(with_troubles(EMPTY, [f"trouble {number}" for number in range(MOST_TROUBLES + 3)]))

    assert f"trouble {MOST_TROUBLES - 1} and 3 more" in text
    assert f"trouble {MOST_TROUBLES}" not in text


@given(st.lists(st.text(max_size=400), max_size=12))
def test_whatever_a_trouble_says_is_shown_literally_and_within_limits(troubles: list[str]) -> None:
    view = with_troubles(EMPTY, troubles)

    assert_view_within_limits(view)
    assert_harmless(Say(text="Home", blocks=tuple(view["blocks"])))


def test_who_presses_launch_is_told_what_to_type_by_the_configured_name() -> None:
    say = say_how_to_launch(command="/go")

    assert "/go &lt;connection&gt; &lt;workflow&gt;" in say.text
    assert "/go help" in say.text
    assert "/launch" not in say.text
