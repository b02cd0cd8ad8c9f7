// The five stand-in providers: what they hold, run and received, and everything that can be made to go wrong there.

import { get } from "./api.js";
import { change, clockTime, pretty, toggle } from "./pieces.js";
import { el, fill, icon, reconcile } from "./dom.js";
import { faultForm, waitingFaults } from "./faults.js";
import { drawRun, followProgress } from "./runs.js";
import { store } from "./store.js";

const SLIDER = [0.2, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 60];

/** Draw the tab; it follows the feed from now on. */
export function drawProviders(root) {
  const speed = speedControl();
  const list = el("div", { class: "provider-list" }, el("p", { class: "panel-empty" }, el("span", { class: "spinner" }), " Asking the providers …"));
  fill(root, speed.node, list);

  const cards = new Map();
  const draw = (told) => {
    if (!told?.providers) return;
    store.state.providers = told;
    speed.show(told.run_s);
    if (!cards.size) fill(list);
    for (const one of told.providers) {
      if (!cards.has(one.name)) {
        cards.set(one.name, providerCard(one, told));
        list.append(cards.get(one.name).node);
      }
      cards.get(one.name).show(one, told);
    }
  };
  store.on("providers", draw);
  store.on("link", (link) => { if (link === "open") get("/page/providers", { quiet: true }).then(draw); });
  get("/page/providers").then(draw);
  followProgress(root);
}

// --- speed ---------------------------------------------------------------------------------------------------------------

function speedControl() {
  const shown = el("output", { class: "speed-shown", for: "run-speed" });
  const slider = el("input", {
    type: "range", id: "run-speed", class: "slider", min: 0, max: SLIDER.length - 1, step: 1,
    on: {
      input: () => { shown.textContent = seconds(SLIDER[slider.value]); },
      change: () => change("speed", { run_s: SLIDER[slider.value] }),
    },
  });
  const release = el("button", { type: "button", class: "button small", on: { click: () => change("release") } }, "Let hanging answers go");
  const node = el("section", { class: "speed", "aria-label": "Speed" },
    el("div", { class: "speed-line" }, el("label", { for: "run-speed" }, "A new run takes "), shown),
    slider,
    el("p", { class: "soft small" }, "How long workflows take at the providers. In Slack: how long a card says “Running”."),
    release);
  const show = (runS) => {
    if (document.activeElement === slider) return;
    const nearest = SLIDER.reduce((best, one, place) => (Math.abs(one - runS) < Math.abs(SLIDER[best] - runS) ? place : best), 0);
    slider.value = String(nearest);
    shown.textContent = seconds(runS);
    slider.setAttribute("aria-valuetext", seconds(runS));
  };
  return { node, show };
}

function seconds(value) { return `${Number(value.toFixed(1))} s`; }

// --- a provider ----------------------------------------------------------------------------------------------------------

function providerCard(first, told) {
  const badges = el("span", { class: "provider-badges" });
  const runs = el("ol", { class: "runs" }), noRuns = nothing("Nothing has been started here yet.");
  const requests = el("ol", { class: "requests" }), noRequests = nothing("Nothing has been asked here yet.");
  const waiting = el("ul", { class: "waiting-faults" });
  const rights = el("div", {}), oddities = el("div", {});
  const [runsTitle, requestsTitle] = [el("span", { class: "badge" }), el("span", { class: "badge" })];
  const isOpen = sessionStorage.getItem(`provider-${first.name}`) === "open";
  const node = el("details", { class: "provider", dataset: { provider: first.name }, open: isOpen },
    el("summary", {},
      el("span", { class: ["provider-sign", `provider-${first.name}`], "aria-hidden": "true", text: first.title.charAt(0) }),
      el("span", { class: "provider-words" },
        el("span", { class: "provider-title", text: first.title }), badges),
      icon("chevron", 16)),
    el("div", { class: "provider-inside" },
      el("p", { class: "soft tiny mono address", text: first.address }),
      part("Runs", runsTitle, true, noRuns, runs),
      part("Make something go wrong", null, false, waiting, faultForm(first, told)),
      part("Rights of the bot's credential", null, false, el("p", { class: "soft small", text: first.scopes[0]?.seen ?? "" }), rights),
      first.switches.length ? part("Oddities of this provider", null, false, oddities) : null,
      part("Workflows", el("span", { class: "badge", text: first.workflows.length }), false, workflowList(first.workflows)),
      part("Requests that it received", requestsTitle, false, noRequests, requests)));
  node.addEventListener("toggle", () => sessionStorage.setItem(`provider-${first.name}`, node.open ? "open" : ""));

  const show = (one, now) => {
    drawBadges(badges, one, now);
    if (!node.open && node.dataset.drawn) return;
    node.dataset.drawn = "yes";
    noRuns.hidden = one.runs.length > 0;
    noRequests.hidden = one.requests.length > 0;
    runsTitle.textContent = one.runs.length;
    requestsTitle.textContent = one.requests.length;
    keyed(runs, one.runs, (run) => run.run_id, drawRun);
    keyed(requests, one.requests, (request) => String(request.id), drawRequest);
    waitingFaults(waiting, one, now);
    keyed(rights, one.scopes, (scope) => scope.name, (scope) => rightToggle(one, scope));
    keyed(oddities, one.switches, (each) => each.name, (each) => oddityToggle(one, each));
  };
  node.addEventListener("toggle", () => {
    const told = store.state.providers;
    const mine = told?.providers.find((one) => one.name === first.name);
    if (node.open && mine) show(mine, told);
  });
  return { node, show };
}

