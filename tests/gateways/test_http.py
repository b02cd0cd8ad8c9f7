from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.provider import (
    Answer,
    Busy,
    Call,
    Exchange,
    LoggedIn,
    LoginAnswer,
    Refused,
    Reply,
    Secret,
    Session,
    Unauthorised,
    Unreachable,
    unsupported,
)
from bot.gateways.http import IN_FLIGHT_PER_CONNECTION
from tests.builders import FrozenClock
from tests.gateways.wire_world import (
    KEY,
    LOGIN,
    LOOK,
    START,
    AnyProvider,
    Behaviour,
    Line,
    Request,
    a_wire,
    answering,
    each,
    free_port,
    hangs,
    hangs_up,
    http,
    once,
    serving,
)

TOKEN = "synthetic-token-{}"


def logging_in(lives_s: float | None = None) -> Exchange[LoginAnswer]:
    """A login as providers write them."""
    reply = yield LOGIN
    if reply.status == 401:
        return Unauthorised(code="invalid_client", meaning="The key is not accepted.")
    if reply.status == 400:
        return Refused(code="HTTP 400", meaning="The login is not as it should be.")
    if reply.status == 429:
        return Busy(code="HTTP 429", meaning="Too many logins.", retry_after_s=7.0)
    token = reply.object().get("access_token")
    if reply.status != 200 or not token:
        return Unreachable(is_possibly_applied=True, detail=f"HTTP {reply.status}")
    return LoggedIn(session=Session(token=Secret(token), lives_s=lives_s))


def living(lives_s: float) -> AnyProvider:
    return AnyProvider(lambda: logging_in(lives_s))


LOGS_IN = AnyProvider(logging_in)
GONE = Refused(code="HTTP 404", meaning="There is no such workflow.")


class Bank:
    """A provider with logins: hands out numbered tokens and honours those that were not revoked."""

    def __init__(self) -> None:
        self.logins = 0
        self.good: set[str] = set()

    def revoke(self) -> None:
        self.good.clear()

    def __call__(self, request: Request) -> bytes:
        if request.target == LOGIN.path:
            self.logins += 1
            token = TOKEN.format(self.logins)
            self.good.add(f"Bearer {token}")
            return http(200, f'{{"access_token": "{token}"}}')
        return http(200 if request.headers["authorization"] in self.good else 401, '{"id": 400}')


async def answered_by(behaviour: Behaviour, *calls: Call, provider: AnyProvider = LOGS_IN) -> tuple[Any, list[str]]:
    """The answer to an exchange of these calls, and what arrived."""
    async with serving(behaviour) as server, a_wire(server.url, provider) as wire:
        return await wire.perform("billing", each(*calls)), server.targets


def statuses(replies: tuple[Reply, ...]) -> list[int]:
    return [reply.status for reply in replies]


# --- driving ---


async def test_an_exchange_gets_its_replies_in_order_and_gives_its_answer() -> None:
    def exchange() -> Generator[Call, Reply, str]:
        first = yield LOOK
        second = yield Call(method="POST", path=f"/start/{first.body}")
        return second.body

    async with serving(answering(http(200, "one"), http(200, "two"))) as server, a_wire(server.url) as wire:
        answer = await wire.perform("billing", exchange())

    assert (answer, server.targets) == ("two", ["/look", "/start/one"])


async def test_an_exchange_without_a_call_sends_nothing() -> None:
    async with serving(answering(http())) as server, a_wire(server.url, LOGS_IN) as wire:
        answer = await wire.perform("billing", unsupported("no such verb"))

    assert (answer, server.connected) == ("no such verb", 0)


async def test_an_exchange_that_cannot_go_on_is_closed() -> None:
    is_closed = False

    def exchange() -> Generator[Call, Reply, None]:
        nonlocal is_closed
        try:
            yield START
        finally:
            is_closed = True

    async with a_wire(f"http://127.0.0.1:{free_port()}") as wire:
        await wire.perform("billing", exchange())

    assert is_closed


