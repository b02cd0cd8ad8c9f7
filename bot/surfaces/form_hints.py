"""What stands below a field: the provider's own hint, what it takes, what the grant allows, and what happens when it is left empty."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.grants import InputRule
from bot.domain.input_writing import is_list, written
from bot.domain.inputs import describe_type
from bot.domain.model import InputSpec, InputType
from bot.surfaces.escaping import clean, shorten

_MOST_TOLD = 200
_MOST_LISTED = 10
_ZONE = "Picked in your own time zone, and sent as the same moment in UTC"


def hint(spec: InputSpec, rule: InputRule, *, is_chosen: bool, default: str, is_unseen: bool, note: str = "") -> str:
    """The sentences below a field. ``is_chosen``: from options; ``is_unseen``: its ``default`` does not stand in it."""
    told = [
        clean(spec.hint or "").strip(),
        *_kind(spec, is_chosen=is_chosen),
        *_rule(rule, spec, is_chosen=is_chosen),
        *_default(spec, default, is_unseen=is_unseen),
        note,
    ]
    return " ".join(sentence if sentence[-1] in ".!?…" else f"{sentence}." for sentence in told if sentence)


def _kind(spec: InputSpec, *, is_chosen: bool) -> Iterator[str]:
    if is_chosen:
        return
    elif is_list(spec):
        yield f"Takes several, parted by commas, each {_several(spec)}; one with a comma in it stands in “double quotes”"
    elif spec.type is InputType.DATETIME:
        yield _ZONE
    elif spec.type is InputType.JSON:
        yield "Takes a JSON list" if spec.many else "Takes JSON"


def _several(spec: InputSpec) -> str:
    return "a text" if spec.type is InputType.MULTI_CHOICE and not spec.options else describe_type(spec.type)


def _rule(rule: InputRule, spec: InputSpec, *, is_chosen: bool) -> Iterator[str]:
    if rule.min is not None and rule.max is not None:
        yield f"From {rule.min:f} to {rule.max:f} here"
    elif rule.min is not None:
        yield f"At least {rule.min:f} here"
    elif rule.max is not None:
        yield f"At most {rule.max:f} here"
    if rule.pattern is not None and not is_chosen:
        yield f"Must match the pattern “{shorten(clean(rule.pattern), _MOST_TOLD)}” here"
    if rule.one_of is not None and not is_chosen:
        listed = ", ".join(written(spec, value) for value in rule.one_of[:_MOST_LISTED])
        yield f"Only certain values are allowed here: {shorten(clean(listed), _MOST_TOLD)}"


def _default(spec: InputSpec, default: str, *, is_unseen: bool) -> Iterator[str]:
    """A default that is a secret's is a name at most, and is not told all the same: somebody may have put a value there."""
    if spec.default is None or spec.type is InputType.SECRET:
        return
    if not default:
        yield f"Its default “{_told(str(spec.default))}” does not fit it and is not used"
    elif is_unseen and (spec.required or spec.is_default_ours):
        yield f"Left empty, it is {_told(default)}"
    elif is_unseen:
        yield f"Left empty, the provider takes {_told(default)}"


def _told(text: str) -> str:
    return shorten(clean(text), _MOST_TOLD)
