// The scenarios: buttons that play the script's journeys on the page, and the caption that explains each step.

import { get, post } from "./api.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { store } from "./store.js";

/** Whether this window goes where the scenario goes: the one in which it was started does. Two windows stay two people. */
let follows = false;
let typed = null;
let timer = null;
const SENT_MS = 700;

/** Draw the tab. */
export function drawScenarios(root) {
  fill(root, el("p", { class: "panel-empty" }, el("span", { class: "spinner" }), " Looking what can be played …"));
  get("/page/scenarios").then((answer) => {
    if (!answer.groups) return fill(root, el("p", { class: "panel-empty" }, answer.error ?? "The scenarios cannot be read."));
    fill(root, tourCard(answer.tour), answer.groups.filter((group) => group.scenarios.length).map(groupCard));
    return mark(root);
  });
  store.on("scenario", () => mark(root));
  store.on("hello", () => mark(root));
}

/** Keep the caption (div#caption) true, and follow. */
export function mountCaption(root) {
  // What lies above the page leaves the caption its room.
  new ResizeObserver(() => document.documentElement.style.setProperty("--caption", `${root.offsetHeight}px`)).observe(root);
  store.on("scenario", (told) => { draw(root, told); follow(told); });
  store.on("hello", () => { if (store.state.scenario) draw(root, store.state.scenario); });
}

export async function play(name, pace = "human") {
  follows = true;
  const answer = await post("/page/scenarios", { name, pace });
  if (answer.ok === false) follows = false;
  else if (matchMedia("(max-width: 900px)").matches) store.set({ panel: null });
  return answer;
}

// --- the tab -----------------------------------------------------------------------------------------------------------

function tourCard(tour) {
  return el("section", { class: "tour" },
    el("h3", {}, "Gonogo in two minutes"),
    el("p", {}, "Watch the whole bot at work: people type and press, providers answer, and a caption says what happens. Nothing is faked: it is the real program."),
    el("button", { type: "button", class: "button primary", dataset: { scenario: tour.name }, on: { click: () => play(tour.name) } }, icon("play", 16), tour.title),
    el("span", { class: "soft small", text: `${tour.chapters.length} scenarios` }));
}

function groupCard(group) {
  const id = `scenarios-${group.title.toLowerCase()}`;
  return el("section", { class: "scenario-group", "aria-labelledby": id },
    el("h3", { id, text: group.title }), el("p", { class: "soft small", text: group.about }),
    el("ul", {}, group.scenarios.map((one) => el("li", {}, scenarioButton(one)))));
}

function scenarioButton(one) {
  return el("button", { type: "button", class: "scenario", dataset: { scenario: one.name }, on: { click: () => play(one.name) } },
    el("span", { class: "scenario-sign" }, icon("play", 14)),
    el("span", { class: "scenario-words" },
      el("span", { class: "scenario-title", text: one.title }),
      el("span", { class: "soft tiny", text: `${capital(one.user)} in #${one.channel}` })));
}

