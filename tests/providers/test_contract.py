"""The quality scale: every provider that ``load`` finds goes through the same checks."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
import typing
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Connection, Launch, Workflow
from bot.domain.provider import (
    Accepted,
    Busy,
    Call,
    Completed,
    Confirmed,
    Denied,
    Described,
    Example,
    Held,
    Listed,
    LoggedIn,
    Matches,
    Observed,
    Provider,
    Refused,
    Reply,
    Secret,
    Session,
    Stopping,
    TrackedMany,
    Unauthorised,
    Unreachable,
    Unsupported,
    Unverifiable,
)
from bot.providers import load
from tests.exchanges import drive, whole
from tests.odd_replies import answered, bodies, odd_replies

PROVIDERS = load()
EXAMPLES = [(provider, example) for provider in PROVIDERS.values() for example in provider.examples]
SENTINEL = "s3ntinel-of-the-contract"
TROUBLE = (Refused, Unauthorised, Busy, Unreachable)
MAY_ANSWER: Mapping[str, tuple[type, ...]] = {
    "start": (Accepted, Completed, *TROUBLE),
    "track": (Observed, Completed, *TROUBLE),
    "track_many": (TrackedMany,),
    "cancel": (Stopping, Completed, Unsupported, *TROUBLE),
    "catalogue": (Listed, Unsupported, *TROUBLE),
    "describe": (Described, Unsupported, *TROUBLE),
    "probe": (Held, Unsupported, *TROUBLE),
    "find": (Matches, Unsupported, *TROUBLE),
    "confirm": (Confirmed, Denied, Unverifiable, *TROUBLE),
    "login": (LoggedIn, *TROUBLE),
}
VERBS = tuple(MAY_ANSWER)
UNREADABLE_BODIES = (
    "",
    " ",
    "<html><body>Bad gateway</body></html>",
    "null",
    "true",
    "7",
    '"text"',
    "[]",
    "[[]]",
    "{}",
    "NaN",
    "\ufeff{}",
    "[" * 100_000,
    '{"a":' * 50_000,
    "9" * 5_000,
    "1e9999999999999999999",
)

# Every error status (and code) that a provider's own start document names: /work seeds, one row per line of their tables.
DOCUMENTED_ERRORS = {
    "zuora": [(400, "Callout mode"), (406, "parameter"), (409, "instance/run")],
    "bitrix24": [
        (400, "MISSING_PARAMS"),
        (401, "MISSING_API_KEY"),
        (401, "INVALID_API_KEY"),
        (401, "TOKEN_MISSING"),
        (401, "TOKEN_EXPIRED"),
        (403, "SCOPE_DENIED"),
        (403, "BITRIX_ACCESS_DENIED"),
        (422, "BITRIX_ERROR"),
        (429, "RATE_LIMITED"),
        (502, "BITRIX_UNAVAILABLE"),
    ],
    "salesforce": [(200, "FLOW_ELEMENT_ERROR"), (400, "FLOW_ELEMENT_ERROR"), (401, ""), (404, "")],
    "domo": [(401, ""), (403, ""), (404, "")],
    "captain_data": [(400, ""), (401, ""), (403, ""), (404, ""), (405, ""), (429, ""), (500, "")],
}

# The launch calls as the providers' own documents print them: inputs, then method, path and JSON.
DOCUMENTED_STARTS: Mapping[str, tuple[dict[str, Any], str, str, dict[str, Any]]] = {
    "zuora": (
        {"accountId": "4028905f5a87c0ff015a87d25ae90025", "paymentId": "4028905f5a87c0ff015a889ddfb800c0"},
        "POST",
        "/workflows/396/run",
        {"accountId": "4028905f5a87c0ff015a87d25ae90025", "paymentId": "4028905f5a87c0ff015a889ddfb800c0"},
    ),
    "bitrix24": (
        {"entityType": "deal", "entityId": 5141},
        "POST",
        "/v1/workflows/start",
        {"templateId": 713, "entityType": "deal", "entityId": 5141},
    ),
    "salesforce": (
        {"CommentCount": 6, "FeedItemId": "0D5D0000000cfMY"},
        "POST",
        "/services/data/v65.0/actions/custom/flow/Escalate_to_Case",
        {"inputs": [{"CommentCount": 6, "FeedItemId": "0D5D0000000cfMY"}]},
    ),
    "domo": (
        {"parameter1": 13, "parameter2": 7},
        "POST",
        "/api/workflow/v1/instances/message",
        {
            "messageName": "Start MyWorkflow",
            "version": "0.0.1",
            "modelId": "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138",
            "data": {"parameter1": 13, "parameter2": 7},
        },
    ),
}

# Bitrix24 lists running instances and gives them no status word.
WITHOUT_STATUS_WORDS = {"bitrix24"}

ORDER = (
    "check",
    "sign",
    "login",
    "start",
    "track",
    "track_many",
    "cancel",
    "catalogue",
    "describe",
    "probe",
    "find",
    "confirm",
    "link",
)


def every(*fits: str) -> Any:
    return pytest.mark.parametrize("provider", [PROVIDERS[name] for name in fits or PROVIDERS], ids=lambda each: each.name)


def shown(provider: Provider, verb: str) -> Example:
    """The provider's first example of a verb."""
    return next(example for example in provider.examples if example.verb == verb)


