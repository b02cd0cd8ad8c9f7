// Building the page's nodes. Every text goes in as text: nothing here, or anywhere on this page, parses markup.

const SVG = "http://www.w3.org/2000/svg";
const AS_PROPERTIES = new Set([
  "value",
  "checked",
  "selected",
  "indeterminate",
  "disabled",
  "hidden",
  "open",
  "readOnly",
  "tabIndex",
]);

/**
 * One element. `props`: class (string or list), text, dataset {}, style {property: value}, on {event: listener}, ref (called
 * with the node), booleans and properties of form fields by name, everything else as an attribute. null and false are left out.
 * `children`: nodes, strings, numbers, lists of them; null and false are skipped.
 */
export function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined) continue;
    setProp(node, name, value);
  }
  append(node, children);
  props?.ref?.(node);
  return node;
}

function setProp(node, name, value) {
  if (name === "class") node.className = Array.isArray(value) ? value.filter(Boolean).join(" ") : value;
  else if (name === "text") node.textContent = value;
  else if (name === "dataset") setAll(node.dataset, value);
  else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
  else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  else if (name === "ref") return;
  else if (AS_PROPERTIES.has(name)) node[name] = value;
  else if (/^on/i.test(name)) throw new TypeError(`${name}: listeners go into "on"`);
  else if (typeof value === "boolean" && !name.startsWith("aria-")) node.toggleAttribute(name, value);
  else node.setAttribute(name, String(value));
}

