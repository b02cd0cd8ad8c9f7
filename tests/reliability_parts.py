"""The parts of docs/reliability.md that are made from code and table. `uv run python -m tests.reliability_parts` writes them.

Each part stands between `<!-- part: name -->` and `<!-- end -->`; test_reliability_doc compares them. The rows are those that
tests/journeys/test_fault_table.py drives the bot through; here equal ones are told once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot import providers
from bot.domain.doubts import LOOK_AFTER_S
from bot.domain.provider import Provider
from bot.domain.reactions import KEY_MARGIN
from tests.journeys.fault_table import (
    BEFORE,
    ENDED,
    IN_DOUBT,
    KNOWN_FAULTS,
    NONE_FOUND,
    RUNNING,
    Answer,
    Expected,
    Means,
    Mishap,
    Row,
    Setup,
    rows,
)

DOCUMENT = Path(__file__).parent.parent / "docs" / "reliability.md"
PROVIDERS = providers.load()
VERBS = {
    "start": "start",
    "login": "log in before a start",
    "find": "look up a lost start",
    "track": "ask about a run",
    "cancel": "stop a run",
    "catalogue": "list workflows",
    "describe": "ask for a workflow's inputs",
}
_PART = re.compile(r"<!-- part: (?P<name>[a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)
_DONE = {Means.UNHEARD: ", nothing done", Means.UNHEARD_DONE: ", yet done"}

Seen = tuple[str, str, str]
"""What is made of it, what people see, and the runs that there are then."""


def settling_table() -> str:
    """A row per provider: what settles a lost start."""
    return _table(["provider", "a lost start is settled by", "and if that does not settle it"], list(map(_settling, _all())))


def _settling(provider: Provider) -> list[str]:
    if provider.resend_window_s is not None:
        hours = provider.resend_window_s / 3600 - KEY_MARGIN.total_seconds() / 3600
        return [provider.title, f"the same start, sent again with the same key, for {hours:g} h", "*In doubt*, for people"]
    proof = "carries the launch id" if provider.is_find_proof else "must be the only one that fits, and no other launch's"
    return [provider.title, f"{provider.lost_start_settled_by}; what is found {proof}", "stays *In doubt*, for people"]


def looks() -> str:
    """When look-ups happen."""
    pauses = ", ".join(_duration(pause_s) for pause_s in LOOK_AFTER_S)
    return f"Pauses before each look-up: {pauses}. After the last one ({_duration(sum(LOOK_AFTER_S))} in all) people decide."


def unheard() -> str:
    """What *no readable answer* stands for in the table."""
    return f"*No readable answer* stands for each of: {', '.join(mishap.name for mishap in BEFORE)}."


def faults_table() -> str:
    """A table per verb, equal rows told once, and verbs of equal tables together."""
    tables: dict[str, list[str]] = {}
    head = ["what goes wrong", "where", "what the bot makes of it", "what people see", "runs"]
    for verb, words in VERBS.items():
        lines = _of_verb(verb, [row for row in rows() if row.verb == verb])
        tables.setdefault(_table(head, lines), []).append(words)
    return "\n\n".join(f"### To {', or to '.join(verbs)}\n\n{table}" for table, verbs in tables.items())


def known() -> str:
    """What does not hold yet."""
    return "\n".join(f"- {why}" for why in KNOWN_FAULTS) or "None."


PARTS = {"settling": settling_table, "looks": looks, "unheard": unheard, "faults": faults_table, "known": known}


def rewritten(text: str) -> str:
    """``text`` with every part as code and table have it today."""
    return _PART.sub(lambda found: f"<!-- part: {found['name']} -->\n{PARTS[found['name']]()}\n<!-- end -->", text)


def _all() -> Iterable[Provider]:
    return PROVIDERS.values()


def _duration(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _of_verb(verb: str, of_verb: list[Row]) -> list[list[str]]:
    """Places that see the same for a fault, then faults that are seen the same at these places."""
    setups = list(dict.fromkeys(row.setup for row in of_verb))
    faults: dict[tuple[tuple[str, ...], Seen], list[Mishap]] = {}
    for mishap in dict.fromkeys(row.mishap for row in of_verb):
        for seen, places in _places([row for row in of_verb if row.mishap == mishap]).items():
            here = [setup for setup in setups if mishap.only in {None, setup.provider}]
            faults.setdefault((tuple(_titles(places, here)), seen), []).append(mishap)
    return [[_names(mishaps, verb), ", ".join(titles), *seen] for (titles, seen), mishaps in faults.items()]


def _places(of_mishap: list[Row]) -> Mapping[Seen, list[Setup]]:
    places: dict[Seen, list[Setup]] = {}
    for row in of_mishap:
        places.setdefault(_seen(row), []).append(row.setup)
    return places


def _titles(places: list[Setup], setups: list[Setup]) -> list[str]:
    if len(places) == len(setups):
        return ["everywhere"]
    twice = {setup.provider for setup in setups if sum(other.provider == setup.provider for other in setups) > 1}
    halves = {setup.provider for setup in places if sum(other.provider == setup.provider for other in places) == 1} & twice
    names = (
        f"{PROVIDERS[setup.provider].title} {setup.label}" if setup.provider in halves else PROVIDERS[setup.provider].title
        for setup in places
    )
    return list(dict.fromkeys(names))


def _seen(row: Row) -> Seen:
    expected = row.expected
    if row.verb in {"catalogue", "describe"}:
        seen = "nothing of it" if expected.answer is Answer.FINE else "the command is answered with why; asking again works"
        return expected.answer, seen, "none"
    not_yet = " (not yet: see *Known faults*)" if row.known_fault else ""
    return expected.answer, f"{_thread(row.setup, expected)}{not_yet}", str(expected.runs)


def _thread(setup: Setup, expected: Expected) -> str:
    """The state words of the thread; how a run ends without trouble is told by the provider's table, not by every row."""
    words, end = list(expected.words), ()
    if words[-1] in {setup.end, ENDED}:
        words.pop()
        end = ("its end",)
        if words[-1:] == [RUNNING]:
            words.pop()
    shown = " → ".join((*(f"*{word}*" for word in words), *end))
    return f"{shown}{_more(expected)}"


