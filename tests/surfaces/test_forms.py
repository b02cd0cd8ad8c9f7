"""Forms: built and read, within Slack's limits, and safe against what comes back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.surfaces import forms
from tests.builders import a_launch

PLAIN = st.characters(exclude_categories=["C", "Z"])
LONG = a_launch(workflow_name="x" * 5000, connection="billing")


def submitted(view: dict[str, Any], run_id: str) -> dict[str, Any]:
    return {
        **view,
        "state": {"values": {forms.RUN_ID_BLOCK: {forms.RUN_ID_FIELD: {"type": "plain_text_input", "value": run_id}}}},
    }


@given(st.text(PLAIN, max_size=200), st.text(PLAIN, min_size=1, max_size=100))
def test_what_was_typed_comes_back(run_id: str, opened_by: str) -> None:
    kept = forms.form_text(submitted(forms.ran_form(a_launch(), opened_by=opened_by), run_id))

    assert forms.opened_by(kept) == opened_by
    assert forms.run_id(kept) == run_id.strip()


def test_the_form_is_within_slacks_limits() -> None:
    view = forms.ran_form(LONG, opened_by="button:T:1:a:2:U")

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
    assert forms.run_id("no json") == ""
    assert forms.opened_by("[]") is None
