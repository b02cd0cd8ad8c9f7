"""Every view of the page, one after the other, as somebody comes to see it: for axe, and for pictures."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from playwright.async_api import expect

from bot.sandbox.acting import LAUNCH_ID
from bot.sandbox.slack.workspace import Message
from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.world import Sandbox
from tests.page.person import Card, Person

ALICE, BOB, CAROL, DAVE = "U0ALICE", "U0BOB", "U0CAROL", "U0DAVE"
FINANCE, SALES, TREASURY, DATA = "C0FINANCE", "C0SALES", "C0TREASURY", "C0DATA"
ACCOUNT = "accountId=4028905f5a87c0ff015a87d25ae90025"
PAYMENT = "paymentId=4028905f5a87c0ff015a889ddfb800c0"
REFUND = f'billing "Refund approval" {PAYMENT} days=14'
FLOW = "sales Escalate_to_Case CommentCount=6 FeedItemId=0D5D0000000cfMY"
WITHIN_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Story:
    """What stands in the workspace before anybody looks."""

    sandbox: Sandbox
    awaiting: Message
    approved: Message
    in_doubt: Message
    failed: Message

    def seen_by(self, person: Person, message: Message) -> Card:
        """One of them on somebody's screen."""
        found = LAUNCH_ID.search(message.text)
        return Card(person, message.ts, found[0] if found else "")


async def ask(sandbox: Sandbox) -> Story:
    """Nothing but one launch for which one of two has said yes."""
    awaiting = await _launched(sandbox, TREASURY, REFUND, "Awaiting")
    await sandbox.slack.click(BOB, TREASURY, awaiting.ts, "Approve")
    return Story(sandbox=sandbox, awaiting=awaiting, approved=awaiting, in_doubt=awaiting, failed=awaiting)


async def tell(sandbox: Sandbox) -> Story:
    """One launch in each state that matters, let happen as people, through the stand-in Slack."""
    slack, workspace = sandbox.slack, sandbox.slack.workspace
    failed = await _launched(sandbox, FINANCE, 'billing "Dunning reminder" Message=hello', "Failed")
    await _launched(sandbox, FINANCE, f"billing 396 {ACCOUNT} {PAYMENT}", "Succeeded")
    approved = await _launched(sandbox, TREASURY, REFUND, "Awaiting")
    for user_id in (BOB, DAVE):
        await slack.click(user_id, TREASURY, approved.ts, "Approve")
    await workspace.wait_for(lambda seen: _starts(seen.find(TREASURY, approved.ts), "Succeeded"), WITHIN_S)
    sandbox.providers.fault("salesforce", Fault(kind=FaultKind.DROP, is_applied=True), verb="start")
    in_doubt = await _launched(sandbox, SALES, FLOW, "In doubt")
    await slack.command(CAROL, TREASURY, 'why billing "Refund approval"')
    asked = await ask(sandbox)
    return Story(sandbox=sandbox, awaiting=asked.awaiting, approved=approved, in_doubt=in_doubt, failed=failed)


async def _launched(sandbox: Sandbox, channel_id: str, text: str, word: str) -> Message:
    """Alice launches; the card, once it says so."""
    workspace = sandbox.slack.workspace
    before = {message.ts for message in workspace.messages(channel_id)}
    await sandbox.slack.command(ALICE, channel_id, text)

    def fits(_: object) -> Message | None:
        return next((one for one in workspace.messages(channel_id) if one.ts not in before and _starts(one, word)), None)

    return await workspace.wait_for(fits, WITHIN_S)


def _starts(message: Message | None, word: str) -> bool:
    return message is not None and message.text.startswith(word)


# --- the views: each leaves the person before it --------------------------------------------------------------------------


async def channel(person: Person, story: Story) -> None:
    """Cards, and an answer that only this person sees."""
    await story.seen_by(person, story.awaiting).says("Awaiting approval")
    await expect(person.log.get_by_text("Only visible to you")).to_be_visible()


async def thread(person: Person, story: Story) -> None:
    """The thread of a launch that has ended."""
    replies = await story.seen_by(person, story.approved).open_thread()
    await expect(replies.get_by_role("article").last).to_contain_text("Succeeded")


