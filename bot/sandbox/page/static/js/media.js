// Pictures, videos and files. The page may show nothing from elsewhere, so what lies on another host is a link to it.

import { el, icon } from "./dom.js";
import { drawText, isFollowable, link, plain } from "./mrkdwn.js";

/** A picture, or its description as a link. */
export function image(element, className) {
  const url = element.image_url ?? element.slack_file?.url ?? "";
  const alt = element.alt_text ?? "";
  if (isOurs(url)) return el("img", { class: className, src: url, alt, loading: "lazy" });
  const picture = el("span", { class: "image-stand-in", "aria-hidden": "true" }, "🖼");
  const words = alt || element.slack_file?.id || "image";
  return el(
    "span",
    { class: [className, "image-elsewhere"] },
    picture,
    isFollowable(url) ? link(url, words) : el("span", {}, words),
  );
}

function isOurs(url) {
  return url.startsWith("data:image/") || (url.startsWith("/") && !url.startsWith("//")) || url.startsWith(`${location.origin}/`);
}

export function imageBlock(block) {
  const title = block.title ? el("figcaption", {}, drawText(block.title)) : null;
  return el("figure", { class: "figure" }, title, image(block, "block-picture"));
}

export function video(block) {
  const title = plain(block.title) || block.alt_text || block.video_url;
  const more = [block.author_name, block.provider_name].filter(Boolean).join(" · ");
  const about = block.description ? el("div", { class: "text" }, drawText(block.description)) : null;
  return el(
    "div",
    { class: "media-card" },
    icon("play", 22),
    el(
      "div",
      {},
      el("strong", {}, link(block.title_url ?? block.video_url, title)),
      more && el("div", { class: "soft" }, more),
      about,
    ),
  );
}

export function fileBox(kind, name) {
  return el(
    "div",
    { class: "media-card" },
    icon("cube", 22),
    el("div", {}, el("strong", {}, kind), el("div", { class: "soft" }, name ?? "")),
  );
}
