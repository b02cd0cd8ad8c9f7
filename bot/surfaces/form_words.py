"""The sentences about the form itself; ``words`` has those about what was typed into it."""

from __future__ import annotations

from collections.abc import Mapping

_TYPE = "It begins with {command} {typed}, and each input follows as name=value."
_CHANGE = "Whoever runs Gonogo here can change that in its configuration."

FORM: Mapping[str, tuple[str, ...]] = {
    "too_many_inputs": (
        "{workflow:q} takes {count} inputs, and a form holds {most} at most: type the command instead.",
        _TYPE,
    ),
    "form_too_large": (
        "What {workflow:q} takes is too much text for one form: type the command instead.",
        _TYPE,
    ),
    "inputs_unknown": (
        "Nobody tells which inputs {workflow:q} takes, so there is no form for it.",
        "Whoever runs Gonogo here can name them in its configuration.",
    ),
    "input_not_asked": (
        "The input {name:q} is required, and nobody can give it in this form: {because}.",
        _CHANGE,
    ),
    "nothing_to_choose": ("There is nothing here that you may launch.", "You chose {connection:q}.", _CHANGE),
    # an earlier launch, and what the workflow takes today
    "again_dropped": ("The workflow has no input {name:q} any more: its earlier value {typed:q} is left out.",),
    "again_new": ("The input {name:q} is new, and it is required.",),
    "again_changed": ("The input {name:q} changed: it takes {expected} now.", "Its earlier value was {typed:q}."),
    "again_refused": ("The earlier value {typed:q} of {name:q} is not allowed here any more.",),
    "again_filled_in": ("The input {name:q} is filled in here now: {allowed:q}.", "Its earlier value was {typed:q}."),
    "again_hidden": ("The input {name:q} is no longer asked for here: its earlier value {typed:q} is left out.",),
    "again_too_long": ("The earlier value of {name:q} is too long for a form: type it in the command.",),
}
