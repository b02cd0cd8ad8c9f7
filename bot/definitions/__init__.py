"""Which workflows a connection has, and which inputs they take: configuration first, then the provider's own answers, remembered.

live.py         answers questions about workflows, from what is remembered or by asking
memory.py       what was told over one connection, how old it is, and what is being asked
asking.py       the two questions that a provider is asked, and why an answer brought nothing
merging.py      what is configured over what was told; which workflow a typed word means
refreshing.py   the work that keeps what people use from growing old

What the configuration says of a workflow fills or overrides what the provider tells, field by field; ``inputs`` as a whole.
A workflow whose inputs are configured is therefore never described, and works while the provider's catalogue is down.

Why what was told is not stored: after a restart the configuration's own workflows are there at once, and the first who asks for
others waits a moment. A stored list could be of any age, and would have to be forgotten with every change of a credential.
"""

from __future__ import annotations

from bot.definitions.asking import trouble_words
from bot.definitions.live import LiveDefinitions
from bot.definitions.memory import GOOD_FOR
from bot.definitions.refreshing import Refreshing

__all__ = ["GOOD_FOR", "LiveDefinitions", "Refreshing", "trouble_words"]
