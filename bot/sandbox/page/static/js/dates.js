// Times as people read them, in the zone of the person who looks: of who is acted as, as Slack knows it, else the browser's.

import { store } from "./store.js";

const DAY_MS = 86_400_000;
const formats = new Map();

function format(options) {
  const timeZone = store.state.viewer?.tz;
  const key = `${timeZone} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, made(options, timeZone));
  return formats.get(key);
}

function made(options, timeZone) {
  try {
    return new Intl.DateTimeFormat("en-US", { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat("en-US", options);
  }
}

/** Year, month and day of the calendar on the wall. */
function calendar(at) {
  const parts = format({ year: "numeric", month: "numeric", day: "numeric" }).formatToParts(at);
  const named = Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)]));
  return { year: named.year, month: named.month, day: named.day };
}

/** A message's ts, or seconds, as a Date. */
export function dateOf(ts) {
  return new Date(Number(ts) * 1000);
}

/** "4:05 PM" */
export function clockTime(ts) {
  return format({ hour: "numeric", minute: "2-digit" }).format(dateOf(ts));
}

/** "4:05" without AM or PM, for the narrow column of grouped messages. */
export function shortClock(ts) {
  return clockTime(ts).replace(/\s?[AP]M$/, "");
}

/** Everything, for a tooltip. */
export function fullTime(ts) {
  return format({
    weekday: "long",
    month: "long",
    day: "numeric",
    year: "numeric",
    hour: "numeric",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  }).format(dateOf(ts));
}

const QUARTER_S = 900;
const days = new Map();

/** One key per calendar day. Asked for every message of a channel; days begin and end at a quarter of an hour in every zone. */
export function dayKey(ts) {
  const key = `${store.state.viewer?.tz} ${Math.floor(Number(ts) / QUARTER_S)}`;
  if (!days.has(key)) {
    const { year, month, day } = calendar(dateOf(ts));
    days.set(key, `${year}-${month}-${day}`);
  }
  return days.get(key);
}

/** "Today", "Yesterday", else "Friday, November 20th". */
export function dayLabel(ts) {
  const day = nearDay(dateOf(ts));
  if (day) return day[0].toUpperCase() + day.slice(1);
  const at = dateOf(ts);
  return `${part(at, { weekday: "long" })}, ${date(at)}`;
}

/** "just now", "5 minutes ago", "today at 4:05 PM". */
export function ago(ts) {
  const seconds = (Date.now() - Number(ts) * 1000) / 1000;
  if (seconds >= 0 && seconds < 60) return "just now";
  if (seconds >= 0 && seconds < 3600) return counted(Math.floor(seconds / 60), "minute");
  const day = nearDay(dateOf(ts));
  return `${day ?? `${part(dateOf(ts), { month: "short" })} ${ordinal(calendar(dateOf(ts)).day)}`} at ${clockTime(ts)}`;
}

function counted(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"} ago`;
}

function part(at, options) {
  return format(options).format(at);
}

function ordinal(day) {
  const rest = day % 100 >= 11 && day % 100 <= 13 ? 0 : day % 10;
  return `${day}${["th", "st", "nd", "rd"][rest] ?? "th"}`;
}

function nearDay(at) {
  const midnight = ({ year, month, day }) => Date.UTC(year, month - 1, day);
  const days = Math.round((midnight(calendar(at)) - midnight(calendar(new Date()))) / DAY_MS);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

function pretty(at, far) {
  return nearDay(at) ?? far(at);
}

function sinceThen(at) {
  const seconds = Math.round((at.getTime() - Date.now()) / 1000);
  const words = new Intl.RelativeTimeFormat("en-US", { numeric: "auto" });
  for (const [unit, size] of [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ]) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return words.format(seconds, "second");
}

const thisYear = (at) => (calendar(at).year === calendar(new Date()).year ? "" : `, ${calendar(at).year}`);
const date = (at) => `${part(at, { month: "long" })} ${ordinal(calendar(at).day)}${thisYear(at)}`;
const dateShort = (at) => part(at, { month: "short", day: "numeric", year: "numeric" });
const dateLong = (at) =>
  `${part(at, { weekday: "long" })}, ${part(at, { month: "long" })} ${ordinal(calendar(at).day)}, ${calendar(at).year}`;
const two = (number) => String(number).padStart(2, "0");

// https://docs.slack.dev/messaging/formatting-message-text#date-formatting
const TOKENS = {
  date_num: (at) => `${calendar(at).year}-${two(calendar(at).month)}-${two(calendar(at).day)}`,
  date_slash: (at) => part(at, { year: "numeric", month: "2-digit", day: "2-digit" }),
  date,
  date_short: dateShort,
  date_long: dateLong,
  date_long_full: dateLong,
  date_pretty: (at) => pretty(at, date),
  date_short_pretty: (at) => pretty(at, dateShort),
  date_long_pretty: (at) => pretty(at, dateLong),
  day_divider_pretty: (at) => pretty(at, dateLong),
  time: (at) => part(at, { hour: "numeric", minute: "2-digit" }),
  time_secs: (at) => part(at, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: sinceThen,
};

/**
 * Slack's `<!date^timestamp^format|fallback>`: the fallback where the time or a token of the format is unknown. `isFirst`: it
 * begins its line, so "today" takes a capital.
 */
export function slackDate(timestamp, pattern, fallback, { isFirst = true } = {}) {
  const at = dateOf(timestamp);
  const tokens = [...String(pattern ?? "").matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
  if (Number.isNaN(at.getTime()) || tokens.length === 0 || tokens.some((name) => !TOKENS[name]))
    return fallback || String(pattern ?? timestamp);
  const shown = pattern.replace(/\{(\w+)\}/g, (_, name) => TOKENS[name](at));
  return isFirst && pattern.startsWith("{") ? shown[0].toUpperCase() + shown.slice(1) : shown;
}
