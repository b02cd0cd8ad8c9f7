"""DOORS: one file per subcommand of the slash command, or family of buttons.

Found by scanning this folder: adding one edits no other. A file says what it answers to (``SUBCOMMANDS``, ``BUTTONS``, ``FORMS``,
``HAPPENINGS``) and what
each does with a use case. It holds no rule, reaches no provider and no database, and makes no words: those are in surfaces.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from commands._door import Button, Door, Entries, Form, Happening, Subcommand

__all__ = ["Button", "Door", "Entries", "Form", "Happening", "Subcommand", "load"]


def load() -> Entries:
    """What every module here that does not start with an underscore answers to, in name order."""
    subcommands: dict[str, Subcommand] = {}
    buttons: dict[str, Button] = {}
    forms: dict[str, Form] = {}
    happenings: dict[str, Happening] = {}
    for found in iter_modules(__path__):
        if found.name.startswith("_"):
            continue
        module = import_module(f"{__name__}.{found.name}")
        subcommands |= {subcommand.word: subcommand for subcommand in getattr(module, "SUBCOMMANDS", ())}
        buttons |= {button.action_id: button for button in getattr(module, "BUTTONS", ())}
        forms |= {form.callback_id: form for form in getattr(module, "FORMS", ())}
        happenings |= {happening.event_type: happening for happening in getattr(module, "HAPPENINGS", ())}
    return Entries(subcommands=subcommands, buttons=buttons, forms=forms, happenings=happenings)
