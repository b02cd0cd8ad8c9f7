"""Composition root: builds every object, joins them, starts and stops them. The only room that knows gateways, store and doors.

``building`` makes the objects, ``slack_door`` reaches Slack and checks our tokens, ``serving`` is the HTTP side, ``running``
the life of
a bot from start to drained stop, ``probing`` what `gonogo check` asks outside.
"""

from __future__ import annotations

from bot.app.probing import Probed, probe
from bot.app.running import run
from bot.app.storage import back_up, migrate

__all__ = ["Probed", "back_up", "migrate", "probe", "run"]
