"""What stands after ``/launch`` ↔ a launch text, a subcommand, or every problem in it at once.

Quoting is a POSIX shell's, without comments. On top of it: the curly quotes and long dashes that phones type, non-breaking spaces
(they count as spaces), and what Slack makes of text before it sends it (``should_escape: true``).

Why mentions become ids and links become addresses: Slack sends ``<@U123|bob>`` where ``@bob`` was typed, and only the id is a
value. An address that Slack linked by itself (``<http://acme.com|acme.com>``) becomes again what was typed. Mentions of whole
groups and channels (``<!channel>``, ``<!subteam^S1>``) are refused: no input means "everybody".
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TypeAlias

from bot.domain.model import Problem
from bot.domain.spelling import closest, hidden_characters, name_character

MOST_TYPED = 4000
"""Characters of a command, counted as typed, before Slack's escaping."""
PREVIEW = "--preview"
HELP = "--help"
_SHOWN = 40
_MOST_NAME = 80
_LAUNCH_ID = re.compile("(?:L[-\u2010-\u2014])?([0-9A-Z]{5})", re.IGNORECASE)
_HIDDEN_SHOWN = 5
# Mentions, groups and links as Slack writes them into a command's text.
# https://docs.slack.dev/interactivity/implementing-slash-commands
# https://docs.slack.dev/messaging/formatting-message-text
_SLACK_TOKEN = re.compile(r"<(?P<mark>[@#!]|(?=[a-z][a-z0-9+.-]*:))(?P<target>[^<>|]+)(?:\|(?P<label>[^<>]*))?>", re.IGNORECASE)
_ENTITY = re.compile("&(amp|lt|gt);")
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2007\u202f", " "))
_FLAG = re.compile("--|[\u2013\u2014]-?")
_PLAIN_WORD = re.compile(r"[\w@%+:,./-][\w@%+=:,./-]*", re.ASCII)
# As shlex: what parts words, and what a backslash may stand before in double quotes.
_BLANK = frozenset(" \t\r\n")


@dataclass(frozen=True, kw_only=True)
class LaunchText:
    """Launch this, as typed; ``inputs`` in the typed order, nothing looked up yet."""

    connection: str
    workflow: str
    inputs: tuple[tuple[str, str], ...] = ()
    is_preview: bool = False


@dataclass(frozen=True, kw_only=True)
class SubcommandText:
    """One of our own words, in lower case, and what follows it."""

    word: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NothingTyped:
    """The bare command."""


@dataclass(frozen=True, kw_only=True)
class Problems:
    """What must be corrected, all at once."""

    problems: tuple[Problem, ...]


CommandText: TypeAlias = LaunchText | SubcommandText | NothingTyped | Problems


@dataclass(frozen=True, kw_only=True)
class _Word:
    """One word; ``is_flag``: it begins with two dashes (or the long one that phones make of them) outside quotes."""

    text: str
    is_flag: bool


@dataclass(frozen=True, kw_only=True)
class _Quote:
    """How a stretch that this quote opens looks as a whole, and what a backslash takes the meaning from inside it.

    ``is_curly``: a quote only where a word or a value begins. ``is_apostrophe``: without its partner it is an ordinary character.
    """

    pattern: re.Pattern[str]
    escapes: re.Pattern[str] = re.compile(r"(?!)()")
    is_curly: bool = False
    is_apostrophe: bool = False


_STRAIGHT_DOUBLE = _Quote(pattern=re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL), escapes=re.compile(r'\\(["\\])'))
_STRAIGHT_SINGLE = _Quote(pattern=re.compile("'([^']*)'"))
_CURLY_DOUBLE = _Quote(
    pattern=re.compile("[\u201c\u201d\u201e]((?:[^\u201c\u201d\u201e\\\\]|\\\\.)*)[\u201c\u201d]", re.DOTALL),
    escapes=re.compile("\\\\([\u201c\u201d\u201e\\\\])"),
    is_curly=True,
)
# Phones also type this closing quote as the apostrophe of "don't": it closes only where a word ends.
_CURLY_SINGLE = _Quote(
    pattern=re.compile("[\u2018\u201a](.*?)[\u2018\u2019](?=[ \t\r\n]|$)", re.DOTALL), is_curly=True, is_apostrophe=True
)
_QUOTES = {
    '"': _STRAIGHT_DOUBLE,
    "'": _STRAIGHT_SINGLE,
    **dict.fromkeys("\u201c\u201d\u201e", _CURLY_DOUBLE),
    **dict.fromkeys("\u2018\u201a", _CURLY_SINGLE),
}
_ORDINARY = re.compile(f"[^{re.escape(''.join((*_BLANK, *_QUOTES)))}\\\\]+")
"""A stretch that means itself, taken at once: a command is read twice, and is mostly that."""


_FREE_TEXT = re.compile(r"\s*(?P<word>reject)\s+(?P<about>\S+)\s+(?P<text>\S.*)", re.DOTALL | re.IGNORECASE)
"""What follows here is a sentence for people: a quote or a mention in it is neither grammar nor a value."""


