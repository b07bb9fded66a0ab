import { get } from "./api.js";
import { forget } from "./asking.js";
import { h, icon } from "./dom.js";
import { methods, models, scores } from "./figures.js";
import { bytes, number, t } from "./i18n.js";
import { JobBar } from "./jobs.js";
import { failure } from "./states.js";
import { Upload } from "./upload.js";

const FAILURES = 100;

/** What the collection holds, and what keeps it up to date. */
export class CollectionView {
  constructor(root, page) {
    Object.assign(this, { root, page });
    const may = (role) => ["none", "visitor", "read", "write", "admin"].indexOf(page.session.role) >= role;
    [this.reads, this.writes, this.admin] = [may(2), may(3), may(4)];
    this.indexing = new JobBar("index", (job) => this.indexed(job));
    this.evaluating = new JobBar("evaluate", () => this.draw());
    this.uploading = new Upload(page.session, () => this.changed());
  }

  async show() {
    this.page.lend(this.page.box.element);
    this.page.box.show([]);
    document.title = `${t("nav.collection")} - lookalike`;
    await this.draw();
    if (this.reads) await Promise.all([this.indexing.find(), this.evaluating.find()]);
  }

  close() {
    this.indexing.close();
    this.evaluating.close();
    this.uploading.close();
  }

  async indexed(job) {
    if (job.state === "done") {
      const { added, updated, removed } = job.result;
      this.news = t("collection.indexed", { added: count(added), updated: count(updated), removed: count(removed) });
    }
    await this.changed();
  }

  async changed() {
    forget();
    this.page.facets = null;
    await this.draw();
  }

  async draw() {
    let about;
    try {
      const nothing = { failures: [], total: 0 };
      const [info, failures, evaluation, networks] = await Promise.all([
        get("/collection"),
        this.reads ? get(`/failures?limit=${FAILURES}`) : nothing,
        this.reads ? get("/evaluation").catch(() => null) : null,
        this.reads ? get("/models").catch(() => null) : null,
      ]);
      about = { info, failures, evaluation, networks };
    } catch (error) {
      return this.root.replaceChildren(failure(error, () => this.draw()));
    }
    this.page.methods = about.info.methods.map(({ name }) => name);
    const { info } = about;
    this.root.replaceChildren(h("div", { class: "page" },
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, t("nav.collection")), h("p", { class: "soft", dir: "auto" }, info.path)),
        h("dl", { class: "numbers" }, this.figure(number(info.pictures), "pictures"), this.figure(number(info.failed), "failed"), this.figure(bytes(info.bytes), "bytes"))),
      this.news && h("p", { class: "note", role: "status" }, icon("check"), this.news),
      this.folders(info), about.failures.total ? this.failures(about.failures) : "", this.methods(info),
      about.networks && this.models(about.networks), this.evaluation(about.evaluation)));
  }

  figure(value, name) {
    return h("div", {}, h("dt", {}, t(`collection.${name}`)), h("dd", {}, value));
  }

  folders(info) {
    const field = h("input", { type: "text", name: "path", required: true, placeholder: "/home/me/Pictures", spellcheck: "false", dir: "auto" });
    const add = h("form", { class: "add", onsubmit: (event) => {
      event.preventDefault();
      this.indexing.start({ paths: [field.value.trim()] });
    } }, h("label", { class: "field" }, h("span", {}, t("collection.add")), field), h("button", { class: "button" }, t("collection.add.do")));
    return h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, t("collection.folders")),
      this.writes && h("button", { class: "button main", type: "button", onclick: () => this.indexing.start() }, t("collection.update"))),
    info.roots.length ? h("ul", { class: "lines" }, info.roots.map((root) => h("li", { dir: "auto" }, root))) : h("p", { class: "soft" }, t("collection.none")),
    this.indexing.element, this.writes && add, this.writes && h("p", { class: "soft small" }, t("collection.add.help")),
    this.writes && this.uploading.element);
  }

  failures({ failures, total }) {
    return h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, t("collection.failures", { n: total })),
      this.writes && h("button", { class: "button", type: "button", onclick: () => this.indexing.start({ retry: true }) }, t("collection.retry"))),
    h("ul", { class: "lines scroll", tabindex: "0", "aria-label": t("collection.failures", { n: total }) },
      failures.map((one) => h("li", {}, h("span", { dir: "auto" }, one.path), h("span", { class: "soft" }, one.reason)))),
    total > failures.length && h("p", { class: "soft small" }, t("collection.failures.more", { n: total - failures.length })));
  }

  methods(info) {
    return h("section", { class: "card" }, h("h2", {}, t("collection.methods")), methods(info.methods));
  }

  models({ models: found }) {
    return h("section", { class: "card" }, h("h2", {}, t("models.title")), models(found), h("p", { class: "soft small" }, t("models.help")));
  }

  evaluation(found) {
    return h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, t("collection.evaluation")),
      h("div", { class: "row" }, found && this.admin && h("a", { class: "button", href: "/api/v1/evaluation/report", target: "_blank", rel: "noopener" }, t("collection.report")),
        this.writes && h("button", { class: "button", type: "button", onclick: () => this.evaluating.start() }, t("collection.evaluate")))),
    h("p", { class: "soft" }, found ? t("collection.evaluated", { n: found.pictures, date: new Date(1000 * found.made).toLocaleDateString(document.documentElement.lang) }) : t("collection.evaluate.help")),
    found && scores(found.methods), found && h("p", { class: "soft small" }, t("scores.help")), this.evaluating.element);
  }
}

const count = (value) => (Array.isArray(value) ? value.length : Number(value ?? 0));
