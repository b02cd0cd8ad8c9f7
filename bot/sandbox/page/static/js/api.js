// Asking the sandbox. A refusal or a lost answer is said in a toast and returned as {ok: false, error}; nothing throws.

import { store } from "./store.js";

const LOST = "The sandbox did not answer. Is gonogo demo still running in its terminal?";

/** What the browser's person does. `quiet` keeps a refusal out of the toasts: the caller shows it itself. */
export function act(name, body = {}, { quiet = false } = {}) {
  return post(`/page/act/${encodeURIComponent(name)}`, { user: store.state.viewer?.user_id, ...body }, { quiet });
}

/** The JSON at a path of the sandbox. */
export function get(path, { quiet = false } = {}) {
  return ask(path, { method: "GET" }, quiet);
}

/** Send JSON to a path of the sandbox. */
export function post(path, body = {}, { quiet = false } = {}) {
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }, quiet);
}

async function ask(path, options, quiet) {
  const answer = await fetch(path, options).then(read, () => ({ ok: false, error: LOST }));
  if (answer.ok === false && !quiet) store.toast(answer.error ?? "The sandbox refused that and did not say why.");
  return answer;
}

async function read(response) {
  const body = await response.json().catch(() => null);
  if (body && typeof body === "object") return response.ok || body.ok === false ? body : { ...body, ok: false };
  return { ok: false, error: response.ok ? LOST : `The sandbox answered ${response.status} ${response.statusText}`.trim() };
}
