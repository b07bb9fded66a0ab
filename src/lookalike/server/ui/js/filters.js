import { h } from "./dom.js";
import { has, t } from "./i18n.js";

/** Methods and filters as a form. change(changes) is called with the names that changed, null for what was emptied. */
export function filters(route, methods, change) {
  const chosen = new Set(route.m ? route.m.split(",") : []);
  const field = (name, type, given = {}) =>
    h("label", { class: "field" }, h("span", {}, t(`filter.${name}`)),
      h("input", { name, type, value: route[name] ?? "", ...given, onchange: (event) => event.target.checkValidity() && change({ [name]: event.target.value.trim() || null }) }));
  const choice = (name, options) =>
    h("label", { class: "field" }, h("span", {}, t(`filter.${name}`)),
      h("select", { name, onchange: (event) => change({ [name]: event.target.value || null }) },
        options.map(([value, text]) => h("option", { value, selected: (route[name] ?? "") === value }, text))));
  const method = (name) =>
    h("label", { class: "check", title: has(`method.${name}.finds`) ? t(`method.${name}.finds`) : null },
      h("input", { type: "checkbox", name: `m-${name}`, checked: chosen.has(name), onchange: (event) => {
        event.target.checked ? chosen.add(name) : chosen.delete(name);
        change({ m: [...chosen].join(",") || null });
      } }), has(`method.${name}`) ? t(`method.${name}`) : name);
  return h(
    "div",
    { class: "filters", id: "filters", role: "group", "aria-label": t("filter.title") },
    field("after", "date"),
    field("before", "date"),
    field("folder", "text", { placeholder: t("filter.folder.hint") }),
    field("camera", "text"),
    choice("mp", [["", t("filter.any")], ["0.5", "0.5 MP +"], ["2", "2 MP +"], ["8", "8 MP +"], ["20", "20 MP +"]]),
    choice("shape", [["", t("filter.any")], ...["landscape", "portrait", "square"].map((one) => [one, t(`shape.${one}`)])]),
    field("where", "text", { placeholder: "width > 1000 and has caption", spellcheck: "false" }),
    route.q && h("fieldset", {}, h("legend", {}, t("filter.methods")), h("div", { class: "methods" }, methods.map(method))),
    route.q && h("label", { class: "check whole" },
      h("input", { type: "checkbox", name: "sure", checked: Boolean(route.sure), onchange: (event) => change({ sure: event.target.checked ? "1" : null }) }), t("filter.sure")),
  );
}
