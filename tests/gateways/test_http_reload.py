"""The wire after the configuration was read anew: who is under way ends as they began, who comes after uses what is new."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.model import NOTHING, Connection, SecretName, Workflow
from bot.domain.provider import Call, Exchange, LoggedIn, LoginAnswer, Reply, Secret, Session, Unreachable
from bot.gateways.http import HttpWire
from tests.builders import a_connection
from tests.gateways.wire_world import KEY, LOGIN, LOOK, START, AnyProvider, Line, a_wire, answering, http, once, serving


async def reload(wire: HttpWire, *connections: Connection, key: str = KEY, secrets: Mapping[str, str] = NOTHING) -> None:
    await wire.reconfigure(
        connections={connection.name: connection for connection in connections},
        credentials={connection.name: {"key": Secret(key)} for connection in connections},
        secrets={connection.name: {name: Secret(value) for name, value in secrets.items()} for connection in connections},
    )


def billing(base_url: str, **changes: Any) -> Connection:
    return a_connection(provider="any", base_url=base_url, **changes)


def logging_in() -> Exchange[LoginAnswer]:
    reply = yield LOGIN
    return LoggedIn(session=Session(token=Secret(str(reply.object()["token"]))))


async def test_the_next_call_is_signed_with_the_new_credential() -> None:
    async with serving(answering(http())) as server, a_wire(server.url) as wire:
        await wire.perform("billing", once(LOOK))
        await reload(wire, billing(server.url), key="made-up-new-key")
        await wire.perform("billing", once(LOOK))

    assert [request.headers["authorization"] for request in server.requests] == [f"Bearer {KEY}", "Bearer made-up-new-key"]


async def test_the_next_call_goes_to_the_new_address() -> None:
    async with serving(answering(http())) as old, serving(answering(http())) as new, a_wire(old.url) as wire:
        await reload(wire, billing(new.url))
        await wire.perform("billing", once(LOOK))

    assert (old.targets, new.targets) == ([], ["/look"])


@pytest.mark.parametrize(
    ("changes", "key", "logins"),
    [
        ({}, KEY, 1),
        ({"workflows": {"396": Workflow(workflow_id="396")}, "poll_every_s": 5.0, "secret_names": ("a",)}, KEY, 1),
        ({}, "made-up-new-key", 2),
        ({"timeout_s": 9.0}, KEY, 2),
        ({"options": "others"}, KEY, 2),
    ],
)
async def test_a_session_outlives_only_what_does_not_concern_it(changes: dict[str, Any], key: str, logins: int) -> None:
    async with (
        serving(answering(http(body='{"token": "made-up"}'))) as server,
        a_wire(server.url, AnyProvider(logging_in)) as wire,
    ):
        await wire.perform("billing", once(LOOK))
        await reload(wire, billing(server.url, **changes), key=key)
        await wire.perform("billing", once(LOOK))

    assert server.targets.count("/token") == logins


async def test_a_call_that_is_under_way_ends_over_the_connection_that_it_began_with() -> None:
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(line: Line) -> None:
        await line.read()
        arrived.set()
        await may_answer.wait()
        await line.write(http(body='{"id": 1}'))

    async with serving(slow) as old, serving(answering(http())) as new, a_wire(old.url, timeout_s=5) as wire:
        under_way = asyncio.create_task(wire.perform("billing", once(START)))
        await arrived.wait()
        await reload(wire, billing(new.url))
        after = await wire.perform("billing", once(LOOK))
        may_answer.set()
        before = await under_way

    assert isinstance(before, Reply)
    assert before.json() == {"id": 1}
    assert isinstance(after, Reply)
    assert (old.targets, new.targets) == (["/start"], ["/look"])


async def test_who_holds_a_place_on_a_connection_that_was_replaced_may_still_use_it() -> None:
    async with (
        serving(answering(http())) as old,
        serving(answering(http())) as new,
        a_wire(old.url) as wire,
        wire.place("billing") as perform,
    ):
        await reload(wire, billing(new.url))
        reply = await perform(once(START))

    assert isinstance(reply, Reply)
    assert old.targets == ["/start"]


async def test_a_connection_that_is_gone_answers_that_nothing_was_sent() -> None:
    async with serving(answering(http())) as server, a_wire(server.url) as wire:
        await reload(wire)
        answer = await wire.perform("billing", once(START))
        async with wire.place("billing") as perform:
            placed = await perform(once(START))

    assert answer == placed == Unreachable(is_possibly_applied=False, detail="the connection is not configured any more")
    assert server.targets == []


async def test_a_connection_that_comes_back_or_is_new_works() -> None:
    async with serving(answering(http())) as server, a_wire(server.url) as wire:
        await reload(wire)
        await reload(wire, billing(server.url), replace(billing(server.url), name="growth"))
        replies = [await wire.perform(name, once(LOOK)) for name in ("billing", "growth")]

    assert [isinstance(reply, Reply) for reply in replies] == [True, True]


async def test_a_secret_is_the_one_that_is_configured_when_the_call_is_made() -> None:
    call = Call(method="POST", path="/start", json={"login": SecretName("portal")})

    async with serving(answering(http())) as server, a_wire(server.url, secrets={"portal": "made-up-old"}) as wire:
        await wire.perform("billing", once(call))
        await reload(wire, billing(server.url), secrets={"portal": "made-up-new"})
        await wire.perform("billing", once(call))

    assert [json.loads(request.body)["login"] for request in server.requests] == ["made-up-old", "made-up-new"]


async def test_a_secret_that_was_replaced_is_still_kept_out_of_replies_also_over_a_new_address() -> None:
    repeating = answering(http(body='{"said": "made-up-old"}'))

    async with serving(repeating) as old, serving(repeating) as new, a_wire(old.url, secrets={"portal": "made-up-old"}) as wire:
        await reload(wire, billing(new.url), secrets={"portal": "made-up-new"})
        reply = await wire.perform("billing", once(LOOK))

    assert isinstance(reply, Reply)
    assert reply.json() == {"said": "****"}


class Patient:
    """A server that notes when the other side hangs up."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, line: Line) -> None:
        await line.read()
        await line.write(http())
        await line.wait_for_end()
        self.ended.set()


async def test_a_connection_that_was_replaced_hangs_up_at_once_where_nobody_uses_it() -> None:
    old = Patient()

    async with serving(old) as server, a_wire(server.url) as wire:
        await wire.perform("billing", once(LOOK))
        await reload(wire, billing(server.url), key="made-up-new-key")
        await asyncio.wait_for(old.ended.wait(), 2)

    assert old.ended.is_set()


async def test_a_connection_that_was_replaced_hangs_up_when_its_last_user_leaves() -> None:
    old = Patient()

    async with serving(old) as server, a_wire(server.url) as wire:
        async with wire.place("billing") as perform:
            await perform(once(LOOK))
            await reload(wire)
            was_ended = old.ended.is_set()
        await asyncio.wait_for(old.ended.wait(), 2)

    assert not was_ended


async def test_closing_the_wire_also_closes_what_was_replaced_and_is_still_used() -> None:
    old = Patient()

    async with serving(old) as server, a_wire(server.url) as wire, wire.place("billing") as perform:
        await perform(once(LOOK))
        await reload(wire)
        await wire.close()
        await asyncio.wait_for(old.ended.wait(), 2)

    assert old.ended.is_set()
