// The `markdown` block: standard Markdown, as far as Slack shows it. Everything is text until a rule here makes a node of it.
// https://docs.slack.dev/reference/block-kit/blocks/markdown-block

import { el, fragment } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { link } from "./mrkdwn.js";

/** Markdown as a fragment. */
export function markdown(text) {
  const lines = String(text).replace(/\r\n?/g, "\n").split("\n");
  const parts = [];
  for (let at = 0; at < lines.length;) {
    const found = RULES.map((rule) => rule(lines, at)).find(Boolean);
    if (found.node) parts.push(found.node);
    at = found.end;
  }
  return fragment(parts);
}

const ITEM = /^\s*(?:([-*+])|(\d+)[.)])\s+(.*)$/;
const RULES = [blank, fence, heading, rule, quotation, list, table, paragraph];

function blank(lines, at) {
  return lines[at].trim() ? null : { node: null, end: at + 1 };
}

function fence(lines, at) {
  if (!/^\s*```/.test(lines[at])) return null;
  const end = lines.findIndex((line, place) => place > at && /^\s*```\s*$/.test(line));
  const last = end < 0 ? lines.length : end;
  return {
    node: el("pre", { class: "code-block", tabIndex: 0, "aria-label": "Code" }, lines.slice(at + 1, last).join("\n")),
    end: last + 1,
  };
}

function heading(lines, at) {
  const found = /^(#{1,6})\s+(.*?)\s*#*$/.exec(lines[at]);
  return found && { node: el("h4", { class: `markdown-h${found[1].length}` }, inline(found[2])), end: at + 1 };
}

function rule(lines, at) {
  return /^\s*([-*_])(\s*\1){2,}\s*$/.test(lines[at]) ? { node: el("hr"), end: at + 1 } : null;
}

function quotation(lines, at) {
  const end = after(lines, at, (line) => /^\s*>/.test(line));
  return end === at
    ? null
    : {
        node: el(
          "blockquote",
          { dir: "auto" },
          markdown(
            lines
              .slice(at, end)
              .map((line) => line.replace(/^\s*> ?/, ""))
              .join("\n"),
          ),
        ),
        end,
      };
}

function list(lines, at) {
  const first = ITEM.exec(lines[at]);
  if (!first) return null;
  const end = after(lines, at, (line) => ITEM.test(line));
  const items = lines
    .slice(at, end)
    .map((line) =>
      el(
        "li",
        { dir: "auto", dataset: { indent: Math.min(Math.floor(/^\s*/.exec(line)[0].length / 2), 8) } },
        inline(ITEM.exec(line)[3]),
      ),
    );
  return { node: el(first[2] ? "ol" : "ul", { class: "rich-list", start: first[2] ?? null }, items), end };
}

function table(lines, at) {
  if (!lines[at].includes("|") || !/^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[at + 1] ?? "")) return null;
  const end = after(lines, at + 2, (line) => line.includes("|"));
  const row = (line, tag) =>
    el(
      "tr",
      {},
      line
        .trim()
        .replace(/^\||\|$/g, "")
        .split("|")
        .map((one) => el(tag, {}, inline(one.trim()))),
    );
  const body = el(
    "tbody",
    {},
    lines.slice(at + 2, end).map((line) => row(line, "td")),
  );
  return {
    node: el(
      "div",
      { class: "table-frame", tabIndex: 0, role: "group", "aria-label": "Table" },
      el("table", {}, el("thead", {}, row(lines[at], "th")), body),
    ),
    end,
  };
}

function paragraph(lines, at) {
  const end = Math.max(
    at + 1,
    after(lines, at, (line, place) => place === at || RULES.slice(0, -1).every((one) => !one(lines, place))),
  );
  return { node: el("p", { dir: "auto" }, inline(lines.slice(at, end).join("\n"))), end };
}

function after(lines, at, isPart) {
  let end = at;
  while (end < lines.length && isPart(lines[end], end)) end += 1;
  return end;
}

const INLINE = [
  [/`([^`]+)`/, (found) => el("code", {}, found[1])],
  [/\[([^\]]+)\]\((\S+?)\)/, (found) => link(found[2], found[1])],
  [/\*\*(\S(?:.*?\S)?)\*\*/s, (found) => el("b", {}, inline(found[1]))],
  [/__(\S(?:.*?\S)?)__/s, (found) => el("b", {}, inline(found[1]))],
  [/~~(\S(?:.*?\S)?)~~/s, (found) => el("s", {}, inline(found[1]))],
  [/\*(\S(?:.*?\S)?)\*/s, (found) => el("i", {}, inline(found[1]))],
  [/(?<!\w)_(\S(?:.*?\S)?)_(?!\w)/s, (found) => el("i", {}, inline(found[1]))],
  [/https?:\/\/[^\s<>()]+[^\s<>().,;:!?'"]/, (found) => link(found[0], found[0])],
  [/\n/, () => el("br")],
];

/** The earliest format first; what stands before it is text. */
function inline(text) {
  let earliest = null;
  for (const [pattern, draw] of INLINE) {
    const found = pattern.exec(text);
    if (found && (earliest === null || found.index < earliest.found.index)) earliest = { found, draw };
  }
  if (earliest === null) return text ? [withEmoji(text)] : [];
  const { found, draw } = earliest;
  const before = text.slice(0, found.index);
  return [before && withEmoji(before), draw(found), ...inline(text.slice(found.index + found[0].length))];
}
