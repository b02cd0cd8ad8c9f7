from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.surfaces.escaping import (
    GroupMention,
    Link,
    Mention,
    Moment,
    Part,
    Quoted,
    Strong,
    as_elements,
    as_plain,
    as_text,
    clean,
    escape,
    literal,
    merged,
    plain_text,
    safe_url,
    shorten,
    size,
)
from bot.surfaces.say import compose
from tests.block_limits import ACTIVE, FORMAT_MARK, HIDDEN, OURS, assert_harmless, assert_within_limits, units

NASTY = [
    "<!channel>",
    "<!here|here>",
    "<@U0BOB>",
    "<!subteam^S0LEADS>",
    "<https://evil.example|billing>",
    "&lt;!channel&gt;",
    "&amp;",
    "*bold* _italic_ ~struck~ `code` ```block```",
    "> quoted\n<!everyone>",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "\0\x1b[31m",
    "👩\u200d👩\u200d👧" * 50,
    "x" * 10_000,
    "&" * 10_000,
    "🙂" * 10_000,
    "\ud800 half",
    "line\r\nline\u2028line",
    "@channel #general",
    "",
]
UNTRUSTED = st.one_of(
    st.sampled_from(NASTY),
    st.text(),
    st.text(alphabet="&<>!@#*_~`|aé \n", max_size=200),
    st.lists(st.sampled_from(NASTY), max_size=4).map(" ".join),
)
PARTS = st.one_of(
    UNTRUSTED,
    UNTRUSTED.map(Strong),
    UNTRUSTED.map(Quoted),
    UNTRUSTED.map(Mention),
    UNTRUSTED.map(GroupMention),
    st.builds(Link, UNTRUSTED, UNTRUSTED),
    st.builds(Link, st.just("https://rest.example/run?a=1&b=2"), UNTRUSTED),
    st.just(Moment(datetime(2026, 11, 21, 12, tzinfo=UTC))),
)


@given(
    before=st.text(max_size=5), name=st.from_regex(r"[A-Za-z0-9]+(_+[A-Za-z0-9]+)*", fullmatch=True), after=st.text(max_size=5)
)
def test_a_name_is_found_and_copied_as_it_is_wherever_it_stands(before: str, name: str, after: str) -> None:
    assert name in literal(f"{before} {name} {after}")


@given(text=UNTRUSTED, most=st.integers(min_value=0, max_value=300))
@example(text="&" * 100, most=7)
@example(text="a<" * 10, most=5)
def test_literal_text_is_never_active_and_never_too_long(text: str, most: int) -> None:
    found = literal(text, most)

    assert units(found) <= most
    assert "<" not in found
    assert ">" not in found
    assert re.sub("&(amp|lt|gt);", "", found).count("&") == 0, "an escape was cut in two"
    assert not HIDDEN.search(found)
    assert not FORMAT_MARK.search(found)


@given(text=UNTRUSTED)
def test_what_fits_is_not_cut(text: str) -> None:
    assert "…" not in literal(text.replace("…", ""), 10**6)


@given(text=st.text(alphabet="ab<>&\u202e*", max_size=30))
def test_escaping_loses_nothing_that_can_be_seen(text: str) -> None:
    back = literal(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\u2217", "*")

    assert back == text.replace("\u202e", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R&D <x>", "R&amp;D &lt;x&gt;"),
        ("&lt;", "&amp;lt;"),
        ("Escalate_to_Case", "Escalate_to_Case"),
        ("acme__Escalate_Case", "acme__Escalate_Case"),
        ("Amount__c", "Amount__c"),
        ("a___b", "a___b"),
        ("_edge_", "\u02cdedge\u02cd"),
        ("__edge__", "\u02cd\u02cdedge\u02cd\u02cd"),
        ("a _b_ c", "a \u02cdb\u02cd c"),
        ("a__ b", "a\u02cd\u02cd b"),
        ("a_*b*", "a\u02cd\u2217b\u2217"),
        ("*_b_*c", "\u2217\u02cdb\u02cd\u2217c"),
        ("\u00e9__b", "\u00e9\u02cd\u02cdb"),
        ("2*3*4", "2*3*4"),
        ("*bold*", "\u2217bold\u2217"),
        ("_x_ ~y~", "\u02cdx\u02cd \u223cy\u223c"),
        ("a`b`", "a\u02cbb\u02cb"),
        ("one\ntwo\tthree", "one two three"),
        ("\u202eabc\u200b", "abc"),
    ],
)
def test_literal_text_stays_as_it_looks(text: str, expected: str) -> None:
    assert literal(text) == expected


def test_escapes_go_in_slacks_order() -> None:
    assert escape("<&>") == "&lt;&amp;&gt;"


@given(text=UNTRUSTED, most=st.integers(min_value=1, max_value=100))
def test_shortened_text_is_its_own_beginning(text: str, most: int) -> None:
    short = shorten(text, most)

    assert size(short) <= most
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@given(text=UNTRUSTED)
def test_size_counts_what_is_beyond_sixteen_bits_twice(text: str) -> None:
    assert size(text) == sum(2 if char > "\uffff" else 1 for char in text)