def launched(provider: Provider) -> tuple[Launch, Connection]:
    start = shown(provider, "start")
    assert start.launch is not None
    assert start.connection is not None
    return start.launch, start.connection


def having(*verbs: str) -> Any:
    """Every provider with each of these verbs that it has."""
    pairs = [(each, verb) for each in PROVIDERS.values() for verb in verbs if verb != "login" or each.login(launched(each)[1])]
    return pytest.mark.parametrize(("provider", "verb"), pairs, ids=[f"{each.name}-{verb}" for each, verb in pairs])


def exchange(
    provider: Provider,
    verb: str,
    launch: Launch,
    connection: Connection,
    run_id: str | None = None,
    others: tuple[Launch, ...] = (),
) -> Generator[Call, Reply, Any]:
    match verb:
        case "track_many":
            return whole(provider.track_many((launch, *others), connection))
        case "start" | "track" | "cancel" | "find":
            return getattr(provider, verb)(launch, connection)
        case "confirm":
            return provider.confirm(launch, run_id or "", connection)
        case "describe":
            workflow = Workflow(workflow_id=launch.workflow_id)
            return provider.describe(workflow, connection)
        case _:
            return getattr(provider, verb)(connection)


def swept(provider: Provider, verb: str) -> Generator[Call, Reply, Any]:
    """An exchange of a verb on the launch and connection of that verb's first example."""
    launch, connection = launched(provider)
    if verb in {"track", "track_many", "cancel"}:
        launch = shown(provider, "track").launch or launch
    if verb == "track_many":
        return whole(provider.track_many((launch, replace(launch, launch_id="L-07HER", run_id="another")), connection))
    example = next((each for each in provider.examples if each.verb == verb and verb in {"find", "confirm"}), None)
    if example is not None:
        launch, connection = example.launch or launch, example.connection or connection
    return exchange(provider, verb, launch, connection, example and example.run_id)


def answers_in(answer: Any) -> list[Any]:
    """What an answer says of each run; itself where it speaks of one only."""
    return list(answer.answers.values()) if isinstance(answer, TrackedMany) else [answer]


def sentences(kind: type) -> dict[str, str | None]:
    """Each field's sentence, nested dataclasses included."""
    found: dict[str, str | None] = {}
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        notes = getattr(hint, "__metadata__", ())
        found[f"{kind.__name__}.{name}"] = next((note for note in notes if isinstance(note, str)), None)
        for part in _parts(hint):
            if dataclasses.is_dataclass(part) and isinstance(part, type):
                found |= sentences(part)
    return found