/** Redraw what changed alone, and leave focus and open folds where they were. */
function keyed(parent, items, key, draw) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.id : "";
  reconcile(parent, items, { key, version: (item) => JSON.stringify(item), draw });
  if (focused) document.getElementById(focused)?.focus();
}

function part(title, badge, isOpen, ...children) {
  return el("details", { class: "part", open: isOpen }, el("summary", {}, el("h4", { text: title }), badge, icon("chevron", 14)), el("div", { class: "part-inside" }, children));
}

function nothing(text) { return el("p", { class: "soft small", text }); }

function drawBadges(badges, one, told) {
  const running = one.runs.filter((run) => isGoingOn(run, told.now)).length;
  const taken = one.scopes.filter((scope) => !scope.is_held).length;
  const odd = one.switches.filter((each) => each.is_on).length;
  const all = [
    [running, `${running} running`, "ok"],
    [one.hanging, `${one.hanging} hanging`, "warning"],
    [one.faults.length, one.faults.length === 1 ? "1 fault waits" : `${one.faults.length} faults wait`, "danger"],
    [taken, taken === 1 ? "1 right taken" : `${taken} rights taken`, "warning"],
    [odd, odd === 1 ? "1 oddity" : `${odd} oddities`, ""],
  ].filter(([count]) => count);
  if (!all.length) return fill(badges, el("span", { class: "soft small", text: one.runs.length ? `${one.runs.length} ${one.runs.length === 1 ? "run" : "runs"}, all over` : "nothing going on" }));
  return fill(badges, all.map(([, text, kind]) => el("span", { class: ["badge", kind], text })));
}

function isGoingOn(run, now) { return run.stopped_at === null && now < run.started_at + run.lasts_s; }

function rightToggle(one, scope) {
  return toggle({
    id: `right-${one.name}-${slug(scope.name)}`, title: scope.name, isOn: scope.is_held,
    turn: (isHeld) => change("scope", { provider: one.name, scope: scope.name, is_held: isHeld }),
  });
}

function oddityToggle(one, each) {
  return toggle({
    id: `switch-${one.name}-${each.name}`, title: each.title, seen: each.seen, isOn: each.is_on,
    turn: (isOn) => change("switch", { provider: one.name, switch: each.name, is_on: isOn }),
  });
}

function slug(text) { return text.toLowerCase().replace(/[^a-z0-9]+/g, "-"); }

// --- workflows and requests ------------------------------------------------------------------------------------------------

function workflowList(workflows) {
  return el("ul", { class: "workflows" }, workflows.map((one) => el("li", {},
    el("div", { class: "workflow-head" }, el("strong", { text: one.name }), el("span", { class: "soft tiny mono", text: one.workflow_id })),
    one.inputs.length
      ? el("div", { class: "workflow-inputs" }, one.inputs.map((input) => el("span", { class: "input-chip", title: input.is_required ? "required" : "optional" },
        input.name, input.is_required ? el("span", { class: "must", "aria-label": "required" }, "*") : null, el("span", { class: "soft", text: ` ${input.type}` }))))
      : el("span", { class: "soft tiny" }, "takes no inputs"),
    one.remark ? el("p", { class: "soft tiny remark", text: one.remark }) : null)));
}

function drawRequest(one, before) {
  const isOpen = before?.querySelector("details")?.open ?? false;
  const inside = el("div", { class: "request-inside" });
  const details = el("details", { class: "request", open: isOpen },
    el("summary", {},
      el("span", { class: ["method", one.method.toLowerCase()], text: one.method }),
      el("span", { class: "path mono", text: one.path, title: one.path }),
      one.count > 1 ? el("span", { class: "soft tiny", text: `× ${one.count}` }) : null,
      statusOf(one),
      el("time", { class: "soft tiny", text: clockTime(one.at * 1000) })),
    inside);
  const draw = () => {
    if (!details.open || inside.childElementCount) return;
    const query = Object.entries(one.query);
    fill(inside,
      el("p", { class: "soft small" }, `This was ${store.state.providers?.verbs[one.verb] ?? "something else"}.`),
      query.length ? [el("h5", { text: "Query" }), pretty(Object.fromEntries(query))] : null,
      one.json !== null ? [el("h5", { text: "Body" }), pretty(one.json)] : null,
      one.form_keys.length ? el("p", { class: "small" }, "A form with ", one.form_keys.join(", "), "; its values are secret.") : null,
      el("h5", { text: "Headers" }), pretty(one.headers));
  };
  details.addEventListener("toggle", draw);
  draw();
  return el("li", {}, details);
}

function statusOf(one) {
  if (one.status === null) return el("span", { class: "badge warning", text: "no answer" });
  return el("span", { class: ["badge", one.status >= 400 ? "danger" : "ok"], text: one.status });
}
