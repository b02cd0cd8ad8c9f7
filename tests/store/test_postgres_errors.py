"""A Postgres that cannot be used: what is said at start, what is said later, and that nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolTimeout

from bot.domain.errors import BotError, SettingsError, StoreUnavailableError
from bot.store import open_store
from bot.store.postgres import PostgresStore
from bot.store.postgres_errors import is_lost, is_unheard, our_error
from bot.worker.keeping import kept
from tests.builders import NOON, FrozenClock, a_delivery
from tests.postgres_server import NoServerError, Server, a_server
from tests.store.steps import L, at, keep, read, unfinished

PLACE = "gonogo at db.example:5432"


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A Postgres that may be ended."""
    try:
        with a_server() as server:
            yield server
    except NoServerError as error:
        pytest.skip(f"no Postgres here: {error}")


@pytest.fixture
def locked_server() -> Iterator[Server]:
    """A Postgres that asks everybody for a password, and lets few in."""
    try:
        with a_server(password="open,sesame", settings={"max_connections": 6, "superuser_reserved_connections": 0}) as server:
            yield server
    except NoServerError as error:
        pytest.skip(f"no Postgres here: {error}")


async def refusal(url: str) -> BotError:
    async with open_store(url) as store:
        with pytest.raises((SettingsError, StoreUnavailableError)) as caught:
            await store.migrate()
        with pytest.raises((SettingsError, StoreUnavailableError)):
            await store.launch("L-1")
    return caught.value


@pytest.mark.parametrize(
    ("error", "cause", "is_lasting"),
    [
        (errors.DiskFull(), "its disk is full", False),
        (errors.TooManyConnections(), "it has too many connections: raise max_connections, or run fewer replicas", False),
        (errors.AdminShutdown(), "it is being shut down", False),
        (errors.CrashShutdown(), "it has crashed and comes back", False),
        (errors.CannotConnectNow(), "it is starting up or shutting down", False),
        (errors.ReadOnlySqlTransaction(), "it is read-only: a standby, or a primary that became one", True),
        (errors.InvalidPassword(), "it refuses the password", True),
        (errors.InvalidCatalogName(), r"there is no such database: create it \(createdb\)", True),
        (errors.InsufficientPrivilege(), "this user may not do that there", True),
        (errors.UndefinedTable(), "its tables are missing: run gonogo db migrate", False),
        (errors.QueryCanceled(), "it took too long", False),
        (errors.LockNotAvailable(), "somebody else keeps what is asked for locked", False),
        (errors.OutOfMemory(), "it is out of memory", False),
        (PoolTimeout("couldn't get a connection after 3.00 sec"), "all connections are busy", False),
        (psycopg.OperationalError("the connection is closed"), "the connection broke", False),
        (psycopg.OperationalError("consuming input failed: server closed the connection"), "the connection broke", False),
        (psycopg.OperationalError('FATAL:  password authentication failed for user "x"'), "it refuses the password", True),
        (psycopg.OperationalError('FATAL:  database "x" does not exist'), "there is no such database", True),
        (psycopg.OperationalError('FATAL:  role "x" does not exist'), "it does not let this user in", True),
        (psycopg.OperationalError("FATAL:  sorry, too many clients already"), "it has too many connections", False),
        (psycopg.OperationalError("FATAL:  the database system is starting up"), "it is starting up or shutting down", False),
        (psycopg.OperationalError("session is read-only"), "it is read-only", True),
        (psycopg.OperationalError("could not translate host name"), "its host name is not known", False),
        (psycopg.OperationalError("Connection refused"), "nothing answers there", False),
        (psycopg.OperationalError("SSL error: certificate verify failed"), "no secure connection comes about", False),
    ],
    ids=str,
)
def test_each_error_says_what_it_is_and_what_to_do(error: psycopg.Error, cause: str, is_lasting: bool) -> None:
    at_start, later = our_error(error, PLACE, is_opening=True), our_error(error, PLACE)

    assert isinstance(at_start, SettingsError if is_lasting else StoreUnavailableError)
    assert isinstance(later, StoreUnavailableError)
    for said in (at_start, later):
        with pytest.raises(BotError, match=f"the database {PLACE} cannot be used: {cause}"):
            raise said


