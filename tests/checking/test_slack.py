"""What Slack's answers say of the configuration, one spoilt thing at a time, each with its line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.checking.facts import SlackFacts, Unknown
from bot.checking.findings import Checked, Level
from bot.checking.slack import slack_findings
from bot.domain.model import Channel, Person
from tests.checking.facts import CONFIGURATION, WELL, bad, configured, places, told
from tests.policing.house import LARGE, SMALL, a_policy

FINANCE = WELL.channels["C0FINANCE"]


def found(tmp_path: Path, facts: SlackFacts, *, asked_for: frozenset[str] = frozenset(), **changes: Any) -> list[Checked]:
    return list(slack_findings(configured(**changes), facts, places(tmp_path), asked_for=asked_for))


def with_channel(**changes: Any) -> SlackFacts:
    assert isinstance(FINANCE, Channel)
    return replace(WELL, channels={**WELL.channels, "C0FINANCE": replace(FINANCE, **changes)})


def with_person(**changes: Any) -> SlackFacts:
    carol = WELL.people["U0CAROL"]
    assert isinstance(carol, Person)
    return replace(WELL, people={**WELL.people, "U0CAROL": replace(carol, **changes)})


def test_where_all_is_well_nothing_is_bad(tmp_path: Path) -> None:
    everything = found(tmp_path, WELL)

    assert bad(everything) == []
    assert {one.level for one in everything} == {Level.WELL}


@pytest.mark.parametrize("scope", ["chat:write", "usergroups:read"])
def test_a_slack_scope_that_the_token_lacks_is_a_fault_and_says_what_it_is_for(tmp_path: Path, scope: str) -> None:
    assert WELL.scopes is not None
    (missing,) = told(found(tmp_path, replace(WELL, scopes=WELL.scopes - {scope})), "slack_scope_missing")

    assert missing.level is Level.FAULT
    assert f"lacks {scope}: " in missing.words


def test_a_slack_scope_of_the_manifest_that_the_token_lacks_is_a_fault(tmp_path: Path) -> None:
    everything = found(tmp_path, WELL, asked_for=frozenset({"im:write"}))

    assert [one.words for one in told(everything, "slack_scope_missing")] == [
        "the bot token lacks im:write: The manifest asks for it. Reinstall the app from manifest.yaml, and copy the new token."
    ]


def test_a_slack_scope_that_nothing_uses_is_a_note(tmp_path: Path) -> None:
    assert WELL.scopes is not None
    everything = found(tmp_path, replace(WELL, scopes=WELL.scopes | {"channels:history"}))

    assert [one.level for one in told(everything, "slack_scope_unused")] == [Level.NOTE]
    assert bad(everything) == []


def test_slack_that_does_not_tell_its_scopes_is_a_note(tmp_path: Path) -> None:
    assert [one.level for one in told(found(tmp_path, replace(WELL, scopes=None)), "slack_scopes_untold")] == [Level.NOTE]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"is_member": False}, "channel_without_bot", "/invite @gonogo"),
        ({"is_member": False, "name": "C0FINANCE"}, "channel_not_shown", "mend the id"),
        ({"is_archived": True}, "channel_archived", "unarchive"),
        ({"is_shared": True}, "channel_shared", "shared: true"),
    ],
)
def test_a_channel_where_nothing_can_be_launched_is_a_fault(
    tmp_path: Path, changes: dict[str, Any], code: str, words: str
) -> None:
    everything = found(tmp_path, with_channel(**changes))

    assert bad(everything) == [("fault", code, "11")]
    assert words in told(everything, code)[0].words


def test_a_channel_without_grants_promises_nothing(tmp_path: Path) -> None:
    nothing = a_policy(SMALL)
    nothing = replace(nothing, channels={"C0FINANCE": replace(nothing.channels["C0FINANCE"], grants=())}, freezes=())

    assert bad(found(tmp_path, with_channel(is_archived=True), policy=nothing)) == []


def test_a_channel_that_says_shared_and_is_not_is_a_note(tmp_path: Path) -> None:
    everything = found(tmp_path, WELL, policy=a_policy(is_shared_allowed=True))

    assert [one.level for one in told(everything, "channel_not_shared")] == [Level.NOTE]


def test_a_shared_channel_that_says_so_is_well(tmp_path: Path) -> None:
    assert bad(found(tmp_path, with_channel(is_shared=True), policy=a_policy(is_shared_allowed=True))) == []


def test_another_name_in_slack_is_a_note_with_the_line_of_the_name(tmp_path: Path) -> None:
    (renamed,) = told(found(tmp_path, with_channel(name="money")), "channel_renamed")

    assert (renamed.level, renamed.place) == (Level.NOTE, f"{tmp_path}/gonogo.yaml:12")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_member": False}, ("fault", "channel_without_bot", "2")),
        ({"is_archived": True}, ("fault", "channel_archived", "2")),
        ({"is_shared": True}, ("warning", "operators_shared", "2")),
    ],
)
def test_the_operators_channel_is_looked_at_as_well(
    tmp_path: Path, changes: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    operators = WELL.channels["C0OPS"]
    assert isinstance(operators, Channel)
    facts = replace(WELL, channels={**WELL.channels, "C0OPS": replace(operators, **changes)})

    assert bad(found(tmp_path, facts)) == [expected]


def test_no_operators_channel_is_no_fault(tmp_path: Path) -> None:
    assert bad(found(tmp_path, WELL, operators=None)) == []


def test_a_group_that_slack_does_not_know_is_named_at_each_place(tmp_path: Path) -> None:
    facts = replace(WELL, groups={**WELL.groups, "S0CONTROLLERS": Unknown(cause="no_such_subteam")})

    assert bad(found(tmp_path, facts)) == [("fault", "group_unknown", "27"), ("fault", "group_unknown", "31")]


def test_a_disabled_group_is_told_apart_from_one_that_never_was(tmp_path: Path) -> None:
    groups = {**WELL.groups, "S0CONTROLLERS": Unknown(cause="no_such_subteam")}
    facts = replace(WELL, groups=groups, disabled=frozenset({"S0CONTROLLERS"}))

    assert {code for _, code, _ in bad(found(tmp_path, facts))} == {"group_disabled"}


def test_an_empty_group_is_a_warning(tmp_path: Path) -> None:
    facts = replace(WELL, groups={**WELL.groups, "S0CONTROLLERS": frozenset()})

    assert bad(found(tmp_path, facts)) == [("warning", "group_empty", "27"), ("warning", "group_empty", "31")]


def test_an_approver_group_that_slack_does_not_know_leaves_nobody_to_agree(tmp_path: Path) -> None:
    facts = replace(WELL, groups={**WELL.groups, "S0LEADS": Unknown(cause="no_such_subteam")})

    assert bad(found(tmp_path, facts)) == [("fault", "group_unknown", "24"), ("fault", "approval_unreachable", "22")]


@pytest.mark.parametrize("flag", ["is_guest", "is_stranger", "is_bot", "is_deleted"])
def test_a_person_who_may_launch_nothing_is_a_fault(tmp_path: Path, flag: str) -> None:
    everything = found(tmp_path, with_person(**{flag: True}), policy=a_policy(LARGE))

    assert [code for _, code, _ in bad(everything)] == [f"person_{flag}"]


def test_a_person_whom_slack_does_not_know_is_a_fault(tmp_path: Path) -> None:
    facts = replace(WELL, people={**WELL.people, "U0CAROL": Unknown(cause="user_not_found")})
    everything = found(tmp_path, facts, policy=a_policy(replace(SMALL, approval=None), LARGE))

    assert bad(everything) == [("fault", "person_unknown", "28")]
    assert told(everything, "person_unknown")[0].words == "Slack knows no such person: mend the id"


def test_what_could_not_be_looked_up_is_a_fault_with_its_cause(tmp_path: Path) -> None:
    facts = SlackFacts(scopes=WELL.scopes, bot_name="gonogo")
    everything = found(tmp_path, facts)

    assert {code for _, code, _ in bad(everything)} == {"channel_unknown", "group_untold", "person_untold"}
    assert all("not asked" in one.words for one in everything if one.level is Level.FAULT)


def test_the_configuration_of_these_tests_names_what_the_file_names() -> None:
    """Or the lines above would be those of something else."""
    assert CONFIGURATION.policy.channels["C0FINANCE"].grants == (SMALL, LARGE)
