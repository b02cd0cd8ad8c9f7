"""What operators are told about scopes."""

from __future__ import annotations

from typing import Any

from bot.domain.drift import Change, Drift, DriftKind
from bot.surfaces.drift_notices import say_drift
from bot.surfaces.escaping import MOST_TEXT
from tests.block_limits import assert_within_limits
from tests.builders import NOON


def a_drift(**changes: Any) -> Drift:
    plain: dict[str, Any] = {
        "connection": "billing",
        "scope": "Workflow Run Access",
        "workflow_id": "",
        "kind": DriftKind.GRANTED_NOT_HELD,
        "evidence": "Zuora refused the user a run (HTTP 403).",
        "seen_at": NOON,
        "channels": ("finance-ops",),
    }
    return Drift(**(plain | changes))


def test_what_appeared_says_scope_channels_evidence_time_and_whose_turn_it_is() -> None:
    say = say_drift("billing", Change(appeared=(a_drift(),), mended=()))

    for words in (
        "billing",
        "whoever runs Gonogo",
        "Granted, but not held",
        "Workflow Run Access",
        "finance-ops",
        "HTTP 403",
        "12:00",
    ):
        assert words in say.text
    assert "Mended" not in say.text
    assert "Held, but granted" not in say.text


def test_each_kind_stands_apart_and_what_is_mended_comes_last() -> None:
    held = a_drift(kind=DriftKind.HELD_NOT_GRANTED, scope="api", workflow_id="Old_Flow", channels=())

    say = say_drift("sales", Change(appeared=(held, a_drift()), mended=(a_drift(scope="bizproc"),)))

    places = [say.text.index(words) for words in ("Granted, but not held", "Held, but granted to no", "Mended, or no longer so")]
    assert places == sorted(places)
    assert "“api” on “Old_Flow”" in say.text


def test_a_thousand_workflows_fit_into_one_message() -> None:
    many = tuple(a_drift(workflow_id=f"Flow_{number}", evidence="x" * 200) for number in range(1000))

    say = say_drift("sales", Change(appeared=many, mended=many))

    assert len(say.text) <= MOST_TEXT
    assert_within_limits(say)


def test_what_a_provider_wrote_stays_literal() -> None:
    say = say_drift("sales", Change(appeared=(a_drift(evidence="<!channel> *now*", scope="<@U0ALICE>"),), mended=()))

    assert "<!channel>" not in say.text
    assert "<@U0ALICE>" not in say.text
