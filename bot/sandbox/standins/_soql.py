"""A tiny subset of Salesforce's query language: ``SELECT a, b FROM Object WHERE c = 'd' AND e >= 2026-11-21T12:00:00Z``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.model import Json

_CONDITION = r"\w+\s*(?:=|!=|>=|<=|>|<)\s*(?:'(?:[^'\\]|\\.)*'|[\w:.+-]+)"
_QUERY = re.compile(
    rf"\s*SELECT\s+(?P<fields>\w+(?:\s*,\s*\w+)*)\s+FROM\s+(?P<table>\w+)"
    rf"(?:\s+WHERE\s+(?P<where>{_CONDITION}(?:\s+AND\s+{_CONDITION})*))?"
    rf"(?:\s+ORDER\s+BY\s+(?P<order>\w+)(?:\s+(?P<direction>ASC|DESC))?)?(?:\s+LIMIT\s+(?P<limit>\d+))?\s*",
    re.IGNORECASE,
)
_ONE = re.compile(r"(\w+)\s*(=|!=|>=|<=|>|<)\s*('(?:[^'\\]|\\.)*'|[\w:.+-]+)")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_WORDS: Mapping[str, Json] = {"true": True, "false": False, "null": None}


class QueryError(Exception):
    """A query that is refused; ``code`` is the platform's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query, read. ``conditions`` are field, comparison and value; all must hold."""

    fields: tuple[str, ...]
    table: str
    conditions: tuple[tuple[str, str, Json], ...]
    order: str | None
    is_descending: bool
    limit: int | None


def read(text: str) -> Query:
    """The query that ``text`` is.

    Raises:
        QueryError: it is none, or uses more of the language than is understood here.
    """
    found = _QUERY.fullmatch(text)
    if found is None:
        raise QueryError("MALFORMED_QUERY", f"unexpected token in: {text}")
    return Query(
        fields=tuple(name.strip() for name in found["fields"].split(",")),
        table=found["table"],
        conditions=tuple((name, sign, _value(given)) for name, sign, given in _ONE.findall(found["where"] or "")),
        order=found["order"],
        is_descending=(found["direction"] or "").upper() == "DESC",
        limit=int(found["limit"]) if found["limit"] else None,
    )


def _value(text: str) -> Json:
    if text.startswith("'"):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return _WORDS.get(text.lower(), text)


def select(query: Query, columns: Sequence[str], rows: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """The rows that ``query`` asks for, with the fields that it asks for.

    Raises:
        QueryError: there is no such column.
    """
    names = {column.lower(): column for column in columns}
    asked = (*query.fields, *(each[0] for each in query.conditions), *([query.order] if query.order else []))
    for name in asked:
        if name.lower() not in names:
            raise QueryError("INVALID_FIELD", f"No such column '{name}' on entity '{query.table}'.")
    kept = [row for row in rows if all(_holds(row[names[name.lower()]], sign, value) for name, sign, value in query.conditions)]
    if query.order:
        column = names[query.order.lower()]
        kept.sort(key=lambda row: str(row[column]), reverse=query.is_descending)
    return [{names[name.lower()]: row[names[name.lower()]] for name in query.fields} for row in kept[: query.limit]]


def _holds(actual: Json, sign: str, wanted: Json) -> bool:
    if sign not in {"=", "!="} and not (isinstance(actual, str) and isinstance(wanted, str)):
        return False
    return _COMPARISONS[sign](actual, wanted)
