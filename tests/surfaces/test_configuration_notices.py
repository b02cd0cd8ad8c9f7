from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.surfaces.configuration_notices import MOST_CHANGES, MOST_FAULTS, say_configuration_refused, say_reloaded
from bot.surfaces.say import Say
from tests.block_limits import assert_within_limits

DIGEST = "0123456789abcdef" * 4


def reloaded(*changes: str, restart: tuple[str, ...] = (), warnings: int = 0) -> Say:
    return say_reloaded(changes, DIGEST, restart=restart, warnings=warnings)


def test_a_reload_is_one_line_with_what_changed_and_which_policy_holds_now() -> None:
    assert reloaded("connection growth added", "freezes changed").text == (
        "Configuration reloaded: connection growth added, freezes changed. Policy “0123456789ab”."
    )


def test_what_needs_a_restart_is_said_beside_it() -> None:
    text = reloaded(restart=("slack.command (/launch → /go)", "slack.operators (none → C0OPS)")).text

    assert "nothing that can change while Gonogo runs" in text
    assert (
        "Restart Gonogo for slack.command (/launch → /go) and slack.operators (none → C0OPS): until then the old stands." in text
    )


@pytest.mark.parametrize(
    ("count", "words"), [(0, ""), (1, " 1 warning: gonogo check shows them."), (3, " 3 warnings: gonogo check")]
)
def test_warnings_are_counted_and_where_they_stand_is_said(count: int, words: str) -> None:
    text = reloaded("freezes changed", warnings=count).text

    assert words in text
    assert ("warning" in text) is (count > 0)


def test_many_changes_are_counted() -> None:
    text = reloaded(*(f"channel C{index} added" for index in range(MOST_CHANGES + 7))).text

    assert ", and 7 more. Policy" in text


def test_faults_stand_below_each_other_and_the_old_is_said_to_hold() -> None:
    text = say_configuration_refused(["gonogo.yaml:3: a: is wrong", "gonogo.yaml:9: b: is wrong"]).text

    assert text.startswith("Configuration refused: it was changed and is faulty, so the one before stays in force.")
    assert [line for line in text.splitlines() if "gonogo.yaml" in line] == [
        "• gonogo.yaml:3: a: is wrong",
        "• gonogo.yaml:9: b: is wrong",
    ]


def test_many_faults_are_counted() -> None:
    text = say_configuration_refused([f"gonogo.yaml:{line}: x: is wrong" for line in range(MOST_FAULTS + 30)]).text

    assert "and 30 more" in text


hostile = st.lists(st.text(max_size=900) | st.sampled_from(["<!channel>", "*x*", "\u202e"]), max_size=40)


@given(hostile, hostile, st.integers(0, 5))
def test_whatever_stands_in_them_they_fit_into_slack_and_call_nobody(some: list[str], others: list[str], warnings: int) -> None:
    for say in (reloaded(*some, restart=tuple(others), warnings=warnings), say_configuration_refused(some)):
        assert_within_limits(say)
        assert "<!channel>" not in say.text
