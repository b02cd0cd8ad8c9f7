"""What a grant may say about approval (design.md, section 7): rules that could never be met, or never act, are refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from bot.domain.grants import ApprovalRule
from bot.settings.rule_schema import InputRuleSection
from bot.settings.sections import Section
from bot.settings.words import Expiry, Flag, InputName, PersonId, Whole

EXPIRES_AFTER_S = 7 * 86_400.0
"""When an approval expires where ``expires_after`` does not say it (domain/grants.ApprovalRule)."""


def _required(required: int, info: ValidationInfo) -> int:
    approvers: list[str] = info.data.get("approvers", [])
    people = {name for name in approvers if name.startswith(("U", "W"))}
    if approvers and len(people) == len(set(approvers)) and required > len(people):
        raise ValueError(f"is more than the approvers that are listed ({len(people)}): it could never be reached")
    return required


def _before_expiry(after_s: float | None, info: ValidationInfo) -> float | None:
    if "expires_after" not in info.data or after_s is None:
        return after_s
    expires_after_s: float = info.data["expires_after"] or EXPIRES_AFTER_S
    if after_s >= expires_after_s:
        said = "expires_after" if info.data["expires_after"] else "expires_after (7d, as it is not set)"
        raise ValueError(f"must be less than {said}: by then it is over")
    return after_s


def _escalate_after(after_s: float | None, info: ValidationInfo) -> float | None:
    escalate_to: list[str] | None = info.data.get("escalate_to")
    if escalate_to and after_s is None:
        raise ValueError("is missing: escalate_to says who is asked, and this says when")
    if after_s is not None and escalate_to is not None and not escalate_to:
        raise ValueError("goes with escalate_to, which says who is asked then")
    return _before_expiry(after_s, info)


def _when(rules: dict[str, InputRuleSection] | None) -> dict[str, InputRuleSection] | None:
    if rules is not None and not rules:
        raise ValueError("is empty: name inputs with their rules, or remove it, as approval is then always needed")
    hidden = next((name for name, rule in (rules or {}).items() if rule.hidden), None)
    if hidden is not None:
        raise ValueError("hidden says nothing here: it goes with the inputs of a grant")
    return rules


def _single_operator(is_single: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic passes it so
    if is_single and info.data.get("required", 1) > 1:
        raise ValueError("means that one person is enough: required cannot be more than 1")
    return is_single


def _cool_down(cool_down_s: float | None, info: ValidationInfo) -> float | None:
    is_single = info.data.get("single_operator")
    if is_single and cool_down_s is None:
        raise ValueError("is missing: single_operator needs it, such as 10m, so that there is time to think")
    if cool_down_s is not None and is_single is False:
        raise ValueError("goes with single_operator: true only")
    return _before_expiry(cool_down_s, info)


class ApprovalSection(Section):
    """Who must agree before a launch starts."""

    approvers: list[PersonId] = Field(min_length=1, description="Who may agree: members, user ids U…, user group ids S….")
    required: Annotated[Whole, AfterValidator(_required)] = Field(
        default=1, ge=1, le=100, description="How many distinct people must agree."
    )
    expires_after: Expiry | None = Field(default=None, description="When an unanswered approval expires.")
    remind_after: Annotated[Expiry | None, AfterValidator(_before_expiry)] = Field(
        default=None, description="When approvers are reminded, once."
    )
    escalate_to: list[PersonId] = Field(default_factory=list, description="Who is asked when nobody answers.")
    escalate_after: Annotated[Expiry | None, AfterValidator(_escalate_after)] = Field(
        default=None, validate_default=True, description="When they are asked."
    )
    self_approval: Flag = Field(default=False, description="Whether the requester counts.")
    confirm: Flag = Field(default=False, description="Whether Approve asks once more, repeating target and effect.")
    when: Annotated[dict[InputName, InputRuleSection] | None, AfterValidator(_when)] = Field(
        default=None, description="Approval is needed only where these input rules hold."
    )
    single_operator: Annotated[Flag, AfterValidator(_single_operator)] = Field(
        default=False, description="For a team of one: the requester may agree, after the cool-down."
    )
    cool_down: Annotated[Expiry | None, AfterValidator(_cool_down)] = Field(
        default=None, validate_default=True, description="How long a single operator waits."
    )

    def as_rule(self) -> ApprovalRule:
        """The rule as decisions use it."""
        return ApprovalRule(
            approvers=tuple(self.approvers),
            required=self.required,
            expires_after_s=self.expires_after,
            remind_after_s=self.remind_after,
            escalate_to=tuple(self.escalate_to),
            escalate_after_s=self.escalate_after,
            self_approval=self.self_approval,
            confirm=self.confirm,
            when={name: rule.as_rule() for name, rule in (self.when or {}).items()},
            single_operator=self.single_operator,
            cool_down_s=self.cool_down,
        )
