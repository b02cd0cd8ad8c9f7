"""One field of the form for each input that a person gives: its id, element, label, hint and what stands in it.

Why ids are made and never taken from names: a name may be longer than Slack's 255 characters, or empty. An id holds a digest of
the name, by which whatever comes back is told, also from a view that was drawn before the metadata changed; and a digest of all
that a field depends on, since Slack keeps what stands in a field for as long as its id stays (https://docs.slack.dev/surfaces/modals).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from bot.domain.grants import InputRule
from bot.domain.input_writing import is_list, written_default
from bot.domain.inputs import read_value
from bot.domain.model import NOTHING, InputSpec, InputType, Json, Problem
from bot.surfaces.escaping import clean, plain_text, shorten
from bot.surfaces.form_hints import hint
from bot.surfaces.form_numbers import bounds, is_within
from bot.surfaces.form_options import (
    CHOSEN,
    LEAVE_OUT,
    MOST_OPTIONS,
    Choosable,
    as_choosables,
    offered,
    options,
    short_digest,
)
from bot.surfaces.form_table import ELEMENTS, element_type, typed_element, visible

FIELD = "launch_form_input"
"""The action id of every field; its block id says which."""
MOST_LABEL = 2000
MOST_INITIAL_OPTIONS = 100
_NAME_DIGEST = 12
_BLOCK_ID = re.compile(r"in[0-9]{1,4}-([0-9a-f]{12})-[0-9a-f]{12}")
_ANY = InputRule()


@dataclass(frozen=True, kw_only=True)
class Detail:
    """How much of everything is shown: characters of labels and hints, and options up to which all stand in the view."""

    words: int = MOST_LABEL
    options: int = MOST_OPTIONS


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a workflow's form asks for. ``place`` tells one workflow's form from another's.

    ``given``: what stands in a field already, as it would be typed; one that is not in it shows its default. ``looked_up``: the
    inputs whose options are searched elsewhere (a provider's records). ``notes``: a sentence for a field, by its input's name.
    """

    specs: tuple[InputSpec, ...]
    rules: Mapping[str, InputRule] = NOTHING
    place: str = ""
    given: Mapping[str, str] = NOTHING
    looked_up: frozenset[str] = frozenset()
    notes: Mapping[str, str] = NOTHING

    def rule(self, spec: InputSpec) -> InputRule:
        """What the grant says about an input."""
        return self.rules.get(spec.name, _ANY)

    def unique(self) -> tuple[InputSpec, ...]:
        """One input for each name: the last one, which is the one that counts when values are read. Each has a type that is known."""
        return tuple(map(_known, {spec.name: spec for spec in self.specs}.values()))


@dataclass(frozen=True, kw_only=True)
class Field:
    """An input as it is asked for. ``options`` are the texts to choose from; ``shown`` the text that stands in it already.

    ``chosen``: those of its options that stand in it; ``default``: the default as it would be typed, empty where none fits.
    """

    spec: InputSpec
    rule: InputRule
    options: tuple[str, ...]
    shown: str
    default: str
    chosen: tuple[str, ...] = ()
    element: str = ""
    is_looked_up: bool = False
    number: int = 0
    label: str = ""
    note: str = ""
    mark: str = ""

    @property
    def block_id(self) -> str:
        """Its id: the same for as long as everything that it shows is."""
        about = short_digest(self.mark, self.element, self.label, length=_NAME_DIGEST)
        return f"in{self.number}-{name_digest(self.spec.name)}-{about}"


def _known(spec: InputSpec) -> InputSpec:
    """The input, as text where its type was never seen, with a note about it."""
    if spec.type in set(InputType):
        return spec
    told = f"Its type is {shorten(clean(str(spec.type)), 40)}, which is not known here: it is asked for as text."
    return replace(spec, type=InputType.TEXT, hint=f"{spec.hint or ''} {told}".strip())


def name_digest(name: str) -> str:
    """What stands for an input's name in an id."""
    return short_digest(name, length=_NAME_DIGEST)


def digest_in(block_id: str) -> str | None:
    """The digest of the name that a block asks for; None for a block that asks for no input."""
    found = _BLOCK_ID.fullmatch(block_id)
    return found[1] if found else None


def asks(spec: InputSpec, rule: InputRule) -> bool:
    """Whether a person is asked for this input: not where the grant gives it itself or hides it, nor for a secret without names."""
    return rule.fixed is None and not rule.hidden and (spec.type is not InputType.SECRET or bool(offered(spec, rule)))


def fields_of(asked: Asked) -> tuple[Field, ...]:
    """A field for each input that a person is asked for, in the workflow's order."""
    specs = [spec for spec in asked.unique() if asks(spec, asked.rule(spec))]
    named = zip((_field(asked, spec) for spec in specs), _labels(specs), strict=True)
    return tuple(with_detail(replace(one, number=number, label=label), Detail()) for number, (one, label) in enumerate(named))


def with_detail(one: Field, detail: Detail) -> Field:
    """The field, asked for by the element that its options leave room for."""
    element = element_type(one.spec, len(one.options), one.shown, is_looked_up=one.is_looked_up, most=detail.options)
    is_beyond = element == "number_input" and not is_within(one.spec, one.rule, one.shown)
    is_too_many = ELEMENTS[element].is_many and len(one.chosen) > MOST_INITIAL_OPTIONS
    return replace(one, element="plain_text_input" if is_beyond or is_too_many else element)


