// Only addresses that a person may follow from here.

const FOLLOWED = new Set(["http:", "https:", "mailto:"]);

/** The address if it is one of the web or a mailbox, else null: `javascript:` and its like are text here. */
export function safeUrl(address) {
  if (!address) return null;
  try {
    return FOLLOWED.has(new URL(address).protocol) ? address : null;
  } catch {
    return null;
  }
}
