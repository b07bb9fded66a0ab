import { compare, get, original, search, thumbnail } from "./api.js";
import { isProven, chance, kindOf, reason } from "./explain.js";
import { Overlay, alignment, dots, outline } from "./compare.js";
import { h, icon, say } from "./dom.js";
import { Grid } from "./grid.js";
import { tile } from "./hit.js";
import { bytes, has, moment, number, percent, t } from "./i18n.js";
import { addressOf, kept } from "./kept.js";
import { pictureOf } from "./query.js";
import { address, go, question, read } from "./routes.js";
import { orderOf } from "./search.js";
import { failure } from "./states.js";

const ALIKE = 18;

/** One picture, large: what it is to the question, the question beside or over it, what is known of it, what looks like it. */
export class PictureView {
  constructor(root, page) {
    Object.assign(this, { root, page });
  }

  async show(route) {
    this.leave();
    this.route = route;
    this.page.lend(this.page.box.element);
    const { answer, items } = orderOf(route, this.page);
    this.page.box.show(answer.terms);
    let picture = items.find((item) => item.id === route.id);
    try {
      if (!answer.browsing && !answer.items.length) await answer.next();
      picture ??= orderOf(route, this.page).items.find((item) => item.id === route.id) ?? { ...(await get(`/pictures/${route.id}`)), match: null };
    } catch (error) {
      return this.root.replaceChildren(failure(error, null));
    }
    if (this.route !== route || !this.root.isConnected) return;
    Object.assign(this, { answer, picture });
    this.items = orderOf(route, this.page).items;
    this.place = this.items.findIndex((item) => item.id === route.id);
    document.title = `${picture.name} - lookalike`;
    this.draw();
    say(picture.name);
    await this.compareWith(route);
    if (this.route === route) this.alike(route);
  }

  close() {
    this.leave();
    this.route = null;
  }

  leave() {
    this.overlay?.close();
    this.overlay = this.query = null;
    this.grid?.close();
    this.grid = null;
  }

  draw() {
    const { picture } = this;
    this.image = h("img", { class: "large", alt: picture.name, style: shape(picture.width, picture.height), src: thumbnail(picture.id, 1280) });
    this.image.addEventListener("error", () => this.stage.replaceChildren(h("p", { class: "missing" }, t("picture.unseen"))), { once: true });
    this.stage = h("div", { class: "stage" }, this.framed(this.image));
    this.modes = h("div", { class: "segments", role: "group", "aria-label": t("compare.title"), hidden: true });
    const facts = h("aside", { class: "facts", "aria-label": t("picture.about") }, this.verdict(), this.actions(), this.about());
    this.more = h("section", { class: "alike", "aria-labelledby": "alike" });
    this.root.replaceChildren(
      h("div", { class: "picture" }, h("div", { class: "viewer" }, h("div", { class: "top" }, this.leading(), this.modes, this.turning()), this.stage), facts),
      this.more,
    );
  }

  framed(image, quad, size) {
    const { picture } = this;
    return h("div", { class: "framed" }, image, quad && outline(quad, ...(size ?? [picture.width, picture.height])));
  }

  leading() {
    const back = { view: "search", ...question(this.route) };
    const label = this.answer.browsing ? t("picture.all") : t("picture.back");
    return h("a", { class: "button", href: address(back), "aria-label": label, onclick: (event) => {
      if (history.state?.from !== address(back)) return;
      event.preventDefault();
      history.back(); // where the grid was left
    } }, icon("back"), h("span", {}, label));
  }

  turning() {
    if (this.place < 0 || this.items.length < 2) return h("span");
    const to = (step, name, label) => {
      const item = this.items[this.place + step];
      return h("button", { class: "plain", type: "button", disabled: !item, "aria-label": label, title: label, onclick: () => this.turn(step) }, icon(name));
    };
    return h("div", { class: "turn" }, to(-1, "left", t("picture.before")),
      h("span", { class: "small soft" }, t("picture.place", { n: this.place + 1, of: this.items.length })), to(1, "right", t("picture.after")));
  }

  turn(step) {
    const item = this.items[this.place + step];
    if (item) go({ ...read(), id: item.id }, { replace: true });
  }