def blocks_of(fields: Sequence[Field], detail: Detail) -> list[dict[str, Any]]:
    """The fields as Slack's input blocks."""
    return [_block(with_detail(one, detail), detail) for one in fields]


def label_of(spec: InputSpec) -> str:
    """What people read above an input, on one line."""
    return clean(spec.label or "").strip() or clean(spec.name).strip() or "(an input without a name)"


def _labels(specs: Sequence[InputSpec]) -> list[str]:
    """Labels, each followed by the input's name where another input reads the same."""
    labels = [shorten(label_of(spec), MOST_LABEL) for spec in specs]
    twice = {label for label in labels if labels.count(label) > 1}
    return [f"{label} ({spec.name})" if label in twice else label for label, spec in zip(labels, specs, strict=True)]


def _field(asked: Asked, spec: InputSpec) -> Field:
    """All of a field that does not depend on how much room there is: read once, as there may be ten thousand options."""
    rule, is_looked_up = asked.rule(spec), spec.name in asked.looked_up
    options = () if is_looked_up else offered(spec, rule)
    default = written_default(spec)
    shown = asked.given.get(spec.name, default)
    return Field(
        spec=spec,
        rule=rule,
        options=options,
        shown=shown,
        default=default,
        chosen=_chosen(spec, options, shown) if options else _looked_up(spec, shown) if is_looked_up else (),
        is_looked_up=is_looked_up,
        note=asked.notes.get(spec.name, ""),
        mark=short_digest(asked.place, spec.type, str(spec.many), *options),
    )


def _chosen(spec: InputSpec, options: tuple[str, ...], shown: str) -> tuple[str, ...]:
    """Those of a field's options that stand in it already, by what their texts mean."""
    if not shown or shown in options:
        return (shown,) if shown else ()
    if is_list(spec):
        by_meaning = {_means(spec, option): option for option in options}
        meanings = (_means(spec, entry) for entry in _entries(spec, shown))
        return tuple(dict.fromkeys(by_meaning[meaning] for meaning in meanings if meaning in by_meaning))
    meant = None if spec.type in CHOSEN else _means(spec, shown)
    return () if meant is None else tuple(option for option in options if _means(spec, option) == meant)[:1]


def _entries(spec: InputSpec, shown: str) -> tuple[str, ...]:
    """The values of a list, each as text; none where it is no list that the input takes."""
    read = read_value(spec, shown) if shown else None
    return tuple(map(str, cast("list[Json]", read))) if isinstance(read, list) else ()


def _looked_up(spec: InputSpec, shown: str) -> tuple[str, ...]:
    """Values whose options are known elsewhere only: each reads as itself."""
    if is_list(spec):
        return _entries(spec, shown)
    return (shown.strip(),) if shown and not isinstance(read_value(spec, shown), Problem) else ()


def _means(spec: InputSpec, text: str) -> object:
    if spec.type in CHOSEN:
        return text
    read = read_value(replace(spec, many=False), text)
    return None if isinstance(read, Problem) else read


def _block(one: Field, detail: Detail) -> dict[str, Any]:
    is_unseen = bool(one.default) and not _stands(one)
    told = hint(one.spec, one.rule, is_chosen=bool(one.options), default=one.default, is_unseen=is_unseen, note=one.note)
    shown: dict[str, Any] = {"hint": plain_text(told, detail.words)} if told else {}
    return {
        "type": "input",
        "block_id": one.block_id,
        "label": plain_text(one.label, detail.words),
        "optional": not one.spec.required or is_unseen,
        "element": {**_element(one), "action_id": FIELD},
        **shown,
    }


def _stands(one: Field) -> bool:
    """Whether something can be seen in the field at once."""
    return bool(one.chosen if ELEMENTS[one.element].is_select else visible(one.shown))


def _element(one: Field) -> dict[str, Any]:
    element = ELEMENTS[one.element]
    if not element.is_select:
        numbers = bounds(one.spec, one.rule) if one.element == "number_input" else {}
        return typed_element(one.spec, one.element, one.shown) | numbers
    is_searched = "external" in element.type
    offers = {"min_query_length": 0, **_search(one)} if is_searched else {"options": options(choosables(one))}
    picked = _picked(one, is_searched=is_searched)
    initial = {element.initial: picked if element.is_many else picked[0]} if picked else {}
    return {"type": element.type, **offers, **initial}


def choosables(one: Field) -> tuple[Choosable, ...]:
    """What a field offers, as people read it."""
    if one.element != "radio_buttons":
        return as_choosables(one.options)
    truths = tuple(Choosable(value=option, text=option.capitalize()) for option in one.options)
    can_be_left_out = not one.spec.required and not one.default
    return (*truths, Choosable(value="", text="Leave out", coded=LEAVE_OUT)) if can_be_left_out else truths


def _picked(one: Field, *, is_searched: bool) -> list[dict[str, Any]]:
    """The options that stand in the field already; those that stand in the view must equal one there to the letter."""
    if is_searched:
        return options(as_choosables(one.chosen))
    offers = choosables(one)
    coded = dict(zip((offer.value for offer in offers), options(offers), strict=True)) if one.chosen else {}
    return [coded[value] for value in one.chosen]


def _search(one: Field) -> dict[str, Any]:
    how_many = f"{len(one.options):,} options" if one.options else "records"
    return {"placeholder": plain_text(f"Search among {how_many}", 150)}
