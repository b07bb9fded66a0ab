import { thumbnail } from "./api.js";
import { h } from "./dom.js";
import { kindOf, why } from "./explain.js";
import { percent, t } from "./i18n.js";

/** A picture of the grid; with a match also what it is to the question. */
export function tile(picture, match, href) {
  const kind = match ? kindOf(match) : "";
  const image = h("img", { alt: "", decoding: "async", draggable: "false" });
  const frame = h("span", { class: "frame" }, image);
  image.addEventListener("error", () => image.replaceWith(h("span", { class: "missing" }, t("picture.unseen"))));
  image.src = thumbnail(picture.id, picture.width / picture.height > 2 || devicePixelRatio > 1.3 ? 640 : 320);
  const name = h("b", { dir: "auto" }, picture.name);
  frame.append(h("span", { class: "why" }, name, match && h("span", {}, why(match))));
  const label = match
    ? t("hit.name", { kind, name: picture.name, share: percent(match.score), why: why(match) })
    : picture.name;
  return h(
    "a",
    { class: "hit", href, "aria-label": label, draggable: "false" },
    frame,
    match && h("span", { class: "caption" }, h("span", {}, h("b", {}, kind),
      h("span", { class: "strength" }, h("i", { style: { width: `${Math.round(100 * match.score)}%` } })))),
  );
}
