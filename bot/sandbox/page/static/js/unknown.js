// What this page does not know is shown as it was sent, never dropped.

import { el } from "./dom.js";

/** `kind`: "block", "element" ...; `sent`: what the bot sent. */
export function unknown(kind, sent) {
  const words = `Unknown ${kind}: ${sent?.type ?? "without a type"}`;
  return el(
    "div",
    { class: "unknown", dataset: { elementType: kind === "block" ? null : sent?.type } },
    el("strong", {}, words),
    el("pre", { tabIndex: 0, "aria-label": words }, JSON.stringify(sent, null, 2)),
  );
}
