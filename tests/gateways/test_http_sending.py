from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.provider import Call, Reply, Unreachable
from bot.domain.reading import path_part
from bot.gateways.http_sending import LARGEST_REPLY_BYTES
from tests.gateways.wire_world import (
    KEY,
    LOOK,
    START,
    Line,
    Request,
    TcpServer,
    a_wire,
    answering,
    free_port,
    hangs,
    hangs_up,
    http,
    once,
    serving,
)

CHANGING = [START, Call(method="PUT", path="/stop"), Call(method="DELETE", path="/run"), Call(method="PATCH", path="/run")]


def named(call: Call) -> str:
    return call.method


def lost(detail: str) -> Unreachable:
    return Unreachable(is_possibly_applied=True, detail=detail)


def not_sent(detail: str) -> Unreachable:
    return Unreachable(is_possibly_applied=False, detail=detail)


async def closes_unread(line: Line) -> None:
    """Accepts, and hangs up before it reads."""


async def resets(line: Line) -> None:
    await line.read()
    line.reset()


async def resets_unread(line: Line) -> None:
    line.reset()


async def half_a_status(line: Line) -> None:
    await line.read()
    await line.write(b"HTTP/1.1 20")


async def half_a_header(line: Line) -> None:
    await line.read()
    await line.write(b"HTTP/1.1 200 OK\r\nContent-Ty")


async def half_a_body(line: Line) -> None:
    await line.read()
    await line.write(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"id": 400, "stat')


async def half_a_chunk(line: Line) -> None:
    await line.read()
    await line.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"id": 4')


async def a_refusal_with_half_a_body(line: Line) -> None:
    await line.read()
    await line.write(b'HTTP/1.1 400 Bad\r\nContent-Length: 900\r\n\r\n{"err')


async def no_http(line: Line) -> None:
    await line.read()
    await line.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


async def a_header_without_end(line: Line) -> None:
    await line.read()
    await line.write(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 200_000, b"\r\n\r\n")


async def a_bad_length(line: Line) -> None:
    await line.read()
    await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}")


async def resets_in_the_body(line: Line) -> None:
    await line.read()
    await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")
    await asyncio.sleep(0.05)
    line.reset()


BREAKS = [
    closes_unread,
    hangs_up,
    resets,
    resets_unread,
    half_a_status,
    half_a_header,
    half_a_body,
    half_a_chunk,
    a_refusal_with_half_a_body,
    no_http,
    a_header_without_end,
    a_bad_length,
    resets_in_the_body,
]


async def trickles_a_header(line: Line) -> None:
    await line.read()
    await line.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await line.write(b"X: y\r\n")
        await asyncio.sleep(0.02)


async def trickles_a_body(line: Line) -> None:
    await line.read()
    await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await line.write(b" ")
        await asyncio.sleep(0.02)


async def stops_in_the_body(line: Line) -> None:
    await line.read()
    await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
    await line.wait_for_end()


STALLS = [hangs, trickles_a_header, trickles_a_body, stops_in_the_body]


# --- lost or never sent ---


@pytest.mark.parametrize("call", CHANGING, ids=named)
@pytest.mark.parametrize("behaviour", BREAKS)
async def test_a_connection_that_breaks_once_it_stands_may_have_carried_the_call(behaviour: Any, call: Call) -> None:
    async with serving(behaviour) as server, a_wire(server.url) as wire:
        answer = await wire.perform("billing", once(call))

    assert answer == lost("the connection broke before an answer came")
    assert server.connected == 1


@pytest.mark.parametrize("call", CHANGING, ids=named)
@pytest.mark.parametrize("behaviour", STALLS)
async def test_an_answer_that_does_not_come_in_time_may_have_been_carried(behaviour: Any, call: Call) -> None:
    started = time.monotonic()
    async with serving(behaviour) as server, a_wire(server.url, timeout_s=0.15) as wire:
        answer = await wire.perform("billing", once(call))

    assert answer == lost("no answer in time")
    assert (server.connected, time.monotonic() - started < 5) == (1, True)