def read_command(text: str, *, subcommands: frozenset[str]) -> CommandText:
    """What ``text`` (as Slack sends it) asks for. Names are not looked up here; subcommands are case-insensitive."""
    typed, problems = _as_typed(text)
    if len(typed) > MOST_TYPED:
        return Problems(problems=(_problem("text_too_long", length=f"{len(typed):,}", most=f"{MOST_TYPED:,}"),))
    said = _FREE_TEXT.fullmatch(typed)
    if said is not None and said["word"].lower() in subcommands:
        return SubcommandText(word=said["word"].lower(), arguments=(said["about"], said["text"].strip()))
    words, quoting = _split(typed)
    problems = (*problems, *_hidden_problems(typed), *quoting)
    if problems:
        return Problems(problems=problems)
    return _read_words(words, subcommands) if words else NothingTyped()


def _read_words(words: list[_Word], subcommands: frozenset[str]) -> CommandText:
    if any(word.is_flag and _flag(word).lower() == HELP for word in words):
        return SubcommandText(word="help")
    if words[0].text.lower() in subcommands:
        return SubcommandText(word=words[0].text.lower(), arguments=tuple(word.text for word in words[1:]))
    return _read_launch(words, subcommands)


def write_command(connection: str, workflow: str, inputs: tuple[tuple[str, str], ...] = ()) -> str:
    """What a person would type, after ``/launch``, to be read as these. Input names hold no ``=``."""
    return " ".join((_quoted(connection), _quoted(workflow), *(_pair(name, value) for name, value in inputs)))


def placeholder(name: str) -> str:
    """What stands in a shown command for a value that only a person knows: ``read_command`` refuses it."""
    return f"<{name}>"


def launch_id_typed(text: str) -> str:
    """A launch id as people type it, in the one way in which it is stored; anything else as it is."""
    found = _LAUNCH_ID.fullmatch(text.strip())
    return f"L-{found[1].upper()}" if found else text


def correct_command(typed: LaunchText, problems: tuple[Problem, ...]) -> str:
    """The typed command with the nearest right words, and a placeholder where a value is missing or wrong.

    Empty where that would be no mend: something in it is still wrong, or nothing changed.
    """
    mended: LaunchText | None = typed
    for problem in problems:
        mended = _mended(mended, problem) if mended else None
    return write_command(mended.connection, mended.workflow, mended.inputs) if mended and mended != typed else ""


def _mended(typed: LaunchText, problem: Problem) -> LaunchText | None:
    """None where nobody but the person can tell what is right."""
    name, near, inputs = problem.facts.get("name", ""), problem.facts.get("closest", ""), dict(typed.inputs)
    match problem.code:
        case "unknown_connection" if near:
            return replace(typed, connection=near)
        case "unknown_workflow" if near:
            return replace(typed, workflow=near)
        case "unknown_input" if near and near not in inputs:
            return replace(typed, inputs=tuple((near if key == name else key, value) for key, value in typed.inputs))
        case "reserved_input" if name in inputs:
            inputs.pop(name)
        case "missing_input" | "bad_input":
            is_whole = bool(near) and inputs.get(name) == problem.facts.get("typed")
            inputs[name] = near if is_whole else placeholder(name)
        case _:
            return None
    return replace(typed, inputs=tuple(inputs.items()))


def _as_typed(text: str) -> tuple[str, tuple[Problem, ...]]:
    """``text`` without what Slack did to it. Escapes are undone exactly once, so that a typed ``&amp;`` stays one."""
    refused = [token.group() for token in _SLACK_TOKEN.finditer(text) if token["mark"] == "!"]
    plain = _unescape(_SLACK_TOKEN.sub(_token_value, text))
    return plain.translate(_SPACES), tuple(_problem("group_mention", typed=token) for token in dict.fromkeys(refused))


def _token_value(token: re.Match[str]) -> str:
    target, label = token["target"], token["label"]
    if token["mark"] in {"@", "#"}:
        return target
    if token["mark"] == "!":
        return label or f"@{target}"
    if target == f"http://{label}":
        return str(label)
    return re.sub("^(mailto|tel):", "", target)


def _unescape(text: str) -> str:
    return _ENTITY.sub(lambda entity: {"amp": "&", "lt": "<", "gt": ">"}[entity[1]], text)


def _hidden_problems(typed: str) -> tuple[Problem, ...]:
    return tuple(
        _problem("hidden_character", character=name_character(char), position=str(typed.index(char) + 1))
        for char in hidden_characters(typed)[:_HIDDEN_SHOWN]
    )


