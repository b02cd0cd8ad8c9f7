// What the composer offers while something is typed: commands and their subcommands, people and groups, channels.

import { el, fill } from "./dom.js";
import { channelMark } from "./marks.js";
import { avatar, noteOf } from "./people.js";
import { store } from "./store.js";

const MOST = 8;
const BLUR_MS = 150;

// What the words of a usage hint do, for those that we know; a hint's other words are offered without a line of explanation.
const MEANINGS = {
  list: "What you may launch in this channel",
  status: "One launch, or the recent ones",
  again: "The form once more, with the same inputs",
  approve: "Say go, if it is yours to say",
  reject: "Say no-go, with the reason",
  cancel: "Stop a launch",
  why: "Why you may or may not, rule by rule",
  access: "This channel's grants beside what the credentials hold",
  help: "Examples that work in this channel",
};

export class Completion {
  constructor(field, { id, picked }) {
    this.field = field;
    this.picked = picked;
    this.allowCommands = true;
    this.offers = [];
    this.at = -1;
    this.list = el("div", {
      class: "completion-list",
      id,
      role: "listbox",
      "aria-label": "Suggestions",
      on: { mousedown: (event) => event.preventDefault() },
    });
    this.title = el("div", { class: "completion-title" });
    this.node = el("div", { class: "completion", hidden: true }, this.title, this.list);
    field.setAttribute("aria-controls", id);
    this.id = id;
  }

  /** Offer what fits the text before the caret. */
  follow() {
    const before = this.field.value.slice(0, this.field.selectionStart);
    const found = (this.allowCommands && commandOffers(before)) || mentionOffers(before) || channelOffers(before);
    if (!found || (found.offers.length === 0 && !found.title)) return this.close();
    this.offers = found.offers.slice(0, found.most ?? MOST);
    this.at = found.offers.length && found.isChosen ? 0 : -1;
    fill(this.title, found.title);
    this.title.hidden = !found.title;
    fill(
      this.list,
      this.offers.map((offer, place) => this.draw(offer, place)),
    );
    this.list.hidden = this.offers.length === 0;
    this.node.hidden = false;
    this.mark();
    return undefined;
  }

  draw(offer, place) {
    const choose = () => this.pick(place);
    return el(
      "div",
      {
        class: "completion-option",
        id: `${this.id}-${place}`,
        role: "option",
        "aria-selected": "false",
        on: {
          click: choose,
          mousemove: () => {
            if (this.at !== place) this.mark(place);
          },
        },
      },
      offer.mark,
      el(
        "span",
        { class: "completion-words" },
        el("span", { class: "completion-name", dir: "auto" }, offer.name),
        offer.hint && el("span", { class: "completion-hint" }, offer.hint),
      ),
      offer.about && el("span", { class: "completion-about" }, offer.about),
    );
  }

