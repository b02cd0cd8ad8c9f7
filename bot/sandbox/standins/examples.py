"""One stand-in for every provider that has none of its own: it serves the examples of the provider's file.

A start is matched by method, path and JSON (where the example says its launch id, any launch id fits) and answered as the
example says; then the run shows the ``track`` examples in their listed order and ends on the last final one. Runs after
the first get an id of their own, put in wherever the example's id stands alone. *Why* ``before`` replies are not served:
an example does not say which calls they answer, so an exchange of several calls needs an example for each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, cast
from urllib.parse import unquote

from bot.domain.model import Json
from bot.domain.provider import (
    Accepted,
    Busy,
    Completed,
    Example,
    LoggedIn,
    Observed,
    Provider,
    Refused,
    Reply,
    Secret,
    Session,
    Unauthorised,
    Unreachable,
)
from bot.sandbox.standins._house import Incoming, RefusedError, Route, Run, StandIn, World
from bot.sandbox.standins._plain import as_list, as_object, is_text, json_reply, wait_headers

LAUNCH_ID = re.compile(r"L-[0-9A-Z]{4,12}")
TROUBLE = (Refused, Unauthorised, Busy, Unreachable)


class ExampleStandIn(StandIn):
    """Serves one provider's examples, behind the credential that the provider's own ``sign`` adds."""

    def __init__(self, world: World, provider: Provider) -> None:
        self.name = provider.name
        self.scopes = tuple(scope.name for scope in provider.scopes)
        super().__init__(world)
        self.provider = provider
        self.looks: dict[str, int] = {}
        self.is_logged_in = False
        self.credential = {each.name: f"made-up-{provider.name}-{each.name}" for each in fields(provider.credential)}
        self.secret_headers = StandIn.secret_headers | self._signing_headers()

    def environment(self) -> dict[str, str]:
        """``<NAME>_URL``, and ``<NAME>_<FIELD>`` for each field of the credential."""
        named = {"URL": self.base_url} | self.credential
        return {f"{self.name}_{field}".upper(): value for field, value in named.items()}

    def routes(self) -> tuple[Route, ...]:
        """None: examples match by more than method and path."""
        return ()

    def verb_of(self, asked: Incoming) -> str:
        """The verb of the first example that fits."""
        return next((each.verb for each in self.provider.examples if fits(each, asked)), "other")

    async def answer(self, asked: Incoming) -> Reply:
        """The reply of the example that fits."""
        fitting = [each for each in self.provider.examples if fits(each, asked)]
        if not fitting:
            return self.trouble(404)
        try:
            self._check_credential(fitting[0], asked)
            return self._replay(fitting, asked)
        except RefusedError as refused:
            return refused.reply

    # --- errors, in the examples' words where there are any

    def trouble(self, status: int, retry_after_s: float | None = None) -> Reply:
        """An example's reply with this status, or a plain one."""
        said = next((each.reply for each in self.provider.examples if each.reply.status == status), None)
        wait = json_reply(status, {"message": f"HTTP {status}"}, **wait_headers(retry_after_s))
        return replace(said, headers={**said.headers, **wait.headers}) if said else wait

    def expired(self, asked: Incoming) -> Reply:
        """Forget the session."""
        del asked
        self.is_logged_in = False
        return self.trouble(401)

    def refusal(self, scope: str) -> Reply:
        """An example's 403."""
        del scope
        return self.trouble(403)

    # --- credential

    def _secrets(self) -> Mapping[str, Secret]:
        return {name: Secret(value) for name, value in self.credential.items()}

    def _session(self) -> Session | None:
        answers = (each.answer for each in self.provider.examples if each.verb == "login")
        return next((answer.session for answer in answers if isinstance(answer, LoggedIn)), None)

    def _signing_headers(self) -> frozenset[str]:
        calls = (each.call for each in self.provider.examples)
        signed = (self.provider.sign(call, self._secrets(), self._session()) for call in calls)
        return frozenset(name.lower() for signature in signed for name in signature.headers)

    def _check_credential(self, example: Example, asked: Incoming) -> None:
        session = self._session()
        if session is not None and not example.call.is_login and not self.is_logged_in:
            raise RefusedError(self.trouble(401))
        wanted = self.provider.sign(example.call, self._secrets(), session)
        has_headers = all(asked.headers.get(name.lower()) == value.reveal() for name, value in wanted.headers.items())
        if not has_headers or any(asked.form().get(name) != value.reveal() for name, value in wanted.form.items()):
            raise RefusedError(self.trouble(401))

    # --- replies

    def _replay(self, fitting: list[Example], asked: Incoming) -> Reply:
        match fitting[0].verb:
            case "start":
                return self._start(fitting, asked)
            case "track":
                return self._track(fitting, asked)
            case "login":
                self.is_logged_in = True
                return best(fitting).reply
            case _:
                return best(fitting).reply

    def _start(self, fitting: list[Example], asked: Incoming) -> Reply:
        body = asked.json() if asked.body else None
        alike = [each for each in fitting if each.verb == "start" and is_same(each.call.json, body, _launch_id(each))]
        if not alike:
            return json_reply(422, {"message": f"No example of {self.name} starts with this body."})
        example = best(alike)
        if isinstance(example.answer, TROUBLE):
            return example.reply
        said = _run_id(example)
        run_id = said if not self.ledger.ours else f"{said}{len(self.ledger.ours)}"
        workflow_id = example.launch.workflow_id if example.launch else ""
        key = asked.headers.get("idempotency-key") or _first_launch_id(asked)
        self.begin(asked, run_id=run_id, workflow_id=workflow_id, key=key, inputs=asked.object())
        return _renamed(example.reply, said, run_id)

    def _track(self, fitting: list[Example], asked: Incoming) -> Reply:
        looking = [each for each in fitting if isinstance(each.answer, (Observed, Completed)) and each.verb == "track"]
        run = self._tracked(fitting[0], asked)
        if run is None or not looking:
            return self.trouble(404)
        example = self._next(looking, run, asked.at)
        return _renamed(example.reply, example.launch.run_id or "" if example.launch else "", run.run_id)

    def _tracked(self, example: Example, asked: Incoming) -> Run | None:
        parts = pattern(example).fullmatch(asked.path)
        run_id = parts.groupdict().get("run_id") if parts else None
        return next(iter(self.ledger.seen(asked.at)), None) if run_id is None else self.ledger.find(run_id, asked.at)

    def _next(self, looking: list[Example], run: Run, now: float) -> Example:
        going = [each for each in looking if isinstance(each.answer, Observed)]
        over = [each for each in looking if isinstance(each.answer, Completed)]
        look = self.looks.get(run.run_id, 0)
        self.looks[run.run_id] = look + 1
        if look < len(going):
            return going[look]
        return over[-1] if over and (run.progress(now) >= 1 or not going) else going[-1]

    def new_run_id(self) -> str:
        """Counts."""
        return f"{self.name}-{self.count() + 1}"


