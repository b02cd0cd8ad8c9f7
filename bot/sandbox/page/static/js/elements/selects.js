// Selects, single and multi: a field that filters while one types, arrow keys, Enter and Esc, and chips for many.

import { el, icon } from "../dom.js";
import { confirmed } from "../dialog.js";
import { entryOf, freshId, hang, isTold, nameOf, textOf } from "./controls.js";
import { listbox } from "./listbox.js";
import { lookup } from "./lookup.js";
import { sourceOf } from "./sources.js";

export function drawSelect(element, block, where) {
  const source = sourceOf(element, block, where);
  const input = el("input", {
    class: "select-input", id: freshId("field"), type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-haspopup": "listbox", "aria-label": nameOf(element, block),
  });
  const chips = el("span", { class: "chips" });
  const clear = el("button", { type: "button", class: "select-clear", "aria-label": "Clear the choice", tabIndex: -1, hidden: true }, icon("close", 14));
  const box = el("div", { class: ["select-box", source.isMany ? "is-many" : ""] }, chips, input, clear, icon("chevron", 16));
  const node = el("div", { class: "select" }, box);
  const picked = choice({ source, element, block, where, input, chips, clear });
  const list = listbox(input, box, { isMany: source.isMany, pick: (offer) => pick(offer) });
  const search = lookup(source, list, picked, element);
  node.append(list.node);

  async function pick(offer) {
    const isDone = !source.isMany;
    if (isDone) list.close();
    await picked.take(offer);
    if (!isDone && list.isOpen) search.now("");
  }
  const open = () => {
    if (list.isOpen) return;
    list.open();
    search.now(picked.query());
  };
  const shut = () => {
    search.stop();
    list.close();
    picked.settle();
  };
  clear.addEventListener("click", () => picked.clear().then(() => input.focus()));
  box.addEventListener("mousedown", (event) => {
    if (event.target.closest("button")) return;
    if (event.target !== input) event.preventDefault();
    input.focus();
    if (list.isOpen) shut();
    else {
      open();
      if (!source.isMany) setTimeout(() => input.select());
    }
  });
  input.addEventListener("input", () => {
    list.open();
    picked.isTyped = true;
    search.soon(input.value);
  });
  input.addEventListener("blur", shut);
  input.addEventListener("keydown", (event) => pressed(event, { list, open, shut, picked, input }));
  return hang(node, {
    element, block, field: input, read: picked.read, write: picked.write,
    isEmpty: () => picked.offers().length === 0, focus: () => input.focus(),
  });
}

function pressed(event, { list, open, shut, picked, input }) {
  if (event.isComposing) return;
  const acts = {
    ArrowDown: () => (list.isOpen ? list.move(1) : open()),
    ArrowUp: () => (list.isOpen ? list.move(-1) : open()),
    Enter: () => (list.isOpen ? list.pickActive() : open()),
    Escape: () => (list.isOpen ? shut() : null),
    Backspace: () => (input.value === "" ? picked.removeLast() : null),
  };
  if (!(event.key in acts)) return;
  const isOurs = event.key === "Backspace" ? false : event.key !== "Escape" || list.isOpen;
  if (isOurs) {
    event.preventDefault();
    event.stopPropagation();
  }
  acts[event.key]();
}

/** What is chosen, how it is shown, and whom a change is told. */
function choice({ source, element, block, where, input, chips, clear }) {
  const placeholder = textOf(element.placeholder) || (source.isAsked ? "Search" : source.isMany ? "Choose options" : "Choose an option");
  const most = element.max_selected_items ?? Infinity;
  let offers = [];
  const raws = () => offers.map((offer) => offer.raw);
  const read = () => ({ type: element.type, [source.key]: source.isMany ? raws() : raws()[0] ?? null });

  function draw() {
    input.placeholder = source.isMany && offers.length ? "" : placeholder;
    if (!source.isMany && !self.isTyped) input.value = offers[0]?.text ?? "";
    if (source.isMany) chips.replaceChildren(...offers.map((offer) => chip(offer, () => put(offers.filter((one) => one !== offer)))));
    clear.hidden = source.isMany || !offers.length || block.type !== "input" || !block.optional;
  }
  async function put(wanted) {
    const before = offers;
    offers = wanted;
    self.isTyped = false;
    draw();
    if (isTold(block) && !(await confirmed(element))) {
      offers = before;
      draw();
      return;
    }
    where.changed?.(block, element);
    if (isTold(block)) where.use?.(block, element, read(), input);
  }
  const self = {
    isTyped: false,
    offers: () => offers,
    keys: () => new Set(offers.map((offer) => offer.key)),
    isFull: () => source.isMany && offers.length >= most,
    most,
    read,
    query: () => (self.isTyped ? input.value : ""),
    write(entry) {
      const there = entry ? entry[source.key] : element[source.initial];
      const raw = source.isMany ? there ?? [] : [there].filter(Boolean);
      if (JSON.stringify(raw) === JSON.stringify(raws()) && offers.length) return;
      offers = raw.map(source.offerOf);
      draw();
    },
    async take(offer) {
      const isThere = offers.some((one) => one.key === offer.key);
      self.isTyped = false;
      if (source.isMany) input.value = "";
      if (!source.isMany) return isThere ? draw() : put([offer]);
      if (isThere) return put(offers.filter((one) => one.key !== offer.key));
      return self.isFull() ? undefined : put([...offers, offer]);
    },
    clear: () => put([]),
    removeLast: () => (source.isMany && offers.length ? put(offers.slice(0, -1)) : undefined),
    /** What was typed but not chosen goes away; an emptied field that may be empty is empty. */
    settle() {
      const isEmptied = self.isTyped && input.value === "" && !clear.hidden;
      self.isTyped = false;
      if (source.isMany) input.value = "";
      if (isEmptied) put([]);
      else draw();
    },
  };
  self.write(entryOf(where, block, element));
  draw();
  return self;
}

function chip(offer, remove) {
  const button = el("button", { type: "button", class: "chip-remove", "aria-label": `Remove ${offer.text}` }, icon("close", 12));
  button.addEventListener("click", remove);
  return el("span", { class: "chip" }, el("span", { class: "chip-text", text: offer.text }), button);
}
