// Buttons whose delivery is under way: disabled with a spinner, also after their message is drawn anew meanwhile.

import { troubleOf } from "../troubles.js";

const underWay = new Set();
const failed = new Map();

/** What tells one button from every other, wherever and however often it is drawn. */
export function pendingKey(where, block, element) {
  const place = where.view ? where.view.view_id : `${where.message?.channel_id}/${where.message?.ts}`;
  return [place, block.block_id, element.action_id].join("|");
}

/** Draw a button as it stands: waiting or not, with a mark where its last delivery failed. */
export function dress(button, key) {
  button.dataset.pendingKey = key;
  show(button, key);
}

/** Wait for a delivery; what went wrong is kept at the button until it is pressed again. */
export async function waiting(key, delivery) {
  if (underWay.has(key)) return undefined;
  underWay.add(key);
  failed.delete(key);
  showAll(key);
  try {
    const answer = await delivery();
    const trouble = troubleOf(answer);
    if (trouble) failed.set(key, trouble);
    return answer;
  } finally {
    underWay.delete(key);
    showAll(key);
  }
}

function showAll(key) {
  for (const button of document.querySelectorAll("[data-pending-key]")) {
    if (button.dataset.pendingKey === key) show(button, key);
  }
}

function show(button, key) {
  const isWaiting = underWay.has(key);
  // aria-disabled and not disabled: a disabled button drops the focus, and the person loses their place.
  for (const name of ["aria-busy", "aria-disabled"]) {
    if (isWaiting) button.setAttribute(name, "true");
    else button.removeAttribute(name);
  }
  const isTroubled = failed.has(key);
  button.classList.toggle("is-troubled", isTroubled);
  if (isTroubled) button.title = failed.get(key);
  else button.removeAttribute("title");
}
