// What a person is told when a delivery did not reach the bot, in Slack's words.

export const TROUBLE = "We had some trouble connecting. Try again?";

/** What went wrong with an act, as a sentence; "" when nothing did. */
export function troubleOf(answer) {
  if (answer?.ok === false) return answer.error || TROUBLE;
  return answer?.is_acknowledged === false ? answer.failures?.[0] || TROUBLE : "";
}
