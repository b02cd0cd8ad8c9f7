// What the page knows: the feed's state, where the reader is, and who wants to hear of changes. Nothing is drawn here.

const THEME = "gonogo-theme";
const RETRY_MS = 1500;
const PLACES = ["active", "thread", "panel", "theme"];

const listeners = new Map();
let source = null;
let retry = null;

const state = {
  team: null,
  viewer: null,
  people: [],
  users: [],
  groups: [],
  channels: [],
  messages: {},
  views: [],
  home: null,
  commands: [],
  shortcuts: [],
  app: null,
  bot: null,
  unread: {},
  scenario: null,
  speed: null,
  providers: null,
  traffic: [],
  active: null,
  thread: null,
  panel: null,
  theme: storedTheme(),
  link: "opening",
};

export const store = { state, on, emit, set, connect, toast, user, channel, group, message, replies };

/** Hear of `name`; the answer takes the listener away again. */
function on(name, listener) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(listener);
  return () => listeners.get(name).delete(listener);
}

/** Tell everybody who listens. One listener's fault is not the next one's. */
function emit(name, data) {
  for (const listener of listeners.get(name) ?? []) {
    try {
      listener(data);
    } catch (fault) {
      console.error(`listener of ${name}`, fault);
    }
  }
}

/** Change where the reader is: active, thread, panel, theme. */
function set(patch) {
  const moved = "active" in patch && !samePlace(patch.active, state.active);
  if (moved && !("thread" in patch) && state.thread && state.thread.channelId !== patch.active?.channelId)
    patch = { ...patch, thread: null };
  Object.assign(state, patch);
  if ("theme" in patch) rememberTheme(patch.theme);
  if ("active" in patch || "thread" in patch) writeHash();
  for (const name of PLACES) if (name in patch) emit(name, state[name]);
}

function samePlace(one, other) {
  return one?.kind === other?.kind && one?.channelId === other?.channelId;
}

/** Say something in a corner of the page. kind: "error" (default), "info" or "ok". */
function toast(text, { kind = "error" } = {}) {
  emit("toast", { text: String(text), kind });
}

// --- looking ---------------------------------------------------------------------------------------------------------

function user(id) {
  return state.users.find((one) => one.user_id === id) ?? null;
}
function channel(id) {
  return state.channels.find((one) => one.channel_id === id) ?? null;
}
function group(id) {
  return state.groups.find((one) => one.group_id === id) ?? null;
}
function message(channelId, ts) {
  return (state.messages[channelId] ?? []).find((one) => one.ts === ts) ?? null;
}
function replies(channelId, ts) {
  return (state.messages[channelId] ?? []).filter((one) => one.thread_ts === ts && one.ts !== ts);
}

// --- the feed --------------------------------------------------------------------------------------------------------

const TAKE = {
  hello(data) {
    // Another person reads the same message with other eyes: their own mentions stand out.
    const before = state.viewer?.user_id === data.viewer.user_id ? state.messages : {};
    Object.assign(state, { traffic: [], scenario: null, ...data });
    for (const [channelId, kept] of Object.entries(state.messages)) {
      state.messages[channelId] = keepSame(before[channelId] ?? [], kept).sort(byTs);
    }
    settlePlace();
  },
  message({ channel_id: channelId, message: one }) {
    upsert((state.messages[channelId] ??= []), one);
  },
  gone({ channel_id: channelId, ts }) {
    state.messages[channelId] = (state.messages[channelId] ?? []).filter((one) => one.ts !== ts);
  },
  views({ views }) {
    state.views = views;
  },
  home({ home }) {
    state.home = home;
  },
  channels({ channels }) {
    state.channels = channels;
    settlePlace();
  },
  bot(data) {
    state.bot = data;
  },
  unread(data) {
    state.unread = data.unread ?? data;
  },
  traffic({ entries }) {
    state.traffic = mergeTraffic(entries);
  },
  providers(data) {
    state.providers = data;
  },
  scenario(data) {
    state.scenario = data;
  },
};

function byTs(one, other) {
  return one.ts < other.ts ? -1 : one.ts > other.ts ? 1 : 0;
}

/** What reads as before stays the same object: after a lost connection nothing is drawn anew under the reader's hands. */
function keepSame(before, now) {
  const known = new Map(before.map((one) => [one.ts, one]));
  return now.map((one) => (JSON.stringify(known.get(one.ts)) === JSON.stringify(one) ? known.get(one.ts) : one));
}

