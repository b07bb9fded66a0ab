import { get, thumbnail } from "./api.js";
import { asking } from "./asking.js";
import { h, icon, say } from "./dom.js";
import { filters, offer } from "./filters.js";
import { Grid } from "./grid.js";
import { tile } from "./hit.js";
import { number, t } from "./i18n.js";
import { addressOf, keep } from "./kept.js";
import { format, pictureOf } from "./query.js";
import { chooseRegion } from "./region.js";
import { address, filtered, go, question, read } from "./routes.js";
import { action, failure, state } from "./states.js";

const NEAR = 1600; // pixels from the end at which more is asked for

/** The view of a question and its answer; without a question the whole collection, the newest first. */
export class SearchView {
  constructor(root, page) {
    Object.assign(this, { root, page });
    this.grids = [];
    this.onScroll = () => this.scrolled();
    addEventListener("scroll", this.onScroll, { passive: true });
  }

  async show(route, place) {
    this.route = route;
    this.closeGrids();
    this.answer = asking(address({ view: "search", ...question(route) }), question(route), this.page.session);
    const { answer } = this;
    this.page.box.show(answer.terms);
    const home = answer.browsing && !filtered(route);
    this.page.lend(home ? null : this.page.box.element);
    const typed = this.panel?.contains(document.activeElement) ? document.activeElement.name : null;
    this.head = h("div", { class: "ask" });
    this.body = h("div", {});
    this.panel = this.page.filtersOpen ? this.filters() : null;
    this.hero = home ? this.makeHero() : null;
    this.root.replaceChildren(...[this.hero, h("div", { class: "results" }, ...[this.head, this.panel, this.body].filter(Boolean))].filter(Boolean));
    if (typed) this.panel?.querySelector(`[name="${typed}"]`)?.focus();
    if (!answer.items.length) {
      this.drawHead();
      this.body.replaceChildren(this.ghosts());
      await answer.next();
      if (this.answer !== answer || !this.root.isConnected) return;
    }
    this.draw();
    if (place) scrollTo(0, place);
    this.announce();
  }

  close() {
    removeEventListener("scroll", this.onScroll);
    this.closeGrids();
  }

  closeGrids() {
    for (const { grid } of this.grids) grid.close();
    this.grids = [];
  }

  makeHero() {
    const { box } = this.page;
    const choose = h("button", { class: "button", type: "button", onclick: () => box.pick(false) }, icon("picture"), t("home.choose"));
    return h("section", { class: "hero" }, h("h1", {}, t("home.title")), h("p", {}, t("home.text")), box.element, choose);
  }

  // -- the head: what was asked, and how much was found

  drawHead() {
    const { answer, route } = this;
    const busy = !answer.items.length && answer.more && !answer.error;
    const title = answer.browsing
      ? filtered(route) ? t("results.filtered") : t("results.newest")
      : busy ? t("results.looking") : this.title();
    const empty = !busy && !answer.items.length;
    const heading = filtered(route) || !answer.browsing ? "h1" : "h2";
    const told = h("div", { class: "told" }, empty ? null : h(heading, { class: "title" }, title), this.subtitle());
    const count = filtered(route) + (route.m ? 1 : 0) + (route.sure ? 1 : 0);
    const toggle = h("button", {
      class: "button", type: "button", "aria-expanded": String(this.page.filtersOpen), "aria-controls": "filters",
      onclick: () => this.toggleFilters(),
    }, icon("filter"), t("filter.title"), count ? h("span", { class: "dot" }, number(count)) : null);
    const clear = count ? action(t("filter.clear"), () => go({ view: "search", q: route.q, r: route.r })) : null;
    this.head.replaceChildren(...[this.askedWith(), told, h("div", { class: "tools" }, clear, toggle)].filter(Boolean));
    document.title = answer.browsing ? "lookalike" : `${this.said()} - lookalike`;
  }

  said() {
    const [only] = this.answer.terms;
    if (this.answer.terms.length > 1) return t("results.sum");
    return { text: only.value, id: t("chip.id", { id: String(only.value) }), image: t("chip.image"), url: t("chip.url") }[only.kind];
  }

  title() {
    const { answer } = this;
    const certain = answer.proven.length;
    if (!answer.items.length) return t("results.none");
    if (answer.sum || !pictureOf(answer.terms)) return certain ? t("results.fit", { n: certain }) : t("results.maybe");
    return certain ? t("results.certain", { n: certain }) : t("results.uncertain");
  }

