"""What every provider stand-in is made of: requests and runs as plain values, routes, scopes, switches.

A stand-in decides on plain values and never opens a socket; bot/sandbox/standins/_serving.py carries bytes to and from it.
How far a run has come is computed from the clock when somebody asks: there are no background tasks.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from bot.domain.model import NOTHING, Json
from bot.domain.provider import Reply
from bot.sandbox.standins._listing import Listed
from bot.sandbox.standins._plain import FORM_TYPE, json_reply, wait_headers

ENDLESS = 1e9
"""Progress of a run that takes no time: past every phase."""

VERBS = ("start", "track", "cancel", "catalogue", "describe", "login", "probe")


@dataclass(kw_only=True)
class World:
    """Time as the stand-ins see it; ``run_s`` (seconds that a run takes) may be changed while they serve."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    run_s: float


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One HTTP request as plain values; header names in lower case. ``parts`` are the named parts of the path.

    ``late_s``: a fault wants what this request causes to happen only after so many seconds.
    """

    method: str
    path: str
    at: float
    query: Mapping[str, str] = NOTHING
    headers: Mapping[str, str] = NOTHING
    body: bytes = b""
    parts: Mapping[str, str] = NOTHING
    late_s: float = 0.0

    @property
    def content_type(self) -> str:
        """The media type alone, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Json:
        """The body as JSON, exact; ``UNREADABLE`` (of bot.domain.provider) when it is none."""
        return Reply(status=0, body=self.body.decode(errors="replace")).json()

    def object(self) -> Mapping[str, Json]:
        """The body as a JSON object; empty when it is something else."""
        return Reply(status=0, body=self.body.decode(errors="replace")).object()

    def form(self) -> Mapping[str, str]:
        """The body as form fields; empty when it is something else."""
        return dict(parse_qsl(self.body.decode(errors="replace"))) if self.content_type == FORM_TYPE else {}


@dataclass(frozen=True, kw_only=True)
class Received:
    """What a stand-in was sent, with secrets masked. ``status`` stays None where it was never answered.

    ``is_over``: nobody waits for the answer any more.
    """

    provider: str
    verb: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Json
    form_keys: tuple[str, ...]
    at: float
    status: int | None = None
    is_over: bool = False


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution at a stand-in. Times are seconds since the epoch; ``lasts_s`` is how long it takes.

    ``key`` is what ties it to a launch where the provider carries such a thing (idempotency key, job name, correlation
    input). ``started_at`` may lie ahead: the run was applied late, and no list shows it before. ``stopped_at``: somebody
    stopped it.
    """

    run_id: str
    provider: str
    workflow_id: str
    started_at: float
    lasts_s: float
    version: str | None = None
    key: str | None = None
    started_by: str = ""
    inputs: Mapping[str, Json] = NOTHING
    stopped_at: float | None = None

    def progress(self, now: float) -> float:
        """How far it has come: 0 at its start, 1 when its time is over, more after it."""
        until = now if self.stopped_at is None else min(now, self.stopped_at)
        return (until - self.started_at) / self.lasts_s if self.lasts_s else ENDLESS


@dataclass
class Ledger:
    """Every run of one stand-in. ``others`` were started past the bot: they are seen in lists but not counted as ours."""

    ours: dict[str, Run] = field(default_factory=dict[str, Run])
    others: dict[str, Run] = field(default_factory=dict[str, Run])

    def add(self, run: Run, *, is_ours: bool = True) -> Run:
        """Keep a new run."""
        (self.ours if is_ours else self.others)[run.run_id] = run
        return run

    def seen(self, now: float) -> list[Run]:
        """Runs that have been applied by now, newest first."""
        there = [run for run in (*self.others.values(), *self.ours.values()) if run.started_at <= now]
        return sorted(there, key=lambda run: run.started_at, reverse=True)

    def find(self, run_id: str, now: float) -> Run | None:
        """One run, if it has been applied by now."""
        run = self.ours.get(run_id) or self.others.get(run_id)
        return run if run is not None and run.started_at <= now else None

    def change(self, run_id: str, **changes: Any) -> Run:
        """Replace fields of a run."""
        side = self.ours if run_id in self.ours else self.others
        side[run_id] = replace(side[run_id], **changes)
        return side[run_id]


class RefusedError(Exception):
    """A stand-in refuses; ``reply`` is what it answers."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"HTTP {reply.status}")
        self.reply = reply


Act = Callable[[Incoming], Reply | Awaitable[Reply]]


@dataclass(frozen=True)
class Route:
    """One operation: ``template`` names parts of the path in braces; ``verb`` is ours, or ``other``."""

    method: str
    template: str
    verb: str
    act: Act

    def match(self, path: str) -> Mapping[str, str] | None:
        """The named parts of ``path``, or None when it is another path."""
        found = _pattern(self.template).fullmatch(path)
        return found.groupdict() if found else None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)))