@pytest.mark.parametrize(
    ("reply", "is_answer"),
    [
        (http(404, '{"error": "gone"}'), True),
        (http(404, ""), True),
        (http(404, "<!DOCTYPE html><html>no such page</html>"), False),
        (http(404, "\n <html>"), False),
    ],
)
async def test_a_refusal_is_an_answer_unless_a_proxy_gave_it(reply: bytes, is_answer: bool) -> None:
    def exchange() -> Generator[Call, Reply, Refused]:
        yield START
        return GONE

    async with serving(answering(reply)) as server, a_wire(server.url) as wire:
        assert await wire.perform("billing", exchange()) == replace(GONE, is_answer=is_answer)


async def test_a_refusal_for_which_nothing_was_sent_is_no_answer() -> None:
    async with a_wire(f"http://127.0.0.1:{free_port()}") as wire:
        assert await wire.perform("billing", unsupported(GONE)) == replace(GONE, is_answer=False)


@pytest.mark.parametrize("first", [200, 202, 302, 408, 500, 503])
async def test_what_follows_a_change_cannot_make_it_unsent(first: int) -> None:
    """The read after it failed; the change may stand all the same."""

    async def behave(line: Line) -> None:
        request = await line.read()
        if request.target == START.path:
            await line.write(http(first))

    answer, _ = await answered_by(behave, START, LOOK, provider=AnyProvider())

    assert answer == Unreachable(is_possibly_applied=True, detail="the connection broke before an answer came")


async def test_what_follows_a_refused_change_leaves_it_refused() -> None:
    async def behave(line: Line) -> None:
        request = await line.read()
        if request.target == START.path:
            await line.write(http(403))

    answer, _ = await answered_by(behave, START, LOOK, provider=AnyProvider())

    assert answer == Unreachable(is_possibly_applied=False, detail="the connection broke before an answer came")


async def test_a_login_that_fails_after_a_change_cannot_make_it_unsent() -> None:
    def behave(request: Request) -> bytes:
        if request.target == LOGIN.path:
            return next(logins)
        return http(200 if request.target == START.path else 401)

    logins = iter([http(200, '{"access_token": "one"}'), http(401)])
    answer, targets = await answered_by(answering(behave), START, LOOK)

    assert answer == Unreachable(is_possibly_applied=True, detail="The key is not accepted. (invalid_client)")
    assert targets == ["/token", "/start", "/look", "/token"]


async def test_no_more_calls_than_agreed_are_in_flight() -> None:
    now, most = 0, 0

    async def behave(line: Line) -> None:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await line.read()
        await asyncio.sleep(0.02)
        now -= 1
        await line.write(http())

    async with serving(behave) as server, a_wire(server.url, timeout_s=10) as wire:
        answers = await asyncio.gather(*(wire.perform("billing", once(START)) for _ in range(50)))

    assert (most, {answer.status for answer in answers}) == (IN_FLIGHT_PER_CONNECTION, {200})


async def test_a_connection_may_take_longer_than_its_provider_advises() -> None:
    async def slow(line: Line) -> None:
        await line.read()
        await asyncio.sleep(0.6)
        await line.write(http())

    async with serving(slow) as server:
        async with a_wire(server.url) as wire:
            assert (await wire.perform("billing", once(LOOK))).detail == "no answer in time"
        async with a_wire(server.url, timeout_s=10) as wire:
            assert (await wire.perform("billing", once(LOOK))).status == 200


# --- sessions ---


async def test_a_login_comes_first_and_serves_every_call_after_it() -> None:
    bank = Bank()
    async with serving(answering(bank)) as server, a_wire(server.url, LOGS_IN) as wire:
        for _ in range(3):
            await wire.perform("billing", once(START))

    assert server.targets == ["/token", "/start", "/start", "/start"]
    assert server.requests[0].body == f"grant_type=client_credentials&client_secret={KEY}".encode()
    assert {request.headers["authorization"] for request in server.requests[1:]} == {"Bearer synthetic-token-1"}