  /** What the picture is to the question and why. */
  verdict() {
    const { picture } = this;
    const { match } = picture;
    const name = h("h1", { dir: "auto" }, picture.name);
    const folder = picture.path.slice(0, -picture.name.length).replace(/[/\\]$/, "");
    const where = folder && h("p", { class: "small soft", dir: "auto" }, folder);
    if (!match) return h("div", { class: "verdict" }, name, where);
    const proven = isProven(match);
    return h("div", { class: "verdict" },
      h("p", { class: proven ? "stamp proven" : "stamp" }, proven && icon("check"), kindOf(match),
        h("span", { class: "strength", role: "img", "aria-label": t("picture.strength", { share: percent(match.score) }) }, h("i", { style: { width: `${Math.round(100 * match.score)}%` } }))),
      name, where,
      h("ul", { class: "reasons" }, match.evidence.map((one) => h("li", {}, has(`method.${one.method}`) && h("span", { class: "soft" }, t(`method.${one.method}`)), h("span", {}, reason(one))))),
      h("p", { class: "small" }, chance(match.expected_false)));
  }

  actions() {
    const { picture } = this;
    const reader = this.page.session.role !== "visitor";
    const copied = (event) => navigator.clipboard?.writeText(picture.path).then(() => {
      event.target.closest("button").lastChild.textContent = t("picture.copied");
      say(t("picture.copied"));
    });
    return h("div", { class: "row" },
      h("a", { class: "button main", href: address({ view: "search", q: `id:${picture.id}` }) }, icon("alike"), t("picture.alike")),
      h("a", { class: "button", href: address({ view: "map", pick: String(picture.id) }) }, icon("map"), t("picture.map")),
      reader && h("a", { class: "button", href: original(picture.id, true), download: picture.name }, icon("down"), t("picture.download")),
      navigator.clipboard && this.page.session.role === "admin" && h("button", { class: "button", type: "button", onclick: copied }, icon("copy"), t("picture.copy")));
  }

  about() {
    const { picture } = this;
    const place = picture.latitude !== null && `${number(picture.latitude, 5)}, ${number(picture.longitude, 5)}`;
    const facts = {
      size: `${number(picture.width)} × ${number(picture.height)} · ${number((picture.width * picture.height) / 1e6, 1)} MP`,
      file: [picture.format, bytes(picture.bytes)].filter(Boolean).join(" · "),
      taken: picture.taken && moment(picture.taken),
      camera: picture.camera,
      place,
      caption: picture.caption,
      id: String(picture.id),
    };
    return h("dl", { class: "about" }, Object.entries(facts).filter(([, value]) => value)
      .flatMap(([name, value]) => [h("dt", {}, t(`about.${name}`)), h("dd", { dir: "auto" }, value)]));
  }

  // -- the question beside the picture

  async compareWith(route) {
    const term = pictureOf(this.answer.terms);
    const { match } = this.picture;
    if (!term || !match || (term.kind === "id" && term.value === this.picture.id)) return;
    const source = term.kind === "id" ? thumbnail(term.value, 1280) : term.kind === "image" ? await addressOf(term.value) : this.answer.asked[0]?.preview;
    const query = await loaded(source).catch(() => loaded(this.answer.asked[0]?.preview)).catch(() => null);
    if (!query || this.route !== route) return;
    const known = this.answer.asked[0] ?? { width: query.naturalWidth, height: query.naturalHeight };
    const region = route.r ? { box: route.r.split(",").map(Number), of: [known.width, known.height] } : null;
    const asked = region ? { width: region.box[2], height: region.box[3] } : known;
    this.query = { image: query, region, known, lies: alignment(match, this.picture, asked) };
    const names = this.query.lies?.quad ? ["side", "slider", "blink", "one"] : ["side", "one"];
    this.modes.hidden = false;
    this.modes.replaceChildren(...names.map((name) => h("button", { type: "button", "data-mode": name, "aria-pressed": "false", onclick: () => this.mode(name) }, t(`compare.${name}`))));
    this.mode(names.includes(this.page.compare) ? this.page.compare : "side", false);
    if (!region && isProven(match)) this.points(term, route);
  }

