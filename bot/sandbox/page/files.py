"""The page's own files, from the package: HTML, modules, styles, pictures; nothing else and from nowhere else."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from bot.sandbox.page.doors import guarded

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
TEXTS = frozenset({".html", ".css", ".js", ".json", ".svg"})


def routes() -> list[web.RouteDef]:
    """The page itself, and its files."""
    return [
        web.get("/", guarded(_index)),
        web.get("/page/static/{path:.*}", guarded(_file)),
        web.get("/favicon.ico", guarded(_icon)),
    ]


async def _index(_request: web.Request) -> web.StreamResponse:
    return _found("index.html")


async def _file(request: web.Request) -> web.StreamResponse:
    return _found(request.match_info["path"])


async def _icon(_request: web.Request) -> web.StreamResponse:
    return _found("icon.svg")


def _found(name: str) -> web.Response:
    """One file, read anew each time: whoever works on the page reloads it and sees the change."""
    try:
        path = (STATIC / name).resolve()
        if not path.is_relative_to(STATIC.resolve()) or path.suffix not in TYPES:
            raise FileNotFoundError(name)
        body = path.read_bytes()
    except (OSError, ValueError):
        raise web.HTTPNotFound(text="the page has no such file\n") from None
    charset = "utf-8" if path.suffix in TEXTS else None
    return web.Response(body=body, content_type=TYPES[path.suffix], charset=charset)
