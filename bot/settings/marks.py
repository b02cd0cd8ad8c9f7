"""A mark of a credential: another one where the credential is another, and nothing that leads back to it.

Why not the credential's digest itself: a mark may be kept beside a launch, and is shortened so far that it proves nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from bot.domain.provider import Secret

_LENGTH = 16


def credential_mark(connection: str, credential: Mapping[str, Secret]) -> str:
    """The mark of this connection's credential: the same after a restart, whatever the order of its fields."""
    fields = sorted((name, secret.reveal()) for name, secret in credential.items())
    text = "\0".join(part for field in fields for part in field)
    return hmac.digest(f"gonogo:{connection}".encode(), text.encode(), hashlib.sha256).hex()[:_LENGTH]
