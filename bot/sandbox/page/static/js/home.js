// App Home: the tab that the bot draws for each person, beside the direct messages with it and what it is.

import { act } from "./api.js";
import { el, fill } from "./dom.js";
import { freshId } from "./elements/controls.js";
import { avatar } from "./people.js";
import { store } from "./store.js";
import { troubleOf } from "./troubles.js";
import { ViewForm } from "./viewform.js";

const shown = new WeakMap();

/** Draw App Home into `root` and keep it up to date for as long as `root` shows it; calling again draws what is new. */
export function drawHome(root) {
  const there = shown.get(root);
  if (there?.node.isConnected && there.owner === store.state.viewer?.user_id) return there.follow();
  const home = new Home();
  shown.set(root, home);
  fill(root, home.node);
  home.follow();
  home.ask();
  return undefined;
}

class Home {
  constructor() {
    this.owner = store.state.viewer?.user_id;
    this.tab = "home";
    const ids = { home: freshId("tab"), about: freshId("tab"), panel: freshId("tab-panel") };
    this.panel = el("div", { class: "home-panel", role: "tabpanel", id: ids.panel, tabindex: "0" });
    this.tabs = [
      this.drawTab("home", "Home", ids),
      this.drawTab("messages", "Messages", ids),
      this.drawTab("about", "About", ids),
    ];
    const list = el("div", { class: "home-tabs", role: "tablist", "aria-label": `${name()}: tabs`, on: { keydown: (event) => this.moved(event) } }, this.tabs);
    const head = el("header", { class: "home-head" }, avatar(store.state.app?.bot_user_id, 28),
      el("h1", { class: "home-title", text: name() }), el("span", { class: "badge", text: "App" }));
    this.node = el("section", { class: "home", "aria-label": `${name()}: Home` }, head, list, this.panel);
    const off = [store.on("home", () => this.heard(off)), store.on("hello", () => this.heard(off))];
  }

  drawTab(tab, text, ids) {
    return el("button", {
      type: "button", role: "tab", class: "home-tab", text, dataset: { tab }, id: ids[tab] ?? freshId("tab"), "aria-controls": ids.panel,
      on: { click: () => this.choose(tab) },
    });
  }

  heard(off) {
    if (!this.node.isConnected) off.forEach((take) => take());
    else if (this.owner === store.state.viewer?.user_id) this.follow();
  }

  /** Opening Home tells the bot, which then publishes it. */
  async ask() {
    const answer = await act("home", {});
    if (answer.is_acknowledged === false) store.toast(`${name()} did not answer: its Home shows what it last published.`);
    this.isAsked = true;
    this.follow();
  }

  choose(tab) {
    if (tab === "messages") return toMessages();
    this.tab = tab;
    return this.follow();
  }

  moved(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = this.tabs.indexOf(document.activeElement);
    this.tabs.at((at + by) % this.tabs.length).focus();
  }

  follow() {
    for (const tab of this.tabs) {
      const is = tab.dataset.tab === this.tab;
      tab.setAttribute("aria-selected", String(is));
      tab.tabIndex = is ? 0 : -1;
      if (is) this.panel.setAttribute("aria-labelledby", tab.id);
    }
    if (this.tab === "about") return fill(this.panel, about());
    const { home } = store.state;
    if (!home) return fill(this.panel, this.nothing());
    if (this.form?.view.view_id !== home.view_id) this.form = null;
    this.form ??= new ViewForm("home", { told: (answer) => said(answer) });
    if (this.form.node.parentNode !== this.panel) fill(this.panel, el("h2", { class: "visually-hidden", text: "Home" }), this.form.node);
    return this.form.show(home);
  }

  nothing() {
    const words = this.isAsked ? `${name()} has published no Home for you yet.` : `Opening ${name()}'s Home…`;
    return el("p", { class: "home-nothing", role: "status" }, this.isAsked ? null : el("span", { class: "spinner", "aria-hidden": "true" }), words);
  }
}

function name() {
  return store.state.app?.name ?? "The app";
}

function said(answer) {
  if (answer?.is_acknowledged === false) store.toast(troubleOf(answer));
}

function toMessages() {
  const viewer = store.state.viewer?.user_id;
  const direct = (store.state.channels ?? []).find((one) => one.dm_user_id && one.dm_user_id === viewer);
  if (direct) store.set({ active: { kind: "channel", channelId: direct.channel_id } });
  else store.toast(`There are no messages between you and ${name()} yet.`, { kind: "info" });
}

function about() {
  const { app, commands = [], shortcuts = [] } = store.state;
  return el("div", { class: "home-about" },
    el("p", {}, `${app?.name ?? "The app"} launches workflows from Slack. This is a sandbox: nothing here reaches a real provider.`),
    commands.length ? el("h2", { text: "Commands" }) : null,
    el("ul", {}, commands.map(aboutCommand)),
    shortcuts.length ? el("h2", { text: "Shortcuts" }) : null,
    el("ul", {}, shortcuts.map((one) => el("li", { text: `${one.name} (${one.type === "message" ? "in a message's menu" : "behind the + of the message field"})` }))));
}

function aboutCommand({ name: command, hint, description }) {
  return el("li", {}, el("code", { text: command }), description ? ` ${description}` : "", hint ? el("div", { class: "home-hint mono", text: hint }) : null);
}
