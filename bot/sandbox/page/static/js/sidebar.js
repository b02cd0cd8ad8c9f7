// The left side: the app, channels, direct messages, and the people to act as.

import { el, fill, icon } from "./dom.js";
import { channelMark } from "./marks.js";
import { avatar, channelName, nameOf, noteOf } from "./people.js";
import { store } from "./store.js";

export function mountSidebar(root) {
  const places = el("div", { class: "sidebar-places" });
  const people = el("div", { class: "sidebar-people" });
  fill(root, places, people);
  root.addEventListener("keydown", (event) => moved(event, root));
  for (const name of ["hello", "active", "channels", "unread"]) store.on(name, () => redraw(places, drawPlaces));
  store.on("hello", () => redraw(people, drawPeople));
}

/** Draw all of it anew: it is short. The focus stays on the entry of the same key. */
function redraw(root, draw) {
  if (!store.state.viewer) return;
  const held = root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  fill(root, draw());
  if (held) [...root.querySelectorAll("[data-key]")].find((one) => one.dataset.key === held)?.focus();
}

function drawPlaces() {
  const { channels, app } = store.state;
  const open = channels.filter((one) => !one.dm_user_id).sort((one, other) => one.name.localeCompare(other.name));
  const direct = channels.filter((one) => one.dm_user_id);
  return [
    app?.has_home ? section("Apps", [homeEntry()]) : null,
    section("Channels", open.map(channelEntry)),
    direct.length ? section("Direct messages", direct.map(directEntry)) : null,
  ];
}

let sections = 0;

function section(title, entries) {
  const id = `sidebar-${(sections += 1)}`;
  return el(
    "section",
    { class: "sidebar-section" },
    el("h2", { id }, title),
    el(
      "ul",
      { "aria-labelledby": id },
      entries.map((entry) => el("li", {}, entry)),
    ),
  );
}

function entry({ key, mark, words, isHere, unread = 0, note = "", choose }) {
  const count =
    unread > 0
      ? el("span", { class: "unread-count" }, unread > 99 ? "99+" : unread, el("span", { class: "visually-hidden" }, " unread"))
      : null;
  return el(
    "button",
    {
      type: "button",
      class: ["sidebar-entry", isHere && "is-here", unread > 0 && "is-unread"],
      dataset: { key },
      "aria-current": isHere ? "page" : null,
      on: { click: choose },
    },
    mark,
    el("span", { class: "entry-words", dir: "auto" }, words),
    note && el("span", { class: "entry-note" }, note),
    count,
  );
}

function homeEntry() {
  const { app, active } = store.state;
  const go = () => goTo({ kind: "home" });
  return entry({
    key: "home",
    mark: avatar(app.bot_user_id, 20),
    words: nameOf(app.bot_user_id),
    note: "Home",
    isHere: active?.kind === "home",
    choose: go,
  });
}

function channelEntry(channel) {
  const kind = [channel.is_private && "private", channel.is_ext_shared && "shared", channel.is_archived && "archived"]
    .filter(Boolean)
    .join(", ");
  const words = [channel.name, kind && el("span", { class: "visually-hidden" }, ` (${kind})`)];
  return entry({ ...placeOf(channel), mark: channelMark(channel, 18), words, note: channel.is_ext_shared ? "shared" : "" });
}

function directEntry(channel) {
  return entry({ ...placeOf(channel), mark: avatar(store.state.app.bot_user_id, 20), words: channelName(channel) });
}

function placeOf(channel) {
  const { active, unread } = store.state;
  const { channel_id: channelId } = channel;
  return {
    key: channelId,
    isHere: active?.channelId === channelId,
    unread: active?.channelId === channelId ? 0 : (unread[channelId] ?? 0),
    choose: () => goTo({ kind: "channel", channelId }),
  };
}

function goTo(active) {
  store.set({ active });
  document.dispatchEvent(new CustomEvent("pane", { detail: "conversation" }));
  const isWide = matchMedia("(min-width: 761px)").matches;
  if (isWide && active.kind === "channel") document.getElementById("composer-text")?.focus();
}

// --- who to be -------------------------------------------------------------------------------------------------------

function drawPeople() {
  const { people, viewer } = store.state;
  return section(
    "You act as",
    people.map((user) => personEntry(user, user.user_id === viewer.user_id)),
  );
}

function personEntry(user, isMe) {
  const choose = () => {
    if (!isMe) store.connect(user.user_id);
  };
  const note = noteOf(user);
  const button = el(
    "button",
    {
      type: "button",
      class: ["sidebar-entry", "person", isMe && "is-me"],
      dataset: { key: user.user_id },
      "aria-pressed": String(isMe),
      on: { click: choose },
    },
    avatar(user.user_id, 24),
    el("span", { class: "entry-words", dir: "auto" }, nameOf(user.user_id)),
    note && el("span", { class: "entry-note" }, note),
    isMe && !note && icon("check", 16),
  );
  const words = `Open a second window as ${nameOf(user.user_id)}`;
  const beside = el(
    "a",
    {
      class: "person-window",
      href: `#as=${encodeURIComponent(user.user_id)}`,
      target: "_blank",
      rel: "noopener",
      "aria-label": words,
      title: words,
    },
    icon("window", 16),
  );
  return el("div", { class: "person-row" }, button, isMe ? null : beside);
}

/** Arrow keys go from entry to entry. */
function moved(event, root) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const entries = [...root.querySelectorAll(".sidebar-entry")];
  const at = entries.indexOf(document.activeElement);
  if (at < 0) return;
  const next = step ? entries[at + step] : { Home: entries[0], End: entries.at(-1) }[event.key];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
