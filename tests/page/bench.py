"""The page's modules without a sandbox: blocks go in, and what was drawn is read back."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Route

from bot.sandbox.slack import demo
from tests.page.browsing import Window, open_window

STATIC = Path(demo.__file__).parent.parent / "page" / "static"
ORIGIN = "http://127.0.0.1:9"
_SHEETS = ("base", "shell", "messages", "forms", "panels")
_HTML = "<!doctype html><html lang='en'><title>bench</title>{}<main id='bench'></main>".format(
    "".join(f"<link rel='stylesheet' href='/page/static/css/{name}.css'>" for name in _SHEETS)
)
_KNOW = """async ([viewer, users, channels, groups]) => {
  const { store } = await import("/page/static/js/store.js");
  Object.assign(store.state, { viewer, users, channels, groups });
}"""
_DRAW = """async (all) => {
  const { drawBlocks } = await import("/page/static/js/blocks.js");
  const bench = document.getElementById("bench");
  const words = (node) => {
    const found = [], walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode.nodeValue);
    for (const one of node.querySelectorAll("*")) {
      for (const name of ["placeholder", "aria-label", "title", "alt"]) found.push(one.getAttribute(name) ?? "");
      found.push(typeof one.value === "string" ? one.value : "");
    }
    return found.join(" ");
  };
  return all.map(({ surface, blocks }) => {
    const drawn = drawBlocks(blocks, { surface, view: { view_id: "V1", content: { type: surface, blocks }, state: {}, errors: {} },
      message: { ts: "1.0", channel_id: "C1", blocks }, state: {}, errors: {}, use: async () => {}, changed: () => {}, sent: () => {} });
    bench.replaceChildren(drawn);
    const tops = [...drawn.querySelectorAll("[data-block-type]")].filter((one) => !one.parentElement.closest("[data-block-type]"));
    return {
      blocks: tops.map((one) => one.dataset.blockType),
      elements: tops.map((top) => [...top.querySelectorAll("[data-element-type]")].map((one) => one.dataset.elementType)),
      words: words(drawn),
      unknown: [...drawn.querySelectorAll(".unknown")].map((one) => one.textContent),
    };
  });
}"""


@dataclass(frozen=True)
class Drawn:
    """What stands on the page for one block list. ``elements``: types, block by block."""

    blocks: list[str]
    elements: list[list[str]]
    words: str
    unknown: list[str]


@dataclass
class Bench:
    """A blank document that has the page's modules and styles, and knows the demo's people."""

    window: Window

    async def draw(self, surface: str, blocks: Sequence[Any]) -> Drawn:
        """One block list; it stays on the bench until the next."""
        return (await self.draw_all([(surface, blocks)]))[0]

    async def draw_all(self, lists: Sequence[tuple[str, Sequence[Any]]]) -> list[Drawn]:
        """Several, one after the other."""
        sent = [{"surface": surface, "blocks": blocks} for surface, blocks in lists]
        return [Drawn(**one) for one in await self.window.page.evaluate(_DRAW, sent)]


@asynccontextmanager
async def bench(browser: Browser, **settings: Any) -> AsyncGenerator[Bench, None]:
    """A bench in a browser of its own."""
    window = await open_window(browser, **settings)
    await window.context.route(f"{ORIGIN}/**", _serve)
    await window.page.goto(f"{ORIGIN}/")
    users = [asdict(one) for one in demo.USERS]
    channels = [{**asdict(one), "members": sorted(one.members)} for one in demo.CHANNELS]
    await window.page.evaluate(_KNOW, [users[1], users, channels, [asdict(one) for one in demo.GROUPS]])
    yield Bench(window)
    await window.context.close()


async def _serve(route: Route) -> None:
    """The package's files, as they are."""
    path = route.request.url.removeprefix(f"{ORIGIN}/page/static/")
    if path == f"{ORIGIN}/":
        await route.fulfill(body=_HTML, content_type="text/html; charset=utf-8")
    elif (STATIC / path).is_file():
        await route.fulfill(body=(STATIC / path).read_bytes(), content_type=mimetypes.guess_type(path)[0] or "text/plain")
    else:
        await route.fulfill(status=404, body="")
