// What Slack's client checks before a form leaves the screen, in its words; the stand-in refuses the same (filling.py).

const WHOLE = /^-?\d+$/;
const NUMBER = /^-?(\d+(\.\d+)?|\.\d+)$/;
const ADDRESS = /^[^\s@]+@[^\s@]+$/;
const MOST_TEXT = 3000;

/** What is wrong with what stands in a field, or "". */
export function fieldProblem(control) {
  const { block, element } = control;
  if (control.isEmpty()) return block.type === "input" && !block.optional ? "Please complete this required field." : "";
  const entry = control.read();
  return CHECKS[element.type]?.(element, String(entry.value ?? ""), entry) ?? "";
}

const CHECKS = {
  plain_text_input: (element, text) => {
    const used = [...text].length;
    const most = element.max_length ?? MOST_TEXT;
    if (used > most) return `Please enter no more than ${most} characters: this has ${used}.`;
    return used < (element.min_length ?? 0) ? `Please enter at least ${element.min_length} characters.` : "";
  },
  number_input: (element, text) => {
    if (!NUMBER.test(text)) return "Please enter a number.";
    if (!element.is_decimal_allowed && !WHOLE.test(text)) return "Please enter a whole number.";
    if (element.min_value !== undefined && compared(text, element.min_value) < 0) return `Please enter a number no less than ${element.min_value}.`;
    return element.max_value !== undefined && compared(text, element.max_value) > 0 ? `Please enter a number no more than ${element.max_value}.` : "";
  },
  email_text_input: (_, text) => (ADDRESS.test(text) ? "" : "Please enter a valid email address."),
  url_text_input: (_, text) => (isWebAddress(text) ? "" : "Please enter a valid URL, with http:// or https://."),
};

function isWebAddress(text) {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** Numbers longer than a double holds are still compared digit by digit. */
function compared(one, other) {
  if (!NUMBER.test(String(other))) return Number(one) - Number(other);
  const [a, b] = [split(one), split(other)];
  const places = Math.max(a.fraction.length, b.fraction.length);
  const scaled = ({ sign, whole, fraction }) => sign * BigInt(whole + fraction.padEnd(places, "0"));
  const [x, y] = [scaled(a), scaled(b)];
  return x < y ? -1 : Number(x > y);
}

function split(text) {
  const [whole, fraction = ""] = String(text).replace("-", "").split(".");
  return { sign: String(text).startsWith("-") ? -1n : 1n, whole: whole || "0", fraction };
}
