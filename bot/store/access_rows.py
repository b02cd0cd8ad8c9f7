"""Record and Holding, identities and first names ↔ rows of plain values, as rows.py does it. Shared by all databases."""

from __future__ import annotations

from dataclasses import fields
from typing import cast

import simplejson

from bot.domain.holdings import Holding
from bot.domain.model import Json
from bot.domain.records import Record
from bot.store.json_columns import json_text
from bot.store.rows import (
    DIGEST,
    FLAG,
    JSON,
    PLAIN,
    TIME,
    Codec,
    Columns,
    Row,
    only_text,
    read_as,
    reading,
    storable,
    whole,
)

DECISION_COLUMNS = tuple(field.name for field in fields(Record))
HOLDING_COLUMNS = tuple(field.name for field in fields(Holding))


def texts_from(text: str) -> tuple[str, ...]:
    """A JSON list of texts from a row."""
    value: Json = simplejson.loads(text)
    if not isinstance(value, list):
        raise TypeError("no JSON list")
    return tuple(only_text(item) for item in cast("list[Json]", value))


_TEXTS = Codec(write=lambda value: storable(json_text(list(value))), read=lambda text: texts_from(whole(text)))
_DECISION = Columns(
    dict.fromkeys(DECISION_COLUMNS, PLAIN) | {"at": TIME, "codes": _TEXTS, "facts": JSON, "policy_digest": DIGEST}
)
_HOLDING = Columns(dict.fromkeys(HOLDING_COLUMNS, PLAIN) | {"is_held": FLAG, "seen_at": TIME, "lapses_at": TIME})


def decision_row(record: Record) -> Row:
    """The columns of a decision."""
    return _DECISION.written(record)


def decision_from(row: Row) -> Record:
    """The decision that a row holds.

    Raises:
        UnreadableRowError: the row holds what no decision can be.
    """
    return read_as(Record, row, _DECISION, table="decisions", named="seq")


def holding_row(holding: Holding) -> Row:
    """The columns of what is known of one scope."""
    return _HOLDING.written(holding)


def holding_from(row: Row) -> Holding:
    """What is known of the scope that a row is about.

    Raises:
        UnreadableRowError: the row holds what no holding can be.
    """
    with reading("holdings", f"{row.get('connection')} {row.get('scope')} {row.get('workflow_id')}".rstrip()):
        return Holding(**_HOLDING.read(row))


def identity_from(row: Row) -> str:
    """Whose credential it is, by a row of the identities.

    Raises:
        UnreadableRowError: it is no text.
    """
    with reading("identities", row.get("connection")):
        return whole(row["identity"])


def first_name_from(row: Row) -> str:
    """The name that a row keeps of a workflow.

    Raises:
        UnreadableRowError: it is no text.
    """
    with reading("first_names", f"{row.get('connection')} {row.get('workflow_id')}"):
        return whole(row["name"])
