"""Faults as lines for people: ``gonogo.yaml:12: connections.billing.base_url: must begin with https://``.

Why values are quoted here and nowhere else: only this file sees the document as it is written, where a reference is still
``${NAME}``. A rule that quoted what it was given would print what the reference stands for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.domain.model import Json
from bot.domain.provider import Secret
from bot.domain.spelling import closest
from bot.settings.document import Document, Fault, Place, entries
from bot.settings.references import is_reference, is_secret_place

MOST_QUOTED = 40
"""Longer values are not quoted: no word that we know is so long, and most tokens are."""
MOST_LISTED = 14
SHORTEST_SCRUBBED = 6

_KEY = "[key]"
_PLAIN_KEY = re.compile(r"[\w-]+")
_FIELD_NAME = re.compile(r"[a-z][a-z_]{0,30}[0-9]{0,2}")

_SENTENCES: Mapping[str, str] = {
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of keys to values",
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "mapping_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "string_type": "must be text",
    "too_long": "has too many entries: at most {max_length}",
    "tuple_type": "must be a list",
}


def subject_fault(text: str) -> PydanticCustomError:
    """A fault whose sentence begins with the value (or key) that it is about; quoted from the document, never from memory."""
    return PydanticCustomError("subject", "{text}", {"text": text})


def nearest(word: str, words: Iterable[str]) -> str:
    """``; did you mean "…"?`` with the one of ``words`` that was most likely meant, else what they are."""
    known = sorted(words)
    meant = closest(word, known)
    if meant:
        return f'; did you mean "{meant}"?'
    if not known:
        return ""
    more = ", …" if len(known) > MOST_LISTED else ""
    return f"; known here: {', '.join(known[:MOST_LISTED])}{more}"


def faults_of(error: ValidationError, model: type[BaseModel], place: Place, document: Document) -> list[Fault]:
    """What pydantic found in the section at ``place``, as faults with sentences of ours."""
    return [_fault(details, model, place, document) for details in error.errors(include_url=False)]


def lines(file: str, document: Document, faults: Sequence[Fault], secrets: Iterable[Secret]) -> list[str]:
    """Every fault as one line, in the order of the file, each once; no credential's value in any of them."""
    hidden = [secret.reveal() for secret in secrets] + list(_literals(document.value, ()))
    placed = [(fault.line or document.line(fault.place), _words(fault.place), fault.text) for fault in faults]
    texts = [_line(file, line, place, scrubbed(text, hidden)) for line, place, text in sorted(placed)]
    return list(dict.fromkeys(texts))


def _line(file: str, line: int, place: str, text: str) -> str:
    return f"{file}:{line}: {place}: {text}" if place else f"{file}:{line}: {text}"


def _words(place: Place) -> str:
    words = ""
    for index, step in enumerate(place):
        match step:
            case int():
                words += f"[{step}]"
            case str() if index > 2 and is_secret_place(place) and not _FIELD_NAME.fullmatch(step):  # noqa: PLR2004 - in a credential
                words += ".****"
            case str():
                words += f".{step if _PLAIN_KEY.fullmatch(step) else json.dumps(step[:MOST_QUOTED], ensure_ascii=False)}"
    return words.removeprefix(".")


def scrubbed(text: str, hidden: Sequence[str]) -> str:
    """The last net: a provider's own sentence about its credential may quote it."""
    for value in hidden:
        if len(value) >= SHORTEST_SCRUBBED:
            text = text.replace(value, "****")
    return text


def _literals(value: Json, place: Place) -> Iterable[str]:
    if isinstance(value, str) and is_secret_place(place) and not is_reference(value):
        yield value
    for step, item in entries(value):
        yield from _literals(item, (*place, step))


def _fault(details: ErrorDetails, model: type[BaseModel], place: Place, document: Document) -> Fault:
    is_key = details["loc"][-1:] == (_KEY,)
    loc = tuple(step for step in details["loc"] if step != _KEY)
    text = _sentence(details, model, loc)
    if details["type"] == "subject":
        subject = loc[-1] if is_key else document.at((*place, *loc))
        text = f"{_quoted(subject)} {text}"
    return Fault(place=(*place, *loc), text=text)


def _sentence(details: ErrorDetails, model: type[BaseModel], loc: Place) -> str:
    facts = details.get("ctx", {})
    match details["type"]:
        case "missing" | "too_short" as kind:
            return f"is {'missing' if kind == 'missing' else 'empty'}. {_meaning(model, loc)}"
        case "extra_forbidden":
            return f"is no key that is known here{nearest(str(loc[-1]), keys_at(model, loc[:-1]))}"
        case "value_error" | "subject":
            return str(facts.get("error") or facts.get("text"))
        case kind if kind in _SENTENCES:
            return f"{'is empty: it ' if details['input'] is None else ''}{_SENTENCES[kind].format_map(facts)}"
        case _:
            return details["msg"][:1].lower() + details["msg"][1:]


def _quoted(value: Json) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool) or len(str(value)) > MOST_QUOTED:
        return "this"
    return json.dumps(str(value), ensure_ascii=False)


def _meaning(model: type[BaseModel], loc: Place) -> str:
    field = _field(keys_of(_annotation_at(model, loc[:-1])), loc[-1])
    return (field.description if field else None) or "It is required."


def keys_at(model: type[BaseModel], loc: Place) -> list[str]:
    """The keys that the section at ``loc`` of ``model`` knows, as they are written."""
    return list(keys_of(_annotation_at(model, loc)))


def keys_of(annotation: Any) -> Mapping[str, FieldInfo]:
    """The fields of a section by the key that people write; nothing for whatever is no section."""
    section = bare(annotation)
    if not (isinstance(section, type) and issubclass(section, BaseModel)):
        return {}
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _annotation_at(model: type[BaseModel], loc: Place) -> Any:
    annotation: Any = model
    for step in loc:
        field = _field(keys_of(annotation), step)
        annotation = field.annotation if field else item_of(annotation)
    return annotation


def _field(fields: Mapping[str, FieldInfo], step: str | int) -> FieldInfo | None:
    return fields.get(step) if isinstance(step, str) else None


def item_of(annotation: Any) -> Any:
    """What stands in a list or a mapping of this type; None where it is neither."""
    arguments = [one for one in get_args(bare(annotation)) if one is not Ellipsis]
    return arguments[-1] if arguments else None


def bare(annotation: Any) -> Any:
    """Without ``Annotated`` and without ``| None``."""
    while True:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation = arguments[0]
        elif origin in {Union, UnionType} and len(arguments) == 2 and type(None) in arguments:  # noqa: PLR2004 - this or None
            annotation = next(one for one in arguments if one is not type(None))
        else:
            return annotation
