from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.inputs import read_inputs
from bot.domain.model import InputSpec, InputType, Problem, Reason
from bot.surfaces.command_text import LaunchText, Problems, correct_command, read_command
from bot.surfaces.replies import say_refused
from bot.surfaces.words import MOST_PROBLEMS, PROBLEMS, REASONS, Say, problem_sentence, reason_sentence, say_denied, say_problems
from tests.block_limits import assert_harmless, assert_within_limits

ROOT = Path(__file__).parents[2]
CONTRACT_PROBLEMS = {
    "unknown_connection",
    "unknown_workflow",
    "ambiguous_workflow",
    "not_launchable",
    "unknown_input",
    "missing_input",
    "bad_input",
    "reserved_input",
    "repeated_input",
    "workflow_incomplete",
    "unknown_launch",
    "launch_elsewhere",
    "cannot_cancel",
    "cancel_unsupported",
    "not_built_yet",
    "unknown_word",
    "too_many_arguments",
    "missing_argument",
    "internal_error",
    "text_too_long",
    "hidden_character",
    "group_mention",
    "open_quote",
    "dangling_backslash",
    "missing_workflow",
    "unknown_flag",
    "not_name_value",
    "nameless_input",
}
CONTRACT_REASONS = {
    "channel_without_policy",
    "connection_not_granted",
    "workflow_not_granted",
    "scope_not_granted",
    "requester_not_granted",
    "person_is_guest",
    "person_is_stranger",
    "person_is_bot",
    "person_is_deleted",
    "channel_is_shared",
    "channel_without_bot",
    "channel_is_archived",
    "lookup_failed",
    "granted",
    "not_awaiting",
    "already_decided",
    "approval_self",
    "approval_cool_down",
    "not_approver",
    "approval_expired",
}
CODES = [*((Problem, code) for code in PROBLEMS), *((Reason, code) for code in REASONS)]
HOSTILE = [
    "<!channel>",
    "*bold* _it_ `code`",
    "\u202eevil\0",
    "&" * 10_000,
    "🙂" * 10_000,
    "{typed} {0} %s",
    "<https://evil.example|x>",
]


def names(clauses: tuple[str, ...]) -> set[str]:
    return {name for clause in clauses for _, name, _, _ in Formatter().parse(clause) if name} - {"command"}


def sentence(kind: type[Problem | Reason], code: str, facts: dict[str, str]) -> str:
    return (
        problem_sentence(Problem(code=code, facts=facts)) if kind is Problem else reason_sentence(Reason(code=code, facts=facts))
    )


def told(kind: type[Problem | Reason], code: str, facts: dict[str, str]) -> Say:
    return say_problems([Problem(code=code, facts=facts)]) if kind is Problem else say_denied([Reason(code=code, facts=facts)])


def codes_in_use(*makers: str) -> Iterator[tuple[str, str]]:
    """Every code that the program itself writes down, and the file it stands in."""
    for path in sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("commands/*.py")]):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in makers:
                given_codes = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "code")]
                for code in given_codes:
                    if isinstance(code, ast.Constant) and isinstance(code.value, str):
                        yield code.value, str(path.relative_to(ROOT))


# --- sentences ---------------------------------------------------------------------------------------------------------


def test_every_code_of_the_contract_has_its_words() -> None:
    assert CONTRACT_PROBLEMS - set(PROBLEMS) == set()
    assert CONTRACT_REASONS - set(REASONS) == set()


def test_every_code_that_the_program_uses_has_its_words() -> None:
    assert [place for place in codes_in_use("Problem", "refused", "_problem") if place[0] not in PROBLEMS] == []
    assert [place for place in codes_in_use("Reason", "_reason") if place[0] not in {*REASONS, *PROBLEMS}] == []


@pytest.mark.parametrize(("kind", "code"), CODES)
def test_every_sentence_names_every_fact(kind: type[Problem | Reason], code: str, snapshot: SnapshotAssertion) -> None:
    clauses = (PROBLEMS if kind is Problem else REASONS)[code]
    facts = {name: f"THE-{name.upper()}" for name in names(clauses)}
    found = sentence(kind, code, facts)

    assert [value for value in facts.values() if value not in found] == []
    assert found.endswith((".", "?"))
    assert ".." not in found
    assert "{" not in found
    assert found == snapshot


@pytest.mark.parametrize(("kind", "code"), CODES)
def test_a_sentence_without_its_facts_is_still_a_sentence(kind: type[Problem | Reason], code: str) -> None:
    found = sentence(kind, code, {})

    assert found
    assert "{" not in found
    assert "THE-" not in found


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(("kind", "code"), CODES)
def test_hostile_facts_stay_literal_and_short(kind: type[Problem | Reason], code: str, text: str) -> None:
    clauses = (PROBLEMS if kind is Problem else REASONS)[code]
    say = told(kind, code, dict.fromkeys(names(clauses), text))

    assert_within_limits(say)
    assert_harmless(say)


@pytest.mark.parametrize("kind", [Problem, Reason])
def test_an_unknown_code_still_gets_a_sentence(kind: type[Problem | Reason]) -> None:
    found = sentence(kind, "moon_is_full", {"moon": "full", "tide": "<!channel>"})

    assert found == "This cannot be done: moon is full. moon: “full”; tide: “<!channel>”"
    assert_harmless(told(kind, "moon_is_full", {"moon": "full", "tide": "<!channel>"}))


