"""Values in a message that somebody wants to launch something about: addresses of pages and people, ids and numbers.

Why only one of a kind is filled in: with two the person has to say which, and a wrong value that stands there already is
overlooked. Why nothing that looks like a token is offered: it would be sent on, and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.domain.input_writing import is_list
from bot.domain.inputs import read_value
from bot.domain.model import NOTHING, InputSpec, InputType, Problem
from bot.domain.spelling import hidden_characters
from bot.domain.tokens import blanked, looks_like_token
from bot.surfaces.escaping import clean, safe_url, shorten

MOST_FOUND = 10
"""Values of a kind; a message with more of them is a list, of which nobody can tell what was meant."""
MOST_READ = 40_000
"""Characters of a message that are read: Slack takes no longer one."""
_MOST_VALUE = 200
# Links, mentions and dates as Slack writes them: https://docs.slack.dev/messaging/formatting-message-text
_TOKEN = re.compile(r"<([^<>|\s]+)(?:\|[^<>]*)?>")
_URL = re.compile(r"https?://[^\s<>\"'`|\\^{}]+", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_UUID = re.compile(r"(?<![\w-])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![\w-])")
_WORD = re.compile(r"(?<![\w.,-])(?=[\w-]*[0-9])[A-Za-z0-9][\w-]{1,63}(?![\w-]|[.,][0-9])", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9-]*)?|[0-9]{1,2}h[0-9]{0,2}", re.IGNORECASE)
_ENDS = ".,;:!?)]…"
_IDS = re.compile(r"(?:^|[^A-Za-z])[Ii][Dd]s?$|[a-z]I[Dd]s?$|[Uu][Uu][Ii][Dd]$|[a-z]Key$|(?:^|_)key$")
_REMOVED = re.compile(r"\[secret-removed:[^\]]*\]")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a message holds, each value once, in its order."""

    urls: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Suggested:
    """What a message brings to a form: values that stand in fields already, and a sentence for fields with several to choose from."""

    given: Mapping[str, str] = NOTHING
    notes: Mapping[str, str] = NOTHING


def found_values(message: str) -> Found:
    """Every address and id in a message as Slack sends it (``message.text``), at most ten of a kind."""
    text = _REMOVED.sub(" ", blanked(message[:MOST_READ]))
    linked = [_unescaped(token) for token in _TOKEN.findall(text)]
    plain = _unescaped(_TOKEN.sub(" ", text))
    urls = [url for url in (*linked, *(one.rstrip(_ENDS) for one in _URL.findall(plain))) if safe_url(url)]
    emails = [one.removeprefix("mailto:") for one in linked if one.startswith("mailto:")] + _EMAIL.findall(plain)
    words = _EMAIL.sub(" ", _URL.sub(" ", plain))
    return Found(
        urls=_kept(urls), emails=_kept(emails), ids=_kept((*_ids(words), *(one for url in urls for one in _url_ids(url))))
    )


def suggested(found: Found, specs: Iterable[InputSpec]) -> Suggested:
    """What of ``found`` each input could take: one value alone stands in the field, several are told below it."""
    given: dict[str, str] = {}
    notes: dict[str, str] = {}
    for spec in specs:
        fitting = [value for value in _of_kind(found, spec) if not isinstance(read_value(spec, value), Problem)]
        if len(fitting) == 1:
            given[spec.name] = fitting[0]
        elif fitting:
            notes[spec.name] = f"In the message: {shorten(', '.join(fitting), 500)}"
    return Suggested(given=given, notes=notes)


def _of_kind(found: Found, spec: InputSpec) -> tuple[str, ...]:
    """The values that an input of this type and name may be about. An id counts only for an input that is called one."""
    if spec.options or is_list(spec):
        return ()
    match spec.type:
        case InputType.URL:
            return found.urls
        case InputType.EMAIL:
            return found.emails
        case InputType.TEXT | InputType.INTEGER if _IDS.search(spec.name):
            return found.ids
        case _:
            return ()


def _ids(words: str) -> list[str]:
    """UUIDs and words with a digit in them, but no dates, and no small numbers, which count something."""
    uuids = _UUID.findall(words)
    singles = [one for one in _WORD.findall(_UUID.sub(" ", words)) if not _DATE.fullmatch(one)]
    return [*uuids, *(one for one in singles if len(one) > 2)]  # noqa: PLR2004 - two digits are a count


def _url_ids(url: str) -> list[str]:
    """Ids in an address's path, such as the record of ``/crm/deal/details/5141/``."""
    return _ids(urlsplit(url).path.replace("/", " "))


def _kept(values: Iterable[str]) -> tuple[str, ...]:
    """Those that a field can show as they are."""
    fine = (one for one in values if len(one) <= _MOST_VALUE or "://" in one)
    clear = (one for one in fine if not looks_like_token(one) and not hidden_characters(one) and clean(one) == one)
    return tuple(dict.fromkeys(clear))[:MOST_FOUND]


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