def _parts(hint: Any) -> list[Any]:
    inner = typing.get_args(hint)
    return [hint, *(part for one in inner for part in _parts(one))]


def nodes(provider: Provider) -> list[ast.stmt]:
    source = inspect.getsourcefile(type(provider))
    assert source is not None
    return ast.parse(Path(source).read_text(encoding="utf-8")).body


def signed(provider: Provider, call: Call) -> Any:
    credential = {field.name: Secret(SENTINEL) for field in dataclasses.fields(provider.credential)}
    return provider.sign(call, credential, Session(token=Secret(SENTINEL)))


# --- examples: documented, complete, true ------------------------------------------------------------------------------


@pytest.mark.parametrize(("provider", "example"), EXAMPLES, ids=lambda each: each.name)
def test_each_example_replays_to_its_answer(provider: Provider, example: Example) -> None:
    launch, connection = launched(provider)
    asked = exchange(
        provider, example.verb, example.launch or launch, example.connection or connection, example.run_id, example.others
    )

    driven = drive(asked, *example.before, example.reply)

    assert driven.calls[-1] == example.call
    assert driven.answer == example.answer


@pytest.mark.parametrize(("provider", "example"), EXAMPLES, ids=lambda each: each.name)
def test_each_example_says_where_it_stands(provider: Provider, example: Example) -> None:
    del provider

    assert example.source.startswith("https://")
    assert example.verb in VERBS


@every()
def test_no_two_examples_of_a_verb_share_a_name(provider: Provider) -> None:
    names = [(example.verb, example.name) for example in provider.examples]

    assert len(names) == len(set(names))


@every()
def test_each_verb_that_the_provider_has_is_shown(provider: Provider) -> None:
    has = {
        "start": True,
        "track": True,
        "probe": True,
        "track_many": provider.can_track_many,
        "cancel": provider.can_cancel,
        "catalogue": provider.has_catalogue,
        "describe": provider.has_describe,
        "login": provider.login(launched(provider)[1]) is not None,
        "find": provider.lost_start_settled_by is not None,
        "confirm": type(provider).confirm is not Provider.confirm,
    }

    assert {verb for verb, is_there in has.items() if is_there} <= {example.verb for example in provider.examples}


@every()
def test_the_documented_start_is_printed_by_the_provider_itself(provider: Provider) -> None:
    answers = [example.answer for example in provider.examples if example.verb == "start" and example.is_documented]

    assert any(isinstance(answer, Accepted | Completed) for answer in answers)


@pytest.mark.parametrize(
    ("name", "status", "words"), [(name, *row) for name, table in DOCUMENTED_ERRORS.items() for row in table]
)
def test_every_documented_error_has_an_example(name: str, status: int, words: str) -> None:
    starts = [example for example in PROVIDERS[name].examples if example.verb == "start"]

    assert [each for each in starts if each.reply.status == status and words in each.reply.body]


@pytest.mark.parametrize(("provider", "example"), EXAMPLES, ids=lambda each: each.name)
def test_what_people_read_about_trouble_is_a_sentence(provider: Provider, example: Example) -> None:
    del provider
    meaning = getattr(example.answer, "meaning", "All is well.")

    assert meaning[0].isupper()
    assert meaning.endswith(".")


# --- the launch call ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DOCUMENTED_STARTS)
def test_a_start_is_the_documented_request(name: str) -> None:
    inputs, method, path, body = DOCUMENTED_STARTS[name]
    launch, connection = launched(PROVIDERS[name])

    call = next(PROVIDERS[name].start(replace(launch, inputs=inputs), connection))

    assert (call.method, call.path, call.json) == (method, path, body)
    assert call.form is None


