"""Searches a provider's records, so that people choose the one that they mean instead of typing its id.

Who searches is judged each time: whoever may not launch the workflow here, or whose grant lacks the scope that reading records needs,
finds nothing. Why nothing is told instead of a reason: Slack shows a search's options and no sentence, and an id can be typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bot.domain.model import Connection, Workflow
from bot.domain.policy import Asker, Deny
from bot.domain.provider import FoundRecord, FoundRecords, Provider
from bot.launching.judging import Judge
from bot.ports import Wire

PATIENCE_S = 2.0
"""Slack waits three seconds for the options of a search."""
MOST_SEARCHED = 200

_log = structlog.get_logger("gonogo.launching")


@dataclass(frozen=True, kw_only=True)
class Picking:
    """Finds records."""

    wire: Wire
    judge: Judge
    providers: Mapping[str, Provider]
    patience_s: float = PATIENCE_S

    def record_inputs(self, connection: Connection, workflow: Workflow, given: Mapping[str, str]) -> dict[str, str]:
        """The kind of record of each of the workflow's inputs that takes the id of one, as far as ``given`` tells it."""
        provider = self.providers[connection.provider]
        specs = (*provider.fixed_inputs(workflow), *(workflow.inputs or ()))
        kinds = {spec.name: provider.record_kind(spec.name, given, workflow) for spec in specs}
        return {name: kind for name, kind in kinds.items() if kind is not None}

    async def records(
        self, asker: Asker, connection: Connection, workflow: Workflow, *, kind: str, search: str
    ) -> tuple[FoundRecord, ...]:
        """Records of that kind that fit ``search``; none where this person may not see them.

        What could be an id stands for itself where the provider does not tell (soon): nobody is kept from launching by a search.
        """
        if not await self.may_see(asker, connection, workflow):
            return ()
        found = await self._found(connection, kind, search)
        text = search.strip()
        is_id = text.isascii() and text.isdigit() and int(text[:MOST_SEARCHED]) > 0
        return found or ((FoundRecord(record_id=text, title=f"{kind.capitalize()} {text}"),) if is_id else ())

    async def may_see(self, asker: Asker, connection: Connection, workflow: Workflow) -> bool:
        """Whether this person may choose among records: they may launch it here, and its grant has the scope for reading them."""
        for verb in ("launch", "records"):
            if isinstance(await self.judge.decide(verb, connection, workflow, asker), Deny):
                return False
        return True

    async def _found(self, connection: Connection, kind: str, search: str) -> tuple[FoundRecord, ...]:
        exchange = self.providers[connection.provider].records(kind, search[:MOST_SEARCHED], connection)
        try:
            async with asyncio.timeout(self.patience_s):
                answer = await self.wire.perform(connection.name, exchange)
        except TimeoutError:
            _log.info("records_not_told", connection=connection.name, answer="too late")
            return ()
        if isinstance(answer, FoundRecords):
            return answer.records
        _log.info("records_not_told", connection=connection.name, answer=type(answer).__name__)
        return ()