@pytest.mark.parametrize(
    ("error", "is_gone"),
    [
        (errors.AdminShutdown(), True),
        (errors.ReadOnlySqlTransaction(), True),
        (errors.ConnectionFailure(), True),
        (errors.IdleInTransactionSessionTimeout(), True),
        (psycopg.OperationalError("the connection is closed"), True),
        (errors.DiskFull(), False),
        (errors.DeadlockDetected(), False),
        (errors.UniqueViolation(), False),
    ],
)
def test_a_connection_of_no_more_use_is_told_from_one_that_is(error: psycopg.Error, is_gone: bool) -> None:
    assert is_lost(error) is is_gone


@pytest.mark.parametrize(
    ("error", "is_in_doubt"),
    [
        (psycopg.OperationalError("consuming input failed: server closed the connection"), True),
        (errors.AdminShutdown(), True),
        (errors.ProtocolViolation(), True),
        (errors.ReadOnlySqlTransaction(), False),
        (errors.DiskFull(), False),
        (errors.LockNotAvailable(), False),
    ],
)
def test_what_the_server_refused_is_told_from_what_it_said_nothing_about(error: psycopg.Error, *, is_in_doubt: bool) -> None:
    assert is_unheard(error) is is_in_doubt


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hush@h:port/d",
        "postgresql://u:hu/sh@h/d",
        "postgresql://u:hush@h/d?colour=red",
        "postgresql://u:%zz@h/hush",
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="GONOGO_DATABASE_URL: this is no address of a Postgres database: write") as caught:
        open_store(url)

    assert "hush" not in str(caught.value)
    assert "hu/sh" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://u:hush@db.example/gonogo", "gonogo at db.example:5432"),
        ("postgres://u:hush@db.example:6000/gonogo?sslmode=require", "gonogo at db.example:6000"),
        ("postgresql://u:hush@a,b:6001/gonogo", "gonogo at a:5432,b:6001"),
        ("postgresql:///gonogo?host=a,b&port=6000&password=hush", "gonogo at a:6000,b:6000"),
        ("postgresql://u:hush@/", "u at this machine:5432"),
    ],
)
def test_a_place_names_host_and_database_and_no_password(url: str, place: str) -> None:
    assert PostgresStore(url).place == place


async def test_a_wrong_password_is_the_operators_turn(locked_server: Server) -> None:
    said = await refusal(locked_server.url(password="hush"))

    assert isinstance(said, SettingsError)
    assert str(said) == f"the database postgres at 127.0.0.1:{locked_server.port} cannot be used: it refuses the password"
    assert said.__cause__ is None, "a traceback would show what libpq said"


async def test_an_unknown_database_is_the_operators_turn(postgres: Server) -> None:
    said = await refusal(postgres.url("nowhere"))

    assert isinstance(said, SettingsError)
    assert f"nowhere at 127.0.0.1:{postgres.port} cannot be used: there is no such database: create it" in str(said)


async def test_an_unknown_user_is_the_operators_turn(postgres: Server) -> None:
    said = await refusal(postgres.url().replace("postgres@", "stranger@"))

    assert isinstance(said, SettingsError)
    assert "it does not let this user in" in str(said)


async def test_a_user_who_may_make_no_tables_is_told_so(postgres: Server) -> None:
    url = postgres.new_database()
    postgres.execute("DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")

    async with PostgresStore(url.replace("postgres@", "guest@")) as store:
        with pytest.raises(SettingsError, match="this user may not do that there: make it the owner of the database"):
            await store.migrate()


async def test_nobody_there_is_said_and_no_secret_with_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        said = await refusal(f"postgresql://gonogo:hush@127.0.0.1:{port}/gonogo")

    assert isinstance(said, StoreUnavailableError)
    assert str(said) == f"the database gonogo at 127.0.0.1:{port} cannot be used: nothing answers there"


