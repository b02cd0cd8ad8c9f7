"""Somebody before the page: reads, types, presses and fills in, found by roles and labels as a screen reader finds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from bot.sandbox.acting import LAUNCH_ID
from bot.sandbox.world import Sandbox
from tests.page.browsing import WIDE, Window, address, open_window


@dataclass
class Card:
    """One launch on this person's screen; ``ts`` is that of its message."""

    person: Person
    ts: str
    launch_id: str

    @property
    def node(self) -> Locator:
        """The message in the channel; those of a thread stand elsewhere."""
        return self.person.log.locator(f'article[data-ts="{self.ts}"]')

    async def says(self, word: str) -> None:
        """Wait until its heading begins with this state's word."""
        await expect(self.node.get_by_role("heading").first).to_contain_text(f"{word}:")

    async def press(self, label: str) -> None:
        """Press a button on it."""
        await self.button(label).click()

    def button(self, label: str) -> Locator:
        """A button on it, by what it reads."""
        return self.node.get_by_role("button", name=re.compile(f"^{re.escape(label)}(:| L-|$)"))

    async def open_thread(self) -> Locator:
        """Open its thread; the list of replies."""
        await self.node.get_by_role("button", name=re.compile(r"\d+ repl(y|ies)")).click()
        return self.person.thread


@dataclass
class Form:
    """The modal on top."""

    node: Locator

    def field(self, label: str) -> Locator:
        """The field with this label, whatever kind it is."""
        name = re.compile(rf"^((Choose|Search) an? )?{re.escape(label)}( \(optional\))?$", re.IGNORECASE)
        roles: tuple[Any, ...] = ("combobox", "textbox", "spinbutton", "radiogroup", "group")
        found = self.node.get_by_role(roles[0], name=name)
        for role in roles[1:]:
            found = found.or_(self.node.get_by_role(role, name=name))
        return found

    async def choose(self, label: str, wanted: str) -> None:
        """Pick from a menu by what it shows, looked for as it is typed."""
        await self.field(label).click()
        await self.field(label).fill(wanted)
        await self.option(wanted).click()
        await expect(self.node.get_by_role("option")).to_have_count(0)

    def option(self, wanted: str) -> Locator:
        """The option of the open menu that holds these words."""
        return self.node.page.get_by_role("option").filter(has_text=wanted).first

    async def write(self, values: Mapping[str, str]) -> None:
        """Type into fields, by label."""
        for label, value in values.items():
            await self.field(label).fill(value)

    async def send(self, label: str = "Launch") -> None:
        """Press the button that sends it."""
        await self.node.get_by_role("button", name=label, exact=True).click()

    async def gone(self) -> None:
        """Wait until it is closed."""
        await expect(self.node).to_have_count(0)


@dataclass
class Person:
    """One person in one browser."""

    user_id: str
    sandbox: Sandbox
    window: Window

    @property
    def page(self) -> Page:
        """The browser's page."""
        return self.window.page

    @property
    def log(self) -> Locator:
        """The messages of the channel that is shown."""
        return self.page.get_by_role("main").get_by_role("log")

    @property
    def cards(self) -> Locator:
        """Those messages of them that have a heading."""
        return self.log.get_by_role("article").filter(has=self.page.get_by_role("heading"))

    @property
    def thread(self) -> Locator:
        """The replies of the thread that is shown."""
        return self.page.get_by_role("complementary", name="Thread").get_by_role("log")

    @property
    def form(self) -> Form:
        """The modal on top."""
        return Form(self.page.get_by_role("dialog"))

    @property
    def composer(self) -> Locator:
        """Where one types in a channel."""
        return (
            self.page.get_by_role("main")
            .get_by_role("textbox", name=re.compile("^Message"))
            .or_(self.page.get_by_role("main").get_by_role("combobox", name=re.compile("^Message")))
        )

    async def go(self, at: str) -> None:
        """Open the page there, anew."""
        await self.page.goto("about:blank")
        await self.page.goto(address(self.sandbox, self.user_id, at))
        await expect(self.page.get_by_role("banner", name="Workspace")).to_contain_text("You act as")

    async def type(self, text: str) -> None:
        """Type into the composer, and send it."""
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def is_told(self, typed: str) -> None:
        """Type a command, and wait for its answer."""
        known = len(await self.launches())
        await self.type(typed)
        await expect(self.log.get_by_role("article")).to_have_count(known + 1)

    async def launch(self, typed: str) -> Card:
        """Type a command that launches; its card."""
        known = await self.launches()
        await self.type(f"/launch {typed}")
        return await self.new_card(known)

    async def launches(self) -> set[str]:
        """What stands in the channel, as ``new_card`` wants to know it."""
        await expect(self.composer).to_be_visible()
        there = await self.log.get_by_role("article").evaluate_all("all => all.map((one) => one.dataset.ts)")
        return set(there)

    async def new_card(self, known: set[str]) -> Card:
        """The card of a launch that was not there before."""
        others = "".join(f':not([data-ts="{ts}"])' for ts in sorted(known))
        card = self.log.locator(f"article{others}").filter(has=self.page.get_by_role("heading")).first
        await expect(card).to_be_visible()
        found = LAUNCH_ID.search(await card.inner_text())
        assert found is not None, "the newest message is no card"
        return Card(self, await card.get_attribute("data-ts") or "", found[0])


async def arrive(
    browser: Browser, sandbox: Sandbox, user_id: str, at: str, size: tuple[int, int] = WIDE, **settings: Any
) -> Person:
    """A person who opens the page in a browser of their own."""
    person = Person(user_id, sandbox, await open_window(browser, size, **settings))
    await person.go(at)
    return person
