"""The examples of `/launch why` in README are what the demo's configuration really gives."""

from __future__ import annotations

from tests.why_parts import VERDICTS, demo_configuration, why_cases, why_part


def test_the_demo_has_an_allowed_and_a_denied_case() -> None:
    cases = why_cases(demo_configuration())

    assert {"allow", "deny"} <= set(cases) <= set(VERDICTS)
    assert cases["allow"][1].startswith("Allowed. ")
    assert cases["deny"][1].startswith("Not allowed. ")


def test_people_read_names_and_words_there() -> None:
    text = why_part()

    assert text.count("```text\n@") == len(why_cases(demo_configuration()))
    assert not any(token in text for token in ("<@", "<!", "&lt;", "&amp;"))