def test_a_clause_without_its_fact_is_left_out() -> None:
    facts = {"name": "acountId", "closest": "", "known": "accountId"}

    assert problem_sentence(Problem(code="unknown_input", facts=facts)) == (
        "The workflow has no input “acountId”. Its inputs are: accountId."
    )


def test_a_refusal_names_an_input_with_two_underscores_as_it_is() -> None:
    facts = {"name": "Amout__c", "closest": "Amount__c", "known": "Amount__c"}

    text = told(Problem, "unknown_input", facts).text
    assert "no input “Amout__c”" in text
    assert "Its inputs are: Amount__c." in text


def test_the_commands_own_name_stands_in_the_words() -> None:
    problem = Problem(code="unknown_word", facts={"typed": "lisst", "closest": "list"})

    assert (
        problem_sentence(problem, command="/go") == "There is no /go “lisst”. Did you mean “list”? /go help shows what there is."
    )


# --- refusals ----------------------------------------------------------------------------------------------------------


def test_all_problems_are_listed_with_a_corrected_example(snapshot: SnapshotAssertion) -> None:
    specs = (
        InputSpec(name="accountId", required=True),
        InputSpec(name="maxAmount", type=InputType.DECIMAL),
        InputSpec(name="mode", type=InputType.CHOICE, options=("full", "partial")),
    )
    typed = LaunchText(connection="billing", workflow="396", inputs=(("acountId", "4028"), ("maxAmount", "5,0"), ("mode", "ful")))
    problems = read_inputs(specs, dict(typed.inputs))[1]
    say = say_problems(problems, example=correct_command(typed, problems))

    assert_within_limits(say)
    assert_harmless(say)
    assert "“/launch billing 396 accountId=4028 maxAmount=&lt;maxAmount&gt; mode=full”" in say.text
    assert say == snapshot


def test_one_problem_needs_no_list() -> None:
    say = say_problems([Problem(code="group_mention", facts={"typed": "<!channel>"})])

    assert say.text == "“&lt;!channel&gt;” means a whole group of people, which is no value. Mention one person, or write a name."
    assert len(say.blocks) == 1


def test_equal_problems_are_told_once() -> None:
    problem = Problem(code="dangling_backslash")

    assert say_problems([problem, problem]) == say_problems([problem])


@pytest.mark.parametrize("count", [2, 20, 200, 2000])
def test_any_number_of_problems_fits_and_none_is_silently_dropped(count: int) -> None:
    problems = [Problem(code="missing_input", facts={"name": f"in{number}"}) for number in range(count)]
    say = say_problems(problems, example="billing 396")

    assert_within_limits(say)
    assert f"There are {count} things to mend" in say.text
    assert all(f"in{number}" in say.text for number in range(min(count, MOST_PROBLEMS)))
    assert (f"and {count - MOST_PROBLEMS} more" in say.text) == (count > MOST_PROBLEMS)
    assert "/launch billing 396" in say.text


def test_a_text_of_4000_characters_full_of_problems_is_answered() -> None:
    found = read_command("b w " + "x " * 1998, subcommands=frozenset())
    other = read_command("b w " + " ".join(f"w{number}" for number in range(700)), subcommands=frozenset())

    for refusal in (found, other):
        assert isinstance(refusal, Problems)
        assert_within_limits(say_problems(refusal.problems))


@pytest.mark.parametrize("example", ["", "x" * 3000, "&" * 500, "b w a=*", 'b w a="x …"', 'b w a="x\ny"'])
def test_an_example_that_could_not_be_copied_as_it_is_is_left_out(example: str) -> None:
    say = say_problems([Problem(code="unknown_flag", facts={"typed": "--x"})], example=example)

    assert "Try" not in say.text


def test_a_refused_command_is_mended_once() -> None:
    typed = LaunchText(connection="billing", workflow="30", inputs=(("a", "x"),))
    near = Problem(code="unknown_workflow", facts={"typed": "30", "connection": "billing", "closest": "303"})
    far = Problem(code="unknown_workflow", facts={"typed": "30", "connection": "billing", "closest": ""})

    assert say_refused([near], (), command="/go", typed=typed).text.endswith("\nTry: “/go billing 303 a=x”")
    assert "Try" not in say_refused([far], (), command="/go", typed=typed).text


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("--preview", "--preview is not built yet. Nothing was launched; /go list shows what you may launch here."),
        ("/go approve", "/go approve is not built yet."),
    ],
)
def test_what_is_not_built_names_what_to_use_instead(what: str, expected: str) -> None:
    assert problem_sentence(Problem(code="not_built_yet", facts={"what": what}), command="/go") == expected


def test_a_refusal_by_policy_gives_every_reason(snapshot: SnapshotAssertion) -> None:
    reasons = [
        Reason(code="person_is_guest", facts={"person": "U0GUEST"}, source="Slack"),
        Reason(code="channel_without_bot", facts={"channel": "board-room", "channel_id": "C0PRIVATE", "bot": "@gonogo"}),
        Reason(code="scope_not_granted", facts={"scope": "Workflow Run Access", "connection": "billing"}),
        Reason(code="lookup_failed", facts={"subject": "user group S0LEADS", "cause": "Slack did not tell"}),
    ]
    say = say_denied(reasons)

    assert_within_limits(say)
    assert_harmless(say)
    assert "You are a guest of this workspace" in say.text
    assert "U0GUEST" not in say.text
    assert "/invite @gonogo" in say.text
    assert say == snapshot
