"""What is remembered of open forms while they are open: in memory only, and never needed.

Slack's client shows and sends back what stands in a form; this only saves looking it up at every keystroke of a search, and keeps
what was typed into fields that a view in between did not have. After a restart, or in another replica, it is looked up anew.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.launching.offering import Wanted
from bot.surfaces.form_choosing import Choice

MOST_SHEETS = 500


@dataclass(kw_only=True)
class Sheet:
    """One open form. ``mark`` is Slack's hash of the view as we showed it last; ``newest`` the time of the last choice in it.

    ``turn``: it is shown one view after the other. ``begun``: with what it was opened. ``typed``: what stood in fields that are gone
    from the view.
    """

    mark: str = ""
    newest: str = ""
    choice: Choice | None = None
    begun: Wanted | None = None
    typed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


class Sheets:
    """The forms that were used last."""

    def __init__(self, most: int = MOST_SHEETS) -> None:
        self._most = most
        self._sheets: OrderedDict[str, Sheet] = OrderedDict()

    def of(self, view_id: str) -> Sheet:
        """What is remembered of this view; nothing yet of a new one."""
        sheet = self._sheets.setdefault(view_id, Sheet())
        self._sheets.move_to_end(view_id)
        while len(self._sheets) > self._most:
            self._sheets.popitem(last=False)
        return sheet