class StandIn:
    """Base of a provider stand-in.

    A subclass names its ``scopes`` and ``switch_names``, lists its ``routes``, makes up its credential in
    ``environment``, and knows its provider's error bodies (``trouble``, ``expired``, ``refusal``, ``unknown_path``,
    ``wrong_method``).
    """

    name: str
    scopes: tuple[str, ...] = ()
    switch_names: tuple[str, ...] = ()
    secret_headers: frozenset[str] = frozenset({"authorization", "cookie", "x-api-key", "x-domo-developer-token"})

    def __init__(self, world: World) -> None:
        self.world = world
        self.base_url = ""
        self.ledger = Ledger()
        self.held = set(self.scopes)
        self.withheld: set[tuple[str, str]] = set()
        self.switches = dict.fromkeys(self.switch_names, False)

    def environment(self) -> dict[str, str]:
        """The environment variables that ``demo.yaml`` takes its address and credential from."""
        raise NotImplementedError

    def routes(self) -> tuple[Route, ...]:
        """Every operation; the first that matches serves."""
        raise NotImplementedError

    def workflows(self) -> tuple[Listed, ...]:
        """What can be started here; empty where nothing is kept."""
        return ()

    def status_of(self, run: Run, now: float) -> str:
        """Where a run stands, in the provider's own word; "" where it has none."""
        del run, now
        return ""

    def trouble(self, status: int, retry_after_s: float | None = None) -> Reply:
        """What the provider answers when the trouble is its own (429, 5xx)."""
        return json_reply(status, {"message": f"HTTP {status}"}, **wait_headers(retry_after_s))

    def expired(self, asked: Incoming) -> Reply:
        """Let the credential be expired for this once, and answer so."""
        del asked
        return self.trouble(401)

    def refusal(self, scope: str) -> Reply:
        """What the provider answers where the credential lacks ``scope``."""
        return json_reply(403, {"message": f"{scope} is required."})

    def unknown_path(self) -> Reply:
        """What the provider answers where it has no such address."""
        return self.trouble(404)

    def wrong_method(self) -> Reply:
        """What the provider answers where the address exists for another method."""
        return self.trouble(405)

    def verb_of(self, asked: Incoming) -> str:
        """Our word for what a request asks; ``other`` where we have none."""
        found = self._route(asked)
        return found[0].verb if found else "other"

    async def answer(self, asked: Incoming) -> Reply:
        """Serve one request."""
        found = self._route(asked)
        if found is None:
            is_known = any(route.match(asked.path) is not None for route in self.routes())
            return self.wrong_method() if is_known else self.unknown_path()
        route, parts = found
        try:
            given = route.act(replace(asked, parts=parts))
            return await given if inspect.isawaitable(given) else given
        except RefusedError as refused:
            return refused.reply

    def _route(self, asked: Incoming) -> tuple[Route, Mapping[str, str]] | None:
        for route in self.routes():
            parts = route.match(asked.path)
            if parts is not None and route.method == asked.method:
                return route, parts
        return None

    def holds(self, scope: str, workflow_id: str | None = None) -> bool:
        """True when the credential has ``scope`` (on this workflow)."""
        return scope in self.held and (workflow_id or "", scope) not in self.withheld

    def hold(self, scope: str, *, is_held: bool, workflow_id: str | None = None) -> None:
        """Give a scope to the credential or take it, everywhere or on one workflow."""
        if workflow_id is None:
            self.held = self.held | {scope} if is_held else self.held - {scope}
        elif is_held:
            self.withheld.discard((workflow_id, scope))
        else:
            self.withheld.add((workflow_id, scope))

    def demand(self, scope: str, workflow_id: str | None = None) -> None:
        """Refuse unless the credential has ``scope``."""
        if not self.holds(scope, workflow_id):
            raise RefusedError(self.refusal(scope))

    def begin(self, asked: Incoming, **facts: Any) -> Run:
        """Start a run: now, or late where a fault says so."""
        plain: dict[str, Any] = {
            "provider": self.name,
            "started_at": asked.at + asked.late_s,
            "lasts_s": self.world.run_s,
        }
        return self.ledger.add(Run(**(plain | facts)))

    def start_elsewhere(self, workflow_id: str, started_by: str, **inputs: Json) -> Run:
        """Somebody else starts this workflow at the provider, past the bot."""
        run = Run(
            run_id=self.new_run_id(),
            provider=self.name,
            workflow_id=workflow_id,
            started_at=self.world.now(),
            lasts_s=self.world.run_s,
            started_by=started_by,
            inputs=inputs,
        )
        return self.ledger.add(run, is_ours=False)

    def new_run_id(self) -> str:
        """A run id as the provider makes them, not used before."""
        raise NotImplementedError

    def count(self) -> int:
        """How many runs there are, of whomever."""
        return len(self.ledger.ours) + len(self.ledger.others)
