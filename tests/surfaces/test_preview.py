"""What `--preview` shows: the exact call, masked and literal, with the decision; never that anything was sent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from bot.domain.foreseen import Foreseen
from bot.domain.grants import ApprovalRule, Grant
from bot.domain.model import Reason, SecretName
from bot.domain.policy import Allow, Deny, NeedApproval
from bot.domain.provider import Accepted, Busy, Call, Refused, Unauthorised, Unreachable
from bot.surfaces.preview import NOTHING_SENT, Preview, say_preview
from tests.block_limits import assert_harmless, assert_within_limits, shown

GRANTED = (Reason(code="granted", facts={"connection": "billing", "channel": "finance-ops"}),)
GRANT = Grant(connection="billing", workflows=("396",), requesters=("members",))
APPROVAL = ApprovalRule(approvers=("S0LEADS", "U0CAROL"), required=2)
CALL = Call(
    method="POST",
    path="/workflows/396/run",
    headers={"Idempotency-Key": "L-…", "Zuora-Track-Id": "L-…"},
    json={"accountId": "4028<b>", "maxAmount": Decimal("5.00"), "portal": SecretName(name="portal-key"), "flags": [True, None]},
)
HOSTILE = ["<!channel>", "*bold* _it_ `code`", "\u202eevil\0", "&" * 5_000, "🙂" * 5_000, "a\nb: c\n" * 2_000]


def a_preview(**changes: Any) -> Preview:
    plain: dict[str, Any] = {
        "connection": "billing",
        "provider_title": "Zuora Workflow",
        "base_url": "https://rest.na.zuora.com/",
        "workflow": "Dunning run",
        "decision": Allow(grant=GRANT, reasons=GRANTED),
        "foreseen": Foreseen(call=CALL),
        "key": "The launch id is the idempotency key.",
    }
    return Preview(**(plain | changes))


def told(preview: Preview) -> str:
    say = say_preview(preview, command="/launch")
    assert_within_limits(say)
    assert_harmless(say, groups=("S0LEADS",))
    assert NOTHING_SENT in say.text
    return shown(say)


def test_an_allowed_call_is_shown_as_it_would_leave(snapshot: SnapshotAssertion) -> None:
    say = say_preview(a_preview(), command="/launch")

    assert_within_limits(say)
    assert_harmless(say, groups=("S0LEADS",))
    assert (
        "\nPOST https://rest.na.zuora.com/workflows/396/run\nIdempotency-Key: L-…\nZuora-Track-Id: L-…\n"
        'Content-Type: application/json\n\n{\n  "accountId": "4028<b>",\n  "maxAmount": 5.00,\n'
    ) in shown(say)
    assert "portal-key" in shown(say)
    assert say == snapshot


def test_an_approval_bound_one_names_who_would_approve(snapshot: SnapshotAssertion) -> None:
    text = told(a_preview(decision=NeedApproval(grant=GRANT, rule=APPROVAL, reasons=GRANTED)))

    assert "Allowed once others agree." in text
    assert "2 of these must agree: " in text
    assert text == snapshot


def test_a_denied_one_gives_its_reasons_and_no_call(snapshot: SnapshotAssertion) -> None:
    reason = Reason(code="input_too_large", facts={"name": "maxAmount", "typed": "900", "allowed": "500"})
    text = told(a_preview(decision=Deny(reasons=(reason,)), foreseen=None))

    assert "The input " in text
    assert "POST" not in text
    assert text == snapshot


def test_a_read_says_that_the_rest_depends_on_its_answer() -> None:
    text = told(a_preview(foreseen=Foreseen(call=Call(method="GET", path="/x", query={"a b": "ä&"}), is_read=True)))

    assert "GET https://rest.na.zuora.com/x?a+b=%C3%A4%26" in text
    assert "This only reads; what is sent after it depends on the answer." in text


def test_a_form_is_shown_field_by_field() -> None:
    assert "\na=1\nb=2" in told(a_preview(foreseen=Foreseen(call=Call(method="POST", path="/x", form={"a": "1", "b": "2"}))))


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Refused(code="incomplete", meaning="The steps are not known."), "The steps are not known."),
        (Unauthorised(code="x", meaning="No scope."), "No scope."),
        (Busy(code="x", meaning="Later."), "Later."),
        (Unreachable(is_possibly_applied=False, detail="gone"), "gone"),
        (Accepted(run_id="1"), "there is nothing to send."),
        (None, "there is nothing to send."),
    ],
)
def test_a_start_that_would_send_nothing_says_why(answer: Any, meaning: str) -> None:
    assert f"Zuora Workflow would not be called: {meaning}" in told(a_preview(foreseen=Foreseen(answer=answer)))


def test_a_long_body_is_cut_between_lines_and_says_so() -> None:
    call = replace(CALL, json={f"name{number}": "x" * 50 for number in range(500)})

    assert "more lines are not shown" in told(a_preview(foreseen=Foreseen(call=call)))


def test_a_header_never_begins_another_line() -> None:
    call = replace(CALL, headers={"Note": "a\r\nAuthorization: b"})

    assert "\nAuthorization" not in told(a_preview(foreseen=Foreseen(call=call)))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_literal_and_short(text: str) -> None:
    call = Call(method="POST", path=f"/{text}", headers={"X": text}, query={"q": text}, json={text: [text, {"a": text}]})
    rule = ApprovalRule(approvers=(text,) * 40)
    preview = a_preview(
        connection=text, provider_title=text, base_url=text, workflow=text, key=text, foreseen=Foreseen(call=call)
    )

    told(replace(preview, decision=NeedApproval(grant=GRANT, rule=rule, reasons=GRANTED)))
    told(replace(preview, decision=Deny(reasons=(Reason(code="x", facts={"a": text}),) * 50), foreseen=None))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=40,
)


@given(JSON)
def test_every_body_can_be_shown(body: Any) -> None:
    told(a_preview(foreseen=Foreseen(call=replace(CALL, json=body))))
