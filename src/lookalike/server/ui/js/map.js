import { get, thumbnail } from "./api.js";
import { asking } from "./asking.js";
import { h, icon, say } from "./dom.js";
import { t } from "./i18n.js";
import { JobBar } from "./jobs.js";
import { Lasso } from "./lasso.js";
import { address, go, question, read } from "./routes.js";
import { action, failure, state } from "./states.js";
import { Camera } from "/ui/walk/camera.js";
import { Pictures } from "/ui/walk/data.js";
import { Painter } from "/ui/walk/draw.js";
import { Gestures } from "/ui/walk/gestures.js";
import { Sprites } from "/ui/walk/sprites.js";

const LIT = 200; // hits of a search that are lit up
const FLOWN = 12; // and those of the best that are flown to, when none is certain
const MOST_CHOSEN = 300; // pictures of a lasso that fit in an address

/** The whole collection at once: what looks alike lies together. */
export class MapView {
  constructor(root, page) {
    Object.assign(this, { root, page });
    this.drawing = new JobBar("map", () => this.load());
    this.recolor = () => {
      this.painter?.readColors();
      this.painter?.request();
    };
    addEventListener("themechange", this.recolor);
  }

  async show(route) {
    this.route = route;
    this.page.lend(this.page.box.element);
    document.title = `${t("nav.map")} - lookalike`;
    if (!this.pictures && !(await this.load())) return;
    await this.light(route);
    if (route.pick && this.route === route) this.open(this.placeOf(Number(route.pick)), true);
  }

  close() {
    removeEventListener("themechange", this.recolor);
    this.drawing.close();
    this.watch?.disconnect();
  }

  async load() {
    try {
      this.raw = await get("/map");
    } catch (error) {
      const writes = ["write", "admin"].includes(this.page.session.role);
      this.root.replaceChildren(...(error.status === 404
        ? [state(t("map.never"), t("map.never.text"), writes && action(t("map.draw"), () => this.drawing.start(), true)), h("div", { class: "narrow" }, this.drawing.element)]
        : [failure(error, () => this.load())]));
      this.page.box.show([]);
      if (error.status === 404 && this.page.session.role !== "visitor") await this.drawing.find();
      return false;
    }
    this.build();
    return true;
  }

  build() {
    const { raw } = this;
    this.places = new Map(raw.ids.map((id, place) => [id, place]));
    this.pictures = new Pictures(raw);
    this.canvas = h("canvas", { class: "map", tabindex: "0", role: "application", "aria-label": t("map.label"), "aria-describedby": "map-keys" });
    this.camera = new Camera(this.pictures, () => this.painter.request());
    const sheets = (kind) => async (number) => `/api/v1/map/${kind}/${number}?made=${raw.made}`;
    const arrived = () => this.painter.request();
    this.painter = new Painter(this.canvas, this.pictures, this.camera, new Sprites(sheets("small"), raw.small, Infinity, arrived), new Sprites(sheets("large"), raw.large, 12, arrived));
    new Gestures(this.canvas, this.camera, this.pictures, {
      hover: (i) => this.hover(i),
      open: (i) => this.pick(i),
      close: () => this.pick(-1),
      search: () => this.page.box.input.focus(),
    });
    this.lasso = new Lasso(this.camera, this.pictures, (places) => this.chosen(places));
    this.panel = h("aside", { class: "map-panel", "aria-label": t("map.panel"), hidden: true });
    this.status = h("p", { class: "map-status", role: "status", hidden: true });
    this.root.replaceChildren(h("div", { class: "map-view" }, h("h1", { class: "unseen" }, t("nav.map")), h("p", { class: "unseen", id: "map-keys" }, t("map.keys")),
      h("div", { class: "map-space" }, this.canvas, this.lasso.element, this.status, this.tools(), this.regions()), this.panel));
    this.painter.readColors(); // which it can as soon as its canvas is in the page
    this.watch = new ResizeObserver(() => this.painter.resize());
    this.watch.observe(this.canvas);
    this.painter.resize();
    this.painter.small.loadAll().then(() => this.painter.paint());
  }

  tools() {
    const { camera } = this;
    const press = (name, label, does) => h("button", { class: "plain", type: "button", "aria-label": label, title: label, onclick: does }, icon(name));
    const lasso = press("lasso", t("map.lasso"), () => {
      const on = this.lasso.toggle();
      lasso.setAttribute("aria-pressed", String(on));
    });
    lasso.setAttribute("aria-pressed", "false");
    this.lasso.ended = () => lasso.setAttribute("aria-pressed", "false");
    return h("div", { class: "map-tools", role: "group", "aria-label": t("nav.map") }, press("plus", t("map.closer"), () => camera.zoom(1.6)), press("minus", t("map.farther"), () => camera.zoom(1 / 1.6)),
      press("whole", t("map.whole"), () => camera.showWhole()), lasso);
  }

  regions() {
    const { pictures } = this;
    if (!pictures.regions.length) return "";
    const one = (region) => h("li", {}, h("button", { type: "button", onclick: () => this.flyTo(region.of) }, region.name, h("span", { class: "soft" }, String(region.of.length))));
    return h("details", { class: "map-regions" }, h("summary", {}, t("map.regions")), h("ul", {}, pictures.regions.map(one)));
  }