/** ts sort as text: all have ten digits, a dot and six. Almost every message is the newest, so look from the end. */
function upsert(kept, one) {
  let place = kept.length;
  while (place > 0 && kept[place - 1].ts > one.ts) place -= 1;
  if (place > 0 && kept[place - 1].ts === one.ts) kept[place - 1] = one;
  else kept.splice(place, 0, one);
}

const MOST_TRAFFIC = 1000;

function mergeTraffic(entries) {
  const known = new Map(state.traffic.map((one) => [one.id, one]));
  for (const one of entries) known.set(one.id, one);
  return [...known.values()].slice(-MOST_TRAFFIC);
}

/** Follow the workspace as this person (none: whom the page's address names, else whom the server chooses). */
function connect(userId = readHash().get("as")) {
  clearTimeout(retry);
  source?.close();
  const mine = (source = new EventSource(`/page/events${userId ? `?as=${encodeURIComponent(userId)}` : ""}`));
  for (const name of Object.keys(TAKE))
    mine.addEventListener(name, (event) => {
      if (mine === source) hear(name, event.data);
    });
  mine.onerror = () => {
    if (mine !== source) return;
    setLink("lost");
    // The browser tries again by itself after a lost connection, but never after a refusal.
    if (mine.readyState === EventSource.CLOSED) retry = setTimeout(() => connect(nextTry(userId)), RETRY_MS);
  };
}

const TRIES = 3;
let refusals = 0;

/** Refused: the person may not exist in this workspace (an old address). After some tries, whoever the server chooses. */
function nextTry(userId) {
  refusals += 1;
  if (userId && userId === state.viewer?.user_id && refusals < TRIES) return userId;
  if (userId && userId !== state.viewer?.user_id && state.viewer) return state.viewer.user_id;
  return "";
}

function hear(name, text) {
  const data = JSON.parse(text);
  TAKE[name](data);
  refusals = 0;
  setLink("open");
  emit(name, data);
}

function setLink(link) {
  if (state.link === link) return;
  state.link = link;
  emit("link", link);
}

// --- the page's address ----------------------------------------------------------------------------------------------

function readHash() {
  return new URLSearchParams(location.hash.slice(1));
}

function writeHash() {
  const hash = new URLSearchParams();
  if (state.viewer) hash.set("as", state.viewer.user_id);
  if (state.active) hash.set("at", state.active.kind === "home" ? "home" : state.active.channelId);
  if (state.thread) hash.set("thread", state.thread.ts);
  if (`#${hash}` !== location.hash) history.replaceState(null, "", `#${hash}`);
}

/** Stay where the reader was, if this person sees it; else where the address says; else the first channel. */
function settlePlace() {
  const hash = readHash();
  const wanted = state.active ?? (hash.get("at") === "home" ? { kind: "home" } : { kind: "channel", channelId: hash.get("at") });
  const isSeen = wanted.kind === "home" ? state.app?.has_home : channel(wanted.channelId) !== null;
  const thread = state.thread ?? (hash.get("thread") ? { channelId: wanted.channelId, ts: hash.get("thread") } : null);
  state.active = isSeen ? wanted : { kind: "channel", channelId: firstChannel() };
  state.thread = thread && message(thread.channelId, thread.ts) ? thread : null;
  writeHash();
}

function firstChannel() {
  const bot = state.app?.bot_user_id;
  const open = state.channels.filter((one) => !one.is_archived && !one.dm_user_id);
  return (open.find((one) => [...(one.members ?? [])].includes(bot)) ?? open[0] ?? state.channels[0])?.channel_id ?? null;
}

window.addEventListener("hashchange", () => {
  const hash = readHash();
  const at = hash.get("at");
  if (hash.get("as") && hash.get("as") !== state.viewer?.user_id) {
    state.active = state.thread = null;
    connect();
  } else if (at) {
    const active = at === "home" ? { kind: "home" } : { kind: "channel", channelId: at };
    const thread = hash.get("thread") ? { channelId: at, ts: hash.get("thread") } : null;
    if (active.kind === "home" || channel(at)) set({ active, thread });
  }
});

// --- theme -----------------------------------------------------------------------------------------------------------

function storedTheme() {
  try {
    return localStorage.getItem(THEME);
  } catch {
    return null;
  }
}

function rememberTheme(theme) {
  try {
    if (theme) localStorage.setItem(THEME, theme);
    else localStorage.removeItem(THEME);
  } catch {
    /* a browser without storage: the theme holds for this page */
  }
}