@pytest.mark.parametrize("behaviour", [*BREAKS, *STALLS])
async def test_a_read_whose_answer_was_lost_has_applied_nothing(behaviour: Any) -> None:
    async with serving(behaviour) as server, a_wire(server.url, timeout_s=0.15) as wire:
        answer = await wire.perform("billing", once(LOOK))

    assert isinstance(answer, Unreachable)
    assert not answer.is_possibly_applied


@pytest.mark.parametrize("call", [*CHANGING, LOOK], ids=named)
async def test_a_refused_connection_has_carried_nothing(call: Call) -> None:
    async with a_wire(f"http://127.0.0.1:{free_port()}") as wire:
        answer = await wire.perform("billing", once(call))

    assert answer == not_sent("no connection could be made")


async def test_a_name_that_nobody_knows_has_carried_nothing() -> None:
    async with a_wire("http://nowhere.invalid", timeout_s=0.5) as wire:
        answer = await wire.perform("billing", once(START))

    assert answer == not_sent("no connection could be made")


@pytest.mark.parametrize("host", ["api..example.com", f"{'a' * 64}.example.com", ".example.com"])
async def test_a_name_that_cannot_be_one_has_carried_nothing(host: str) -> None:
    async with a_wire(f"http://{host}", timeout_s=0.5) as wire:
        answer = await wire.perform("billing", once(START))

    assert answer == not_sent("no connection could be made")


@pytest.mark.parametrize("behaviour", [closes_unread, hangs, answering(http())])
async def test_without_an_encrypted_connection_nothing_is_carried(behaviour: Any) -> None:
    async with serving(behaviour) as server, a_wire(server.url.replace("http:", "https:"), timeout_s=0.2) as wire:
        answer = await wire.perform("billing", once(START))

    assert answer == not_sent("no connection could be made")
    assert server.requests == []


async def test_a_stop_is_never_carried_twice_even_if_the_server_goes_away_between_the_tries() -> None:
    """A try after the lost one would meet "connection refused", which looks as if nothing had been sent."""

    async def once_only(line: Line) -> None:
        await line.read()
        line.reset()

    async with serving(once_only) as server, a_wire(server.url) as wire:
        answer = await wire.perform("billing", once(Call(method="DELETE", path="/run")))

    assert answer == lost("the connection broke before an answer came")
    assert server.targets == ["/run"]


async def test_a_start_never_goes_out_on_a_connection_that_was_used_before() -> None:
    async with serving(answering(http())) as server, a_wire(server.url) as wire:
        for _ in range(3):
            await wire.perform("billing", once(START))

    assert (len(server.requests), server.connected) == (3, 3)


async def test_reads_share_a_connection() -> None:
    async with serving(answering(http())) as server, a_wire(server.url) as wire:
        for _ in range(3):
            await wire.perform("billing", once(LOOK))

    assert (len(server.requests), server.connected) == (3, 1)


@pytest.mark.parametrize(
    "location",
    ["http://", "http://[::1", "https:///x", "//", "mailto:x", "http://h:99999999/", "\x7f", "http://exa mple/", "%zz", "é"],
)
async def test_no_odd_address_to_go_to_makes_a_start_look_unsent(location: str) -> None:
    async with serving(answering(http(302, "", Location=location))) as server, a_wire(server.url) as wire:
        answer = await wire.perform("billing", once(START))

    assert server.targets == ["/start"]
    assert answer == lost("the connection broke before an answer came") or answer.status == 302


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Set-Cookie", "=;;;\x01; expires=never; domain=.; max-age=NaN"),
        ("Content-Type", "application/json; charset=hex"),
        ("Content-Type", "text/html; charset=idna"),
        ("Content-Type", "\xff"),
        ("Retry-After", "Ω"),
        ("Content-Encoding", "gzip, gzip, gzip"),
        ("Content-Encoding", "br"),
        ("Content-Encoding", ""),
        ("Date", "yesterday"),
        ("Link", "<>; rel="),
    ],
)
async def test_no_odd_header_makes_the_wire_raise(name: str, value: str) -> None:
    async with serving(answering(http(200, "{}", **{name: value}))) as server, a_wire(server.url) as wire:
        answer = await wire.perform("billing", once(START))

    assert isinstance(answer, Reply)
    assert answer.status == 200