async def test_a_credential_that_signs_by_itself_never_logs_in() -> None:
    async with serving(answering(http())) as server, a_wire(server.url, AnyProvider(logging_in, has_token=True)) as wire:
        await wire.perform("billing", once(START))

    assert (server.targets, server.requests[0].headers["authorization"]) == (["/start"], f"Bearer {KEY}")


@pytest.mark.parametrize("call", [START, LOOK], ids=["POST", "GET"])
async def test_a_session_that_is_over_is_renewed_once_and_the_call_sent_again_once(call: Call) -> None:
    bank = Bank()
    async with serving(answering(bank)) as server, a_wire(server.url, LOGS_IN) as wire:
        await wire.perform("billing", once(LOOK))
        bank.revoke()
        reply = await wire.perform("billing", once(call))

    assert (reply.status, server.targets) == (200, ["/token", "/look", call.path, "/token", call.path])


async def test_a_new_session_that_is_refused_as_well_is_not_renewed_again() -> None:
    def behave(request: Request) -> bytes:
        return http(200, '{"access_token": "one"}') if request.target == LOGIN.path else http(401, '{"why": "no"}')

    answer, targets = await answered_by(answering(behave), START)

    assert (statuses(answer), answer[0].object()) == ([401], {"why": "no"})
    assert targets == ["/token", "/start", "/token", "/start"]


async def test_without_logins_a_refused_credential_is_the_reply_itself() -> None:
    answer, targets = await answered_by(answering(http(401)), START, provider=AnyProvider())

    assert (statuses(answer), targets) == ([401], ["/start"])


async def test_the_second_send_can_be_lost_as_well() -> None:
    sends = 0

    async def behave(line: Line) -> None:
        nonlocal sends
        request = await line.read()
        if request.target == LOGIN.path:
            await line.write(http(200, '{"access_token": "one"}'))
        elif sends == 0:
            sends += 1
            await line.write(http(401))

    answer, targets = await answered_by(behave, START)

    assert answer == Unreachable(is_possibly_applied=True, detail="the connection broke before an answer came")
    assert targets == ["/token", "/start", "/token", "/start"]


async def test_a_session_ends_by_the_clock() -> None:
    clock, bank = FrozenClock(), Bank()
    async with serving(answering(bank)) as server, a_wire(server.url, living(60), clock=clock) as wire:
        await wire.perform("billing", once(LOOK))
        clock.move(seconds=59)
        await wire.perform("billing", once(LOOK))
        assert bank.logins == 1

        clock.move(seconds=1)
        await wire.perform("billing", once(LOOK))

    assert (bank.logins, server.targets[-2:]) == (2, ["/token", "/look"])


async def test_a_session_that_is_over_at_once_still_serves_the_call_that_it_was_fetched_for() -> None:
    answer, targets = await answered_by(answering(Bank()), LOOK, LOOK, provider=living(0))

    assert (statuses(answer), targets) == ([200, 200], ["/token", "/look", "/token", "/look"])


@pytest.mark.parametrize("lives_s", [1e9, 1e300])
async def test_no_lifetime_is_too_long_to_reckon_with(lives_s: float) -> None:
    clock, bank = FrozenClock(), Bank()
    async with serving(answering(bank)) as server, a_wire(server.url, living(lives_s), clock=clock) as wire:
        await wire.perform("billing", once(LOOK))
        clock.move(hours=23)
        await wire.perform("billing", once(LOOK))

    assert bank.logins == 1


# --- logins that fail ---