function setAll(dataset, values) {
  for (const [key, one] of Object.entries(values)) if (one !== null && one !== undefined) dataset[key] = one;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Put these children in the place of what the node holds. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** The children as one fragment. */
export function fragment(...children) {
  const all = document.createDocumentFragment();
  append(all, children);
  return all;
}

/**
 * Make `parent` hold one node per item, in order, touching only what changed: a node stays as long as its key and `version`
 * stay. `draw(item)` makes a node; `version(item)` is compared by ===.
 */
export function reconcile(parent, items, { key, version = (item) => item, draw }) {
  const known = (parent.keyedNodes ??= new Map());
  const kept = new Map();
  let before = parent.firstChild;
  for (const item of items) {
    const name = key(item),
      now = version(item);
    let held = known.get(name);
    if (!held || held.version !== now) {
      const node = draw(item, held?.node);
      if (held && held.node !== node) {
        if (before === held.node) before = held.node.nextSibling;
        held.node.remove();
      }
      held = { node, version: now };
    }
    if (held.node === before) before = before.nextSibling;
    else parent.insertBefore(held.node, before);
    kept.set(name, held);
  }
  for (const [name, { node }] of known) if (!kept.has(name)) node.remove();
  parent.keyedNodes = kept;
}

// Drawn on a 20 x 20 grid by strokes of 1.6, so that they sit well beside 15 px text.
const ICONS = {
  back: ["M12.5 4.5 7 10l5.5 5.5"],
  bell: ["M5 13.5V9a5 5 0 0 1 10 0v4.5l1.2 1.5H3.800z", "M8.300 17.300h3.400"],
  bolt: ["M11 2.500 4.500 11.500H9.500L8.800 17.500 15.500 8.500H10.500z"],
  calendar: ["M3.500 5.500h13v11h-13z", "M3.500 9h13", "M7 3.500v3.500M13 3.500v3.500"],
  check: ["M4.500 10.500 8.500 14.500 15.500 6"],
  chevron: ["M5.500 8 10 12.500 14.500 8"],
  clock: ["M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14z", "M10 6v4.300l2.800 1.700"],
  close: ["M5 5l10 10M15 5 5 15"],
  cube: ["M10 2.800 16.500 6.300v7.400L10 17.200 3.500 13.700V6.300z", "M3.700 6.400 10 9.900l6.300-3.500M10 10v7"],
  eye: [
    "M2.500 10S5.200 5 10 5s7.500 5 7.500 5-2.700 5-7.500 5-7.500-5-7.500-5z",
    "M10 7.900a2.100 2.100 0 1 0 0 4.200 2.100 2.100 0 0 0 0-4.200z",
  ],
  hash: ["M8 3 6.300 17M13.700 3 12 17M3.800 7.300h13M3.200 12.700h13"],
  home: ["M3.500 9.500 10 3.800l6.500 5.700v7h-4.600v-4.300H8.100v4.300H3.500z"],
  info: ["M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14z", "M10 9.300v4.200M10 6.500v.200"],
  link: [
    "M8.500 11.500a3 3 0 0 0 4.300 0l2.700-2.700a3 3 0 0 0-4.300-4.300l-1 1",
    "M11.500 8.500a3 3 0 0 0-4.300 0l-2.700 2.700a3 3 0 0 0 4.300 4.300l1-1",
  ],
  lock: ["M5 9h10v7.500H5z", "M7 9V6.500a3 3 0 0 1 6 0V9"],
  menu: ["M3.500 6h13M3.500 10h13M3.500 14h13"],
  moon: ["M16.300 11.900A6.800 6.800 0 0 1 8.100 3.700a6.800 6.800 0 1 0 8.200 8.200z"],
  more: ["M5 10h.010M10 10h.010M15 10h.010"],
  next: ["M4.500 4.500 11.500 10 4.500 15.500z", "M15 4.500v11"],
  pause: ["M7 4.500v11M13 4.500v11"],
  play: ["M6.500 4.200v11.600L15.500 10z"],
  plus: ["M10 4.500v11M4.500 10h11"],
  pulse: ["M2.500 10.500h3.500l2-6 3.500 11 2.200-5h3.800"],
  refresh: ["M16 10a6 6 0 1 1-1.800-4.300", "M16.300 3v3.300H13"],
  reply: ["M4 5h12v8.500H9.500L6 16.500v-3H4z"],
  search: ["M9 3.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11z", "M13 13l3.800 3.800"],
  send: ["M3.500 4 17 10 3.500 16l1.800-6z", "M5.300 10H11"],
  server: ["M3.500 4h13v5h-13zM3.500 11h13v5h-13z", "M6.500 6.500h.010M6.500 13.500h.010"],
  shared: [
    "M6.500 7a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5zM14 3.500a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM14 12.500a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
    "M8.800 8.300l3.400-1.800M8.800 10.800l3.400 2.600",
  ],
  stop: ["M5.500 5.500h9v9h-9z"],
  sun: [
    "M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7z",
    "M10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M15.700 4.300l-1.100 1.100M5.400 14.600l-1.100 1.100",
  ],
  users: [
    "M7.500 4a2.800 2.800 0 1 0 0 5.600A2.800 2.800 0 0 0 7.500 4z",
    "M2.500 16c0-2.600 2.200-4.300 5-4.300s5 1.700 5 4.300",
    "M12.500 4.300a2.800 2.800 0 0 1 0 5M14.500 12c1.800.600 3 2 3 4",
  ],
  window: ["M8 4.500H3.800v11.700h11.700V12M11.500 3.800h4.700v4.700M16 4 9.500 10.500"],
  warning: ["M10 3.500 17.500 16.500h-15z", "M10 8v4M10 14.200v.200"],
};

/** An inline drawing, hidden from screen readers: whoever holds it carries the label. */
export function icon(name, size = 18) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = {
    viewBox: "0 0 20 20",
    width: size,
    height: size,
    class: `icon icon-${name}`,
    "aria-hidden": "true",
    focusable: "false",
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, String(value));
  for (const line of ICONS[name] ?? ICONS.info) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", line);
    svg.append(path);
  }
  return svg;
}

/** A button that is only an icon; `label` is what it is called and its tooltip. */
export function iconButton(name, label, listener, props = {}) {
  const { class: more, ...rest } = props;
  return el(
    "button",
    { type: "button", class: ["icon-button", more], "aria-label": label, title: label, on: { click: listener }, ...rest },
    icon(name),
  );
}