@given(st.binary(max_size=200))
def test_no_bytes_make_the_wire_raise_or_a_start_look_unsent(noise: bytes) -> None:
    async def send() -> Any:
        async def behave(line: Line) -> None:
            await line.read()
            await line.write(b"HTTP/1.1 200 OK\r\n", noise)

        async with serving(behave) as server, a_wire(server.url) as wire:
            return await wire.perform("billing", once(START))

    answer = asyncio.run(send())

    assert isinstance(answer, Reply) or answer.is_possibly_applied


# --- what goes out ---


async def arrived(call: Call, base_path: str = "") -> Request:
    async with serving(answering(http())) as server, a_wire(server.url + base_path) as wire:
        answer = await wire.perform("billing", once(call))

    assert answer.status == 200
    (request,) = server.requests
    return request


async def test_decimals_leave_digit_by_digit() -> None:
    values = {"amount": Decimal("5.00"), "tiny": Decimal("0.10"), "whole": 7, "on": True, "none": None, "text": "5.00"}
    request = await arrived(Call(method="POST", path="/start", json=values))

    assert request.body == b'{"amount": 5.00, "tiny": 0.10, "whole": 7, "on": true, "none": null, "text": "5.00"}'
    assert request.headers["content-type"] == "application/json"


async def test_text_of_any_script_leaves_as_json_takes_it() -> None:
    request = await arrived(Call(method="POST", path="/start", json={"text": 'Ω "\n\ud800'}))

    assert request.body == rb'{"text": "\u03a9 \"\n\ud800"}'


async def test_an_empty_object_is_a_body_and_no_json_is_none() -> None:
    empty, none = await arrived(Call(method="POST", path="/a", json={})), await arrived(Call(method="POST", path="/a"))

    assert (empty.body, empty.headers["content-type"]) == (b"{}", "application/json")
    assert (none.body, "content-type" in none.headers, none.headers.get("content-length")) == (b"", False, "0")


async def test_a_form_leaves_as_a_form() -> None:
    request = await arrived(Call(method="POST", path="/token", form={"grant_type": "a b&c=d", "scope": "é"}))

    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(request.body.decode())) == {"grant_type": "a b&c=d", "scope": "é"}


async def test_a_call_keeps_its_own_headers() -> None:
    request = await arrived(Call(method="POST", path="/start", headers={"Idempotency-Key": "L-7K3QW", "Accept": "text/plain"}))

    assert (request.headers["idempotency-key"], request.headers["accept"]) == ("L-7K3QW", "text/plain")
    assert (request.headers["authorization"], request.headers["user-agent"]) == (f"Bearer {KEY}", "gonogo")


@pytest.mark.parametrize("base_path", ["", "/", "/tenant/v1", "/tenant/v1/"])
async def test_the_path_of_the_base_url_stands_before_that_of_the_call(base_path: str) -> None:
    request = await arrived(LOOK, base_path)

    assert request.target == f"{base_path.rstrip('/')}/look"


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=12), min_size=1, max_size=4))
def test_every_query_arrives_as_it_was_meant_or_not_at_all(query: dict[str, str]) -> None:
    async def send() -> tuple[Any, TcpServer]:
        async with serving(answering(http())) as server, a_wire(server.url) as wire:
            return await wire.perform("billing", once(Call(method="GET", path="/query", query=query))), server

    answer, server = asyncio.run(send())

    if isinstance(answer, Unreachable):
        assert (answer, server.requests) == (not_sent("the call could not be written (UnicodeEncodeError)"), [])
    else:
        _, _, arrived_query = server.targets[0].partition("?")
        assert dict(parse_qsl(arrived_query, keep_blank_values=True)) == query


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_no_part_of_a_path_leads_elsewhere(part: str) -> None:
    async def send() -> tuple[Any, TcpServer]:
        async with serving(answering(http())) as server, a_wire(server.url) as wire:
            return await wire.perform("billing", once(Call(method="GET", path=f"/v3/{path_part(part)}/start"))), server

    answer, server = asyncio.run(send())

    if isinstance(answer, Unreachable):
        assert (answer.detail, server.requests) == ("the call could not be written (ValueError)", [])
    else:
        before, *_, after = server.targets[0].split("/")[1:]
        assert (before, after, server.targets[0].count("/")) == ("v3", "start", 3)


