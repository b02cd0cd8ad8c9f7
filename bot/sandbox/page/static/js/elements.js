// Every element of Slack that a person can touch. blocks.js calls `drawElement` for those in sections and actions, and
// `drawInput` for a whole input block with its label, hint and error.

import { el } from "./dom.js";
import { drawButton, drawOverflow } from "./elements/buttons.js";
import { drawChoices } from "./elements/choices.js";
import { controlOf, hang } from "./elements/controls.js";
import { drawDate } from "./elements/dates.js";
import { frameInput } from "./elements/inputs.js";
import { drawSelect } from "./elements/selects.js";
import { drawText } from "./elements/texts.js";
import { store } from "./store.js";
import { troubleOf } from "./troubles.js";

export { collectState, controlOf } from "./elements/controls.js";

const SELECTS = ["static", "external", "users", "conversations", "channels"];
const DRAWN = {
  button: drawButton,
  workflow_button: drawButton,
  overflow: drawOverflow,
  checkboxes: drawChoices,
  radio_buttons: drawChoices,
  datepicker: drawDate,
  timepicker: drawDate,
  datetimepicker: drawDate,
  plain_text_input: drawText,
  number_input: drawText,
  email_text_input: drawText,
  url_text_input: drawText,
  rich_text_input: drawText,
  file_input: drawFile,
  ...Object.fromEntries(SELECTS.flatMap((kind) => [[`${kind}_select`, drawSelect], [`multi_${kind}_select`, drawSelect]])),
};

/** Whether this is an element that is drawn here. */
export function isElement(element) {
  return Object.hasOwn(DRAWN, element?.type ?? "");
}

/**
 * One interactive element. `where`: {surface, view | message, state, use(block, element, chosen), changed(block, element), sent()}.
 * `use` may return the answer's promise: a button shows that it waits. An element of an unknown type is shown as what it is.
 */
export function drawElement(element, block, where) {
  const drawn = isElement(element) ? DRAWN[element.type](element, block, told(where)) : drawUnknown(element);
  if (element?.focus_on_load) drawn.dataset.focusOnLoad = "true";
  return drawn;
}

/** On a message nobody else says that the bot did not hear of a press; modals and Home have a place of their own for it. */
function told(where) {
  if (where.surface !== "message" || !where.use) return where;
  const use = async (...used) => {
    const answer = await where.use(...used);
    if (answer?.is_acknowledged === false) store.toast(troubleOf(answer));
    return answer;
  };
  return { ...where, use };
}

/** A whole input block. */
export function drawInput(block, where) {
  const drawn = drawElement(block.element ?? {}, block, where);
  return frameInput(block, drawn, controlOf(drawn));
}

function drawUnknown(element) {
  return el("div", { class: "unknown-element", dataset: { elementType: String(element?.type) } },
    el("strong", { text: `Unknown element: ${element?.type}` }),
    el("pre", { class: "mono", tabindex: "0", text: JSON.stringify(element, null, 2) }));
}

function drawFile(element, block) {
  const node = el("div", { class: "no-files", text: "Files cannot be uploaded in this sandbox; in Slack this field takes them." });
  const read = () => ({ type: "file_input", files: [] });
  return hang(node, { element, block, field: null, read, write() {}, isEmpty: () => true, focus() {} });
}
