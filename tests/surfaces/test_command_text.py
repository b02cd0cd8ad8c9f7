from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.domain.model import Problem
from bot.domain.spelling import hidden_characters
from bot.surfaces.command_text import (
    CommandText,
    LaunchText,
    NothingTyped,
    Problems,
    SubcommandText,
    correct_command,
    launch_id_typed,
    placeholder,
    read_command,
    write_command,
)
from bot.surfaces.escaping import escape

SUBCOMMANDS = frozenset({"cancel", "help", "list", "status"})
FAMILY = "👩\u200d👩\u200d👧"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def read(text: str) -> CommandText:
    return read_command(text, subcommands=SUBCOMMANDS)


def codes(found: CommandText) -> list[str]:
    assert isinstance(found, Problems), found
    return [problem.code for problem in found.problems]


def facts(found: CommandText) -> list[dict[str, str]]:
    assert isinstance(found, Problems), found
    return [dict(problem.facts) for problem in found.problems]


def inputs(text: str) -> dict[str, str]:
    found = read(f"billing 396 {text}")
    assert isinstance(found, LaunchText), found
    return dict(found.inputs)


# --- what is refused ---------------------------------------------------------------------------------------------------


def test_every_problem_is_named_at_once() -> None:
    found = read("billing 396 alone =x --previw a=1 a=2")

    assert codes(found) == ["unknown_flag", "not_name_value", "nameless_input", "repeated_input"]
    assert facts(found) == [
        {"typed": "--previw", "closest": "--preview"},
        {"typed": "alone", "quoted": ""},
        {"typed": "=x"},
        {"name": "a", "times": "2"},
    ]


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ('billing 396 a="x y', '"x y'),
        ("billing 396 a='x y", "'x y"),
        ("billing 396 a=“x y", "“x y"),
        ("billing 396 name=Don't", "'t"),
        ('billing 396 a="x\\"', '"x\\"'),
    ],
)
def test_a_quote_that_is_never_closed_is_named_with_its_place(text: str, near: str) -> None:
    assert facts(read(text)) == [{"quote": near[0], "position": str(text.index(near) + 1), "near": near}]


def test_a_lone_backslash_at_the_end_is_refused() -> None:
    assert codes(read("billing 396 a=x\\")) == ["dangling_backslash"]


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("\0", "U+0000 (NUL)"),
        ("\x1b", "U+001B (ESCAPE)"),
        ("\x9f", "U+009F (a control character)"),
        ("\u202e", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("\u200f", "U+200F (RIGHT-TO-LEFT MARK)"),
        ("\u200b", "U+200B (ZERO WIDTH SPACE)"),
        ("\u00ad", "U+00AD (SOFT HYPHEN)"),
        ("\ufeff", "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
        ("\u2028", "U+2028 (LINE SEPARATOR)"),
        ("\ud800", "U+D800 (a control character)"),
        ("\U000e0041", "U+E0041 (TAG LATIN CAPITAL LETTER A)"),
    ],
)
@pytest.mark.parametrize("template", ["billing 396 a={}", "bil{}ling 396", "billing '3{}96'", "list {}"])
def test_an_invisible_character_is_refused_by_its_code_point(char: str, name: str, template: str) -> None:
    text = template.format(char)

    assert facts(read(text)) == [{"character": name, "position": str(text.index(char) + 1)}]


@pytest.mark.parametrize("mention", ["<!channel>", "<!here|here>", "<!everyone>", "<!subteam^S0LEADS|@leads>"])
def test_a_mention_of_a_whole_group_is_no_value(mention: str) -> None:
    assert facts(read(f"billing 396 a={mention} b={mention}")) == [{"typed": mention}]


