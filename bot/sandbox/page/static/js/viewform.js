// The blocks of a modal or Home tab while the bot changes them under the person's hands.
//
// A block that reads the same keeps its node, so focus, caret and an open list stay. One that changed is drawn anew with what
// stands in it on this screen: the server hears of it a moment later, so its word on that field may be older.

import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { fieldProblem } from "./elements/checks.js";
import { collectState, controlsIn, debounced } from "./elements/controls.js";
import { errorOf, showError } from "./elements/inputs.js";

const TYPE_WAIT_MS = 250;

/** A form below `root`. `told(answer)` hears how each delivery from it went; `sent()` is Enter in a field. */
export class ViewForm {
  constructor(surface, { told = () => {}, sent = () => {}, busy = () => {} } = {}) {
    this.node = el("div", { class: `view-blocks is-${surface}` });
    this.view = null;
    this.drawn = new Map();
    this.touched = new Set();
    this.flying = new Map();
    this.shownErrors = "";
    this.surface = surface;
    this.told = told;
    this.sent = sent;
    this.busy = busy;
    this.typeLater = debounced(() => this.type(), TYPE_WAIT_MS);
  }

  // --- what the bot shows ------------------------------------------------------------------------------------------------

  /** Show this view; its id may not change. */
  show(view) {
    const isSame = this.view && this.view.hash === view.hash;
    this.view = view;
    if (!isSame) this.draw();
    this.takeState();
    this.takeErrors(view.errors ?? {});
  }

  draw() {
    const kept = this.focusKept();
    const mine = collectState(this.node);
    const before = this.drawn;
    this.drawn = new Map();
    for (const block of this.view.content?.blocks ?? []) {
      const version = JSON.stringify(block);
      const there = before.get(block.block_id);
      const isSame = there?.version === version;
      const node = isSame ? there.node : this.drawBlock(block, this.stateFor(block, mine));
      this.drawn.set(block.block_id, { node, version });
    }
    this.place();
    kept();
  }

  /** Nodes that stay are not moved, since a moved node loses the focus. */
  place() {
    const wanted = [...this.drawn.values()].map((one) => one.node);
    const isWanted = new Set(wanted);
    for (const node of [...this.node.children]) if (!isWanted.has(node)) node.remove();
    let next = this.node.firstElementChild;
    for (const node of wanted) {
      if (node === next) next = next.nextElementSibling;
      else this.node.insertBefore(node, next);
    }
  }

  drawBlock(block, state) {
    const where = {
      surface: this.surface,
      view: this.view,
      state,
      errors: this.view.errors ?? {},
      use: (used, element, chosen) => this.use(used, element, chosen),
      changed: (changed) => this.changed(changed),
      sent: () => this.sent(),
    };
    return el("div", { class: "view-block", dataset: { viewBlock: block.block_id } }, drawBlocks([block], where));
  }

  /** What stands in a block: on this screen where the field was there before with the same type, else what the server says. */
  stateFor(block, mine) {
    const said = this.view.state ?? {};
    const here = mine[block.block_id] ?? {};
    const both = { ...said[block.block_id] };
    for (const [action, entry] of Object.entries(both)) if (here[action]?.type === entry?.type) both[action] = here[action];
    return { ...said, [block.block_id]: both };
  }

  /** Another window of the same person may have typed: its word counts in fields that were not touched here. */
  takeState() {
    for (const control of controlsIn(this.node).filter((one) => one.write)) {
      const said = this.view.state?.[control.block.block_id]?.[control.element.action_id];
      const isMine = this.isNewerHere(control.block.block_id) || control.field?.contains(document.activeElement);
      if (said && !isMine && JSON.stringify(said) !== JSON.stringify(control.read())) control.write(said);
    }
  }

  isNewerHere(blockId) {
    return this.touched.has(blockId) || (this.flying.get(blockId) ?? 0) > 0;
  }

  // --- what is wrong -----------------------------------------------------------------------------------------------------

