"""Could matching this regular expression take very long? Python's matcher tries every way to split a text between two repeats.

Refused: a repeat of what itself can end in several places, unless a fixed character parts one round from the next (``(-[a-z]+)*``), as
its cost doubles with every character; and two repeats that can each end in several places before a third one, as their costs multiply.
What is left costs at most the square of a value's length, which is limited (domain/input_rules.LONGEST_MATCHED).

Why a small reader of our own: Python's parser of expressions is private and changes with its version. Ours only has to be cautious.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

MOST_OPEN = 1
MOST_ATOMS = 300
_MANY = 10
"""So few rounds are no danger."""
_PRINTABLE = "".join(map(chr, range(32, 127))) + "\t\nß漢"
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_OPENING = re.compile(r"\((?:\?(?:P<\w+>|P=\w+|#[^)]*|[a-zA-Z-]*:|[a-zA-Z-]*(?=\))|<?[=!]|>|\(\w+\)))?")
_QUANTIFIER = re.compile(r"(\*|\+|\?|\{([0-9]*)(,?)([0-9]*)\})[?+]?")


@dataclass(frozen=True)
class _Part:
    """A character of some kind, or a group of alternatives; from ``least`` to ``most`` times (None: any number)."""

    source: str = ""
    alternatives: tuple[tuple[_Part, ...], ...] = ()
    least: int = 1
    most: int | None = 1
    alphabet: str = _PRINTABLE

    @property
    def is_plain(self) -> bool:
        """Whether it is one character, once."""
        return bool(self.source) and self.least == self.most == 1

    @property
    def is_many(self) -> bool:
        return self.most is None or self.most > _MANY

    @cached_property
    def fits(self) -> frozenset[str]:
        """Which characters it takes, of those that count. What is not understood takes all."""
        try:
            return frozenset(char for char in self.alphabet if re.fullmatch(self.source, char))
        except re.error:
            return frozenset(self.alphabet)

    def atoms(self) -> Iterator[_Part]:
        """Every character in it, in order and as often as it surely stands there; one that may be missing has no least."""
        if self.source:
            yield self
        is_sure = self.least == self.most and len(self.alternatives) == 1
        for _ in range(1 if self.is_many else self.most or 1):
            for atom in (atom for parts in self.alternatives for part in parts for atom in part.atoms()):
                yield atom if is_sure else replace(atom, least=0, most=None if self.is_many else atom.most)

    def groups(self) -> Iterator[_Part]:
        """Every group in it, itself included."""
        if self.alternatives:
            yield self
            for parts in self.alternatives:
                for part in parts:
                    yield from part.groups()


def slowness(pattern: str) -> str | None:
    """Why a pattern that Python understands is refused, in words that follow its place; None where it is quick."""
    whole = _Reader(pattern).read()
    atoms = list(islice(whole.atoms(), MOST_ATOMS + 1))
    if len(atoms) > MOST_ATOMS:
        return f"stands for more than {MOST_ATOMS} characters, repeats counted: write it shorter"
    if any(group.is_many and not _is_parted(group) for group in whole.groups()):
        return "repeats what itself repeats or has several shapes, such as (a+)+ or (a|ab)*, which can take for ever: write it plainer"
    if _open(atoms) > MOST_OPEN:
        return (
            "has several repeats that can each end in several places, such as .*, which can take for ever: "
            "write which characters may stand there, such as [^@]+ and not .+"
        )
    return None


def _is_parted(group: _Part) -> bool:
    """Whether it is certain where one round ends and the next begins."""
    inner = [atom for parts in group.alternatives for part in parts for atom in part.atoms()]
    loose = [atom for atom in inner if atom.least != atom.most]
    leads = [parts[0] for parts in group.alternatives if parts and parts[0].is_plain]
    if len(group.alternatives) == 1 and (not loose or _parts(group.alternatives[0][-1:], loose)):
        return True
    return len(leads) == len(group.alternatives) and _are_apart(leads) and _parts(leads, loose)


def _parts(marks: Sequence[_Part], loose: Sequence[_Part]) -> bool:
    return bool(marks) and all(mark.is_plain and not mark.fits & atom.fits for mark in marks for atom in loose)


def _are_apart(leads: Sequence[_Part]) -> bool:
    return sum(len(lead.fits) for lead in leads) == len(frozenset[str]().union(*(lead.fits for lead in leads)))


def _open(atoms: Sequence[_Part]) -> int:
    """How many repeats can end in several places, since what follows takes the same characters."""
    return sum(
        atom.is_many and atom.least != atom.most and _overlaps(atom, atoms[index + 1 :]) for index, atom in enumerate(atoms)
    )


def _overlaps(atom: _Part, following: Sequence[_Part]) -> bool:
    for other in following:
        if atom.fits & other.fits:
            return True
        if other.least > 0:
            return False
    return False


class _Reader:
    """Reads an expression once, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._alphabet = "".join(sorted({*_PRINTABLE, *pattern}))
        self._at = 0

    def read(self) -> _Part:
        """Alternatives up to the closing bracket, or the end."""
        alternatives: list[tuple[_Part, ...]] = []
        parts: list[_Part] = []
        while self._at < len(self._pattern) and self._pattern[self._at] != ")":
            if self._pattern[self._at] == "|":
                self._at += 1
                alternatives.append(tuple(parts))
                parts = []
            else:
                parts += self._part()
        return _Part(alternatives=(*alternatives, tuple(parts)))

    def _part(self) -> list[_Part]:
        opening = _OPENING.match(self._pattern, self._at)
        if opening:
            self._at = opening.end()
            part = self.read()
            self._at += 1
        elif self._pattern[self._at] in "^$":
            self._at += 1
            return []
        else:
            part = _Part(source=self._source(), alphabet=self._alphabet)
        return [self._quantified(part)]

    def _source(self) -> str:
        found = _CLASS.match(self._pattern, self._at)
        length = len(found[0]) if found else 2 if self._pattern[self._at] == "\\" else 1
        source = self._pattern[self._at : self._at + length]
        self._at += length
        return source

    def _quantified(self, part: _Part) -> _Part:
        found = _QUANTIFIER.match(self._pattern, self._at)
        if not found or found[1] in {"{}", "{,}"}:
            return part
        self._at = found.end()
        match found[1]:
            case "*":
                return replace(part, least=0, most=None)
            case "+":
                return replace(part, least=1, most=None)
            case "?":
                return replace(part, least=0, most=1)
            case _:
                least = int(found[2] or 0)
                most = int(found[4]) if found[4] else None
                return replace(part, least=least, most=most if found[3] else least)
