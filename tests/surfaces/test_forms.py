"""Forms: built and read, within Slack's limits, and safe against what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.surfaces import forms
from tests.builders import a_launch
from tests.domain.test_tokens import EVERY

PLAIN = st.characters(exclude_categories=["C", "Z"])
LONG = a_launch(workflow_name="x" * 5000, connection="billing")


def submitted(view: dict[str, Any], run_id: str) -> dict[str, Any]:
    return {
        **view,
        "state": {"values": {forms.RUN_ID_BLOCK: {forms.RUN_ID_FIELD: {"type": "plain_text_input", "value": run_id}}}},
    }


def rejected(view: dict[str, Any], reason: str) -> dict[str, Any]:
    return {
        **view,
        "state": {"values": {forms.REASON_BLOCK: {forms.RUN_ID_FIELD: {"type": "plain_text_input", "value": reason}}}},
    }


@given(st.text(PLAIN, max_size=200), st.text(PLAIN, min_size=1, max_size=100))
def test_what_was_typed_comes_back(run_id: str, opened_by: str) -> None:
    kept = forms.form_text(submitted(forms.ran_form(a_launch(), opened_by=opened_by), run_id))

    assert forms.opened_by(kept) == opened_by
    assert forms.run_id(kept) == run_id.strip()


@given(st.text(PLAIN, max_size=200), st.text(PLAIN, min_size=1, max_size=100))
def test_the_reason_of_a_rejection_comes_back(reason: str, opened_by: str) -> None:
    kept = forms.form_text(rejected(forms.reject_form(a_launch(), opened_by=opened_by), reason))

    assert forms.opened_by(kept) == opened_by
    assert forms.reason(kept) == reason.strip()
    assert forms.run_id(kept) == ""


def test_the_reason_keeps_its_lines_and_mentions_and_is_cut_where_a_client_sent_more_than_the_form_takes() -> None:
    view = forms.reject_form(a_launch(), opened_by="k")
    short, long = "Not now.\n<!channel> <@U0BOB>", "x <!here>" * 2000

    assert forms.reason(forms.form_text(rejected(view, short))) == short
    assert forms.MOST_REASON - 10 < len(forms.reason(forms.form_text(rejected(view, long)))) <= forms.MOST_REASON


@pytest.mark.parametrize("before", ["", "\n", "\t", "\r", "\x1b", "\u00e9"])
@pytest.mark.parametrize(("kind", "token"), EVERY)
def test_no_token_is_kept_on_whichever_line_it_stands(kind: str, token: str, before: str) -> None:
    told, mark = f"see:{before}{token}", f"see:{before}[secret-removed:{kind.replace(' ', '-')}]"

    assert forms.reason(forms.form_text(rejected(forms.reject_form(a_launch(), opened_by="k"), told))) == mark
    assert forms.run_id(forms.form_text(submitted(forms.ran_form(a_launch(), opened_by="k"), told))) == mark


def test_the_form_that_rejects_has_one_field_that_must_be_filled() -> None:
    view = forms.reject_form(a_launch(), opened_by="k")
    fields = [block for block in view["blocks"] if block["type"] == "input"]

    assert view["callback_id"] == forms.REJECT_FORM
    assert [field["label"]["text"] for field in fields] == ["Reason"]
    assert fields[0]["element"]["max_length"] == 3000
    assert not fields[0].get("optional", False)
    assert "Dunning run on billing (L-7K3QW)" in view["blocks"][0]["text"]["text"]


@pytest.mark.parametrize("form", [forms.ran_form, forms.reject_form])
def test_the_form_is_within_slacks_limits(form: Callable[..., dict[str, Any]]) -> None:
    view = form(LONG, opened_by="button:T:1:a:2:U")

    assert all(len(view[part]["text"]) <= 24 for part in ("title", "submit", "close"))
    assert len(view["blocks"][0]["text"]["text"]) <= 3000
    assert len(view["private_metadata"]) <= 3000


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_comes_back_is_read_without_a_fault(value: Any) -> None:
    kept = forms.form_text({"private_metadata": value, "state": value})

    assert isinstance(forms.run_id(kept), str)
    assert isinstance(forms.reason(kept), str)
    assert forms.reason("no json") == ""
    assert forms.run_id("no json") == ""
    assert forms.opened_by("[]") is None
