"""What is found without asking anybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.checking import Level, configuration_faults, offline_findings
from tests.checking.facts import CONFIGURATION, bad
from tests.journeys.house import MANIFEST


def test_a_warning_of_the_configuration_has_its_line() -> None:
    warned = replace(CONFIGURATION, warnings=("gonogo.yaml:12: channels.C0X: two grants differ: here",))
    found = offline_findings(Path("gonogo.yaml"), MANIFEST, warned)

    assert bad(found) == [("warning", "configuration", "12")]
    assert [one.words for one in found if one.level is Level.WARNING] == ["channels.C0X: two grants differ: here"]


def test_a_problem_without_a_line_keeps_its_words() -> None:
    (one,) = configuration_faults(["SLACK_BOT_TOKEN: does not begin with xoxb-: copy the whole token"])

    assert (one.level, one.place) == (Level.FAULT, None)
    assert one.words.startswith("SLACK_BOT_TOKEN: ")


def test_a_manifest_that_is_not_there_is_not_compared(tmp_path: Path) -> None:
    found = offline_findings(Path("gonogo.yaml"), tmp_path / "manifest.yaml", CONFIGURATION)

    assert [one.code for one in found] == ["configuration"]


def test_a_manifest_that_lacks_something_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text("features: {}\n", encoding="utf-8")

    assert {code for _, code, _ in bad(offline_findings(Path("gonogo.yaml"), path, CONFIGURATION))} == {"manifest"}
