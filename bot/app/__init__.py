"""Composition root: builds every object, joins them, starts and stops them. The only room that knows gateways, store and doors.

``building`` makes the objects, ``slack_door`` reaches Slack and checks our tokens, ``serving`` is the HTTP side, ``running``
the life of a bot from start to drained stop, ``interpreter`` how Python behaves meanwhile, ``probing`` and ``asking_slack`` what
`gonogo check` asks outside, ``reading`` opens a database only to look at it.
"""

from __future__ import annotations

from bot.app.probing import probe
from bot.app.reading import now, replay
from bot.app.running import run
from bot.app.storage import back_up, copy, migrate

__all__ = ["back_up", "copy", "migrate", "now", "probe", "replay", "run"]
