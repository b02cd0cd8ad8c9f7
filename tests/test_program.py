"""The program as people start it: exit codes and sentences. Each test is a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.standins import ProviderStandIns
from bot.sandbox.world import CONFIGURATION
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
    "approval is not built yet": (
        "requesters: [members]",
        "requesters: [members]\n        approval: {approvers: [U0BOB], required: 1}",
        "not built yet",
    ),
    "limits are not built yet": (
        "requesters: [members]",
        "requesters: [members]\n        limits: {per_hour: 2}",
        "not built yet",
    ),
    "input rules are not built yet": (
        "requesters: [members]",
        "requesters: [members]\n        inputs: {maxAmount: {max: 500}}",
        "not built yet",
    ),
    "freezes are not built yet": (
        "channels:\n",
        "freezes: [{name: close, from: 2026-11-30T18:00Z, to: 2026-12-02T08:00Z, connections: [billing]}]\nchannels:\n",
        "not built yet",
    ),
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
            wrong = await gonogo(tmp_path, "check", "--json", **{**standins.environment(), "DOMO_TOKEN": "wrong"}, **settings)
        finally:
            await standins.stop()

        assert well.code == 0, well.out
        assert len(json.loads(well.out)["asked"]) == 6
        assert wrong.code == 1
        assert [one["subject"] for one in json.loads(wrong.out)["asked"] if one["is_well"] is False] == [
            "analytics (Domo Workflows)",
        ]


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


class TestRunning:
    async def test_it_drains_on_sigterm(self, folder: Path, slack: SlackStandIn) -> None:
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "SLACK_API_URL": slack.api_url}
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            cwd=folder,
            env=environment(GONOGO_HTTP_PORT="0", **tokens, **SECRETS),
            stderr=asyncio.subprocess.PIPE,
        )
        await slack.connected()
        program.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(program.communicate(), PROMPTLY_S)

        assert program.returncode == 0, err.decode()
        assert [json.loads(line)["event"] for line in err.decode().splitlines()] == ["ready", "draining", "stopped"]

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
