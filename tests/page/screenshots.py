"""Pictures of the page, taken from the page itself.

``uv run python -m tests.page.screenshots`` writes README's into docs/pictures; ``--all FOLDER`` writes every view there, to be
looked at one by one.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, expect

from bot.sandbox.world import Sandbox
from tests.page.browsing import CHROMIUM, NARROW, SETTLED, WHY_NOT, WIDE, chromium
from tests.page.person import Person, arrive
from tests.page.smaller import smaller
from tests.page.stage import stage
from tests.page.views import CAROL, DAVE, FINANCE, SALES, TREASURY, VIEWS, Story, ask, tell

PICTURES = Path(__file__).parent.parent.parent / "docs" / "pictures"
MOST_BYTES = 150_000
SCHEMES = ("light", "dark")
README_SIZE = (1200, 780)
RUN_S = 2.5
PLAYED_WITHIN_MS = 30_000


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What stands on it, and who looks at it where."""

    name: str
    view: Callable[[Person, Story], Awaitable[None]]
    user_id: str = CAROL
    at: str = TREASURY
    size: tuple[int, int] = WIDE


async def _card_in_doubt(person: Person, story: Story) -> None:
    await story.seen_by(person, story.in_doubt).says("In doubt")


async def _cards_that_ended(person: Person, story: Story) -> None:
    await story.seen_by(person, story.failed).says("Failed")


async def _caption(person: Person, story: Story) -> None:
    await VIEWS["scenarios"](person, story)
    button = person.page.get_by_role("button", name="A guest may launch nothing")
    await expect(button).to_be_enabled(timeout=PLAYED_WITHIN_MS)
    await button.click()
    await expect(person.page.get_by_role("region", name="Scenario")).to_be_visible()


async def _asked(person: Person, story: Story) -> None:
    await story.seen_by(person, story.awaiting).says("Awaiting approval")
    await expect(story.seen_by(person, story.awaiting).node).to_contain_text("1 of 2")


async def _agreed(person: Person, story: Story) -> None:
    """The second yes comes while somebody looks; the other colours find it said."""
    card = story.seen_by(person, story.awaiting)
    if await card.button("Approve").count():
        await card.press("Approve")
    await card.says("Succeeded")
    await expect((await card.open_thread()).get_by_role("article").last).to_contain_text("Succeeded")


README = (
    Picture(name="approval", view=_asked, user_id=CAROL, size=README_SIZE),
    Picture(name="thread", view=_agreed, user_id=DAVE, size=README_SIZE),
)
ALL = (
    *(Picture(name=name.replace(" ", "-"), view=view) for name, view in VIEWS.items()),
    Picture(name="in-doubt", view=_card_in_doubt, at=SALES),
    Picture(name="ended", view=_cards_that_ended, at=FINANCE),
    Picture(name="caption", view=_caption),
    *(Picture(name=f"narrow-{name}", view=VIEWS[name], size=NARROW) for name in ("channel", "thread", "form", "errors", "home")),
)


async def take(pictures: Sequence[Picture], folder: Path, begin: Callable[[Sandbox], Awaitable[Story]]) -> list[Path]:
    """Take them, light and dark; the files."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gonogo-pictures-") as data:
        async with stage(Path(data), run_s=RUN_S) as sandbox, chromium() as browser:
            story = await begin(sandbox)
            return [await _taken(browser, story, one, scheme, folder) for one in pictures for scheme in SCHEMES]


async def _taken(browser: Browser, story: Story, picture: Picture, scheme: str, folder: Path) -> Path:
    person = await arrive(browser, story.sandbox, picture.user_id, picture.at, size=picture.size, color_scheme=scheme)
    await picture.view(person, story)
    await person.page.mouse.move(0, 0)
    await person.page.evaluate(SETTLED)
    png = await person.page.screenshot(animations="disabled", caret="hide")
    await person.window.context.close()
    story.sandbox.slack.workspace.views.clear(person.user_id, story.sandbox.slack.people.clock.now())
    path = folder / f"{picture.name}-{scheme}.png"
    await asyncio.to_thread(lambda: path.write_bytes(smaller(png) if picture in README else png))
    return path


def main() -> int:
    """Take what is asked for, and say how large it became."""
    reader = argparse.ArgumentParser(description="Pictures of the sandbox's page.")
    reader.add_argument("--all", type=Path, metavar="FOLDER", help="every view, into this folder")
    folder = reader.parse_args().all
    if CHROMIUM is None:
        sys.stderr.write(f"{WHY_NOT}\n")
        return 2
    taken = asyncio.run(take(ALL, folder, tell) if folder else take(README, PICTURES, ask))
    sizes = {path: path.stat().st_size for path in taken}
    sys.stdout.writelines(f"{size / 1000:6.0f} kB  {path}\n" for path, size in sizes.items())
    return 1 if not folder and max(sizes.values()) > MOST_BYTES else 0


if __name__ == "__main__":
    raise SystemExit(main())