  mark(at = this.at) {
    this.at = at;
    [...this.list.children].forEach((node, place) => node.setAttribute("aria-selected", String(place === at)));
    const chosen = this.list.children[at];
    if (chosen) this.field.setAttribute("aria-activedescendant", chosen.id);
    else this.field.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  /** True when the key was meant for the suggestions. */
  key(event) {
    if (this.node.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isTaking = (event.key === "Tab" && !event.shiftKey) || (event.key === "Enter" && !event.shiftKey && this.at >= 0);
    if (step && this.offers.length) this.mark((this.at + step + this.offers.length) % this.offers.length);
    else if (isTaking && this.offers.length) this.pick(Math.max(this.at, 0));
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  pick(place) {
    const { text, from } = this.offers[place];
    this.field.setRangeText(text, from, this.field.selectionStart, "end");
    this.field.focus();
    this.picked();
  }

  close() {
    this.node.hidden = true;
    this.offers = [];
    this.at = -1;
    this.field.removeAttribute("aria-activedescendant");
  }

  /** A press on a suggestion takes the focus for a moment. */
  closeSoon() {
    setTimeout(() => {
      if (document.activeElement !== this.field) this.close();
    }, BLUR_MS);
  }
}

/** Commands by name; after a command's name, the words of its usage hint. */
function commandOffers(before) {
  if (!before.startsWith("/") || before.includes("\n")) return null;
  const { commands } = store.state;
  const [name, ...rest] = before.split(" ");
  const command = commands.find((one) => one.name === name);
  if (!command || (rest.length === 0 && before !== name)) return named(commands, name);
  if (rest.length === 0) return named(commands, name);
  const ways = usages(command.hint);
  const typed = rest[0];
  if (rest.length > 1) {
    const way = ways.find((one) => one.word === typed) ?? ways.find((one) => !one.word && one.hint.startsWith("<"));
    return way
      ? {
          offers: [],
          title: [el("code", {}, `${name} ${way.hint}`), " ", MEANINGS[way.word] ?? "Launch at once, with inputs by name"],
        }
      : null;
  }
  const offers = ways
    .filter((one) => one.word && one.word.startsWith(typed))
    .map((one) => ({
      name: one.word,
      hint: one.hint.slice(one.word.length).trim(),
      about: MEANINGS[one.word] ?? "",
      text: `${one.word}${one.hint === one.word ? "" : " "}`,
      from: name.length + 1,
    }));
  const free = ways.filter((one) => !one.word).map((one) => one.hint);
  return {
    offers,
    most: 12,
    isChosen: typed !== "" && offers[0]?.name !== typed,
    title: [el("code", {}, name), " alone opens the form", free.length ? [". Or type ", el("code", {}, free.at(-1))] : "", "."],
  };
}

function named(commands, name) {
  const offers = commands
    .filter((one) => one.name.startsWith(name))
    .map((one) => ({ name: one.name, hint: one.hint, about: one.description ?? "", text: `${one.name} `, from: 0 }));
  return { offers, isChosen: !commands.some((one) => one.name === name) };
}

/** "[connection] | list [connection] | help" as [{word, hint}]; a way that begins with a place to fill in has no word. */
function usages(hint) {
  return String(hint ?? "")
    .split("|")
    .map((one) => one.trim())
    .filter(Boolean)
    .map((one) => ({ hint: one, word: /^[a-z][\w-]*/i.exec(one)?.[0] ?? "" }));
}

function mentionOffers(before) {
  const found = /(?:^|\s)@([\p{L}\p{N}._-]*)$/u.exec(before);
  if (!found) return null;
  const typed = found[1].toLowerCase(),
    from = before.length - found[1].length - 1;
  const fits = (...names) =>
    names.some((name) =>
      String(name ?? "")
        .toLowerCase()
        .split(/\s+/)
        .some((word) => word.startsWith(typed)),
    );
  const members = new Set(store.channel(store.state.active?.channelId)?.members ?? []);
  const people = store.state.users
    .filter((user) => !user.deleted && fits(user.name, user.real_name))
    .sort((one, other) => members.has(other.user_id) - members.has(one.user_id));
  const users = people.map((user) => ({
    mark: avatar(user.user_id, 20),
    name: user.real_name,
    about: [`@${user.name}`, noteOf(user), members.size && !members.has(user.user_id) && "not in this channel"]
      .filter(Boolean)
      .join(" · "),
    text: `@${user.name} `,
    from,
  }));
  const groups = store.state.groups
    .filter((group) => fits(group.handle, group.name))
    .map((group) => ({
      mark: el("span", { class: "completion-mark", "aria-hidden": "true" }, "@"),
      name: group.name,
      about: `@${group.handle} · ${group.users.length} people`,
      text: `@${group.handle} `,
      from,
    }));
  return chosenUnlessTyped([...users, ...groups], `@${typed}`);
}

function channelOffers(before) {
  const found = /(?:^|\s)#([\p{L}\p{N}._-]*)$/u.exec(before);
  if (!found) return null;
  const from = before.length - found[1].length - 1;
  const channels = store.state.channels.filter((one) => !one.dm_user_id && one.name.includes(found[1].toLowerCase()));
  const offers = channels.map((one) => ({ mark: channelMark(one), name: one.name, about: "", text: `#${one.name} `, from }));
  return chosenUnlessTyped(offers, `#${found[1].toLowerCase()}`);
}

/** Who typed a whole name and presses Enter wants to send. */
function chosenUnlessTyped(offers, typed) {
  return { offers, isChosen: !offers.some((offer) => offer.text.trim() === typed) };
}
