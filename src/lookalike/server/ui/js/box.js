import { thumbnail } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { addressOf, keep } from "./kept.js";
import { format, isAddress, parse } from "./query.js";

/** The one box to ask with: words, pictures, addresses, and their sum as chips. ask(terms) is called with the question. */
export class Box {
  constructor(session, ask) {
    this.session = session;
    this.ask = ask;
    this.terms = [];
    this.chips = h("ul", { class: "chips", "aria-label": t("box.terms") });
    this.input = h("input", {
      type: "search", id: "words", name: "q", autocomplete: "off", spellcheck: "false", enterkeyhint: "search",
      "aria-label": t("box.label"), maxlength: 9000, dir: "auto",
      onkeydown: (event) => this.key(event),
    });
    this.file = h("input", { type: "file", accept: "image/*,.heic,.heif,.avif,.dng", hidden: true, onchange: () => this.picked(this.file) });
    this.shot = h("input", { type: "file", accept: "image/*", capture: "environment", hidden: true, onchange: () => this.picked(this.shot) });
    const press = (name, label, does, kind = "") =>
      h("button", { class: `plain ${kind}`, type: "button", "aria-label": label, title: label, onclick: does }, icon(name));
    this.clearing = press("close", t("box.clear"), () => this.clear());
    this.element = h(
      "form",
      { class: "box", role: "search", onsubmit: (event) => this.submit(event) },
      h("div", { class: "field-line" }, icon("search"), this.chips, this.input, this.clearing,
        press("picture", t("box.picture"), () => this.pick(false)),
        press("camera", t("box.camera"), () => this.shot.click(), "camera"),
        h("button", { class: "plain go", type: "submit", "aria-label": t("box.go"), title: t("box.go") }, icon("go"))),
      this.file, this.shot,
    );
    this.input.addEventListener("input", () => this.tidy());
    this.input.addEventListener("paste", (event) => this.pasted(event));
    this.show([]);
  }

  /** Shows a question; a single text stays text, everything else becomes chips. */
  show(terms) {
    this.terms = terms;
    const plain = terms.length === 1 && terms[0].kind === "text" && terms[0].weight === 1;
    this.input.value = plain ? format(terms) : "";
    this.fixed = plain ? [] : terms;
    this.chips.replaceChildren(...this.fixed.map((term, place) => this.chip(term, place)));
    if (this.fixed.length) this.chips.append(this.adder());
    this.input.placeholder = this.fixed.length ? t("box.more") : t("box.empty");
    this.tidy();
  }

  tidy() {
    this.clearing.hidden = !this.input.value && !this.fixed.length;
  }

  chip(term, place) {
    const minus = term.weight < 0;
    const name = { text: term.value, id: t("chip.id", { id: String(term.value) }), image: t("chip.image"), url: t("chip.url") }[term.kind];
    const size = Math.abs(term.weight);
    const image = term.kind === "id" ? h("img", { alt: "", src: thumbnail(term.value, 160) }) : term.kind === "image" ? h("img", { alt: "" }) : null;
    if (term.kind === "image") addressOf(term.value).then((found) => (found ? (image.src = found) : image.remove()));
    const only = this.fixed.length === 1;
    return h(
      "li",
      { class: minus ? "chip minus" : "chip" },
      h("button", {
        type: "button", "aria-label": t(minus ? "chip.plus" : "chip.minus", { name }), title: t(minus ? "chip.plus" : "chip.minus", { name }),
        disabled: only, hidden: only, onclick: () => this.change(this.fixed.with(place, { ...term, weight: -term.weight })),
      }, icon(minus ? "minus" : "plus")),
      image, h("span", { class: "words", dir: "auto", title: term.kind === "url" ? term.value : null, style: only ? { "padding-left": "10px" } : {} },
        size === 1 ? name : `${size} × ${name}`),
      h("button", { type: "button", "aria-label": t("chip.remove", { name }), title: t("chip.remove", { name }),
        onclick: () => this.change(this.fixed.filter((_, other) => other !== place)) }, icon("close")),
    );
  }

