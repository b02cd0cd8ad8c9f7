"""Policy work without Slack and providers: why, who may what, and what a changed file would flip.

Why a room of its own beside ``checking``: that one judges the world by the configuration, this one only what the configuration
says. It asks nobody, and reads the past through the Store port.

supposing.py   one supposed wish, explained rule by rule
matrix.py      who may launch what, found out by deciding for each kind of person
replaying.py   past decisions, decided again under another policy
moments.py     times and spans as people type them
plain.py       reasons and decisions as plain JSON
showing.py     all of it on a terminal
"""

from __future__ import annotations

from bot.policing.matrix import Row, matrix, matrix_csv, matrix_json
from bot.policing.moments import moment, since
from bot.policing.replaying import Replay, replay, replay_json
from bot.policing.showing import show_explanation, show_matrix, show_replay
from bot.policing.supposing import Explained, Supposed, explained, explained_json, given_inputs

__all__ = [
    "Explained",
    "Replay",
    "Row",
    "Supposed",
    "explained",
    "explained_json",
    "given_inputs",
    "matrix",
    "matrix_csv",
    "matrix_json",
    "moment",
    "replay",
    "replay_json",
    "show_explanation",
    "show_matrix",
    "show_replay",
    "since",
]
