// The field below a conversation or thread: Enter sends, Shift+Enter breaks the line, what begins with / is a command.

import { act } from "./api.js";
import { Completion } from "./completion.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { channelName, nameOf } from "./people.js";
import { shortcutMenu } from "./shortcuts.js";
import { store } from "./store.js";
import { troubleOf } from "./troubles.js";

const MOST_ROWS_PX = 260;

/** What was begun in each place, by whom; it outlives a reload of the window. */
const drafts = {
  of(key) {
    try {
      return sessionStorage.getItem(`draft ${key}`) ?? "";
    } catch {
      return this.kept.get(key) ?? "";
    }
  },
  keep(key, text) {
    this.kept.set(key, text);
    try {
      if (text) sessionStorage.setItem(`draft ${key}`, text);
      else sessionStorage.removeItem(`draft ${key}`);
    } catch {
      /* a browser without storage: until the window is reloaded */
    }
  },
  kept: new Map(),
};

export class Composer {
  constructor({ id }) {
    this.id = id;
    this.place = null;
    this.waiting = 0;
    this.field = el("textarea", {
      id,
      class: "composer-text",
      rows: "1",
      dir: "auto",
      spellcheck: "true",
      autocomplete: "off",
      "aria-autocomplete": "list",
      on: { input: () => this.typed(), keydown: (event) => this.key(event), blur: () => this.completion.closeSoon() },
    });
    this.completion = new Completion(this.field, { id: `${id}-completion`, picked: () => this.typed() });
    this.told = el("span", { class: "composer-told", role: "status" });
    this.send = el(
      "button",
      { type: "submit", class: "send-button", "aria-label": "Send", title: "Send (Enter)" },
      icon("send", 18),
    );
    this.plus = el("span", { class: "composer-plus" });
    const slash = el(
      "button",
      {
        type: "button",
        class: "icon-button slash-button",
        "aria-label": "Commands",
        title: "Commands",
        on: { click: () => this.start("/") },
      },
      el("span", { "aria-hidden": "true" }, "/"),
    );
    const at = el(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": "Mention somebody",
        title: "Mention somebody",
        on: { click: () => this.insert("@") },
      },
      el("span", { "aria-hidden": "true" }, "@"),
    );
    this.slash = slash;
    const bar = el("div", { class: "composer-bar" }, this.plus, slash, at, el("span", { class: "spacer" }), this.told, this.send);
    this.box = el(
      "form",
      {
        class: "composer-box",
        on: {
          submit: (event) => {
            event.preventDefault();
            this.submit();
          },
        },
      },
      this.field,
      bar,
    );
    this.notice = el("p", { class: "composer-notice", role: "alert", hidden: true });
    this.node = el("div", { class: "composer" }, this.completion.node, this.notice, this.box);
  }

  /** Another channel or thread: its own draft, name and shortcuts. */
  moveTo({ channelId, threadTs = null }) {
    this.place = { channelId, threadTs };
    this.field.value = drafts.of(this.key_());
    this.say("");
    this.warn("");
    this.completion.close();
    this.drawn = "";
    this.follow();
    this.resize();
    this.mark();
  }

  /** What is around changed: who may write here, what the place is called, which shortcuts there are. */
  follow() {
    if (!this.place) return;
    const { viewer, shortcuts } = store.state;
    const channel = store.channel(this.place.channelId);
    const version = JSON.stringify([viewer?.user_id, channel, shortcuts, this.place]);
    if (version === this.drawn) return;
    this.drawn = version;
    const name = channel?.dm_user_id ? channelName(channel) : `#${channelName(channel)}`;
    const words = this.place.threadTs ? "Reply…" : `Message ${name}`;
    const isClosed = Boolean(channel?.is_archived);
    this.field.placeholder = isClosed ? `${name} is archived: nobody can write here any more` : words;
    this.field.setAttribute(
      "aria-label",
      this.place.threadTs ? `Reply in thread in ${name}` : `Message ${name} as ${nameOf(viewer?.user_id)}`,
    );
    this.field.disabled = isClosed;
    this.slash.hidden = Boolean(this.place.threadTs) || store.state.commands.length === 0;
    fill(this.plus, this.place.threadTs || !shortcuts.length ? null : shortcutMenu({}));
    this.completion.allowCommands = !this.place.threadTs;
  }

  focus() {
    this.field.focus();
  }

  // --- typing --------------------------------------------------------------------------------------------------------

  key_() {
    return `${store.state.viewer?.user_id}/${this.place.channelId}/${this.place.threadTs ?? ""}`;
  }

  typed() {
    drafts.keep(this.key_(), this.field.value);
    this.warn("");
    this.resize();
    this.mark();
    this.completion.follow();
  }

  resize() {
    this.field.style.setProperty("height", "auto");
    this.field.style.setProperty("height", `${Math.min(this.field.scrollHeight, MOST_ROWS_PX)}px`);
  }

  mark() {
    const isReady = this.field.value.trim() !== "";
    this.send.classList.toggle("is-ready", isReady);
    if (isReady) this.send.removeAttribute("aria-disabled");
    else this.send.setAttribute("aria-disabled", "true");
  }

  start(text) {
    if (!this.field.value.startsWith(text)) this.put(text + this.field.value);
    this.focus();
    this.completion.follow();
  }

  insert(text) {
    const at = this.field.selectionStart;
    const gap = at > 0 && !/\s$/.test(this.field.value.slice(0, at)) ? " " : "";
    this.field.setRangeText(gap + text, at, this.field.selectionEnd, "end");
    this.focus();
    this.typed();
  }

  /** Make this stand in the field. */
  put(text) {
    this.field.value = text;
    this.field.setSelectionRange(text.length, text.length);
    this.typed();
  }

  key(event) {
    if (event.isComposing) return;
    if (this.completion.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.submit();
    }
  }

  /** Send this as if it had been typed; the draft stays. */
  async run(text) {
    const answer = await this.deliver({ ...this.place }, text);
    if (answer.ok === false) this.warn(answer.error);
  }

  // --- sending -------------------------------------------------------------------------------------------------------

  async submit() {
    const text = this.field.value.trim();
    if (!text || this.field.disabled) return;
    const isCommand = /^\/\S/.test(text);
    if (isCommand && this.place.threadTs) {
      this.warn(`${text.split(/\s/)[0]} is not supported in threads. Sorry! Close the thread and type it below the channel.`);
      return;
    }
    const place = { ...this.place },
      key = this.key_();
    this.put("");
    this.completion.close();
    const answer = isCommand ? await this.deliver(place, text) : await say(place, text);
    if (answer.ok === false) this.refused(key, text, answer.error);
  }

  async deliver({ channelId }, text) {
    this.wait(1);
    const [command] = text.split(/\s/);
    const answer = await act(
      "command",
      { channel: channelId, command, text: text.slice(command.length).trim() },
      { quiet: true },
    );
    this.wait(-1);
    const trouble = troubleOf(answer);
    if (answer.ok !== false && trouble) this.warn(trouble);
    else if (answer.is_acknowledged) this.say(`Acknowledged in ${Math.round(answer.elapsed_ms)} ms`);
    return answer;
  }

  /** What was refused stands in the field again, unless something else was begun. */
  refused(key, text, error) {
    if (!drafts.of(key)) drafts.keep(key, text);
    if (key !== this.key_()) return;
    if (!this.field.value) this.put(text);
    this.completion.close();
    this.warn(error);
  }

  wait(by) {
    this.waiting += by;
    this.box.setAttribute("aria-busy", String(this.waiting > 0));
    if (this.waiting > 0) fill(this.told, el("span", { class: "spinner", "aria-hidden": "true" }), " Delivering…");
    else this.say("");
  }

  say(words) {
    fill(this.told, words && icon("check", 14), words);
  }

  warn(words) {
    this.notice.hidden = !words;
    fill(
      this.notice,
      words && icon("warning", 16),
      words && el("span", {}, words),
      words &&
        iconButton(
          "close",
          "Dismiss",
          () => {
            this.warn("");
            this.focus();
          },
          { class: "small" },
        ),
    );
  }
}

function say({ channelId, threadTs }, text) {
  return act("say", { channel: channelId, text, ...(threadTs ? { thread_ts: threadTs } : {}) }, { quiet: true });
}
