"""What may be launched, as it was last told: a list that could not be made newer says so, and how old it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.model import Connection
from bot.ports import Seen
from tests.builders import NOON, a_delivery
from tests.ports import TableDefinitions, a_store
from tests.test_launching import DUNNING, House


class Remembering(TableDefinitions):
    """Shows what it is told to."""

    shown = Seen()

    async def seen(self, connection: Connection, *, patience_s: float = 2.0) -> Seen:
        return self.shown

    async def known_live(self, connection: Connection) -> tuple[()]:
        raise AssertionError("who only looks does not wait for the provider")


@pytest.mark.parametrize(
    ("seen", "trouble"),
    [
        (Seen(workflows=(DUNNING,), seen_at=NOON), None),
        (Seen(workflows=(DUNNING,), seen_at=NOON - timedelta(hours=2)), None),
        (
            Seen(workflows=(DUNNING,), seen_at=NOON - timedelta(minutes=12), trouble="Too many calls. (HTTP 429)"),
            "Too many calls. (HTTP 429); this is as of 2026-11-21 11:48 UTC",
        ),
        (Seen(workflows=(DUNNING,), trouble="it has not answered yet"), "it has not answered yet"),
    ],
)
async def test_a_list_is_shown_as_last_told(seen: Seen, trouble: str | None) -> None:
    async with a_store() as store:
        definitions = Remembering()
        definitions.shown = seen
        house = House(store, definitions=definitions)

        answer = await house.launching.launchable(a_delivery())

    assert isinstance(answer, tuple)
    assert [(one.workflows, one.trouble) for one in answer] == [((DUNNING,), trouble)]
