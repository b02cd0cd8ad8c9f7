"""Journeys about who may launch what: approvals (who agreed, to what, in time) and access (why, limits, freezes, lost scopes)."""

from __future__ import annotations

from bot.domain.model import State
from bot.sandbox.acts import Change, Edit, Later, Lose, Press, Read, Take, Type, Write
from bot.sandbox.journeys import Journey, Request

_FINANCE, _SALES, _SUPPORT, _TREASURY = "C0FINANCE", "C0SALES", "C0SUPPORT", "C0TREASURY"
_ALICE, _BOB, _CAROL, _DAVE = "U0ALICE", "U0BOB", "U0CAROL", "U0DAVE"
_PAYMENT = "paymentId=4028905f5a87c0ff015a889ddfb800c0"
_REFUND = f'billing "Refund approval" {_PAYMENT}'
_ACCOUNT = "accountId=4028905f5a87c0ff015a87d25ae90025"
_AS_IT_WAS = "the operators put their file back as it was, and have it read"
_FREEZE = """freezes:
  - {name: month-end close, from: "{from}", to: "{to}", connections: [billing]}
channels:
"""

APPROVALS: tuple[Journey, ...] = (
    Journey(
        title="Two of three must agree: one by button, one by command",
        user_id=_ALICE,
        channel_id=_TREASURY,
        typed=f"{_REFUND} days=14",
        acts=(
            Press(user_id=_BOB, label="Approve"),
            Read(words="1 of 2"),
            Type(user_id=_DAVE, text="approve <id>", told="approved"),
        ),
        ends=State.SUCCEEDED,
        request=Request(
            provider="zuora",
            method="POST",
            path="/workflows/303/run",
            json={"paymentId": "4028905f5a87c0ff015a889ddfb800c0", "days": 14},
        ),
    ),
    Journey(
        title="Rejected, with a reason",
        user_id=_ALICE,
        channel_id=_TREASURY,
        typed=_REFUND,
        acts=(
            Press(user_id=_CAROL, label="Reject"),
            Write(
                user_id=_CAROL,
                values={"reason": {"value": "The customer was paid back last week."}},
                says="The customer was paid back last week.",
            ),
            Read(words="The customer was paid back last week."),
        ),
        ends=State.REJECTED,
        runs=0,
    ),
    Journey(
        title="Nobody approves their own launch",
        user_id=_BOB,
        channel_id=_TREASURY,
        typed=_REFUND,
        acts=(
            Press(user_id=_BOB, label="Approve", told="somebody else has to decide"),
            Press(user_id=_ALICE, label="Approve", told="not among those who may decide"),
            Press(user_id=_BOB, label="Cancel"),
        ),
        ends=State.CANCELLED,
        runs=0,
    ),
    Journey(
        title="Nobody decides: reminded once, then expired",
        user_id=_ALICE,
        channel_id=_TREASURY,
        typed=_REFUND,
        acts=(Later(minutes=31), Read(words="still waits for you"), Later(minutes=240)),
        ends=State.EXPIRED,
        runs=0,
    ),
    Journey(
        title="Another input after the first yes: asked again",
        user_id=_ALICE,
        channel_id=_TREASURY,
        typed=f"{_REFUND} days=14",
        acts=(
            Press(user_id=_BOB, label="Approve"),
            Read(words="1 of 2"),
            Change(name="days", value=28, says="somebody changes days from 14 to 28 in the database, past the bot"),
            Press(user_id=_DAVE, label="Approve", told="has changed since people were asked"),
            Read(words="asked for again"),
            Read(words="input days: “14” → “28”"),
            Press(user_id=_DAVE, label="Approve"),
            Press(user_id=_BOB, label="Approve"),
        ),
        ends=State.SUCCEEDED,
        request=Request(
            provider="zuora",
            method="POST",
            path="/workflows/303/run",
            json={"paymentId": "4028905f5a87c0ff015a889ddfb800c0", "days": 28},
        ),
    ),
    Journey(
        title="Another version after the first yes: asked again",
        user_id=_ALICE,
        channel_id=_TREASURY,
        typed="analytics AddTwoNumbers parameter1=13 parameter2=7",
        acts=(
            Press(user_id=_BOB, label="Approve"),
            Read(words="1 of 2"),
            Edit(says="the operators launch version 0.1.0 from now on", before="version: 0.0.1", after="version: 0.1.0"),
            Press(user_id=_CAROL, label="Approve"),
            Read(words="asked for again"),
            Press(user_id=_CAROL, label="Approve"),
            Press(user_id=_BOB, label="Approve"),
            Read(words="Succeeded", where="card"),
            Edit(says=_AS_IT_WAS),
        ),
        ends=State.SUCCEEDED,
        request=Request(
            provider="domo",
            method="POST",
            path="/api/workflow/v1/instances/message",
            json={
                "messageName": "Start MyWorkflow",
                "version": "0.1.0",
                "modelId": "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138",
                "data": {"parameter1": 13, "parameter2": 7},
            },
        ),
    ),
)

