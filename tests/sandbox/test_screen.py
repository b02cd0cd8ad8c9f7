"""What the terminal shows: words instead of markup, nothing that a terminal obeys, and nothing twice."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from bot.sandbox.screen import Screen, harmless, shown_request, words_of
from bot.sandbox.slack.changes import Change
from bot.sandbox.slack.workspace import Workspace

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOT, ALICE, FINANCE = "U0GONOGO", "U0ALICE", "C0FINANCE"


class Watched:
    """A workspace with a screen; ``lines`` are those printed since the last look."""

    def __init__(self) -> None:
        self.workspace = Workspace.demo()
        self._out = io.StringIO()
        self._screen = Screen(self.workspace, Console(file=self._out, soft_wrap=True, highlight=False))
        self._seen = 0

    def lines(self) -> list[str]:
        for change in self.workspace.changes[self._seen :]:
            self._screen.show(change)
        self._seen = len(self.workspace.changes)
        text = self._out.getvalue()
        self._out.truncate(0)
        self._out.seek(0)
        return text.splitlines()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<@U0ALICE> and <@U0NEW>", "@alice and @U0NEW"),
        ("<@U0NEW|nina>", "@nina"),
        ("<#C0FINANCE> and <#C0NEW|new>", "#finance-ops and #new"),
        ("<!subteam^S0LEADS>, <!subteam^S0NEW|@new>, <!here>", "@leads, @new, @here"),
        ("<https://a.example/1|Open in Domo>", "Open in Domo"),
        ("<https://a.example/1>", "https://a.example/1"),
        ("<!date^1795262557^{date_short_pretty} at {time}|2026-11-21 12:02 UTC>", "2026-11-21 12:02 UTC"),
        ("a &lt;b&gt; &amp;amp; &lt;@U0ALICE&gt;", "a <b> &amp; <@U0ALICE>"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ],
)
def test_markup_becomes_words(text: str, shown: str) -> None:
    assert words_of(text, Workspace.demo()) == shown


def test_what_a_terminal_obeys_is_left_out() -> None:
    assert harmless("a\x1b[31mb\x07\r\x9bc\u202ed\te\nf") == "a[31mbcd e\nf"


def test_nothing_that_is_printed_holds_a_control_character() -> None:
    watched = Watched()
    world = watched.workspace
    world.record("command_typed", AT, user_id=ALICE, channel_id=FINANCE, text="/launch \x1b]0;title\x07 [bold]x[/bold]")
    world.record("operation_failed", AT, text="no\x1b[2J")
    world.post(FINANCE, BOT, "\x1b[2JQueued", AT)
    world.post(FINANCE, BOT, "only\x1b[2J you &lt;3", AT, ephemeral_to=ALICE)
    lines = watched.lines()

    assert "\x1b" not in "".join(lines)
    assert "[bold]x[/bold]" in lines[0]
    assert lines[3] == "  gonogo   (only alice sees this) only[2J you <3"
    assert "\x1b" not in shown_request("POST", "/a\x1b[2J", {"content-type": "\x1b[2J"}, "\x1b").plain


def test_a_card_is_printed_again_only_when_its_first_or_second_line_changed() -> None:
    watched = Watched()
    card = watched.workspace.post(FINANCE, BOT, "Running: it\n1 of 4 tasks\nRun 7", AT)
    assert watched.lines() == ["  gonogo   Running: it"]

    card = watched.workspace.update(card, AT, text="Running: it\n1 of 4 tasks\nRun 8")
    assert watched.lines() == []

    card = watched.workspace.update(card, AT, text="Running: it\n2 of 4 tasks\nRun 8")
    assert watched.lines() == ["           2 of 4 tasks"]

    watched.workspace.update(card, AT, text="Succeeded: it\nRun 8")
    assert watched.lines() == ["  gonogo   Succeeded: it"]


def test_thread_lines_hang_in_full_and_people_speak_for_themselves() -> None:
    watched = Watched()
    card = watched.workspace.post(FINANCE, ALICE, "hello", AT)
    watched.workspace.post(FINANCE, BOT, "Succeeded.\nRun 7.", AT, thread_ts=card.ts)
    watched.workspace.record("button_clicked", AT, user_id=ALICE, text="Cancel")

    assert watched.lines() == ["  alice    hello", "           └─ Succeeded.", "           Run 7.", "  alice    presses Cancel"]


def test_what_is_of_no_interest_is_not_printed() -> None:
    watched = Watched()
    watched._screen.show(Change(kind="world_changed", at=AT))

    assert watched.lines() == []
