// Lists that open below what was pressed: never clipped by a scrolling parent, always inside the window.

const GAP_PX = 4;
const EDGE_PX = 8;
const LEAST_PX = 140;

/** Make `node` something that opens below `anchor`; it stays a child of its own parent, so that a dialog keeps it. */
export function popover(node, anchor, { width = "anchor", align = "start" } = {}) {
  node.classList.add("popover");
  node.setAttribute("popover", "manual");
  node.hidden = true;
  const place = () => (node.isConnected ? placed(node, anchor, width, align) : forget());
  const moved = (event) => {
    if (!node.contains(event.target)) place();
  };
  const forget = () => {
    removeEventListener("scroll", moved, true);
    removeEventListener("resize", place);
  };
  return {
    get isOpen() {
      return !node.hidden;
    },
    place,
    open() {
      if (!node.hidden) return;
      node.hidden = false;
      node.showPopover?.();
      place();
      addEventListener("scroll", moved, true);
      addEventListener("resize", place);
    },
    close() {
      if (node.hidden) return;
      forget();
      if (node.isConnected && node.matches(":popover-open")) node.hidePopover();
      node.hidden = true;
    },
  };
}

function placed(node, anchor, width, align) {
  if (!anchor.isConnected) return;
  const box = anchor.getBoundingClientRect();
  if (width === "anchor") node.style.width = `${box.width}px`;
  const below = innerHeight - box.bottom - GAP_PX - EDGE_PX;
  const above = box.top - GAP_PX - EDGE_PX;
  const isBelow = below >= Math.min(node.scrollHeight, LEAST_PX) || below >= above;
  node.style.maxHeight = `${Math.max(LEAST_PX, Math.min(isBelow ? below : above, 320))}px`;
  const own = node.getBoundingClientRect();
  const left = align === "end" ? box.right - own.width : box.left;
  node.style.left = `${Math.max(EDGE_PX, Math.min(left, innerWidth - own.width - EDGE_PX))}px`;
  node.style.top = isBelow ? `${box.bottom + GAP_PX}px` : `${Math.max(EDGE_PX, box.top - GAP_PX - own.height)}px`;
}
