// What can be made to go wrong at a provider, what waits to befall it, and what of it people will see in Slack.

import { el, fill, icon, iconButton } from "./dom.js";
import { change } from "./pieces.js";

/** The form of one provider: what, when, how often; below it stands what will happen, and what will be seen. */
export function faultForm(provider, { kinds, verbs }) {
  const id = (name) => `fault-${provider.name}-${name}`;
  const explained = el("div", { class: "explained", id: id("explained"), "aria-live": "polite" });
  const extra = el("div", { class: "fault-fields" });
  const kind = el("select", { class: "text-field compact", id: id("kind"), "aria-describedby": id("explained") }, kinds.map((one) => el("option", { value: one.kind, text: one.title })));
  const verb = el("select", { class: "text-field compact", id: id("verb") }, Object.entries(verbs).map(([value, text]) => el("option", { value, text })));
  const times = el("input", { class: "text-field compact", id: id("times"), type: "number", min: 1, max: 1000, value: "1", required: true });
  const applied = el("input", { type: "checkbox", id: id("applied") });
  const appliedRow = el("label", { class: "check-row", for: id("applied") }, applied, "It does what it was asked all the same");
  const send = el("button", { type: "submit", class: "button small" }, icon("bolt", 15), "Let it go wrong");

  const chosen = () => kinds.find((one) => one.kind === kind.value) ?? kinds[0];
  const show = () => {
    const one = chosen();
    fill(extra, one.fields.map((each) => field(id(each.name), each.label,
      el("input", { class: "text-field compact", id: id(each.name), name: each.name, type: typeof each.value === "string" ? "text" : "number", step: each.step, min: 0, value: each.value ?? "" }))));
    extra.hidden = !one.fields.length;
    appliedRow.hidden = !one.can_be_applied;
    if (!one.can_be_applied) applied.checked = false;
    fill(explained, line("At the provider", one.happens), line("In Slack", one.seen));
  };
  kind.addEventListener("change", show);
  show();

  const submit = async (event) => {
    event.preventDefault();
    send.setAttribute("aria-busy", "true");
    const facts = {};
    for (const input of extra.querySelectorAll("input")) if (input.value !== "") facts[input.name] = input.type === "number" ? Number(input.value) : input.value;
    await change("fault", { provider: provider.name, kind: kind.value, verb: verb.value, times: Number(times.value), is_applied: applied.checked, ...facts });
    send.removeAttribute("aria-busy");
  };
  return el("form", { class: "fault-form", on: { submit }, "aria-label": `A fault at ${provider.title}` },
    field(id("kind"), "What it does", kind),
    el("div", { class: "fault-grid" },
      field(id("verb"), "When the bot is", verb), field(id("times"), "How often", times)),
    extra, appliedRow, explained, send);
}

function field(id, label, control) { return el("div", { class: "field" }, el("label", { for: id, text: label }), control); }

function line(title, text) { return el("p", {}, el("strong", { text: `${title}: ` }), text); }

/** The faults that wait, the next first; alike ones stand as one with a count. */
export function waitingFaults(list, provider, { kinds, verbs }) {
  const rows = [];
  for (const fault of provider.faults) {
    const before = rows.at(-1), sort = JSON.stringify([fault.kind, fault.verb, fault.is_applied, fault.facts]);
    if (before?.sort === sort) before.count += 1;
    else rows.push({ sort, count: 1, fault });
  }
  const version = JSON.stringify(rows);
  if (list.dataset.version === version) return;
  list.dataset.version = version;
  list.hidden = !rows.length;
  fill(list, rows.map(({ fault, count }) => chip(provider, fault, count, { kinds, verbs })),
    rows.length > 1 ? el("li", { class: "clear-all" }, el("button", { type: "button", class: "button small quiet", on: { click: () => change("clear", { provider: provider.name }) } }, "Clear them all")) : null);
}

function chip(provider, fault, count, { kinds, verbs }) {
  const title = kinds.find((one) => one.kind === fault.kind)?.title ?? fault.kind;
  const facts = Object.entries(fault.facts).filter(([, value]) => value !== null).map(([, value]) => value).join(", ");
  return el("li", { class: "fault-chip" },
    icon("bolt", 15),
    el("span", { class: "fault-words" },
      el("strong", { text: title }), facts ? ` (${facts})` : "", count > 1 ? ` × ${count}` : "",
      el("span", { class: "soft small", text: `waits for ${verbs[fault.verb] ?? fault.verb}${fault.is_applied ? "; it is done all the same" : ""}` })),
    iconButton("close", `Take back: ${title}`, () => change("clear", { provider: provider.name, place: fault.place, times: count })));
}