UNANSWERED = Unreachable(is_possibly_applied=False, detail="login: the connection broke before an answer came")
FAILURES = [
    (hangs_up, UNANSWERED),
    (hangs, Unreachable(is_possibly_applied=False, detail="login: no answer in time")),
    (answering(http(401)), Unauthorised(code="invalid_client", meaning="The key is not accepted.")),
    (answering(http(400)), Refused(code="HTTP 400", meaning="The login is not as it should be.", is_answer=False)),
    (answering(http(429)), Busy(code="HTTP 429", meaning="Too many logins.", retry_after_s=7.0)),
    (answering(http(500)), Unreachable(is_possibly_applied=False, detail="HTTP 500")),
    (answering(http(200, "<html>")), Unreachable(is_possibly_applied=False, detail="HTTP 200")),
]


@pytest.mark.parametrize(("behaviour", "expected"), FAILURES)
async def test_whatever_becomes_of_a_login_the_start_was_not_sent(behaviour: Behaviour, expected: Answer) -> None:
    answer, targets = await answered_by(behaviour, START)

    assert (answer, targets) == (expected, ["/token"])


@pytest.mark.parametrize(("behaviour", "expected"), FAILURES)
async def test_a_refused_session_that_cannot_be_renewed_leaves_the_start_unsent(behaviour: Behaviour, expected: Answer) -> None:
    """A rejected credential means that nothing was applied."""
    seen: list[str] = []

    async def behave(line: Line) -> None:
        if len(seen) == 2:
            await behaviour(line)
            return
        request = await line.read()
        seen.append(request.target)
        await line.write(http(200, '{"access_token": "one"}') if request.target == LOGIN.path else http(401))

    answer, targets = await answered_by(behave, START)

    assert (answer, targets) == (expected, ["/token", "/start", "/token"])


async def test_a_login_that_cannot_connect_leaves_the_start_unsent() -> None:
    async with a_wire(f"http://127.0.0.1:{free_port()}", LOGS_IN) as wire:
        answer = await wire.perform("billing", once(START))

    assert answer == Unreachable(is_possibly_applied=False, detail="login: no connection could be made")


async def test_a_failed_login_is_tried_anew_by_the_next_call() -> None:
    bank = Bank()
    answers = iter([http(500)])

    def behave(request: Request) -> bytes:
        return next(answers, None) or bank(request)

    async with serving(answering(behave)) as server, a_wire(server.url, LOGS_IN) as wire:
        first = await wire.perform("billing", once(START))
        second = await wire.perform("billing", once(START))

    assert (first.detail, second.status) == ("HTTP 500", 200)
    assert server.targets == ["/token", "/token", "/start"]


# --- many at once ---


async def slowly(line: Line, bank: Bank) -> None:
    while True:
        request = await line.read()
        await asyncio.sleep(0.01)
        await line.write(bank(request))


async def test_callers_at_the_same_time_share_one_login() -> None:
    bank = Bank()
    async with serving(lambda line: slowly(line, bank)) as server, a_wire(server.url, LOGS_IN, timeout_s=10) as wire:
        answers = await asyncio.gather(*(wire.perform("billing", once(START)) for _ in range(40)))

    assert (bank.logins, {answer.status for answer in answers}) == (1, {200})


async def test_callers_whose_session_ends_at_the_same_time_share_one_renewal() -> None:
    bank = Bank()
    async with serving(lambda line: slowly(line, bank)) as server, a_wire(server.url, LOGS_IN, timeout_s=10) as wire:
        await wire.perform("billing", once(LOOK))
        bank.revoke()
        answers = await asyncio.gather(*(wire.perform("billing", once(START)) for _ in range(10)))

    assert (bank.logins, {answer.status for answer in answers}) == (2, {200})
    assert server.targets.count("/start") == 20


async def test_callers_at_the_same_time_share_a_failed_login() -> None:
    """Each trying again by itself would lock the credential out."""

    async def refuses(line: Line) -> None:
        await line.read()
        await asyncio.sleep(0.02)
        await line.write(http(401))

    async with serving(refuses) as server, a_wire(server.url, LOGS_IN, timeout_s=10) as wire:
        answers = await asyncio.gather(*(wire.perform("billing", once(START)) for _ in range(10)))

    assert {type(answer) for answer in answers} == {Unauthorised}
    assert server.targets == ["/token"]


