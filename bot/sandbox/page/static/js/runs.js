// Runs at a provider: how far they have come, which launch they belong to, and what they were given.

import { clockTime, pretty } from "./pieces.js";
import { el } from "./dom.js";
import { store } from "./store.js";

const LOOK_MS = 200;
let behind = 0;

/** One run. Its bar moves by itself: the provider's time is known, nobody has to ask for it. */
export function drawRun(run, before) {
  const isOpen = before?.querySelector("details")?.open ?? false;
  const kind = kindOf(run.status);
  return el("li", { class: ["run", kind] },
    el("details", { open: isOpen },
      el("summary", {},
        el("span", { class: "run-words" },
          el("span", { class: "run-name", text: run.workflow }),
          run.launch_id ? el("span", { class: "badge mono", text: run.launch_id, title: "the launch that this run belongs to" }) : el("span", { class: "soft tiny", text: "no launch known" })),
        el("span", { class: ["badge", kind], text: run.status || "running" }),
        el("time", { class: "soft tiny", text: clockTime(run.started_at * 1000) })),
      el("div", { class: "run-inside" },
        el("dl", { class: "facts" }, fact("Run", run.run_id), fact("Workflow", run.workflow_id), run.version ? fact("Version", run.version) : null,
          fact("Takes", `${Number(run.lasts_s.toFixed(1))} s`), run.stopped_at ? fact("Stopped", clockTime(run.stopped_at * 1000)) : null),
        el("h5", { text: "Inputs" }), pretty(run.inputs))),
    el("span", {
      class: "run-bar", role: "progressbar", "aria-label": `Progress of ${run.workflow}`, "aria-valuemin": "0", "aria-valuemax": "100",
      dataset: { began: run.started_at, lasts: run.lasts_s, stopped: run.stopped_at },
    }));
}

function fact(name, value) { return [el("dt", { text: name }), el("dd", { class: "mono", text: value })]; }

function kindOf(status) {
  const word = status.toLowerCase();
  if (/fail|error|shutdown|fault/.test(word)) return "danger";
  if (/warn|pause|pending|stop|cancel/.test(word)) return "warning";
  if (/finish|complet|success|gone/.test(word)) return "ok";
  return "";
}

/** Move the bars for as long as the page lives; hidden ones cost nothing. */
export function followProgress(root) {
  store.on("providers", (told) => { behind = Date.now() / 1000 - told.now; });
  setInterval(() => {
    if (root.hidden || !root.offsetParent) return;
    const now = Date.now() / 1000 - behind;
    for (const bar of root.querySelectorAll(".run-bar")) move(bar, now);
  }, LOOK_MS);
}

function move(bar, now) {
  const { began, lasts, stopped } = bar.dataset;
  const until = stopped ? Number(stopped) : now;
  const share = Math.max(0, Math.min(1, (until - Number(began)) / Math.max(Number(lasts), 0.001)));
  bar.style.setProperty("--share", share.toFixed(3));
  bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
}
