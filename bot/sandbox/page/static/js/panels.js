// The panel at the side: scenarios, providers and traffic, one at a time. `store.state.panel` says which.

import { el, fill, icon, iconButton } from "./dom.js";
import { drawProviders } from "./providers.js";
import { drawScenarios } from "./scenarios.js";
import { store } from "./store.js";
import { drawTraffic } from "./traffic.js";

const TABS = [
  { name: "scenarios", title: "Scenarios", sign: "play", draw: drawScenarios },
  { name: "providers", title: "Providers", sign: "server", draw: drawProviders },
  { name: "traffic", title: "Traffic", sign: "pulse", draw: drawTraffic },
];

/** The frame of the panel. Each tab is drawn when it is first opened, and lives on behind the others. */
export function mountPanel(root) {
  const drawn = new Map();
  const tabs = TABS.map((tab) => tabButton(tab));
  const body = el("div", { class: "panel-body" });
  fill(root,
    el("div", { class: "panel-head" },
      el("div", { class: "panel-tabs", role: "tablist", "aria-label": "Panel", on: { keydown: (event) => move(event, tabs) } }, tabs),
      iconButton("close", "Close the panel", () => store.set({ panel: null }), { class: "panel-close" })),
    body);
  const show = () => {
    const open = TABS.find((tab) => tab.name === store.state.panel);
    root.hidden = !open;
    if (!open) return;
    if (!drawn.has(open.name)) {
      const page = el("section", { class: "panel-page", id: `panel-${open.name}`, role: "tabpanel", "aria-labelledby": `tab-${open.name}`, tabIndex: 0 });
      drawn.set(open.name, page);
      body.append(page);
      open.draw(page);
    }
    for (const [name, page] of drawn) page.hidden = name !== open.name;
    for (const button of tabs) select(button, button.dataset.tab === open.name);
  };
  store.on("panel", show);
  show();
}

function tabButton({ name, title, sign }) {
  return el("button", {
    type: "button", role: "tab", id: `tab-${name}`, class: "panel-tab", dataset: { tab: name }, "aria-controls": `panel-${name}`,
    on: { click: () => store.set({ panel: name }) },
  }, icon(sign, 16), title);
}

function select(button, isOpen) {
  button.setAttribute("aria-selected", String(isOpen));
  button.tabIndex = isOpen ? 0 : -1;
}

/** Arrows go from tab to tab, as in every list of tabs. */
function move(event, tabs) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
}
