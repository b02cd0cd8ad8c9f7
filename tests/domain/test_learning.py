"""What probes, refusals and starts teach about scopes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.holdings import NOTHING_KNOWN, REFUSAL_GOOD_FOR, WHOLE, Holding, Mirror, is_held
from bot.domain.learning import (
    NO_LONGER_TOLD,
    is_better_known,
    is_refusal,
    learnt_from_probe,
    learnt_from_refusal,
    learnt_from_start,
)
from bot.domain.provider import Held, ScopeSeen, Unauthorised
from tests.builders import NOON, a_launch

LATER = NOON + timedelta(minutes=1)
RUN, VIEW = "Workflow Run Access", "Workflow View Access"


def a_holding(scope: str = RUN, workflow_id: str = WHOLE, *, is_held: bool | None = True, **changes: Any) -> Holding:
    plain: dict[str, Any] = {"connection": "billing", "evidence": "It was seen.", "seen_at": NOON}
    return Holding(**(plain | {"scope": scope, "workflow_id": workflow_id, "is_held": is_held} | changes))


def a_mirror(*holdings: Holding) -> Mirror:
    return Mirror(holdings={(one.scope, one.workflow_id): one for one in holdings})


def seen(scope: str = RUN, workflow_id: str = WHOLE, *, is_held: bool | None = True) -> ScopeSeen:
    return ScopeSeen(scope=scope, workflow_id=workflow_id, is_held=is_held, evidence="It was asked.")


def a_refusal(**changes: Any) -> Unauthorised:
    return Unauthorised(**({"code": "HTTP 403", "meaning": "No.", "scope": RUN} | changes))


def after(mirror: Mirror, *learnt: Holding) -> Mirror:
    """The mirror once these are kept, as a store keeps them."""
    return Mirror(holdings={**mirror.holdings, **a_mirror(*learnt).holdings})


def refused(**changes: Any) -> Holding:
    learnt = learnt_from_refusal(a_launch(), a_refusal(**changes), NOON)
    assert learnt is not None
    return learnt


# --- probes ---


def test_a_probe_teaches_what_it_saw_with_its_time() -> None:
    (learnt,) = learnt_from_probe("billing", Held(scopes=(seen(is_held=False),)), NOTHING_KNOWN, LATER)

    assert learnt == a_holding(is_held=False, evidence="It was asked.", seen_at=LATER)


@pytest.mark.parametrize("is_held", [True, False])
def test_a_probe_that_decides_undoes_a_refusal(*, is_held: bool) -> None:
    learnt = learnt_from_probe("billing", Held(scopes=(seen(is_held=is_held),)), a_mirror(refused()), LATER)

    assert [(one.is_held, one.lapses_at) for one in learnt] == [(is_held, None)]


def test_a_probe_that_cannot_tell_leaves_a_refusal_standing() -> None:
    assert learnt_from_probe("billing", Held(scopes=(seen(is_held=None),)), a_mirror(refused()), LATER) == ()


def test_a_probe_that_cannot_tell_ends_what_an_earlier_probe_told() -> None:
    known = a_mirror(a_holding(is_held=False))

    assert [one.is_held for one in learnt_from_probe("billing", Held(scopes=(seen(is_held=None),)), known, LATER)] == [None]


def test_a_workflow_that_left_a_whole_list_is_missing() -> None:
    known = a_mirror(a_holding("api", "Kept"), a_holding("api", "Gone"))
    held = Held(scopes=(seen("api", "Kept"),), is_complete=True)

    learnt = {one.workflow_id: (one.is_held, one.evidence) for one in learnt_from_probe("billing", held, known, LATER)}

    assert learnt == {"Kept": (True, "It was asked."), "Gone": (False, NO_LONGER_TOLD)}


def test_what_is_not_told_any_more_and_need_not_be_is_not_known() -> None:
    known = a_mirror(a_holding("account"), a_holding("other", is_held=None))

    learnt = learnt_from_probe("billing", Held(scopes=()), known, LATER)

    assert [(one.scope, one.is_held) for one in learnt] == [("account", None)]


def test_what_is_gone_is_told_once() -> None:
    known = a_mirror(a_holding("api", "Gone"))
    held = Held(scopes=(seen("api"),), is_complete=True)
    once = after(known, *learnt_from_probe("billing", held, known, LATER))

    again = learnt_from_probe("billing", held, once, LATER)

    assert [one.workflow_id for one in again] == [WHOLE]


def test_a_refusal_on_a_workflow_outlives_a_probe_that_says_nothing_of_it() -> None:
    known = a_mirror(refused(is_of_workflow=True))

    learnt = learnt_from_probe("billing", Held(scopes=(seen(is_held=None),), is_complete=True), known, LATER)

    assert is_held(after(known, *learnt), RUN, "396", LATER)[0] is False


_scopes = st.builds(
    seen, st.sampled_from([RUN, VIEW]), st.sampled_from([WHOLE, "396", "397"]), is_held=st.sampled_from([True, False, None])
)


@given(first=st.lists(_scopes, max_size=6), second=st.lists(_scopes, max_size=6), is_complete=st.booleans())
def test_what_is_known_after_a_probe_is_what_it_said(
    first: list[ScopeSeen], second: list[ScopeSeen], *, is_complete: bool
) -> None:
    """Without refusals in between, what came before shows nowhere in what the probe spoke of."""
    old = after(NOTHING_KNOWN, *learnt_from_probe("billing", Held(scopes=tuple(first)), NOTHING_KNOWN, NOON))
    held = Held(scopes=tuple(second), is_complete=is_complete)

    new = after(old, *learnt_from_probe("billing", held, old, LATER))

    expected = {(one.scope, one.workflow_id): one.is_held for one in second}
    assert {key: new.holdings[key].is_held for key in expected} == expected
    assert all(one.is_held is not True for key, one in new.holdings.items() if key not in expected)


# --- refusals ---


def test_a_refusal_teaches_that_the_scope_is_missing_for_a_while() -> None:
    learnt = refused()

    assert (learnt.connection, learnt.scope, learnt.workflow_id, learnt.is_held) == ("billing", RUN, WHOLE, False)
    assert (learnt.seen_at, learnt.lapses_at) == (NOON, NOON + REFUSAL_GOOD_FOR)
    assert learnt.evidence == "The provider refused it (HTTP 403) on the start of L-7K3QW."


def test_a_refusal_that_names_no_scope_teaches_nothing() -> None:
    assert learnt_from_refusal(a_launch(), a_refusal(scope=None), NOON) is None


def test_a_refusal_on_a_workflow_says_nothing_of_others() -> None:
    mirror = a_mirror(refused(is_of_workflow=True))

    assert [is_held(mirror, RUN, workflow_id, NOON)[0] for workflow_id in ("396", "397")] == [False, None]


def test_a_refusal_by_another_word_is_kept_under_the_scope_and_names_the_word() -> None:
    learnt = learnt_from_refusal(a_launch(), a_refusal(scope="Run Flows", held_as="api"), NOON, verb="cancel")

    assert learnt is not None
    assert learnt.scope == "api"
    assert learnt.evidence == "The provider refused it for Run Flows (HTTP 403) on the cancel of L-7K3QW."


def test_a_refusal_lapses() -> None:
    mirror = a_mirror(refused())
    until = NOON + REFUSAL_GOOD_FOR

    assert [is_held(mirror, RUN, "396", at)[0] for at in (until - timedelta(seconds=1), until)] == [False, None]


def test_a_refusal_is_no_news_where_a_probe_has_shown_the_same() -> None:
    assert is_better_known(a_holding(is_held=False), refused())
    assert not is_better_known(a_holding(is_held=True), refused())
    assert not is_better_known(refused(), refused())
    assert not is_better_known(None, refused())


# --- starts ---


def test_a_start_that_was_taken_ends_a_refusal() -> None:
    (learnt,) = learnt_from_start(a_launch(launch_id="L-MENDED"), (RUN,), a_mirror(refused(is_of_workflow=True)), LATER)

    assert (learnt.scope, learnt.workflow_id, learnt.is_held, learnt.lapses_at) == (RUN, "396", True, None)
    assert learnt.evidence == "The provider took the start of L-MENDED."
    assert not is_refusal(learnt)


@pytest.mark.parametrize(
    "known", [NOTHING_KNOWN, a_mirror(a_holding()), a_mirror(a_holding(is_held=False)), a_mirror(refused(scope=VIEW))]
)
def test_a_start_that_was_taken_teaches_nothing_else(known: Mirror) -> None:
    assert learnt_from_start(a_launch(), (RUN,), known, LATER) == ()