def test_a_captain_data_start_is_the_documented_request() -> None:
    """Its document prints the keys and the shapes, and leaves the values to the workflow."""
    launch, connection = launched(PROVIDERS["captain_data"])
    inputs = {"first_name": "value", "last_name": "value", "company_name": "value"}

    call = next(PROVIDERS["captain_data"].start(replace(launch, inputs=inputs), connection))

    assert call.json.keys() == {"inputs", "job_name", "steps"}
    assert call.json["inputs"] == [inputs]
    assert call.json["job_name"] == launch.launch_id
    assert all(step.keys() == {"accounts", "parameters", "step_uid"} for step in call.json["steps"])


@every()
def test_a_start_is_resent_only_where_the_launch_id_is_in_it(provider: Provider) -> None:
    launch, connection = launched(provider)
    call = next(provider.start(launch, connection))
    is_named = launch.launch_id in {*call.headers.values()} or launch.launch_id in json.dumps(call.json, default=str)

    assert provider.resend_window_s is None or is_named


@every()
@given(data=st.data())
def test_a_start_changes_something_once_at_most(provider: Provider, data: st.DataObject) -> None:
    replies = data.draw(st.lists(odd_replies(bodies(provider.examples)), min_size=1, max_size=3))
    calls, _ = answered(provider.start(*launched(provider)), replies)

    assert sum(call.changes for call in calls) <= 1


@every()
def test_a_start_leaves_the_launch_as_it_was(provider: Provider) -> None:
    launch, connection = launched(provider)
    inputs = dict(launch.inputs)

    next(provider.start(launch, connection))

    assert launch.inputs == inputs


HOSTILE = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["..", ".", "../..", "a/b", "7?x=1", "7#y", " 7", "%2e%2e", "7\r\n", "\0"]
)


@every()
@given(workflow_id=HOSTILE, run_id=HOSTILE, data=st.data())
def test_no_id_leads_a_call_elsewhere(provider: Provider, workflow_id: str, run_id: str, data: st.DataObject) -> None:
    """People type workflow ids, and run ids of launches in doubt: they must stay one part of the path, or send nothing."""
    replies = data.draw(st.lists(odd_replies(bodies(provider.examples)), min_size=1, max_size=2))
    launch, connection = launched(provider)
    known = {part for example in provider.examples for part in example.call.path.split("/")} | {"stop", "cancel"}
    lost = replace(launch, workflow_id=workflow_id, run_id=run_id, sent_at=launch.created_at)
    for verb in ("start", "track", "cancel", "describe", "find", "confirm"):
        asked = exchange(provider, verb, lost, connection, run_id)
        for call in answered(asked, replies)[0]:
            parts = call.path.split("/")

            assert re.fullmatch(r"[A-Za-z0-9/._~%!$&'()*+,;=:@-]+", call.path)
            assert not {".", ".."} & set(parts)
            assert sum(part not in known for part in parts) <= 2


# --- what a provider may send ------------------------------------------------------------------------------------------


@every()
@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", UNREADABLE_BODIES, ids=lambda body: body[:12] or "empty")
def test_an_unreadable_success_may_have_started_it(provider: Provider, status: int, body: str) -> None:
    _, answer = answered(provider.start(*launched(provider)), [Reply(status=status, body=body)])

    assert isinstance(answer, Unreachable)
    assert answer.is_possibly_applied


@every()
@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 507, 520, 599])
def test_a_broken_provider_may_have_started_it(provider: Provider, status: int) -> None:
    told = [shown(provider, "start").reply.body, *UNREADABLE_BODIES]
    answers = [answered(provider.start(*launched(provider)), [Reply(status=status, body=body)])[1] for body in told]

    assert all(isinstance(answer, Unreachable) and answer.is_possibly_applied for answer in answers)


@every()
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_proves_nothing(provider: Provider, status: int) -> None:
    _, answer = answered(provider.start(*launched(provider)), [Reply(status=status, headers={"location": "https://elsewhere"})])

    assert isinstance(answer, Unreachable)
    assert answer.is_possibly_applied


