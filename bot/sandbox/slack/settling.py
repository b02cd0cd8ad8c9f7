"""What Slack does with an acknowledgement: shows a command's answer, moves modals on, tells the person what failed.

https://docs.slack.dev/surfaces/modals (response_action) · https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.blocks import refuse_bad_blocks, refuse_bad_view
from bot.sandbox.slack.clock import SlackClock
from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.forms import controls
from bot.sandbox.slack.shapes import mapping
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.slack.world import SLACKBOT

TROUBLE = "We had some trouble connecting. Try again?"


@dataclass(frozen=True, kw_only=True)
class Settling:
    """Applies acknowledgements to the workspace."""

    workspace: Workspace
    clock: SlackClock

    def settle(self, acknowledged: Acknowledged) -> None:
        """Show what this acknowledgement, or its absence, means to the person."""
        payload = acknowledged.delivery.payload
        if acknowledged.delivery.kind == "slash_commands":
            self._settle_command(payload, acknowledged)
        elif payload.get("type") == "view_submission":
            self._settle_submission(payload, acknowledged)
        elif not acknowledged.is_ok and acknowledged.delivery.kind == "interactive":
            self._tell_failure(str(payload["user"]["id"]), acknowledged.error)

    def _settle_command(self, payload: Mapping[str, Any], acknowledged: Acknowledged) -> None:
        channel_id, user_id = str(payload["channel_id"]), str(payload["user_id"])
        if not acknowledged.is_ok:
            words = f'{payload["command"]} failed with the error "{acknowledged.error}"'
            self.workspace.post(channel_id, SLACKBOT, words, self.clock.now(), ephemeral_to=user_id)
            self._tell_failure(user_id, words, channel_id=channel_id)
        elif acknowledged.body.get("text") or acknowledged.body.get("blocks"):
            typed = f"{payload['command']} {payload['text']}".strip()
            try:
                self.show_answer(acknowledged.body, channel_id, user_id, typed=typed)
            except SlackError as refusal:
                self._tell_failure(user_id, f"{payload['command']}: {refusal.body()}", channel_id=channel_id)

    def show_answer(
        self, body: Mapping[str, Any], channel_id: str, user_id: str, *, typed: str = "", thread_ts: str | None = None
    ) -> None:
        """Show an answer (an acknowledgement's, or one over a response URL) to the person, or to all if it says in_channel."""
        content = answer_content(body)
        is_public = body.get("response_type") == "in_channel"
        if is_public and typed:
            self.workspace.post(channel_id, user_id, typed, self.clock.now())
        whom = None if is_public else user_id
        bot = self.workspace.app.bot_user_id
        self.workspace.post(channel_id, bot, at=self.clock.now(), ephemeral_to=whom, thread_ts=thread_ts, **content)

    def _settle_submission(self, payload: Mapping[str, Any], acknowledged: Acknowledged) -> None:
        view = self.workspace.views.find(view_id=str(payload["view"]["id"]))
        if not acknowledged.is_ok:
            self._tell_failure(str(payload["user"]["id"]), TROUBLE)
        elif view is not None:
            try:
                self._move_on(view, acknowledged.body)
            except SlackError as refusal:
                self._tell_failure(view.user_id, f"{TROUBLE} ({refusal.error}: {refusal.beside})")

    def _move_on(self, view: View, body: Mapping[str, Any]) -> None:
        views, at = self.workspace.views, self.clock.now()
        match body.get("response_action"):
            case None:
                views.close(view, at)
            case "clear":
                views.clear(view.user_id, at)
            case "errors":
                views.show_errors(view, self._errors(view, mapping(body.get("errors"))), at)
            case "update" | "push" as action:
                content = mapping(body.get("view"))
                refuse_bad_view(content, "modal")
                if action == "update":
                    views.update(view, content, at)
                else:
                    views.push(view, content, at)
            case other:
                raise SlackError("invalid_response_action", action=other)

    def _errors(self, view: View, errors: Mapping[str, Any]) -> dict[str, str]:
        fields = {control.block_id for control in controls(view.blocks) if control.is_input}
        if not errors or not errors.keys() <= fields:
            raise SlackError("invalid_errors", fields=sorted(fields), given=sorted(errors))
        return {block_id: str(words) for block_id, words in errors.items()}

    def _tell_failure(self, user_id: str, words: str, *, channel_id: str = "") -> None:
        self.workspace.record("operation_failed", self.clock.now(), user_id=user_id, channel_id=channel_id, text=words)


def answer_content(body: Mapping[str, Any]) -> dict[str, Any]:
    """Text and blocks of an answer, checked."""
    text, blocks = str(body.get("text") or ""), body.get("blocks")
    if blocks is not None:
        refuse_bad_blocks(blocks)
    if not text and not blocks:
        raise SlackError("no_text")
    return {"text": text, "blocks": tuple(blocks or ())}
