"""The page is opened in the person's browser, where there is one that does not take the terminal."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable

import pytest

from bot.sandbox.browser import NONE_FOUND, NOT_OPENED, is_in_terminal, open_browser

URL = "http://127.0.0.1:8460/"


class Window(webbrowser.BaseBrowser):
    """A browser that keeps what it was asked to open."""

    def __init__(self, opens: Callable[[], bool]) -> None:
        super().__init__()
        self.opened: list[str] = []
        self._opens = opens

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.opened.append(url)
        return self._opens()


def _fails() -> bool:
    raise OSError("no display")


def _told(monkeypatch: pytest.MonkeyPatch, get: Callable[[], webbrowser.BaseBrowser]) -> list[str]:
    monkeypatch.setattr(webbrowser, "get", get)
    told: list[str] = []
    open_browser(URL, told.append).join(5)
    return told


@pytest.mark.parametrize(("opens", "told"), [(lambda: True, []), (lambda: False, [NOT_OPENED]), (_fails, [NOT_OPENED])])
def test_a_browser_opens_the_page_or_that_is_said(
    monkeypatch: pytest.MonkeyPatch, opens: Callable[[], bool], told: list[str]
) -> None:
    window = Window(opens)

    assert _told(monkeypatch, lambda: window) == told
    assert window.opened == [URL]


def test_a_machine_without_a_browser_is_told_to_use_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> webbrowser.BaseBrowser:
        raise webbrowser.Error("could not locate runnable browser")

    assert _told(monkeypatch, none) == [NONE_FOUND]


def test_a_browser_in_the_terminal_is_left_alone_unless_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    assert _told(monkeypatch, lambda: webbrowser.GenericBrowser("false")) == [NONE_FOUND]
    assert not is_in_terminal(webbrowser.BackgroundBrowser("xdg-open"))

    monkeypatch.setenv("BROWSER", "true")
    assert _told(monkeypatch, lambda: webbrowser.GenericBrowser("true")) == []