  placeOf(id) {
    return this.places.get(id) ?? -1;
  }

  // -- a search's hits

  async light(route) {
    const answer = route.q ? asking(address({ view: "search", ...question(route) }), question(route), this.page.session) : null;
    this.page.box.show(answer?.terms ?? []);
    if (!answer) return this.tell(null, null);
    if (!answer.items.length) await answer.next();
    if (this.route !== route) return;
    const best = (answer.proven.length ? answer.proven : answer.likely).map((item) => this.placeOf(item.id)).filter((i) => i >= 0);
    const lit = [...answer.proven, ...answer.likely].slice(0, LIT).map((item) => this.placeOf(item.id)).filter((i) => i >= 0);
    const list = h("a", { class: "link", href: address({ view: "search", ...question(route) }) }, t("map.list"));
    if (answer.error) return this.tell(null, h("span", {}, answer.error.message));
    if (!lit.length) return this.tell(null, h("span", {}, t("map.none")));
    this.tell(new Set(answer.proven.length ? best : lit.slice(0, 40)), h("span", {}, t(answer.proven.length ? "map.certain" : "map.likely", { n: answer.proven.length ? best.length : Math.min(40, lit.length) })), list);
    if (!route.pick) this.flyTo(best.slice(0, FLOWN));
  }

  tell(found, ...parts) {
    this.painter.found = found;
    this.painter.request();
    const told = parts.filter(Boolean);
    this.status.hidden = !told.length;
    this.status.replaceChildren(...told.flatMap((part) => [part, " "]));
  }

  flyTo(places) {
    if (!places.length) return;
    const { camera, pictures } = this;
    const [left, right] = extent(places.map((i) => pictures.x[i]));
    const [top, bottom] = extent(places.map((i) => pictures.y[i]));
    const room = 5 * pictures.typical;
    camera.fly((left + right) / 2, (top + bottom) / 2, Math.max(camera.wholeScale(), Math.min(camera.width / (right - left + room), camera.height / (bottom - top + room))));
  }

  // -- one picture

  hover(i) {
    if (this.painter.hovered === i) return;
    this.painter.hovered = i;
    this.canvas.title = i < 0 ? "" : this.pictures.names[i].split(/[/\\]/).pop();
    this.painter.request();
  }

  pick(i) {
    const route = { ...read(), pick: i < 0 ? null : String(this.raw.ids[i]) };
    this.open(i);
    history.replaceState(history.state, "", address(route));
  }

  open(i, fly = false) {
    const { painter, pictures, raw } = this;
    if (i < 0 && painter.selected < 0) return;
    painter.selected = i;
    this.panel.hidden = i < 0;
    painter.request();
    if (i < 0) return this.canvas.focus();
    const name = pictures.names[i].split(/[/\\]/).pop();
    const id = raw.ids[i];
    const near = (other) => h("li", {}, h("button", { type: "button", "aria-label": pictures.names[other], title: pictures.names[other], onclick: () => { this.pick(other); this.show_(other, true); } },
      h("img", { alt: "", src: thumbnail(raw.ids[other], 160) })));
    this.panel.replaceChildren(
      h("button", { class: "plain shut", type: "button", "aria-label": t("close"), onclick: () => this.pick(-1) }, icon("close")),
      h("img", { class: "map-picture", alt: name, src: thumbnail(id, 640) }), h("h2", { dir: "auto" }, name),
      h("p", { class: "soft small" }, pictures.regions[pictures.region[i]]?.name ?? ""),
      h("div", { class: "row" }, h("a", { class: "button main", href: address({ view: "picture", id }) }, t("map.open")), h("a", { class: "button", href: address({ view: "search", q: `id:${id}` }) }, icon("alike"), t("picture.alike"))),
      h("h3", { class: "soft small" }, t("picture.alike.title")), h("ul", { class: "map-near" }, pictures.near[i].map(near)));
    this.panel.scrollTop = 0;
    say(name);
    requestAnimationFrame(() => this.show_(i, fly)); // when the panel has taken its room
  }

  /** The picture is in view, beside the panel. */
  show_(i, fly) {
    const { camera, pictures } = this;
    this.painter.resize();
    const [x, y] = [camera.screenX(pictures.x[i]), camera.screenY(pictures.y[i])];
    const margin = 40;
    const inside = x > margin && y > margin && x < camera.width - margin && y < camera.height - margin;
    if (fly) camera.fly(pictures.x[i], pictures.y[i], Math.max(camera.scale, 150 / Math.max(pictures.w[i], pictures.h[i])));
    else if (!inside) camera.fly(pictures.x[i], pictures.y[i], camera.scale);
  }

  chosen(places) {
    if (!places.length) return this.tell(this.painter.found, h("span", {}, t("map.lasso.none")));
    const ids = places.slice(0, MOST_CHOSEN).map((i) => this.raw.ids[i]);
    go({ view: "search", where: `id in (${ids.join(", ")})` });
  }

  key(event) {
    if (event.key === "Escape") this.pick(-1);
  }
}

/** Without the tenth that is farthest out on each side. */
function extent(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = sorted.length > 9 ? Math.floor(sorted.length / 10) : 0;
  return [sorted[cut], sorted[sorted.length - 1 - cut]];
}

