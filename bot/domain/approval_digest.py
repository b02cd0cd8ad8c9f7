"""What an approval is bound to: one digest, and the parts that it is over, so that a difference can be shown (design.md, 7).

Only what changes the run is in it: labels, hints and pauses are not, or approvals would lapse for nothing. Nothing that differs
may look equal either: a text and a number, or two numbers that differ in their fortieth digit, are not the same.

Why the texts here are JSON with numbers by what they are worth, and not ``grants.meaning``: that one is for what the configuration
says, and marks a number by a mapping, which an input of the type json may hold itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from bot.domain.model import Connection, Json, Launch, SecretName, Workflow

MOST_PART = 300
"""Characters of a part that are kept; of a longer one the beginning and a hash of the whole."""
MOST_CHANGES = 20
_KEPT = 240
_MOST_ZEROS = 30
_HASH = 16


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Everything that decides what runs. ``identity``: as whom, and with which credential; ``workflow``: id, version, extras."""

    connection: Connection
    identity: str
    workflow: Workflow
    inputs: Mapping[str, Json]
    grant_key: str

    @property
    def digest(self) -> str:
        """What an approval is bound to: equal for what runs the same, and for nothing else."""
        return hashlib.sha256(canonical(self._texts()).encode()).hexdigest()

    @property
    def parts(self) -> dict[str, str]:
        """What the digest is over, by words for people (``input maxAmount``), small enough to keep. A secret is a name here."""
        return {what: _part(text) for what, text in self._texts().items()}

    def _texts(self) -> dict[str, str]:
        connection, workflow = self.connection, self.workflow
        plain: dict[str, Any] = {
            "connection": connection.name,
            "provider": connection.provider,
            "address": connection.base_url,
            **{f"option {name}": value for name, value in _options(connection.options).items()},
            "workflow": workflow.workflow_id,
            "version": workflow.version,
            **{f"setting {name}": value for name, value in _settings(workflow).items()},
            "run as": self.identity,
            "grant": self.grant_key,
            **{f"input {name}": value for name, value in self.inputs.items()},
        }
        return {what: canonical(value) for what, value in plain.items()}


@dataclass(frozen=True, kw_only=True)
class Differences:
    """What differs from an earlier launch: ``changes`` as ``changes`` tells them; ``more`` counts those left out."""

    launch_id: str
    at: datetime
    changes: tuple[Mapping[str, Json], ...]
    more: int = 0


def changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[dict[str, Json], ...]:
    """What differs between two sets of parts, in their order: ``what``, and its value ``before`` and ``after`` (None: none)."""
    names = dict.fromkeys([*before, *after])
    return tuple(_change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name))


def change_facts(found: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """Changes as the facts of an event: the first of them, and how many more there are."""
    facts: dict[str, Json] = {"changes": [dict(change) for change in found[:MOST_CHANGES]]}
    return facts if len(found) <= MOST_CHANGES else facts | {"more": len(found) - MOST_CHANGES}


def differences(launch: Launch, last: Launch | None) -> Differences | None:
    """What differs from ``last``, the launch of the same workflow that succeeded last; None where there is none."""
    if last is None:
        return None
    found = changes(_asked_for(last), _asked_for(launch))
    facts = change_facts(found)
    kept = tuple(cast("list[Mapping[str, Json]]", facts["changes"]))
    return Differences(launch_id=last.launch_id, at=last.updated_at, changes=kept, more=int(facts.get("more", 0)))


def canonical(value: Any) -> str:
    """``value`` as JSON in one spelling: equal for equal worth, and for nothing else. Another class is named with its text."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return json.dumps(_whole(value), ensure_ascii=False)
        case int() | Decimal() | float():
            return _number(value)
        case Mapping():
            pairs = cast("Mapping[Any, Any]", value).items()
            return f"{{{','.join(sorted(f'{canonical(str(name))}:{canonical(item)}' for name, item in pairs))}}}"
        case list() | tuple():
            return f"[{','.join(map(canonical, cast('Sequence[Any]', value)))}]"
        case _:
            name = "secret" if isinstance(value, SecretName) else type(value).__name__
            return f"{name}({canonical(str(value))})"


def _asked_for(launch: Launch) -> dict[str, str]:
    plain = {"version": launch.workflow_version, **{f"input {name}": value for name, value in launch.inputs.items()}}
    return {what: _part(canonical(value)) for what, value in plain.items()}


def _settings(workflow: Workflow) -> dict[str, Json]:
    """The provider's own facts of a workflow, but for its version, which has a part of its own."""
    return {name: value for name, value in workflow.extras.items() if (name, value) != ("version", workflow.version)}


def _options(options: Any) -> dict[str, Any]:
    """A provider's own settings by field, those inside of them as well; any other class counts as a whole."""
    if options is None:
        return {}
    plain = _fields(options)
    return cast("dict[str, Any]", plain) if isinstance(plain, dict) else {"all": plain}


def _fields(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _fields(getattr(value, field.name)) for field in fields(value)}
    return value


def _part(text: str) -> str:
    if len(text) <= MOST_PART:
        return text
    return f"{text[:_KEPT]}… (sha256 {hashlib.sha256(text.encode()).hexdigest()[:_HASH]})"


def _change(name: str, before: Json, after: Json) -> dict[str, Json]:
    was, became = _readable(before), _readable(after)
    return {"what": name, **({"before": was, "after": became} if was != became else {"before": before, "after": after})}


def _readable(part: Json) -> Json:
    """A text without its quotes; nothing for what was not given."""
    if not isinstance(part, str) or part == "null":
        return None
    try:
        return json.loads(part) if part.startswith('"') else part
    except ValueError:
        return part


def _number(number: float | Decimal) -> str:
    """The same text for 1, 1.0 and 1.00, and no digit lost: ``Decimal.normalize`` rounds to 28 of them."""
    exact = Decimal(str(number)) if isinstance(number, float) else Decimal(number)
    if not exact.is_finite():
        return f"number({exact})"
    sign, digits, exponent = exact.as_tuple()
    worth = "".join(map(str, digits)).lstrip("0")
    whole = worth.rstrip("0")
    if not whole:
        return "0"
    power = int(exponent) + len(worth) - len(whole)
    told = Decimal((sign, tuple(map(int, whole)), power))
    return format(told, "f") if -_MOST_ZEROS <= power <= _MOST_ZEROS else f"{'-' * sign}{whole}e{power}"


def _whole(text: str) -> str:
    """Half characters as the store keeps them, so that what is read again has the same digest."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
