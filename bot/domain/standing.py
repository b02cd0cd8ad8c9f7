"""What is in force: policy and connections, replaced as a whole when the configuration is read anew.

The one value that changes under everybody's hands, and only here: whoever decides reads ``policy`` once per decision, so no
decision mixes two configurations. ``connections`` is a view that always shows what is in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.domain.grants import Policy
from bot.domain.model import Connection


class Standing:
    """The configuration in force. ``since`` counts how often it was replaced."""

    def __init__(self, *, policy: Policy, connections: Mapping[str, Connection]) -> None:
        self._policy = policy
        self._connections = dict(connections)
        self.since = 0
        self.connections: Mapping[str, Connection] = _View(self)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    def replace(self, *, policy: Policy, connections: Mapping[str, Connection]) -> None:
        """From now on these are in force."""
        self._policy, self._connections = policy, dict(connections)
        self.since += 1

    def named(self, name: str) -> Connection:
        """The connection of that name.

        Raises:
            KeyError: there is none (any more).
        """
        return self._connections[name]

    def names(self) -> tuple[str, ...]:
        """The names of all connections, in the order of the file."""
        return tuple(self._connections)


class _View(Mapping[str, Connection]):
    """The connections in force, by name."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def __getitem__(self, name: str) -> Connection:
        return self._standing.named(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._standing.names())

    def __len__(self) -> int:
        return len(self._standing.names())