async def test_a_caller_that_gives_up_does_not_keep_the_others_from_logging_in() -> None:
    bank, is_asked = Bank(), asyncio.Event()

    async def behave(line: Line) -> None:
        is_asked.set()
        await slowly(line, bank)

    async with serving(behave) as server, a_wire(server.url, LOGS_IN, timeout_s=10) as wire:
        gives_up = asyncio.create_task(wire.perform("billing", once(START)))
        stays = asyncio.create_task(wire.perform("billing", once(START)))
        await is_asked.wait()
        gives_up.cancel()
        reply = await stays

    assert (reply.status, gives_up.cancelled()) == (200, True)


# --- secrets ---


@pytest.mark.parametrize("behaviour", [answering(http(500)), answering(http(401)), hangs_up, hangs])
async def test_no_secret_is_logged_or_told(behaviour: Behaviour) -> None:
    with capture_logs() as lines:
        async with serving(behaviour) as server, a_wire(server.url, LOGS_IN) as wire:
            answers = [await wire.perform("billing", once(call)) for call in (START, LOOK)]

    assert lines
    assert KEY not in repr((answers, lines, wire, wire._wires))


async def test_one_line_is_logged_for_each_call_without_query_or_body() -> None:
    bank = Bank()
    call = Call(method="POST", path="/start", query={"q": "private"}, json={"name": "private"})
    with capture_logs() as lines:
        async with serving(answering(bank)) as server, a_wire(server.url, LOGS_IN) as wire:
            await wire.perform("billing", once(call))

    told = [(line["event"], line["connection"], line["method"], line["path"], line["status"]) for line in lines]
    assert told == [("provider_call", "billing", "POST", "/token", 200), ("provider_call", "billing", "POST", "/start", 200)]
    assert all(line["took_ms"] >= 0 for line in lines)
    assert not any(word in repr(lines) for word in ("private", "synthetic-token-1", KEY))


async def test_a_call_without_a_reply_is_logged_as_such() -> None:
    with capture_logs() as lines:
        async with serving(hangs_up) as server, a_wire(server.url) as wire:
            await wire.perform("billing", once(START))

    assert [line["status"] for line in lines] == ["none"]


async def test_what_was_to_leave_before_a_time_does_not_leave_later() -> None:
    """Whoever was paused since must not start what another may have taken over."""
    late, soon = (replace(START, sent_before=FrozenClock().now() + timedelta(seconds=left)) for left in (0, 1))

    answer, arrived = await answered_by(answering(http()), late, provider=AnyProvider())
    assert isinstance(answer, Unreachable)
    assert (answer.is_possibly_applied, arrived) == (False, [])

    _, arrived = await answered_by(answering(http()), soon, provider=AnyProvider())
    assert arrived == [START.path]


class Passing(FrozenClock):
    """A second passes each time that it is looked at."""

    def now(self) -> datetime:
        self.move(seconds=1)
        return super().now()


async def test_what_was_to_leave_before_a_time_does_not_leave_when_its_connection_stands_only_then() -> None:
    """Whoever was paused while it connected wakes with a connection in its hands."""
    late, soon = (replace(START, sent_before=FrozenClock().now() + timedelta(seconds=left)) for left in (2, 3))

    async with serving(answering(http())) as server, a_wire(server.url, clock=Passing()) as wire:
        answer = await wire.perform("billing", once(late))
    assert (answer.is_possibly_applied, server.connected, server.targets) == (False, 1, [])

    async with serving(answering(http())) as server, a_wire(server.url, clock=Passing()) as wire:
        await wire.perform("billing", once(soon))
    assert server.targets == [START.path]