async def test_an_address_that_was_used_before_takes_no_other_call_with_it() -> None:
    """Addresses are kept as they were parsed; what was refused is refused again."""
    queries: list[dict[str, str]] = [{}, {"page": "1"}, {"page": "2"}, {}, {"page": "1"}]

    async with (
        serving(answering(http())) as one,
        serving(answering(http())) as two,
        a_wire(one.url) as wire,
        a_wire(two.url) as other,
    ):
        for query in queries:
            await wire.perform("billing", once(Call(method="GET", path="/runs", query=query)))
        await other.perform("billing", once(Call(method="GET", path="/runs")))
        refused = [await wire.perform("billing", once(Call(method="GET", path="/runs/.."))) for _ in range(2)]

    assert one.targets == ["/runs", "/runs?page=1", "/runs?page=2", "/runs", "/runs?page=1"]
    assert (two.targets, refused) == (["/runs"], [not_sent("the call could not be written (ValueError)")] * 2)


@pytest.mark.parametrize("path", ["/v3/%2E%2E/start", "/v3/../start", "/v3/%2e./start", "/v3/./start", "/v3/.."])
async def test_a_path_that_leads_upwards_is_not_sent(path: str) -> None:
    async with serving(answering(http())) as server, a_wire(server.url) as wire:
        answer = await wire.perform("billing", once(Call(method="POST", path=path)))

    assert (answer, server.connected) == (not_sent("the call could not be written (ValueError)"), 0)


@pytest.mark.parametrize("json", [{"a": Decimal("NaN")}, {"a": float("inf")}, {"a": object()}, {"a": {"b"}}])
async def test_what_is_no_json_is_not_sent(json: Any) -> None:
    async with serving(answering(http())) as server, a_wire(server.url) as wire:
        answer = await wire.perform("billing", once(Call(method="POST", path="/start", json=json)))

    assert not answer.is_possibly_applied
    assert server.connected == 0


@pytest.mark.parametrize("key", ["line\nbreak", "carriage\rreturn", "nul\0", "ключ", "half \ud800"])
async def test_a_secret_that_no_header_can_hold_is_neither_sent_nor_told(key: str) -> None:
    async with serving(answering(http())) as server, a_wire(server.url, key=key) as wire:
        answer = await wire.perform("billing", once(START))

    assert answer.detail.startswith("the call could not be written")
    assert (key in repr(answer), answer.is_possibly_applied, server.connected) == (False, False, 0)


# --- what comes in ---


async def replied(answer: bytes, call: Call = LOOK) -> Any:
    async with serving(answering(answer)) as server, a_wire(server.url, timeout_s=5) as wire:
        return await wire.perform("billing", once(call))


async def test_a_reply_comes_with_status_lower_case_headers_and_body() -> None:
    reply = await replied(http(201, '{"id": 400}', X_Request_Id="abc", Retry_After="12"))

    assert (reply.status, reply.body, reply.headers["x-request-id"], reply.headers["retry-after"]) == (
        201,
        '{"id": 400}',
        "abc",
        "12",
    )


async def test_a_reply_may_have_headers_as_long_as_servers_write_them() -> None:
    """Eight kilobytes, aiohttp's own limit, leave a start in doubt that told of its run."""
    reply = await replied(http(201, '{"id": 400}', Content_Security_Policy="x" * 60_000), START)

    assert (reply.status, reply.body) == (201, '{"id": 400}')


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("Ω".encode(), "application/json"),
        ("Ω".encode(), "application/json; charset=iso-8859-1"),
        ("Ω".encode(), "application/json; charset=utf-16"),
        (b"\xef\xbb\xbf" + "Ω".encode(), "application/json"),
    ],
)
async def test_a_body_is_utf_8_whatever_its_header_says(body: bytes, content_type: str) -> None:
    assert (await replied(http(200, body, Content_Type=content_type))).body == "Ω"


