// Block Kit as Slack draws it. Every block stands in a node that carries data-block-type; what is unknown is shown, never dropped.
// https://docs.slack.dev/reference/block-kit/blocks

import { alert, card, contextAction, plan, table, taskCard } from "./cards.js";
import { el } from "./dom.js";
import { drawElement, drawInput } from "./elements.js";
import { markdown } from "./markdown.js";
import { fileBox, image, imageBlock, video } from "./media.js";
import { drawText, plain } from "./mrkdwn.js";
import { richBlock } from "./richtext.js";
import { unknown } from "./unknown.js";

/**
 * All blocks of one surface. `where`: {surface: "message"|"modal"|"home", view|message, state, errors, use(block, element, chosen)},
 * handed on to the interactive elements.
 */
export function drawBlocks(blocks, where = {}) {
  return el(
    "div",
    { class: ["blocks", `blocks-${where.surface ?? "message"}`] },
    (blocks ?? []).map((block) => drawBlock(block, where)),
  );
}

function drawBlock(block, where) {
  const draw = Object.hasOwn(BLOCKS, block?.type) ? BLOCKS[block.type] : (one) => unknown("block", one);
  let drawn;
  try {
    drawn = draw(block, where);
  } catch (fault) {
    console.error("a block that could not be drawn", block, fault);
    drawn = unknown("block", block);
  }
  // An input block brings its own frame.
  if (drawn.dataset?.blockType) return drawn;
  return el(
    "div",
    {
      class: ["block", `block-${String(block?.type).replaceAll("_", "-")}`],
      dataset: { blockType: block?.type, blockId: block?.block_id },
    },
    drawn,
  );
}

const BLOCKS = {
  actions: (block, where) =>
    el(
      "div",
      { class: "block-row" },
      (block.elements ?? []).map((one) => drawElement(one, block, where)),
    ),
  alert,
  call: (block) => fileBox("Call", plain(block.title) || block.call_id),
  card,
  carousel: (block, where) =>
    el(
      "div",
      { class: "carousel", role: "group", tabIndex: 0, "aria-label": "Cards" },
      (block.elements ?? []).map((one) => drawBlock(one, where)),
    ),
  context: (block) => el("div", { class: "block-row context-row" }, (block.elements ?? []).map(contextElement)),
  context_actions: (block, where) =>
    el(
      "div",
      { class: "block-row" },
      (block.elements ?? []).map((one) => contextAction(one, block, where)),
    ),
  divider: () => el("hr", {}),
  file: (block) => fileBox("File", block.external_id),
  header: (block) => el("h3", { class: "header-text" }, drawText(block.text)),
  image: (block) => imageBlock(block),
  input: drawInput,
  markdown: (block) => el("div", { class: "text markdown" }, markdown(block.text ?? "")),
  plan: (block, where) => plan(block, (one) => drawBlock(one, where)),
  rich_text: (block) => el("div", { class: "text rich-text" }, (block.elements ?? []).map(richBlock)),
  section,
  table,
  task_card: (block, where) => taskCard(block, (one) => drawBlock(one, where)),
  video,
};

function section(block, where) {
  const fields = block.fields?.length
    ? el(
        "div",
        { class: "fields" },
        block.fields.map((field) => el("div", { class: "text field", dir: "auto" }, drawText(field))),
      )
    : null;
  const text = block.text ? el("div", { class: "text", dir: "auto" }, drawText(block.text)) : null;
  const body = el("div", { class: "section-body" }, text, fields);
  if (!block.accessory) return body;
  return el("div", { class: "section-with-accessory" }, body, el("div", { class: "accessory" }, accessory(block, where)));
}

function accessory(block, where) {
  return block.accessory.type === "image"
    ? tagged(block.accessory, image(block.accessory, "accessory-image"))
    : drawElement(block.accessory, block, where);
}

function contextElement(element) {
  if (element.type === "image") return tagged(element, image(element, "context-image"));
  if (element.type === "mrkdwn" || element.type === "plain_text")
    return tagged(element, el("span", { class: "text", dir: "auto" }, drawText(element)));
  return unknown("element", element);
}

function tagged(element, node) {
  node.dataset.elementType = element.type;
  return node;
}
