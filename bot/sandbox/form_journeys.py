"""Journeys through the form: a launch at each provider, three errors at once, and a launch again with what is different by now."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.model import State
from bot.sandbox.acts import Edit, Fill, Press, Read
from bot.sandbox.journeys import LAUNCHES, Journey
from bot.surfaces.command_text import LaunchText, read_command

_ALICE, _BOB, _CAROL = "U0ALICE", "U0BOB", "U0CAROL"
_FINANCE, _DATA = "C0FINANCE", "C0DATA"
_ACCOUNT, _PAYMENT = "4028905f5a87c0ff015a87d25ae90025", "4028905f5a87c0ff015a889ddfb800c0"
_SHOWN = {"zuora": {"dryRun": True}}
"""Defaults that stand in the form are sent with it: what is seen is what runs."""
_CHOSEN = ("Connection", "Workflow")
_LOOKED_FOR = {"bitrix24": ("Record id",)}
"""Records are looked for by name or number."""
_LABELS = {"entityType": "Kind of record", "entityId": "Record id"}
"""What the form calls an input whose provider's name says little."""
_GRANT = '        workflows: ["396", "Dunning *"]\n'
_FINDING = "        workflows: [Find email, Extract profiles, Enrich companies]\n"
_RULES = """\
        inputs:
          first_name: {pattern: "[^0-9/]+"}
          last_name: {pattern: "[^0-9/]+"}
          company_name: {pattern: "[^/]+"}
"""
_AS_IT_WAS = Edit(says="the operators put their file back as it was, and have it read")


def _by_form(journey: Journey) -> Journey:
    """The same launch with nothing typed: all is chosen and filled in."""
    typed = read_command(journey.typed, subcommands=frozenset())
    if not isinstance(typed, LaunchText) or journey.request is None:
        raise ValueError(f"{journey.title} launches nothing")
    provider = journey.request.provider
    filled = Fill(
        user_id=journey.user_id,
        choices=tuple(zip(_CHOSEN, (typed.connection, typed.workflow), strict=True)),
        values={_LABELS.get(name, name): value for name, value in typed.inputs},
        searched=_LOOKED_FOR.get(provider, ()),
    )
    request = replace(journey.request, json={**journey.request.json, **_SHOWN.get(provider, {})})
    return replace(journey, title=f"By form: {journey.title}", typed="", form=(filled,), request=request)


FORMS: tuple[Journey, ...] = (
    *map(_by_form, LAUNCHES),
    Journey(
        title="What is missing is asked for in the form",
        user_id=_CAROL,
        channel_id=_DATA,
        typed='growth "Find email" first_name=Ada',
        form=(Fill(user_id=_CAROL, values={"company_name": "Analytical Engines"}),),
        ends=State.SUCCEEDED,
    ),
    Journey(
        title="Three errors, each at its field; corrected, it launches",
        user_id=_CAROL,
        channel_id=_DATA,
        typed='growth "Find email"',
        before=(
            Edit(
                before=_FINDING,
                after=_FINDING + _RULES,
                says="the operators write what names may look like into the grant, and have the file read",
            ),
        ),
        form=(
            Fill(
                user_id=_CAROL,
                values={"first_name": "Ada1", "last_name": "L0velace", "company_name": "n/a"},
                wrong=("first_name", "last_name", "company_name"),
            ),
            Fill(user_id=_CAROL, values={"first_name": "Ada", "last_name": "Lovelace", "company_name": "Analytical Engines"}),
            _AS_IT_WAS,
        ),
        ends=State.SUCCEEDED,
    ),
    Journey(
        title="Launched again, with what is different by now",
        user_id=_ALICE,
        channel_id=_FINANCE,
        typed=f"billing 396 accountId={_ACCOUNT} paymentId={_PAYMENT} maxAmount=900",
        acts=(
            Read(words="Succeeded", where="card"),
            Edit(
                before=_GRANT,
                after=_GRANT + "        inputs: {maxAmount: {max: 500}}\n",
                says="the operators limit maxAmount to 500 for this channel, and have the file read",
            ),
            Press(user_id=_BOB, label="Launch again"),
            Fill(
                user_id=_BOB,
                sees=("The earlier value “900” of “maxAmount” is not allowed here any more.",),
                values={"maxAmount": "450"},
            ),
            _AS_IT_WAS,
        ),
        ends=State.SUCCEEDED,
        runs=2,
        cards=2,
    ),
)