@having(*VERBS)
@pytest.mark.parametrize("body", ["", "<html>", '{"message": "slow down"}'])
def test_too_many_calls_wait_as_long_as_the_provider_says(provider: Provider, verb: str, body: str) -> None:
    calls, answer = answered(swept(provider, verb), [Reply(status=429, headers={"retry-after": "7"}, body=body)])

    assert not calls or all(isinstance(each, Busy) and each.retry_after_s == 7.0 for each in answers_in(answer))


@having(*VERBS)
@pytest.mark.parametrize("body", UNREADABLE_BODIES, ids=lambda body: body[:12] or "empty")
def test_no_body_makes_a_verb_raise(provider: Provider, verb: str, body: str) -> None:
    for status in (100, 200, 204, 304, 400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 503):
        _, answer = answered(swept(provider, verb), [Reply(status=status, body=body)])

        assert isinstance(answer, MAY_ANSWER[verb])
        assert not isinstance(answer, TrackedMany) or all(isinstance(each, MAY_ANSWER["track"]) for each in answers_in(answer))


@having(*VERBS)
@given(data=st.data())
def test_no_reply_makes_a_verb_raise(provider: Provider, verb: str, data: st.DataObject) -> None:
    """Documented bodies with parts replaced by anything at all, in any order and number."""
    replies = data.draw(st.lists(odd_replies(bodies(provider.examples)), min_size=1, max_size=3))
    _, answer = answered(swept(provider, verb), replies)

    assert isinstance(answer, MAY_ANSWER[verb])
    assert not isinstance(answer, Accepted) or answer.run_id


@having("track", "track_many", "catalogue", "describe", "probe", "find", "confirm", "login")
@given(data=st.data())
def test_nothing_that_only_reads_is_possibly_applied(provider: Provider, verb: str, data: st.DataObject) -> None:
    replies = data.draw(st.lists(odd_replies(bodies(provider.examples)), min_size=1, max_size=3))
    calls, answer = answered(swept(provider, verb), replies)

    assert not any(call.changes for call in calls)
    assert not any(isinstance(each, Unreachable) and each.is_possibly_applied for each in answers_in(answer))


@every(*(name for name, provider in PROVIDERS.items() if provider.can_track_many))
@given(data=st.data())
def test_a_list_answers_for_nobody_who_was_not_asked_about(provider: Provider, data: st.DataObject) -> None:
    replies = data.draw(st.lists(odd_replies(bodies(provider.examples)), min_size=1, max_size=3))
    _, answer = answered(swept(provider, "track_many"), replies)

    assert answer.answers.keys() <= {shown(provider, "track").launch.run_id, "another"}
    assert all(isinstance(each, MAY_ANSWER["track"]) for each in answers_in(answer))


@every(*(name for name, provider in PROVIDERS.items() if provider.can_track_many))
@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("body", UNREADABLE_BODIES, ids=lambda body: body[:12] or "empty")
def test_no_run_is_over_because_a_list_could_not_be_read(provider: Provider, status: int, body: str) -> None:
    _, answer = answered(swept(provider, "track_many"), [Reply(status=status, body=body)])

    assert not any(isinstance(each, Completed | Observed) for each in answers_in(answer))


@every()
@given(data=st.data())
def test_every_run_that_is_found_or_confirmed_has_an_id(provider: Provider, data: st.DataObject) -> None:
    replies = data.draw(st.lists(odd_replies(bodies(provider.examples)), min_size=1, max_size=3))
    found, confirmed = (answered(swept(provider, verb), replies)[1] for verb in ("find", "confirm"))
    run_ids = [candidate.run_id for candidate in found.candidates] if isinstance(found, Matches) else []

    assert all(run_ids)
    assert len(run_ids) == len(set(run_ids))
    assert not isinstance(confirmed, Confirmed) or confirmed.run_id


