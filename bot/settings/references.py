"""``${NAME}`` from the environment and ``${file:/path}`` from a file; ``$${`` is a plain ``${``.

Why credentials are kept apart: within ``credential`` and ``secrets`` a value is wholly a reference or it is refused, what it
stands for never enters the values that are validated, and it is a ``Secret`` from the first moment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.model import Json
from bot.domain.provider import Secret
from bot.settings.document import Fault, Place, entries

MOST_BYTES = 65_536
"""How large a file with a secret may be."""

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_WHOLE = re.compile(r"\$\{[^{}]+\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SECRET_SECTIONS = frozenset({"credential", "secrets"})


@dataclass(kw_only=True)
class Resolved:
    """``value``: the document's, references filled in, but for credentials. ``secrets``: what those stand for, by place.

    ``filled`` are the values that went into ``value``.
    """

    value: Json = None
    secrets: dict[Place, Secret] = field(default_factory=dict[Place, Secret])
    filled: set[str] = field(default_factory=set[str])
    faults: list[Fault] = field(default_factory=list[Fault])


def is_reference(value: Json) -> bool:
    """True when the whole of ``value`` is one reference."""
    return isinstance(value, str) and _WHOLE.fullmatch(value) is not None


def is_secret_place(place: Place) -> bool:
    """True for a connection's credential and secrets, and every value within them."""
    return len(place) >= 3 and place[0] == "connections" and place[2] in _SECRET_SECTIONS  # noqa: PLR2004 - connections, name, section


def referenced_files(text: str) -> frozenset[Path]:
    """The files that a configuration refers to, also one that is faulty otherwise: whoever waits for it to change watches them."""
    return frozenset(
        Path(found[1].removeprefix("file:")) for found in _REFERENCE.finditer(text) if (found[1] or "").startswith("file:")
    )


def resolve(value: Json, environment: Mapping[str, str]) -> Resolved:
    """Fill in every reference; one that cannot be filled in is a fault and stays as it is written."""
    resolved = Resolved()
    resolved.value = _Filler(environment, resolved).fill(value, ())
    return resolved


class _MissingError(Exception):
    """A reference stands for nothing."""


class _Filler:
    def __init__(self, environment: Mapping[str, str], resolved: Resolved) -> None:
        self._environment = environment
        self._resolved = resolved

    def fill(self, value: Json, place: Place) -> Json:
        match value:
            case dict():
                return {key: self.fill(item, (*place, key)) for key, item in entries(value)}
            case list():
                return [self.fill(item, (*place, index)) for index, item in entries(value)]
            case str() if is_secret_place(place):
                self._keep_secret(value, place)
                return value
            case str() if "${" in value:
                return self._filled(value, place)
            case _:
                return value

    def _filled(self, text: str, place: Place) -> str:
        try:
            return _REFERENCE.sub(self._one, text)
        except _MissingError as missing:
            self._resolved.faults.append(Fault(place=place, text=str(missing)))
            return text

    def _keep_secret(self, text: str, place: Place) -> None:
        if not is_reference(text):
            return  # the schema refuses it there, as a literal secret
        try:
            secret = self._looked_up(text[2:-1])
        except _MissingError as missing:
            self._resolved.faults.append(Fault(place=place, text=str(missing)))
            return
        spoilt = _spoilt(secret)
        if spoilt:
            self._resolved.faults.append(Fault(place=place, text=f"{text} {spoilt}"))
        self._resolved.secrets[place] = Secret(secret)

    def _one(self, found: re.Match[str]) -> str:
        if found[0] == "$${":
            return "${"
        if found[1] is None:
            raise _MissingError("a ${ without its closing brace; a plain ${ is written $${")
        value = self._looked_up(found[1])
        self._resolved.filled.add(value)
        return value

    def _looked_up(self, inner: str) -> str:
        if inner.startswith("file:"):
            return _read(Path(inner.removeprefix("file:")), f"${{{inner}}}")
        if not _NAME.fullmatch(inner):
            raise _MissingError("a reference is ${NAME} or ${file:/path}, nothing else; a plain ${ is written $${")
        value = self._environment.get(inner)
        if value is None:
            raise _MissingError(f"${{{inner}}}: the environment has no variable {inner}; set it there or in .env")
        if not value.strip():
            raise _MissingError(f"${{{inner}}}: the variable {inner} is empty")
        return value


def _spoilt(secret: str) -> str | None:
    """What no key or token has; a PEM key, which has many lines, says that it is one."""
    if secret != secret.strip(" "):
        return "begins or ends with a space: copy it again"
    if _CONTROL.search(secret) and not secret.startswith("-----BEGIN "):
        return "holds a line break or another control character: a key or token is one line"
    return None


def _read(path: Path, reference: str) -> str:
    if not path.is_absolute():
        raise _MissingError(f"{reference}: write the whole path, from the root")
    try:
        if not path.is_file():
            raise _MissingError(f"{reference}: there is no such file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode()
    except UnicodeDecodeError:
        raise _MissingError(f"{reference}: the file is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "no such path"
        raise _MissingError(f"{reference}: the file cannot be read ({cause})") from None
    if len(content) > MOST_BYTES:
        raise _MissingError(f"{reference}: the file is larger than {MOST_BYTES:,} bytes")
    if not text.strip():
        raise _MissingError(f"{reference}: the file is empty")
    return text.rstrip("\r\n")
