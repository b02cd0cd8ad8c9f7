// What lies above the page: modals and questions. Only the topmost can be reached; Esc belongs to it; the focus goes back after it.

const layers = [];
const FOCUSABLE = "a[href], button, input, textarea, select, [tabindex]";

/** Put `node` on top. `escape` is called for Esc. The answer takes it away again and gives the focus back. */
export function openLayer(node, { escape }) {
  const layer = { node, escape, from: whence() };
  layers.push(layer);
  shadeAll();
  return () => {
    const place = layers.indexOf(layer);
    if (place < 0) return;
    const isTop = place === layers.length - 1;
    const above = layers[place + 1];
    layers.splice(place, 1);
    // Whatever lies above was opened from here: when it closes, the focus goes to where it was before this.
    if (above) above.from = layer.from;
    shadeAll();
    if (isTop) giveBack(layer.from);
  };
}

/** Whether anything lies above the page. */
export function hasLayers() {
  return layers.length > 0;
}

/** Whether this is what a person can reach now. */
export function isTopLayer(node) {
  return layers.at(-1)?.node === node;
}

/** What can take the focus inside, from top to bottom. */
export function focusable(root) {
  return [...root.querySelectorAll(FOCUSABLE)].filter((one) => one.tabIndex >= 0 && !one.disabled && one.getClientRects().length > 0);
}

/** The rest of the page cannot be reached, neither by Tab nor by a screen reader; what is only told (toasts, caption) still is. */
function shadeAll() {
  for (const part of document.querySelectorAll("body > .topbar, body > .frame, body > .skip-link")) part.inert = layers.length > 0;
  layers.forEach(({ node }, place) => { node.inert = place < layers.length - 1; });
}

function whence() {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const holder = node.closest("[data-action-id]");
  return { node, id: node.id, block: holder?.dataset.blockId, action: holder?.dataset.actionId };
}

function giveBack(from) {
  const alike = from?.action && [...document.querySelectorAll(`[data-action-id="${CSS.escape(from.action)}"]`)]
    .find((one) => one.dataset.blockId === from.block && one.getClientRects().length > 0);
  const byId = from?.id ? document.getElementById(from.id) : null;
  const there = [from?.node, byId, alike, document.getElementById("composer-text")];
  there.some(focusAgain);
}

/** Focus something again, if it is still there. A message shows its buttons only while the focus is in it. */
export function focusAgain(node) {
  if (!node?.isConnected || !node.getClientRects().length) return false;
  for (const one of [node.closest(".message"), node]) one?.focus({ preventScroll: true });
  return document.activeElement === node;
}

document.addEventListener("keydown", (event) => {
  const layer = layers.at(-1);
  if (!layer) return;
  const isInside = layer.node.contains(event.target);
  if (event.key === "Tab") keepInside(event, layer.node, isInside);
  // Inside, the key first belongs to what has the focus: a select closes its list with it.
  if (event.key === "Escape" && !isInside) escaped(event, layer);
}, true);

// On the window, so that it comes after everything below, and the page's own keys do not hear of it.
document.addEventListener("keydown", (event) => {
  const layer = layers.at(-1);
  if (layer && event.key === "Escape" && !event.defaultPrevented) escaped(event, layer);
});

function escaped(event, layer) {
  event.preventDefault();
  event.stopImmediatePropagation();
  layer.escape();
}

function keepInside(event, node, isInside) {
  const there = focusable(node);
  const [first, last] = [there[0], there.at(-1)];
  if (!first) return event.preventDefault();
  const at = document.activeElement;
  const isOut = !isInside || (event.shiftKey ? at === first || at === node : at === last);
  if (!isOut) return undefined;
  event.preventDefault();
  return (event.shiftKey ? last : first).focus();
}