def _split(typed: str) -> tuple[list[_Word], tuple[Problem, ...]]:
    words: list[_Word] = []
    at = 0
    while at < len(typed):
        if typed[at] in _BLANK:
            at += 1
            continue
        start, pieces = at, list[str]()
        while at < len(typed) and typed[at] not in _BLANK:
            piece = _piece(typed, at, is_opening=at == start or typed[at - 1] == "=")
            if isinstance(piece, Problem):
                return words, (piece,)
            pieces.append(piece[0])
            at = piece[1]
        words.append(_Word(text="".join(pieces), is_flag=bool(_FLAG.match(typed, start))))
    return words, ()


def _piece(typed: str, at: int, *, is_opening: bool) -> tuple[str, int] | Problem:
    """The quoted stretch, the ordinary one or the single character at ``at``, and where the next one begins."""
    ordinary = _ORDINARY.match(typed, at)
    if ordinary:
        return ordinary[0], ordinary.end()
    char = typed[at]
    if char == "\\":
        return (typed[at + 1], at + 2) if at + 1 < len(typed) else _problem("dangling_backslash")
    quote = _QUOTES.get(char)
    if quote is None or (quote.is_curly and not is_opening):
        return char, at + 1
    quoted = quote.pattern.match(typed, at)
    if quoted:
        return quote.escapes.sub(r"\1", quoted[1]), quoted.end()
    if quote.is_apostrophe:
        return char, at + 1
    return _problem("open_quote", quote=char, position=str(at + 1), near=typed[at : at + _SHOWN])


def _read_launch(words: list[_Word], subcommands: frozenset[str]) -> LaunchText | Problems:
    named = [word.text for word in words if not word.is_flag]
    flags = [_flag(word) for word in words if word.is_flag]
    if not named:
        return Problems(problems=_flag_problems(flags) or (_problem("not_built_yet", what=PREVIEW),))
    problems = (*_flag_problems(flags), *(_name_problems(named, subcommands) or _input_problems(named)))
    if problems:
        return Problems(problems=problems)
    pairs = (word.partition("=") for word in named[2:])
    inputs = tuple((name, value) for name, _, value in pairs)
    return LaunchText(connection=named[0], workflow=named[1], inputs=inputs, is_preview=bool(flags))


def _flag(word: _Word) -> str:
    return _FLAG.sub("--", word.text, count=1)


def _flag_problems(flags: list[str]) -> tuple[Problem, ...]:
    unknown = dict.fromkeys(flag for flag in flags if flag.lower() != PREVIEW)
    return tuple(_problem("unknown_flag", typed=flag, closest=closest(flag, [PREVIEW, HELP]) or "") for flag in unknown)


def _name_problems(named: list[str], subcommands: frozenset[str]) -> tuple[Problem, ...]:
    """What is wrong with the two words that name a workflow."""
    empty = next((which for which, word in zip(("connection", "workflow"), named, strict=False) if not word), None)
    if empty:
        return (_problem("empty_word", which=empty),)
    if len(named) > 1:
        return ()
    near = closest(named[0], subcommands) or ""
    return (_problem("missing_workflow", connection=named[0], closest=near, listed="" if near else _quoted(named[0])),)


def _input_problems(named: list[str]) -> tuple[Problem, ...]:
    """Words between the workflow and the first input are told as one: they are most likely the rest of its name."""
    loose = list(takewhile(lambda word: "=" not in word, named[2:]))
    pairs = [word.partition("=") for word in named[2 + len(loose) :]]
    names = [name for name, equals, _ in pairs if equals and name]
    counts = Counter(names) if len(set(names)) < len(names) else Counter[str]()
    is_spaced = any(equals and not name for name, equals, _ in pairs)
    quoted = "" if is_spaced or not loose else _whole_name(named[1], loose)
    return (
        *([_problem("not_name_value", typed=" ".join(loose), quoted=quoted)] if loose else []),
        *(_problem("not_name_value", typed=name) for name, equals, _ in pairs if not equals),
        *(_problem("nameless_input", typed=f"={value}") for name, equals, value in pairs if equals and not name),
        *(_problem("repeated_input", name=name, times=str(times)) for name, times in counts.items() if times > 1),
        *(_problem("placeholder_value", name=name) for name, _, value in pairs if value and value == placeholder(name)),
    )


def _whole_name(workflow: str, loose: list[str]) -> str:
    """The workflow and the words after it as one quoted name; nothing where that would be no name."""
    name = " ".join([workflow, *loose])
    return _quoted(name) if len(name) <= _MOST_NAME else ""


def _pair(name: str, value: str) -> str:
    if _quoted(name) != name:
        return _quoted(f"{name}={value}")
    return f"{name}={value if value == placeholder(name) else _quoted(value)}"


def _quoted(word: str) -> str:
    """As ``shlex.quote``, but readable: double quotes where they do, and never a look that is read as something else."""
    if _PLAIN_WORD.fullmatch(word) and not word.startswith("--"):
        return word
    escaped = re.sub(r'(["\\])', r"\\\1", word)
    return f'"{escaped}"'


def _problem(code: str, **facts: str) -> Problem:
    return Problem(code=code, facts=facts)
