// What the tabs of the panel share: switches, JSON and times, and the way to the providers.

import { post } from "./api.js";
import { el } from "./dom.js";
import { store } from "./store.js";

/** Ask the providers for a change; the answer brings the panel as it is then. */
export async function change(name, body = {}) {
  const answer = await post(`/page/providers/${name}`, body);
  if (answer.providers) store.emit("providers", answer.providers);
  return answer;
}

/** JSON as people read it. */
export function pretty(value) {
  return el("pre", { class: "json", tabIndex: 0 }, typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

/** A switch with its name and a line that says what will be seen. What it shows comes from the sandbox: `turn(isOn)` asks for it. */
export function toggle({ id, title, seen, isOn, turn }) {
  const button = el("button", {
    type: "button", role: "switch", class: "toggle", id, "aria-checked": String(isOn), "aria-labelledby": `${id}-title`,
    "aria-describedby": seen ? `${id}-seen` : null,
    on: { click: () => turn(button.getAttribute("aria-checked") !== "true") },
  }, el("span", { class: "toggle-knob", "aria-hidden": "true" }));
  const words = el("span", { class: "toggle-words" },
    el("span", { class: "toggle-title", id: `${id}-title`, text: title }),
    seen ? el("span", { class: "soft small", id: `${id}-seen`, text: seen }) : null);
  return el("div", { class: "toggle-row" }, words, button);
}

/** hh:mm:ss of a moment, in the reader's zone. */
export function clockTime(moment) {
  return new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}
