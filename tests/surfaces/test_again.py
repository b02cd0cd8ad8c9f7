from __future__ import annotations

import pytest

from bot.domain.model import Problem
from bot.surfaces.again import say_again
from bot.surfaces.again_words import AGAIN
from bot.surfaces.words import problem_sentence
from tests.block_limits import assert_within_limits

NEW = Problem(code="again_new", facts={"name": "reason", "typed": ""})
COMMAND = "billing 396 accountId=A1 reason=<reason>"


def test_the_command_stands_there_to_be_copied_and_below_it_what_is_different() -> None:
    said = say_again("L-7K3QW", COMMAND, [NEW], command="/go")

    assert said.text.splitlines() == [
        "The form could not be opened here. To launch L-7K3QW again, type:",
        f"“/go {COMMAND}”".replace("<", "&lt;").replace(">", "&gt;"),
        "What is different by now:",
        "• The input “reason” is new, and it is required.",
    ]


def test_where_nothing_is_different_nothing_is_said_of_it() -> None:
    assert "different" not in say_again("L-7K3QW", COMMAND, [], command="/go").text


@pytest.mark.parametrize("value", ["x" * 4000, "one\ntwo", "half …"])
def test_a_command_that_could_not_be_copied_whole_is_not_shown(value: str) -> None:
    said = say_again("L-7K3QW", f'billing 396 note="{value}"', [], command="/go")

    assert value not in said.text
    assert "press Launch again on its card" in said.text


def test_three_hundred_differences_still_fit_a_message() -> None:
    many = [Problem(code="again_dropped", facts={"name": f"input{number}", "typed": "x" * 200}) for number in range(300)]

    said = say_again("L-7K3QW", "billing 396 " + "a=b " * 500, many, command="/go")

    assert len(said.text) <= 4000
    assert "and 285 more" in said.text
    assert_within_limits(said)


@pytest.mark.parametrize("code", sorted(AGAIN))
def test_every_sentence_names_what_it_is_about(code: str) -> None:
    facts = {name: f"THE-{name.upper()}" for name in ("launch_id", "state", "then", "now", "cause")}

    said = problem_sentence(Problem(code=code, facts=facts))

    assert said.endswith(".")
    assert "?" not in said
