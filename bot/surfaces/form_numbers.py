"""The bounds of a number field, as Slack's client checks them; a bound that it might not read is left to our own reader.

https://docs.slack.dev/reference/block-kit/block-elements/number-input-element
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bot.domain.grants import InputRule
from bot.domain.inputs import read_value
from bot.domain.model import InputSpec, InputType

_MOST_DIGITS = 20


def bounds(spec: InputSpec, rule: InputRule) -> dict[str, str]:
    """``min_value`` and ``max_value`` of an input, as its grant sets them; nothing where they exclude each other."""
    least, most = _bound(spec, rule.min, ROUND_CEILING), _bound(spec, rule.max, ROUND_FLOOR)
    if least is not None and most is not None and least > most:
        return {}
    told = {"min_value": least, "max_value": most}
    return {name: format(value, "f") for name, value in told.items() if value is not None}


def is_within(spec: InputSpec, rule: InputRule, shown: str) -> bool:
    """Whether a number field may show this: Slack refuses a view whose initial number is out of its bounds."""
    value = read_value(spec, shown) if shown else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return True
    told = bounds(spec, rule)
    return Decimal(told.get("min_value", value)) <= value <= Decimal(told.get("max_value", value))


def _bound(spec: InputSpec, value: Decimal | None, rounding: str) -> Decimal | None:
    if value is None or not value.is_finite() or not -_MOST_DIGITS < value.adjusted() < _MOST_DIGITS:
        return None
    bound = value.to_integral_value(rounding=rounding) if spec.type is InputType.INTEGER else value
    return bound if len(format(bound, "f")) <= _MOST_DIGITS else None
