// What stands before a channel's name: shared, private or public.

import { icon } from "./dom.js";

export function channelMark(channel, size = 16) {
  if (channel?.is_ext_shared) return icon("shared", size);
  return icon(channel?.is_private ? "lock" : "hash", size);
}
