// Buttons and overflow menus.

import { el, icon } from "../dom.js";
import { confirmed } from "../dialog.js";
import { hang, nameOf, textOf } from "./controls.js";
import { menuButton } from "./menu.js";
import { dress, pendingKey, waiting } from "./pending.js";
import { safeUrl } from "./links.js";

export function drawButton(element, block, where) {
  const url = safeUrl(element.url);
  const props = { class: ["button", "block-button", element.style ?? ""], "aria-label": element.accessibility_label ?? null };
  const words = [el("span", { class: "button-text", text: textOf(element.text) }), url ? icon("link", 14) : null];
  const button = url
    ? el("a", { ...props, href: url, target: "_blank", rel: "noopener noreferrer" }, words)
    : el("button", { ...props, type: "button" }, words);
  const key = pendingKey(where, block, element);
  dress(button, key);
  button.addEventListener("click", async (event) => {
    if (button.getAttribute("aria-disabled") === "true") return event.preventDefault();
    if (!element.confirm) return void waiting(key, async () => where.use?.(block, element, undefined, button));
    event.preventDefault();
    if (!(await confirmed(element))) return;
    if (url) window.open(url, "_blank", "noopener");
    await waiting(key, async () => where.use?.(block, element, undefined, button));
  });
  return hang(button, { element, block, field: button, focus: () => button.focus() });
}

export function drawOverflow(element, block, where) {
  const label = element.accessibility_label ?? "More actions";
  const button = el("button", { type: "button", class: "button block-button overflow-button", "aria-label": label, title: label }, icon("more"));
  const key = pendingKey(where, block, element);
  dress(button, key);
  const choose = async (option) => {
    if (!(await confirmed(element))) return;
    await waiting(key, async () => where.use?.(block, element, { type: "overflow", selected_option: option }, button));
  };
  const items = () => (element.options ?? []).map((option) => ({
    text: textOf(option.text), description: textOf(option.description), url: safeUrl(option.url), choose: () => choose(option),
  }));
  const holder = menuButton(button, items, { label: nameOf({ ...element, text: null, accessibility_label: label }, block) });
  return hang(holder, { element, block, field: button, focus: () => button.focus() });
}