def pattern(example: Example) -> re.Pattern[str]:
    """The paths that an example stands for: any run id where its own stands, any launch id where its own stands."""
    text = re.escape(unquote(example.call.path))
    run_id, launch_id = example.launch.run_id if example.launch else None, _launch_id(example)
    if run_id:
        text = text.replace(f"/{re.escape(run_id)}", "/(?P<run_id>[^/]+)", 1)
    return re.compile(text.replace(re.escape(launch_id), LAUNCH_ID.pattern) if launch_id else text)


def fits(example: Example, asked: Incoming) -> bool:
    """True when a request has the method and path of an example."""
    return example.call.method == asked.method and pattern(example).fullmatch(asked.path) is not None


def best(examples: list[Example]) -> Example:
    """The one to answer with, of several for one request: the first that went well."""
    return next((each for each in examples if not isinstance(each.answer, TROUBLE)), examples[0])


def is_same(wanted: Json, given: Json, launch_id: str | None) -> bool:
    """True for equal JSON; any launch id equals the example's."""
    given_object, given_list = as_object(given), as_list(given)
    if (named := as_object(plainly(wanted))) is not None:
        is_alike = given_object is not None and named.keys() == given_object.keys()
        return is_alike and all(is_same(value, (given_object or {})[key], launch_id) for key, value in named.items())
    if (rows := as_list(plainly(wanted))) is not None:
        is_alike = given_list is not None and len(rows) == len(given_list)
        return is_alike and all(is_same(*pair, launch_id) for pair in zip(rows, given_list or [], strict=True))
    if isinstance(wanted, bool) is not isinstance(given, bool):
        return False
    is_launch = launch_id is not None and wanted == launch_id and is_text(given)
    return wanted == given or (is_launch and LAUNCH_ID.fullmatch(str(given)) is not None)


def plainly(value: Json) -> Json:
    """JSON as a parser makes it: examples may hold mapping proxies and tuples."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Json]", value))
    return list(cast("tuple[Json, ...]", value)) if isinstance(value, tuple) else value


def _launch_id(example: Example) -> str | None:
    return example.launch.launch_id if example.launch else None


def _run_id(example: Example) -> str:
    answer = example.answer
    return (answer.run_id or "run") if isinstance(answer, (Accepted, Completed)) else "run"


def _first_launch_id(asked: Incoming) -> str | None:
    found = LAUNCH_ID.search(asked.body.decode(errors="replace"))
    return found[0] if found else None


def _renamed(reply: Reply, old: str, new: str) -> Reply:
    """The reply with another run id, wherever the old one stands alone."""
    if old == new or not isinstance(reply.json(), (dict, list)):
        return reply
    return replace(reply, body=json_reply(0, _with_id(reply.json(), old, new)).body)


def _with_id(value: Json, old: str, new: str) -> Any:
    if (many := as_list(value)) is not None:
        return [_with_id(each, old, new) for each in many]
    if (named := as_object(value)) is not None:
        return {key: _with_id(each, old, new) for key, each in named.items()}
    if value == old:
        return new
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return int(new) if is_number and str(value) == old and new.isdecimal() else value
