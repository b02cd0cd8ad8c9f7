"""The program as people start it: exit codes and sentences. Each test is a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
from typer.main import get_command

from bot import providers
from bot.__main__ import main, program
from bot.domain.explaining import decide
from bot.domain.model import Channel, Person, Workflow
from bot.domain.policy import Asker, Circumstances, Wish
from bot.domain.records import Asked, Record, recorded
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.standins import ProviderStandIns
from bot.sandbox.world import CONFIGURATION
from bot.settings import read_configuration
from bot.store.schema import MIGRATIONS
from bot.store.sqlite import SqliteStore
from tests.builders import NOON
from tests.postgres_server import server_or_skip
from tests.test_docs import SECRETS, example

ROOT = Path(__file__).parent.parent
PROMPTLY_S = 15.0

BROKEN: dict[str, tuple[str, str, str]] = {
    "unknown provider": ("provider: zuora", "provider: zuorra", "zuora"),
    "unknown key": ("base_url:", "base_uri:", "base_uri"),
    "no base url": ("    base_url: https://rest.na.zuora.com\n", "", "base_url"),
    "plain http": ("https://rest.na.zuora.com", "http://rest.na.zuora.com", "http"),
    "password in the address": ("https://rest", "https://me:word@rest", "base_url"),
    "literal secret": ('"${ZUORA_CLIENT_SECRET}"', "hunter2hunter2", "client_secret"),
    "missing variable": ("${ZUORA_CLIENT_SECRET}", "${ZUORA_CLIENT_SECRETS}", "ZUORA_CLIENT_SECRETS"),
    "missing credential field": (', client_secret: "${ZUORA_CLIENT_SECRET}"', "", "client_secret"),
    "connection named like a subcommand": ("billing", "status", "status"),
    "connection with capitals": ("  billing:\n", "  Billing:\n", "Billing"),
    "command without slash": ("command: /launch", "command: launch", "launch"),
    "channel by name": ("C0FINANCE:", "finance-ops:", "finance-ops"),
    "grant of an unknown connection": ("connection: billing", "connection: biling", "biling"),
    "unknown scope": ("Workflow Run Access", "Workflow Running Access", "Workflow Running Access"),
    "requester by name": ("requesters: [members]", "requesters: [alice]", "alice"),
    "nobody may": ("requesters: [members]", "requesters: []", "requesters"),
    "no workflow": ('workflows: ["396", "Dunning *"]', "workflows: []", "workflows"),
    "twice the same key": ("slack:\n", "slack: {}\nslack:\n", "slack"),
    "broken YAML": ("connections:", "connections: [", "gonogo.yaml"),
    "unknown input type": (
        "provider: zuora\n",
        'provider: zuora\n    workflows: {"396": {inputs: {x: {type: colour}}}}\n',
        "colour",
    ),
    "nonsense duration": ("provider: zuora\n", "provider: zuora\n    poll_every: soon\n", "poll_every"),
}


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.strip().splitlines()


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **more}


async def gonogo(folder: Path, *words: str, within_s: float = PROMPTLY_S, **settings: str) -> Ended:
    """Run the program to its end, which must come promptly."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *words,
        cwd=folder,
        env=environment(**settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(program.communicate(), within_s)
    except TimeoutError:
        program.kill()
        await program.wait()
        raise
    return Ended(program.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with README's configuration."""
    (tmp_path / "gonogo.yaml").write_text(example(), encoding="utf-8")
    return tmp_path


@pytest.fixture
async def slack() -> AsyncGenerator[SlackStandIn, None]:
    stand_in = SlackStandIn(Workspace.demo())
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


class TestCheck:
    async def test_the_readmes_example_is_well(self, folder: Path) -> None:
        ended = await gonogo(folder, "check", "--offline", **SECRETS)

        assert (ended.code, ended.err) == (0, "")
        assert "billing" in ended.out

    @pytest.mark.parametrize(("before", "after", "named"), BROKEN.values(), ids=BROKEN)
    def test_a_broken_configuration_is_named_and_refused(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        before: str,
        after: str,
        named: str,
    ) -> None:
        """In this process, since there are many; the other tests here start one each."""
        text = example()
        assert before in text
        (folder / "gonogo.yaml").write_text(text.replace(before, after), encoding="utf-8")
        monkeypatch.chdir(folder)
        for name, value in SECRETS.items():
            monkeypatch.setenv(name, value)

        with pytest.raises(SystemExit) as ended:
            main(["check", "--offline"])
        said = capsys.readouterr().err

        assert ended.value.code == 2
        assert named in said
        assert all(line.startswith("gonogo.yaml") for line in said.strip().splitlines())
        assert "made-up-secret" not in said

    async def test_ten_faults_are_ten_lines(self, folder: Path) -> None:
        faults = ("unknown key", "literal secret", "channel by name", "grant of an unknown connection", "requester by name")
        text = example()
        for fault in faults:
            before, after, _ = BROKEN[fault]
            text = text.replace(before, after)
        text = text.replace("command: /launch", "command: launch\n  colour: red").replace(
            "provider: zuora\n", "provider: zuora\n    poll_every: soon\n    timeout: never\n    entity_ids: 5\n"
        )
        (folder / "gonogo.yaml").write_text(text, encoding="utf-8")

        ended = await gonogo(folder, "run", **SECRETS)

        assert ended.code == 2
        assert len(ended.lines) >= 10
        assert not (folder / "gonogo.db").exists()

    async def test_a_missing_configuration_is_named(self, tmp_path: Path) -> None:
        ended = await gonogo(tmp_path, "check", "--offline")

        assert (ended.code, "gonogo.yaml" in ended.err) == (2, True)

    async def test_a_manifest_that_does_not_fit_is_a_fault(self, folder: Path) -> None:
        (folder / "manifest.yaml").write_text("features: {}\n", encoding="utf-8")

        ended = await gonogo(folder, "check", "--offline", **SECRETS)

        assert ended.code == 1
        assert "chat:write" in ended.out

    async def test_the_schema_is_json(self, tmp_path: Path) -> None:
        ended = await gonogo(tmp_path, "check", "--schema")

        assert json.loads(ended.out)["$schema"].startswith("https://json-schema.org/")

    async def test_online_it_asks_slack_and_every_provider(self, tmp_path: Path, slack: SlackStandIn) -> None:
        standins = ProviderStandIns(run_s=0)
        await standins.start()
        settings = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "GONOGO_CONFIG": str(CONFIGURATION),
        }
        try:
            well = await gonogo(tmp_path, "check", "--json", **standins.environment(), **settings)
            wrong = await gonogo(tmp_path, "check", **{**standins.environment(), "DOMO_TOKEN": "wrong"}, **settings)
        finally:
            await standins.stop()
        plain = json.loads(well.out)

        assert (well.code, well.err) == (0, "")
        assert (plain["well"], plain["counts"]["fault"]) == (True, 0)
        assert sum(one["code"] == "credential_well" for one in plain["findings"]) == 6
        assert (wrong.code, wrong.err) == (1, "")
        assert wrong.out.startswith("FAULT analytics (Domo Workflows) (")
        assert wrong.out.splitlines()[-1].startswith("1 fault, 0 warnings, ")

    async def test_a_broken_configuration_is_json_too(self, folder: Path) -> None:
        (folder / "gonogo.yaml").write_text("channels: []\n", encoding="utf-8")
        ended = await gonogo(folder, "check", "--json", "--offline")
        plain = json.loads(ended.out)

        assert (ended.code, ended.err) == (2, "")
        assert not plain["well"]
        assert all(one["place"].startswith("gonogo.yaml:") for one in plain["findings"])


EXPLAIN = ("policy", "explain", "--channel", "C0FINANCE", "--person", "U0ALICE", "--connection", "billing", "--workflow")


class TestPolicy:
    @pytest.mark.parametrize(
        ("words", "code", "said"),
        [
            ((*EXPLAIN, "396"), 0, "allowed: U0ALICE in C0FINANCE"),
            ((*EXPLAIN, "397"), 1, "denied: "),
            ((*EXPLAIN, "396", "--guest"), 1, "guest"),
            (("policy", "matrix"), 0, "every full member"),
            (("policy", "matrix", "--csv"), 0, "channel_id,channel,connection"),
        ],
    )
    def test_it_answers_and_ends_as_a_pipeline_needs_it(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        words: tuple[str, ...],
        code: int,
        said: str,
    ) -> None:
        ended = here(folder, monkeypatch, *words)

        assert (ended, said in capsys.readouterr().out) == (code, True)

    @pytest.mark.parametrize("words", [(*EXPLAIN, "396"), ("policy", "matrix")])
    def test_json_is_json(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
    ) -> None:
        here(folder, monkeypatch, *words, "--json")

        assert json.loads(capsys.readouterr().out)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ((*EXPLAIN[:7], "biling", "--workflow", "396"), "--connection"),
            ((*EXPLAIN, "396", "--at", "soon"), "--at"),
            ((*EXPLAIN, "396", "--input", "amount"), "--input"),
            (("policy", "matrix", "--channel", "C0NONE"), "C0NONE"),
            (("policy", "replay", "--since", "soon"), "--since"),
            (("policy", "replay", "--since", "1d"), "there is no database"),
            (("policy", "replay", "--since", "1d", "--config", "none.yaml"), "none.yaml"),
            (("policy", "replay", "--since", "1d", "--database-url", "mysql://x"), "GONOGO_DATABASE_URL"),
        ],
    )
    def test_what_cannot_be_is_named_in_a_line(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        words: tuple[str, ...],
        said: str,
    ) -> None:
        ended = here(folder, monkeypatch, *words)
        told = capsys.readouterr()

        assert (ended, told.out) == (2, "")
        assert said in told.err
        assert not (folder / "gonogo.db").exists()

    async def test_replay_reads_beside_an_open_database_and_writes_nothing(self, folder: Path) -> None:
        """The same file flips nothing; one without the grant flips the one launch; the database stays as it is."""
        (folder / "new.yaml").write_text(example().replace("requesters: [members]", "requesters: [U0BOB]"), encoding="utf-8")
        async with SqliteStore(folder / "gonogo.db") as store:
            await store.migrate()
            await store.record_decision(a_decision(folder))
            same = await gonogo(folder, "policy", "replay", "--since", "2000-01-01", **SECRETS)
            other = await gonogo(folder, "policy", "replay", "--since", "2000-01-01", "--config", "new.yaml", "--json", **SECRETS)
            kept = await store.decisions(since=NOON)
        flips = json.loads(other.out)["flips"]

        assert (same.code, same.err) == (0, "")
        assert same.out == "1 decisions looked at: 0 would fall otherwise, 0 cannot be told\n"
        assert (other.code, other.err) == (1, "")
        assert [(one["person_id"], one["was"], one["would_be"]) for one in flips] == [("U0ALICE", "allow", "deny")]
        assert len(kept) == 1

    async def test_an_old_database_says_to_migrate_it(self, folder: Path) -> None:
        async with SqliteStore(folder / "gonogo.db", migrations=MIGRATIONS[:1]) as store:
            await store.migrate()
        before = (folder / "gonogo.db").read_bytes()
        ended = await gonogo(folder, "policy", "replay", "--since", "1d", **SECRETS)

        assert (ended.code, "gonogo db migrate" in ended.err) == (2, True)
        assert (folder / "gonogo.db").read_bytes() == before


