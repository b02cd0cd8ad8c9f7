"""DOORS: one file per subcommand of the slash command, or family of buttons.

Found by scanning this folder: adding one edits no other. A file says what it answers to (``SUBCOMMANDS``, ``BUTTONS``, ``FORMS``,
``HAPPENINGS``, ``SHORTCUTS``, ``CHOICES``, ``SEARCHES``, ``SHEETS``) and what each does with a use case. It holds no rule, reaches
no provider and no database, and makes no words: those are in surfaces.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from commands._door import Button, Choice, Door, Entries, Form, Happening, Search, Sheet, Shortcut, Subcommand

__all__ = [
    "Button",
    "Choice",
    "Door",
    "Entries",
    "Form",
    "Happening",
    "Search",
    "Sheet",
    "Shortcut",
    "Subcommand",
    "load",
]


def load() -> Entries:
    """What every module here that does not start with an underscore answers to, in name order."""
    subcommands: dict[str, Subcommand] = {}
    buttons: dict[str, Button] = {}
    forms: dict[str, Form] = {}
    happenings: dict[str, Happening] = {}
    shortcuts: dict[str, Shortcut] = {}
    choices: dict[str, Choice] = {}
    searches: dict[str, Search] = {}
    sheets: dict[str, Sheet] = {}
    for found in iter_modules(__path__):
        if found.name.startswith("_"):
            continue
        module = import_module(f"{__name__}.{found.name}")
        subcommands |= {subcommand.word: subcommand for subcommand in getattr(module, "SUBCOMMANDS", ())}
        buttons |= {button.action_id: button for button in getattr(module, "BUTTONS", ())}
        forms |= {form.callback_id: form for form in getattr(module, "FORMS", ())}
        happenings |= {happening.event_type: happening for happening in getattr(module, "HAPPENINGS", ())}
        shortcuts |= {shortcut.callback_id: shortcut for shortcut in getattr(module, "SHORTCUTS", ())}
        choices |= {choice.action_id: choice for choice in getattr(module, "CHOICES", ())}
        searches |= {search.action_id: search for search in getattr(module, "SEARCHES", ())}
        sheets |= {sheet.callback_id: sheet for sheet in getattr(module, "SHEETS", ())}
    return Entries(
        subcommands=subcommands,
        buttons=buttons,
        forms=forms,
        happenings=happenings,
        shortcuts=shortcuts,
        choices=choices,
        searches=searches,
        sheets=sheets,
    )