@having("find")
@pytest.mark.parametrize("body", UNREADABLE_BODIES, ids=lambda body: body[:12] or "empty")
def test_no_run_is_found_in_what_cannot_be_read(provider: Provider, verb: str, body: str) -> None:
    _, answer = answered(swept(provider, verb), [Reply(status=200, body=body)])

    assert not isinstance(answer, Matches) or not answer.candidates


@having("confirm")
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 408, 429, 500, 503])
@pytest.mark.parametrize("body", UNREADABLE_BODIES, ids=lambda body: body[:12] or "empty")
def test_no_run_is_confirmed_by_what_cannot_be_read(provider: Provider, verb: str, status: int, body: str) -> None:
    _, answer = answered(swept(provider, verb), [Reply(status=status, body=body)])

    assert not isinstance(answer, Confirmed)


@having("find", "confirm")
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_look_up_in_a_broken_provider_says_nothing_about_the_run(provider: Provider, verb: str, status: int) -> None:
    calls, answer = answered(swept(provider, verb), [Reply(status=status)])

    assert not calls or isinstance(answer, Unreachable)


@every()
@pytest.mark.parametrize("run_id", ["", " ", "\t"])
def test_no_run_is_confirmed_by_no_name(provider: Provider, run_id: str) -> None:
    launch, connection = launched(provider)

    driven = drive(provider.confirm(launch, run_id, connection))

    assert not driven.calls
    assert isinstance(driven.answer, Denied)


@every()
def test_how_a_lost_start_is_settled_is_told_in_a_few_words(provider: Provider) -> None:
    words = provider.lost_start_settled_by

    assert words is None or (words[0].islower() and not words.endswith("."))


@every()
def test_what_can_be_found_is_looked_up_without_further_settings_or_with_those_of_the_example(provider: Provider) -> None:
    examples = [example for example in provider.examples if example.verb == "find"]

    assert all(example.connection and provider.can_find(example.connection) for example in examples)


@every()
@given(data=st.data())
def test_whether_a_session_is_over_is_told_by_any_reply(provider: Provider, data: st.DataObject) -> None:
    reply = data.draw(odd_replies(bodies(provider.examples)))

    assert provider.is_session_over(reply) in {True, False}
    assert not (reply.status >= 500 and provider.is_session_over(reply))


@every(*sorted({*PROVIDERS} - WITHOUT_STATUS_WORDS))
def test_a_status_never_seen_before_is_tracked_and_shown(provider: Provider) -> None:
    looks = [example for example in provider.examples if example.verb == "track" and not example.before]
    worded = [(each, status) for each in looks if (status := getattr(each.answer, "provider_status", None))]
    renamed = [(each, each.reply.body.replace(f'"{status}"', '"Pondering"')) for each, status in worded]
    fitting = [(each, body) for each, body in renamed if '"Pondering"' in body]

    assert fitting
    for example, body in fitting:
        launch, connection = launched(provider)
        asked = exchange(provider, "track", example.launch or launch, example.connection or connection)
        _, answer = answered(asked, [replace(example.reply, body=body)])

        assert isinstance(answer, Observed)
        assert answer.provider_status == "Pondering"


# --- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("provider", "example"), EXAMPLES, ids=lambda each: each.name)
def test_no_secret_shows_in_what_is_signed(provider: Provider, example: Example) -> None:
    signature = signed(provider, example.call)
    added = {**signature.headers, **signature.form}

    assert added
    assert any(SENTINEL in secret.reveal() for secret in added.values())
    for value in (signature, example.call, added, *added.values()):
        assert SENTINEL not in f"{value!r} {value!s}"


@pytest.mark.parametrize(("provider", "example"), EXAMPLES, ids=lambda each: each.name)
def test_no_example_holds_what_the_gateway_adds(provider: Provider, example: Example) -> None:
    signature = signed(provider, example.call)

    assert not {*example.call.headers} & {*signature.headers}
    assert not {*(example.call.form or {})} & {*signature.form}


