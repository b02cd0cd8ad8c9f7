"""What is told of the form beside it."""

from __future__ import annotations

import pytest

from bot.domain.model import Reason
from bot.surfaces import form_notices as notices
from bot.surfaces.say import Say
from tests.block_limits import assert_harmless, assert_within_limits
from tests.builders import a_launch

NO_GRANTS = Reason(code="channel_without_policy", facts={"channel": "general", "channel_id": "C0GENERAL"})


@pytest.mark.parametrize(
    "say",
    [
        notices.say_not_opened(command="/launch"),
        notices.say_elsewhere((NO_GRANTS,), ("finance-ops", "sales-ops"), command="/launch"),
        notices.say_elsewhere((NO_GRANTS,), tuple(f"channel-{number}" for number in range(60)), command="/launch"),
        notices.say_outdated(command="/launch"),
        notices.say_unconfirmed(command="/launch"),
        notices.say_launched(a_launch(workflow_name="<!channel> & co")),
        notices.say_nowhere(),
    ],
)
def test_every_notice_is_within_limits_and_pings_nobody(say: Say) -> None:
    assert_within_limits(say)
    assert_harmless(say)


def test_a_channel_without_grants_names_those_with_some() -> None:
    text = notices.say_elsewhere((NO_GRANTS,), ("finance-ops", "sales-ops"), command="/launch").text

    assert "#general" in text
    assert text.endswith("You may launch in #finance-ops, #sales-ops.")


def test_who_may_launch_nowhere_is_told_no_channel() -> None:
    assert "You may launch in" not in notices.say_elsewhere((NO_GRANTS,), (), command="/launch").text


def test_a_form_that_was_not_opened_says_what_to_type_by_the_configured_word() -> None:
    assert "/start &lt;connection&gt;" in notices.say_not_opened(command="/start").text


def test_a_launch_is_named_by_its_id_and_its_workflow() -> None:
    text = notices.say_launched(a_launch()).text

    assert "L-7K3QW" in text
    assert "Dunning run" in text