def test_text_of_4000_characters_works_and_one_more_is_refused_with_its_length() -> None:
    start = "billing 396 a="
    longest = "&" * (4000 - len(start))

    assert inputs(f"a={escape(longest)}") == {"a": longest}
    assert facts(read(start + escape(longest) + "x")) == [{"length": "4,001", "most": "4,000"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("billing", {"connection": "billing", "closest": "", "listed": "billing"}),
        ("lisst", {"connection": "lisst", "closest": "list", "listed": ""}),
        ("billing --preview", {"connection": "billing", "closest": "", "listed": "billing"}),
        ("'my crm'", {"connection": "my crm", "closest": "", "listed": '"my crm"'}),
    ],
)
def test_a_launch_needs_a_connection_and_a_workflow(text: str, expected: dict[str, str]) -> None:
    found = read(text)

    assert codes(found) == ["missing_workflow"]
    assert facts(found) == [expected]


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ('billing ""', "workflow"),
        ('billing "" a=1', "workflow"),
        ('"" 396 a=1', "connection"),
        ('""', "connection"),
        ("'" * 4000, "connection"),
    ],
)
def test_an_empty_word_is_named(text: str, which: str) -> None:
    assert codes(read(text)) == ["empty_word"]
    assert facts(read(text)) == [{"which": which}]


@pytest.mark.parametrize("text", ["--preview", "—preview"])
def test_preview_alone_is_named(text: str) -> None:
    assert codes(read(text)) == ["not_built_yet"]
    assert facts(read(text)) == [{"what": "--preview"}]


def test_an_unknown_option_alone_is_named() -> None:
    assert facts(read("--hepl")) == [{"typed": "--hepl", "closest": "--help"}]


@pytest.mark.parametrize(
    ("text", "typed", "quoted"),
    [
        ("billing Dunning run accountId=1", "run", '"Dunning run"'),
        ("billing Dunning run now", "run now", '"Dunning run now"'),
        (f"billing 396 {'x' * 90}", "x" * 90, ""),
    ],
)
def test_a_name_with_spaces_in_it_wants_quotes(text: str, typed: str, quoted: str) -> None:
    assert facts(read(text)) == [{"typed": typed, "quoted": quoted}]


def test_a_placeholder_that_was_copied_launches_nothing() -> None:
    copied = write_command("billing", "396", (("accountId", placeholder("accountId")), ("odd name", placeholder("odd name"))))

    assert copied == 'billing 396 accountId=<accountId> "odd name=<odd name>"'
    assert codes(read(escape(copied))) == ["placeholder_value", "placeholder_value"]
    assert inputs("a=&lt;b&gt;") == {"a": "<b>"}


@given(text=st.text(alphabet=st.sampled_from(" \t\n'\"\\=-–—“”‘’„‚<>!@#|&;ampltg\u00a0\u202e\0ab🙂"), max_size=60))
@example(text="<!channel|")
@example(text="a b <@>=<#|>")
def test_any_text_is_read_or_refused_and_nothing_raises(text: str) -> None:
    found = read(text)

    if isinstance(found, Problems):
        assert found.problems
    if isinstance(found, LaunchText):
        assert found.connection
        assert found.workflow
        assert all(name for name, _ in found.inputs)
        assert len(dict(found.inputs)) == len(found.inputs)


# --- what is read ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u00a0"])
def test_the_bare_command(text: str) -> None:
    assert read(text) == NothingTyped()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("reject L-7K3QW don't do it", "don't do it"),
        ('REJECT L-7K3QW  "half a quote ', '"half a quote'),
        ("reject L-7K3QW ask <!subteam^S0LEADS|@leads> first", "ask @leads first"),
        ("reject L-7K3QW look <!channel>", "look @channel"),
        ("reject L-7K3QW name=value --help is &lt;not&gt; read", "name=value --help is <not> read"),
        ("reject L-7K3QW two\nlines", "two\nlines"),
    ],
)
def test_a_reason_is_a_sentence_and_no_grammar(text: str, reason: str) -> None:
    read = read_command(text, subcommands=frozenset({"reject"}))

    assert isinstance(read, SubcommandText)
    assert (read.word, read.arguments) == ("reject", ("L-7K3QW", reason))


