// Shortcuts of the app: global ones behind the composer's "+", those for a message in its hover menu.

import { act } from "./api.js";
import { el, icon } from "./dom.js";
import { menuButton } from "./elements/menu.js";
import { store } from "./store.js";
import { troubleOf } from "./troubles.js";

/**
 * A button with a menu. With `message` ({channel_id, ts, ...}) it holds the shortcuts for that message, without one the global
 * ones. `more` are further entries of the menu: [{text, icon, choose}].
 */
export function shortcutMenu({ message = null, more = [] } = {}) {
  const label = message ? "More actions" : "Shortcuts";
  const button = el("button", { type: "button", class: "icon-button shortcut-button", "aria-label": label, title: label }, icon(message ? "more" : "plus"));
  return menuButton(button, () => entries(message, more), { label, align: message ? "end" : "start" });
}

/** The shortcuts that a person can choose here: [{text, description, choose}]. */
export function shortcutsFor(message = null) {
  const type = message ? "message" : "global";
  return (store.state.shortcuts ?? []).filter((one) => one.type === type)
    .map((one) => ({ text: one.name, description: one.description ?? "", icon: icon("bolt", 16), choose: () => choose(one, message) }));
}

function entries(message, more) {
  const there = shortcutsFor(message);
  const name = store.state.app?.name ?? "The app";
  return [...more, there.length ? name : `${name} has no shortcuts ${message ? "for messages" : "here"}.`, ...there];
}

async function choose(shortcut, message) {
  const place = message ? { channel: message.channel_id, ts: message.ts } : {};
  const answer = await act("shortcut", { callback_id: shortcut.callback_id, ...place });
  if (answer.is_acknowledged === false) store.toast(troubleOf(answer));
}
