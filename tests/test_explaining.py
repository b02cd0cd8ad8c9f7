"""Why, access, preview and the wish for access, over a real store in memory, with Slack and providers from tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot import providers
from bot.domain.changes import AddGrant, AddRequester, AddWorkflow, AllowShared
from bot.domain.errors import ThreadError
from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, Grant, InputRule, Policy
from bot.domain.holdings import Holding
from bot.domain.model import Channel, Connection, Delivery, InputSpec, InputType, Person, Workflow
from bot.domain.policy import Allow, Deny, NeedApproval
from bot.domain.standing import Standing
from bot.launching.explaining import MOST_ASKED, TELLING_TAKES, Explaining
from bot.launching.judging import Judge
from bot.launching.outcomes import Refusal
from bot.launching.surveying import MOST_WORKFLOWS
from bot.launching.wishing import Wishing
from bot.store.sqlite import SqliteStore
from bot.surfaces.access import Access
from bot.surfaces.command_text import LaunchText
from bot.surfaces.place import Place
from bot.surfaces.preview import Preview
from bot.surfaces.say import Say
from bot.surfaces.why import Asking, Why
from tests.builders import NOON, FrozenClock, a_connection, a_delivery
from tests.ports import RecordingThread, TableDefinitions, TableDirectory, a_store

RUN, VIEW = "Workflow Run Access", "Workflow View Access"
DUNNING = Workflow(
    workflow_id="396",
    name="Dunning run",
    inputs=(InputSpec(name="accountId", required=True), InputSpec(name="maxAmount", type=InputType.DECIMAL)),
)
REFUND = Workflow(workflow_id="400", name="Refund run", inputs=())
GRANT = Grant(connection="billing", scopes=(RUN, VIEW), workflows=("396",), requesters=("U0CAROL", "S0LEADS"))
FREE = replace(GRANT, requesters=("members",))
TYPED = LaunchText(connection="billing", workflow="396", inputs=(("accountId", "A1"), ("maxAmount", "5.00")), is_preview=True)
QUESTION = "command:1.2.a"


@dataclass
class House:
    """Everything that an explanation stands on, each part to be looked at or broken."""

    store: SqliteStore
    clock: FrozenClock = field(default_factory=FrozenClock)
    directory: TableDirectory = field(default_factory=lambda: TableDirectory(groups={"S0LEADS": frozenset({"U0DAVE", "U0EVE"})}))
    definitions: TableDefinitions = field(default_factory=lambda: TableDefinitions({"billing": (DUNNING, REFUND)}))
    thread: RecordingThread = field(default_factory=RecordingThread)
    grants: tuple[Grant, ...] = (GRANT,)
    others: dict[str, tuple[Grant, ...]] = field(default_factory=dict)
    freezes: tuple[Freeze, ...] = ()
    connections: dict[str, Connection] = field(
        default_factory=lambda: {"billing": a_connection(), "crm": a_connection(name="crm", provider="bitrix24")}
    )
    has_operators: bool = True
    made: Explaining | None = None

    @property
    def explaining(self) -> Explaining:
        """Made anew unless a test keeps one."""
        grants = {"C0FINANCE": self.grants, **self.others}
        names = {"C0FINANCE": "finance-ops"}
        channels = {
            one: ChannelPolicy(channel_id=one, name=names.get(one, one.lower()), grants=some) for one, some in grants.items()
        }
        policy = Policy(channels=channels, digest="digest", freezes=self.freezes)
        standing = Standing(policy=policy, connections=self.connections)
        found = providers.load()
        judge = Judge(standing=standing, directory=self.directory, providers=found, store=self.store, clock=self.clock)
        wishing = Wishing(
            store=self.store, definitions=self.definitions, judge=judge, providers=found, connections=standing.connections
        )
        return self.made or Explaining(
            store=self.store,
            definitions=self.definitions,
            directory=self.directory,
            thread=self.thread,
            judge=judge,
            wishing=wishing,
            clock=self.clock,
            providers=found,
            connections=standing.connections,
            has_operators=self.has_operators,
        )

    async def why(self, connection: str = "billing", workflow: str = "396", **delivery: Any) -> Why | Refusal:
        asked = question(connection, workflow, **delivery)
        await self.store.record_delivery(asked)
        return await self.explaining.why(asked, connection, workflow)

    async def press(self, number: int = 1, **changes: Any) -> Asking | Refusal:
        """Press the button under the question."""
        plain = {"key": f"button:{number}", "kind": "button", "user_id": "U0BOB", "text": QUESTION}
        return await self.explaining.ask_for_access(a_delivery(**(plain | changes)))

    @property
    def operators(self) -> list[str]:
        return [text for what, text in self.thread.told if what == "operators"]


@dataclass
class HeldThread(RecordingThread):
    """Slack, which answers whoever tells operators something once it may."""

    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell_operators(self, say: Say) -> None:
        self.is_asked.set()
        await self.answers.wait()
        await super().tell_operators(say)


async def _being_told(house: House) -> tuple[HeldThread, asyncio.Task[Asking]]:
    """A first press, at the moment when Slack has the wish and has not answered."""
    house.thread = slack = HeldThread()
    await house.why()
    first = asyncio.create_task(house.press(1))
    async with asyncio.timeout(10):
        await slack.is_asked.wait()
    return slack, first


async def _killed_while_telling(house: House) -> None:
    """The first press dies with its replica at that moment; Slack is well from then on."""
    slack, first = await _being_told(house)
    first.cancel()
    await asyncio.wait({first})
    slack.answers.set()


def question(connection: str = "billing", workflow: str = "396", **changes: Any) -> Delivery:
    plain: dict[str, Any] = {"key": QUESTION, "user_id": "U0BOB", "text": f'why {connection} "{workflow}"'}
    return a_delivery(**(plain | changes))


@pytest.fixture
async def house() -> AsyncGenerator[House, None]:
    async with a_store() as store:
        house = House(store)
        house.directory.channels["C0FINANCE"] = Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True)
        yield house


def shown(answer: Why | Refusal) -> Why:
    assert isinstance(answer, Why)
    return answer


def codes(answer: object) -> list[str]:
    assert isinstance(answer, Refusal)
    return [one.code for one in (*answer.problems, *answer.reasons)]


class TestWhy:
    async def test_an_allowed_launch_is_explained_and_nothing_is_advised(self, house: House) -> None:
        house.grants = (FREE,)
        why = shown(await house.why())

        assert isinstance(why.explanation.decision, Allow)
        assert (why.advice.changes, why.could, why.elsewhere, why.asked_by) == ((), (), (), None)

    async def test_a_denied_one_names_who_could_and_what_would_have_to_change(self, house: House) -> None:
        why = shown(await house.why())

        assert isinstance(why.explanation.decision, Deny)
        assert why.advice.changes == (AddRequester(channel_id="C0FINANCE", number=1, user_id="U0BOB"),)
        assert why.could == ("U0CAROL", "U0DAVE", "U0EVE")
        assert why.asked_by == QUESTION

    async def test_an_approval_bound_one_needs_it(self, house: House) -> None:
        house.grants = (replace(FREE, approval=ApprovalRule(approvers=("S0LEADS",))),)

        assert isinstance(shown(await house.why()).explanation.decision, NeedApproval)

    async def test_without_an_operators_channel_there_is_no_button(self, house: House) -> None:
        house.has_operators = False

        assert shown(await house.why()).asked_by is None

    async def test_a_question_is_not_kept_as_a_decision(self, house: House) -> None:
        await house.why()

        assert await house.store.decisions(since=NOON - timedelta(days=1)) == []

    @pytest.mark.parametrize("flag", ["is_guest", "is_stranger", "is_bot", "is_deleted"])
    async def test_who_is_no_full_member_learns_what_every_door_tells_and_no_more(self, house: House, flag: str) -> None:
        house.directory.people["U0BOB"] = Person(user_id="U0BOB", team_id="T0GONOGO", name="bob", **{flag: True})
        answers = [
            await house.why(),
            await house.explaining.place(question()),
            await house.explaining.access(question()),
            await house.explaining.preview(question(), TYPED),
        ]

        assert [codes(answer) for answer in answers] == [[f"person_{flag}"]] * 4
        assert house.definitions.asked == []

    async def test_who_slack_does_not_know_is_denied(self, house: House) -> None:
        house.directory.silent.add("U0BOB")

        assert codes(await house.why()) == ["lookup_failed"]

    async def test_who_is_not_in_the_channel_is_told_nobody_elses_rights(self, house: House) -> None:
        house.directory.absent.add("C0FINANCE U0BOB")

        assert shown(await house.why()).could == ()

    async def test_where_slack_does_not_tell_nobody_is_named_on_a_guess(self, house: House) -> None:
        house.directory.silent |= {"C0FINANCE U0BOB"}

        assert shown(await house.why()).could == ()

    async def test_a_group_that_slack_does_not_tell_is_named_itself(self, house: House) -> None:
        house.directory.silent.add("S0LEADS")

        assert shown(await house.why()).could == ("U0CAROL", "S0LEADS")

    async def test_who_can_launch_nothing_any_more_is_not_worth_asking(self, house: House) -> None:
        house.directory.people["U0CAROL"] = Person(user_id="U0CAROL", team_id="T0GONOGO", name="carol", is_deleted=True)
        house.directory.silent.add("U0EVE")

        assert shown(await house.why()).could == ("U0DAVE",)

    async def test_elsewhere_are_only_channels_in_which_this_person_is_and_may(self, house: House) -> None:
        house.others = {
            "C0IN": (FREE,),
            "C0OUT": (FREE,),
            "C0DUMB": (FREE,),
            "C0DENIED": (GRANT,),
            "C0SHARED": (FREE,),
            "C0OTHER": (replace(FREE, workflows=("400",)),),
        }
        house.directory.absent.add("C0OUT U0BOB")
        house.directory.silent.add("C0DUMB U0BOB")
        house.directory.channels["C0SHARED"] = Channel(channel_id="C0SHARED", name="shared", is_member=True, is_shared=True)

        assert shown(await house.why()).elsewhere == ("c0in",)

    async def test_an_unknown_connection_is_named_with_the_closest_granted_one(self, house: House) -> None:
        assert codes(await house.why("biling")) == ["unknown_connection"]

    async def test_an_unknown_workflow_names_only_what_this_channel_grants(self, house: House) -> None:
        refusal = await house.why(workflow="Dunning rum")

        assert codes(refusal) == ["unknown_workflow"]
        assert isinstance(refusal, Refusal)
        assert refusal.problems[0].facts["known"] == "Dunning run"

    async def test_a_provider_that_does_not_answer_is_said(self, house: House) -> None:
        house.definitions.silent.add("billing")

        assert codes(await house.why()) == ["lookup_failed"]

    async def test_no_provider_is_asked_about_a_connection_that_is_not_granted_here(self, house: House) -> None:
        why = shown(await house.why("crm", "713"))
        (change,) = why.advice.changes

        assert house.definitions.asked == []
        assert isinstance(change, AddGrant)
        assert (change.grant.connection, change.grant.workflows, change.grant.requesters) == ("crm", ("713",), ("U0BOB",))

    async def test_a_workflow_that_no_grant_here_names_keeps_its_id_to_itself(self, house: House) -> None:
        why = shown(await house.why(workflow="Refund run"))
        patterns = [change.pattern for change in why.advice.changes if isinstance(change, AddWorkflow)]

        assert patterns == ["Refund run"]
        assert "400" not in repr(why.explanation) + repr(why.advice)

    async def test_a_workflow_that_a_grant_here_names_is_advised_by_its_id(self, house: House) -> None:
        house.grants = (replace(FREE, workflows=("Refund *",)),)
        await house.store.first_name("billing", "400", "Wire money", at=NOON)
        why = shown(await house.why(workflow="Refund run"))

        assert why.advice.changes == (AddWorkflow(channel_id="C0FINANCE", number=1, pattern="400"),)

    async def test_a_channel_without_policy_is_explained_with_the_grant_that_it_lacks(self, house: House) -> None:
        why = shown(await house.why(channel_id="C0GENERAL"))
        (change,) = why.advice.changes

        assert isinstance(change, AddGrant)
        assert change.is_channel_new
        assert house.definitions.asked == []

    async def test_a_shared_channel_is_explained_with_what_would_open_it(self, house: House) -> None:
        house.grants = (FREE,)
        house.directory.channels["C0FINANCE"] = Channel(channel_id="C0FINANCE", name="f", is_member=True, is_shared=True)

        assert shown(await house.why()).advice.changes == (AllowShared(channel_id="C0FINANCE"),)

    async def test_a_channel_without_the_bot_is_refused_as_at_every_door(self, house: House) -> None:
        house.directory.channels["C0FINANCE"] = Channel(channel_id="C0FINANCE", name="finance-ops")

        assert codes(await house.why()) == ["channel_without_bot"]

    async def test_what_the_credential_lacks_is_beyond_the_policy(self, house: House) -> None:
        house.grants = (FREE,)
        missing = Holding(connection="billing", scope=RUN, is_held=False, evidence="HTTP 403", seen_at=NOON)
        await house.store.keep_mirror("billing", [missing])
        why = shown(await house.why())

        assert [reason.code for reason in why.advice.beyond] == ["scope_not_held"]
        assert why.could == ()


class TestPlace:
    async def test_each_granted_connection_tells_what_may_be_launched_and_why_not_the_rest(self, house: House) -> None:
        house.grants = (FREE, replace(GRANT, workflows=("400",)))
        place = await house.explaining.place(question())
        assert isinstance(place, Place)
        (reach,) = place.reaches

        assert (reach.connection, reach.provider_title, reach.allowed) == ("billing", "Zuora Workflow", ("Dunning run",))
        assert [reason.code for reason in reach.refusals] == ["requester_not_granted"]
        assert all(finding.is_met for finding in place.around)

    async def test_what_needs_approval_is_told_apart(self, house: House) -> None:
        house.grants = (replace(FREE, approval=ApprovalRule(approvers=("S0LEADS",))),)
        place = await house.explaining.place(question())

        assert isinstance(place, Place)
        assert place.reaches[0].after_approval == ("Dunning run",)

    async def test_a_provider_that_does_not_answer_leaves_what_is_configured(self, house: House) -> None:
        house.grants = (FREE,)
        house.connections["billing"] = a_connection(workflows={"396": DUNNING})
        house.definitions.silent.add("billing")
        place = await house.explaining.place(question())

        assert isinstance(place, Place)
        assert place.reaches[0].allowed == ("Dunning run",)
        assert place.reaches[0].trouble == "no answer in time"

    async def test_a_grant_of_a_connection_that_is_gone_is_said(self, house: House) -> None:
        house.grants = (replace(FREE, connection="gone"),)
        place = await house.explaining.place(question())

        assert isinstance(place, Place)
        assert place.reaches[0].trouble == "this connection is not configured"

    async def test_a_closed_channel_tells_only_that(self, house: House) -> None:
        place = await house.explaining.place(question(channel_id="C0GENERAL"))

        assert isinstance(place, Place)
        assert [finding.reason.code for finding in place.around if not finding.is_met] == ["channel_without_policy"]
        assert place.reaches == ()

    async def test_of_very_many_workflows_some_are_looked_at_and_that_is_said(self, house: House) -> None:
        house.grants = (replace(FREE, workflows=("*",)),)
        house.definitions.workflows = {"billing": tuple(Workflow(workflow_id=str(number)) for number in range(100))}
        place = await house.explaining.place(question())

        assert isinstance(place, Place)
        assert len(place.reaches[0].allowed) == MOST_WORKFLOWS
        assert place.reaches[0].trouble == f"only {MOST_WORKFLOWS} of 100 workflows were looked at"


class TestAccess:
    async def test_grants_stand_beside_what_was_learnt_of_the_credential(self, house: House) -> None:
        held = Holding(connection="billing", scope=RUN, is_held=True, evidence="GET", seen_at=NOON)
        await house.store.keep_mirror("billing", [held], identity="bot@acme")
        access = await house.explaining.access(question())

        assert isinstance(access, Access)
        assert access.grants == ((1, GRANT),)
        assert access.mirrors["billing"].holdings == {(RUN, ""): held}
        assert access.now == NOON

    async def test_one_connection_keeps_the_numbers_of_the_file(self, house: House) -> None:
        house.grants = (replace(GRANT, connection="crm"), GRANT)
        access = await house.explaining.access(question(), "Billing")

        assert isinstance(access, Access)
        assert access.grants == ((2, GRANT),)
        assert set(access.titles) == {"billing"}

    async def test_a_connection_that_is_not_granted_here_is_none(self, house: House) -> None:
        assert codes(await house.explaining.access(question(), "crm")) == ["unknown_connection"]

    async def test_who_is_not_in_the_channel_does_not_see_its_grants(self, house: House) -> None:
        house.directory.absent.add("C0FINANCE U0BOB")

        assert codes(await house.explaining.access(question())) == ["person_not_in_channel"]

    async def test_where_slack_does_not_tell_who_is_in_the_channel_nothing_is_shown(self, house: House) -> None:
        house.directory.silent.add("C0FINANCE U0BOB")

        assert codes(await house.explaining.access(question())) == ["lookup_failed"]

    async def test_freezes_that_are_over_or_about_something_else_are_left_out(self, house: House) -> None:
        hour = timedelta(hours=1)
        house.freezes = (
            Freeze(name="later", begins=NOON + hour, ends=NOON + 2 * hour),
            Freeze(name="over", begins=NOON - 2 * hour, ends=NOON),
            Freeze(name="now", begins=NOON - hour, ends=NOON + hour, connections=("billing",)),
            Freeze(name="other", begins=NOON - hour, ends=NOON + hour, connections=("crm",)),
        )
        access = await house.explaining.access(question())

        assert isinstance(access, Access)
        assert [freeze.name for freeze in access.freezes] == ["now", "later"]

    async def test_a_channel_without_policy_is_refused_as_at_every_door(self, house: House) -> None:
        assert codes(await house.explaining.access(question(channel_id="C0GENERAL"))) == ["channel_without_policy"]


class TestPreview:
    async def preview(self, house: House, **changes: Any) -> Preview | Refusal:
        return await house.explaining.preview(question(), replace(TYPED, **changes))

    async def test_the_exact_call_is_shown_and_nothing_is_kept(self, house: House) -> None:
        house.grants = (FREE,)
        preview = await self.preview(house)
        assert isinstance(preview, Preview)
        assert preview.foreseen is not None
        call = preview.foreseen.call
        assert call is not None

        assert (call.method, call.path) == ("POST", "/workflows/396/run")
        assert call.json == {"accountId": "A1", "maxAmount": Decimal("5.00")}
        assert call.headers["Idempotency-Key"] == "L-…"
        assert await house.store.recent(channel_id="C0FINANCE", limit=5) == []
        assert "within 24 h" in preview.key

    async def test_what_the_grant_gives_itself_is_in_the_call(self, house: House) -> None:
        house.grants = (replace(FREE, inputs={"accountId": InputRule(fixed="A9")}),)
        preview = await self.preview(house, inputs=())

        assert isinstance(preview, Preview)
        assert preview.foreseen is not None
        assert preview.foreseen.call is not None
        assert preview.foreseen.call.json == {"accountId": "A9"}

    async def test_an_approval_bound_one_says_who(self, house: House) -> None:
        rule = ApprovalRule(approvers=("S0LEADS",))
        house.grants = (replace(FREE, approval=rule),)
        preview = await self.preview(house)

        assert isinstance(preview, Preview)
        assert isinstance(preview.decision, NeedApproval)
        assert preview.decision.rule == rule

    async def test_whoever_may_not_launch_it_learns_nothing_of_its_inputs(self, house: House) -> None:
        assert codes(await self.preview(house, inputs=(("nonsense", "1"),))) == ["requester_not_granted"]

    async def test_problems_in_inputs_are_told_as_at_a_launch(self, house: House) -> None:
        house.grants = (FREE,)

        assert codes(await self.preview(house, inputs=(("maxAmount", "much"),))) == ["missing_input", "bad_input"]

    async def test_a_value_that_the_grant_does_not_allow_shows_the_reason_and_no_call(self, house: House) -> None:
        house.grants = (replace(FREE, inputs={"maxAmount": InputRule(max=Decimal(4))}),)
        preview = await self.preview(house)

        assert isinstance(preview, Preview)
        assert [reason.code for reason in preview.decision.reasons] == ["input_too_large"]
        assert preview.foreseen is None

    @pytest.mark.parametrize(
        ("provider", "workflow", "words"),
        [
            ("zuora", "396", "is the idempotency key"),
            ("bitrix24", "713", "is looked up by"),
            ("salesforce", "Some_Flow", "is settled by a person"),
        ],
    )
    async def test_how_a_second_run_is_prevented_is_described(
        self, house: House, provider: str, workflow: str, words: str
    ) -> None:
        scopes = tuple(scope.name for scope in providers.load()[provider].scopes)
        options = providers.load()[provider].examples[0].connection
        house.grants = (replace(FREE, scopes=scopes, workflows=("*",)),)
        house.connections["billing"] = a_connection(provider=provider, options=options.options if options else None)
        house.definitions.workflows = {"billing": (Workflow(workflow_id=workflow, inputs=(), extras={"entity_type": "deal"}),)}
        inputs = (("entityId", "7"),) if provider == "bitrix24" else ()
        typed = LaunchText(connection="billing", workflow=workflow, inputs=inputs)
        preview = await house.explaining.preview(question(), typed)

        assert isinstance(preview, Preview), preview
        assert words in preview.key


class TestAskingForAccess:
    async def test_operators_are_told_and_the_wish_is_kept(self, house: House) -> None:
        await house.why()
        answer = await house.press()
        (told,) = house.operators
        (record,) = await house.store.decisions(since=NOON - timedelta(hours=1))

        assert answer == Asking.ASKED
        assert told.startswith("<@U0BOB> asks for access: “396” on billing in #finance-ops.")
        assert "requesters: [U0BOB]" in told
        assert (record.verb, record.person_id, record.workflow_id, record.verdict) == ("ask", "U0BOB", "396", "deny")

    async def test_operators_are_told_the_id_that_the_person_need_not_know(self, house: House) -> None:
        await house.why(workflow="Refund run")
        await house.press()

        assert 'workflows: ["400"]' in house.operators[0]

    async def test_the_same_wish_is_told_once_an_hour(self, house: House) -> None:
        await house.why()
        outcomes = [await house.press(1)]
        house.clock.move(minutes=59)
        outcomes.append(await house.press(2))
        house.clock.move(minutes=2)
        outcomes.append(await house.press(3))

        assert outcomes == [Asking.ASKED, Asking.ASKED_BEFORE, Asking.ASKED]
        assert len(house.operators) == 2

    async def test_two_presses_at_once_tell_once(self, house: House) -> None:
        house.made = house.explaining
        await house.why()
        outcomes = await asyncio.gather(house.press(1), house.press(2))

        assert sorted(map(str, outcomes)) == [Asking.ASKED, Asking.ASKED_BEFORE]
        assert len(house.operators) == 1

    async def test_two_presses_that_reach_two_replicas_tell_once(self, house: House) -> None:
        slack, first = await _being_told(house)
        second = await house.press(2)
        slack.answers.set()

        assert [await first, second] == [Asking.ASKED, Asking.ASKED_BEFORE]
        assert len(house.operators) == 1

    async def test_a_press_that_a_killed_replica_was_at_goes_on_with_the_next(self, house: House) -> None:
        """And not only once its claim has lapsed: nobody would press again."""
        await _killed_while_telling(house)

        assert await house.press(1) == Asking.ASKED
        assert len(house.operators) == 1

    async def test_a_wish_that_died_with_its_press_may_be_told_by_another(self, house: House) -> None:
        await _killed_while_telling(house)
        house.clock.move(seconds=TELLING_TAKES.total_seconds())

        assert await house.press(2) == Asking.ASKED

    async def test_another_workflow_and_another_person_are_other_wishes(self, house: House) -> None:
        await house.why()
        await house.press(1)
        await house.why(workflow="400", key="command:2")
        await house.press(2, text="command:2")
        await house.why(user_id="U0FRANK", key="command:3")
        await house.press(3, text="command:3", user_id="U0FRANK")

        assert len(house.operators) == 3

    async def test_nobody_floods_the_operators_with_made_up_wishes(self, house: House) -> None:
        house.made = house.explaining
        answers = []
        for number in range(MOST_ASKED + 2):
            await house.why("crm", f"made-up-{number}", key=f"command:{number}")
            answers.append(await house.press(number, text=f"command:{number}"))
        await house.why("crm", "mine", key="command:other", user_id="U0FRANK")
        other = await house.press(99, text="command:other", user_id="U0FRANK")

        assert len(house.operators) == MOST_ASKED + 1
        assert answers[-2:] == [Asking.ASKED_ENOUGH] * 2
        assert other == Asking.ASKED

    async def test_a_wish_among_very_many_decisions_is_found(self, house: House) -> None:
        await house.why()
        await house.press(1)
        (record,) = await house.store.decisions(since=NOON - timedelta(hours=1))
        for _ in range(501):
            await house.store.record_decision(replace(record, verb="launch", seq=0))

        assert await house.press(2) == Asking.ASKED_BEFORE

    @pytest.mark.parametrize(
        "changes", [{"user_id": "U0EVE"}, {"channel_id": "C0GENERAL"}, {"text": "command:made-up"}, {"text": ""}]
    )
    async def test_a_press_counts_only_for_who_asked_there(self, house: House, changes: dict[str, Any]) -> None:
        await house.why()

        assert await house.press(**changes) == Asking.QUESTION_GONE
        assert house.operators == []

    @pytest.mark.parametrize("text", ["billing 396 accountId=A1", "why", "why billing", "list", 'why "billing'])
    async def test_only_a_question_about_a_workflow_can_be_pressed(self, house: House, text: str) -> None:
        await house.store.record_delivery(question(text=text))

        assert await house.press() == Asking.QUESTION_GONE

    async def test_what_is_allowed_by_now_is_not_asked_for(self, house: House) -> None:
        await house.why()
        house.grants = (FREE,)

        assert await house.press() == Asking.NOT_NEEDED
        assert house.operators == []

    async def test_who_became_a_guest_meanwhile_asks_for_nothing(self, house: House) -> None:
        await house.why()
        house.directory.people["U0BOB"] = Person(user_id="U0BOB", team_id="T0GONOGO", name="bob", is_guest=True)

        assert codes(await house.press()) == ["person_is_guest"]
        assert house.operators == []

    async def test_what_could_not_be_told_may_be_asked_again_at_once(self, house: House) -> None:
        await house.why()
        house.thread.refusals.append(ThreadError("channel_not_found", is_permanent=True))

        assert await house.press(1) == Asking.NOT_TOLD
        assert await house.press(2) == Asking.ASKED
