"""Replies that no document shows: every verb must answer them all, and raise on none."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Generator, Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from bot.domain.model import Workflow
from bot.domain.provider import Call, Example, Provider, Reply

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "\0", "..", "null", "12", "Y", "2026-08-01T12:00:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
STATUSES = st.sampled_from([100, 200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 405, 408, 409, 422, 429, 500, 502, 503, 504])
_WORDS = st.text(max_size=6) | st.sampled_from(["7", "-1", "nan", "1e999", "Wed, 21 Oct 2026 07:28:00 GMT"])
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "date", "content-type"]), _WORDS, max_size=2)


def bodies(examples: Iterable[Example]) -> list[Any]:
    """Every JSON body that the examples show."""
    shown = (reply for example in examples for reply in (*example.before, example.reply))
    return [json.loads(reply.body) for reply in shown if reply.body]


@st.composite
def odd_replies(draw: st.DrawFn, shown: Sequence[Any]) -> Reply:
    """A documented body with some of its values replaced by others, or no JSON at all."""
    status, headers = draw(STATUSES), draw(HEADERS)
    if draw(st.integers(0, 5)) == 0:
        return Reply(
            status=status, headers=headers, body=draw(st.sampled_from(["", "<html>", "{", "[1,", "1e9999999999999999999"]))
        )
    body = copy.deepcopy(draw(st.sampled_from(shown)))
    for _ in range(draw(st.integers(0, 3))):
        body = _bent(draw, body)
    return Reply(status=status, headers=headers, body=json.dumps(body))


def _bent(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with one part of it, somewhere inside, replaced."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0:
        return draw(ANY_JSON)
    place = draw(st.sampled_from(list(value))) if isinstance(value, dict) else draw(st.integers(0, len(value) - 1))
    value[place] = _bent(draw, value[place])
    return value


def answered(exchange: Generator[Call, Reply, Any], replies: Sequence[Reply], *, most_calls: int = 500) -> tuple[list[Call], Any]:
    """The calls and the answer of an exchange that is told ``replies`` over and over.

    Raises:
        AssertionError: it never comes to an end.
    """
    calls: list[Call] = []
    told = itertools.cycle(replies)
    try:
        calls.append(next(exchange))
        while len(calls) <= most_calls:
            calls.append(exchange.send(next(told)))
    except StopIteration as ended:
        return calls, ended.value
    raise AssertionError(f"still asking after {most_calls} calls")


def exchanges(provider: Provider, example: Example) -> dict[str, Generator[Call, Reply, Any]]:
    """One exchange per verb, on the example's launch and connection."""
    assert example.launch is not None
    assert example.connection is not None
    workflow = Workflow(workflow_id=example.launch.workflow_id)
    return {
        "start": provider.start(example.launch, example.connection),
        "track": provider.track(example.launch, example.connection),
        "cancel": provider.cancel(example.launch, example.connection),
        "catalogue": provider.catalogue(example.connection),
        "describe": provider.describe(workflow, example.connection),
        "probe": provider.probe(example.connection),
    }
