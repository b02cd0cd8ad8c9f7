// Rich text: sections, lists, quotations and code, and what stands in them.
// https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

import { el, fragment } from "./dom.js";
import { emojiOf } from "./emoji.js";
import { broadcast, channelMention, dateElement, groupMention, link, userMention } from "./mrkdwn.js";
import { unknown } from "./unknown.js";

const RICH = {
  rich_text_section: (part) => el("div", { class: "rich-section", dir: "auto" }, (part.elements ?? []).map(richElement)),
  rich_text_list: richList,
  rich_text_preformatted: (part) =>
    el("pre", { class: "code-block", tabIndex: 0, "aria-label": "Code" }, (part.elements ?? []).map(richElement)),
  rich_text_quote: (part) => el("blockquote", { dir: "auto" }, (part.elements ?? []).map(richElement)),
};

/** One part of a rich text block. */
export function richBlock(part) {
  return Object.hasOwn(RICH, part?.type) ? RICH[part.type](part) : unknown("rich text", part);
}

function richList(part) {
  const isOrdered = part.style === "ordered";
  const items = (part.elements ?? []).map((item) => el("li", { dir: "auto" }, (item.elements ?? []).map(richElement)));
  const start = isOrdered && part.offset ? part.offset + 1 : null;
  return el(
    isOrdered ? "ol" : "ul",
    { class: ["rich-list", part.border && "with-border"], start, dataset: { indent: Math.min(part.indent ?? 0, 8) } },
    items,
  );
}

const INLINE = {
  text: (part) => textLines(part.text ?? ""),
  link: (part) => link(part.url ?? "", part.text || part.url || ""),
  user: (part) => userMention(part.user_id),
  team: (part) => el("span", { class: "mention" }, `@${part.team_id}`),
  usergroup: (part) => groupMention(part.usergroup_id),
  channel: (part) => channelMention(part.channel_id),
  broadcast: (part) => broadcast(part.range),
  date: (part, place) => {
    const shown = dateElement(part.timestamp, part.format, part.fallback, { isFirst: place === 0 });
    return part.url ? link(part.url, shown) : shown;
  },
  emoji: (part) =>
    el(
      "span",
      { class: "emoji", title: `:${part.name}:` },
      emojiOf(part.name ?? "") ?? fromCodePoints(part.unicode) ?? `:${part.name}:`,
    ),
  color: (part) =>
    el("span", {}, el("span", { class: "swatch", style: { background: part.value }, "aria-hidden": "true" }), part.value ?? ""),
};

function richElement(part, place) {
  if (!Object.hasOwn(INLINE, part?.type)) return unknown("rich text element", part);
  return styled(part.style, INLINE[part.type](part, place));
}

const STYLES = { code: "code", bold: "b", italic: "i", strike: "s", underline: "u" };

function styled(style, node) {
  let all = node;
  for (const [name, tag] of Object.entries(STYLES)) if (style?.[name]) all = el(tag, {}, all);
  for (const name of ["highlight", "client_highlight"]) if (style?.[name]) all = el("mark", {}, all);
  return all;
}

/** Line breaks of the text stay. */
function textLines(text) {
  return fragment(text.split("\n").flatMap((line, place) => (place ? [el("br"), line] : [line])));
}

function fromCodePoints(codes) {
  if (!/^[0-9a-f]{2,6}(-[0-9a-f]{2,6})*$/i.test(codes ?? "")) return null;
  return String.fromCodePoint(...codes.split("-").map((one) => Number.parseInt(one, 16)));
}
