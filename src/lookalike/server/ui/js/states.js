import { art, h } from "./dom.js";
import { t } from "./i18n.js";

/** A whole view that says one thing, with what can be done about it. */
export function state(title, text, ...actions) {
  return h("section", { class: "state" }, art(), h("h1", {}, title), text && h("p", {}, text),
    actions.some(Boolean) && h("div", { class: "row" }, ...actions));
}

export const action = (text, does, main = false) =>
  typeof does === "string"
    ? h("a", { class: main ? "button main" : "button", href: does }, text)
    : h("button", { class: main ? "button main" : "button", type: "button", onclick: does }, text);

/** What went wrong in the words of the page, the server's own words below. */
export function failure(error, again) {
  const known = {
    Unreachable: "unreachable", Busy: "busy", TooManyRequests: "busy", CollectionError: "collection", ImageError: "image",
    QueryError: "query", ModelError: "model", TooLarge: "large", PictureGone: "gone", NotFound: "missing",
    FetchError: "fetch", Unauthorized: "unauthorized", Forbidden: "forbidden",
  }[error.name] ?? "other";
  const made = state(t(`error.${known}`), t(`error.${known}.do`),
    again && known !== "query" && known !== "image" && known !== "fetch" && known !== "gone" ? action(t("error.again"), again, true) : null);
  const said = error.reason ?? error.message;
  if (said && !["gone", "unreachable"].includes(known)) made.querySelector("p").after(h("pre", {}, said));
  return made;
}
