"""Asks about many runs by lists, for providers whose lists hold runs of other people and of long ago (Domo, Captain Data).

Why a list is left before its end: a page costs a call, as asking about one run by itself does. So pages are read while they have
told of at least as many runs as they were; what is missing then is asked about singly, and all in all no call is wasted.

Why each page is an answer of its own: ten pages take seconds where the provider's limit is near, and a run that the first one shows
as over would be told of that much later.

Why a list that is refused or broken answers for nobody: that of a single run may work, and says something about that run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from bot.domain.model import Launch
from bot.domain.provider import Busy, Call, Exchange, Reply, TrackAnswer, TrackedMany, Trouble

Page: TypeAlias = Mapping[str, TrackAnswer | None]
"""The runs of one page by id, each with what its row says; None where the row says too little."""
NOBODY: frozenset[str] = frozenset()


def by_workflow(launches: Iterable[Launch]) -> dict[str, dict[str, Launch]]:
    """Launches by workflow id, then by run id; those without a run are left out."""
    found: dict[str, dict[str, Launch]] = {}
    for launch in launches:
        if launch.run_id:
            found.setdefault(launch.workflow_id, {})[launch.run_id] = launch
    return found


def tracked(
    launches: Sequence[Launch], *, call: Callable[[str, int, int], Call], read: Callable[[Reply], Page | Trouble]
) -> Exchange[TrackedMany]:
    """Ask by one list for each workflow that has several of these runs.

    ``call`` makes the call for a page, of a workflow id, the pages and the rows before it; ``read`` reads what comes back.
    """
    wanted = {workflow_id: frozenset(runs) for workflow_id, runs in by_workflow(launches).items()}
    lists = tuple(_List(workflow_id=workflow_id, missing=runs) for workflow_id, runs in wanted.items() if len(runs) > 1)
    alone = NOBODY.union(*(runs for runs in wanted.values() if len(runs) == 1))
    return (yield from _Lists(lists=lists, alone=alone, call=call, read=read).page()) if lists else TrackedMany()


@dataclass(frozen=True, kw_only=True)
class _List:
    """One workflow's list: how far it was read, the runs of the last page, how many were told of, and which are ``missing``."""

    workflow_id: str
    missing: frozenset[str]
    pages: int = 0
    rows: int = 0
    told: int = 0
    last: frozenset[str] = NOBODY

    @property
    def is_worth_a_page(self) -> bool:
        """Whether the next page may spare more calls than it costs."""
        return bool(self.missing) and self.pages <= self.told

    def after(self, page: Page, told: int) -> _List:
        """The same, one page later."""
        return replace(
            self,
            missing=self.missing - page.keys(),
            pages=self.pages + 1,
            rows=self.rows + len(page),
            told=self.told + told,
            last=frozenset(page),
        )


@dataclass(frozen=True, kw_only=True)
class _Lists:
    """What is yet to be read, in this order. ``alone``: runs that no list is read for."""

    lists: tuple[_List, ...]
    alone: frozenset[str]
    call: Callable[[str, int, int], Call]
    read: Callable[[Reply], Page | Trouble]

    def page(self) -> Exchange[TrackedMany]:
        """Read the next page; a provider that is busy is so for all that it has not told of."""
        first, *others = self.lists
        page = self.read((yield self.call(first.workflow_id, first.pages, first.rows)))
        if isinstance(page, Busy):
            return TrackedMany(answers=dict.fromkeys(self.alone.union(*(each.missing for each in self.lists)), page))
        if not isinstance(page, Mapping) or page.keys() <= first.last:
            return TrackedMany(more=self._then(others))
        told = {run_id: answer for run_id, answer in page.items() if run_id in first.missing and answer is not None}
        following = first.after(page, len(told))
        return TrackedMany(answers=told, more=self._then([following, *others] if following.is_worth_a_page else others))

    def _then(self, lists: Sequence[_List]) -> Exchange[TrackedMany] | None:
        return replace(self, lists=tuple(lists)).page() if lists else None
