"""Do the granted workflows fit Slack's forms, under the rules of each grant?

Why one that a glob covers is no fault: a glob means whatever there is, and whoever wrote it did not choose this one. A workflow that
fits no form can still be launched by a command, or where the configuration names the inputs that people need.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.checking.facts import ConnectionFacts
from bot.checking.findings import Checked, Level
from bot.checking.known import GrantAt, grants_of, is_glob, is_meant, known
from bot.checking.places import Places
from bot.domain.grants import Policy
from bot.domain.inputs import with_secrets
from bot.domain.model import InputSpec, Problem, Workflow
from bot.surfaces.launch_form import fits
from bot.surfaces.words import problem_sentence


def form_findings(policy: Policy, facts: ConnectionFacts, places: Places) -> Iterator[Checked]:
    """Every granted workflow that no form can ask for; of one whose inputs are not known nothing is said."""
    workflows = [one for one in known(facts).values() if not one.obstacle]
    for at in grants_of(policy, facts.connection.name):
        for number, pattern in enumerate(at.grant.workflows):
            place = places.line((*at.place, "workflows", number))
            problems = (_problem(facts, at, one) for one in workflows if is_meant(pattern, one))
            for problem in filter(None, problems):
                yield Checked(
                    level=Level.WARNING if is_glob(pattern) else Level.FAULT,
                    code="form_does_not_fit",
                    subject=f"{facts.connection.name} {pattern} in channel {at.channel_id}",
                    words=f"Slack cannot show its form. {problem_sentence(problem)}",
                    place=place,
                )


def _problem(facts: ConnectionFacts, at: GrantAt, workflow: Workflow) -> Problem | None:
    specs = _specs(facts, workflow)
    return None if specs is None else fits(workflow, specs, at.grant.inputs)


def _specs(facts: ConnectionFacts, workflow: Workflow) -> tuple[InputSpec, ...] | None:
    """As a launch would ask for them: the configuration's inputs before those that were told, the provider's own ones first."""
    own = facts.connection.workflows.get(workflow.workflow_id)
    inputs = own.inputs if own is not None and own.inputs is not None else workflow.inputs
    if inputs is None:
        return None
    fixed = facts.provider.fixed_inputs(workflow)
    names = {spec.name for spec in fixed}
    every = (*fixed, *(spec for spec in inputs if spec.name not in names))
    return with_secrets(every, facts.connection.secret_names)
