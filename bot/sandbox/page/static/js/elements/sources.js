// Where a select's options come from: the view itself, the bot (external), or the workspace's people and channels.
//
// An offer is {key, text, description, raw}; `raw` is what stands in the state: an option object, or an id.

import { act } from "../api.js";
import { channelName } from "../people.js";
import { store } from "../store.js";
import { troubleOf } from "../troubles.js";
import { textOf } from "./controls.js";

const DEFAULT_QUERY_LENGTH = 3;

/** {key: where the state holds it, isMany, isAsked, minLength, offerOf(raw), load(query) -> [{label, offers}]} */
export function sourceOf(element, block, where) {
  const isMany = element.type.startsWith("multi_");
  const kind = element.type.replace("multi_", "").replace("_select", "");
  const plural = isMany ? "s" : "";
  const source = KINDS[kind](element, block, where);
  return { isMany, minLength: 0, isAsked: false, initial: `initial_${source.noun}${plural}`, ...source, key: `selected_${source.noun}${plural}` };
}

const KINDS = {
  static: (element) => ({
    noun: "option",
    offerOf: optionOffer,
    load: (query) => filtered(groupsOf(element), query),
  }),
  external: (element, block, where) => ({
    noun: "option",
    offerOf: optionOffer,
    isAsked: true,
    minLength: element.min_query_length ?? DEFAULT_QUERY_LENGTH,
    load: (query) => asked(element, block, where, query),
  }),
  users: () => fromStore("user", people, userOffer),
  channels: () => fromStore("channel", () => channels().filter((one) => !one.dm_user_id), channelOffer),
  conversations: () => fromStore("conversation", () => [...channels()], channelOffer),
};

function fromStore(noun, every, offerOf) {
  const byId = (id) => every().map(offerOf).find((offer) => offer.key === id) ?? { key: id, text: id, description: "", raw: id };
  return { noun, offerOf: byId, load: (query) => filtered([{ label: "", offers: every().map(offerOf) }], query) };
}

function people() {
  return (store.state.users ?? []).filter((user) => !user.deleted);
}

function channels() {
  return (store.state.channels ?? []).filter((channel) => !channel.is_archived);
}

function userOffer(user) {
  return { key: user.user_id, text: user.real_name || user.name, description: user.name ? `@${user.name}` : "", raw: user.user_id };
}

function channelOffer(channel) {
  const text = channel.dm_user_id ? channelName(channel) : `#${channel.name}`;
  return { key: channel.channel_id, text, description: channel.is_private ? "Private" : "", raw: channel.channel_id };
}

function optionOffer(option) {
  return { key: option.value, text: textOf(option.text), description: textOf(option.description), raw: option };
}

function groupsOf(holder) {
  if (holder.option_groups) {
    return holder.option_groups.map((group) => ({ label: textOf(group.label), offers: (group.options ?? []).map(optionOffer) }));
  }
  return [{ label: "", offers: (holder.options ?? []).map(optionOffer) }];
}

/** The offers in which every typed word stands, without regard to case and accents. */
export function filtered(groups, query) {
  const words = folded(query).split(/\s+/).filter(Boolean);
  const isMeant = (offer) => words.every((word) => folded(`${offer.text} ${offer.description}`).includes(word));
  return groups.map((group) => ({ ...group, offers: group.offers.filter(isMeant) })).filter((group) => group.offers.length);
}

function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

async function asked(element, block, where, query) {
  const place = where.view
    ? { view_id: where.view.view_id }
    : { channel: where.message?.channel_id, ts: where.message?.ts };
  const answer = await act("suggest", { ...place, block_id: block.block_id, action_id: element.action_id, query }, { quiet: true });
  if (troubleOf(answer)) throw new Error(troubleOf(answer));
  return groupsOf(answer.body ?? {}).filter((group) => group.offers.length);
}