@pytest.mark.parametrize(("text", "arguments"), [("reject", ()), ("reject L-7K3QW", ("L-7K3QW",))])
def test_a_rejection_without_a_reason_is_read_as_such(text: str, arguments: tuple[str, ...]) -> None:
    assert read_command(text, subcommands=frozenset({"reject"})) == SubcommandText(word="reject", arguments=arguments)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("list", SubcommandText(word="list")),
        ("LIST billing", SubcommandText(word="list", arguments=("billing",))),
        ("Status L-7K3QW", SubcommandText(word="status", arguments=("L-7K3QW",))),
        ("cancel 'L 7'", SubcommandText(word="cancel", arguments=("L 7",))),
        ("status --all", SubcommandText(word="status", arguments=("--all",))),
    ],
)
def test_subcommands_come_first_in_any_case(text: str, expected: SubcommandText) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("text", ["--help", "—help", "--HELP", "list --help", "billing --help", "billing 396 a=1 --help"])
def test_help_may_be_asked_for_as_an_option(text: str) -> None:
    assert read(text) == SubcommandText(word="help")


@pytest.mark.parametrize(
    ("typed", "launch_id"),
    [
        ("L-X38RF", "L-X38RF"),
        ("l-x38rf", "L-X38RF"),
        ("X38RF", "L-X38RF"),
        (" x38rf ", "L-X38RF"),
        ("L–X38RF", "L-X38RF"),
        ("L-X38", "L-X38"),
        ("newest", "newest"),
        ("", ""),
    ],
)
def test_a_launch_id_may_be_typed_carelessly(typed: str, launch_id: str) -> None:
    assert launch_id_typed(typed) == launch_id


def test_a_launch_keeps_names_values_and_their_order_as_typed() -> None:
    assert read("Billing 'Dunning run' accountId=4028 maxAmount=10.50 Note=\"a b\"") == LaunchText(
        connection="Billing",
        workflow="Dunning run",
        inputs=(("accountId", "4028"), ("maxAmount", "10.50"), ("Note", "a b")),
    )


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("a=1=2", "1=2"),
        ("a=", ""),
        ('a=""', ""),
        ("a='x y'", "x y"),
        ("'a=x y'", "x y"),
        ('a="say \\"hi\\" \\n"', 'say "hi" \\n'),
        ("a=x\\ y", "x y"),
        ("a='#no comment'", "#no comment"),
        ("a=#1", "#1"),
        ("a=“x y”", "x y"),
        ("a=”x y”", "x y"),
        ("a=„x y“", "x y"),
        ("a=“it's \\” so”", "it's ” so"),
        ("a=‘x y’", "x y"),
        ("a=‘don’t do’", "don’t do"),
        ("a=don’t", "don’t"),
        ("a=‘tis", "‘tis"),
        ("a=5”", "5”"),
        ("a=x\u00a0", "x"),
        ('a="x\u00a0y\u202fz"', "x y z"),
        ('a="one\ntwo"', "one\ntwo"),
        (f"a={FAMILY}{ENGLAND}❤️", f"{FAMILY}{ENGLAND}❤️"),
        ("a=--preview", "--preview"),
        ("a=-5", "-5"),
        ("a=שלום", "שלום"),
    ],
)
def test_quoting_is_a_shells_with_what_phones_type(typed: str, value: str) -> None:
    assert inputs(typed) == {"a": value}


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("&lt;b&gt; &amp; c", "<b> & c"),
        ("&amp;lt;", "&lt;"),
        ("&amp;amp;", "&amp;"),
        ("&quot;&#8238;", "&quot;&#8238;"),
        ("&lt;!channel&gt;", "<!channel>"),
        ("<@U0BOB|bob>", "U0BOB"),
        ("<@U0BOB>", "U0BOB"),
        ("<#C0FINANCE|finance-ops>", "C0FINANCE"),
        ("<https://x.example/?a=1&amp;b=2>", "https://x.example/?a=1&b=2"),
        ("<https://x.example|x.example>", "https://x.example"),
        ("<http://acme.com|acme.com>", "acme.com"),
        ("<mailto:ada@example.com|ada@example.com>", "ada@example.com"),
        ("<tel:+4930|+4930>", "+4930"),
        ("to <@U0BOB|bob> at <http://acme.com|acme.com>", "to U0BOB at acme.com"),
        ("a &lt; b", "a < b"),
    ],
)
def test_what_slack_made_of_the_text_is_undone_exactly_once(sent: str, value: str) -> None:
    assert inputs(f'a="{sent}"') == {"a": value}


