// What frames the page: the bar on top, which pane a narrow screen shows, theme, toasts, keys that work everywhere.

import { el, fill, icon, iconButton } from "./dom.js";
import { hasLayers } from "./layers.js";
import { avatar, channelName, nameOf } from "./people.js";
import { store } from "./store.js";
import { mountSwitcher } from "./switcher.js";

const TOAST_MS = { error: 9000, info: 4000, ok: 4000 };
const MOST_TOASTS = 4;
const dark = matchMedia("(prefers-color-scheme: dark)");

export function mountShell(root) {
  const openSwitcher = mountSwitcher(document.body);
  drawTopbar(root, openSwitcher);
  followTheme();
  followPanes();
  mountToasts(document.querySelector("#toasts"));
  document.addEventListener("keydown", (event) => keyEverywhere(event, openSwitcher));
  for (const name of ["hello", "active", "unread", "channels"]) store.on(name, nameTheWindow);
}

// --- the bar ---------------------------------------------------------------------------------------------------------

function drawTopbar(root, openSwitcher) {
  const team = el("span", { class: "team-name" }, "Gonogo");
  const link = el("span", { class: "link-lost", role: "status", hidden: true });
  const me = el("span", { class: "topbar-me" });
  const search = el(
    "button",
    {
      type: "button",
      class: "search-button",
      "aria-label": "Jump to a channel or person",
      "aria-keyshortcuts": "Control+K",
      on: { click: openSwitcher },
    },
    icon("search", 16),
    el("span", { class: "search-words" }, "Jump to a channel or person"),
    el("kbd", {}, "Ctrl K"),
  );
  const panels = [
    panelButton("scenarios", "play", "Scenarios"),
    panelButton("providers", "server", "Providers"),
    panelButton("traffic", "pulse", "Traffic"),
  ];
  const tools = el("div", { class: "topbar-tools", id: "topbar-tools" }, panels, themeButton(), me);
  fill(
    root,
    el("div", { class: "topbar-team" }, el("span", { class: "brand", "aria-hidden": "true" }, icon("check", 16)), team, link),
    search,
    tools,
  );
  store.on("hello", () => {
    team.textContent = store.state.team?.name ?? "Gonogo";
    fill(
      me,
      avatar(store.state.viewer.user_id, 28),
      el("span", { class: "visually-hidden" }, `You act as ${nameOf(store.state.viewer.user_id)}`),
    );
    me.title = `You act as ${nameOf(store.state.viewer.user_id)}`;
  });
  store.on("link", (state) => {
    link.hidden = state !== "lost";
    fill(link, state === "lost" && [el("span", { class: "spinner", "aria-hidden": "true" }), "Reconnecting…"]);
  });
}

function panelButton(panel, sign, words) {
  const toggle = () => store.set({ panel: store.state.panel === panel ? null : panel });
  const button = el(
    "button",
    {
      type: "button",
      class: "tool-button",
      "aria-pressed": "false",
      "aria-controls": "panel",
      title: words,
      dataset: { panel },
      on: { click: toggle },
    },
    icon(sign),
    el("span", {}, words),
  );
  store.on("panel", (shown) => button.setAttribute("aria-pressed", String(shown === panel)));
  return button;
}

// --- light and dark --------------------------------------------------------------------------------------------------

function isDark() {
  return store.state.theme ? store.state.theme === "dark" : dark.matches;
}

function themeButton() {
  const button = iconButton("moon", "", () => store.set({ theme: isDark() ? "light" : "dark" }), { class: "theme-button" });
  const follow = () => {
    const words = isDark() ? "Use light colours" : "Use dark colours";
    fill(button, icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", words);
    button.title = words;
  };
  store.on("theme", follow);
  dark.addEventListener("change", follow);
  follow();
  return button;
}

function followTheme() {
  const apply = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  store.on("theme", apply);
  apply(store.state.theme);
}

// --- one pane at a time on a narrow screen ---------------------------------------------------------------------------

/** "sidebar", "conversation", "thread" or "panel". On a wide screen it only says which of thread and panel was opened last. */
export function showPane(name) {
  document.body.dataset.pane = name;
}

function followPanes() {
  const side = (name, isOpen) => {
    document.body.classList.toggle(`has-${name}`, isOpen);
    const other = { thread: ["panel", store.state.panel], panel: ["thread", store.state.thread] }[name];
    showPane(isOpen ? name : other[1] ? other[0] : "conversation");
  };
  store.on("thread", (thread) => side("thread", Boolean(thread)));
  store.on("panel", (panel) => side("panel", Boolean(panel)));
  store.on("active", () => {
    if (document.body.dataset.pane === "sidebar") showPane("conversation");
  });
  store.on("hello", () => document.body.classList.toggle("has-thread", Boolean(store.state.thread)));
  document.addEventListener("pane", ({ detail }) => showPane(detail));
  showPane("conversation");
}

// --- toasts ----------------------------------------------------------------------------------------------------------

function mountToasts(root) {
  store.on("toast", ({ text, kind }) => {
    const gone = () => toast.remove();
    const toast = el(
      "div",
      { class: ["toast", `toast-${kind}`] },
      icon({ error: "warning", ok: "check" }[kind] ?? "info"),
      el("span", { class: "toast-words", dir: "auto" }, text),
      iconButton("close", "Dismiss", gone),
    );
    for (const old of [...root.children].slice(0, -(MOST_TOASTS - 1))) old.remove();
    root.append(toast);
    let timer = setTimeout(gone, TOAST_MS[kind] ?? TOAST_MS.error);
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => {
      timer = setTimeout(gone, TOAST_MS.info);
    });
  });
}

// --- keys and the window's name --------------------------------------------------------------------------------------

const STOPS = [
  "#sidebar .sidebar-entry",
  "#conversation .message-log",
  "#composer-text",
  "#thread-composer-text",
  "#panel :is(button, [tabindex])",
];

function keyEverywhere(event, openSwitcher) {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (!hasLayers()) openSwitcher();
  } else if (event.key === "F6" && !hasLayers()) {
    event.preventDefault();
    goRound(event.shiftKey ? -1 : 1);
  } else if (event.key === "Escape" && !event.defaultPrevented && !hasLayers()) {
    closeSide(event.target);
  }
}

/** Esc closes the pane that the focus is in; else the thread. */
function closeSide(target) {
  if (target.closest?.("#panel")) store.set({ panel: null });
  else if (store.state.thread && !target.closest?.("dialog")) store.set({ thread: null });
  else return;
  document.getElementById("composer-text")?.focus();
}

function goRound(step) {
  const stops = STOPS.map((stop) => [...document.querySelectorAll(stop)].find((one) => one.getClientRects().length)).filter(
    Boolean,
  );
  const at = stops.findIndex(
    (stop) =>
      stop.closest("nav, main, aside")?.contains(document.activeElement) &&
      (stop === document.activeElement || !stops.includes(document.activeElement)),
  );
  stops.at((at + step + stops.length) % stops.length)?.focus();
}

function nameTheWindow() {
  const { active, team, unread, viewer } = store.state;
  const place = active?.kind === "home" ? nameOf(store.state.app?.bot_user_id) : channelName(store.channel(active?.channelId));
  const count = Object.entries(unread).reduce((sum, [id, number]) => sum + (id === active?.channelId ? 0 : number), 0);
  document.title = `${count ? `(${count}) ` : ""}${place} · ${viewer?.name ?? ""} · ${team?.name ?? "Gonogo"}`;
}
