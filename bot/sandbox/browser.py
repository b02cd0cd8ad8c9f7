"""Opens the page in the person's browser, if there is one; a demo never waits for it and never fails because of it."""

from __future__ import annotations

import os
import threading
import webbrowser
from collections.abc import Callable

NONE_FOUND = "No browser was found on this machine: open that address in one."
NOT_OPENED = "The browser did not open the page: open that address yourself."


def open_browser(url: str, tell: Callable[[str], None]) -> threading.Thread:
    """Open ``url`` beside everything else; ``tell`` hears a sentence if that was not possible."""
    opening = threading.Thread(target=_open, args=(url, tell), name="browser", daemon=True)
    opening.start()
    return opening


def _open(url: str, tell: Callable[[str], None]) -> None:
    try:
        browser = webbrowser.get()
        if is_in_terminal(browser):
            tell(NONE_FOUND)
        elif not browser.open(url):
            tell(NOT_OPENED)
    except webbrowser.Error:
        tell(NONE_FOUND)
    except OSError:
        tell(NOT_OPENED)


def is_in_terminal(browser: webbrowser.BaseBrowser) -> bool:
    """Whether it would take over the terminal that shows the demo, as lynx does. One named in BROWSER is wanted."""
    return type(browser) is webbrowser.GenericBrowser and not os.environ.get("BROWSER")
