// Slack's mrkdwn as nodes. What it does not know stays text; nothing is ever parsed as markup.
// https://docs.slack.dev/messaging/formatting-message-text

import { slackDate, fullTime } from "./dates.js";
import { el, fragment } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { handleOf } from "./people.js";
import { store } from "./store.js";

const MARKS = { "*": "b", _: "i", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;
const BARE_URL = /https?:\/\/[^\s<>]+[^\s<>.,;:!?'")\]}]/;
const DEEPEST = 12;

/** The three escapes of Slack, undone. */
export function unescape(text) {
  return text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);
}

/** The text of a text object (or a string) as a person reads it; `emoji: false` leaves `:names:` alone. */
export function plain(textObject) {
  if (textObject === null || textObject === undefined) return "";
  if (typeof textObject === "string") return textObject;
  const text = String(textObject.text ?? "");
  if (textObject.type === "mrkdwn") return withEmoji(unescape(text));
  return textObject.emoji === false ? text : withEmoji(text);
}

/** A text object of either type as nodes. */
export function drawText(textObject) {
  if (!textObject) return fragment();
  if (textObject.type === "mrkdwn") return mrkdwn(textObject.text ?? "", { verbatim: textObject.verbatim });
  return fragment(...lines(plain(textObject)));
}

function lines(text) {
  return text.split("\n").flatMap((line, place) => (place ? [el("br"), line] : [line]));
}

/** mrkdwn as a fragment; `verbatim` leaves bare addresses alone. */
export function mrkdwn(text, { verbatim = false } = {}) {
  const parts = [];
  for (const [place, piece] of String(text ?? "")
    .split(/```([\s\S]+?)```/)
    .entries()) {
    if (place % 2) parts.push(el("pre", { class: "code-block" }, unescape(piece.replace(/^\n/, "")).replace(/\n$/, "")));
    else parts.push(...quotedLines(place ? piece.replace(/^\n/, "") : piece, verbatim));
  }
  return fragment(parts);
}

/** Lines that begin with > stand in one quotation with their neighbours. */
function quotedLines(text, verbatim) {
  if (!text) return [];
  const parts = [];
  let plainLines = [],
    quoted = [];
  const flush = () => {
    if (quoted.length) parts.push(el("blockquote", {}, joined(quoted, verbatim)));
    else if (plainLines.length) parts.push(...joined(plainLines, verbatim));
    ((plainLines = []), (quoted = []));
  };
  let isRestQuoted = false;
  for (const line of text.split("\n")) {
    const everything = !isRestQuoted && /^(?:&gt;){3}/.exec(line);
    const one = isRestQuoted ? null : /^(?:&gt;|>) ?/.exec(line);
    if (everything) isRestQuoted = true;
    const isQuoted = isRestQuoted || one !== null;
    if (isQuoted ? plainLines.length : quoted.length) flush();
    const bare = everything ? line.slice(everything[0].length).trimStart() : one ? line.slice(one[0].length) : line;
    (isQuoted ? quoted : plainLines).push(bare);
  }
  flush();
  return parts;
}

function joined(texts, verbatim) {
  return texts.flatMap((line, place) => (place ? [el("br"), ...inline(line, verbatim)] : inline(line, verbatim)));
}

/** One line's formats: found from left to right, the innermost drawn by the same rules. */
function inline(text, verbatim, depth = 0) {
  const parts = [];
  let held = "",
    at = 0;
  const flush = () => {
    if (held) parts.push(withEmoji(unescape(held)));
    held = "";
  };
  while (at < text.length) {
    const found =
      entity(text, at, depth) ??
      code(text, at) ??
      (depth < DEEPEST ? format(text, at, verbatim, depth) : null) ??
      (verbatim ? null : bareUrl(text, at));
    if (found) {
      flush();
      parts.push(found.node);
      at = found.end;
    } else {
      held += text[at];
      at += 1;
    }
  }
  flush();
  return parts;
}

function entity(text, at, depth) {
  if (text[at] !== "<") return null;
  const end = text.indexOf(">", at);
  if (end < 0) return null;
  const node = entityNode(text.slice(at + 1, end), { isFirst: at === 0 && depth === 0 });
  return node && { node, end: end + 1 };
}

function code(text, at) {
  if (text[at] !== "`") return null;
  const end = text.indexOf("`", at + 1);
  return end > at + 1
    ? { node: el("code", {}, unescape(text.slice(at + 1, end)).replace(/<([^<>|]+)\|([^<>]+)>/g, "$2")), end: end + 1 }
    : null;
}

/** A mark opens where no letter stands before it and no space after it, and closes the other way round. */
function format(text, at, verbatim, depth) {
  const mark = text[at],
    tag = MARKS[mark];
  if (!tag || /\s/.test(text[at + 1] ?? " ") || text[at + 1] === mark || WORD.test(text[at - 1] ?? "")) return null;
  for (let end = text.indexOf(mark, at + 2); end > 0; end = text.indexOf(mark, end + 1)) {
    if (/\s/.test(text[end - 1]) || WORD.test(text[end + 1] ?? "") || insideEntity(text, at, end)) continue;
    return { node: el(tag, {}, inline(text.slice(at + 1, end), verbatim, depth + 1)), end: end + 1 };
  }
  return null;
}

function insideEntity(text, from, at) {
  const open = text.lastIndexOf("<", at);
  return open > from && text.indexOf(">", open) > at;
}

function bareUrl(text, at) {
  if (text[at] !== "h" || WORD.test(text[at - 1] ?? "")) return null;
  const found = BARE_URL.exec(text.slice(at));
  return found?.index === 0 ? { node: link(unescape(found[0]), unescape(found[0])), end: at + found[0].length } : null;
}

function entityNode(inner, place) {
  const [target, label] = split(inner, "|");
  if (/^@[UW]/.test(target)) return userMention(target.slice(1), label);
  if (/^#[CG]/.test(target)) return channelMention(target.slice(1), label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice("!subteam^".length), label);
  if (target.startsWith("!date^")) return dateNode(target, label, place);
  if (/^!(here|channel|everyone)$/.test(target)) return broadcast(target.slice(1));
  if (/^(https?:\/\/|mailto:)/i.test(target))
    return link(unescape(target), label ? withEmoji(unescape(label)) : unescape(target).replace(/^mailto:/i, ""));
  return null;
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function dateNode(target, fallback, place) {
  const [, timestamp, pattern, url] = target.split("^");
  const node = dateElement(timestamp, pattern, unescape(fallback), place);
  return url ? link(unescape(url), node) : node;
}

// --- what rich text has as well --------------------------------------------------------------------------------------

/** A time in the reader's zone; the tooltip has all of it. */
export function dateElement(timestamp, pattern, fallback, place) {
  const shown = slackDate(timestamp, pattern, fallback, place);
  const at = new Date(Number(timestamp) * 1000);
  if (Number.isNaN(at.getTime())) return el("span", { class: "date" }, shown);
  return el("time", { class: "date", datetime: at.toISOString(), title: fullTime(timestamp) }, shown);
}

export function userMention(userId, label = "") {
  const isMe = userId === store.state.viewer?.user_id;
  const name = store.user(userId) ? handleOf(userId) : label || userId;
  return el("span", { class: ["mention", isMe && "mention-me"], dataset: { user: userId } }, `@${name}`);
}

export function groupMention(groupId, label = "") {
  const group = store.group(groupId);
  const isMe = (group?.users ?? []).includes(store.state.viewer?.user_id);
  const name = group?.handle ?? label.replace(/^@/, "");
  return el(
    "span",
    { class: ["mention", isMe && "mention-me"], dataset: { group: groupId }, title: group?.name },
    `@${name || groupId}`,
  );
}

export function channelMention(channelId, label = "") {
  const channel = store.channel(channelId);
  if (!channel) return el("span", { class: "mention", dataset: { channel: channelId } }, `#${label || channelId}`);
  const open = () => store.set({ active: { kind: "channel", channelId } });
  return el(
    "button",
    { type: "button", class: "mention mention-link", dataset: { channel: channelId }, on: { click: open } },
    `#${channel.name}`,
  );
}

export function broadcast(range) {
  return el("span", { class: "mention mention-me" }, `@${range}`);
}

/** A link that tells nothing of this page; an address that is none of the web's or mail's stays text. */
export function link(url, label) {
  if (!isFollowable(url)) return el("span", {}, label);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer", title: url }, label);
}

export function isFollowable(url) {
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}