  adder() {
    return h("li", { class: "chip" }, h("button", { type: "button", "aria-label": t("chip.add"), title: t("chip.add"), onclick: () => this.pick(true) }, icon("picture")));
  }

  /** Asks with other terms; when only minus is left there is nothing to ask. */
  change(terms) {
    const first = terms.length && terms.every((term) => term.weight < 0) ? [{ ...terms[0], weight: -terms[0].weight }, ...terms.slice(1)] : terms;
    this.ask(first);
    this.input.focus();
  }

  key(event) {
    if (event.key !== "Backspace" || this.input.value || !this.fixed.length) return;
    event.preventDefault(); // of what then stands in the box
    this.change(this.fixed.slice(0, -1));
  }

  submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text && !this.fixed.length) return this.ask([]);
    const typed = text ? parse(text) : [];
    const usable = typed.filter((term) => term.kind !== "image");
    this.ask([...this.fixed, ...usable]);
  }

  clear() {
    this.ask([]);
    this.show([]);
    this.input.focus();
  }

  pick(adding) {
    this.adding = adding;
    this.file.click();
  }

  async picked(input) {
    const [file] = input.files;
    input.value = "";
    if (file) await this.picture(file, input === this.file && this.adding);
    this.adding = false;
  }

  pasted(event) {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    const text = event.clipboardData.getData("text/plain").trim();
    if (file) {
      event.preventDefault();
      event.stopPropagation();
      this.picture(file, false);
    } else if (isAddress(text) && !this.input.value && this.session.fetch) {
      event.preventDefault();
      this.ask([...this.fixed, { kind: "url", value: text, weight: 1 }]);
    }
  }

  /** Asks with a picture, alone or added to what is asked. */
  async picture(file, adding) {
    const term = { kind: "image", value: await keep(file), weight: 1 };
    const before = this.fixed.length ? this.fixed : this.terms;
    this.ask(adding ? [...before, term] : [term]);
  }

  address(url, adding) {
    const term = { kind: "url", value: url, weight: 1 };
    this.ask(adding ? [...this.terms, term] : [term]);
  }
}

/** Pictures dropped anywhere on the window, and pasted outside of the box. */
export function catchDrops(box) {
  let zone = null;
  const close = () => {
    zone?.remove();
    zone = null;
  };
  const holds = (event) => [...(event.dataTransfer?.types ?? [])].some((type) => type === "Files" || type === "text/uri-list");
  const target = (name, text, adding) => {
    const place = h("div", { class: "target" }, icon(name), text);
    place.addEventListener("dragenter", () => place.classList.add("over"));
    place.addEventListener("dragleave", () => place.classList.remove("over"));
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      const file = event.dataTransfer.files[0];
      const url = event.dataTransfer.getData("text/uri-list").split(/\r?\n/).find((line) => line && !line.startsWith("#"));
      if (file) box.picture(file, adding);
      else if (url) dropAddress(box, url, adding);
      close();
    });
    return place;
  };
  addEventListener("dragenter", (event) => {
    if (!holds(event) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (zone) return;
    zone = h("div", { class: "drop" }, target("search", t("drop.new"), false), box.terms.length ? target("plus", t("drop.add"), true) : null);
    document.body.append(zone);
  });
  addEventListener("dragover", (event) => zone && event.preventDefault());
  addEventListener("dragleave", (event) => !event.relatedTarget && close());
  addEventListener("drop", (event) => {
    event.preventDefault();
    close();
  });
  addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea, dialog")) return;
    box.pasted(event);
  });
}

/** A hit of this page that was dropped is asked by its id, other addresses are fetched by the server. */
function dropAddress(box, url, adding) {
  const to = new URL(url, location.href);
  const own = to.origin === location.origin && /^\/(?:picture|api\/v1\/pictures)\/(\d+)/.exec(to.pathname);
  if (own) box.ask([...(adding ? box.terms : []), { kind: "id", value: Number(own[1]), weight: 1 }]);
  else if (box.session.fetch) box.address(url, adding);
}
