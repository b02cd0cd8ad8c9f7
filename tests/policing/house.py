"""A configuration with everything that a policy can say, as values: approval, limits, input rules, freezes, two channels."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, Grant, InputRule, Limits, Policy
from bot.domain.model import Connection, InputSpec, InputType, Workflow
from bot.settings import Configuration
from tests.builders import a_connection

RUN, VIEW = "Workflow Run Access", "Workflow View Access"
DUNNING = Workflow(
    workflow_id="396",
    name="Dunning run",
    inputs=(InputSpec(name="accountId", required=True), InputSpec(name="maxAmount", type=InputType.DECIMAL)),
)
BILLING = a_connection(workflows={"396": DUNNING})
SMALL = Grant(
    connection="billing",
    scopes=(RUN, VIEW),
    workflows=("396", "Dunning *"),
    requesters=("members",),
    inputs={"maxAmount": InputRule(max=Decimal(500))},
    approval=ApprovalRule(approvers=("S0LEADS",), required=2, when={"maxAmount": InputRule(min=Decimal(100))}),
    limits=Limits(per_hour=20, running=3),
)
LARGE = Grant(connection="billing", scopes=(RUN,), workflows=("*",), requesters=("S0CONTROLLERS", "U0CAROL"))
CLOSE = Freeze(
    name="month-end close",
    begins=datetime(2026, 11, 30, 18, tzinfo=UTC),
    ends=datetime(2026, 12, 2, 8, tzinfo=UTC),
    connections=("billing",),
    exempt=("S0CONTROLLERS",),
)


def a_policy(*grants: Grant, digest: str = "d1", freezes: tuple[Freeze, ...] = (CLOSE,), **channel: Any) -> Policy:
    finance = ChannelPolicy(channel_id="C0FINANCE", name="finance-ops", grants=grants or (SMALL, LARGE), **channel)
    return Policy(channels={"C0FINANCE": finance}, digest=digest, freezes=freezes)


def a_configuration(policy: Policy | None = None, *connections: Connection) -> Configuration:
    named = {connection.name: connection for connection in connections or (BILLING,)}
    return Configuration(
        command="/launch",
        operators=None,
        connections=named,
        credentials={name: {} for name in named},
        secrets={name: {} for name in named},
        policy=policy or a_policy(),
    )
