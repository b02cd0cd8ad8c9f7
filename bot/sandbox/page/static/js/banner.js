// The banner at the top: the bot is down, or the page has lost its sandbox; and a word when that is over.

import { el, fill, icon } from "./dom.js";
import { store } from "./store.js";

const BACK_MS = 4000;

/** Keep `root` (div#banner) true. */
export function mountBanner(root) {
  let wasDown = false;
  let gone = null;

  const show = (kind, sign, ...words) => {
    clearTimeout(gone);
    fill(root, el("div", { class: ["banner", kind] }, sign, el("span", { class: "banner-words" }, ...words)));
  };
  const look = () => {
    const { bot, link } = store.state;
    if (link === "lost") {
      wasDown = true;
      show("lost", el("span", { class: "spinner" }), el("strong", {}, "The sandbox does not answer."), " The page goes on by itself as soon as it is back.");
    } else if (bot && !bot.is_up) {
      wasDown = true;
      show("down", el("span", { class: "spinner" }), el("strong", {}, "The bot is not running;"), " it is being started again. ",
        bot.told ? el("span", { class: "soft", text: bot.told }) : null);
    } else if (wasDown) {
      wasDown = false;
      show("back", icon("check", 16), el("strong", {}, "The bot is back."), " What was launched goes on.");
      gone = setTimeout(() => fill(root), BACK_MS);
    }
  };
  for (const name of ["bot", "link", "hello"]) store.on(name, look);
  look();
}
