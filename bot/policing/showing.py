"""Policy work for people: tables on a terminal, plain lines where the output goes to a file or a program. Nothing is cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.domain.explaining import Finding
from bot.domain.grants import ApprovalRule, Freeze, Grant, InputRule, Policy
from bot.domain.model import Reason
from bot.domain.policy import NeedApproval
from bot.domain.records import ALLOW, DENY, NEED_APPROVAL, Record
from bot.policing.matrix import GUESTS, Row
from bot.policing.plain import is_met, words_of
from bot.policing.replaying import Replay
from bot.policing.supposing import Explained
from bot.surfaces.escaping import clean
from bot.surfaces.words import reason_sentence

VERDICTS = {ALLOW: "allowed", NEED_APPROVAL: "needs approval", DENY: "denied"}
_MARKS = {True: "yes", False: "NO", None: "unknown"}


def show_explanation(console: Console, found: Explained) -> None:
    """The verdict, each rule in its turn, and what was not known."""
    supposed, decision = found.supposed, found.explanation.decision
    workflow = found.asked.wish.workflow.label
    asked = f"{supposed.person_id} in {supposed.channel_id}, {supposed.connection} {workflow}, {supposed.at.isoformat(timespec='seconds')}"
    _say(console, f"{VERDICTS[found.verdict]}: {asked}")
    if isinstance(decision, NeedApproval):
        _say(console, f"  by {_approval(decision.rule)}")
    _findings(console, "person, channel and time", found.explanation.around)
    for grant in found.explanation.grants:
        _findings(console, f"grant {grant.number} of the channel: {'fits' if grant.is_met else 'does not fit'}", grant.findings)
    if not found.explanation.grants:
        for reason in decision.reasons:
            _say(console, f"  because: {reason_sentence(reason)}")
    for words in found.unknown:
        _say(console, f"not known: {words}.")


def _findings(console: Console, head: str, findings: Iterable[Finding]) -> None:
    _say(console, head)
    for one in findings:
        _say(console, f"  {_MARKS[is_met(one)]:8} {one.rule:10} {words_of(one)}")


def show_matrix(console: Console, rows: Sequence[Row], policy: Policy) -> None:
    """A line per row, and the freezes below, as they hold over all of it."""
    head = ("channel", "workflow", "may launch", "scopes", "approval", "limits", "inputs")
    _table(console, head, [_cells(row) for row in rows])
    for freeze in policy.freezes:
        _say(console, _freeze(freeze))


def _cells(row: Row) -> tuple[str, ...]:
    workflow = f"{row.workflow.label} ({row.workflow.workflow_id})" if row.workflow and row.workflow.name else None
    named = workflow or (row.workflow.workflow_id if row.workflow else f"{row.pattern} (whatever fits it)")
    may = ", ".join(_kind(one) for one in row.allowed)
    nobody = "nobody: " + " ".join(reason_sentence(reason) for reason in _telling(row.reasons))
    return (
        f"#{row.channel} ({row.channel_id})",
        f"{row.connection} {named if row.workflow or _is_glob(row.pattern) else row.pattern}",
        may or nobody,
        ", ".join(row.grant.scopes) or "–",
        _approval(row.approval) if row.approval else "–",
        _limits(row.grant),
        "; ".join(f"{name} {_rule(rule)}" for name, rule in row.grant.inputs.items()) or "–",
    )


def _telling(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """The reasons that hold for everybody, where there are any."""
    return tuple(reason for reason in reasons if reason.code not in {"person_is_guest", "requester_not_granted"}) or reasons


def _is_glob(pattern: str) -> bool:
    return any(letter in pattern for letter in "*?[")


def _kind(kind: str) -> str:
    return {"members": "every full member", GUESTS: "guests"}.get(kind, kind)


def _approval(rule: ApprovalRule) -> str:
    words = f"{rule.required} of {', '.join(map(_kind, rule.approvers))}"
    if rule.when:
        words += " where " + " and ".join(f"{name} {_rule(one)}" for name, one in rule.when.items())
    if rule.self_approval or rule.single_operator:
        words += ", the requester counts"
    return words


def _limits(grant: Grant) -> str:
    if grant.limits is None:
        return "–"
    said = ((grant.limits.per_hour, "an hour"), (grant.limits.running, "at once"))
    return ", ".join(f"{most} {words}" for most, words in said if most is not None) or "–"


def _rule(rule: InputRule) -> str:
    said = [
        "one of " + ", ".join(map(str, rule.one_of)) if rule.one_of is not None else "",
        f"from {rule.min}" if rule.min is not None else "",
        f"up to {rule.max}" if rule.max is not None else "",
        f"like {rule.pattern}" if rule.pattern is not None else "",
        f"always {rule.fixed}" if rule.fixed is not None else "",
        "hidden" if rule.hidden else "",
    ]
    return ", ".join(filter(None, said)) or "any"


def _freeze(freeze: Freeze) -> str:
    where = f" over {', '.join(freeze.connections)}" if freeze.connections else ""
    besides = f", except for {', '.join(map(_kind, freeze.exempt))}" if freeze.exempt else ""
    ends = f"{freeze.begins.isoformat(timespec='minutes')} to {freeze.ends.isoformat(timespec='minutes')}"
    return f'freeze "{freeze.name}": nothing is launched{where} from {ends}{besides}'


def show_replay(console: Console, found: Replay) -> None:
    """Every flip, then what cannot be told, then how many there were."""
    head = ("when", "who", "where", "what", "was", "would be", "why")
    flips = [
        (
            *_about(flip.record),
            f"{VERDICTS.get(flip.record.verdict, flip.record.verdict)} ({', '.join(flip.record.codes)})",
            VERDICTS[flip.would_be],
            " ".join(reason_sentence(reason) for reason in flip.reasons),
        )
        for flip in found.flips
    ]
    if flips:
        _table(console, head, flips)
    untold = [
        (*_about(one.record), VERDICTS.get(one.record.verdict, one.record.verdict), "cannot tell", one.cause)
        for one in found.untold
    ]
    if untold:
        _table(console, head, untold)
    counts = f"{len(found.flips)} would fall otherwise, {len(found.untold)} cannot be told"
    _say(console, f"{found.looked_at} decisions looked at: {counts}")


def _about(record: Record) -> tuple[str, str, str, str]:
    name = record.facts.get("channel", {}).get("name") if isinstance(record.facts.get("channel"), dict) else None
    workflow = record.workflow_name or record.workflow_id
    return (
        record.at.isoformat(timespec="seconds"),
        record.person_id,
        f"#{name} ({record.channel_id})" if name else record.channel_id,
        f"{record.verb} {record.connection} {workflow}",
    )


def _table(console: Console, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if not console.is_terminal:
        for row in (head, *rows):
            console.file.write("\t".join(map(_flat, row)) + "\n")
        return
    table = Table(*head)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(_flat(cell)) for cell in row))
    console.print(table)


def _flat(text: str) -> str:
    """On one line, and without what a terminal would take for a command: names come from providers, too."""
    return " ".join(clean(text).split())


def _say(console: Console, line: str) -> None:
    """A line as it is: no markup, nothing cut."""
    console.file.write(clean(line) + "\n")
