"""Who is let in to the page, what it serves, and under which headers."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.page import files
from tests.sandbox.page_world import House, a_house
from tests.sandbox.slack_bots import ALICE, FINANCE

STATIC = files.STATIC
PATHS = [
    "/",
    "/page/static/js/main.js",
    "/page/events",
    "/page/providers",
    "/page/scenarios",
    "/page/act/say",
    "/page/bot",
    "/page/no",
]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as one:
        yield one


def _verb(path: str) -> str:
    return "POST" if "/act/" in path or path.endswith("/bot") else "GET"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}, {"Origin": "http://127.0.0.1:1"}],
)
@pytest.mark.parametrize("path", PATHS)
async def test_pages_from_elsewhere_are_refused(house: House, path: str, headers: dict[str, str]) -> None:
    async with house.session.request(_verb(path), house.url + path, headers=headers) as reply:
        assert reply.status == 403
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_forbids_what_the_page_does_not_need(house: House, path: str) -> None:
    async with house.session.request(_verb(path), house.url + path) as reply:
        policy = reply.headers["Content-Security-Policy"]

        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(
            policy.split("; ")
        )
        assert "unsafe" not in policy
        assert "http" not in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", sorted(path for path in STATIC.rglob("*") if path.is_file()), ids=lambda path: path.name)
async def test_each_file_of_the_page_is_served_as_what_it_is(house: House, path: Path) -> None:
    expected = await asyncio.to_thread(path.read_bytes)
    async with house.session.get(f"{house.url}/page/static/{path.relative_to(STATIC)}") as reply:
        assert (reply.status, reply.content_type) == (200, files.TYPES[path.suffix])
        assert await reply.read() == expected


async def test_the_address_itself_is_the_page(house: House) -> None:
    async with house.session.get(f"{house.url}/") as reply:
        assert (reply.status, reply.content_type, reply.charset) == (200, "text/html", "utf-8")
        assert await reply.text() == (STATIC / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "../__init__.py",
        "..%2f__init__.py",
        "%2e%2e/%2e%2e/world.py",
        "/etc/passwd",
        "//etc/passwd",
        "js/../../doors.py",
        "js",
        "",
        "nope.js",
        "%00.js",
        "x" * 5000 + ".js",
    ],
)
async def test_nothing_but_the_pages_files_is_served(house: House, name: str) -> None:
    from yarl import URL  # noqa: PLC0415 - only here: a path as it is typed, not tidied up

    async with house.session.get(URL(f"{house.url}/page/static/{name}", encoded=True)) as reply:
        assert reply.status == 404
        assert "import" not in await reply.text()


async def test_a_link_that_leads_out_is_no_file_of_the_page(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "secret.js").write_text("secret", encoding="utf-8")
    (tmp_path / "static" / "out.js").symlink_to(tmp_path / "secret.js")
    monkeypatch.setattr(files, "STATIC", tmp_path / "static")

    async with house.session.get(f"{house.url}/page/static/out.js") as reply:
        assert reply.status == 404


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{}", "text/plain", 415),
        ("[]", "application/json", 400),
        ("{", "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ("{}", "application/json", 400),
        ('{"user": 3}', "application/json", 400),
        ('{"user": "U0ALICE", "channel": "C0FINANCE", "text": "\\ud800"}', "application/json", 400),
    ],
)
async def test_what_is_no_act_is_refused_in_a_sentence(house: House, body: str, kind: str, status: int) -> None:
    headers = {"content-type": kind}
    async with house.session.post(f"{house.url}/page/act/say", data=body, headers=headers) as reply:
        told = await reply.json()

    assert (reply.status, told["ok"]) == (status, False)
    assert told["error"]
    assert house.workspace.messages(FINANCE) == []


async def test_an_act_that_there_is_not_is_named(house: House) -> None:
    status, told = await house.browser(ALICE).act("fly")

    assert (status, told["error"]) == (404, "the page has no POST /page/act/fly")


async def test_too_much_at_once_is_refused(house: House) -> None:
    body = io.BytesIO(b'{"text": "' + b"x" * 9_000_000 + b'"}')
    headers = {"content-type": "application/json"}
    async with house.session.post(f"{house.url}/page/act/say", data=body, headers=headers) as reply:
        told = await reply.json()

    assert (reply.status, told["ok"]) == (413, False)


async def test_the_wheel_holds_the_pages_files() -> None:
    """Hatch packs what lies in the package, unless git ignores it."""
    ignored = (Path(__file__).parents[2] / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert [path for path in STATIC.rglob("*") if f"*{path.suffix}" in ignored and path.suffix] == []
    assert STATIC.is_relative_to(Path(files.__file__).parent)