async def test_too_many_connections_are_said(locked_server: Server) -> None:
    others = [psycopg.connect(locked_server.url()) for _ in range(6)]
    try:
        said = await refusal(locked_server.url())
    finally:
        for other in others:
            other.close()

    assert isinstance(said, StoreUnavailableError)
    assert "it has too many connections" in str(said)


async def test_a_database_in_another_encoding_is_refused(postgres: Server) -> None:
    name = "in_latin1"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")

    said = await refusal(postgres.url(name))

    assert "keeps text as LATIN1: create one with ENCODING 'UTF8'" in str(said)


async def test_a_postgres_that_is_too_old_is_refused() -> None:
    async with old_postgres("12.22") as port:
        said = await refusal(f"postgresql://gonogo:hush@127.0.0.1:{port}/gonogo?target_session_attrs=any")

    assert isinstance(said, SettingsError)
    assert str(said) == f"the database gonogo at 127.0.0.1:{port} is Postgres 12: Gonogo needs 13 or newer"


@asynccontextmanager
async def old_postgres(version: str) -> AsyncIterator[int]:
    """What a Postgres of some version says when somebody connects; it does no more."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)
            if int.from_bytes(asked[:4], "big") >> 16 == 3:
                break
            writer.write(b"N")  # no encryption
        told = {"server_version": version, "server_encoding": "UTF8", "client_encoding": "UTF8", "integer_datetimes": "on"}
        writer.write(message(b"R", bytes(4)))
        for name, value in told.items():
            writer.write(message(b"S", f"{name}\0{value}\0".encode()))
        writer.write(message(b"K", bytes(8)) + message(b"Z", b"I"))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def standby(own_server: Server) -> Iterator[Server]:
    """A read-only copy of that server."""
    server = Server()
    try:
        server.follow(own_server)
        server.start()
        yield server
    finally:
        server.remove()


async def test_a_read_only_standby_is_refused_and_the_primary_found_beside_it(own_server: Server, standby: Server) -> None:
    said = await refusal(standby.url())
    open_to_all = await refusal(standby.url() + "?target_session_attrs=any")

    assert isinstance(said, SettingsError)
    assert "it is read-only: a standby, or a primary that became one; name the primary, or all" in str(said)
    assert "read-only" in str(open_to_all)
    both = f"postgresql://postgres@127.0.0.1:{standby.port},127.0.0.1:{own_server.port}/postgres"
    async with PostgresStore(both) as store:
        await store.migrate()
        assert await store.record_delivery(a_delivery())


async def test_a_failover_is_followed_and_nothing_acknowledged_is_lost(own_server: Server, standby: Server) -> None:
    both = f"postgresql://postgres@127.0.0.1:{own_server.port},127.0.0.1:{standby.port}/postgres"
    async with PostgresStore(both) as store:
        await store.migrate()
        for n in range(5):
            await store.record_delivery(a_delivery(key=f"command:{n}"))
        wait_for_copy(own_server, standby)
        own_server.stop()
        standby.execute("SELECT pg_promote()")

        kept = await soon(lambda: unfinished(store))
        assert await store.record_delivery(a_delivery(key="command:after"))

    assert [delivery.key for delivery in kept] == [f"command:{n}" for n in range(5)]


async def test_until_a_standby_is_promoted_everybody_is_told_to_try_later(own_server: Server, standby: Server) -> None:
    """What outlives an outage waits for that error alone."""
    both = f"postgresql://postgres@127.0.0.1:{own_server.port},127.0.0.1:{standby.port}/postgres"
    async with PostgresStore(both) as store:
        await store.migrate()
        wait_for_copy(own_server, standby)
        own_server.stop()
        for use in (store.launch(L), store.record_delivery(a_delivery()), store.pending_migrations()):
            with pytest.raises(StoreUnavailableError, match="it is read-only: a standby"):
                await use

        async def write() -> bool:
            return await store.record_delivery(a_delivery())

        assert await kept(Promoting(standby), L, write)


class Promoting(FrozenClock):
    """Whoever runs the databases makes the standby the primary while the bot waits."""

    def __init__(self, standby: Server) -> None:
        super().__init__()
        self._standby = standby

    async def sleep(self, seconds: float) -> None:
        if not self.slept_s:
            self._standby.execute("SELECT pg_promote()")
        await super().sleep(seconds)
        await asyncio.sleep(0.05)


async def test_what_ends_a_start_is_later_a_reason_to_try_again(postgres: Server) -> None:
    url = postgres.new_database()
    async with PostgresStore(url) as store:
        await store.migrate()
        await store.launch(L)
        postgres.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

        with pytest.raises(StoreUnavailableError, match="cannot be used: there is no such database: create it"):
            await store.launch(L)


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
async def test_what_could_not_even_be_sent_is_not_in_doubt(own_server: Server, how: signal.Signals) -> None:
    async with PostgresStore(own_server.url()) as store:
        await store.migrate()
        await store.launch(L)
        own_server.stop(how)

        with pytest.raises(StoreUnavailableError) as caught:
            await store.record_delivery(a_delivery())
    assert not caught.value.may_be_kept


def wait_for_copy(primary: Server, standby: Server) -> None:
    end = time.monotonic() + 20
    [(written,)] = primary.execute("SELECT pg_current_wal_lsn()")
    while not standby.execute(f"SELECT pg_last_wal_replay_lsn() >= '{written}'")[0][0]:
        assert time.monotonic() < end
        time.sleep(0.02)


async def test_postgres_gone_for_a_while_loses_nothing_that_was_acknowledged(own_server: Server) -> None:
    async with PostgresStore(own_server.url()) as store:
        await store.migrate()
        launch = await keep(store)
        await asyncio.gather(*(store.record_delivery(a_delivery(key=f"command:{n}")) for n in range(20)))
        own_server.stop(signal.SIGQUIT)
        for use in (
            store.record_delivery(a_delivery(key="command:lost")),
            store.launch(L),
            store.lease_due(now=NOON, until=at(1), holder="bot-1", limit=1),
        ):
            with pytest.raises(StoreUnavailableError, match=f"127.0.0.1:{own_server.port} cannot be used: nothing answers there"):
                await use
        own_server.start()

        assert await soon(lambda: read(store)) == launch
        kept = await unfinished(store)
    assert {delivery.key for delivery in kept} == {f"command:{n}" for n in range(20)}


async def test_a_restart_between_two_uses_is_not_even_noticed(own_server: Server) -> None:
    """All idle connections are dead, and none of them is tried twice."""
    async with PostgresStore(own_server.url()) as store:
        await store.migrate()
        await asyncio.gather(*(keep(store, launch_id=f"L-{n}") for n in range(16)))
        for use in (lambda: keep(store), lambda: store.record_delivery(a_delivery(), holder="bot-1", until=at(1))):
            own_server.stop(signal.SIGINT)
            own_server.start()

            assert await use()
        assert await store.launch("L-3") is not None


async def soon(use: object, within_s: float = 20.0) -> object:
    """What ``use`` gives, once it gives anything."""
    end = time.monotonic() + within_s
    while True:
        try:
            return await use()  # type: ignore[operator]
        except StoreUnavailableError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.2)


async def test_tables_that_were_never_made_are_named(postgres: Server) -> None:
    async with PostgresStore(postgres.new_database()) as store:
        with pytest.raises(StoreUnavailableError, match="its tables are missing: run gonogo db migrate"):
            await store.launch(L)


async def test_when_all_connections_are_busy_it_is_said(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.postgres_pool.WAITS_FOR_ONE_S", 0.2)
    async with PostgresStore(postgres_url, most_connections=1) as store:
        async with store._pool._connection():
            with pytest.raises(StoreUnavailableError, match="all its connections are busy"):
                await store.launch(L)

        assert await store.launch(L) is None