def test_an_address_is_judged_the_same_however_often_it_is_asked_about() -> None:
    asked = ["https://acme.example/1", "javascript:alert(1)", "https://acme.example/1", "javascript:alert(1)"]

    assert [safe_url(url) for url in asked] == ["https://acme.example/1", None, "https://acme.example/1", None]


def test_an_emoji_counts_as_slacks_clients_count_it() -> None:
    assert size("a🙂") == 3
    assert shorten("🙂🙂🙂", 5) == "🙂🙂…"


@given(text=UNTRUSTED, most=st.integers(min_value=1, max_value=300))
def test_plain_text_objects_are_never_empty_nor_too_long(text: str, most: int) -> None:
    found = plain_text(text, most)

    assert 0 < units(found["text"]) <= most
    assert found["emoji"] is False
    assert clean(found["text"]) == found["text"]


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "ftp://example.com/",
        "//example.com/",
        "https://",
        "https://example.com/a b",
        "https://example.com/a|b",
        "https://example.com/<x>",
        "https://example.com/\u202e",
        "https://[broken/",
        "https://example.com/" + "x" * 3000,
    ],
)
def test_an_address_that_nobody_should_follow_becomes_no_link(url: str | None) -> None:
    assert safe_url(url) is None
    assert as_text((Link(url or "", "the run"),)) == "the run"
    assert as_elements((Link(url or "", "the run"),)) == [{"type": "text", "text": "the run"}]


def test_each_part_has_its_look_in_text_blocks_and_plain_words() -> None:
    half_past_one = datetime(2026, 11, 21, 13, 30, tzinfo=timezone(timedelta(hours=1)))
    parts: tuple[Part, ...] = (
        Strong("Run"),
        " ",
        Quoted("a<b"),
        " by ",
        Mention("U0ALICE"),
        " at ",
        Moment(half_past_one),
        ": ",
        Link("https://rest.example/?a=1&b=2", "open"),
    )

    assert as_text(parts) == (
        "Run “a&lt;b” by <@U0ALICE> at <!date^1795264200^{date_short_pretty} at {time}|2026-11-21 12:30 UTC>: "
        "<https://rest.example/?a=1&amp;b=2|open>"
    )
    assert as_plain(parts) == "Run “a<b” by U0ALICE at 2026-11-21 12:30 UTC: open"
    assert as_elements(parts) == [
        {"type": "text", "text": "Run", "style": {"bold": True}},
        {"type": "text", "text": " "},
        {"type": "text", "text": "a<b", "style": {"code": True}},
        {"type": "text", "text": " by "},
        {"type": "user", "user_id": "U0ALICE"},
        {"type": "text", "text": " at "},
        {
            "type": "date",
            "timestamp": 1795264200,
            "format": "{date_short_pretty} at {time}",
            "fallback": "2026-11-21 12:30 UTC",
        },
        {"type": "text", "text": ": "},
        {"type": "link", "url": "https://rest.example/?a=1&b=2", "text": "open"},
    ]


@pytest.mark.parametrize("group_id", ["!channel", "S0LEADS>", "here", "U0ALICE", "s0leads", "", "S0|x", "S0LEADS^x", "S"])
def test_only_a_user_group_id_calls_a_group(group_id: str) -> None:
    assert not ACTIVE.search(as_text((GroupMention(group_id),)))
    assert as_elements((GroupMention(group_id),))[0]["type"] == "text"


def test_a_user_group_is_called_in_text_and_blocks_and_named_where_nobody_can_be_called() -> None:
    assert as_text((GroupMention("S0LEADS"),)) == "<!subteam^S0LEADS>"
    assert as_elements((GroupMention("S0LEADS"),)) == [{"type": "usergroup", "usergroup_id": "S0LEADS"}]
    assert as_plain((GroupMention("S0LEADS"),)) == "S0LEADS"


@pytest.mark.parametrize("user_id", ["!channel", "U0ALICE>", "here", "S0LEADS", "u0alice", "", "U0|x"])
def test_only_a_user_id_becomes_a_mention(user_id: str) -> None:
    assert not ACTIVE.search(as_text((Mention(user_id),)))
    assert as_elements((Mention(user_id),))[0]["type"] == "text"


@given(parts=st.lists(PARTS, max_size=8), most=st.integers(min_value=0, max_value=400))
def test_parts_never_pass_the_limit_and_marks_are_never_cut(parts: list[Part], most: int) -> None:
    text = as_text(parts, most)
    elements: list[dict[str, Any]] = as_elements(parts, most)

    assert units(text) <= most
    called = {as_text((part,)) for part in parts if isinstance(part, GroupMention)}
    assert [found for found in ACTIVE.findall(text) if not OURS.fullmatch(found) and found not in called] == []
    assert "<" not in ACTIVE.sub("", text)
    assert elements
    assert all(element.get("text") != "" for element in elements)


@given(parts=st.lists(PARTS, min_size=1, max_size=8))
def test_a_message_of_untrusted_parts_is_harmless_everywhere(parts: list[Part]) -> None:
    say = compose(("Said: ", *parts))

    assert_within_limits(say)
    assert_harmless(say)


@given(parts=st.lists(PARTS, max_size=8))
def test_merging_changes_no_words(parts: list[Part]) -> None:
    assert as_plain(merged(parts)) == as_plain(parts)