@pytest.mark.parametrize("flag", ["--preview", "—preview", "–preview", "--PREVIEW"])
@pytest.mark.parametrize("template", ["billing 396 {}", "billing 396 {} a=1", "{} billing 396 a=1"])
def test_preview_may_stand_anywhere(flag: str, template: str) -> None:
    found = read(template.format(flag))

    assert isinstance(found, LaunchText)
    assert found.is_preview
    assert found.workflow == "396"


def test_a_quoted_word_is_no_flag() -> None:
    assert codes(read("billing 396 '--preview'")) == ["not_name_value"]


SHELL_TEXT = st.text(alphabet=" \t\n'\"\\=-#$ab<>&;é🙂", max_size=40)


@given(text=SHELL_TEXT)
def test_words_part_as_in_a_posix_shell(text: str) -> None:
    """The words after ``cancel`` show how any text is split."""
    try:
        expected = shlex.split(text, comments=False, posix=True)
    except ValueError:
        assert set(codes(read(f"cancel {escape(text)}"))) & {"open_quote", "dangling_backslash"}
        return

    assert read(f"cancel {escape(text)}") == SubcommandText(word="cancel", arguments=tuple(expected))


# --- and back ----------------------------------------------------------------------------------------------------------

SPACES = frozenset("\u00a0\u2007\u202f")
TYPABLE = st.text(max_size=40).filter(lambda text: not hidden_characters(text) and not SPACES & set(text))
NAMES = TYPABLE.filter(lambda text: text and "=" not in text)
WORDS = TYPABLE.filter(bool)


@given(connection=WORDS, workflow=WORDS, values=st.dictionaries(NAMES, TYPABLE, max_size=5))
@example(connection="--x", workflow="—y", values={"--z": "‘a’ “b” 'c' \"d\" \\"})
@example(connection="a", workflow="b", values={"a b": "<!channel>", "c": "<@U0BOB|bob> &amp; &lt;"})
def test_what_is_written_reads_back_as_what_was_meant(connection: str, workflow: str, values: dict[str, str]) -> None:
    assume(connection.lower() not in SUBCOMMANDS)
    assume(all(value != placeholder(name) for name, value in values.items()))
    pairs = tuple(values.items())
    written = write_command(connection, workflow, pairs)

    assert read(escape(written)) == LaunchText(connection=connection, workflow=workflow, inputs=pairs)


def test_a_written_command_is_quoted_only_where_it_must_be() -> None:
    pairs = (("accountId", "4028-a_b"), ("note", "two words"), ("odd name", "x"), ("empty", ""))

    assert write_command("billing", "396", pairs) == 'billing 396 accountId=4028-a_b note="two words" "odd name=x" empty=""'


@pytest.mark.parametrize(
    ("code", "told", "expected"),
    [
        ("unknown_connection", {"typed": "bill", "closest": "billing"}, "billing 396 acountId=x max=1"),
        ("unknown_connection", {"typed": "bill", "closest": ""}, ""),
        ("unknown_workflow", {"typed": "396", "closest": "Dunning run"}, 'bill "Dunning run" acountId=x max=1'),
        ("unknown_input", {"name": "acountId", "closest": "accountId"}, "bill 396 accountId=x max=1"),
        ("unknown_input", {"name": "acountId", "closest": "max"}, ""),
        ("unknown_input", {"name": "acountId", "closest": ""}, ""),
        ("reserved_input", {"name": "max", "provider": "Zuora Workflow"}, "bill 396 acountId=x"),
        ("missing_input", {"name": "mode"}, "bill 396 acountId=x max=1 mode=<mode>"),
        ("bad_input", {"name": "max", "typed": "1", "closest": ""}, "bill 396 acountId=x max=<max>"),
        ("bad_input", {"name": "max", "typed": "1", "closest": "most"}, "bill 396 acountId=x max=most"),
        ("bad_input", {"name": "max", "typed": "part of it", "closest": "most"}, "bill 396 acountId=x max=<max>"),
        ("reserved_input", {"name": "other"}, ""),
        ("something_new", {"name": "max"}, ""),
    ],
)
def test_a_corrected_command_is_shown_only_where_it_is_a_mend(code: str, told: dict[str, Any], expected: str) -> None:
    typed = LaunchText(connection="bill", workflow="396", inputs=(("acountId", "x"), ("max", "1")))

    assert correct_command(typed, (Problem(code=code, facts=told),)) == expected
