// One message, as Slack draws it: who and when, what it says, what hangs below it, and what can be done with it.

import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { ago, clockTime, dateOf, fullTime, shortClock } from "./dates.js";
import { el, icon, iconButton } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { avatar, nameOf, noteOf } from "./people.js";
import { shortcutMenu } from "./shortcuts.js";
import { store } from "./store.js";

/**
 * `entry`: {message, isGrouped, summary: {count, last, users}|null, isInThread}. A grouped one stands under the name of the one
 * above it.
 */
export function drawMessage({ message, isGrouped, summary, isInThread }) {
  const isMine = Boolean(message.ephemeral_to);
  const content = el(
    "div",
    { class: "message-content" },
    isMine && onlyYou(),
    isGrouped ? null : head(message),
    body(message),
    summary && threadSummary(message, summary),
  );
  const gutter = isGrouped
    ? el("span", { class: "gutter-time" }, time(message, shortClock(message.ts)))
    : avatar(message.user, 36);
  const name = `${nameOf(message.user)}, ${clockTime(message.ts)}`;
  return el(
    "article",
    {
      class: ["message", isGrouped && "is-grouped", isMine && "is-ephemeral"],
      dataset: { ts: message.ts, user: message.user, channel: message.channel_id },
      tabindex: "-1",
      "aria-label": isMine ? `${name}, only visible to you` : name,
    },
    el("div", { class: "gutter" }, gutter),
    content,
    toolbar(message, isInThread),
  );
}

function head(message) {
  const user = store.user(message.user);
  const isApp = Boolean(message.bot_id || user?.is_bot);
  const note = noteOf(user);
  return el(
    "div",
    { class: "message-head" },
    el("span", { class: "author", dir: "auto" }, nameOf(message.user)),
    isApp && el("span", { class: "badge" }, "APP"),
    note && el("span", { class: "badge" }, note),
    time(message, clockTime(message.ts)),
  );
}

function time(message, words) {
  return el("time", { class: "message-time", datetime: dateOf(message.ts).toISOString(), title: fullTime(message.ts) }, words);
}

function onlyYou() {
  return el("div", { class: "only-you" }, icon("eye", 14), "Only visible to you");
}

function body(message) {
  const edited = message.is_edited
    ? el("span", { class: "edited", title: message.edited_ts ? fullTime(message.edited_ts) : null }, "(edited)")
    : null;
  if (message.blocks?.length) {
    const where = { surface: "message", message, use: (block, element, chosen) => press(message, block, element, chosen) };
    return el("div", { class: "message-body" }, drawBlocks(message.blocks, where), edited);
  }
  return el("div", { class: "message-body text", dir: "auto" }, mrkdwn(message.text), edited && [" ", edited]);
}

async function press(message, block, element, chosen) {
  const place = { channel: message.channel_id, ts: message.ts, block_id: block.block_id, action_id: element.action_id };
  return act("press", chosen ? { ...place, chosen } : place);
}

// --- the thread below ------------------------------------------------------------------------------------------------

function threadSummary(message, { count, last, users }) {
  const open = () => openThread(message);
  const faces = el(
    "span",
    { class: "faces" },
    users.slice(0, 4).map((user) => avatar(user, 24)),
  );
  const words = el("span", { class: "thread-count" }, `${count} ${count === 1 ? "reply" : "replies"}`);
  const when = el(
    "span",
    { class: "thread-when" },
    el("span", { class: "thread-last", dataset: { ago: last } }, `Last reply ${ago(last)}`),
    el("span", { class: "thread-view", "aria-hidden": "true" }, "View thread"),
  );
  return el("button", { type: "button", class: "thread-summary", on: { click: open } }, faces, words, when, icon("chevron", 16));
}

/** Show the thread of this message, or of the one that it replies to. */
export function openThread(message) {
  store.set({ thread: { channelId: message.channel_id, ts: message.thread_ts ?? message.ts } });
  // Where a keyboard would cover half of the screen, it comes only when the field is touched.
  if (matchMedia("(hover: hover)").matches)
    requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById("thread-composer-text")?.focus()));
}

/** "Last reply 5 minutes ago" grows old while nothing happens. */
export function refreshTimes(root) {
  for (const node of root.querySelectorAll("[data-ago]")) node.textContent = `Last reply ${ago(node.dataset.ago)}`;
}

// --- what can be done ------------------------------------------------------------------------------------------------

/** Nobody can reply to, or use a shortcut on, what only they see. */
function toolbar(message, isInThread) {
  if (message.ephemeral_to) return null;
  const reply = isInThread ? null : iconButton("reply", "Reply in thread", () => openThread(message));
  const copy = { text: "Copy text", icon: icon("link", 16), choose: () => copyText(message) };
  return el(
    "div",
    { class: "message-tools", role: "group", "aria-label": "Message actions" },
    reply,
    shortcutMenu({ message, more: [copy] }),
  );
}

async function copyText(message) {
  const there = document.querySelector(`.message[data-ts="${CSS.escape(message.ts)}"] .message-body`);
  try {
    await navigator.clipboard.writeText(there?.innerText ?? message.text);
    store.toast("Copied.", { kind: "info" });
  } catch {
    store.toast("The browser did not let this page copy. Select the text and copy it yourself.");
  }
}
