// Everything between Slack and the bot, newest first: deliveries with their acknowledgement, and Web API calls.

import { clockTime, pretty } from "./pieces.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { store } from "./store.js";

const MOST_ROWS = 500;
const SLOW_MS = 3000;
const KINDS = [
  ["all", "Everything"],
  ["delivery", "Slack → bot (deliveries)"],
  ["call", "Bot → Slack (Web API)"],
  ["trouble", "Slow or refused"],
];

/** Draw the tab; it follows the feed from now on. */
export function drawTraffic(root) {
  const filter = { kind: "all", text: "" };
  const open = new Set();
  let isPaused = false;
  let newest = -1;

  const list = el("ol", { class: "traffic", "aria-label": "Traffic, newest first" });
  const count = el("span", { class: "soft small", role: "status" });
  const empty = el("p", { class: "panel-empty" }, "Nothing has gone between Slack and the bot yet. Type /launch help in a channel.");
  const pause = iconButton("pause", "Hold the list still", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    pause.setAttribute("aria-label", isPaused ? "Let the list go on" : "Hold the list still");
    fill(pause, icon(isPaused ? "play" : "pause"));
    if (!isPaused) draw();
    else tell();
  }, { "aria-pressed": "false" });
  const kind = el("select", { class: "text-field compact", "aria-label": "Show", on: { change: () => { filter.kind = kind.value; draw(); } } },
    KINDS.map(([value, title]) => el("option", { value, text: title })));
  const text = el("input", {
    type: "search", class: "text-field compact", placeholder: "Filter by name or content", "aria-label": "Filter by name or content",
    on: { input: () => { filter.text = text.value.trim().toLowerCase(); draw(); } },
  });

  fill(root, el("div", { class: "panel-tools" }, kind, text, pause), count, empty, list);

  const rows = () => store.state.traffic.filter((one) => fits(one, filter)).slice(-MOST_ROWS);

  const draw = () => {
    const shown = rows();
    fill(list, shown.map((one) => row(one, open)).reverse());
    newest = store.state.traffic.at(-1)?.id ?? -1;
    tell();
  };
  const add = () => {
    if (isPaused || root.hidden) return tell();
    const fresh = store.state.traffic.filter((one) => one.id > newest);
    newest = store.state.traffic.at(-1)?.id ?? newest;
    for (const one of fresh.filter((each) => fits(each, filter)).slice(-MOST_ROWS)) list.prepend(row(one, open));
    while (list.childElementCount > MOST_ROWS) list.lastElementChild.remove();
    tell();
  };
  const tell = () => {
    const all = store.state.traffic, behind = all.filter((one) => one.id > newest).length;
    empty.hidden = all.length > 0;
    count.hidden = all.length === 0;
    const slow = all.filter((one) => isSlow(one)).length;
    count.textContent = [
      `${list.childElementCount} shown of ${all.length}`,
      slow ? `${slow} slower than 3 s` : "no acknowledgement slower than 3 s",
      isPaused ? `held still${behind ? `, ${behind} more since` : ""}` : "",
    ].filter(Boolean).join(" · ");
  };

  store.on("traffic", add);
  store.on("hello", draw);
  store.on("panel", (panel) => { if (panel === "traffic") add(); });
  draw();
}

function isSlow(one) { return one.kind === "delivery" && (one.elapsed_ms > SLOW_MS || one.status === 0); }

function isTrouble(one) { return isSlow(one) || one.status === 0 || one.status >= 400 || one.answer?.ok === false; }

function fits(one, { kind, text }) {
  if (kind === "trouble" ? !isTrouble(one) : kind !== "all" && one.kind !== kind) return false;
  return !text || `${one.name} ${JSON.stringify(one.sent)} ${JSON.stringify(one.answer)}`.toLowerCase().includes(text);
}

/** One exchange. Its payload is drawn when it is opened: hundreds of closed ones cost nothing. */
function row(one, open) {
  const isDelivery = one.kind === "delivery";
  const inside = el("div", { class: "traffic-inside" });
  const details = el("details", { class: ["traffic-row", isTrouble(one) && "trouble"], open: open.has(one.id) },
    el("summary", {},
      el("span", { class: ["direction", one.kind], title: isDelivery ? "Slack tells the bot" : "The bot asks Slack" }, isDelivery ? "→ bot" : "bot →"),
      el("span", { class: "traffic-name", text: one.name, title: one.name }),
      one.retry ? el("span", { class: "badge warning", text: `retry ${one.retry}` }) : null,
      statusBadge(one),
      el("span", { class: ["badge", isSlow(one) ? "danger" : ""], text: shownMs(one.elapsed_ms) }),
      el("time", { class: "soft tiny", text: clockTime(one.at) })),
    inside);
  const draw = () => {
    if (!details.open) return open.delete(one.id);
    open.add(one.id);
    if (inside.childElementCount) return null;
    return fill(inside,
      isSlow(one) ? el("p", { class: "note danger" }, "Slack waits three seconds for an acknowledgement; people see a warning after that.") : null,
      el("h5", {}, isDelivery ? "What Slack delivered" : "What the bot asked for", el("span", { class: "soft" }, ` over ${one.via}`)), pretty(one.sent),
      el("h5", {}, isDelivery ? "The acknowledgement" : "Slack's answer"),
      isEmpty(one.answer) ? el("p", { class: "soft small" }, "Empty, as it should be: nothing to show at once.") : pretty(one.answer));
  };
  details.addEventListener("toggle", draw);
  if (details.open) draw();
  return el("li", { dataset: { kind: one.kind, id: one.id } }, details);
}

function isEmpty(answer) { return answer === null || answer === "" || (typeof answer === "object" && !Object.keys(answer).length); }

function statusBadge(one) {
  if (one.status === 0) return el("span", { class: "badge danger", text: "no answer" });
  if (one.answer?.ok === false) return el("span", { class: "badge danger", text: one.answer.error ?? "refused" });
  if (one.status >= 400) return el("span", { class: "badge danger", text: String(one.status) });
  return null;
}

function shownMs(ms) { return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`; }
