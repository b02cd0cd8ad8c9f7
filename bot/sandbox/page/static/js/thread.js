// The thread pane beside the conversation: the message it hangs on, its replies, and a field to reply in.

import { Composer } from "./composer.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { batched, entries, Log } from "./log.js";
import { drawMessage } from "./message.js";
import { channelName } from "./people.js";
import { store } from "./store.js";

export function mountThread(root) {
  const pane = new Thread(root);
  const later = batched(() => pane.follow());
  for (const name of ["hello", "thread", "channels"]) store.on(name, later);
  for (const name of ["message", "gone"])
    store.on(name, ({ channel_id: channelId }) => channelId === store.state.thread?.channelId && later());
  return pane;
}

class Thread {
  constructor(root) {
    this.root = root;
    this.parent = el("div", { class: "thread-parent" });
    this.count = el("div", { class: "reply-count" });
    this.place = el("span", { class: "soft thread-place" });
    const close = iconButton("close", "Close thread", () => store.set({ thread: null }));
    const back = iconButton("back", "Back to conversation", () => store.set({ thread: null }), { class: "back-button" });
    const head = el(
      "header",
      { class: "place-head" },
      back,
      el("h2", {}, "Thread"),
      this.place,
      el("span", { class: "spacer" }),
      close,
    );
    this.log = new Log({ label: "Thread", head: [this.parent, this.count] });
    this.composer = new Composer({ id: "thread-composer-text" });
    fill(root, head, this.log.node, this.composer.node);
    this.shown = "";
  }

  follow() {
    const { thread, viewer } = store.state;
    this.root.hidden = !thread;
    if (!thread || !viewer) {
      this.shown = "";
      return;
    }
    const place = `${viewer.user_id}/${thread.channelId}/${thread.ts}`;
    if (place !== this.shown) this.moveTo(place, thread);
    const channel = store.channel(thread.channelId);
    fill(this.place, channel?.dm_user_id ? channelName(channel) : `#${channelName(channel)}`);
    this.drawParent(store.message(thread.channelId, thread.ts));
    const replies = store.replies(thread.channelId, thread.ts);
    this.count.hidden = replies.length === 0;
    fill(this.count, el("span", {}, `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`));
    this.log.show(
      entries(replies, { isInThread: true }).filter((one) => one.kind === "message"),
      viewer.user_id,
    );
    this.composer.follow();
  }

  moveTo(place, thread) {
    this.shown = place;
    this.parentVersion = undefined;
    this.log.reset();
    this.composer.moveTo({ channelId: thread.channelId, threadTs: thread.ts });
  }

  drawParent(message) {
    if (this.parentVersion === message) return;
    this.parentVersion = message;
    const gone = () => el("div", { class: "empty" }, icon("info"), "This message was deleted.");
    fill(this.parent, message ? drawMessage({ message, isGrouped: false, summary: null, isInThread: true }) : gone());
  }
}
