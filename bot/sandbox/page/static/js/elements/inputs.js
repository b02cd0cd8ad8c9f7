// An input block: label, the element, its hint, and what is wrong with it.

import { el, icon } from "../dom.js";
import { freshId, textOf } from "./controls.js";

const GROUPED = new Set(["checkboxes", "radio_buttons"]);

/** The block around a drawn element; `control` is null for an element that cannot be filled in here. */
export function frameInput(block, drawn, control) {
  const ids = { label: freshId("label"), hint: freshId("hint"), error: freshId("error") };
  const isGroup = GROUPED.has(block.element?.type);
  const label = el(isGroup ? "div" : "label", { class: "input-label", id: ids.label }, textOf(block.label),
    block.optional ? el("span", { class: "input-optional", text: " (optional)" }) : null);
  const hint = textOf(block.hint) ? el("p", { class: "input-hint", id: ids.hint, text: textOf(block.hint) }) : null;
  const error = el("p", { class: "field-error input-error", id: ids.error, hidden: true });
  const node = el("div", { class: "input-block", dataset: { blockType: "input", inputFor: block.block_id ?? "" } }, label, drawn, error, hint);
  const field = control?.field;
  if (field) {
    if (!isGroup) label.setAttribute("for", field.id);
    if (isGroup) field.setAttribute("aria-labelledby", ids.label);
    field.removeAttribute("aria-label");
    if (!block.optional && !isGroup) field.required = true;
    describe(field, [hint && ids.hint]);
  }
  frames.set(node, { field, error, hintId: hint && ids.hint, errorId: ids.error });
  return node;
}

const frames = new WeakMap();

/** Say at the block what is wrong, or that nothing is ("" ). False where the block has no place for it. */
export function showError(node, words) {
  const frame = frames.get(node);
  if (!frame) return false;
  frame.error.replaceChildren(...(words ? [icon("warning", 14), words] : []));
  frame.error.hidden = !words;
  node.classList.toggle("is-wrong", Boolean(words));
  if (frame.field) {
    if (words) frame.field.setAttribute("aria-invalid", "true");
    else frame.field.removeAttribute("aria-invalid");
    describe(frame.field, [words && frame.errorId, frame.hintId]);
  }
  return true;
}

/** What the block says is wrong, or "". */
export function errorOf(node) {
  return frames.get(node)?.error.textContent ?? "";
}

function describe(field, ids) {
  const known = ids.filter(Boolean).join(" ");
  if (known) field.setAttribute("aria-describedby", known);
  else field.removeAttribute("aria-describedby");
}
