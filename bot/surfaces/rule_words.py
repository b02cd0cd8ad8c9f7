"""The sentences about single rules: what `/launch why` says of each, met or not (``words`` has all others).

A sentence about a limit stands for both verdicts; whether it is met is said before it.
"""

from __future__ import annotations

from collections.abc import Mapping

_CHANGE = "Whoever runs Gonogo here can change that in its configuration."
_TYPED = "You typed {typed:q}."

RULES: Mapping[str, tuple[str, ...]] = {
    "person_is_member": ("You are a full member of this workspace.",),
    "person_not_in_channel": ("You are not in #{channel}, so its grants are not shown to you.", "Join it, and ask again."),
    "channel_has_policy": ("Launches are possible in #{channel}: it has grants.",),
    "workflow_granted": ("A grant of #{channel} names the workflow {workflow:q} of {connection:q}.",),
    "workflow_renamed": (
        "The workflow {workflow:q} of {connection:q} was first seen under another name, and a new name widens no grant.",
        "A grant of #{channel} can name it by its id.",
        _CHANGE,
    ),
    "scope_granted": ("The grant names the scope {scope:q} of {connection:q}, which {workflow:q} needs.",),
    "scope_held": ("The credential of {connection:q} holds the scope {scope:q}.", "Evidence: {evidence}."),
    "scope_not_held": (
        "The credential of {connection:q} does not hold the scope {scope:q}, which this needs.",
        "Evidence: {evidence}.",
        "Nothing that you did is wrong: whoever looks after the credential at the provider can change that.",
    ),
    "scope_not_verified": (
        "Whether the credential of {connection:q} holds the scope {scope:q} is not verified.",
        "It counts as held until the provider refuses it.",
        "Last known: {evidence}.",
    ),
    "requester_granted": ("You are among the people who may launch {workflow:q} of {connection:q} here.",),
    "input_allowed": ("The value of {name:q} fits the rule for it.",),
    "input_fixed": ("The input {name:q} can only be {allowed:q} here.", _TYPED, "Leave it out: it is filled in."),
    "input_not_listed": ("The input {name:q} takes only certain values here.", "They are: {allowed}.", _TYPED),
    "input_too_small": ("The input {name:q} must be a number of at least {allowed:q} here.", _TYPED),
    "input_too_large": ("The input {name:q} must be a number of at most {allowed:q} here.", _TYPED),
    "input_pattern": ("The input {name:q} must match the pattern {allowed:q} here.", _TYPED),
    "limit_per_hour": (
        "The most launches in any hour is {most} here; in the last one there were: {count}.",
        "Once there are as many, the next one has to wait until the oldest is an hour old.",
    ),
    "limit_running": (
        "The most launches at a time is {most} here; not over yet: {count}.",
        "Once there are as many, the next one has to wait until one of them is over.",
    ),
    "frozen": (
        "Nothing is launched over {connection:q} until {until:t}: {freeze:q}.",
        "Wait until it is over; or whoever runs Gonogo here can except somebody from it.",
    ),
    "approval_needed": ("Before it starts, {required} of these must agree: {approvers:m}.",),
    "approval_not_needed": ("With these inputs a launch over {connection:q} needs nobody's approval.",),
}
