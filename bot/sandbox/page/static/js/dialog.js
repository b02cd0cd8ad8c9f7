// "Are you sure?": the confirm object of an element, asked before anything is sent.

import { el } from "./dom.js";
import { freshId, textOf } from "./elements/controls.js";
import { openLayer } from "./layers.js";
import { drawText } from "./mrkdwn.js";

/** True when the element asks nothing, or the person said yes. */
export function confirmed(element) {
  return element.confirm ? ask(element.confirm) : Promise.resolve(true);
}

/** Show a confirm object; true for its yes, false for its no, Esc and a press beside it. */
export function ask(confirm) {
  return new Promise((answer) => {
    const ids = { title: freshId("title"), text: freshId("text") };
    const yes = el("button", { type: "button", class: ["button", confirm.style === "danger" ? "danger" : "primary"], text: textOf(confirm.confirm) || "Yes" });
    const no = el("button", { type: "button", class: "button", text: textOf(confirm.deny) || "No" });
    const box = el("div", { class: "dialog", role: "alertdialog", "aria-modal": "true", "aria-labelledby": ids.title, "aria-describedby": ids.text },
      el("h2", { class: "dialog-title", id: ids.title, text: textOf(confirm.title) }),
      el("div", { class: "dialog-text", id: ids.text }, drawText(confirm.text)),
      el("div", { class: "dialog-foot" }, no, yes));
    const node = el("div", { class: "layer dialog-layer" }, box);
    document.getElementById("modals").append(node);
    const done = (is) => {
      close();
      node.remove();
      answer(is);
    };
    const close = openLayer(node, { escape: () => done(false) });
    yes.addEventListener("click", () => done(true));
    no.addEventListener("click", () => done(false));
    node.addEventListener("mousedown", (event) => event.target === node && done(false));
    (confirm.style === "danger" ? no : yes).focus();
  });
}