def every_command(group: Any, *names: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from every_command(command, *names, name)
        else:
            yield " ".join(("gonogo", *names, name)), command


COMMANDS = dict(every_command(get_command(program)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_a_sentence_and_its_row_in_the_readme(name: str) -> None:
    command = COMMANDS[name]
    helps = {option.name: getattr(option, "help", None) for option in command.params if option.name != "help"}

    assert command.help.endswith(".")
    assert [option for option, words in helps.items() if not (words and words.endswith("."))] == []
    assert f"| `{name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def here(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the program in this process, in ``folder``; its exit code."""
    monkeypatch.chdir(folder)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main([*words])
    return int(ended.value.code or 0)


def a_decision(folder: Path) -> Record:
    """What the bot keeps of a launch that README's configuration allows."""
    policy = read_configuration(folder / "gonogo.yaml", providers=providers.load(), environment=SECRETS).policy
    workflow = Workflow(workflow_id="396", name="Dunning run")
    asker = Asker(
        person=Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice"),
        channel=Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True),
        memberships={},
    )
    wish = Wish(connection="billing", workflow=workflow, needed_scopes=("Workflow Run Access",))
    asked = Asked(wish=wish, asker=asker, circumstances=Circumstances(now=NOON))
    decision = decide(policy, wish, asker, asked.circumstances)
    return recorded(asked, decision, door="command", verb="launch", policy_digest="of another file")


class TestRefusedBySlack:
    async def test_a_missing_bot_token(self, folder: Path) -> None:
        ended = await gonogo(folder, "run", **SECRETS)

        assert ended.code == 3
        assert "SLACK_BOT_TOKEN" in ended.err
        assert len(ended.lines) == 1

    async def test_no_way_in(self, folder: Path, slack: SlackStandIn) -> None:
        ended = await gonogo(folder, "run", SLACK_BOT_TOKEN=slack.bot_token, SLACK_API_URL=slack.api_url, **SECRETS)

        assert ended.code == 3
        assert "SLACK_APP_TOKEN" in ended.err
        assert "SLACK_SIGNING_SECRET" in ended.err

    @pytest.mark.parametrize("wrong", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
    async def test_a_wrong_token(self, folder: Path, slack: SlackStandIn, wrong: str) -> None:
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        tokens[wrong] += "-wrong"

        ended = await gonogo(folder, "run", SLACK_API_URL=slack.api_url, **tokens, **SECRETS)

        assert ended.code == 3
        assert wrong in ended.lines[-1]
        assert "Traceback" not in ended.err
        assert tokens[wrong] not in ended.err

    async def test_slack_that_cannot_be_reached(self, folder: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}/api/"
            tokens = {"SLACK_BOT_TOKEN": "xoxb-made-up", "SLACK_APP_TOKEN": "xapp-made-up"}

            ended = await gonogo(folder, "run", SLACK_API_URL=url, **tokens, **SECRETS)

        assert ended.code == 3
        assert url in ended.lines[-1]

    async def test_slack_that_never_answers(self, folder: Path, slack: SlackStandIn) -> None:
        slack.fault("auth.test", SlackFault.hanging())
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}

        ended = await gonogo(folder, "run", SLACK_API_URL=slack.api_url, **tokens, **SECRETS)

        assert ended.code == 3

    async def test_a_database_that_cannot_be_used(self, folder: Path, slack: SlackStandIn) -> None:
        (folder / "gonogo.db").write_text("this is no database, although it is long enough to be taken for one by name")
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}

        ended = await gonogo(folder, "run", SLACK_API_URL=slack.api_url, **tokens, **SECRETS)

        assert ended.code == 2
        assert "gonogo.db" in ended.err
        assert "Traceback" not in ended.err


class Bot:
    """`gonogo run` in a process of its own, which ends with the block; ``said`` are the events of its log."""

    def __init__(self, folder: Path, slack: SlackStandIn, **settings: str) -> None:
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "SLACK_API_URL": slack.api_url}
        self._folder = folder
        self._settings = {"GONOGO_HTTP_PORT": "0", **tokens, **SECRETS, **settings}
        self._process: asyncio.subprocess.Process | None = None
        self.said: list[str] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            cwd=self._folder,
            env=environment(**self._settings),
            stderr=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        assert process is not None
        if process.returncode is None:
            process.kill()
        await process.communicate()

    async def says(self, event: str) -> None:
        """Wait until its log says so, or something that begins like it."""
        async with asyncio.timeout(PROMPTLY_S):
            while not any(line.startswith(event) for line in self.said):
                assert await self._line(), self.said

    async def ended(self) -> int:
        """Ask it to end, once; its exit code, which must come promptly."""
        process = self._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PROMPTLY_S):
            while await self._line():
                pass
            return await process.wait()

    async def _line(self) -> bool:
        """Read one more; False at the end."""
        assert self._process is not None
        assert self._process.stderr is not None
        line = await self._process.stderr.readline()
        if line:
            self.said.append(json.loads(line)["event"])
        return bool(line)

    @property
    def told(self) -> list[str]:
        """Without what the SDK says of Slack, and the first probe: how far that comes is chance."""
        return [line for line in self.said if not line.startswith(("Failed to", "provider_call", "probe_failed"))]


