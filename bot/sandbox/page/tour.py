"""The tour: a few journeys that explain the bot in about two minutes, and a sentence before each journey that is worth one."""

from __future__ import annotations

from collections.abc import Mapping

TOUR_NAME = "tour"
TOUR: tuple[str, ...] = (
    "Zuora Workflow",
    "Three errors, each at its field; corrected, it launches",
    "Two of three must agree: one by button, one by command",
    "A run that fails at the provider",
    "Salesforce's answer is lost, and the run is found",
    "The bot is killed as soon as it has acknowledged",
)
"""Titles, in the order in which they are played."""

ABOUT: Mapping[str, str] = {
    "Zuora Workflow": "One line starts a workflow at Zuora. A card stands in the channel and follows the run to its end.",
    "Three errors, each at its field; corrected, it launches": (
        "Nobody has to remember inputs: the form asks for them, and says at each field what is wrong."
    ),
    "Two of three must agree: one by button, one by command": (
        "Money leaves, so two of the three treasury leads have to agree before anything is sent."
    ),
    "A run that fails at the provider": "When a run fails at the provider, the thread says what failed, in the provider's words.",
    "Salesforce's answer is lost, and the run is found": (
        "The worst case: the start is sent and the answer is lost. The bot does not start it twice; it goes and looks."
    ),
    "The bot is killed as soon as it has acknowledged": (
        "And if the bot itself dies? What it has acknowledged is written down, and goes on after its restart."
    ),
}
