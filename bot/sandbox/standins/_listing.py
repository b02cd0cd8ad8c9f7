"""What a stand-in holds, in plain words, for whoever looks at it from outside: not what its provider's API would answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ListedInput:
    """One input of a workflow; ``type`` in the provider's own word."""

    name: str
    type: str = ""
    is_required: bool = False


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One workflow. ``remark`` says what is special about it, and how its runs end where that is not well."""

    workflow_id: str
    name: str
    inputs: tuple[ListedInput, ...] = ()
    remark: str = ""