def once_asked_for_a_socket(slack: SlackStandIn, trouble: Callable[[SlackStandIn], None]) -> None:
    """The first call, which tries the token, is answered well; ``trouble`` begins just before its answer leaves."""

    def heard() -> None:
        if slack.traffic[-1].name == "apps.connections.open":
            slack.traffic.watchers.remove(heard)
            trouble(slack)

    slack.traffic.watchers.append(heard)


def refusing(slack: SlackStandIn) -> None:
    """No socket is given out any more."""
    slack.fault("apps.connections.open", SlackFault.refusing("internal_error"), times=50)


def leading_nowhere(slack: SlackStandIn) -> None:
    """The address of each socket is one at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        slack._api.url = f"http://127.0.0.1:{free.getsockname()[1]}"


def rejecting(slack: SlackStandIn) -> None:
    """The address answers, and takes no socket."""
    slack.sockets.tickets.admit_socket = lambda _ticket: False  # type: ignore[method-assign]


class TestRunning:
    async def test_it_drains_on_sigterm(self, folder: Path, slack: SlackStandIn) -> None:
        async with Bot(folder, slack) as bot:
            await bot.says("ready")
            code = await bot.ended()

        assert (code, bot.told) == (0, ["ready", "draining", "stopped"])

    @pytest.mark.parametrize("trouble", [refusing, leading_nowhere, rejecting])
    async def test_one_sigterm_ends_a_start_that_waits_for_its_sockets(
        self, folder: Path, slack: SlackStandIn, trouble: Callable[[SlackStandIn], None]
    ) -> None:
        """The token is well when it is tried; then there is no socket to be had, and the SDK tries for ever."""
        once_asked_for_a_socket(slack, trouble)
        async with Bot(folder, slack) as bot:
            await bot.says("Failed to connect")
            code = await bot.ended()

        assert (code, bot.told) == (0, ["draining", "stopped"])

    async def test_one_sigterm_ends_a_start_that_waits_for_slacks_first_answer(self, folder: Path, slack: SlackStandIn) -> None:
        slack.fault("auth.test", SlackFault.hanging())
        async with Bot(folder, slack) as bot:
            async with asyncio.timeout(PROMPTLY_S):
                while slack.faults._waiting["auth.test"]:  # noqa: ASYNC110 - a call that hangs is told to nobody
                    await asyncio.sleep(0.01)
            code = await bot.ended()

        assert (code, bot.told) == (0, ["draining", "stopped"])

    async def test_one_sigterm_ends_a_start_that_waits_for_another_who_migrates(self, folder: Path, slack: SlackStandIn) -> None:
        server = server_or_skip()
        url = server.new_database()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        with psycopg.connect(url) as another:
            another.execute("SELECT pg_advisory_xact_lock(hashtextextended('gonogo migrations', 0))")
            async with Bot(folder, slack, GONOGO_DATABASE_URL=url) as bot:
                async with asyncio.timeout(PROMPTLY_S):
                    while server.execute(waiting) == [(0,)]:  # noqa: ASYNC110 - Postgres does not tell who waits
                        await asyncio.sleep(0.05)
                code = await bot.ended()

        assert (code, bot.told) == (0, ["draining", "stopped"])

    async def test_a_copy_of_the_database_can_be_made_and_opened(self, folder: Path) -> None:
        migrated = await gonogo(folder, "db", "migrate")
        copied = await gonogo(folder, "db", "backup", "copy.db")
        again = await gonogo(folder, "db", "backup", "copy.db")

        assert (migrated.code, copied.code, again.code) == (0, 0, 2)
        with sqlite3.connect(folder / "copy.db") as database:
            assert database.execute("SELECT count(*) FROM launches").fetchone() == (0,)
        database.close()


@pytest.mark.journey
async def test_the_demo_plays_every_journey_to_its_end(tmp_path: Path) -> None:
    ended = await gonogo(tmp_path, "demo", "--script", within_s=90)

    assert ended.code == 0, ended.out
    assert "every journey ended as it should" in ended.out
    assert ended.out.count("✓") >= 10


@pytest.mark.journey
async def test_the_demo_fails_where_a_journey_ends_otherwise(tmp_path: Path) -> None:
    """A stand-in of the demo that refuses: the script must notice, and say so by its exit code."""
    from rich.console import Console  # noqa: PLC0415 - for this test alone

    from bot.sandbox.journeys import LAUNCHES  # noqa: PLC0415 - as above
    from bot.sandbox.script import Player  # noqa: PLC0415 - as above
    from bot.sandbox.world import Sandbox  # noqa: PLC0415 - as above

    with (tmp_path / "screen.txt").open("w", encoding="utf-8") as screen:
        async with Sandbox(tmp_path) as sandbox:
            sandbox.providers.hold_scope("domo", "EXECUTE", is_held=False)
            failures = await Player(sandbox, Console(file=screen), ends_within_s=2).play(LAUNCHES[3:4])

    assert failures == 1