@every()
def test_only_a_login_is_signed_with_a_form(provider: Provider) -> None:
    calls = [example.call for example in provider.examples]

    assert all(call.is_login and call.form is not None for call in calls if signed(provider, call).form)


@having("login")
def test_a_token_that_a_login_brought_never_shows(provider: Provider, verb: str) -> None:
    granted = json.loads(next(each.reply.body for each in provider.examples if isinstance(each.answer, LoggedIn)))
    reply = Reply(status=200, body=json.dumps(granted | {"access_token": SENTINEL}))

    answer = drive(swept(provider, verb), reply).answer

    assert answer.session.token.reveal() == SENTINEL
    assert SENTINEL not in f"{answer!r} {answer!s}"


@having("login")
@pytest.mark.parametrize("token", ["", " ", "two words", "line\r\nX-Other: 1", "ünï", 7, None, [], {}])
def test_a_token_that_fits_no_header_is_no_token(provider: Provider, verb: str, token: Any) -> None:
    answer = drive(swept(provider, verb), Reply(status=200, body=json.dumps({"access_token": token}))).answer

    assert isinstance(answer, Unreachable)


# --- facts and shape ---------------------------------------------------------------------------------------------------


@every()
def test_facts_say_where_they_stand(provider: Provider) -> None:
    links = [provider.documents, provider.pace.source, *(scope.source for scope in provider.scopes)]

    assert all(link.startswith("https://") for link in links)
    assert provider.title


@every()
def test_each_scope_is_explained_and_allows_known_verbs(provider: Provider) -> None:
    verbs = {"launch", "track", "cancel", "list", "describe", "results", "records"}

    scopes = [*provider.scopes, *([provider.free_scope] if provider.free_scope else [])]

    assert scopes
    assert all(scope.meaning and verbs.issuperset(scope.allows) for scope in scopes)
    assert all(scope.asked_by.endswith(".") and scope.source.startswith("https://") for scope in scopes)


@pytest.mark.parametrize(
    ("provider", "example"), [pair for pair in EXAMPLES if isinstance(pair[1].answer, Held)], ids=lambda each: each.name
)
def test_a_probe_speaks_of_named_scopes_and_of_each_with_evidence(provider: Provider, example: Example) -> None:
    names = {scope.name for scope in provider.scopes}
    keys = [(seen.scope, seen.workflow_id) for seen in example.answer.scopes]

    assert provider.is_scope_free_text or names.issuperset(scope for scope, _ in keys)
    assert len(keys) == len(set(keys))
    assert all(seen.evidence[0].isupper() and seen.evidence.endswith(".") for seen in example.answer.scopes)


@every()
def test_a_probe_starts_nothing_that_exists(provider: Provider) -> None:
    """Whatever it posts is a question, or about nothing: it could never be one of the calls that start, stop or change a run."""
    examples = [example for example in provider.examples if example.verb == "probe"]
    starts = {(each.call.method, each.call.path) for each in provider.examples if each.verb in {"start", "cancel"}}

    for example in examples:
        asked = exchange(provider, "probe", launched(provider)[0], example.connection or launched(provider)[1])
        calls = drive(asked, *example.before, example.reply).calls
        assert not {(call.method, call.path) for call in calls} & starts
        assert not any(call.changes for call in calls)


@pytest.mark.parametrize(("provider", "example"), EXAMPLES, ids=lambda each: each.name)
def test_only_a_probe_asks_by_a_method_that_could_change_something(provider: Provider, example: Example) -> None:
    launch, connection = launched(provider)
    asked = exchange(
        provider, example.verb, example.launch or launch, example.connection or connection, example.run_id, example.others
    )

    calls = drive(asked, *example.before, example.reply).calls

    assert example.verb == "probe" or not any(call.is_question for call in calls)


