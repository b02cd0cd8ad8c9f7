// Fields that people type into: plain text, numbers, addresses, and text with structure, of which only the words are asked for.
//
// Why type=text everywhere: the browser's own checks of numbers and addresses speak in its words and swallow what does not fit;
// Slack's client lets anything be typed and says what is wrong when the form is sent (checks.js).

import { el } from "../dom.js";
import { debounced, entryOf, freshId, hang, isTold, textOf } from "./controls.js";

const INPUT_MODE = { number_input: "decimal", email_text_input: "email", url_text_input: "url" };
const SHORT = 300;
const NEARLY = 0.8;
const WAIT_MS = 500;

export function drawText(element, block, where) {
  const isLong = Boolean(element.multiline) || element.type === "rich_text_input";
  const field = el(isLong ? "textarea" : "input", {
    class: ["text-field", isLong ? "is-long" : "", element.type === "number_input" ? "is-number" : ""],
    id: freshId("field"),
    autocomplete: "off",
    spellcheck: element.type === "plain_text_input" ? null : "false",
    placeholder: textOf(element.placeholder) || null,
    inputmode: element.is_decimal_allowed === false ? "numeric" : INPUT_MODE[element.type] ?? null,
    ...(isLong ? { rows: "3" } : { type: "text" }),
  });
  const counter = element.max_length ? el("span", { class: "counter", "aria-hidden": "true", hidden: true }) : null;
  const node = el("div", { class: "text-holder" }, field, counter);
  const shape = element.type === "rich_text_input" ? RICH : element.type === "plain_text_input" ? PLAIN : TRIMMED;
  const initial = element.initial_value ?? null;
  let given = {};
  const write = (entry) => {
    const text = shape.shown(entry ?? { value: initial, rich_text_value: initial });
    given = { text, entry: entry ?? shape.given(initial) };
    if (field.value !== text) field.value = text;
    count(counter, field, element);
  };
  write(entryOf(where, block, element));
  listen(field, element, block, where, () => count(counter, field, element));
  return hang(node, {
    element, block, field, write,
    // Untouched, a text keeps the structure that it came with.
    read: () => ({ type: element.type, ...(field.value === given.text ? given.entry : shape.entry(field.value)) }),
    isEmpty: () => field.value === "",
    focus: () => field.focus(),
  });
}

function listen(field, element, block, where, counted) {
  const on = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const tell = () => where.use?.(block, element, undefined, field);
  const tellLater = debounced(tell, WAIT_MS);
  field.addEventListener("input", () => {
    counted();
    where.changed?.(block, element);
    if (isTold(block) && on.includes("on_character_entered")) tellLater();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const isSent = field.tagName === "TEXTAREA" ? event.ctrlKey || event.metaKey : true;
    if (!isSent) return;
    event.preventDefault();
    tellLater.cancel();
    if (isTold(block) && on.includes("on_enter_pressed")) tell();
    else where.sent?.();
  });
}

/** How many characters are left: shown for short fields, and for long ones when it gets tight. */
function count(counter, field, element) {
  if (!counter) return;
  const used = [...field.value].length;
  counter.hidden = used === 0 || (element.max_length > SHORT && used < element.max_length * NEARLY);
  counter.textContent = String(element.max_length - used);
  counter.classList.toggle("is-over", used > element.max_length);
}

const PLAIN = {
  shown: (entry) => String(entry.value ?? ""),
  given: (value) => ({ value }),
  entry: (text) => ({ value: text === "" ? null : text }),
};

/** Numbers and addresses are often pasted with the space beside them. */
const TRIMMED = { ...PLAIN, entry: (text) => PLAIN.entry(text.trim()) };

const RICH = {
  shown: (entry) => wordsOf(entry.rich_text_value),
  given: (value) => ({ rich_text_value: value }),
  entry: (text) => ({ rich_text_value: text === "" ? null : richText(text) }),
};

function wordsOf(rich) {
  if (!rich) return "";
  return (rich.elements ?? []).map((section) => (section.elements ?? []).map((one) => one.text ?? one.url ?? "").join("")).join("\n");
}

function richText(text) {
  return { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] };
}