  takeErrors(errors, { isAnew = false } = {}) {
    const version = JSON.stringify(errors);
    if (!isAnew && version === this.shownErrors) return;
    this.shownErrors = version;
    this.showErrors(errors);
  }

  /** Errors at their fields, the focus in the first. Answers with those that have no field here. */
  showErrors(errors) {
    const homeless = [];
    for (const [blockId, { node }] of this.drawn) {
      const frame = node.querySelector("[data-input-for]");
      const words = errors[blockId] ?? "";
      if (!(frame && showError(frame, words)) && words) homeless.push(words);
    }
    homeless.push(...Object.keys(errors).filter((blockId) => !this.drawn.has(blockId)).map((blockId) => errors[blockId]));
    const first = controlsIn(this.node).find((control) => errors[control.block.block_id]);
    first?.focus();
    first?.field?.closest("[data-view-block]")?.scrollIntoView({ block: "nearest" });
    this.homeless = homeless;
    return homeless;
  }

  /** What Slack's client would mark before it sends. True when nothing is wrong. */
  isComplete() {
    const problems = controlsIn(this.node).filter((one) => one.isEmpty && one.block.type === "input")
      .map((control) => [control.block.block_id, fieldProblem(control)]).filter(([, words]) => words);
    this.showErrors(Object.fromEntries(problems));
    return problems.length === 0;
  }

  // --- what the person does ----------------------------------------------------------------------------------------------

  state() {
    return collectState(this.node);
  }

  changed(block) {
    this.touched.add(block.block_id);
    const frame = this.drawn.get(block.block_id)?.node.querySelector("[data-input-for]");
    if (frame && errorOf(frame)) showError(frame, "");
    this.typeLater();
  }

  type() {
    return this.carrying((state) => act("type", { view_id: this.view.view_id, state }, { quiet: true }));
  }

  /** An element that tells the bot at once. The whole state goes along, so that nothing typed is lost on the way. */
  async use(block, element, chosen) {
    this.busy(1);
    const place = { view_id: this.view.view_id, block_id: block.block_id, action_id: element.action_id };
    const answer = await this.carrying((state) => act("use", { ...place, state, ...(chosen ? { chosen } : {}) }));
    this.busy(-1);
    this.told(answer);
    return answer;
  }

  /** Send something with what stands in the fields; until it is answered, they are newer here than there. */
  async carrying(send) {
    this.typeLater.cancel();
    const mine = [...this.touched];
    this.touched.clear();
    for (const blockId of mine) this.flying.set(blockId, (this.flying.get(blockId) ?? 0) + 1);
    const answer = await send(this.state());
    for (const blockId of mine) this.flying.set(blockId, this.flying.get(blockId) - 1);
    if (answer.ok === false) mine.forEach((blockId) => this.touched.add(blockId));
    return answer;
  }

  /** Where the focus and caret are; the answer puts them back there, also into a node that was drawn anew. */
  focusKept() {
    const at = document.activeElement;
    const control = at && this.node.contains(at) ? at.closest("[data-action-id]") : null;
    if (!control) return () => {};
    const { blockId, actionId } = control.dataset;
    const caret = at.matches("textarea, input[type=text]") ? [at.selectionStart, at.selectionEnd] : null;
    return () => {
      if (this.node.contains(document.activeElement)) return;
      const again = controlsIn(this.node).find((one) => one.block.block_id === blockId && one.element.action_id === actionId);
      again?.focus();
      if (caret && again?.field?.setSelectionRange) again.field.setSelectionRange(...caret);
    };
  }

  /** Put the focus where the view wants it, else into the first field. */
  focusFirst() {
    const wanted = this.node.querySelector("[data-focus-on-load]");
    const isMeant = (one) => (wanted ? wanted.contains(one.field) : Boolean(one.read));
    const control = controlsIn(this.node).find((one) => one.field && isMeant(one));
    control?.focus();
    return Boolean(control);
  }

  close() {
    this.typeLater.cancel();
  }
}