async def doubt(person: Person, story: Story) -> None:
    """A card that asks people, and the question before they answer no."""
    await _go(person, SALES)
    await story.seen_by(person, story.in_doubt).press("It did not")
    await expect(person.page.get_by_role("alertdialog")).to_be_visible()


async def run_named(person: Person, story: Story) -> None:
    """The form that asks which run it was."""
    await _go(person, SALES)
    await story.seen_by(person, story.in_doubt).press("It ran")
    await expect(person.form.field("Run id at the provider")).to_be_focused()


async def reject(person: Person, story: Story) -> None:
    """The form that asks for a reason."""
    await story.seen_by(person, story.awaiting).press("Reject")
    await expect(person.form.field("Reason")).to_be_focused()


async def home(person: Person, story: Story) -> None:
    """The app's Home of somebody for whom something waits."""
    await _go(person, "home")
    await expect(person.page.get_by_role("tabpanel")).to_contain_text("Waiting for your approval")


async def form(person: Person, _: Story) -> None:
    """The launch form, with the fields of a workflow."""
    await _go(person, FINANCE)
    await person.type("/launch billing 396")
    await expect(person.form.field("accountId")).to_be_visible()
    await person.form.write({"accountId": "4028905f5a87c0ff015a87d25ae90025", "maxAmount": "250"})


async def errors(person: Person, _: Story) -> None:
    """The same form, sent with what cannot be."""
    await _go(person, FINANCE)
    await person.type("/launch billing 396")
    await expect(person.form.field("accountId")).to_be_visible()
    await person.form.write({"maxAmount": "a lot"})
    await person.form.send()
    await expect(person.form.field("accountId")).to_have_attribute("aria-invalid", "true")


async def open_menu(person: Person, _: Story) -> None:
    """A menu of the form, opened."""
    await _go(person, DATA)
    await person.type("/launch")
    await person.form.field("Connection").click()
    await expect(person.page.get_by_role("option").first).to_be_visible()


async def providers(person: Person, _: Story) -> None:
    """The provider panel, one provider opened, a fault about to be switched on."""
    await _panel(person, "Providers")
    panel = person.page.get_by_role("complementary", name="Panel")
    await panel.locator("summary").filter(has_text="Zuora").first.click()
    await panel.locator("summary").filter(has_text="Make something go wrong").filter(visible=True).click()
    await expect(panel.get_by_role("button", name="Let it go wrong")).to_be_visible()


async def traffic(person: Person, _: Story) -> None:
    """The traffic panel, one exchange opened."""
    await _panel(person, "Traffic")
    await person.page.get_by_role("list", name=re.compile("Traffic")).locator("summary").first.click()


async def scenarios(person: Person, _: Story) -> None:
    """What can be played."""
    await _panel(person, "Scenarios")
    await expect(person.page.get_by_role("button", name="Play the tour")).to_be_visible()


async def completion(person: Person, _: Story) -> None:
    """What can be typed after a command."""
    await person.composer.fill("/launch ")
    await expect(person.page.get_by_role("option").first).to_be_visible()


async def switcher(person: Person, _: Story) -> None:
    """Where to go, by keys."""
    await person.page.keyboard.press("Control+k")
    await expect(person.page.get_by_role("dialog", name="Jump to a channel or person")).to_be_visible()


async def menu(person: Person, story: Story) -> None:
    """What can be done with a message."""
    card = story.seen_by(person, story.awaiting).node
    await card.hover()
    await card.get_by_role("button", name="More actions").click()
    await expect(person.page.get_by_role("menuitem").first).to_be_visible()


async def _go(person: Person, at: str) -> None:
    await person.go(at)


async def _panel(person: Person, name: str) -> None:
    await person.page.get_by_role("button", name=name, exact=True).click()
    await expect(person.page.get_by_role("complementary", name="Panel")).to_be_visible()


View = Callable[[Person, Story], Awaitable[None]]
VIEWS: Mapping[str, View] = {
    "channel": channel,
    "completion": completion,
    "menu": menu,
    "thread": thread,
    "reject": reject,
    "doubt": doubt,
    "run named": run_named,
    "home": home,
    "form": form,
    "errors": errors,
    "open menu": open_menu,
    "providers": providers,
    "traffic": traffic,
    "scenarios": scenarios,
    "switcher": switcher,
}
