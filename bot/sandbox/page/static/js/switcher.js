// Ctrl+K: go to a channel, the app's Home or a panel, or act as somebody else, by typing a part of its name.

import { el, fill, icon } from "./dom.js";
import { channelMark } from "./marks.js";
import { avatar, channelName, nameOf, noteOf } from "./people.js";
import { store } from "./store.js";

const MOST = 10;

/** Mounts the dialog; the answer opens it. */
export function mountSwitcher(root) {
  let offers = [],
    at = 0;
  const list = el("div", { class: "switcher-list", id: "switcher-list", role: "listbox", "aria-label": "Places and people" });
  const field = el("input", {
    class: "switcher-field",
    type: "text",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "switcher-list",
    "aria-autocomplete": "list",
    "aria-label": "Where to?",
    placeholder: "Where to?",
    autocomplete: "off",
    spellcheck: "false",
  });
  const dialog = el(
    "dialog",
    { class: "switcher", "aria-label": "Jump to a channel or person" },
    el("div", { class: "switcher-head" }, icon("search"), field),
    list,
  );
  root.append(dialog);

  const mark = (place) => {
    at = place;
    [...list.children].forEach((node, one) => node.setAttribute("aria-selected", String(one === at)));
    const chosen = list.children[at];
    if (chosen?.id) field.setAttribute("aria-activedescendant", chosen.id);
    else field.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  };
  const pick = (place) => {
    dialog.close();
    offers[place]?.go();
  };
  const show = () => {
    offers = fitting(field.value);
    const draw = (offer, place) =>
      el(
        "div",
        {
          class: "switcher-option",
          role: "option",
          id: `switcher-${place}`,
          on: {
            click: () => pick(place),
            mousemove: () => {
              if (at !== place) mark(place);
            },
          },
        },
        offer.mark,
        el("span", { class: "entry-words", dir: "auto" }, offer.name),
        el("span", { class: "soft" }, offer.about),
      );
    fill(
      list,
      offers.length
        ? offers.map(draw)
        : el("div", { class: "empty", role: "option", "aria-disabled": "true" }, "Nothing has such a name."),
    );
    mark(0);
  };
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step && event.key !== "Enter") return;
    event.preventDefault();
    if (step && offers.length) mark((at + step + offers.length) % offers.length);
    else if (offers.length) pick(at);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  // Esc closes it and nothing below it.
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.stopPropagation();
  });
  return () => {
    if (!store.state.viewer || dialog.open) return;
    field.value = "";
    show();
    dialog.showModal();
    field.focus();
  };
}

function fitting(typed) {
  const words = typed.toLowerCase().replace(/^[#@]/, "").split(/\s+/).filter(Boolean);
  return everything()
    .filter(({ name, about }) => words.every((word) => `${name} ${about}`.toLowerCase().includes(word)))
    .slice(0, MOST);
}

function everything() {
  const { app, channels, people, viewer, unread } = store.state;
  const open = (active) => () => {
    store.set({ active });
    document.getElementById("composer-text")?.focus();
  };
  const places = channels.map((one) => ({
    mark: one.dm_user_id ? avatar(app.bot_user_id, 20) : channelMark(one, 18),
    name: channelName(one),
    about: [one.dm_user_id ? "direct messages" : "channel", unread[one.channel_id] ? `${unread[one.channel_id]} unread` : ""]
      .filter(Boolean)
      .join(" · "),
    go: open({ kind: "channel", channelId: one.channel_id }),
    rank: unread[one.channel_id] ? 0 : 1,
  }));
  const home = app?.has_home
    ? [{ mark: avatar(app.bot_user_id, 20), name: nameOf(app.bot_user_id), about: "app home", go: open({ kind: "home" }) }]
    : [];
  const others = people
    .filter((one) => one.user_id !== viewer.user_id)
    .map((one) => ({
      mark: avatar(one.user_id, 20),
      name: nameOf(one.user_id),
      about: ["act as", noteOf(one)].filter(Boolean).join(" · "),
      go: () => store.connect(one.user_id),
    }));
  const panels = [
    ["scenarios", "play", "Scenarios"],
    ["providers", "server", "Providers"],
    ["traffic", "pulse", "Traffic"],
  ].map(([panel, sign, name]) => ({ mark: icon(sign), name, about: "panel", go: () => store.set({ panel }) }));
  return [...places.sort((one, other) => one.rank - other.rank), ...home, ...others, ...panels];
}
