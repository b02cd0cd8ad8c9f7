// Days and times, by the browser's own pickers. A point in time is what the clock shows where the viewer is, not the browser.

import { el } from "../dom.js";
import { store } from "../store.js";
import { entryOf, freshId, hang, isTold, nameOf } from "./controls.js";
import { confirmed } from "../dialog.js";

const KINDS = {
  datepicker: { type: "date", key: "selected_date", initial: "initial_date", shown: (raw) => raw ?? "", raw: (text) => text || null },
  timepicker: { type: "time", key: "selected_time", initial: "initial_time", shown: (raw) => raw ?? "", raw: (text) => text || null },
  datetimepicker: {
    type: "datetime-local", key: "selected_date_time", initial: "initial_date_time",
    shown: (raw) => (raw ? wallTime(raw, zone()) : ""), raw: (text) => (text ? epoch(text, zone()) : null),
  },
};

export function drawDate(element, block, where) {
  const kind = KINDS[element.type];
  const field = el("input", { class: "text-field is-date", id: freshId("field"), type: kind.type, "aria-label": nameOf(element, block) });
  const node = el("div", { class: "date-holder" }, field);
  if (element.type === "datetimepicker") node.append(el("span", { class: "zone", text: zone().replaceAll("_", " ") }));
  let kept = null;
  const write = (entry) => {
    kept = kind.shown(entry ? entry[kind.key] : element[kind.initial]);
    if (field.value !== kept) field.value = kept;
  };
  write(entryOf(where, block, element));
  const read = () => ({ type: element.type, [kind.key]: kind.raw(field.value) });
  const told = async () => {
    if (field.value === kept) return;
    if (isTold(block) && !(await confirmed(element))) return write(entryWith(kept));
    kept = field.value;
    where.changed?.(block, element);
    if (isTold(block)) where.use?.(block, element, read(), field);
  };
  const entryWith = (text) => ({ [kind.key]: kind.raw(text) });
  // A form's field is part of what is sent at any moment; a message's is told when the person is done with it.
  field.addEventListener("input", () => (isTold(block) ? null : where.changed?.(block, element)));
  field.addEventListener("change", told);
  return hang(node, { element, block, field, read, write, isEmpty: () => field.value === "", focus: () => field.focus() });
}

function zone() {
  return store.state.viewer?.tz || Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** Seconds since 1970 as "2026-11-21T16:05", as a clock in this zone shows it. */
export function wallTime(seconds, timeZone) {
  const wanted = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone };
  const parts = new Intl.DateTimeFormat("en-GB", wanted).formatToParts(new Date(seconds * 1000));
  const at = Object.fromEntries(parts.map((part) => [part.type, part.value]));
  return `${at.year.padStart(4, "0")}-${at.month}-${at.day}T${at.hour}:${at.minute}`;
}

/** The other way round. An hour that the clock skips becomes the one after it; of an hour that comes twice, the first is meant. */
export function epoch(text, timeZone) {
  const asIfUtc = Date.parse(`${text.slice(0, 16)}Z`) / 1000;
  const offsetAt = (seconds) => Date.parse(`${wallTime(seconds, timeZone)}Z`) / 1000 - seconds;
  const guesses = [offsetAt(asIfUtc - 86400), offsetAt(asIfUtc + 86400)].map((offset) => asIfUtc - offset);
  return guesses.find((seconds) => wallTime(seconds, timeZone) === text.slice(0, 16)) ?? guesses[0];
}
