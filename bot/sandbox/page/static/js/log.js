// A scrolling list of messages that stays at its end unless the reader has gone up, and that touches only what changed.

import { dayKey, dayLabel } from "./dates.js";
import { el, icon, reconcile } from "./dom.js";
import { drawMessage } from "./message.js";

const AT_END = 48;
const GROUP_S = 300;
const WINDOW = 80;

/** Called once before the next picture; in a hidden window, where there is none, soon. */
export function batched(draw) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    const run = () => {
      isWaiting = false;
      draw();
    };
    if (document.hidden) setTimeout(run, 0);
    else requestAnimationFrame(run);
  };
}

let versions = 0;
const versionOf = new WeakMap();

/** A number per message object: the store makes a new object when anything in it changed. */
function version(message) {
  if (!versionOf.has(message)) versionOf.set(message, (versions += 1));
  return versionOf.get(message);
}

/** Messages with what stands between them: day dividers and the line above what is new. `newFrom` is the first new ts. */
export function entries(messages, { newFrom = null, summaries = new Map(), isInThread = false } = {}) {
  const all = [];
  let before = null,
    day = null;
  for (const message of messages) {
    const today = dayKey(message.ts);
    if (today !== day) all.push({ key: `day-${today}`, kind: "day", ts: message.ts, version: dayLabel(message.ts) });
    if (message.ts === newFrom) all.push({ key: "new", kind: "new", version: 1 });
    const isGrouped = today === day && message.ts !== newFrom && isNextOf(message, before);
    const summary = summaries.get(message.ts) ?? null;
    all.push({
      key: message.ts,
      kind: "message",
      message,
      isGrouped,
      summary,
      isInThread,
      version: `${version(message)}|${isGrouped}|${summary?.count ?? 0}|${summary?.last ?? ""}`,
    });
    before = message;
    day = today;
  }
  return all;
}

function isNextOf(message, before) {
  if (!before || before.user !== message.user || Boolean(before.ephemeral_to) !== Boolean(message.ephemeral_to)) return false;
  return Number(message.ts) - Number(before.ts) < GROUP_S && !message.blocks?.some((block) => block.type === "header");
}

const DRAW = {
  message: drawMessage,
  day: ({ ts }) =>
    el("div", { class: "day-divider", role: "separator", "aria-label": dayLabel(ts) }, el("span", {}, dayLabel(ts))),
  new: () => el("div", { class: "new-line", role: "separator", "aria-label": "New messages" }, el("span", {}, "New")),
};

export class Log {
  /** `label` names the list; `head` stands above the first message; `onEnd` is called when the reader reaches the end. */
  constructor({ label, head = null, onEnd = () => {} }) {
    this.head = el("div", { class: "log-head" }, head);
    this.older = el(
      "button",
      { type: "button", class: "button small older", hidden: true, on: { click: () => this.showOlder() } },
      "Show older messages",
    );
    this.list = el("div", { class: "message-list" });
    this.scroller = el(
      "div",
      {
        class: "message-log",
        role: "log",
        "aria-label": label,
        "aria-live": "polite",
        "aria-relevant": "additions",
        tabindex: "0",
        on: { scroll: () => this.scrolled(), keydown: (event) => this.moved(event) },
      },
      this.head,
      this.older,
      this.list,
    );
    this.pillWords = el("span", {});
    this.pill = el(
      "button",
      { type: "button", class: "new-pill", hidden: true, on: { click: () => this.toEnd(true) } },
      icon("chevron", 16),
      this.pillWords,
    );
    this.node = el("div", { class: "log-frame" }, this.scroller, this.pill);
    this.onEnd = onEnd;
    this.reset();
    // The composer grows, a card changes: the end stays in sight.
    new ResizeObserver(() => this.settle()).observe(this.list);
    new ResizeObserver(() => this.settle()).observe(this.scroller);
  }

  /** Another place: start at its end, or at the line above what is new. */
  reset() {
    this.isAtEnd = true;
    this.shownFrom = null;
    this.missed = 0;
    this.all = [];
    this.tellMissed();
  }