ACCESS: tuple[Journey, ...] = (
    Journey(
        title="Why: allowed",
        user_id=_ALICE,
        channel_id=_FINANCE,
        typed="why billing 396",
        answered_with=("Allowed.", "Workflow Run Access"),
    ),
    Journey(
        title="Why: allowed once others agree",
        user_id=_ALICE,
        channel_id=_TREASURY,
        typed='why billing "Refund approval"',
        answered_with=("Allowed once others agree.", "<!subteam^S0TREASURY>"),
    ),
    Journey(
        title="Why: not allowed; the operators are asked for it",
        user_id=_ALICE,
        channel_id=_TREASURY,
        typed="why billing 396",
        answered_with=("Not allowed.", "The smallest change of the policy"),
        acts=(
            Press(user_id=_ALICE, label="Ask for access", told="The operators were asked", is_on_answer=True),
            Read(words="<@U0ALICE> asks for access", where="operators"),
        ),
    ),
    Journey(
        title="A preview: the exact call, and nothing is sent",
        user_id=_BOB,
        channel_id=_TREASURY,
        typed=f"billing 396 {_ACCOUNT} maxAmount=10 --preview",
        answered_with=("/workflows/396/run", "maxAmount"),
    ),
    Journey(
        title="Two values that the grant does not allow",
        user_id=_BOB,
        channel_id=_TREASURY,
        typed=f"billing 396 {_ACCOUNT} maxAmount=900 dryRun=false",
        refused_with="maxAmount",
    ),
    Journey(
        title="A limit: one at a time",
        user_id=_DAVE,
        channel_id=_TREASURY,
        typed=f"billing 396 {_ACCOUNT} maxAmount=10",
        acts=(Type(user_id=_CAROL, text=f"billing 396 {_ACCOUNT} maxAmount=20", told="at a time"),),
        ends=State.SUCCEEDED,
        request=Request(
            provider="zuora",
            method="POST",
            path="/workflows/396/run",
            json={"accountId": "4028905f5a87c0ff015a87d25ae90025", "maxAmount": 10, "dryRun": True},
        ),
    ),
    Journey(
        title="A freeze",
        user_id=_ALICE,
        channel_id=_FINANCE,
        typed=f"billing 396 {_ACCOUNT}",
        before=(Edit(says="the operators freeze billing for the month-end close", before="channels:\n", after=_FREEZE),),
        refused_with="month-end close",
        acts=(Edit(says=_AS_IT_WAS),),
    ),
    Journey(
        title="Salesforce's answer is lost, and the run is found",
        user_id=_CAROL,
        channel_id=_SUPPORT,
        typed="support Escalate_to_Case CommentCount=6 FeedItemId=0D5D0000000cfMY",
        before=(Lose(provider="salesforce", says="the flow will run, and Salesforce's answer will be lost"),),
        passes=State.IN_DOUBT,
        ends=State.SUCCEEDED,
    ),
)

LOST_SCOPE: tuple[Journey, ...] = (
    Journey(
        title="A scope is taken away: the operators' turn",
        user_id=_BOB,
        channel_id=_SALES,
        typed="crm 715 entityType=deal entityId=5141",
        before=(Take(provider="bitrix24", scope="bizproc", says="somebody at Bitrix24 takes bizproc from the bot's key"),),
        acts=(
            Read(words="whoever runs Gonogo here has to mend that"),
            Read(words="Granted, but not held", where="operators"),
            Type(user_id=_BOB, text="crm 715 entityType=deal entityId=5142", told="bizproc"),
            Type(user_id=_BOB, text="access crm", told="bizproc"),
        ),
        ends=State.FAILED,
        runs=0,
    ),
)