  subtitle() {
    const { answer, route } = this;
    if (answer.browsing) return answer.total === null ? null : h("p", { class: "soft small" }, t("results.total", { n: answer.total }));
    if (answer.error || !answer.items.length) return null;
    const parts = [t(answer.more ? "results.shown.more" : "results.shown", { n: answer.items.length })];
    if (route.r) parts.push(t("results.part"));
    return h("p", { class: "soft small" }, parts.join(" · "));
  }

  /** The picture that was asked with, and the way to ask for a part of it. */
  askedWith() {
    const { answer, route } = this;
    const term = pictureOf(answer.terms);
    const alone = answer.terms.filter(({ kind }) => kind !== "text").length === 1;
    if (!term || answer.error?.name === "PictureGone") return null;
    const image = h("img", { alt: t("results.asked") });
    const known = answer.asked[0];
    const pane = h(alone ? "button" : "span", { class: "pane", type: alone ? "button" : null, title: alone ? t("region.title") : null, "aria-label": alone ? t("region.title") : null }, image);
    if (alone) {
      pane.append(h("span", { class: "hint" }, icon("crop")));
      pane.addEventListener("click", async () => {
        const size = known ? [known.width, known.height] : [image.naturalWidth, image.naturalHeight];
        const large = term.kind === "id" ? thumbnail(term.value, 1280) : image.src;
        chooseRegion(large, size, route.r ? route.r.split(",").map(Number) : null, (region) =>
          go({ ...read(), r: region ? region.join(",") : null }));
      });
    }
    const preview = known?.preview;
    if (term.kind === "id") image.src = thumbnail(term.value, 320);
    else if (term.kind === "url") preview ? (image.src = preview) : (pane.hidden = true);
    else {
      image.addEventListener("error", () => preview && image.src !== preview && (image.src = preview));
      addressOf(term.value).then((found) => (image.src = found ?? preview ?? ""));
    }
    if (route.r && known) {
      const [x, y, w, height] = route.r.split(",").map(Number);
      const share = (value, of) => `${(100 * value) / of}%`;
      pane.append(h("span", { class: "part", style: { left: share(x, known.width), top: share(y, known.height), width: share(w, known.width), height: share(height, known.height) } }));
    }
    return h("div", { class: "asked" }, pane);
  }

  toggleFilters() {
    this.page.filtersOpen = !this.page.filtersOpen;
    this.panel?.remove();
    this.panel = this.page.filtersOpen ? this.filters() : null;
    if (this.panel) this.head.after(this.panel);
    this.drawHead();
    (this.panel?.querySelector("select, input") ?? this.head.querySelector("[aria-controls]")).focus();
  }

  filters() {
    const form = filters(this.route, this.page.methods, (changes) => go({ ...read(), ...changes }, { replace: true }),
      async (color) => go({ ...read(), q: format([{ kind: "image", value: await keep(await swatch(color)), weight: 1 }]), r: null, m: "color" }));
    offer(form, this.page);
    if (!this.page.methods.length) this.page.naming.then((names) => names.length && this.panel === form && this.refill());
    return form;
  }

  /** The filters anew, with the focus where it was. */
  refill() {
    const typed = this.panel.contains(document.activeElement) ? document.activeElement.name : null;
    const form = this.filters();
    this.panel.replaceWith(form);
    this.panel = form;
    if (typed) form.querySelector(`[name="${typed}"]`)?.focus();
  }

  // -- the body

  ghosts() {
    const widths = [300, 200, 340, 260, 180, 320, 240, 280, 220, 300, 200, 260];
    return h("div", { class: "ghosts", "aria-hidden": "true" }, widths.map((wide) => h("i", { style: { "--w": `${wide}px` } })));
  }

  draw() {
    const { answer } = this;
    this.drawHead();
    if (answer.error && !answer.items.length) return this.body.replaceChildren(failure(answer.error, () => this.again()));
    const parts = [...answer.notes.map((note) => this.note(note))];
    if (!answer.items.length) return this.body.replaceChildren(...parts, this.nothing());
    const pictures = Boolean(pictureOf(answer.terms));
    const words = pictures && !answer.sum ? "picture" : "words";
    if (answer.browsing) parts.push(this.group("all", answer.items, null, null, 210));
    else {
      const { proven, likely } = answer;
      if (!proven.length) parts.push(this.hint(t(`uncertain.${words}`), t(`uncertain.${words}.do`)));
      if (proven.length) parts.push(this.group("proven", proven, t(`proven.${words}`), t(`proven.${words}.text`), 280));
      if (likely.length) parts.push(this.group("likely", likely, proven.length ? t(`likely.${words}`) : null, t(`likely.${words}.text`), 190));
    }
    this.foot = h("p", { class: "end" });
    this.body.replaceChildren(...parts, this.foot);
    this.fill();
  }