  /** Show these entries. What `me` just wrote is brought into sight. */
  show(all, me = null) {
    const known = new Set(this.all.map((one) => one.key));
    const fresh = this.all.length
      ? all.filter((one) => one.kind === "message" && !known.has(one.key) && one.key > (this.all.at(-1)?.key ?? ""))
      : [];
    this.all = all;
    if (me && fresh.some(({ message }) => message.user === me)) this.isAtEnd = true;
    const focus = keepFocus(this.list);
    reconcile(this.list, this.windowed(), {
      key: (one) => one.key,
      version: (one) => one.version,
      draw: (one) => DRAW[one.kind](one),
    });
    focus();
    if (this.isAtEnd) this.toEnd();
    this.missed = this.isAtEnd ? 0 : this.missed + fresh.length;
    this.tellMissed();
  }

  /** Only the end is drawn until the reader goes up: a channel may hold thousands of messages. */
  windowed() {
    let start = Math.max(0, this.all.length - WINDOW);
    if (this.shownFrom !== null) {
      const at = this.all.findIndex((one) => one.key === this.shownFrom);
      if (at >= 0) start = Math.min(at, start);
    }
    this.older.hidden = start === 0;
    this.head.hidden = start > 0;
    if (!this.isAtEnd && this.shownFrom === null) this.shownFrom = this.all[start]?.key ?? null;
    return this.all.slice(start);
  }

  showOlder() {
    const first = this.list.firstElementChild;
    const was = first?.getBoundingClientRect().top ?? 0;
    const at = this.all.findIndex((one) => one.key === this.firstKey());
    this.shownFrom = this.all[Math.max(0, at - WINDOW)]?.key ?? null;
    this.isAtEnd = false;
    this.show(this.all);
    if (first) this.scroller.scrollTop += first.getBoundingClientRect().top - was;
  }

  firstKey() {
    return this.list.keyedNodes?.keys().next().value;
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const wasAtEnd = this.isAtEnd;
    // Text that wraps anew moves by itself, and is told of before the new size is: nobody has gone up.
    if (wasAtEnd && this.isResized()) return this.settle();
    this.isAtEnd = scrollHeight - scrollTop - clientHeight < AT_END;
    if (wasAtEnd && !this.isAtEnd) this.shownFrom = this.firstKey() ?? null;
    if (this.isAtEnd && !wasAtEnd) this.reachedEnd();
    if (scrollTop < 200 && !this.older.hidden && !this.isAtEnd) this.showOlder();
  }

  reachedEnd() {
    this.missed = 0;
    this.shownFrom = null;
    this.tellMissed();
    this.onEnd();
  }

  isResized() {
    const { clientWidth, clientHeight } = this.scroller;
    return clientWidth !== this.width || clientHeight !== this.height;
  }

  settle() {
    this.width = this.scroller.clientWidth;
    this.height = this.scroller.clientHeight;
    if (this.isAtEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  toEnd(isAsked = false) {
    this.isAtEnd = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    if (isAsked) this.reachedEnd();
  }

  /** Bring one message into sight, drawn if it was not. */
  reveal(ts) {
    const at = this.all.findIndex((one) => one.key === ts);
    if (at < 0) return null;
    this.isAtEnd = false;
    if (!this.list.keyedNodes?.has(ts)) this.shownFrom = this.all[Math.max(0, at - 20)].key;
    this.show(this.all);
    const { node } = this.list.keyedNodes.get(ts);
    node.scrollIntoView({ block: "center" });
    return node;
  }

  tellMissed() {
    this.pill.hidden = this.missed === 0;
    this.pillWords.textContent = `${this.missed} new message${this.missed === 1 ? "" : "s"}`;
  }

  /** Arrow keys go from message to message once the list or a message has the focus. */
  moved(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const here = event.target.closest(".message");
    if (!step || (event.target !== this.scroller && event.target !== here)) return;
    const messages = [...this.list.querySelectorAll(".message")];
    const next = here ? messages[messages.indexOf(here) + step] : messages.at(-1);
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
}

/** A message that is drawn anew under the reader's hands keeps the focus: on the same element of it, else on itself. */
function keepFocus(list) {
  const held = document.activeElement;
  const message = held?.closest?.(".message");
  if (!message || !list.contains(message)) return () => {};
  const { ts } = message.dataset;
  const action = held.closest("[data-action-id]")?.dataset.actionId;
  return () => {
    if (held.isConnected) return;
    const again = list.querySelector(`.message[data-ts="${CSS.escape(ts)}"]`);
    const same = action
      ? [...(again?.querySelectorAll("[data-action-id]") ?? [])].find((one) => one.dataset.actionId === action)
      : null;
    (same ?? again)?.focus({ preventScroll: true });
  };
}
