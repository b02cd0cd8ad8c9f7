// The newer blocks: alerts, cards, plans and their tasks, tables, and actions below a message.

import { el, icon } from "./dom.js";
import { drawElement } from "./elements.js";
import { image } from "./media.js";
import { drawText, link, plain } from "./mrkdwn.js";
import { richBlock } from "./richtext.js";
import { unknown } from "./unknown.js";

const LEVELS = { info: "info", success: "check", warning: "warning", error: "warning", danger: "warning", default: "info" };

export function alert(block) {
  const level = Object.hasOwn(LEVELS, block.level) ? block.level : "default";
  const words = typeof block.text === "string" ? block.text : drawText(block.text);
  return el(
    "div",
    { class: ["alert", `alert-${level}`], role: "note" },
    icon(LEVELS[level], 18),
    el("div", { class: "text", dir: "auto" }, words),
  );
}

export function card(block, where) {
  const part = (name, className) =>
    block[name] ? el("div", { class: ["text", className], dir: "auto" }, drawText(block[name])) : null;
  const head = el(
    "div",
    { class: "card-head" },
    block.icon && image(block.icon, "card-icon"),
    el("div", {}, part("title", "card-title"), part("subtitle", "soft")),
  );
  const actions = block.actions?.length
    ? el(
        "div",
        { class: "block-row" },
        block.actions.map((one) => drawElement(one, block, where)),
      )
    : null;
  return el(
    "div",
    { class: "media-card card" },
    block.hero_image && image(block.hero_image, "card-hero"),
    head,
    part("body", "card-body"),
    actions,
  );
}

const STATES = {
  pending: ["clock", "Pending"],
  in_progress: ["refresh", "In progress"],
  complete: ["check", "Complete"],
  error: ["warning", "Error"],
};

/** `draw` draws the blocks that stand in it. */
export function taskCard(block, draw) {
  const [name, words] = STATES[block.status] ?? STATES.pending;
  const more = ["details", "output"].filter((key) => block[key]).map((key) => draw(block[key]));
  const sources = (block.sources ?? []).map((one) => link(one.url, one.text ?? one.url));
  const mark = el(
    "span",
    { class: `task-mark task-${block.status ?? "pending"}` },
    icon(name, 18),
    el("span", { class: "visually-hidden" }, words),
  );
  return el(
    "div",
    { class: "task" },
    mark,
    el("div", {}, el("strong", {}, plain(block.title)), more, sources.length ? el("div", { class: "block-row" }, sources) : null),
  );
}

export function plan(block, draw) {
  return el(
    "div",
    { class: "media-card plan" },
    el("strong", {}, plain(block.title)),
    (block.tasks ?? []).map((task) => draw({ type: "task_card", ...task })),
  );
}

/** Feedback and icon buttons act like any button, so they are drawn as such. */
export function contextAction(element, block, where) {
  if (element.type === "feedback_buttons") {
    return [element.positive_button, element.negative_button]
      .filter(Boolean)
      .map((one) => drawElement({ type: "button", action_id: element.action_id, ...one }, block, where));
  }
  return drawElement(element.type === "icon_button" ? { ...element, type: "button" } : element, block, where);
}

export function table(block) {
  const columns = block.column_settings ?? [];
  const cell = (one, place, tag) =>
    el(tag, { class: `align-${columns[place]?.align ?? "left"}`, scope: tag === "th" ? "col" : null }, tableCell(one));
  const [head, ...rows] = (block.rows ?? []).map((row, number) =>
    el(
      "tr",
      {},
      row.map((one, place) => cell(one, place, number ? "td" : "th")),
    ),
  );
  return el(
    "div",
    { class: "table-frame", tabIndex: 0, role: "group", "aria-label": "Table" },
    el("table", {}, head && el("thead", {}, head), el("tbody", {}, rows)),
  );
}

function tableCell(one) {
  if (one?.type === "rich_text") return (one.elements ?? []).map(richBlock);
  if (one?.type === "raw_text" || one?.type === "raw_number") return String(one.text ?? one.value ?? "");
  if (one?.type === "mrkdwn" || one?.type === "plain_text") return drawText(one);
  return unknown("cell", one);
}