  /** Dots on both pictures where they match, each pair of one colour. */
  async points(term, route) {
    const blob = term.kind === "image" ? await kept(term.value) : null;
    if (!blob && term.kind !== "id") return;
    const found = await compare(blob ?? term.value, this.picture.id).catch(() => null);
    if (!found?.matches.length || this.route !== route || !this.query) return;
    this.query.matches = found.matches;
    const shown = [...this.modes.children].find((button) => button.getAttribute("aria-pressed") === "true");
    if (shown.dataset.mode === "side") this.mode("side", false);
  }

  dotted(framed, side, [width, height]) {
    const { matches } = this.query;
    if (matches) framed.append(dots(matches.map((one) => [one[2 * side], one[2 * side + 1]]), width, height));
    return framed;
  }

  mode(name, chosen = true) {
    if (!this.query) return;
    if (chosen) this.page.compare = name;
    for (const button of this.modes.children) button.setAttribute("aria-pressed", String(button.dataset.mode === name));
    this.overlay?.close();
    this.overlay = null;
    const { image, region, known, lies } = this.query;
    const { picture } = this;
    this.stage.classList.toggle("pair", name === "side");
    if (name === "side") {
      image.className = "large";
      Object.entries(shape(known.width, known.height)).forEach(([name_, value]) => image.style.setProperty(name_, value));
      const part = region && [[region.box[0], region.box[1]], [region.box[0] + region.box[2], region.box[1]], [region.box[0] + region.box[2], region.box[1] + region.box[3]], [region.box[0], region.box[1] + region.box[3]]];
      this.stage.replaceChildren(
        h("figure", {}, this.dotted(this.framed(image, lies?.reverse ?? part, [known.width, known.height]), 0, [known.width, known.height]), h("figcaption", {}, t("compare.asked"))),
        h("figure", {}, this.dotted(this.framed(this.image, match(lies)), 1, [picture.width, picture.height]), h("figcaption", {}, t("compare.found"))));
    } else if (name === "one") this.stage.replaceChildren(this.framed(this.image, match(lies)));
    else {
      this.overlay = new Overlay(this.image, image, region, lies.quad, [picture.width, picture.height]);
      this.overlay.mode(name);
      const switching = name === "blink" && h("button", { class: "button", type: "button", onclick: () => this.overlay.blink() }, t("compare.switch"));
      this.stage.replaceChildren(...[this.overlay.element, switching].filter(Boolean));
    }
    function match(found) {
      return found?.quad && found.reverse !== null ? found.quad : null;
    }
  }

  // -- what looks like it

  async alike(route) {
    const asked = { terms: [{ kind: "id", value: route.id, weight: 1 }], k: ALIKE + 1 };
    const found = await search(asked, []).catch(() => null);
    if (!found || this.route !== route) return;
    const items = found.pictures.map((picture, i) => ({ ...picture, match: found.matches[i] })).filter(({ id }) => id !== route.id);
    if (!items.length) return;
    this.grid = new Grid({ label: t("picture.alike.title"), aim: 150, make: (item) => tile(item, item.match, address({ view: "picture", id: item.id, q: `id:${route.id}` })) });
    this.more.replaceChildren(h("div", { class: "group-head" }, h("h2", { id: "alike" }, t("picture.alike.title")), h("a", { class: "link", href: address({ view: "search", q: `id:${route.id}` }) }, t("picture.alike.all"))), this.grid.element);
    this.grid.set(items);
  }

  key(event) {
    if (event.target.closest?.(".tiles, input, [role=slider]")) return;
    const does = {
      ArrowLeft: () => this.turn(-1),
      ArrowRight: () => this.turn(1),
      Escape: () => this.root.querySelector(".top a").click(),
      c: () => this.nextMode(),
      b: () => this.query?.lies?.quad && (this.overlay?.name === "blink" ? this.overlay.blink() : this.mode("blink")),
      m: () => go({ view: "search", q: `id:${this.picture.id}` }),
      d: () => this.root.querySelector("a[download]")?.click(),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  nextMode() {
    const buttons = [...this.modes.children];
    if (!buttons.length) return;
    const now = buttons.findIndex((button) => button.getAttribute("aria-pressed") === "true");
    buttons[(now + 1) % buttons.length].click();
  }
}

/** How large a picture may be shown: not much larger than it is. */
const shape = (width, height) => ({ "--ratio": String(width / height), "--wide": `${width}px` });

async function loaded(source) {
  const image = h("img", { alt: t("compare.asked") });
  image.src = source;
  await image.decode();
  return image;
}
