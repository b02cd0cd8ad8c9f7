"""``${NAME}`` and ``${file:/path}``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings.references import MOST_BYTES, is_reference, is_secret_place, resolve

ENVIRONMENT = {"HOST": "acme.example", "PART": "x", "LOOKS_LIKE_ONE": "${HOST}", "EMPTY": "", "BLANK": " \n"}
CREDENTIAL = ("connections", "billing", "credential", "key")


def one(text: Any) -> Any:
    resolved = resolve({"a": text}, ENVIRONMENT)
    assert resolved.faults == []
    return resolved.value["a"]


def fault(text: str) -> str:
    resolved = resolve({"a": text}, ENVIRONMENT)
    assert resolved.value == {"a": text}
    assert [found.place for found in resolved.faults] == [("a",)]
    return resolved.faults[0].text


def in_credential(text: Any) -> Any:
    return resolve({"connections": {"billing": {"credential": {"key": text}}}}, ENVIRONMENT)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("${HOST}", "acme.example"),
        ("https://${HOST}/${PART}", "https://acme.example/x"),
        ("${PART}${PART}", "xx"),
        ("$${HOST}", "${HOST}"),
        ("$${${PART}}", "${x}"),
        ("$HOST", "$HOST"),
        ("a}b{c", "a}b{c"),
        ("5 $", "5 $"),
        ("${LOOKS_LIKE_ONE}", "${HOST}"),
    ],
)
def test_a_reference_is_filled_in_once(written: str, meant: str) -> None:
    assert one(written) == meant


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("${NOWHERE}", "${NOWHERE}: the environment has no variable NOWHERE"),
        ("a ${NOWHERE} b", "${NOWHERE}: the environment has no variable NOWHERE"),
        ("${EMPTY}", "${EMPTY}: the variable EMPTY is empty"),
        ("${BLANK}", "${BLANK}: the variable BLANK is empty"),
        ("${}", "a reference is ${NAME} or ${file:/path}, nothing else"),
        ("${HOST:-other}", "a reference is ${NAME} or ${file:/path}, nothing else"),
        ("${ HOST }", "a reference is ${NAME} or ${file:/path}, nothing else"),
        ("${vault:key}", "a reference is ${NAME} or ${file:/path}, nothing else"),
        ("${1}", "a reference is ${NAME} or ${file:/path}, nothing else"),
        ("${HOST", "a ${ without its closing brace; a plain ${ is written $${"),
        ("${file:relative}", "${file:relative}: write the whole path, from the root"),
        ("${file:}", "${file:}: write the whole path, from the root"),
        ("${file:/nowhere/at/all}", "${file:/nowhere/at/all}: there is no such file"),
        ("${file:/dev/null}", "${file:/dev/null}: there is no such file"),
        ("${file:/a\0b}", "no such"),
    ],
)
def test_what_cannot_be_filled_in_is_named_and_stays_as_it_is_written(written: str, says: str) -> None:
    assert says in fault(written)


def test_only_text_is_looked_at() -> None:
    assert one([1, None, True, {"b": ["${PART}"]}]) == [1, None, True, {"b": ["x"]}]


def test_keys_are_never_filled_in() -> None:
    assert resolve({"${HOST}": 1}, ENVIRONMENT).value == {"${HOST}": 1}


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        (b"made-up", "made-up"),
        (b"made-up\n", "made-up"),
        (b"made-up\r\n\n", "made-up"),
        (b" made up \n", " made up "),
        ("clé".encode(), "clé"),
    ],
)
def test_a_file_is_read_without_its_last_line_end(tmp_path: Path, content: bytes, meant: str) -> None:
    path = tmp_path / "secret file.txt"
    path.write_bytes(content)

    assert one(f"${{file:{path}}}") == meant


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"\xff\xfe", "the file is not UTF-8 text"),
        (b"x" * (MOST_BYTES + 1), "the file is larger than 65,536 bytes"),
    ],
)
def test_a_file_that_holds_no_value_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)

    assert fault(f"${{file:{path}}}") == f"${{file:{path}}}: {says}"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "there is no such file" in fault(f"${{file:{tmp_path}}}")


def test_a_credential_never_enters_the_values(tmp_path: Path) -> None:
    resolved = in_credential("${HOST}")

    assert resolved.value == {"connections": {"billing": {"credential": {"key": "${HOST}"}}}}
    assert resolved.secrets[CREDENTIAL].reveal() == "acme.example"
    assert resolved.filled == set()


@pytest.mark.parametrize("text", ["literal", "Bearer ${HOST}", "$${HOST}", "${HOST}${PART}", "", 5, None])
def test_a_credential_that_is_not_wholly_a_reference_is_no_secret_of_ours(text: Any) -> None:
    resolved = in_credential(text)

    assert (resolved.secrets, resolved.faults) == ({}, [])


def test_a_whole_credential_in_one_reference_is_not_filled_in_either() -> None:
    resolved = resolve({"connections": {"billing": {"credential": "${HOST}"}}}, ENVIRONMENT)

    assert resolved.value["connections"]["billing"]["credential"] == "${HOST}"


def test_a_key_of_many_lines_is_taken_where_it_says_that_it_is_one() -> None:
    text = "-----BEGIN MADE UP KEY-----\nabc\n-----END MADE UP KEY-----"
    environment = {"KEY": text, "LINES": "a\nb"}
    document = {"connections": {"x": {"credential": {"a": "${KEY}", "b": "${LINES}"}}}}

    resolved = resolve(document, environment)

    assert resolved.secrets["connections", "x", "credential", "a"].reveal() == text
    assert [found.place[-1] for found in resolved.faults] == ["b"]


@pytest.mark.parametrize("value", [" made-up", "made-up ", "made\tup", "made-up\n"])
def test_a_credential_that_was_badly_copied_is_a_fault(value: str) -> None:
    resolved = resolve({"connections": {"x": {"credential": {"a": "${KEY}"}}}}, {"KEY": value})

    assert [found.text.split(" ")[0] for found in resolved.faults] == ["${KEY}"]
    assert "made" not in resolved.faults[0].text


@pytest.mark.parametrize(
    ("place", "is_secret"),
    [
        (CREDENTIAL, True),
        (("connections", "billing", "credential"), True),
        (("connections", "billing", "secrets", "a", 0), True),
        (("connections", "billing", "workflows", "credential"), False),
        (("channels", "billing", "credential", "a"), False),
        (("connections", "credential"), False),
        ((), False),
    ],
)
def test_secrets_live_in_credential_and_secrets_of_a_connection(place: Any, is_secret: bool) -> None:
    assert is_secret_place(place) is is_secret


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${A}", True),
        ("${file:/a}", True),
        ("${A} ", False),
        ("$${A}", False),
        ("${}", False),
        ("${A}${B}", False),
        (5, False),
        (None, False),
    ],
)
def test_a_reference_is_the_whole_value_or_none(value: Any, expected: bool) -> None:
    assert is_reference(value) is expected


@given(st.text(max_size=60).filter(lambda text: "${" not in text))
def test_text_without_a_reference_is_left_alone(text: str) -> None:
    assert one(text) == text


@given(st.lists(st.sampled_from(["$", "{", "}", "$${", "${", "HOST", "file:", "/", "x", "${HOST}"]), max_size=8).map("".join))
def test_any_mixture_is_filled_in_or_named(text: str) -> None:
    resolved = resolve({"a": text}, ENVIRONMENT)

    assert isinstance(resolved.value["a"], str)
    assert len(resolved.faults) <= 1
