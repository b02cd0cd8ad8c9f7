"""Where we send credentials to: https, and plain http on loopback only."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

MOST_CHARACTERS = 2_000

_ODD = re.compile(r"[^!-~]|[\\\"<>^`{|}]")
_HOST = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,253}")


def base_url(text: str) -> str:
    """``text`` as a base URL without a trailing slash.

    Raises:
        ValueError: with a sentence that does not quote it, since a password may stand in it.
    """
    if not text:
        raise ValueError("is empty: it begins with https://")
    if len(text) > MOST_CHARACTERS or _ODD.search(text):
        raise ValueError("holds a character that no URL holds (a space, a bracket, a letter outside ASCII), or is too long")
    address = _split(text)
    if "@" in address.netloc:
        raise ValueError("must not hold a user name or password: those belong in the credential")
    if "?" in text or "#" in text:
        raise ValueError("must end with its path: nothing after ? or #")
    if address.scheme.lower() == "http" and not is_loopback(address.hostname or ""):
        raise ValueError("must begin with https://: http:// is for this machine only (localhost, 127.0.0.1, [::1])")
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """True for ``localhost``, 127.0.0.0/8 and ::1."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _split(text: str) -> SplitResult:
    try:
        address = urlsplit(text)
        port = address.port
    except ValueError:
        raise ValueError("is no URL: look at its host and port") from None
    if address.scheme.lower() not in {"http", "https"}:
        raise ValueError("must begin with https://")
    host = address.hostname or ""
    if not (_HOST.fullmatch(host) or ":" in host) or port == 0:
        raise ValueError("is no URL: look at its host and port")
    return address
