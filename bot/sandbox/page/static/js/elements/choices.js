// Checkboxes and radio buttons: every option in sight, each with its description.

import { confirmed } from "../dialog.js";
import { el } from "../dom.js";
import { drawText } from "../mrkdwn.js";
import { entryOf, freshId, hang, isTold, nameOf } from "./controls.js";

export function drawChoices(element, block, where) {
  const isMany = element.type === "checkboxes";
  const options = element.options ?? [];
  const name = freshId("choice");
  const inputs = options.map((option) => el("input", { type: isMany ? "checkbox" : "radio", name, id: freshId("option"), value: option.value }));
  const node = el("div", { class: "choices", role: isMany ? "group" : "radiogroup", "aria-label": nameOf(element, block) },
    options.map((option, at) => drawOption(option, inputs[at])));

  const chosen = () => options.filter((_, at) => inputs[at].checked);
  const read = () => ({ type: element.type, ...(isMany ? { selected_options: chosen() } : { selected_option: chosen()[0] ?? null }) });
  let kept = read();
  const write = (entry) => {
    const initial = isMany ? element.initial_options : [element.initial_option];
    const there = entry ? (isMany ? entry.selected_options : [entry.selected_option]) : initial;
    const values = new Set((there ?? []).filter(Boolean).map((option) => option.value));
    inputs.forEach((input, at) => { input.checked = values.has(options[at].value); });
    kept = read();
  };
  write(entryOf(where, block, element));
  node.addEventListener("change", async () => {
    if (isTold(block) && !(await confirmed(element))) return write(kept);
    kept = read();
    where.changed?.(block, element);
    if (isTold(block)) where.use?.(block, element, read(), node);
  });
  return hang(node, {
    element, block, field: node, read, write, isEmpty: () => chosen().length === 0,
    focus: () => (inputs.find((input) => input.checked) ?? inputs[0])?.focus(),
  });
}

function drawOption(option, input) {
  return el("label", { class: "choice", for: input.id }, input,
    el("span", { class: "choice-words" },
      el("span", { class: "choice-text" }, drawText(option.text)),
      option.description ? el("span", { class: "choice-description" }, drawText(option.description)) : null));
}
