// What a drawn element can do for the form around it: say what stands in it, take a value, take the focus.
//
// A control is {element, block, read(), write(entry), focus(), isEmpty()}; `read` and `write` use the shape of Slack's
// view.state.values[block_id][action_id]. It hangs on its node, so that a node that is thrown away takes it along.

import { plain } from "../mrkdwn.js";

/** The text of a text object, or "". */
export const textOf = plain;

const controls = new WeakMap();
let lastId = 0;

/** A fresh id for labels and descriptions. */
export function freshId(what) {
  lastId += 1;
  return `${what}-${lastId}`;
}

/** Hang a control on its node, and name the node by block and action, never by what it reads. */
export function hang(node, control) {
  node.dataset.elementType = control.element.type;
  node.dataset.blockId = control.block.block_id ?? "";
  node.dataset.actionId = control.element.action_id ?? "";
  controls.set(node, control);
  return node;
}

export function controlOf(node) {
  return controls.get(node) ?? null;
}

/** Every control below a node, from top to bottom. */
export function controlsIn(root) {
  return [...root.querySelectorAll("[data-action-id]")].map(controlOf).filter(Boolean);
}

/** What stands in the fields: {block_id: {action_id: entry}}. */
export function collectState(root) {
  const state = {};
  for (const control of controlsIn(root).filter((one) => one.read)) {
    (state[control.block.block_id] ??= {})[control.element.action_id] = control.read();
  }
  return state;
}

/** What the server says stands in a field; undefined where it says nothing. */
export function entryOf(where, block, element) {
  return where.state?.[block.block_id]?.[element.action_id];
}

/** Whether a change of this element is told to the bot at once; an input block's only with dispatch_action. */
export function isTold(block) {
  return block.type !== "input" || Boolean(block.dispatch_action);
}

/** Wait until nothing came for a while, then call once with the newest arguments. */
export function debounced(call, wait_ms) {
  let timer = 0;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), wait_ms);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/** What a screen reader reads where no label stands above the element. */
export function nameOf(element, block) {
  return element.accessibility_label || textOf(element.text) || textOf(block.label) || textOf(element.placeholder)
    || textOf(block.text).slice(0, 75) || element.type.replaceAll("_", " ");
}
