"""Does a text hold what looks like a token? Such a text is refused before it is stored (promise 8).

Only shapes that their issuers published are known here, each with its prefix: ids, hashes, UUIDs and addresses look as random as
a token does, and must pass. What has no shape of its own (a password) cannot be told from any other text.

Why a token is replaced by a mark and the text not dropped: what a person typed is kept before it is read, and the mark lets
whoever reads it afterwards name the input that held it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from bot.domain.model import Json

_DASHES = "[-\u2013\u2014]{2,5}"
_KEY_NAME = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?"

# Kind, as people read it → its shape. Sources: the issuers' own pages, most of them gathered at
# https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
_KINDS: tuple[tuple[str, str], ...] = (
    # No quote is part of it, so that a key in typed JSON or in a quoted word ends there; \n stands in JSON for a line break.
    (
        "private key",
        (
            rf"{_DASHES}BEGIN {_KEY_NAME}{_DASHES}(?:(?!{_DASHES}END )(?:[A-Za-z0-9+/=:,.\s\u2013\u2014-]|\\[nr]))*"
            rf"(?:{_DASHES}END {_KEY_NAME}{_DASHES})?"
        ),
    ),
    ("Slack token", r"xox[a-z](?:\.xox[a-z])?-(?=[\w-]{0,80}[0-9])[\w-]{10,}|(?:xapp|xwfp)-[0-9]-[\w-]{10,}"),
    ("Slack webhook", r"(?:https://)?hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[\w/-]{8,}"),
    ("AWS key", r"A(?:KI|SI|BI|CC)A[A-Z2-7]{16}"),
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{22,}"),
    ("GitLab token", r"gl(?:pat|ptt|rt|dt|cbt|soat)-[\w-]{20,}"),
    ("Google key", r"AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"),
    ("Azure key", r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}|[\w~.-]{3}[78]Q~[\w~.-]{31,34}"),
    ("Stripe key", r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}={0,2}"),
    ("SendGrid key", r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    ("package registry token", r"npm_[A-Za-z0-9]{30,}|pypi-[\w-]{50,}"),
    ("AI provider key", r"sk-(?:proj|svcacct|admin|ant|or)-[\w-]{20,}|sk-[A-Za-z0-9]{48,}|hf_[A-Za-z0-9]{30,}"),
    ("platform token", r"do[opr]_v1_[a-f0-9]{32,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|dapi[a-f0-9]{32}|hv[sb]\.[\w-]{20,}"),
    ("Atlassian token", r"ATATT3[\w=-]{20,}|ATCTT3[\w=-]{20,}"),
    ("Salesforce session", r"00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?![\w.]{20,}"),
    ("Bitrix24 key", r"vibe_(?:api|app|live|session)_[A-Za-z0-9]{16,}"),
    ("JSON Web Token", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    ("bearer token", r"[Bb]earer\s+(?=[\w.~+/-]*[0-9])[\w.~+/-]{20,}={0,2}"),
)
_NAMES = {kind.replace(" ", "-"): kind for kind, _ in _KINDS}
# What stands before is looked at once for all shapes: within words, where most characters are, none is tried. A command: 14 → 3 µs.
_ANY = "|".join(f"(?P<k{index}>{shape})" for index, (_, shape) in enumerate(_KINDS))
_SHAPES = re.compile(rf"(?<![A-Za-z0-9])(?:{_ANY})", re.ASCII)
# Typed JSON (or what a program printed) may write what stands before as an escape, whose last character is a letter or digit.
_ESCAPED_SHAPES = re.compile(rf"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{{4}}))(?:{_ANY})", re.ASCII)
_MARK = re.compile(rf"\[secret-removed:({'|'.join(_NAMES)})\]")


def looks_like_token(text: str) -> str | None:
    """The kind of the first token in ``text``, as people call it; None where nothing in it looks like one."""
    marked = _MARK.search(text)
    if marked:
        return _NAMES[marked[1]]
    found = _shapes(text).search(text)
    return _kind(found) if found else None


def blanked(text: str) -> str:
    """``text`` with a mark in place of every token: a single word, of which ``looks_like_token`` tells the same kind."""
    return _shapes(text).sub(lambda found: f"[secret-removed:{_kind(found).replace(' ', '-')}]", text)


def blanked_within(value: Json) -> Json:
    """``value`` with every text in it blanked, names too.

    For what is to be kept as JSON. Blanked after that, a token would be missed whose beginning or inside is spelt as an escape.
    """
    match value:
        case str():
            return blanked(value)
        case Mapping():
            return {blanked(name): blanked_within(part) for name, part in cast("Mapping[str, Any]", value).items()}
        case list():
            return [blanked_within(part) for part in cast("list[Any]", value)]
        case _:
            return value


def _shapes(text: str) -> re.Pattern[str]:
    return _ESCAPED_SHAPES if "\\" in text else _SHAPES


def _kind(found: re.Match[str]) -> str:
    return _KINDS[int((found.lastgroup or "k0")[1:])][0]
