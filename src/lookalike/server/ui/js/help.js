import { h, sheet } from "./dom.js";
import { t } from "./i18n.js";

const KEYS = {
  everywhere: [["/", "focus"], ["?", "help"], ["g s", "search"], ["g d", "duplicates"], ["g m", "map"], ["g c", "collection"], ["Esc", "back"]],
  results: [["← ↑ → ↓", "move"], ["Enter", "open"], ["m", "alike"], ["f", "filters"]],
  picture: [["← →", "turn"], ["c", "compare"], ["b", "blink"], ["m", "alike"], ["d", "download"]],
  duplicates: [["↓ ↑", "next"], ["1 – 9", "keep"], ["x", "leave"], ["b", "blink"]],
  map: [["← ↑ → ↓", "move"], ["+ -", "zoom"], ["0", "whole"], ["Enter", "open"]],
  region: [["← ↑ → ↓", "box"], ["Shift + ← ↑ → ↓", "size"], ["Enter", "part"]],
};

/** The sheet of keys. */
export function showHelp() {
  if (document.querySelector("dialog[open]")) return;
  const group = ([name, keys]) =>
    h("section", {}, h("h3", {}, t(`keys.${name}`)),
      h("dl", {}, keys.flatMap(([key, does]) => [
        h("dt", {}, key.split(" ").map((one) => (one === "+" && key.length > 3 ? " + " : h("kbd", {}, one))).flatMap((one) => [one, " "])),
        h("dd", {}, t(`keys.${name}.${does}`)),
      ])));
  sheet(t("keys.title"), t("close"), "help", h("div", { class: "keys" }, Object.entries(KEYS).map(group)));
}
