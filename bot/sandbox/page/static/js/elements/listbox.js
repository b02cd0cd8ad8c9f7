// The list below a select: what is offered, which entry is under the arrow keys, and a line that says what is going on.

import { el, icon } from "../dom.js";
import { freshId } from "./controls.js";
import { popover } from "./popover.js";

/** A list that opens below `anchor` and is driven from `input`, which keeps the focus all the time. */
export function listbox(input, anchor, { isMany, pick }) {
  // Not named like the field: two things of one name on the screen are one too many for whoever looks for the field.
  const list = el("div", { class: "options", role: "listbox", id: freshId("options"), "aria-label": "Options", hidden: true });
  if (isMany) list.setAttribute("aria-multiselectable", "true");
  const status = el("div", { class: "options-status", role: "status", hidden: true });
  const node = el("div", { class: "select-list" }, list, status);
  const layer = popover(node, anchor);
  let offers = [];
  let active = -1;
  input.setAttribute("aria-controls", list.id);
  // A press on the list, its scroll bar too, leaves the focus where it is.
  node.addEventListener("pointerdown", (event) => event.preventDefault());
  node.addEventListener("mousedown", (event) => event.preventDefault());

  function mark(at) {
    active = at;
    offers.forEach((one, place) => one.node.classList.toggle("is-active", place === at));
    const there = offers[at]?.node;
    if (there) input.setAttribute("aria-activedescendant", there.id);
    else input.removeAttribute("aria-activedescendant");
    there?.scrollIntoView({ block: "nearest" });
  }
  function drawnOffer(offer, chosen) {
    const isChosen = chosen.has(offer.key);
    const entry = el("div", { class: "option", role: "option", id: freshId("option"), "aria-selected": String(isChosen) },
      el("span", { class: "option-words" },
        el("span", { class: "option-text", text: offer.text }),
        offer.description ? el("span", { class: "option-description", text: offer.description }) : null),
      isChosen ? icon("check", 16) : null);
    const place = offers.length;
    entry.addEventListener("pointermove", () => active !== place && mark(place));
    entry.addEventListener("click", () => pick(offer));
    offers.push({ offer, node: entry });
    return entry;
  }
  function drawnGroup(group, chosen) {
    const entries = group.offers.map((offer) => drawnOffer(offer, chosen));
    if (!group.label) return entries;
    const heading = el("div", { class: "options-label", role: "presentation", text: group.label });
    return el("div", { role: "group", "aria-label": group.label }, heading, entries);
  }
  return {
    node,
    get isOpen() { return layer.isOpen; },
    open() {
      layer.open();
      input.setAttribute("aria-expanded", "true");
    },
    close() {
      layer.close();
      mark(-1);
      list.replaceChildren();
      offers = [];
      input.setAttribute("aria-expanded", "false");
    },
    /** Show these groups of offers; `chosen` are the keys of those that stand in the field. */
    show(groups, chosen, { status: words = "", isBusy = false, isFirstMarked = true } = {}) {
      const before = offers[active]?.offer.key;
      offers = [];
      list.replaceChildren(...groups.flatMap((group) => drawnGroup(group, chosen)));
      list.hidden = offers.length === 0;
      status.replaceChildren(...(isBusy ? [el("span", { class: "spinner", "aria-hidden": "true" })] : []), words);
      status.hidden = !words;
      // Where many are picked, the arrow keys go on from the one that was picked last.
      const standing = offers.findIndex(({ offer }) => (isMany ? offer.key === before : chosen.has(offer.key)));
      mark(standing >= 0 ? standing : isFirstMarked && offers.length ? 0 : -1);
      if (layer.isOpen) layer.place();
    },
    move(by) {
      if (offers.length) mark((active + by + offers.length) % offers.length);
    },
    pickActive() {
      if (!offers[active]) return false;
      pick(offers[active].offer);
      return true;
    },
  };
}
