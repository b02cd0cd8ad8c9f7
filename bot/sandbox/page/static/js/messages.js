// The conversation in the middle: a channel, a direct message, or the app's Home.

import { act } from "./api.js";
import { Composer } from "./composer.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { drawHome } from "./home.js";
import { batched, entries, Log } from "./log.js";
import { channelMark } from "./marks.js";
import { refreshTimes } from "./message.js";
import { avatar, channelName, nameOf } from "./people.js";
import { store } from "./store.js";

const MINUTE_MS = 60_000;

export function mountConversation(root) {
  const view = new Conversation(root);
  const later = batched(() => view.follow());
  store.on("unread", () => view.markRead());
  for (const name of ["hello", "active", "channels", "home"]) store.on(name, later);
  for (const name of ["message", "gone"]) store.on(name, ({ channel_id: channelId }) => channelId === view.channelId && later());
  // What was not drawn while this window was hidden, and what is read now that somebody looks.
  document.addEventListener("visibilitychange", () => view.markRead());
  window.addEventListener("focus", () => view.markRead());
  setInterval(() => refreshTimes(root), MINUTE_MS / 2);
  return view;
}

class Conversation {
  constructor(root) {
    this.head = el("header", { class: "place-head" });
    this.intro = el("div", { class: "place-intro" });
    this.log = new Log({ label: "Messages", head: this.intro, onEnd: () => this.markRead() });
    this.composer = new Composer({ id: "composer-text" });
    this.channelNode = el("section", { class: "channel", hidden: true }, this.head, this.log.node, this.composer.node);
    this.homeNode = el(
      "section",
      { class: "home-place", hidden: true },
      el("div", { class: "home-bar" }, backButton()),
      el("div", { class: "home-root" }),
    );
    fill(root, this.homeNode, this.channelNode);
    this.shown = "";
  }

  get channelId() {
    const { active } = store.state;
    return active?.kind === "channel" ? active.channelId : null;
  }

  follow() {
    const { active, viewer } = store.state;
    if (!viewer || !active) return;
    const isHome = active.kind === "home";
    this.homeNode.hidden = !isHome;
    this.channelNode.hidden = isHome;
    const place = `${viewer.user_id}/${isHome ? "home" : active.channelId}`;
    const isNew = place !== this.shown;
    this.shown = place;
    if (isHome) drawHome(this.homeNode.lastElementChild);
    else this.followChannel(isNew);
  }

  followChannel(isNew) {
    const channel = store.channel(this.channelId);
    if (isNew) {
      this.log.reset();
      this.newFrom = this.firstUnread();
      this.composer.moveTo({ channelId: this.channelId });
    }
    this.drawHead(channel);
    this.composer.follow();
    this.drawLog();
    if (isNew && this.newFrom) this.log.reveal(this.newFrom) && this.log.scrolled();
    this.markRead();
  }

  drawLog() {
    const { top, summaries } = split(store.state.messages[this.channelId] ?? []);
    if (document.hidden || !this.log.isAtEnd) this.newFrom ??= this.firstUnread();
    this.log.show(entries(top, { newFrom: this.newFrom, summaries }), store.state.viewer.user_id);
  }

  /** The oldest of what this person has not read, where something was read before. */
  firstUnread() {
    const count = store.state.unread?.[this.channelId] ?? 0;
    const me = store.state.viewer.user_id;
    const others = split(store.state.messages[this.channelId] ?? []).top.filter((message) => message.user !== me);
    return count > 0 && count < others.length ? others.at(-count).ts : null;
  }

  markRead() {
    const count = store.state.unread?.[this.channelId] ?? 0;
    if (!count || document.hidden || !this.log.isAtEnd) return;
    act("read", { channel: this.channelId }, { quiet: true });
  }

  drawHead(channel) {
    const isDm = Boolean(channel?.dm_user_id);
    const version = JSON.stringify([channel, store.state.viewer.user_id]);
    if (version === this.headVersion) return;
    this.headVersion = version;
    const members = (channel?.members ?? []).length;
    const mark = isDm ? avatar(store.state.app.bot_user_id, 24) : channelMark(channel, 20);
    const count = isDm
      ? null
      : el(
          "span",
          { class: "member-count", title: `${members} members` },
          icon("users", 16),
          members,
          el("span", { class: "visually-hidden" }, " members"),
        );
    const shared = channel?.is_ext_shared ? el("span", { class: "badge warning" }, "Shared with another organisation") : null;
    const archived = channel?.is_archived ? el("span", { class: "badge" }, "Archived") : null;
    fill(
      this.head,
      backButton(),
      mark,
      el("h1", { dir: "auto" }, channelName(channel)),
      isDm && el("span", { class: "badge" }, "APP"),
      shared,
      archived,
      el("span", { class: "spacer" }),
      isDm ? homeButton() : count,
    );
    fill(this.intro, intro(channel, this.composer));
  }
}

function backButton() {
  return iconButton("back", "Back to channels", () => document.dispatchEvent(new CustomEvent("pane", { detail: "sidebar" })), {
    class: "back-button",
  });
}

function homeButton() {
  if (!store.state.app?.has_home) return null;
  return el(
    "button",
    { type: "button", class: "button small", on: { click: () => store.set({ active: { kind: "home" } }) } },
    icon("home", 16),
    "Home",
  );
}

function intro(channel, composer) {
  if (!channel) return null;
  if (channel.dm_user_id) {
    const app = nameOf(store.state.app.bot_user_id);
    return [
      avatar(store.state.app.bot_user_id, 56),
      el("h2", {}, app),
      el(
        "p",
        { class: "soft" },
        `This is the very beginning of your direct messages with ${app}. It writes here what no channel can be told.`,
      ),
    ];
  }
  const isApp = (channel.members ?? []).includes(store.state.app.bot_user_id);
  const app = nameOf(store.state.app.bot_user_id);
  const command = store.state.commands[0]?.name;
  const hint =
    isApp && command
      ? [
          "Type ",
          el("kbd", {}, command),
          " in the field below to open the form, or say the whole launch on one line. Everything here is made up, but the bot is the real one.",
        ]
      : [isApp ? "" : `${app} is not a member here, so it cannot be asked for anything.`];
  const acts =
    isApp && command
      ? el(
          "div",
          { class: "intro-acts" },
          introAct("bolt", "Open the form", () => composer.run(command), "primary"),
          introAct("info", "Examples that work here", () => composer.run(`${command} help`)),
          introAct("play", "Watch it work", () => store.set({ panel: "scenarios" })),
        )
      : null;
  return [
    el("div", { class: "intro-mark" }, channelMark(channel, 26)),
    el("h2", {}, `Welcome to ${channel.is_private ? "" : "#"}${channel.name}`),
    el("p", { class: "soft" }, hint),
    acts,
  ];
}

function introAct(sign, words, run, style = "") {
  return el("button", { type: "button", class: ["button", "small", style], on: { click: run } }, icon(sign, 16), words);
}

/** The top level, and per thread how many replies it has, of whom, and when the last one came. */
function split(messages) {
  const top = [],
    summaries = new Map();
  for (const message of messages) {
    if (!message.thread_ts || message.thread_ts === message.ts) {
      top.push(message);
      continue;
    }
    const kept = summaries.get(message.thread_ts) ?? { count: 0, last: "", users: [] };
    kept.count += 1;
    kept.last = message.ts;
    if (!kept.users.includes(message.user)) kept.users.push(message.user);
    summaries.set(message.thread_ts, kept);
  }
  return { top, summaries };
}
