from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tests.commands.bolt import Bolt, bolt_app
from tests.commands.why_world import the_doors


@pytest.fixture
async def bolt() -> AsyncGenerator[Bolt, None]:
    """The doors of one bot, as Bolt opens them."""
    async with the_doors() as doors:
        yield Bolt(doors, bolt_app(doors.door))
