"""The provider panel's words: what each fault, switch and verb is called by people, and what they will see of it in Slack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.sandbox.standins import FaultKind

VERBS: Mapping[str, str] = {
    "start": "starting a workflow",
    "track": "looking how a run goes",
    "cancel": "stopping a run",
    "catalogue": "listing the workflows",
    "describe": "asking for a workflow's inputs",
    "login": "logging in",
    "probe": "trying the credential",
    "any": "whatever is asked next",
}


@dataclass(frozen=True, kw_only=True)
class FaultWords:
    """A kind of fault: its name, what happens at the provider, what is seen in Slack; ``fields`` can be set beside it.

    ``can_be_applied``: the provider may have done what it was asked before it goes wrong.
    """

    title: str
    happens: str
    seen: str
    fields: tuple[str, ...] = ()
    can_be_applied: bool = True


FAULTS: Mapping[FaultKind, FaultWords] = {
    FaultKind.STATUS: FaultWords(
        title="Answer with an error",
        happens="The provider answers with this status, in its own words.",
        seen="429: the bot waits and tries again. 503 at a start: again only where that cannot start two runs, else the launch is in "
        "doubt. 400: the launch fails and says why.",
        fields=("status", "retry_after_s"),
    ),
    FaultKind.HANG: FaultWords(
        title="Hang",
        happens="No answer comes until hanging answers are let go, or the bot gives up.",
        seen="The card waits. When a start is given up, the launch is in doubt: it may have been started, so nobody starts it twice.",
    ),
    FaultKind.DROP: FaultWords(
        title="Cut the connection",
        happens="The connection breaks before an answer.",
        seen="A start is in doubt until the bot has found its run, or a person decides. Anything else is tried again quietly.",
    ),
    FaultKind.GARBAGE: FaultWords(
        title="Answer with garbage",
        happens="200, and bytes that are no JSON although they say so.",
        seen="A start is in doubt: nobody can read whether it worked. Anything else is tried again.",
    ),
    FaultKind.HTML: FaultWords(
        title="Answer with a web page",
        happens="200 and a maintenance page, as proxies like to do.",
        seen="As garbage: a start is in doubt, anything else is tried again.",
    ),
    FaultKind.TRUNCATED: FaultWords(
        title="Cut the answer in half",
        happens="Half of a body arrives, then the connection is cut.",
        seen="A start is in doubt; anything else is tried again.",
    ),
    FaultKind.ENORMOUS: FaultWords(
        title="Answer without end",
        happens="200 and so many bytes of JSON, until the bot has had enough.",
        seen="The bot stops reading in time: a start is in doubt, anything else is tried again. Its memory stays small.",
        fields=("size_bytes",),
    ),
    FaultKind.REDIRECT: FaultWords(
        title="Redirect elsewhere",
        happens="307 to another host.",
        seen="The bot never follows: nothing of the credential leaves for another host, and the launch says so.",
        fields=("location",),
    ),
    FaultKind.EXPIRE: FaultWords(
        title="Let the session expire",
        happens="The credential or session is not accepted this once.",
        seen="Where there is a login, nothing at all: the bot logs in anew and goes on. Elsewhere the operators are told.",
        can_be_applied=False,
    ),
    FaultKind.REFUSE_SCOPE: FaultWords(
        title="Refuse for a missing right",
        happens="The provider says this once that the credential lacks a right.",
        seen="The launch fails, the thread says who has to mend that, and the operators' channel is told which right.",
        can_be_applied=False,
    ),
    FaultKind.LATE: FaultWords(
        title="Start late, without an answer",
        happens="The answer is lost, and the run appears only so many seconds later.",
        seen="The launch is in doubt and nothing is found at first; the bot keeps looking instead of starting a second run.",
        fields=("delay_s",),
        can_be_applied=False,
    ),
}

FIELDS: Mapping[str, str] = {
    "status": "HTTP status",
    "retry_after_s": "Retry after (s)",
    "delay_s": "Seconds late",
    "size_bytes": "Bytes",
    "location": "Where to",
}

SWITCHES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("bitrix24", "scope_added_later"): (
        "Rights were added after the key was made",
        "The key lists them but cannot use them: launches are refused, and the operators are told what to do.",
    ),
    ("bitrix24", "lists_lost_scopes"): (
        "The key lists rights that it lost",
        "Take a right below: the bot finds out only when a start is refused, and remembers it.",
    ),
    ("bitrix24", "read_only_key"): ("The key may only read", "Every start is refused, and nothing is ever sent twice."),
    ("captain_data", "created_status"): ("Answer 201 to a start", "Nothing changes in Slack: both ways of saying yes are read."),
    ("captain_data", "name_in_main_only"): (
        "Hide the job's name",
        "A lost start is still found, by the name of its main job.",
    ),
    ("captain_data", "account_removed"): (
        "The LinkedIn account is gone",
        "“Extract profiles” fails with the provider's words: it uses that account.",
    ),
    ("domo", "null_as_text"): ("Write “null” as a word", "Nothing changes in Slack: older answers are read the same."),
    ("salesforce", "bare_object"): ("One result instead of a list", "Nothing changes in Slack: both forms are read."),
    ("salesforce", "odd_status_key"): ("Misspelt status key", "Nothing changes in Slack: the seed's spelling is read too."),
    ("zuora", "replay_as_conflict"): (
        "A repeated start is a conflict",
        "A start that is sent again gets 409 with the first answer: the bot reads it, and there is one run.",
    ),
    ("zuora", "export_needs_manage"): (
        "Inputs need a higher right",
        "The form does not know the inputs of workflows at Zuora, and says so.",
    ),
    ("zuora", "multi_entity"): ("A tenant of several entities", "Requests must name the entity: launches fail and say why."),
    ("zuora", "multi_org"): (
        "A tenant of several organisations",
        "Requests must name the organisation: launches fail and say why.",
    ),
}
SCOPE_SEEN = (
    "Take one away, and launches that need it fail: the thread says whose turn it is, and #gonogo-ops is told. "
    "Given back, the bot believes it after ten minutes at most."
)


def switch_words(provider: str, switch: str) -> tuple[str, str]:
    """What a switch is called, and what is seen of it; its own name where nobody has found words for it."""
    return SWITCHES.get((provider, switch), (switch.replace("_", " ").capitalize(), ""))