async def test_bytes_that_are_no_text_become_question_marks() -> None:
    assert (await replied(http(200, b'{"name": "\xe9"}'))).object() == {"name": "\N{REPLACEMENT CHARACTER}"}


async def test_a_packed_body_is_unpacked() -> None:
    reply = await replied(http(200, gzip.compress(b'{"id": 400}', mtime=0), Content_Encoding="gzip"))

    assert reply.json() == {"id": 400}


async def test_only_packing_that_we_can_undo_is_asked_for() -> None:
    assert (await arrived(LOOK)).headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress(b'{"id": 400}', mtime=0)[:-9], "gzip"),
        (b'{"id": 400}', "gzip"),
        (gzip.compress(gzip.compress(b'{"id": 400}', mtime=0), mtime=0), "gzip, gzip"),
        (zlib.compress(b'{"id": 400}'), "deflate"),
        (b'{"id": 400}', "br"),
    ],
)
async def test_a_body_that_cannot_be_unpacked_is_unreadable_but_its_status_stands(body: bytes, coding: str) -> None:
    reply = await replied(http(403, body, Content_Encoding=coding))

    assert (reply.status, reply.body) == (403, "")


async def test_the_largest_body_is_read_whole() -> None:
    reply = await replied(http(200, b" " * LARGEST_REPLY_BYTES))

    assert len(reply.body) == LARGEST_REPLY_BYTES


@pytest.mark.parametrize("pack", [lambda body: body, gzip.compress], ids=["plain", "packed"])
async def test_a_body_past_the_limit_is_unreadable(pack: Any) -> None:
    body = pack(b'"' + b" " * LARGEST_REPLY_BYTES + b'"')
    coding = {} if body.startswith(b'"') else {"Content_Encoding": "gzip"}

    assert (await replied(http(200, body, **coding))).body == ""


@pytest.fixture
def memory() -> Iterator[None]:
    """What is read may take a few times the limit, and no more."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * LARGEST_REPLY_BYTES


async def test_a_packed_bomb_does_not_explode(memory: None) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(500)) + packer.flush()

    assert (await replied(http(200, bomb, Content_Encoding="gzip"))).body == ""


async def endless(line: Line, part: bytes, head: bytes = b"") -> None:
    await line.read()
    await line.write(b"HTTP/1.1 200 OK\r\n", head, b"\r\n")
    while True:
        await line.write(part)


async def test_an_endless_body_is_cut_off(memory: None) -> None:
    async with serving(lambda line: endless(line, b" " * 65536)) as server, a_wire(server.url, timeout_s=20) as wire:
        reply = await wire.perform("billing", once(LOOK))

    assert (reply.status, reply.body) == (200, "")


async def test_endless_rubbish_behind_a_packed_body_is_cut_off() -> None:
    head = b"Content-Encoding: gzip\r\n"
    part = gzip.compress(b"{}") + b"\0" * 65536

    async with serving(lambda line: endless(line, part, head)) as server, a_wire(server.url, timeout_s=20) as wire:
        reply = await wire.perform("billing", once(LOOK))

    assert (reply.status, reply.body) == (200, "")


# --- where the credential goes ---


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", [START, LOOK], ids=named)
async def test_nobody_is_followed_elsewhere(status: int, call: Call) -> None:
    async with serving(answering(http())) as elsewhere:
        location = f"{elsewhere.url}/steal"
        async with serving(answering(http(status, "", Location=location))) as server, a_wire(server.url) as wire:
            reply = await wire.perform("billing", once(call))

    assert (reply.status, elsewhere.connected) == (status, 0)


async def test_cookies_are_not_kept() -> None:
    cookie = http(200, "{}", Set_Cookie="session=stolen; Path=/")
    async with serving(answering(cookie)) as server, a_wire(server.url) as wire:
        for call in (START, LOOK, START, LOOK):
            await wire.perform("billing", once(call))

    assert [request.headers.get("cookie") for request in server.requests] == [None] * 4


async def test_the_machine_s_proxies_do_not_get_the_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering(http())) as proxy, serving(answering(http())) as server:
        for name in ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with a_wire(server.url) as wire:
            await wire.perform("billing", once(LOOK))

    assert (proxy.connected, server.targets) == (0, ["/look"])
