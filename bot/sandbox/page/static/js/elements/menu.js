// A menu of things to do: overflow menus, a message's shortcuts, the composer's. Arrow keys, Enter, Esc; the focus goes back.

import { el } from "../dom.js";
import { focusAgain } from "../layers.js";
import { freshId } from "./controls.js";
import { popover } from "./popover.js";

/**
 * Let `button` open a menu. `items()` is asked each time: [{text, description, url, icon, choose}], or a string for a heading.
 * Returns the button inside a node of its own, which carries "is-open" while the menu is.
 */
export function menuButton(button, items, { label, align = "end" } = {}) {
  const list = el("div", { class: "menu", role: "menu", id: freshId("menu"), tabindex: "-1" });
  list.setAttribute("aria-label", label);
  const holder = el("span", { class: "menu-holder" }, button);
  const layer = popover(list, button, { width: "own", align });
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");

  const isOurs = (node) => holder.contains(node) || list.contains(node);
  const outside = (event) => {
    if (!isOurs(event.target)) close();
  };
  function close({ isFocused = false } = {}) {
    layer.close();
    list.remove();
    button.setAttribute("aria-expanded", "false");
    holder.classList.remove("is-open");
    removeEventListener("pointerdown", outside, true);
    if (isFocused) focusAgain(button.isConnected ? button : alike(button));
  }
  function open() {
    list.replaceChildren(...items().map((item) => drawn(item, () => close({ isFocused: true }))));
    // Not beside the button: a card that changes every second would take the menu away from under the person's hand.
    (button.closest("[role=dialog], main, aside") ?? document.body).append(list);
    holder.classList.add("is-open");
    button.setAttribute("aria-expanded", "true");
    layer.open();
    addEventListener("pointerdown", outside, true);
    (entries(list)[0] ?? list).focus();
  }
  button.addEventListener("click", () => (layer.isOpen ? close() : open()));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || layer.isOpen) return;
    event.preventDefault();
    open();
  });
  list.addEventListener("keydown", (event) => moved(event, list, close));
  list.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !isOurs(event.relatedTarget)) close();
  });
  return holder;
}

/** The button that stands where this one stood before its message was drawn anew. */
function alike(button) {
  const ts = button.closest(".message")?.dataset.ts;
  const message = ts && document.querySelector(`.message[data-ts="${CSS.escape(ts)}"]`);
  return [...(message?.querySelectorAll(`[aria-haspopup="menu"]`) ?? [])].find((one) => one.getAttribute("aria-label") === button.getAttribute("aria-label"));
}

function entries(list) {
  return [...list.querySelectorAll("[role=menuitem]")];
}

function moved(event, list, close) {
  const there = entries(list);
  const at = there.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: there.length - 1 }[event.key];
  if (next !== undefined && there.length) {
    event.preventDefault();
    there[(next + there.length) % there.length].focus();
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    close({ isFocused: true });
  } else if (event.key === "Tab") {
    close({ isFocused: true });
  }
}

function drawn(item, close) {
  if (typeof item === "string") return el("div", { class: "menu-heading", role: "presentation", text: item });
  const content = [
    item.icon ?? null,
    el("span", { class: "menu-words" },
      el("span", { class: "menu-text", text: item.text }),
      item.description ? el("span", { class: "menu-description", text: item.description }) : null),
  ];
  const node = item.url
    ? el("a", { class: "menu-item", href: item.url, target: "_blank", rel: "noopener noreferrer" }, ...content)
    : el("button", { class: "menu-item", type: "button" }, ...content);
  node.setAttribute("role", "menuitem");
  node.tabIndex = -1;
  node.addEventListener("click", () => {
    close();
    item.choose?.();
  });
  return node;
}
