"""How long `gonogo demo` takes to be ready, and a click to reach the screen: ``uv run python -m tests.page.timing``.

Printed, never asserted: a busy machine would fail what is no fault. A click is timed in the browser, from the event to the
picture that shows what the bot made of it: through page, stand-in Slack, socket, bot, Web API, and back.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from playwright.async_api import Locator, Page, expect

from tests.page.browsing import CHROMIUM, PROXIES, WHY_NOT, chromium, open_window

STARTS, CLICKS = 3, 15
WITHIN_S = 60.0
_ADDRESS = re.compile(r"The page: (http://\S+)")
_LAUNCH = 'billing "Refund approval" paymentId=1 days=14'
# From the event to the frame in which the words stand on the screen.
_TIMED = """(node, [kind, words, scope]) => new Promise((resolve) => {
  const root = document.querySelector(scope);
  const count = () => root.textContent.split(words).length;
  const before = count();
  let began = 0;
  node.addEventListener(kind, () => { began = performance.now(); }, { capture: true, once: true });
  const watching = new MutationObserver(() => {
    if (!began || count() === before) return;
    watching.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - began));
  });
  watching.observe(root, { childList: true, subtree: true, characterData: true });
  if (kind === "click") node.click();
  else node.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
})"""


@asynccontextmanager
async def demo(folder: Path) -> AsyncGenerator[tuple[str, float], None]:
    """`gonogo demo` as a process of its own: where its page is, and how many seconds it took."""
    environment = {name: value for name, value in os.environ.items() if name.lower() not in PROXIES} | {"PYTHONUNBUFFERED": "1"}
    began = perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--port", "0", "--no-browser", "--data", str(folder)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield await asyncio.wait_for(_address(process), WITHIN_S), perf_counter() - began
    finally:
        process.terminate()
        await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    said = ""
    async for line in process.stdout:
        said += line.decode()
        if found := _ADDRESS.search(said):
            return found[1]
    raise RuntimeError(f"gonogo demo ended:\n{said}")


async def clicks(page: Page, url: str) -> tuple[list[float], list[float]]:
    """Milliseconds: from Enter on a command to its answer, and from a press on Approve to the card that counts it."""
    log = page.get_by_role("main").get_by_role("log")
    commands, presses = [], []
    for _ in range(CLICKS):
        await _arrive(page, url, "U0ALICE")
        field = page.get_by_role("main").get_by_role("textbox", name=re.compile("^Message"))
        await field.fill("/launch help")
        commands.append(await _timed(field, "keydown", "Only visible to you"))
        await field.fill(f"/launch {_LAUNCH}")
        approve = log.get_by_role("button", name=re.compile("^Approve"))
        known = await approve.count()
        await field.press("Enter")
        await expect(approve).to_have_count(known + 1)
        await _arrive(page, url, "U0BOB")
        presses.append(await _timed(approve.last, "click", "1 of 2"))
    return commands, presses


async def _arrive(page: Page, url: str, user_id: str) -> None:
    await page.goto("about:blank")
    await page.goto(f"{url}#as={user_id}&at=C0TREASURY")
    await expect(page.get_by_role("main").get_by_role("log")).to_be_visible()
    await expect(page.get_by_role("heading", name="treasury", level=1)).to_be_visible()


async def _timed(node: Locator, kind: str, words: str) -> float:
    return float(await node.evaluate(_TIMED, [kind, words, "#conversation .message-list"]))


async def measure() -> None:
    """Print it all."""
    ready: list[float] = []
    for number in range(STARTS):
        with tempfile.TemporaryDirectory(prefix="gonogo-timing-") as folder:
            async with demo(Path(folder)) as (url, ready_s):
                ready.append(ready_s)
                if number < STARTS - 1 or CHROMIUM is None:
                    continue
                async with chromium() as browser:
                    window = await open_window(browser)
                    commands, presses = await clicks(window.page, url)
                    _tell("command to answer", commands, "ms")
                    _tell("press to card", presses, "ms")
    _tell("gonogo demo, start to ready", ready, "s")


def _tell(what: str, found: Sequence[float], unit: str) -> None:
    places = 0 if unit == "ms" else 2
    median, worst = statistics.median(found), max(found)
    sys.stdout.write(f"{what}: median {median:.{places}f} {unit}, worst {worst:.{places}f} {unit} (of {len(found)})\n")


if __name__ == "__main__":
    asyncio.run(measure())
    if CHROMIUM is None:
        sys.stdout.write(f"clicks were not timed: {WHY_NOT}\n")
