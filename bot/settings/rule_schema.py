"""What a grant, or an approval's ``when``, may say about one input (design.md, section 3).

What a rule alone can tell is checked here; whether it fits the input that it is about, in ``crossing.py``.

Why no sentence quotes a value: it may be what a reference stands for. Its place names it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from bot.domain.grants import InputRule
from bot.domain.input_rules import misfits
from bot.domain.model import Json
from bot.domain.tokens import looks_like_token
from bot.settings.sections import Section
from bot.settings.words import Flag, Number, Pattern

MOST_VALUES = 500
_OTHERS = ("one_of", "min", "max", "pattern")


def token_fault(value: Json) -> None:
    """Refuse what looks like a token, also within a list or a mapping.

    Raises:
        ValueError: with its kind.
    """
    match value:
        case str():
            kind = looks_like_token(value)
            if kind:
                raise ValueError(f"looks like a secret ({kind}): secrets stand in the connection's secrets, and inputs name them")
        case dict():
            for item in (*cast("dict[str, Json]", value).items(),):
                token_fault(list(item))
        case list():
            for item in cast("list[Json]", value):
                token_fault(item)
        case _:
            pass


def _one_of(values: list[Any] | None) -> list[Any] | None:
    listed = values or []
    for index, value in enumerate(listed):
        if value is None:
            raise ValueError(f"has an empty value ([{index}]): an input that is left out is not judged")
        token_fault(value)
        if value in listed[:index]:
            raise ValueError(f"names one value twice ([{index}])")
    return values


def _least(least: Decimal | None, info: ValidationInfo) -> Decimal | None:
    return _with_listed(least, InputRule(min=least), info)


def _most(most: Decimal | None, info: ValidationInfo) -> Decimal | None:
    least = info.data.get("min")
    if most is not None and least is not None and least > most:
        raise ValueError("is less than min, so no value is allowed")
    return _with_listed(most, InputRule(max=most), info)


def _shape(pattern: str | None, info: ValidationInfo) -> str | None:
    return _with_listed(pattern, InputRule(pattern=pattern), info)


def _with_listed(part: Any, rule: InputRule, info: ValidationInfo) -> Any:
    """``part``, unless a value of ``one_of`` could never pass it."""
    listed: list[Any] = [] if part is None else info.data.get("one_of") or []
    for index, value in enumerate(listed):
        if misfits("", rule, value):
            raise ValueError(f"does not let through one_of[{index}], so that value is never allowed: change one of them")
    return part


def _fixed(value: Json, info: ValidationInfo) -> Json:
    if value is None:
        return None
    others = [name for name in _OTHERS if info.data.get(name) is not None]
    if others:
        raise ValueError(f"stands alone, as there is nothing left to choose: remove {' and '.join(others)}, or this")
    token_fault(value)
    return value


class InputRuleSection(Section):
    """What a grant says about one input."""

    one_of: Annotated[list[Any] | None, AfterValidator(_one_of)] = Field(
        default=None, min_length=1, max_length=MOST_VALUES, description="The values that are allowed."
    )
    min: Annotated[Number | None, AfterValidator(_least)] = Field(default=None, description="The least value that is allowed.")
    max: Annotated[Number | None, AfterValidator(_most)] = Field(default=None, description="The greatest value that is allowed.")
    pattern: Annotated[Pattern | None, AfterValidator(_shape)] = Field(
        default=None, description="A regular expression that the whole value must match."
    )
    fixed: Annotated[Any, AfterValidator(_fixed)] = Field(default=None, description="The only value: nobody is asked for it.")
    hidden: Flag = Field(default=False, description="Whether the form leaves it out.")

    @model_validator(mode="after")
    def _says_something(self) -> InputRuleSection:
        if not self.hidden and all(getattr(self, name) is None for name in (*_OTHERS, "fixed")):
            raise ValueError("says nothing: write one_of, min, max, pattern, fixed or hidden, or remove it")
        return self

    @property
    def narrows(self) -> bool:
        """Whether only some values are allowed, and one of them has to be typed."""
        return any(getattr(self, name) is not None for name in _OTHERS)

    def as_rule(self) -> InputRule:
        """The rule as decisions use it."""
        return InputRule(
            one_of=None if self.one_of is None else tuple(self.one_of),
            min=self.min,
            max=self.max,
            pattern=self.pattern,
            fixed=self.fixed,
            hidden=self.hidden,
        )
