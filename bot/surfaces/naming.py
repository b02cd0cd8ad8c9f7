"""Whom a policy names, as people read it in an answer that only they see: mentions call nobody there."""

from __future__ import annotations

from bot.domain.grants import ApprovalRule
from bot.surfaces.approving import who
from bot.surfaces.escaping import Parts, merged


def approval_parts(rule: ApprovalRule) -> Parts:
    """What a rule asks for, and of whom."""
    how_many = "one of these" if rule.required == 1 else f"{rule.required} of these"
    own = ", also the person who asks." if rule.self_approval or rule.single_operator else ", never the person who asks."
    return merged((f"{how_many} must agree: ", *who(rule.approvers), own))
