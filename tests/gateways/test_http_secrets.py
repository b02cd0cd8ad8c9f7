from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.domain.model import NOTHING, SecretName
from bot.domain.provider import Call, Refused, Reply, Secret, Unreachable
from bot.gateways.http_secrets import SHORTEST_BLANKED, SecretGoneError, Secrets
from tests.gateways.wire_world import a_wire, answering, each, free_port, http, once, serving

VALUE = 'made-up "pass/word" ü&1'
LOGIN = SecretName("portal-login")
WITH_SECRET = Call(method="POST", path="/start", json={"amount": Decimal("1.50"), "login": LOGIN, "deep": [{"again": LOGIN}]})


def a_vault(*values: str, formerly: tuple[str, ...] = ()) -> Secrets:
    by_name = {f"secret-{index}": Secret(value) for index, value in enumerate(values)}
    return Secrets(by_name=by_name, formerly=tuple(map(Secret, formerly)))


def body_of(reply: Reply) -> Any:
    return json.loads(reply.body)


# --- into a call -------------------------------------------------------------------------------------------------------


async def test_a_secret_stands_in_the_body_that_leaves_and_in_no_value_before_it() -> None:
    async with serving(answering(http())) as server, a_wire(server.url, secrets={"portal-login": VALUE}) as wire:
        with capture_logs() as logs:
            await wire.perform("billing", once(WITH_SECRET))

    assert json.loads(server.requests[0].body) == {"amount": 1.5, "login": VALUE, "deep": [{"again": VALUE}]}
    assert VALUE not in repr(WITH_SECRET)
    assert "pass" not in repr(logs)


async def test_json_that_looks_like_a_secret_by_name_leaves_as_it_is() -> None:
    call = Call(method="POST", path="/start", json={"note": {"$secret": "portal-login"}, "name": "portal-login"})

    async with serving(answering(http())) as server, a_wire(server.url, secrets={"portal-login": VALUE}) as wire:
        await wire.perform("billing", once(call))

    assert json.loads(server.requests[0].body) == call.json


async def test_a_call_that_names_a_secret_that_is_gone_is_not_sent_and_says_so() -> None:
    async with serving(answering(http())) as server, a_wire(server.url, secrets={"another": VALUE}) as wire:
        answer = await wire.perform("billing", once(WITH_SECRET))

    assert isinstance(answer, Refused)
    assert answer.meaning == "The connection billing has no secret portal-login any more, so nothing was sent."
    assert not answer.is_answer
    assert server.connected == 0


async def test_a_secret_that_is_gone_after_a_change_leaves_what_it_may_have_caused_in_doubt() -> None:
    before = Call(method="POST", path="/prepare", json={})

    async with serving(answering(http())) as server, a_wire(server.url) as wire:
        answer = await wire.perform("billing", each(before, WITH_SECRET))

    assert isinstance(answer, Unreachable)
    assert answer.is_possibly_applied
    assert server.targets == ["/prepare"]


async def test_a_call_with_a_secret_that_finds_nobody_tells_nothing_of_it() -> None:
    async with a_wire(f"http://127.0.0.1:{free_port()}", secrets={"portal-login": VALUE}) as wire:
        answer = await wire.perform("billing", once(WITH_SECRET))

    assert answer == Unreachable(is_possibly_applied=False, detail="no connection could be made")


async def test_a_secret_that_http_cannot_carry_is_told_without_it() -> None:
    async with a_wire(f"http://127.0.0.1:{free_port()}", secrets={"portal-login": "half \ud800 a character"}) as wire:
        answer = await wire.perform("billing", once(WITH_SECRET))

    assert isinstance(answer, Unreachable)
    assert "half" not in answer.detail


def test_the_name_of_a_secret_that_there_is_not_is_an_error_with_its_name_only() -> None:
    with pytest.raises(SecretGoneError, match=r"^nobody$"):
        a_vault(VALUE).plain(SecretName("nobody"))


@pytest.mark.parametrize("value", [object(), {1, 2}, Secret(VALUE)])
def test_what_is_no_json_is_refused_without_a_word_of_it(value: object) -> None:
    with pytest.raises(TypeError) as caught:
        a_vault(VALUE).plain(value)

    assert VALUE not in str(caught.value)


def test_secrets_never_show() -> None:
    assert "made-up" not in f"{a_vault(VALUE, formerly=('made-up-too',))!r}"


# --- out of a reply ----------------------------------------------------------------------------------------------------


