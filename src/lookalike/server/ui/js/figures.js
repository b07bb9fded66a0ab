import { h } from "./dom.js";
import { bytes, has, number, percent, t } from "./i18n.js";

/** A table that scrolls in itself where it is too wide: heads are keys of texts, rows begin with what they are about. */
export function table(label, heads, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, t(name))))),
      h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((one) => h("td", {}, one)))))));
}

/** The methods of a collection and what each takes. */
export function methods(found) {
  const row = (one) => [named(one.name), number(one.pictures), bytes(one.bytes), one.index];
  return table(t("collection.methods"), ["method", "pictures", "bytes", "index"].map((name) => `collection.${name}`), found.map(row));
}

/** The networks behind looks and words. */
export function models(found) {
  const row = (one) => [
    h("span", {}, one.name, h("span", { class: "soft small" }, has(`method.${one.kind}`) ? t(`method.${one.kind}`) : one.kind)),
    one.installed === "bundled" ? t("models.bundled") : one.installed ? t("models.yes") : t("models.no"),
    one.dimension ? number(one.dimension) : "", one.size ? bytes(one.size) : "", one.licence,
  ];
  return table(t("models.title"), ["name", "here", "dimension", "size", "licence"].map((name) => `models.${name}`), found.map(row));
}

/** How well each method finds copies of pictures that were edited. */
export function scores(found) {
  const row = ([name, one]) => [
    named(name, false), percent(one.recall_1), percent(one.recall_10), percent(one.sure),
    one.false_alarms?.["0.01"] === undefined || one.false_alarms["0.01"] === null ? "" : number(one.false_alarms["0.01"], 3),
    t("scores.milliseconds", { n: Math.round(one.median_milliseconds) }),
  ];
  const measured = Object.entries(found).filter(([, one]) => one.questions);
  return measured.length ? table(t("collection.evaluation"), ["method", "first", "ten", "sure", "alarms", "time"].map((name) => `scores.${name}`), measured.map(row)) : null;
}

const named = (name, finds = true) =>
  h("span", {}, has(`method.${name}`) ? t(`method.${name}`) : name, finds && has(`method.${name}.finds`) && h("span", { class: "soft small" }, t(`method.${name}.finds`)));
