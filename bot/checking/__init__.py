"""What `gonogo check` makes of what it sees. Nothing here asks anybody: bot/app/probing brings the answers.

offline.py      what is found without asking anybody
manifest.py     the Slack app's manifest against configuration and program
places.py       where the file names people, groups, channels and workflows, and in which line
findings.py     one line per thing that was looked at, and their JSON
slack.py        what Slack answered: Slack scopes, channels, user groups, people
approvers.py    whether enough people can agree
connection.py   what a provider answered: credential, scopes, workflows
workflows.py    whether granted and configured workflows exist, and their inputs fit
forms.py        whether Slack can show the form of what is granted
showing.py      the same for people: a table on a terminal, plain lines elsewhere

Configuration itself is checked as it is read (bot/settings).
"""

from __future__ import annotations

from bot.checking.findings import Checked, Level, as_json, has_fault
from bot.checking.manifest import SLACK_SCOPES, manifest_faults, manifest_scopes
from bot.checking.offline import configuration_faults, offline_findings
from bot.checking.showing import show

__all__ = [
    "SLACK_SCOPES",
    "Checked",
    "Level",
    "as_json",
    "configuration_faults",
    "has_fault",
    "manifest_faults",
    "manifest_scopes",
    "offline_findings",
    "show",
]
