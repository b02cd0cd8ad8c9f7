"""Every block list and view that the snapshots hold, read back from syrupy's files: what the page must be able to draw."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrupy.extensions.amber.serializer import AmberDataSerializer

FOLDER = Path(__file__).parent.parent / "surfaces" / "__snapshots__"
_QUOTES = "'''"


@dataclass(frozen=True)
class Drawable:
    """Blocks of one snapshot. ``surface``: message, modal or home."""

    name: str
    surface: str
    blocks: list[dict[str, Any]]


def drawables() -> list[Drawable]:
    """All of them, in the order of the files."""
    return [found for path in sorted(FOLDER.glob("*.ambr")) for found in _in_file(path)]


def _in_file(path: Path) -> Iterator[Drawable]:
    for snapshot in AmberDataSerializer.read_file(str(path)):
        found = list(_in_value(read_back(str(snapshot.data)), f"{path.stem}: {snapshot.name}"))
        if ("'block_id':" in str(snapshot.data) or "'elements':" in str(snapshot.data)) and not found:
            raise ValueError(f"{path.name}: {snapshot.name} holds blocks that are not found")
        yield from found


def _in_value(value: Any, name: str) -> Iterator[Drawable]:
    """Block lists at any depth: of a message, of a view, or bare."""
    if isinstance(value, dict):
        blocks = value.get("blocks")
        if isinstance(blocks, list):
            yield Drawable(name, str(value.get("type") or "message"), blocks)
        for key, one in value.items():
            yield from _in_value(one, name) if key != "blocks" else ()
    elif isinstance(value, list) and value and all(_is_block(one) for one in value):
        yield Drawable(name, "message", value)
    elif isinstance(value, list):
        for one in value:
            yield from _in_value(one, name)


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") in {
        "section",
        "rich_text",
        "context",
        "actions",
        "header",
        "divider",
        "input",
    }


def read_back(data: str) -> Any:
    """The value behind syrupy's writing of it: mappings, lists, texts and numbers; an object is the mapping of its fields."""
    return _value(ast.parse(_with_plain_texts(textwrap.dedent(data)).strip(), mode="eval").body)


def _with_plain_texts(data: str) -> str:
    """Texts of several lines stand there as they are, indented: written as literals that Python can read."""
    lines: list[str] = []
    pending: list[str] | None = None
    for line in data.splitlines():
        if pending is None and line.endswith(_QUOTES) and not line.endswith(_QUOTES * 2):
            lines.append(line[: -len(_QUOTES)])
            pending = []
        elif pending is not None and line.strip().startswith(_QUOTES):
            lines[-1] += repr(textwrap.dedent("\n".join(pending))) + line.strip()[len(_QUOTES) :]
            pending = None
        elif pending is not None:
            pending.append(line)
        else:
            lines.append(line)
    return "\n".join(lines)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[ast.List(elts=items)]):
            return [_value(one) for one in items]
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=items):
            return [_value(one) for one in items]
        case ast.Call(func=ast.Name(id="dict"), args=[ast.Dict(keys=keys, values=values)]):
            return {_value(key): _value(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.Call(keywords=fields):
            return {field.arg: _value(field.value) for field in fields}
        case _:
            return ast.literal_eval(node)
