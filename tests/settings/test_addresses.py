"""Where credentials may be sent to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings.addresses import base_url, is_loopback


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://acme.example", "https://acme.example"),
        ("https://acme.example/", "https://acme.example"),
        ("https://acme.example/a/b/", "https://acme.example/a/b"),
        ("HTTPS://Acme.Example:443", "HTTPS://Acme.Example:443"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("http://localhost", "http://localhost"),
        ("http://LOCALHOST:80/", "http://LOCALHOST:80"),
        ("http://127.255.0.1", "http://127.255.0.1"),
        ("http://[::1]", "http://[::1]"),
        ("https://a_b.example", "https://a_b.example"),
    ],
)
def test_an_address_that_is_right_is_kept_without_its_last_slash(text: str, kept: str) -> None:
    assert base_url(text) == kept


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("acme.example", "must begin with https://"),
        ("//acme.example", "must begin with https://"),
        ("ftp://acme.example", "must begin with https://"),
        ("javascript:alert(1)", "must begin with https://"),
        ("http://acme.example", "http:// is for this machine only"),
        ("http://localhost.acme.example", "http:// is for this machine only"),
        ("http://128.0.0.1", "http:// is for this machine only"),
        ("http://127.1", "http:// is for this machine only"),
        ("http://0.0.0.0", "http:// is for this machine only"),
        ("http://[::2]", "http:// is for this machine only"),
        ("https://me:made-up@acme.example", "must not hold a user name or password"),
        ("https://@acme.example", "must not hold a user name or password"),
        ("http://localhost@acme.example", "must not hold a user name or password"),
        ("https://acme.example/?a=b", "nothing after ? or #"),
        ("https://acme.example?", "nothing after ? or #"),
        ("https://acme.example/#a", "nothing after ? or #"),
        ("https://acme.example/a b", "holds a character that no URL holds"),
        ("https://acme.example\\@other.example", "holds a character that no URL holds"),
        ("https://ac\nme.example", "holds a character that no URL holds"),
        ("https://äcme.example", "holds a character that no URL holds"),
        ("https://acme.example/" + "x" * 2_000, "is too long"),
        ("https://", "is no URL: look at its host and port"),
        ("https://:443", "is no URL"),
        ("https://acme.example:0", "is no URL"),
        ("https://acme.example:65536", "is no URL"),
        ("https://acme.example:port", "is no URL"),
        ("https://-acme.example", "is no URL"),
        ("https://acme%2eexample", "is no URL"),
        ("https://[::1", "holds a character that no URL holds|is no URL"),
    ],
)
def test_an_address_that_is_wrong_is_refused_and_not_quoted(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("?", r"\?")) as caught:
        base_url(text)

    assert "acme.example" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.1", False), ("", False)],  # noqa: S104 - only asked about
)
def test_loopback_is_this_machine_and_nothing_else(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@given(st.text(max_size=80) | st.text(alphabet=list("htps:/@[]?#.%0123abc\\ "), max_size=40).map(lambda rest: f"https://{rest}"))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        kept = base_url(text)
    except ValueError:
        return
    assert kept.lower().startswith(("https://", "http://"))
    assert base_url(kept) == kept
