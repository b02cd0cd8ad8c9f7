"""What happens in journeys besides their commands: it is done as people, operators and time would, and a miss is told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import providers
from bot.sandbox import go_journeys
from bot.sandbox.acting import Actor, JourneyError, change_input, earlier, put_back, rewritten
from bot.sandbox.acts import Edit, Later, Press, Read
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.demo import OPERATORS
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.standins import ProviderStandIns
from bot.sandbox.world import CONFIGURATION
from bot.settings import read_configuration

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
HERE, BOT, ALICE = "C0TREASURY", "U0GONOGO", "U0ALICE"
JOURNEYS = (*go_journeys.APPROVALS, *go_journeys.ACCESS, *go_journeys.LOST_SCOPE)


@dataclass
class Bystander:
    """A sandbox without a bot: it is noted how the bot would be stopped, started and asked to read its file."""

    folder: Path
    slack: SlackStandIn = field(default_factory=lambda: SlackStandIn(Workspace.demo()))
    noted: list[str] = field(default_factory=list[str])
    on_reload: Callable[[], None] = lambda: None

    @property
    def configuration(self) -> Path:
        return self.folder / "demo.yaml"

    @property
    def database(self) -> Path:
        return self.folder / "gonogo.db"

    async def stop_bot(self) -> None:
        self.noted.append("stopped")

    async def start_bot(self) -> None:
        self.noted.append("started")

    def reload_bot(self) -> None:
        self.noted.append("reloaded")
        self.on_reload()


@pytest.fixture
def sandbox(tmp_path: Path) -> Bystander:
    return Bystander(tmp_path)


def an_actor(sandbox: Any, said: list[str] | None = None) -> Actor:
    say = (said if said is not None else []).append
    actor = Actor(sandbox=sandbox, channel_id=HERE, say=say, within_s=0.05)
    actor.card = sandbox.slack.workspace.post(HERE, BOT, "Awaiting approval: it, L-7K3QW.", AT)
    return actor


def remember(database: Path, approval: str | None, due_at: str | None) -> None:
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("CREATE TABLE launches (launch_id TEXT, approval TEXT, due_at TEXT)")
        opened.execute("INSERT INTO launches VALUES ('L-7K3QW', ?, ?)", (approval, due_at))


def remembered(database: Path) -> tuple[dict[str, Any], str]:
    with closing(sqlite3.connect(database)) as opened:
        ((approval, due_at),) = opened.execute("SELECT approval, due_at FROM launches").fetchall()
    return json.loads(approval), due_at


# --- time ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2026-11-21T12:00:00+00:00", "2026-11-21T11:29:00+00:00"),
        ("2026-11-21T12:00:00.500000Z", "2026-11-21T11:29:00.500000Z"),
        ("2026-11-21T14:00:00+02:00", "2026-11-21T11:29:00+00:00"),
    ],
)
def test_a_time_is_put_back_and_written_as_before(written: str, shown: str) -> None:
    assert earlier(written, timedelta(minutes=31)) == shown


async def test_time_passes_for_the_approval_alone_while_the_bot_is_down(sandbox: Bystander) -> None:
    said: list[str] = []
    times = {"asked_at": "2026-11-21T12:00:00+00:00", "expires_at": "2026-11-21T16:00:00+00:00"}
    approval = {**times, "remind_at": None, "approvers": ["S0TREASURY"], "required": 2}
    remember(sandbox.database, json.dumps(approval), "2026-11-21T16:00:00.000000Z")

    await an_actor(sandbox, said).act(Later(minutes=240))

    moved, due_at = remembered(sandbox.database)
    assert (moved["asked_at"], moved["expires_at"]) == ("2026-11-21T08:00:00+00:00", "2026-11-21T12:00:00+00:00")
    assert {name: moved[name] for name in ("remind_at", "approvers", "required")} == {
        "remind_at": None,
        "approvers": ["S0TREASURY"],
        "required": 2,
    }
    assert due_at == "2026-11-21T12:00:00.000000Z"
    assert sandbox.noted == ["stopped", "started"]
    assert "4 hours" in said[0]


@pytest.mark.parametrize("launch_id", ["L-7K3QW", "L-OTHER", ""])
def test_no_time_passes_for_what_waits_for_no_approval(tmp_path: Path, launch_id: str) -> None:
    remember(tmp_path / "gonogo.db", None, None)

    with pytest.raises(JourneyError, match="waits for no approval"):
        put_back(tmp_path / "gonogo.db", launch_id, timedelta(minutes=1))


# --- the operators' file -------------------------------------------------------------------------------------------------


async def test_the_file_is_written_read_and_told(sandbox: Bystander) -> None:
    def told() -> None:
        sandbox.slack.workspace.post(OPERATORS, BOT, "Configuration reloaded: freezes changed.", AT)

    sandbox.on_reload = told
    await an_actor(sandbox).act(Edit(says="a freeze", before="channels:\n", after="{from} {to}\nchannels:\n"))

    text = sandbox.configuration.read_text(encoding="utf-8")
    begins, ends = (datetime.strptime(one, "%Y-%m-%dT%H:%MZ") for one in text[text.index("\n20") :].split()[:2])  # noqa: DTZ007
    assert ends - begins == timedelta(hours=1)
    assert sandbox.noted == ["reloaded"]


async def test_operators_who_are_not_told_are_a_miss(sandbox: Bystander) -> None:
    sandbox.slack.workspace.post(OPERATORS, BOT, "Configuration reloaded: an older one.", AT)

    with pytest.raises(JourneyError, match="Configuration reloaded"):
        await an_actor(sandbox).act(Edit(says="as it was"))


def test_the_file_goes_back_to_what_it_was() -> None:
    assert rewritten("", "") == CONFIGURATION.read_text(encoding="utf-8")


@pytest.mark.parametrize("before", ["nothing of the kind", "connection: "])
def test_a_place_that_is_not_one_place_is_refused(before: str) -> None:
    with pytest.raises(JourneyError, match="times, not once"):
        rewritten(before, "x")


def test_every_edit_of_the_journeys_is_a_configuration(tmp_path: Path) -> None:
    edits = [act for journey in JOURNEYS for act in (*journey.before, *journey.acts) if isinstance(act, Edit)]
    environment = {name: value or "http://127.0.0.1:9" for name, value in ProviderStandIns().environment().items()}
    digests: list[str] = []
    for edit in edits:
        after = edit.after.replace("{from}", "2026-11-21T12:00Z").replace("{to}", "2026-11-21T13:00Z")
        path = tmp_path / "demo.yaml"
        path.write_text(rewritten(edit.before, after), encoding="utf-8")
        digests.append(read_configuration(path, providers=providers.load(), environment=environment).policy.digest)

    assert [digest == digests[-1] for digest in digests] == [not edit.before for edit in edits]
    assert not edits[-1].before


# --- people --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["thread", "card", "operators"])
async def test_what_nobody_can_read_is_a_miss(sandbox: Bystander, where: Any) -> None:
    sandbox.slack.workspace.post(OPERATORS, BOT, "It succeeded, long before.", AT)
    actor = an_actor(sandbox)

    with pytest.raises(JourneyError, match="succeeded"):
        await actor.act(Read(words="It succeeded", where=where))


async def test_words_are_read_where_they_stand(sandbox: Bystander) -> None:
    actor, world = an_actor(sandbox), sandbox.slack.workspace
    assert actor.card is not None
    world.post(HERE, BOT, "1 of 2", AT, thread_ts=actor.card.ts)
    world.update(actor.card, AT, text="Queued: it, L-7K3QW.")
    world.post(OPERATORS, BOT, "Scopes of crm", AT)

    for words, where in (("1 of 2", "thread"), ("Queued", "card"), ("Scopes of crm", "operators")):
        await actor.act(Read(words=words, where=where))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # each is one


async def test_a_button_that_is_not_there_is_a_miss(sandbox: Bystander) -> None:
    actor = an_actor(sandbox)
    actor.card = None

    with pytest.raises(JourneyError, match="nothing to press 'Approve' on"):
        await actor.act(Press(user_id=ALICE, label="Approve"))


# --- past the bot ---------------------------------------------------------------------------------------------------------


def inputs_in(database: Path, inputs: str) -> None:
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("CREATE TABLE launches (launch_id TEXT, inputs TEXT)")
        opened.executemany("INSERT INTO launches VALUES (?, ?)", [("L-7K3QW", inputs), ("L-OTHER", inputs)])


def test_one_input_of_one_launch_is_changed_and_nothing_else(tmp_path: Path) -> None:
    database = tmp_path / "gonogo.db"
    inputs_in(database, '{"days": 14, "paymentId": "P1"}')
    change_input(database, "L-7K3QW", "days", 28)

    with closing(sqlite3.connect(database)) as opened:
        kept = dict(opened.execute("SELECT launch_id, inputs FROM launches").fetchall())
    assert json.loads(kept["L-7K3QW"]) == {"days": 28, "paymentId": "P1"}
    assert json.loads(kept["L-OTHER"]) == {"days": 14, "paymentId": "P1"}


@pytest.mark.parametrize(("launch_id", "name"), [("L-NONE1", "days"), ("", "days"), ("L-7K3QW", "amount")])
def test_an_input_that_is_not_there_cannot_be_changed(tmp_path: Path, launch_id: str, name: str) -> None:
    inputs_in(tmp_path / "gonogo.db", '{"days": 14}')

    with pytest.raises(JourneyError, match="has no input"):
        change_input(tmp_path / "gonogo.db", launch_id, name, 28)