async def test_a_provider_that_repeats_a_secret_is_read_without_it() -> None:
    echo = http(400, json.dumps({"error": f"{VALUE} is wrong", VALUE: [VALUE], "id": 5}), X_Echo="made-up-in-a-header")

    async with (
        serving(answering(echo)) as server,
        a_wire(server.url, secrets={"portal-login": VALUE, "other": "made-up-in-a-header"}) as wire,
    ):
        reply = await wire.perform("billing", once(WITH_SECRET))

    assert isinstance(reply, Reply)
    assert reply.json() == {"error": "**** is wrong", "****": ["****"], "id": 5}
    assert reply.headers["x-echo"] == "****"


async def test_a_secret_is_blanked_in_the_reply_to_a_call_that_did_not_carry_it() -> None:
    async with (
        serving(answering(http(body=json.dumps({"output": VALUE})))) as server,
        a_wire(server.url, secrets={"portal-login": VALUE}) as wire,
    ):
        reply = await wire.perform("billing", once(Call(method="GET", path="/look")))

    assert isinstance(reply, Reply)
    assert reply.json() == {"output": "****"}


@pytest.mark.parametrize(
    "body",
    [
        f"<p>{VALUE}</p>",
        "<p>made-up &quot;pass/word&quot; ü&amp;1</p>",
        "/login?password=made-up%20%22pass%2Fword%22%20%C3%BC%261",
        "/login?password=made-up+%22pass%2Fword%22+%C3%BC%261",
        r'{"broken": "made-up \"pass\/word\" \u00fc&1"',
        r'{"broken": "made-up \"pass/word\" ü&1"',
    ],
)
def test_a_secret_is_found_in_text_that_is_no_json(body: str) -> None:
    found = a_vault(VALUE).blanked(Reply(status=500, body=body)).body

    assert "****" in found
    assert "pass" not in found.replace("password=", "")


def test_a_secret_is_found_however_json_spells_its_characters() -> None:
    spelt = "".join(f"\\u{ord(char):04x}" for char in VALUE)

    reply = a_vault(VALUE).blanked(Reply(status=200, body=f'{{"said": "{spelt}", "total": 1.50}}'))

    assert reply.body == '{"said": "****", "total": 1.50}'


def test_a_secret_of_digits_is_found_as_a_number_and_leaves_json_behind() -> None:
    reply = a_vault("12345678").blanked(Reply(status=200, body='{"pin": 12345678, "total": 112345678}'))

    assert body_of(reply) == {"pin": "****", "total": 112345678}


def test_the_longer_of_two_secrets_is_blanked_whole() -> None:
    reply = a_vault("made-up-one", "made-up-one-and-more").blanked(Reply(status=200, body='["made-up-one-and-more"]'))

    assert body_of(reply) == ["****"]


def test_a_line_of_a_key_is_blanked_too() -> None:
    line = "made-up-line-of-a-key-1"

    reply = a_vault(f"-----BEGIN X-----\n{line}\n-----END X-----").blanked(Reply(status=200, body=json.dumps([f"got {line}"])))

    assert body_of(reply) == ["got ****"]


def test_a_secret_that_was_configured_before_is_still_blanked() -> None:
    before = a_vault("made-up-before")

    after = before.followed_by({"secret-0": Secret("made-up-after")}).followed_by({})

    assert after.blanked(Reply(status=200, body="made-up-before made-up-after")).body == "**** ****"
    with pytest.raises(SecretGoneError):
        after.plain(SecretName("secret-0"))


@pytest.mark.parametrize(
    "body", ['{"status": "run"}', "", "x", '{"a": "\\u0072un", "b": NaN}', "[" * 5000, '{"a\\n": 1e999999999}']
)
def test_a_reply_without_a_secret_stays_as_it_is_to_the_byte(body: str) -> None:
    reply = Reply(status=200, headers={"x": "run"}, body=body)

    assert a_vault("run", VALUE).blanked(reply) == reply
    assert Secrets(by_name=NOTHING).blanked(reply) is reply


secret_texts = st.text(st.characters(codec="utf-8"), min_size=SHORTEST_BLANKED, max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(secret_texts, values, st.booleans())
def test_json_with_a_secret_is_the_same_json_without_it(secret: str, value: Any, is_ascii: bool) -> None:
    body = json.dumps({"kept": value, "said": f"a {secret} b"}, ensure_ascii=is_ascii)

    found = body_of(a_vault(secret).blanked(Reply(status=200, body=body)))

    assert found["kept"] == json.loads(json.dumps(value))
    assert secret not in found["said"]
