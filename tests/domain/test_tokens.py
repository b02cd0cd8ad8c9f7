from __future__ import annotations

import json
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.tokens import blanked, blanked_within, looks_like_token
from bot.surfaces.command_text import LaunchText, read_command

DASHES = "-" * 5
# Put together from parts, so that no line of this file looks like a real one to a scanner.
TOKENS = {
    "Slack token": ["xo" + "xb-123456789012-abcdefgh", "xo" + "xe.xo" + "xp-1-Mi0yabcdefgh", "xa" + "pp-1-A0123-456-abcdef0123"],
    "Slack webhook": ["https://hooks." + "slack.com/services/T000/B000/abcdefghij"],
    "AWS key": ["AK" + "IA" + "ABCDEFGH234567AB", "AS" + "IA" + "ABCDEFGH234567AB"],
    "GitHub token": ["gh" + "p_" + "a1B2" * 9, "github" + "_pat_" + "a1B2_" * 6],
    "GitLab token": ["gl" + "pat-" + "a1B2-" * 4],
    "Google key": ["AI" + "za" + "a1B2-" * 7, "ya" + "29." + "a1B2_" * 5, "GOC" + "SPX-" + "a1B2_" * 5],
    "Azure key": ["Account" + "Key=" + "a1B2" * 20 + "==", "abc" + "8Q~" + "a1B2." * 6 + "abc"],
    "Stripe key": ["s" + "k_live_" + "a1B2" * 6, "r" + "k_test_" + "a1B2" * 6],
    "SendGrid key": ["S" + "G." + "a1B2" * 5 + "." + "a1B2" * 10],
    "package registry token": ["np" + "m_" + "a1B2" * 9, "py" + "pi-" + "a1B2" * 14],
    "AI provider key": ["s" + "k-proj-" + "a1B2" * 8, "s" + "k-ant-api03-" + "a1B2" * 8, "h" + "f_" + "aBcD" * 9],
    "platform token": [
        "do" + "p_v1_" + "a1b2" * 16,
        "shp" + "at_" + "a1b2" * 8,
        "da" + "pi" + "a1b2" * 8,
        "hv" + "s." + "aB1-" * 6,
    ],
    "Atlassian token": ["ATA" + "TT3" + "xFfGF0" * 5],
    "Salesforce session": ["00" + "D5g000004abcdEAA!" + "AQ4AQ." * 6],
    "Bitrix24 key": ["vi" + "be_api_" + "a1b2" * 8, "vi" + "be_session_" + "a1B2" * 8],
    "JSON Web Token": [
        "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJl",
        "ey" + "JhbGciOiJub25lIn0.ey" + "JzdWIiOiIxIn0.",
    ],
    "bearer token": ["Bea" + "rer " + "a1B2" * 8],
    "private key": [
        f"{DASHES}BEGIN RSA PRIV" + f"ATE KEY{DASHES}\nProc-Type: 4,ENCRYPTED\n\nMIIEabc+/=\n{DASHES}END RSA PRIVATE KEY{DASHES}",
        f"{DASHES}BEGIN PRIV" + f"ATE KEY{DASHES} MIIEabc+/=",
        f"{DASHES}BEGIN PGP PRIV" + f"ATE KEY BLOCK{DASHES}\nlQOYBF\n{DASHES}END PGP PRIVATE KEY BLOCK{DASHES}",
        "\u2014\u2014-BEGIN EC PRIV" + "ATE KEY\u2014\u2014-\nMHcC\n\u2014\u2014-END EC PRIVATE KEY\u2014\u2014-",
    ],
}
EVERY = [(kind, token) for kind, tokens in TOKENS.items() for token in tokens]
INNOCENT = [
    "4028905f5a87c0ff015a87d25ae90025",
    "2c92c0f8-4a1b-4c3d-9e8f-0123456789ab",
    "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "https://www.linkedin.com/sales/search/people?query=(recentSearchParam%3A(id%3A2012345%2CdoLogHistory%3Atrue))&sessionId=a1B2c3D4%3D%3D",
    "https://rest.na.zuora.com/workflows/396/run?token=abc",
    "https://acme.slack.com/archives/C0FINANCE/p1700000000000100",
    "https://acme.sk/sk-bratislava-a-rather-long-slug-for-a-page-2026",
    "0D5D0000000cfMYKAY",
    "00D5g000004abcdEAA",
    "L-7K3QW",
    "U0123ABCD, S0LEADS",
    "Bearer of good news in 2026",
    "the bearer internationalization department",
    "AKIA",
    "xoxb tokens are not allowed",
    "ada.lovelace@example.com",
    "GB82WEST12345698765432",
    "+49 30 123456",
    "2026-11-21T09:30:00.000000Z",
    "risk_test_results_of_the_second_quarter",
    "task_live_broadcast_of_the_meeting",
    '{"key": [1, 2.50, "text"]}',
    "eyJ is how such a thing begins",
    f"{DASHES}BEGIN PUBLIC KEY{DASHES}\nMIIB\n{DASHES}END PUBLIC KEY{DASHES}",
    f"{DASHES}BEGIN CERTIFICATE{DASHES}",
    r"C:\reports\task_live_2026\new\risk_test_results.txt",
    r'{"path": "a\nsk\ttask", "code": "\u0041KIA"}',
    "dGhpcyBpcyBub3QgYSBzZWNyZXQgYXQgYWxsLCBidXQgbG9uZw==",
]


