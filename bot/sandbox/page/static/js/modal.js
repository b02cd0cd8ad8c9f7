// Modals: the stack of views that the bot opened for this person. Only the topmost is seen; those below keep what stands in them.

import { act } from "./api.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { freshId, textOf } from "./elements/controls.js";
import { focusable, isTopLayer, openLayer } from "./layers.js";
import { avatar } from "./people.js";
import { store } from "./store.js";
import { TROUBLE, troubleOf } from "./troubles.js";
import { ViewForm } from "./viewform.js";

/** Follow the person's views in `root`. */
export function mountModals(root) {
  const open = new Map();
  const host = root.appendChild(el("div", { class: "modal-stack" }));
  let owner = null;
  const follow = () => {
    const views = store.state.views ?? [];
    const viewer = store.state.viewer?.user_id;
    // Another person looks: what the last one had open is nobody's here.
    if (viewer !== owner) closeAll(open, []);
    owner = viewer;
    closeAll(open, views.map((view) => view.view_id));
    views.forEach((view, place) => {
      if (!open.has(view.view_id)) open.set(view.view_id, new Modal(host, view));
      open.get(view.view_id).show(view, { isTop: place === views.length - 1, isStacked: isStacked(views, place) });
    });
  };
  store.on("views", follow);
  store.on("hello", follow);
  follow();
}

function closeAll(open, staying) {
  for (const [viewId, modal] of [...open].reverse()) {
    if (staying.includes(viewId)) continue;
    open.delete(viewId);
    modal.remove();
  }
}

function isStacked(views, place) {
  return place > 0 && Boolean(views[place].previous_view_id);
}

class Modal {
  constructor(host, view) {
    this.view = view;
    this.waits = 0;
    this.form = new ViewForm("modal", {
      told: (answer) => this.told(answer),
      sent: () => this.submit(),
      busy: (by) => this.busy(by),
    });
    this.build();
    host.append(this.node);
    this.unlayer = openLayer(this.node, { escape: () => this.close() });
  }

  build() {
    const ids = { title: freshId("modal-title"), body: freshId("modal-body") };
    this.back = iconButton("back", "Back", () => this.close(), { class: "modal-back", hidden: true });
    this.title = el("h2", { class: "modal-title", id: ids.title });
    this.shut = iconButton("close", "Close", () => this.close({ isAll: this.isStacked }), { class: "modal-close" });
    this.trouble = el("div", { class: "modal-trouble", role: "alert", hidden: true });
    this.body = el("div", { class: "modal-body", id: ids.body }, this.trouble, this.form.node);
    this.cancel = el("button", { type: "button", class: "button", on: { click: () => this.close() } });
    this.send = el("button", { type: "submit", class: "button primary" });
    this.foot = el("div", { class: "modal-foot" }, this.cancel, this.send);
    const sent = (event) => {
      event.preventDefault();
      this.submit();
    };
    const form = el("form", { class: "modal-form", novalidate: true, on: { submit: sent } },
      el("div", { class: "modal-head" }, this.back, avatar(store.state.app?.bot_user_id, 28), this.title, this.shut),
      el("div", { class: "modal-progress", "aria-hidden": "true" }), this.body, this.foot);
    this.box = el("div", { class: "modal", role: "dialog", "aria-modal": "true", "aria-labelledby": ids.title, tabindex: "-1" }, form);
    this.node = el("div", { class: "layer modal-layer" }, this.box);
  }

  // --- what the bot shows ------------------------------------------------------------------------------------------------

  show(view, { isTop, isStacked }) {
    const isNew = this.view.hash !== view.hash || !this.isShown;
    this.view = view;
    this.isStacked = isStacked;
    const { content } = view;
    fill(this.title, textOf(content.title) || "Untitled");
    this.back.hidden = !isStacked;
    fill(this.cancel, textOf(content.close) || "Close");
    fill(this.send, textOf(content.submit) || "Submit");
    this.send.hidden = !content.submit;
    this.send.disabled = Boolean(content.submit_disabled);
    this.node.hidden = !isTop;
    this.node.dataset.viewId = view.view_id;
    this.box.dataset.callbackId = content.callback_id ?? "";
    if (isNew) this.say([]);
    this.form.show(view);
    this.markScroll();
    if (this.form.homeless?.length) this.say(this.form.homeless);
    if (isTop) this.focus();
    this.isShown = true;
  }

  /** The focus stays where the person put it; it is given only where there is none. */
  focus() {
    const at = document.activeElement;
    if (!isTopLayer(this.node)) return;
    // A form that looked something up first has its fields later than itself: the person did nothing meanwhile.
    const isIdle = at === this.box || at === this.cancel;
    if (this.node.contains(at) && !(isIdle && !this.hadFields)) return;
    this.hadFields = this.form.focusFirst();
    if (!this.hadFields) this.box.focus({ preventScroll: true });
  }

  /** axe and people with a keyboard: text that scrolls without a field in it must take the focus itself. */
  markScroll() {
    const isReached = focusable(this.body).length > 0;
    if (isReached || this.body.scrollHeight <= this.body.clientHeight) this.body.removeAttribute("tabindex");
    else this.body.tabIndex = 0;
  }

  say(lines) {
    this.trouble.hidden = lines.length === 0;
    fill(this.trouble, lines.length ? icon("warning", 18) : null, el("div", {}, lines.map((line) => el("p", { text: line }))));
    if (lines.length) this.trouble.scrollIntoView({ block: "nearest" });
  }

  told(answer) {
    if (answer?.is_acknowledged === false) this.say([TROUBLE]);
  }

  busy(by) {
    this.waits += by;
    this.box.classList.toggle("is-waiting", this.waits > 0);
    if (this.waits > 0) this.box.setAttribute("aria-busy", "true");
    else this.box.removeAttribute("aria-busy");
  }

  // --- what the person does ----------------------------------------------------------------------------------------------

  async submit() {
    if (this.isSending || !this.view.content.submit || this.view.content.submit_disabled) return;
    this.say([]);
    if (!this.form.isComplete()) return;
    this.sending(true);
    const shown = this.view.view_id;
    const answer = await this.form.carrying((state) => act("submit", { view_id: shown, state }, { quiet: true }));
    this.sending(false);
    if (!this.node.isConnected) return;
    const errors = answer.errors ?? (answer.body?.response_action === "errors" ? answer.body.errors : null);
    if (errors) this.wrong(errors);
    else if (answer.is_acknowledged === false) this.say([TROUBLE]);
    else if (troubleOf(answer)) this.say([troubleOf(answer)]);
  }

  /** The same mistake twice gives the same errors: they are shown again all the same. */
  wrong(errors) {
    this.form.takeErrors(errors, { isAnew: true });
    if (this.form.homeless.length) this.say(this.form.homeless);
  }

  sending(is) {
    this.isSending = is;
    this.busy(is ? 1 : -1);
    for (const name of ["aria-busy", "aria-disabled"]) {
      if (is) this.send.setAttribute(name, "true");
      else this.send.removeAttribute(name);
    }
  }

  async close({ isAll = false } = {}) {
    if (this.isClosing) return;
    this.isClosing = true;
    await act("close", { view_id: this.view.view_id, ...(isAll ? { all: true } : {}) });
    this.isClosing = false;
  }

  remove() {
    this.form.close();
    this.node.remove();
    this.unlayer();
  }
}
