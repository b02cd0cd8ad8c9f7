"""Drives exchanges over HTTP: logins, and what an exchange may have caused. How one call is sent stands in ``http_sending``.

Why whoever waited for a login that failed takes its answer: sixteen callers that each try again would lock the credential out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from bot.domain.model import NOTHING, Connection
from bot.domain.provider import (
    Call,
    Exchange,
    LoggedIn,
    LoginAnswer,
    Provider,
    Refused,
    Reply,
    Secret,
    Session,
    Trouble,
    Unreachable,
)
from bot.domain.reading import is_refusal
from bot.gateways.http_secrets import SecretGoneError, Secrets
from bot.gateways.http_sending import LARGEST_REPLY_BYTES, Sender, UnansweredError
from bot.ports import Clock

__all__ = ["IN_FLIGHT_PER_CONNECTION", "LARGEST_REPLY_BYTES", "HttpWire"]

IN_FLIGHT_PER_CONNECTION = 16
LONGEST_SESSION_S = 86_400.0
SECRET_GONE = "SECRET_NOT_CONFIGURED"  # noqa: S105 - a code, not a secret

A = TypeVar("A")
_log = structlog.get_logger("gonogo.wire")


@dataclass(eq=False)
class _Wire:
    """One connection at work: how it sends, what its last login brought, and how much is in flight.

    ``users`` are those who have a place, or wait for one. ``is_retired``: replaced by a reload; its last user closes it.
    """

    connection: Connection
    provider: Provider
    credential: Mapping[str, Secret]
    sender: Sender
    secrets: Secrets
    users: int = 0
    is_retired: bool = False
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT_PER_CONNECTION))
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)
    logins: int = 0
    login_brought: Session | Trouble | None = None
    session_over_at: datetime | None = None
    hiding: tuple[Secrets, Session | None, Secrets] | None = None

    def blanking(self, session: Session | None) -> Secrets:
        """What is taken out of replies: secrets of inputs, and whatever proves who we are (a login's reply must be read whole)."""
        if self.hiding is None or self.hiding[0] is not self.secrets or self.hiding[1] is not session:
            credential = [secret for name, secret in self.credential.items() if not name.endswith("_id")]
            token = [session.token] if session is not None else []
            self.hiding = (self.secrets, session, self.secrets.beside((*credential, *token)))
        return self.hiding[2]


class HttpWire:
    """Carries exchanges to the providers of the configured connections. Close it when done."""

    def __init__(
        self,
        *,
        connections: Mapping[str, Connection],
        credentials: Mapping[str, Mapping[str, Secret]],
        providers: Mapping[str, Provider],
        clock: Clock,
        secrets: Mapping[str, Mapping[str, Secret]] = NOTHING,
    ) -> None:
        self._clock = clock
        self._providers = providers
        self._wires: dict[str, _Wire] = {}
        self._retired: set[_Wire] = set()
        self._lay(connections, credentials, secrets)

    async def close(self) -> None:
        """Close every TCP connection."""
        for wire in (*self._wires.values(), *self._retired):
            await wire.sender.close()

    async def reconfigure(
        self,
        *,
        connections: Mapping[str, Connection],
        credentials: Mapping[str, Mapping[str, Secret]],
        secrets: Mapping[str, Mapping[str, Secret]],
    ) -> None:
        """From now on these are the connections. One that changed logs in anew; who is under way ends over the old one."""
        before = self._wires
        self._wires = {}
        self._lay(connections, credentials, secrets, before=before)
        kept = {id(wire) for wire in self._wires.values()}
        for wire in before.values():
            if id(wire) not in kept:
                wire.is_retired = True
                self._retired.add(wire)
                await self._close_unused(wire)

    @asynccontextmanager
    async def place(self, connection: str) -> AsyncGenerator[Callable[[Exchange[Any]], Awaitable[Any]]]:
        """A place on the wire: what it hands out performs an exchange at once, without waiting for others."""
        wire = self._wires.get(connection)
        if wire is None:
            yield _unconfigured
            return
        wire.users += 1
        try:
            async with wire.slots:
                yield partial(self._drive, wire)
        finally:
            wire.users -= 1
            await self._close_unused(wire)

    async def perform(self, connection: str, exchange: Exchange[A]) -> A | Unreachable:
        """Drive an exchange to its answer over the named connection. Never raises on what a network or a provider does."""
        async with self.place(connection) as drive:
            answer: A | Unreachable = await drive(exchange)
            return answer

    def _lay(
        self,
        connections: Mapping[str, Connection],
        credentials: Mapping[str, Mapping[str, Secret]],
        secrets: Mapping[str, Mapping[str, Secret]],
        *,
        before: Mapping[str, _Wire] = NOTHING,
    ) -> None:
        """A wire for each connection; that of ``before`` where it would be the same."""
        for name, connection in connections.items():
            old, provider, credential = before.get(name), self._providers[connection.provider], credentials[name]
            is_same = old is not None and _essence(old.provider, old.connection, old.credential) == _essence(
                provider, connection, credential
            )
            wire = old if old is not None and is_same else _wire(connection, provider, credential, self._clock)
            wire.connection = connection
            wire.secrets = (old.secrets if old else Secrets()).followed_by(secrets.get(name, NOTHING))
            self._wires[name] = wire

    async def _close_unused(self, wire: _Wire) -> None:
        if wire.is_retired and not wire.users:
            self._retired.discard(wire)
            await wire.sender.close()

    async def _drive(self, wire: _Wire, exchange: Exchange[A]) -> A | Any:
        """A login's own trouble is an answer of every verb, so it is handed on, unless something was changed before.

        A refusal that is no answer of the provider's to what the exchange asked last is marked as such.
        """
        is_changed, reply = False, None
        try:
            call = next(exchange)
            while True:
                reply = await self._reply(wire, call)
                if not isinstance(reply, Reply):
                    exchange.close()
                    return _lost(reply) if is_changed else _not_answered(reply)
                is_changed = is_changed or (call.changes and not is_refusal(reply))
                call = exchange.send(reply)
        except StopIteration as stop:
            return stop.value if isinstance(reply, Reply) and not reply.is_page else _not_answered(stop.value)

    async def _reply(self, wire: _Wire, call: Call) -> Reply | Trouble:
        """One call, with a session that is renewed once where the provider says that it is over."""
        used = await self._session(wire)
        if used is not None and not isinstance(used, Session):
            return used
        try:
            reply = await self._send(wire, call, used)
            if used is None or not wire.provider.is_session_over(reply):
                return reply
            renewed = await self._session(wire, instead_of=used)
            return await self._send(wire, call, renewed) if isinstance(renewed, Session) else renewed or reply
        except UnansweredError as error:
            return Unreachable(is_possibly_applied=error.was_sent and call.changes, detail=error.detail)
        except SecretGoneError as error:
            meaning = f"The connection {wire.connection.name} has no secret {error.name} any more, so nothing was sent."
            return Refused(code=SECRET_GONE, meaning=meaning)

    async def _session(self, wire: _Wire, instead_of: Session | None = None) -> Session | Trouble | None:
        """The session to use; None where there are no logins. One login at a time, its answer shared by all who waited for it."""
        login = wire.provider.login(wire.connection) if wire.provider.needs_login(wire.credential) else None
        if login is None:
            return None
        logins_before = wire.logins
        async with wire.renewing:
            if wire.logins == logins_before and not self._is_good(wire, instead_of):
                wire.login_brought = await self._log_in(wire, login)
                wire.logins += 1
            return wire.login_brought

    def _is_good(self, wire: _Wire, instead_of: Session | None) -> bool:
        session, over_at = wire.login_brought, wire.session_over_at
        is_over = over_at is not None and self._clock.now() >= over_at
        return isinstance(session, Session) and session is not instead_of and not is_over

    async def _log_in(self, wire: _Wire, login: Exchange[LoginAnswer]) -> Session | Trouble:
        """Whatever becomes of a login, the call that needs it was not sent."""
        try:
            call = next(login)
            while True:
                call = login.send(await self._send(wire, call, None, is_login=True))
        except StopIteration as stop:
            answer: LoginAnswer = stop.value
        except UnansweredError as error:
            return Unreachable(is_possibly_applied=False, detail=f"login: {error.detail}")
        if isinstance(answer, Unreachable):
            return Unreachable(is_possibly_applied=False, detail=answer.detail)
        if not isinstance(answer, LoggedIn):
            return answer
        lives_s = answer.session.lives_s
        over_at = None if lives_s is None else self._clock.now() + timedelta(seconds=min(lives_s, LONGEST_SESSION_S))
        wire.session_over_at = over_at
        return answer.session

    async def _send(self, wire: _Wire, call: Call, session: Session | None, *, is_login: bool = False) -> Reply:
        if call.sent_before is not None and self._clock.now() >= call.sent_before:
            raise UnansweredError("the bot was paused before it could send this", was_sent=False)
        started = asyncio.get_running_loop().time()
        status: int | str = "none"
        secrets = wire.secrets if is_login else wire.blanking(session)
        try:
            reply = await wire.sender.send(call, wire.provider.sign(call, wire.credential, session), secrets)
            status = reply.status
        finally:
            took_ms = round(1000 * (asyncio.get_running_loop().time() - started), 1)
            facts = {"method": call.method, "path": call.path, "status": status, "took_ms": took_ms}
            _log.info("provider_call", connection=wire.connection.name, **facts)
        return reply


def _wire(connection: Connection, provider: Provider, credential: Mapping[str, Secret], clock: Clock) -> _Wire:
    timeout_s = connection.timeout_s or provider.timeout_s
    sender = Sender.to(connection.base_url, timeout_s=timeout_s, at_once=IN_FLIGHT_PER_CONNECTION, clock=clock)
    return _Wire(connection=connection, provider=provider, credential=credential, sender=sender, secrets=Secrets())


def _essence(provider: Provider, connection: Connection, credential: Mapping[str, Secret]) -> tuple[Any, ...]:
    """Where it is equal, a call over one connection is the same call over the other, with the same session."""
    timeout_s = connection.timeout_s or provider.timeout_s
    return (provider.name, connection.base_url, connection.options, timeout_s, dict(credential))


async def _unconfigured(exchange: Exchange[Any]) -> Unreachable:
    """A reload took the connection away: nothing is sent, and what waits for it waits until it is back."""
    exchange.close()
    return Unreachable(is_possibly_applied=False, detail="the connection is not configured any more")


def _not_answered(answer: A) -> A | Refused:
    """Where it is a refusal: a login's, a proxy's, or our own."""
    return replace(answer, is_answer=False) if isinstance(answer, Refused) else answer


def _lost(trouble: Trouble) -> Unreachable:
    """The rest of an exchange that had already changed something."""
    detail = trouble.detail if isinstance(trouble, Unreachable) else f"{trouble.meaning} ({trouble.code})"
    return Unreachable(is_possibly_applied=True, detail=detail)