  fill() {
    const { answer } = this;
    for (const { grid, kind } of this.grids) {
      grid.set(kind === "all" ? answer.items : answer[kind]);
    }
    this.grids.forEach(({ grid }, i) => {
      grid.before = this.grids[i - 1]?.grid;
      grid.after = this.grids[i + 1]?.grid;
    });
    this.foot.textContent = answer.more ? t("results.looking") : answer.items.length > 20 ? t("results.end") : "";
    if (answer.error) this.foot.replaceChildren(t("error.more"), " ", h("button", { class: "link", type: "button", onclick: () => this.again() }, t("error.again")));
    this.page.place();
  }

  group(kind, items, title, text, aim) {
    const id = `group-${kind}`;
    const context = question(this.route);
    const grid = new Grid({
      label: title ?? t("results.title"),
      make: (item) => tile(item, item.match, address({ view: "picture", id: item.id, ...context })),
      aim,
      below: kind === "all" ? 0 : 32,
    });
    this.grids.push({ grid, kind });
    return h("section", { class: `group ${kind}`, "aria-labelledby": title ? id : null, "aria-label": title ? null : t("results.title") },
      title && h("div", { class: "group-head" }, h("h2", { id }, title), text && h("p", {}, text)), grid.element);
  }

  hint(title, text, ...more) {
    return h("div", { class: "note" }, icon("info"), h("p", {}, h("b", {}, title), " ", text, ...more));
  }

  /** What the server wants known, in the words of the page where it is something that the page knows. */
  note(text) {
    const unknown = /^(.+): not known to the bundled model/.exec(text);
    const meant = /^(.+): did you mean (.+)\?$/.exec(text);
    if (unknown) return this.hint(t("unknown.title", { words: unknown[1] }), t("unknown.do"));
    if (/^nothing matches /.test(text)) return "";
    if (!meant) return this.hint(text, "");
    const { route } = this;
    const better = (word) => h("a", { class: "link", href: address({ ...route, q: route.q.replaceAll(meant[1], word) }) }, word);
    return this.hint(t("unknown.title", { words: meant[1] }), t("unknown.meant"), ...meant[2].split(" or ").flatMap((word) => [" ", better(word)]));
  }

  nothing() {
    const { answer, route } = this;
    if (answer.browsing && !filtered(route)) return state(t("empty.title"), t("empty.text"), action(t("empty.do"), "/collection", true));
    const narrowed = filtered(route) || route.m || route.sure;
    return state(t("nothing.title"), t(narrowed ? "nothing.narrow" : "nothing.text"),
      narrowed && action(t("filter.clear"), () => go({ view: "search", q: route.q, r: route.r }), true),
      !answer.browsing && action(t("nothing.new"), () => this.page.box.clear(), !narrowed));
  }

  async again() {
    await this.answer.retry();
    this.closeGrids();
    this.draw();
  }

  announce() {
    const { answer } = this;
    if (answer.browsing) return;
    say(answer.error ? t("results.failed") : [this.title(), this.subtitle()?.textContent].filter(Boolean).join(". "));
  }

  /** Near the end more is asked for; both grids grow, what is seen stays where it is. */
  async scrolled() {
    const { answer } = this;
    if (!answer?.more || answer.error || answer.loading || !this.grids.length) return;
    if (document.documentElement.scrollHeight - scrollY - innerHeight > NEAR) return;
    const before = answer.proven.length;
    await answer.next();
    if (this.answer !== answer || !this.root.isConnected) return;
    if (answer.proven.length !== before && !before) {
      this.closeGrids();
      this.draw();
    } else this.fill();
    this.drawHead();
    this.scrolled();
  }
}

/** A picture of nothing but a color, to ask with. */
function swatch(color) {
  const canvas = h("canvas", { width: 64, height: 64 });
  const context = canvas.getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, 64, 64);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** The order of a search's pictures, for going from one to the next. */
export function orderOf(route, page) {
  const answer = asking(address({ view: "search", ...question(route) }), question(route), page.session);
  return { answer, items: answer.browsing ? answer.items : [...answer.proven, ...answer.likely] };
}

/** The names of the collection's methods; none while nothing is indexed. */
export async function methodNames() {
  try {
    return (await get("/collection")).methods.map(({ name }) => name);
  } catch {
    return [];
  }
}

