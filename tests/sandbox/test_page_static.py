"""The page's files as they are served: nothing parses markup, nothing comes from elsewhere, nothing is missing or left over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

STATIC = Path(str(files("bot.sandbox.page"))) / "static"
PREFIX = "/page/static/"
EVERYTHING = sorted(path for path in STATIC.rglob("*") if path.is_file())
SCRIPTS = [path for path in EVERYTHING if path.suffix == ".js"]
STYLES = [path for path in EVERYTHING if path.suffix == ".css"]
INDEX = STATIC / "index.html"

# An XML namespace is a name that happens to look like an address: nobody fetches it.
NAMESPACES = frozenset({"http://www.w3.org/2000/svg"})
MARKUP = re.compile(
    r"\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|srcdoc"
    r"|\beval\s*\(|new Function\b|\bset(?:Timeout|Interval)\s*\(\s*[\"'`]",
)
# A style or listener written as a string would need a weaker content security policy than the page has.
AS_STRING = re.compile(
    r"setAttribute\(\s*[\"'](?:style|on\w+)[\"']|\.cssText\b|\bstyle:\s*[\"'`]|\.style\s*=[^=]|\bjavascript:(?!`)"
)
ADDRESS = re.compile(r"(?:\b(?:https?|wss?):|[\"'`(])//\w[^\s\"'`)<>\\]*")
COMMENT = re.compile(r"/\*.*?\*/|(?<![:(\"'`/\\])//[^\n]*", re.DOTALL)
IMPORTED = re.compile(r"(?:^|[;\s])(?:import|export)\b[^;\"']*?\bfrom\s*[\"']([^\"']+)[\"']|\bimport\s*\(?\s*[\"']([^\"']+)[\"']")
NAMES = re.compile(r"import\s*\{([^}]*)\}\s*from\s*[\"']([^\"']+)[\"']")
EXPORTED = re.compile(r"export\s+(?:async\s+)?(?:function\*?|const|let|class)\s+(\w+)|export\s*\{([^}]*)\}")
URL = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)")


def _name(path: Path) -> str:
    return path.relative_to(STATIC).as_posix()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _code(path: Path) -> str:
    return COMMENT.sub("", _read(path))


class _Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def tags() -> list[tuple[str, dict[str, str | None]]]:
    return _Tags(_read(INDEX)).tags


def _linked(tags: list[tuple[str, dict[str, str | None]]]) -> Iterator[Path]:
    """The files that index.html names."""
    for _, attributes in tags:
        for name in ("src", "href"):
            address = attributes.get(name) or ""
            if address.startswith(PREFIX):
                yield STATIC / address.removeprefix(PREFIX)


def _imports(path: Path) -> Iterator[Path]:
    """The files that this one asks for."""
    if path.suffix == ".js":
        for found in IMPORTED.findall(_code(path)):
            yield (path.parent / (found[0] or found[1])).resolve()
    elif path.suffix == ".css":
        for found in URL.findall(_code(path)):
            yield (path.parent / (found[0] or found[1])).resolve()


def _exports(path: Path) -> set[str]:
    names: set[str] = set()
    for single, several in EXPORTED.findall(_code(path)):
        names |= {single} if single else {one.split(" as ")[-1].strip() for one in several.split(",")}
    return names


def test_there_is_something_to_look_at() -> None:
    assert INDEX in EVERYTHING
    assert len(SCRIPTS) > 20
    assert len(STYLES) >= 5


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        (MARKUP, "node.innerHTML = text"),
        (MARKUP, "node.outerHTML += text"),
        (MARKUP, "node.insertAdjacentHTML('beforeend', text)"),
        (MARKUP, "document.write(text)"),
        (MARKUP, "eval(text)"),
        (MARKUP, "setTimeout('go()', 5)"),
        (MARKUP, "new Function(text)"),
        (AS_STRING, "node.setAttribute('style', text)"),
        (AS_STRING, 'node.setAttribute("onclick", text)'),
        (AS_STRING, "node.style.cssText = text"),
        (AS_STRING, "el('p', { style: 'color: red' })"),
        (ADDRESS, "fetch('https://example.com/x')"),
        (ADDRESS, "import x from '//cdn.example.com/x.js'"),
        (ADDRESS, "url(//fonts.example.com/a.woff2)"),
        (ADDRESS, "new WebSocket(`wss://example.com`)"),
    ],
)
def test_the_patterns_see_what_they_are_for(pattern: re.Pattern[str], wrong: str) -> None:
    assert pattern.search(COMMENT.sub("", wrong))


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_a_script_never_makes_markup_or_code_of_text(path: Path) -> None:
    assert MARKUP.findall(_code(path)) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_a_script_sets_no_style_or_listener_by_a_string(path: Path) -> None:
    assert AS_STRING.findall(_code(path)) == []


@pytest.mark.parametrize("path", EVERYTHING, ids=_name)
def test_no_file_names_another_host(path: Path) -> None:
    code = _code(path) if path.suffix in {".js", ".css"} else _read(path)
    assert [address for address in ADDRESS.findall(code) if address not in NAMESPACES] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_an_import_is_relative_and_leads_to_a_file_of_the_page(path: Path) -> None:
    for found in IMPORTED.findall(_code(path)):
        asked = found[0] or found[1]
        assert asked.startswith(("./", "../")), asked
        assert (path.parent / asked).resolve() in SCRIPTS, f"{_name(path)} imports {asked}, which is not there"


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_what_is_imported_by_name_is_exported_there(path: Path) -> None:
    """A missing name is a syntax error in the browser: the whole page stays white."""
    for names, asked in NAMES.findall(_code(path)):
        wanted = {one.split(" as ")[0].strip() for one in names.split(",") if one.strip()}
        assert wanted <= _exports((path.parent / asked).resolve()), f"{_name(path)} from {asked}"


def test_every_file_is_reached_from_the_index(tags: list[tuple[str, dict[str, str | None]]]) -> None:
    reached: set[Path] = {INDEX}
    waiting = list(_linked(tags))
    while waiting:
        path = waiting.pop()
        if path not in reached:
            assert path.is_file(), f"{path} is named and not there"
            reached.add(path)
            waiting.extend(_imports(path))
    assert [_name(path) for path in EVERYTHING if path not in reached] == []


def test_the_index_holds_no_inline_script_style_or_listener(tags: list[tuple[str, dict[str, str | None]]]) -> None:
    for tag, attributes in tags:
        assert tag != "style"
        assert tag != "script" or attributes.get("src"), "an inline script"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_the_index_has_the_landmarks_that_the_scripts_fill(tags: list[tuple[str, dict[str, str | None]]]) -> None:
    ids = {attributes["id"]: tag for tag, attributes in tags if attributes.get("id")}
    wanted = {"sidebar": "nav", "conversation": "main", "thread": "aside", "panel": "aside"}
    assert {name: ids.get(name) for name in wanted} == wanted
    assert {"modals", "banner", "toasts", "caption"} <= ids.keys()
    assert ("header", "topbar") in {(tag, attributes.get("class")) for tag, attributes in tags}
    roles = {attributes["id"]: attributes.get("role") for _, attributes in tags if attributes.get("id")}
    assert roles["toasts"] == "status"


def test_the_index_says_its_language_and_fits_a_phone(tags: list[tuple[str, dict[str, str | None]]]) -> None:
    assert ("html", {"lang": "en"}) in tags
    assert any(attributes.get("name") == "viewport" for _, attributes in tags)


def test_every_colour_is_said_once_for_light_and_dark() -> None:
    """A token that is used and not defined would be seen as no colour at all."""
    defined = {name for path in STYLES for name in re.findall(r"(--[\w-]+)\s*:", _read(path))}
    set_by_scripts = {name for path in SCRIPTS for name in re.findall(r"[\"'](--[\w-]+)[\"']", _read(path))}
    used = {name for path in STYLES for name in re.findall(r"var\((--[\w-]+)", _read(path))}
    assert used - defined - set_by_scripts == set()
