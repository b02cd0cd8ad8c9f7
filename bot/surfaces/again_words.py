"""The sentences about launching again; ``form_words`` has those about its inputs."""

from __future__ import annotations

from collections.abc import Mapping

AGAIN: Mapping[str, tuple[str, ...]] = {
    "not_over": (
        "{launch_id:q} is not over, so it cannot be launched again.",
        "It is: {state}.",
        "Its card tells how it ends.",
    ),
    "again_renamed": ("The workflow is called {now:q} now.", "It was called {then:q}."),
    "again_version": ("The workflow has version {now:q} now.", "That launch ran version {then:q}."),
    "again_asks": ("Others have to agree to it now.",),
    "again_free": ("Nobody has to agree to it any more.",),
    "again_uncompared": (
        "Whether the workflow still takes these inputs could not be learnt in time: {cause}.",
        "What does not fit is told when it is launched.",
    ),
}
