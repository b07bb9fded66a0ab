import { get, signIn } from "./api.js";
import { Box, catchDrops } from "./box.js";
import { h, icon, mark } from "./dom.js";
import { showHelp } from "./help.js";
import { loadTexts, t } from "./i18n.js";
import { PictureView } from "./picture.js";
import { format as formatTerms, hasWords } from "./query.js";
import { follow, go, read, remember } from "./routes.js";
import { SearchView, methodNames } from "./search.js";
import { action, failure, state } from "./states.js";
import { applyTheme, toggleTheme } from "./theme.js";

const VIEWS = {
  search: async () => SearchView,
  picture: async () => PictureView,
  duplicates: async () => (await import("./duplicates.js")).DuplicatesView,
  map: async () => (await import("./map.js")).MapView,
  collection: async () => (await import("./collection.js")).CollectionView,
};
const PLACES = [["search", "/", "search"], ["duplicates", "/duplicates", "twins"], ["map", "/map", "map"], ["collection", "/collection", "stack"]];

/** What the views share: the session, the box, the bar, the place on the page. */
const page = {
  session: null,
  methods: [],
  naming: null, // when the methods are known
  facets: null, // what one may filter by, asked for once
  filtersOpen: false,
  wanted: null, // a place to scroll to as soon as the page is long enough

  /** Puts an element in the middle of the bar; none when the box is elsewhere. */
  lend(element) {
    const middle = document.getElementById("bar-middle");
    if (middle.firstChild !== element) middle.replaceChildren(...(element ? [element] : [])); // moving it would take its focus
    document.getElementById("bar").classList.toggle("searching", element === page.box.element);
  },

  place() {
    if (page.wanted === null) return;
    scrollTo(0, page.wanted);
    if (Math.abs(scrollY - page.wanted) < 2) page.wanted = null;
  },
};

let view = null;
let kind = null;

async function start() {
  applyTheme();
  const entered = enter().then(() => get("/session")).catch((error) => error);
  await loadTexts();
  page.session = await entered;
  drawBar();
  if (page.session instanceof Error) return main().replaceChildren(failure(page.session, () => location.reload()));
  if (page.session.role === "none") return askForToken();
  page.box = new Box(page.session, (terms) => ask(terms));
  page.naming = methodNames().then((names) => (page.methods = names));
  catchDrops(page.box);
  addEventListener("keydown", keys);
  addEventListener("scroll", () => document.getElementById("bar").classList.toggle("lined", scrollY > 4), { passive: true });
  follow(show);
  performance.mark("first view");
}

const main = () => document.getElementById("main");

/** A token behind the # becomes a cookie, and is taken out of the address at once. */
async function enter() {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  await signIn(decodeURIComponent(token)).catch(() => null);
}

function askForToken() {
  const field = h("input", { type: "password", autocomplete: "current-password", required: true, "aria-label": t("token.label") });
  const wrong = h("p", { role: "alert" });
  const form = h("form", { class: "state", onsubmit: async (event) => {
    event.preventDefault();
    try {
      await signIn(field.value.trim());
      location.reload();
    } catch (error) {
      wrong.textContent = error.status === 401 ? t("token.wrong") : error.message;
    }
  } }, h("h1", {}, t("token.title")), h("p", {}, t("token.text")), h("label", { class: "field" }, h("span", {}, t("token.label")), field), wrong,
  h("button", { class: "button main" }, t("token.enter")));
  main().replaceChildren(form);
  field.focus();
}

function drawBar() {
  const link = ([name, href, sign]) => h("a", { href, "data-view": name }, icon(sign), t(`nav.${name}`));
  const press = (name, sign, label, does) =>
    h("button", { class: `plain ${name}`, type: "button", "aria-label": label, title: label, onclick: does }, icon(sign));
  document.getElementById("skip").textContent = t("nav.skip");
  document.getElementById("bar").replaceChildren(
    h("a", { class: "brand", href: "/", "aria-label": t("nav.home") }, mark(), h("span", {}, "lookalike")),
    h("div", { id: "bar-middle" }),
    h("nav", { class: "nav", "aria-label": t("nav.title") }, ...PLACES.map(link),
      press("theme", "theme", t("nav.theme"), toggleTheme), press("help", "help", t("nav.help"), showHelp)));
}

/** Asks a new question; filters stay, methods too where they can be asked with it, a part of another picture does not. */
function ask(terms) {
  const { q, r, pick, id, m, view: where, ...kept } = read();
  go({ ...kept, m: hasWords(terms) ? null : m, view: where === "map" ? "map" : "search", q: terms.length ? formatTerms(terms) : null });
}

async function show(route) {
  const name = route.view in VIEWS ? route.view : null;
  for (const link of document.querySelectorAll(".nav a")) {
    const here = link.dataset.view === name || (name === "picture" && link.dataset.view === "search");
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  const top = history.state?.top ?? 0;
  page.wanted = top || null;
  const View = name && (await VIEWS[name]());
  if (kind !== name || !view) {
    view?.close();
    const root = h("div", {});
    main().replaceChildren(root);
    view = View ? new View(root, page) : null;
    kind = name;
  }
  if (!view) {
    page.lend(page.box.element);
    main().replaceChildren(state(t("error.missing"), t("error.missing.do"), action(t("nav.home"), "/", true)));
    return;
  }
  if (!top) scrollTo(0, 0);
  await view.show(route, top);
}

// -- keys that work everywhere

let before = "";

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest?.("input, select, textarea");
  if (event.key === "Escape" && typing) return event.target.blur();
  if (typing) return;
  const second = before === "g";
  before = event.key;
  const gone = second && { s: "search", d: "duplicates", m: "map", c: "collection" }[event.key];
  if (gone) return go({ view: gone });
  if (event.key === "/") {
    event.preventDefault();
    page.box.input.focus();
    page.box.input.select();
  } else if (event.key === "?") showHelp();
  else if (event.key === "f") document.querySelector("[aria-controls=filters]")?.click();
  else if (event.key === "m" && event.target.closest?.(".hit")) {
    const id = /\/picture\/(\d+)/.exec(event.target.closest(".hit").href)[1];
    go({ view: "search", q: `id:${id}` });
  } else view?.key?.(event);
}

addEventListener("pagehide", remember);
start();
