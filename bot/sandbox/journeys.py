"""Journeys: who types what where, what the provider must receive, and how it must end.

Here are the launches and their trouble; approvals and access are in ``go_journeys``.

The launch calls are those of the documents, to the letter: method, path and JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.model import State
from bot.sandbox.acts import Act


@dataclass(frozen=True, kw_only=True)
class Request:
    """A start call as the provider must receive it; ``json`` may name the launch id as ``<launch id>``."""

    provider: str
    method: str
    path: str
    json: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Journey:
    """One command and how it must end: with a card in ``ends``, refused with words that hold ``refused_with``, or answered.

    ``answered_with``: what must stand in an answer that launches nothing. ``before`` happens before the command, ``form`` in the
    form that it opens, ``acts`` once there is a card or an answer. ``runs``, ``cards``: how many of them it must cause.
    ``passes``: the card must say so on its way. ``then_cancel``: press the card's *Cancel* button as soon as the launch
    runs. ``is_redelivered``: Slack sends the command twice. ``is_killed``: the bot is killed as soon as it has acknowledged; its
    end may be told directly then.
    """

    title: str
    user_id: str
    channel_id: str
    typed: str
    ends: State | None = None
    request: Request | None = None
    refused_with: str | None = None
    answered_with: tuple[str, ...] = ()
    before: tuple[Act, ...] = ()
    form: tuple[Act, ...] = ()
    acts: tuple[Act, ...] = ()
    runs: int = 1
    cards: int = 1
    passes: State | None = None
    then_cancel: bool = False
    is_redelivered: bool = False
    is_killed: bool = False


_AMOUNTS = "accountId=4028905f5a87c0ff015a87d25ae90025 paymentId=4028905f5a87c0ff015a889ddfb800c0"
_EMAIL_WORKFLOW = "0d179c07-6443-4eeb-ada7-652fb498f997"
_SUM_MODEL = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"

LAUNCHES: tuple[Journey, ...] = (
    Journey(
        title="Zuora Workflow",
        user_id="U0ALICE",
        channel_id="C0FINANCE",
        typed=f"billing 396 {_AMOUNTS}",
        ends=State.SUCCEEDED,
        request=Request(
            provider="zuora",
            method="POST",
            path="/workflows/396/run",
            json={"accountId": "4028905f5a87c0ff015a87d25ae90025", "paymentId": "4028905f5a87c0ff015a889ddfb800c0"},
        ),
    ),
    Journey(
        title="Bitrix24: a run that ends without saying how",
        user_id="U0BOB",
        channel_id="C0SALES",
        typed="crm 713 entityType=deal entityId=5141",
        ends=State.ENDED,
        request=Request(
            provider="bitrix24",
            method="POST",
            path="/v1/workflows/start",
            json={"templateId": 713, "entityType": "deal", "entityId": 5141},
        ),
    ),
    Journey(
        title="Salesforce Flow, by its API name",
        user_id="U0ALICE",
        channel_id="C0SALES",
        typed="sales Escalate_to_Case CommentCount=6 FeedItemId=0D5D0000000cfMY",
        ends=State.SUCCEEDED,
        request=Request(
            provider="salesforce",
            method="POST",
            path="/services/data/v65.0/actions/custom/flow/Escalate_to_Case",
            json={"inputs": [{"CommentCount": 6, "FeedItemId": "0D5D0000000cfMY"}]},
        ),
    ),
    Journey(
        title="Domo Workflows, by name",
        user_id="U0CAROL",
        channel_id="C0DATA",
        typed="analytics AddTwoNumbers parameter1=13 parameter2=7",
        ends=State.SUCCEEDED,
        request=Request(
            provider="domo",
            method="POST",
            path="/api/workflow/v1/instances/message",
            json={
                "messageName": "Start MyWorkflow",
                "version": "0.0.1",
                "modelId": _SUM_MODEL,
                "data": {"parameter1": 13, "parameter2": 7},
            },
        ),
    ),
    Journey(
        title="Captain Data, by a name with a space",
        user_id="U0BOB",
        channel_id="C0DATA",
        typed='growth "Find email" first_name=Ada last_name=Lovelace company_name="Analytical Engines & Sons"',
        ends=State.SUCCEEDED,
        request=Request(
            provider="captain_data",
            method="POST",
            path=f"/v3/workflows/{_EMAIL_WORKFLOW}/schedule",
            json={
                "job_name": "<launch id>",
                "steps": [{"step_uid": "11111111-1111-4111-8111-111111111111", "accounts": [], "parameters": {}}],
                "inputs": [{"first_name": "Ada", "last_name": "Lovelace", "company_name": "Analytical Engines & Sons"}],
            },
        ),
    ),
)

TROUBLE: tuple[Journey, ...] = (
    Journey(
        title="A guest may launch nothing",
        user_id="U0GUEST",
        channel_id="C0FINANCE",
        typed=f"billing 396 {_AMOUNTS}",
        refused_with="guest",
    ),
    Journey(
        title="A channel without grants",
        user_id="U0ALICE",
        channel_id="C0GENERAL",
        typed=f"billing 396 {_AMOUNTS}",
        refused_with="general",
    ),
    Journey(
        title="Three things wrong, each named",
        user_id="U0ALICE",
        channel_id="C0DATA",
        typed="analytics AddTwoNumbers parameter1=thirteen colour=red",
        refused_with="colour",
    ),
    Journey(
        title="Stopped by the button on its card",
        user_id="U0CAROL",
        channel_id="C0DATA",
        typed="analytics AddTwoNumbers parameter1=1 parameter2=2",
        ends=State.CANCELLED,
        then_cancel=True,
    ),
    Journey(
        title="Slack delivers the same command twice: one launch",
        user_id="U0ALICE",
        channel_id="C0FINANCE",
        typed=f"billing 396 {_AMOUNTS}",
        ends=State.SUCCEEDED,
        is_redelivered=True,
    ),
    Journey(
        title="A run that fails at the provider",
        user_id="U0ALICE",
        channel_id="C0FINANCE",
        typed='billing "Dunning reminder" Message=hello',
        ends=State.FAILED,
    ),
    Journey(
        title="A run that pauses until somebody mends the account there",
        user_id="U0BOB",
        channel_id="C0DATA",
        typed='growth "Extract profiles" linkedin_profile_url=https://www.linkedin.com/in/ada',
        ends=State.SUCCEEDED,
        passes=State.NEEDS_ATTENTION,
    ),
    Journey(
        title="The bot is killed as soon as it has acknowledged",
        user_id="U0ALICE",
        channel_id="C0FINANCE",
        typed=f"billing 396 {_AMOUNTS}",
        ends=State.SUCCEEDED,
        is_killed=True,
    ),
)
