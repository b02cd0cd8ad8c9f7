// How people and channels are shown: names, coloured initials, the app's own icon.

import { el, icon } from "./dom.js";
import { store } from "./store.js";

const HUES = 8;

/** The name that stands above a person's messages. */
export function nameOf(userId) {
  if (userId && userId === store.state.app?.bot_user_id) return store.state.app.name || store.user(userId)?.real_name || "App";
  const user = store.user(userId);
  return user?.real_name || user?.name || userId || "Somebody";
}

/** What follows an @. */
export function handleOf(userId) {
  const user = store.user(userId);
  return user ? (user.is_bot ? user.real_name || user.name : user.name) : userId;
}

/** A channel's name as the sidebar and titles show it; a direct message is named by whom it is with. */
export function channelName(channel) {
  if (!channel) return "unknown channel";
  return channel.dm_user_id ? nameOf(store.state.app?.bot_user_id) : channel.name || channel.channel_id;
}

/** "guest", "other workspace" ...: what the person may not do for, or "". */
export function noteOf(user) {
  if (!user) return "";
  if (user.note) return user.note;
  if (user.is_stranger) return "other organisation";
  if (user.is_restricted || user.is_ultra_restricted) return "guest";
  return "";
}

/** A square with initials; the bot's is its icon. It says nothing to screen readers: a name always stands beside it. */
export function avatar(userId, size = 36) {
  const isApp = userId && userId === store.state.app?.bot_user_id;
  const place = { "--avatar-size": `${size}px` };
  if (isApp)
    return el(
      "span",
      { class: "avatar avatar-app", style: place, "aria-hidden": "true" },
      icon("check", Math.round(size * 0.62)),
    );
  const initials = nameOf(userId)
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0]?.toUpperCase() ?? "")
    .join("");
  return el("span", { class: "avatar", dataset: { hue: hueOf(userId ?? "") }, style: place, "aria-hidden": "true" }, initials);
}

function hueOf(id) {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.codePointAt(0)) % 9973;
  return sum % HUES;
}
