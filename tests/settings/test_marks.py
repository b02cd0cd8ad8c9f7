from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.provider import Secret
from bot.settings.marks import credential_mark

FIELDS = st.dictionaries(st.sampled_from(["client_id", "client_secret", "token"]), st.text(min_size=1, max_size=20), min_size=1)


def mark(fields: dict[str, str], connection: str = "billing") -> str:
    return credential_mark(connection, {name: Secret(value) for name, value in fields.items()})


@given(FIELDS)
def test_the_same_credential_has_the_same_mark_in_any_order(fields: dict[str, str]) -> None:
    assert mark(fields) == mark(dict(reversed(fields.items())))


@given(FIELDS, FIELDS)
def test_another_credential_has_another_mark(one: dict[str, str], other: dict[str, str]) -> None:
    assume(one != other)

    assert mark(one) != mark(other)


def test_two_connections_with_one_credential_cannot_be_matched_by_their_marks() -> None:
    assert mark({"token": "same"}) != mark({"token": "same"}, connection="other")


@pytest.mark.parametrize("value", ["short", "a-much-longer-value-than-the-mark-itself-can-be"])
def test_a_mark_is_short_and_holds_nothing_of_the_credential(value: str) -> None:
    assert len(mark({"token": value})) == 16
    assert value not in mark({"token": value})
