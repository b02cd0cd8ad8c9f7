"""Reasons, findings and decisions as plain JSON, the same in every command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.domain.explaining import Finding, GrantFindings
from bot.domain.grants import ApprovalRule, InputRule, Limits
from bot.domain.model import Reason
from bot.surfaces.words import reason_sentence

UNKNOWN_HERE = frozenset({"scope_not_verified", "limit_per_hour", "limit_running"})
"""Codes of findings that turn on what is not known offline: what the credential holds, and how much was launched."""

_UNCOUNTED = {
    "limit_per_hour": "The grant allows {most} launches in any hour; how many there were is not known here.",
    "limit_running": "The grant allows {most} launches at a time; how many are not over yet is not known here.",
}


def reason_json(reason: Reason) -> dict[str, Any]:
    """A reason: its code and facts for programs, its sentence for people."""
    return {"code": reason.code, "facts": dict(reason.facts), "words": reason_sentence(reason)}


def is_met(finding: Finding) -> bool | None:
    """Whether a rule is met; None where that is not known offline."""
    return None if finding.is_met and finding.reason.code in UNKNOWN_HERE else finding.is_met


def words_of(finding: Finding) -> str:
    """What a rule says, in a sentence; of a limit without the count, which is not known offline."""
    words = _UNCOUNTED.get(finding.reason.code) if is_met(finding) is None else None
    return words.format_map(finding.reason.facts) if words else reason_sentence(finding.reason)


def finding_json(finding: Finding) -> dict[str, Any]:
    """One rule, with ``met`` null where it is not known offline."""
    facts = {name: fact for name, fact in finding.reason.facts.items() if is_met(finding) is not None or name != "count"}
    told = {"code": finding.reason.code, "facts": facts, "words": words_of(finding)}
    return {"rule": finding.rule, "met": is_met(finding), **told}


def grant_json(found: GrantFindings) -> dict[str, Any]:
    """What one grant says, rule by rule."""
    return {"grant": found.number, "met": found.is_met, "findings": [finding_json(one) for one in found.findings]}


def rule_json(rule: ApprovalRule | InputRule | Limits | None) -> dict[str, Any] | None:
    """What a rule says, without what it leaves open."""
    if rule is None:
        return None
    said = {field.name: getattr(rule, field.name) for field in fields(rule)}
    return {name: _plain(value) for name, value in said.items() if value is not None and value is not False and value != ()}


def rules_json(rules: Mapping[str, InputRule]) -> dict[str, Any]:
    """Input rules by input."""
    return {name: rule_json(rule) for name, rule in rules.items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return float(value) if value % 1 else int(value)
        case datetime():
            return value.isoformat()
        case tuple() | list():
            return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
        case Mapping():
            return {str(name): _plain(rule_json(item) if isinstance(item, InputRule) else item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
        case _:
            return value
