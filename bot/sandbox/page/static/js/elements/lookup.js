// Fills a select's list for what is typed: at once where the options are here, asked of the bot where they are not.

import { debounced } from "./controls.js";

const WAIT_MS = 200;

/** now(query), soon(query) and stop(). An answer that comes after a newer question is not shown. */
export function lookup(source, list, picked, element) {
  let asked = 0;

  async function now(query) {
    const mine = (asked += 1);
    if (query.trim().length < source.minLength) return say(`Type at least ${characters(source.minLength)} to search.`);
    if (!source.isAsked) return shown(source.load(query), query);
    say("Searching…", true);
    try {
      const groups = await source.load(query);
      if (mine === asked) shown(groups, query);
    } catch {
      if (mine === asked) say("The options could not be loaded. Type again to try once more.");
    }
    return undefined;
  }
  function say(status, isBusy = false) {
    list.show([], picked.keys(), { status, isBusy });
  }
  function shown(groups, query) {
    const nothing = query.trim() ? `Nothing found for “${query.trim()}”.` : "There is nothing to choose from.";
    const full = picked.isFull() ? `You can choose ${picked.most} at most: remove one first.` : "";
    list.show(groups, picked.keys(), { status: groups.length ? full : nothing });
  }
  const later = debounced(now, WAIT_MS);
  return {
    now,
    soon(query) {
      if (!source.isAsked) return now(query);
      // What was found for less must not be picked by an Enter meant for this.
      asked += 1;
      say("Searching…", true);
      return later(query);
    },
    stop() {
      asked += 1;
      later.cancel();
    },
  };
}

function characters(count) {
  return count === 1 ? "1 character" : `${count} characters`;
}