def _more(expected: Expected) -> str:
    if expected.answer is Answer.POSSIBLY and expected.words[0] == IN_DOUBT and NONE_FOUND in expected.says:
        return "; at once: do not launch again; at last: none was found, people decide"
    if expected.says and expected.answer is Answer.POSSIBLY:
        return "; at once: do not launch again"
    return "; names the scope, where the provider has scopes" if expected.says and expected.words[0] != IN_DOUBT else ""


def _names(mishaps: list[Mishap], verb: str) -> str:
    unheard_names = [mishap for mishap in mishaps if mishap.means in _DONE]
    others = [mishap.name for mishap in mishaps if mishap.means not in _DONE]
    told = [_unheard_name([one for one in unheard_names if one.means is means], means, verb) for means in _DONE]
    return "; ".join([*filter(None, told), *others])


def _unheard_name(mishaps: list[Mishap], means: Means, verb: str) -> str:
    """All of them in three words, or all but one or two, or those that they are."""
    if not mishaps:
        return ""
    done = "" if verb in {"find", "track", "catalogue", "describe"} else _DONE[means]
    names = {mishap.name for mishap in mishaps}
    missing = [mishap.name for mishap in BEFORE if mishap.name not in names]
    if len(missing) * 2 > len(BEFORE):
        return f"{', '.join(mishap.name for mishap in mishaps)}{done}"
    return f"no readable answer{done}{' (but not: ' + ', '.join(missing) + ')' if missing else ''}"


def _table(head: list[str], lines: list[list[str]]) -> str:
    made = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in made)


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT.name} rewritten\n")