@pytest.mark.parametrize(("kind", "token"), EVERY)
def test_what_an_issuer_marks_as_a_token_is_one(kind: str, token: str) -> None:
    assert looks_like_token(token) == kind
    assert looks_like_token(f"see {token}, please") == kind
    assert looks_like_token(f'{{"password": "{token}"}}') == kind


@pytest.mark.parametrize("text", INNOCENT)
def test_ids_hashes_addresses_and_prose_pass(text: str) -> None:
    assert looks_like_token(text) is None
    assert blanked(text) == text


@pytest.mark.parametrize(("kind", "token"), EVERY)
def test_a_blanked_text_holds_no_token_but_still_tells_its_kind(kind: str, token: str) -> None:
    text = blanked(f"before {token} after")
    mark = f"[secret-removed:{kind.replace(' ', '-')}]"

    assert text in {f"before {mark} after", f"before {mark}"}  # a key that is never closed ends nowhere
    assert looks_like_token(text) == kind
    assert blanked(text) == text


@pytest.mark.parametrize(("kind", "token"), EVERY)
def test_a_blanked_command_is_still_a_command_with_the_same_inputs(kind: str, token: str) -> None:
    typed = read_command(blanked(f'billing 396 note="{token}" maxAmount=10'), subcommands=frozenset())

    assert isinstance(typed, LaunchText)
    assert [name for name, _ in typed.inputs] == ["note", "maxAmount"]
    assert looks_like_token(typed.inputs[0][1]) == kind
    assert typed.inputs[1][1] == "10"


@pytest.mark.parametrize("token", [token for _, token in EVERY])
def test_a_blanked_form_is_still_json(token: str) -> None:
    values = json.loads(blanked(json.dumps({"note": token, "maxAmount": "10"}, ensure_ascii=False)))

    assert looks_like_token(values["note"])
    assert values["maxAmount"] == "10"


@pytest.mark.parametrize("escape", [r"\n", r"\t", r"\r", r"\b", r"\f", r"\u001b", r"\u00E9", "\\\n"])
@pytest.mark.parametrize(("kind", "token"), EVERY)
def test_an_escape_in_typed_json_hides_no_token_that_follows_it(kind: str, token: str, escape: str) -> None:
    text = f'{{"note": "see:{escape}{token}"}}'

    assert looks_like_token(text) == kind
    assert blanked(text) == f'{{"note": "see:{escape}[secret-removed:{kind.replace(" ", "-")}]"}}'


@pytest.mark.parametrize("before", ["\n", "\t", "\r", "\x1b", "\u00e9", "\u2028", '"', "\\"])
@pytest.mark.parametrize(("kind", "token"), EVERY)
def test_what_is_blanked_before_it_is_written_as_json_holds_no_token_on_any_line(kind: str, token: str, before: str) -> None:
    mark = f"see:{before}[secret-removed:{kind.replace(' ', '-')}]"
    text = f"see:{before}{token}"

    written = json.dumps(blanked_within({"a": [text, {text: 1}], "b": None, "c": True}))
    assert json.loads(written) == {"a": [mark, {mark: 1}], "b": None, "c": True}
    assert looks_like_token(written) == kind


def test_a_token_on_the_line_after_its_word_is_found_too() -> None:
    written = json.dumps(blanked_within({"note": "Bea" + "rer\n" + "a1B2" * 8}))

    assert written == '{"note": "[secret-removed:bearer-token]"}'


def test_every_token_of_a_text_is_blanked() -> None:
    first, second = TOKENS["AWS key"]

    assert blanked(f"{first} and {second}") == "[secret-removed:AWS-key] and [secret-removed:AWS-key]"


@given(st.binary(min_size=16, max_size=64))
def test_no_hash_uuid_or_number_looks_like_a_token(content: bytes) -> None:
    assert looks_like_token(content.hex()) is None
    assert looks_like_token(str(int.from_bytes(content))) is None
    assert looks_like_token(str(uuid.UUID(bytes=content[:16]))) is None
    assert looks_like_token(f"https://example.com/{content.hex()}?id={uuid.UUID(bytes=content[:16])}") is None


@given(st.text(max_size=60), st.sampled_from(EVERY), st.text(max_size=60))
def test_blanking_leaves_no_token_wherever_it_stands(before: str, one: tuple[str, str], after: str) -> None:
    text = f"{before} {one[1]} {after}"

    assert one[1] not in blanked(text)
    assert looks_like_token(blanked(text)) == looks_like_token(text)
    assert blanked(blanked(text)) == blanked(text)


@pytest.mark.parametrize(
    "part", ["xoxb-", "eyJ-", "Bearer ", "-", "--BEGIN A PRIVATE KEY--", "sk-ant-", "ya29.", "00D", r"\nxoxb-", r"\u0041"]
)
def test_no_text_takes_long(part: str) -> None:
    began = time.perf_counter()
    blanked(part * (12_000 // len(part)))

    assert time.perf_counter() - began < 2