@every()
def test_a_launch_needs_scopes_that_the_provider_names(provider: Provider) -> None:
    names = {scope.name for scope in provider.scopes}
    workflow = Workflow(workflow_id=launched(provider)[0].workflow_id)

    assert all(names.issuperset(provider.needed_scopes(verb, workflow)) for verb in ("launch", "cancel", "list", "describe"))
    assert provider.needed_scopes("launch", workflow) or not names or provider.is_scope_free_text


@every()
def test_the_pace_grows(provider: Provider) -> None:
    assert 0 < provider.pace.first_s <= provider.pace.most_s


@every()
def test_how_much_may_be_asked_says_whose_limit_that_is(provider: Provider) -> None:
    assert provider.allowance.calls_a_minute > 0
    assert provider.allowance.source.startswith("https://")


@every()
def test_every_setting_has_its_sentence(provider: Provider) -> None:
    found = sentences(provider.credential) | sentences(provider.options) | sentences(provider.workflow_options)

    assert not [name for name, sentence in found.items() if not sentence or not sentence.endswith(".")]


@every()
def test_settings_are_frozen_and_credentials_are_text(provider: Provider) -> None:
    kinds = (provider.credential, provider.options, provider.workflow_options)
    types = [typing.get_type_hints(provider.credential)[field.name] for field in dataclasses.fields(provider.credential)]

    assert all(dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen for kind in kinds)
    assert all(kind in {str, str | None} for kind in types)


@every()
def test_what_is_not_built_is_a_setting(provider: Provider) -> None:
    names = {field.name for kind in (provider.options, provider.workflow_options) for field in dataclasses.fields(kind)}

    assert names.issuperset(provider.not_built)


@every()
def test_a_connection_without_options_works(provider: Provider) -> None:
    launch, connection = launched(provider)
    bare = replace(connection, options=provider.options())

    assert next(provider.start(launch, bare)).path.startswith("/")


@every()
@given(run_id=st.text(min_size=1, max_size=20), workflow_id=st.text(min_size=1, max_size=20))
def test_a_link_is_an_address_whatever_the_ids_are(provider: Provider, run_id: str, workflow_id: str) -> None:
    """A link stands in Slack's markup: an id must not be able to end it."""
    launch, connection = launched(provider)

    link = provider.link(replace(launch, run_id=run_id, workflow_id=workflow_id), connection)

    assert link is None or (link.startswith("https://") and link.isascii() and not set(link) & set("<>| \n"))


@every()
def test_each_provider_has_a_test_file_of_its_own(provider: Provider) -> None:
    assert (Path(__file__).parent / f"test_{provider.name}.py").is_file()


@every()
def test_the_file_is_written_in_the_house_order(provider: Provider) -> None:
    body = nodes(provider)
    classes = {node.name: place for place, node in enumerate(body) if isinstance(node, ast.ClassDef)}
    own = body[classes[type(provider).__name__]]
    assert isinstance(own, ast.ClassDef)
    settings = [classes["Credential"], classes["Options"], classes["WorkflowOptions"], classes[own.name]]
    methods = [node.name for node in own.body if isinstance(node, ast.FunctionDef) and node.name in ORDER]
    facts = [ast.unparse(node) for node in own.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    first_method = next(place for place, node in enumerate(own.body) if isinstance(node, ast.FunctionDef))
    examples = next(place for place, node in enumerate(own.body) if ast.unparse(node).startswith("examples"))

    assert settings == sorted(settings)
    assert facts[0].startswith("name =")
    assert examples < first_method
    assert methods == [name for name in ORDER if name in methods]
    assert ast.unparse(body[-1]).startswith("PROVIDER =")


@every()
def test_the_file_says_what_it_is_for_and_why(provider: Provider) -> None:
    module = inspect.getmodule(type(provider))

    assert module is not None
    assert "Why" in (module.__doc__ or "")
