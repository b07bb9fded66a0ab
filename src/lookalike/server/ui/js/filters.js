import { get } from "./api.js";
import { h } from "./dom.js";
import { has, number, t } from "./i18n.js";
import { hasWords, parse } from "./query.js";

/** What one may filter by: the fields that the server counts the values of, by the names they have here. */
const COUNTED = { year: "year", camera: "camera", format: "format", shape: "orientation" };

/**
 * Methods and filters as a form. change(changes) is called with the names that changed, null for what was emptied;
 * tint(color) with a color that is looked for.
 */
export function filters(route, methods, change, tint) {
  const chosen = new Set(route.m ? route.m.split(",") : []);
  const field = (name, type, given = {}) =>
    h("label", { class: "field" }, h("span", {}, t(`filter.${name}`)),
      h("input", { name, type, value: route[name] ?? "", ...given, onchange: (event) => event.target.checkValidity() && change({ [name]: event.target.value.trim() || null }) }));
  const choice = (name, options) =>
    h("label", { class: "field" }, h("span", {}, t(`filter.${name}`)),
      h("select", { name, onchange: (event) => change({ [name]: event.target.value || null }) },
        options.map(([value, text]) => h("option", { value, selected: (route[name] ?? "") === value }, text))));
  const counted = (name) => choice(name, [["", t("filter.any")], ...(route[name] ? [[route[name], said(name, route[name])]] : [])]);
  const method = (name) =>
    h("label", { class: "check", title: has(`method.${name}.finds`) ? t(`method.${name}.finds`) : null },
      h("input", { type: "checkbox", name: `m-${name}`, checked: chosen.has(name), onchange: (event) => {
        event.target.checked ? chosen.add(name) : chosen.delete(name);
        change({ m: [...chosen].join(",") || null });
      } }), has(`method.${name}`) ? t(`method.${name}`) : name);
  return h(
    "div",
    { class: "filters", id: "filters", role: "group", "aria-label": t("filter.title") },
    counted("year"),
    field("after", "date"),
    field("before", "date"),
    field("folder", "text", { placeholder: t("filter.folder.hint"), list: "folders", autocomplete: "off" }),
    h("datalist", { id: "folders" }),
    counted("camera"),
    choice("mp", [["", t("filter.any")], ["0.5", "0.5 MP +"], ["2", "2 MP +"], ["8", "8 MP +"], ["20", "20 MP +"]]),
    counted("shape"),
    counted("format"),
    methods.includes("color") && h("label", { class: "field" }, h("span", {}, t("filter.color")),
      h("input", { name: "color", type: "color", value: "#b5460f", onchange: (event) => tint(event.target.value) })),
    field("where", "text", { placeholder: "width > 1000 and has caption", spellcheck: "false" }),
    route.q && !hasWords(parse(route.q)) && h("fieldset", {}, h("legend", {}, t("filter.methods")), h("div", { class: "methods" }, methods.map(method))),
    route.q && h("label", { class: "check whole" },
      h("input", { type: "checkbox", name: "sure", checked: Boolean(route.sure), onchange: (event) => change({ sure: event.target.checked ? "1" : null }) }), t("filter.sure")),
  );
}

/** Offers in a form what there is, and how many pictures of each; a choice that would be none is not shown. */
export async function offer(form, page) {
  page.facets ??= get("/collection/facets");
  const facets = await page.facets.catch(() => (page.facets = null));
  if (!facets) return;
  form.querySelector("#folders").replaceChildren(...facets.folder.map(({ value, pictures }) => h("option", { value }, number(pictures))));
  for (const [name, field] of Object.entries(COUNTED)) {
    const select = form.querySelector(`[name=${name}]`);
    const values = name === "year" ? [...facets.year].sort((a, b) => Number(b.value) - Number(a.value)) : facets[field];
    const options = values.map(({ value, pictures }) => h("option", { value, selected: value === select.value }, `${said(name, value)} · ${number(pictures)}`));
    const kept = [...select.options].filter((one) => !values.some(({ value }) => value === one.value));
    select.replaceChildren(...kept, ...options);
    select.closest("label").hidden = !values.length && !select.value;
  }
}

const said = (name, value) => (name === "shape" && has(`shape.${value}`) ? t(`shape.${value}`) : value);
