"""YAML as plain values, with the line of every one of them.

A place is where a value stands: ``("channels", "C0FINANCE", "grants", 0, "scopes")``. Keys are always text.

Why YAML is composed here and not loaded: ids look like numbers. PyYAML reads an unquoted ``0123`` as 83 and ``1:30`` as 90. Here
a key is what was typed, and a value is a number only where everybody would read one; all else is text.

Why our own sentences for broken YAML: PyYAML's quote the text, and that text may be a secret that begins with ``*`` or ``!``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias, cast

import yaml

from bot.domain.model import Json

Place: TypeAlias = tuple[str | int, ...]

MOST_CHARACTERS = 1_000_000
MOST_VALUES = 100_000
"""Aliases are expanded, so a short text can mean endless values."""
MOST_DEPTH = 40

_PREFIX = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,29})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,60}\.[0-9]{0,60}([eE][-+]?[0-9]{1,3})?")
_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_TEXTS = {"str", "int", "float", "timestamp", "value"}
_TAG = "a value that begins with ! is a tag in YAML: put it in quotes"

# What PyYAML says (yaml/scanner.py, parser.py, composer.py) → what we say.
_SENTENCES = (
    ("found character '\\t'", "a tab: YAML is indented with spaces"),
    ("found character", "a character that cannot begin a value: put the value in quotes"),
    ("undefined alias", "a value that begins with * stands for another one in YAML, and there is none: put it in quotes"),
    ("anchor", "a value that begins with & is a mark in YAML, and this one cannot be read: put it in quotes"),
    ("alias", "a value that begins with * stands for another one in YAML, and this one cannot be read: put it in quotes"),
    ("tag", _TAG),
    ("mapping values are not allowed", "a second colon, or a wrong indentation: put text with a colon in quotes"),
    ("could not find expected ':'", "no colon after this key, or a wrong indentation"),
    ("but found another document", "a second document: write everything in one"),
    ("unexpected end of stream", "quotes that are never closed"),
    ("expected ',' or", "a bracket that is not closed, a comma that is missing, or a ${…} within brackets that is not in quotes"),
    ("expected <block end>", "a wrong indentation: entries of one list or mapping start in the same column"),
    ("escape", "a backslash that means nothing within double quotes: use single quotes"),
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong at a place, in a sentence that quotes no secret. ``line`` is given only where the place does not tell it."""

    place: Place
    text: str
    line: int | None = None


@dataclass(kw_only=True)
class Document:
    """A file's plain values, where each stands, and what is wrong with it as YAML."""

    value: Json = None
    lines: dict[Place, int] = field(default_factory=dict[Place, int])
    faults: list[Fault] = field(default_factory=list[Fault])

    def line(self, place: Place) -> int:
        """The line of this place, or of the nearest one around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def at(self, place: Place) -> Json:
        """The value at this place, as it is written; None where there is none."""
        value = self.value
        for step in place:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def parse(text: str) -> Document:
    """Read YAML; what cannot be read is a fault of the document."""
    document = Document()
    try:
        node = _compose(text)
        if node is not None:
            document.value = _Reader(document).read(node, ())
    except _NotYamlError as broken:
        document.faults.append(Fault(place=(), text=f"not readable as YAML: {broken.text}", line=broken.line))
        document.value = None
    return document


def entries(value: Json) -> list[tuple[Any, Json]]:
    """What stands in a mapping or a list, by key or index; nothing for a plain value."""
    match value:
        case dict():
            return list(cast("dict[str, Json]", value).items())
        case list():
            return list(enumerate(cast("list[Json]", value)))
        case _:
            return []


class _NotYamlError(Exception):
    """The text as a whole cannot be used."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.text = text
        self.line = line


def _compose(text: str) -> yaml.Node | None:
    if len(text) > MOST_CHARACTERS:
        raise _NotYamlError(f"more than {MOST_CHARACTERS:,} characters", 1)
    try:
        return yaml.SafeLoader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _NotYamlError("a control character, or one that is none", line) from None
    except yaml.MarkedYAMLError as error:
        problem = f"{error.context} {error.problem}"
        begins = "end of stream" in problem or "expected ':'" in problem  # where quotes or a key begin is what helps
        mark = error.context_mark if begins and error.context_mark else error.problem_mark
        raise _NotYamlError(_sentence(problem), mark.line + 1 if mark else 1) from None
    except RecursionError:
        raise _NotYamlError("brackets within brackets without end", 1) from None
    except (yaml.YAMLError, ValueError, OverflowError):  # PyYAML gives "\UFFFFFFFF" to chr() unchecked
        raise _NotYamlError("a character that is none", 1) from None


def _sentence(problem: str) -> str:
    return next((ours for theirs, ours in _SENTENCES if theirs in problem), "something here is out of place")


class _Reader:
    """Turns composed nodes into plain values, and notes where each stands."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def read(self, node: yaml.Node, place: Place) -> Json:
        line = node.start_mark.line + 1
        self._document.lines.setdefault(place, line)
        self._count += 1
        if self._count > MOST_VALUES or len(place) > MOST_DEPTH:
            raise _NotYamlError("too many values, or too deep", line)
        tag = node.tag.removeprefix(_PREFIX)
        match node:
            case yaml.MappingNode() if tag == "map":
                return self._mapping(node, place)
            case yaml.SequenceNode() if tag == "seq":
                return [self.read(item, (*place, index)) for index, item in enumerate(node.value)]
            case yaml.ScalarNode():
                return self._scalar(node.value, tag, place)
            case _:
                return self._fault(place, _TAG)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Json]:
        values: dict[str, Json] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self._key(key_node, place)
            if key is None:
                continue
            if key in values:
                first = self._document.lines[*place, key]
                self._fault((*place, key), f"appears twice; the first one stands in line {first}", line)
                continue
            self._document.lines[*place, key] = line
            values[key] = self.read(value_node, (*place, key))
        return values

    def _key(self, node: yaml.Node, place: Place) -> str | None:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode) or not _is_whole_text(node.value):
            return self._fault(place, "a key that is no plain text", line)
        if node.tag == f"{_PREFIX}merge":
            return self._fault(place, "<< is not understood here: write the entries out", line)
        return str(node.value)

    def _scalar(self, text: str, tag: str, place: Place) -> Json:
        if not _is_whole_text(text):
            return self._fault(place, "half a character (a lone surrogate)")
        if tag == "null":
            return None
        if tag == "bool" and text.lower() in _BOOLEANS:
            return _BOOLEANS[text.lower()]
        if tag in _TEXTS:
            return _number(text, tag)
        return self._fault(place, _TAG)

    def _fault(self, place: Place, text: str, line: int | None = None) -> None:
        self._document.faults.append(Fault(place=place, text=text, line=line))


def _number(text: str, tag: str) -> Json:
    """The number that everybody would read in ``text``, or ``text``."""
    if tag == "int" and _WHOLE.fullmatch(text):
        return int(text)
    return Decimal(text) if tag == "float" and _DECIMAL.fullmatch(text) else text


def _is_whole_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
