"""The provider panel: what the stand-ins hold, run and received, as JSON; and the acts that turn their faults and switches.

Why it looks four times a second instead of being told: stand-ins know nothing of pages, and a look costs next to nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from bot import providers
from bot.sandbox.page.words import FAULTS, FIELDS, SCOPE_SEEN, VERBS, switch_words
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.standins import Fault, MistakeError, ProviderStandIns, Received, Run
from bot.sandbox.standins._house import StandIn

LOOK_EVERY_S = 0.25
MOST_RUNS, MOST_REQUESTS, MOST_LOOKED_AT = 30, 40, 2000
PLAIN_HEADERS = frozenset({"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"})
"""Of no interest to anybody who looks."""
DEFAULTS = Fault(kind=next(iter(FAULTS)))
Publish: TypeAlias = Callable[[str, Mapping[str, Any]], None]


class ProviderPanel:
    """The five stand-ins as the page shows them. ``launches`` tells which launch a run belongs to, by run id."""

    def __init__(
        self,
        standins: ProviderStandIns,
        *,
        launches: Callable[[], Mapping[str, str]] = dict,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._standins, self._launches, self._sleep = standins, launches, sleep
        self._titles = {name: provider.title for name, provider in providers.load().items()}

    # --- looking ---------------------------------------------------------------------------------------------------

    def shown(self) -> dict[str, Any]:
        """Everything that the panel shows; ``now`` is the stand-ins' time, by which progress is drawn."""
        launches = self._launches()
        received = self._received()
        return {
            "now": self._standins.now(),
            "run_s": self._standins.run_s,
            "verbs": VERBS,
            "kinds": kinds(),
            "providers": [self._provider(one, launches, received[one.name]) for one in self._standins.standins()],
        }

    async def watch(self, publish: Publish) -> None:
        """Publish ``providers`` whenever something changed, four times a second at most, until cancelled."""
        before: object = None
        while True:
            seen = self._seen()
            if seen != before:
                publish("providers", self.shown())
            before = seen
            await self._sleep(LOOK_EVERY_S)

    # --- acts ------------------------------------------------------------------------------------------------------

    async def act(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """``fault``, ``speed``, ``scope``, ``switch``, ``release``, as the stand-ins' control door takes them; and ``clear``.

        Raises:
            NotPossibleError: it cannot be done; the text says why.
        """
        plain = {key: Decimal(str(value)) if isinstance(value, float) else value for key, value in given.items()}
        try:
            if name == "clear":
                self._clear(plain)
            else:
                self._standins.act(name, {key: value for key, value in plain.items() if key != "user"})
        except MistakeError as mistake:
            raise NotPossibleError(str(mistake)) from None
        return {"providers": self.shown()}

    def _clear(self, given: Mapping[str, Any]) -> None:
        """Forget the faults that wait: at one provider from ``place`` on, so many of them; or all of them everywhere."""
        provider, place, times = given.get("provider"), given.get("place", 0), given.get("times")
        names = [one.name for one in self._standins.standins()]
        if provider is not None and provider not in names:
            raise NotPossibleError(f"There is no stand-in {provider}; there are {', '.join(names)}.")
        for name, value in (("place", place), ("times", 0 if times is None else times)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise NotPossibleError(f"{name} must be a whole number from 0.")
        for name in [provider] if provider else names:
            self._standins.clear(name, place, times)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _seen(self) -> object:
        """What tells one look from another, without drawing anything; statuses of runs change with time alone."""
        received = self._standins.received
        now = self._standins.now()
        return (
            self._standins.run_s,
            len(received),
            sum(one.status is not None for one in received[-MOST_REQUESTS:]),
            [
                (
                    sorted(one.held),
                    sorted(one.withheld),
                    dict(one.switches),
                    self._standins.waiting(one.name),
                    [(run, one.status_of(run, now)) for run in one.ledger.seen(now)[:MOST_RUNS]],
                )
                for one in self._standins.standins()
            ],
        )

    def _received(self) -> dict[str, list[dict[str, Any]]]:
        """The newest requests of each provider, newest first; looks at a run that were alike stand as one, with their count."""
        found: dict[str, list[dict[str, Any]]] = {one.name: [] for one in self._standins.standins()}
        for number, one in list(enumerate(self._standins.received))[:-MOST_LOOKED_AT:-1]:
            mine = found[one.provider]
            if mine and _is_alike(mine[-1], shown := _request(number, one)):
                mine[-1] |= {"id": shown["id"], "count": mine[-1]["count"] + 1}
            elif len(mine) < MOST_REQUESTS:
                mine.append(_request(number, one))
        return found

    def _provider(self, one: StandIn, launches: Mapping[str, str], requests: list[dict[str, Any]]) -> dict[str, Any]:
        now = self._standins.now()
        names = {each.workflow_id: each.name for each in one.workflows()}
        waiting = self._standins.waiting(one.name)
        return {
            "name": one.name,
            "title": self._titles.get(one.name, one.name),
            "address": one.base_url,
            "workflows": [asdict(each) for each in one.workflows()],
            "scopes": [{"name": scope, "is_held": scope in one.held, "seen": SCOPE_SEEN} for scope in one.scopes],
            "switches": [_switch(one.name, name, is_on=is_on) for name, is_on in one.switches.items()],
            "faults": [_fault(place, verb, fault) for place, (verb, fault) in enumerate(waiting)],
            "hanging": sum(not each["is_over"] for each in requests),
            "runs": [
                _run(run, one.status_of(run, now), names, launches)
                for run in one.ledger.seen(now)[:MOST_RUNS]
                if run.lasts_s or run.started_at
            ],
            "requests": requests,
        }


def kinds() -> list[dict[str, Any]]:
    """Every kind of fault, with its words and the fields that can be set beside it."""
    return [
        {
            "kind": kind.value,
            "title": words.title,
            "happens": words.happens,
            "seen": words.seen,
            "can_be_applied": words.can_be_applied,
            "fields": [_field(name) for name in words.fields],
        }
        for kind, words in FAULTS.items()
    ]


def _field(name: str) -> dict[str, Any]:
    step = "any" if name == "delay_s" else "1"
    return {"name": name, "label": FIELDS[name], "value": getattr(DEFAULTS, name), "step": step}


def _switch(provider: str, name: str, *, is_on: bool) -> dict[str, Any]:
    title, seen = switch_words(provider, name)
    return {"name": name, "title": title, "seen": seen, "is_on": is_on}


def _fault(place: int, verb: str, fault: Fault) -> dict[str, Any]:
    words = FAULTS[fault.kind]
    facts = {name: getattr(fault, name) for name in words.fields}
    return {"place": place, "verb": verb, "kind": fault.kind.value, "is_applied": fault.is_applied, "facts": facts}


def _is_alike(newer: Mapping[str, Any], older: Mapping[str, Any]) -> bool:
    return newer["method"] == "GET" and all(newer[name] == older[name] for name in ("method", "path", "query", "status"))


def _request(number: int, one: Received) -> dict[str, Any]:
    """What arrived; its secrets were masked where it was noted."""
    return {
        "id": number,
        "count": 1,
        "verb": one.verb,
        "method": one.method,
        "path": one.path,
        "query": dict(one.query),
        "headers": {name: value for name, value in one.headers.items() if name not in PLAIN_HEADERS},
        "json": plainly(one.json),
        "form_keys": list(one.form_keys),
        "at": one.at,
        "status": one.status,
        "is_over": one.is_over,
    }


def _run(run: Run, status: str, names: Mapping[str, str], launches: Mapping[str, str]) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "workflow_id": run.workflow_id,
        "workflow": names.get(run.workflow_id, run.workflow_id),
        "version": run.version,
        "launch_id": launches.get(run.run_id) or run.key,
        "inputs": plainly(run.inputs),
        "started_at": run.started_at,
        "lasts_s": run.lasts_s,
        "stopped_at": run.stopped_at,
        "status": status,
    }


def plainly(value: Any) -> Any:
    """JSON for a browser: exact numbers as text where a browser would round them, mappings as objects."""
    if isinstance(value, Mapping):
        return {str(key): plainly(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON of a stand-in
    if isinstance(value, (list, tuple)):
        return [plainly(each) for each in value]  # pyright: ignore[reportUnknownVariableType]  # as above
    if isinstance(value, Decimal):
        return float(value) if Decimal(str(float(value))) == value else str(value)
    return value


def launches_in(database: Path) -> Mapping[str, str]:
    """The launch of each run, by run id, as the demo's database has it; empty while there is none."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1)) as opened:
            rows = opened.execute("SELECT run_id, launch_id FROM launches WHERE run_id IS NOT NULL").fetchall()
    except sqlite3.Error:
        return {}
    return dict(rows)