/** While one plays, the others cannot be started. */
function mark(root) {
  const { scenario } = store.state;
  const isPlaying = Boolean(scenario) && !scenario.is_over;
  for (const button of root.querySelectorAll("[data-scenario]")) {
    const isMine = isPlaying && button.dataset.scenario === scenario.name;
    button.disabled = isPlaying && !isMine;
    if (isMine) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

function capital(text) { return text.charAt(0).toUpperCase() + text.slice(1); }

// --- the caption -------------------------------------------------------------------------------------------------------

const SIGNS = { title: "info", type: "reply", press: "check", fill: "menu", read: "eye", world: "bolt", end: "check" };

function draw(root, told) {
  if (!told) return fill(root);
  const sign = told.is_over && !told.is_ok ? "warning" : SIGNS[told.kind] ?? "info";
  const words = told.is_over && told.verdict ? told.verdict : told.caption;
  const held = document.activeElement?.closest("#caption")?.querySelector(":focus")?.dataset.does;
  fill(root, el("section", { class: ["caption", told.is_over && (told.is_ok ? "well" : "ill"), told.kind], "aria-label": "Scenario" },
    bar(told),
    el("span", { class: "caption-sign" }, icon(sign, 20)),
    el("div", { class: "caption-words" },
      el("p", { class: "caption-title" }, told.chapters > 1 ? `${told.chapter} of ${told.chapters} · ` : "", told.title),
      el("p", { class: "caption-text", text: words })),
    el("div", { class: "caption-tools" }, told.is_over ? overTools(root, told) : playingTools(root, told))));
  if (held) root.querySelector(`[data-does="${held}"]`)?.focus();
  return null;
}

function bar(told) {
  const share = told.is_over ? 1 : ((told.chapter - 1) + (told.of ? told.step / told.of : 0)) / Math.max(told.chapters, 1);
  return el("span", { class: "caption-bar", style: { "--share": share.toFixed(3) } });
}

function playingTools(root, told) {
  const tool = (does, sign, label, listener) => iconButton(sign, label, listener, { dataset: { does } });
  return [
    follows ? null : el("button", { type: "button", class: "button small", dataset: { does: "follow" }, on: { click: () => { follows = true; draw(root, told); follow(told); } } }, "Follow"),
    told.is_paused
      ? tool("pause", "play", "Go on", () => post("/page/scenarios/pause", { is_paused: false }))
      : tool("pause", "pause", "Pause", () => post("/page/scenarios/pause", { is_paused: true })),
    tool("skip", "next", "Skip to the next step", () => post("/page/scenarios/skip")),
    tool("stop", "stop", "Stop the scenario", () => post("/page/scenarios/stop")),
  ];
}

function overTools(root, told) {
  return [
    el("button", { type: "button", class: "button small", dataset: { does: "again" }, on: { click: () => play(told.name) } }, icon("refresh", 15), "Again"),
    iconButton("close", "Close the caption", () => fill(root), { dataset: { does: "close" } }),
  ];
}

// --- following ---------------------------------------------------------------------------------------------------------

/** Be the person of this step, where it happens; show what is typed, and what is pressed. */
async function follow(told) {
  endTyping();
  unmark();
  if (!follows || !told) return;
  if (told.is_over) {
    follows = false;
    return;
  }
  // What a scenario fills in shows in every field but the one that somebody is in.
  if (told.kind === "fill") document.activeElement?.closest?.(".modal")?.querySelector(":focus")?.blur();
  if (told.as_user && told.as_user !== store.state.viewer?.user_id) await become(told.as_user, told.channel_id);
  if (told.channel_id && store.channel(told.channel_id)) goTo(told);
  if (told.is_paused) return;
  if (told.kind === "type" && told.typed) typeOut(told.typed, told.typing_ms);
  if (told.kind === "press" && told.label) setTimeout(() => showPress(told), 250);
}

/** Look through another person's eyes, and wait until their workspace is there. */
function become(userId, channelId) {
  store.state.active = { kind: "channel", channelId };
  store.state.thread = null;
  return new Promise((resolve) => {
    const stop = store.on("hello", () => { stop(); setTimeout(resolve, 30); });
    setTimeout(() => { stop(); resolve(); }, 1500);
    store.connect(userId);
  });
}

function goTo(told) {
  const active = { kind: "channel", channelId: told.channel_id };
  if (store.state.active?.kind !== "channel" || store.state.active.channelId !== told.channel_id) store.set({ active });
  const thread = told.thread_ts ? { channelId: told.channel_id, ts: told.thread_ts } : null;
  const isNarrow = matchMedia("(max-width: 900px)").matches;
  if (thread && store.state.thread?.ts !== thread.ts) store.set({ thread });
  else if (!thread && isNarrow && store.state.thread) store.set({ thread: null });
}

/** Letter by letter into the message field, and away again once it is sent. */
function typeOut(text, ms) {
  const field = document.querySelector("#composer-text");
  if (!field) return;
  const began = performance.now();
  const next = () => {
    const share = ms ? Math.min((performance.now() - began) / ms, 1) : 1;
    put(field, text.slice(0, Math.round(share * text.length)));
    timer = setTimeout(share < 1 ? next : endTyping, share < 1 ? 40 : SENT_MS);
  };
  typed = { field, text };
  next();
}

function put(field, value) {
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Nothing that a scenario typed stays in the field; what a person typed does. */
function endTyping() {
  clearTimeout(timer);
  if (typed?.field.value && typed.text.startsWith(typed.field.value)) put(typed.field, "");
  typed = null;
}

function showPress(told) {
  const scope = told.card_ts ? document.querySelector(`#conversation [data-ts="${CSS.escape(told.card_ts)}"]`) ?? document : document;
  const all = [...scope.querySelectorAll("button")].filter((one) => one.textContent.trim() === told.label && one.offsetParent);
  const button = all.at(-1);
  if (!button) return;
  button.classList.add("about-to-press");
  button.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

function unmark() {
  for (const button of document.querySelectorAll(".about-to-press")) button.classList.remove("about-to-press");
}
