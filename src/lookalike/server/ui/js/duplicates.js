import { ApiError, get, post, thumbnail } from "./api.js";
import { forget } from "./asking.js";
import { h, icon, say, sheet } from "./dom.js";
import { chance } from "./explain.js";
import { bytes, has, number, t } from "./i18n.js";
import { JobBar } from "./jobs.js";
import { action, failure, state } from "./states.js";

const PAGE = 50;
const BLINK = 650;
const SCENE = "same scene";

/** What is there twice: the least sure first; which to keep is chosen here, and copies are moved away by a plan. */
export class DuplicatesView {
  constructor(root, page) {
    Object.assign(this, { root, page });
    const roles = ["none", "visitor", "read", "write", "admin"];
    [this.reads, this.writes, this.admin] = [2, 3, 4].map((role) => roles.indexOf(page.session.role) >= role);
    this.looking = new JobBar("duplicates", () => this.load());
    this.choices = new Map(); // number of a group -> {keep, move: Set}
    this.groups = [];
  }

  async show() {
    this.page.lend(this.page.box.element);
    this.page.box.show([]);
    document.title = `${t("nav.duplicates")} - lookalike`;
    if (!this.reads) return this.root.replaceChildren(failure(new ApiError(403, "Forbidden", "")));
    await this.load();
    await this.looking.find();
  }

  close() {
    this.looking.close();
  }

  async load() {
    this.groups = [];
    this.choices.clear();
    try {
      await this.next();
    } catch (error) {
      if (error.status !== 404) return this.root.replaceChildren(failure(error, () => this.load()));
      return this.root.replaceChildren(state(t("twins.never"), t("twins.never.text"),
        this.writes && action(t("twins.look"), () => this.looking.start(), true)), h("div", { class: "narrow" }, this.looking.element));
    }
    this.draw();
  }

  async next() {
    this.about = await get(`/duplicates?unsure=true&offset=${this.groups.length}&limit=${PAGE}`);
    for (const group of this.about.groups) {
      this.choices.set(group.number, { keep: group.keeper, move: this.others(group, group.keeper) });
    }
    this.groups.push(...this.about.groups);
  }

  draw() {
    const { about } = this;
    if (!about.total) {
      return this.root.replaceChildren(state(t("twins.none"), t("twins.none.text"),
        this.writes && action(t("twins.again"), () => this.looking.start())), h("div", { class: "narrow" }, this.looking.element));
    }
    this.list = h("ol", { class: "twins" }, this.groups.map((group) => this.group(group)));
    this.list.addEventListener("keydown", (event) => this.keys(event));
    const more = this.groups.length < about.total && h("div", { class: "end" }, action(t("twins.more", { n: about.total - this.groups.length }), async () => {
      const before = this.groups.length;
      await this.next();
      this.draw();
      this.list.children[before]?.focus();
    }));
    this.root.replaceChildren(h("div", { class: "page" },
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, t("nav.duplicates")),
        h("p", { class: "soft" }, t("twins.lede"))), this.writes && action(t("twins.again"), () => this.looking.start())),
      this.looking.element, this.list, more || ""), this.foot = h("div", { class: "plan-bar" }));
    this.sum();
  }

  group(group) {
    const item = h("li", { class: "card twin", tabindex: "0", "aria-labelledby": `twin-${group.number}` });
    item.group = group;
    this.fill(item);
    return item;
  }

  fill(item) {
    const { group } = item;
    const choice = this.choices.get(group.number);
    const suggested = choice.keep === group.keeper;
    item.classList.toggle("left", !choice.move.size);
    const kind = has(`kind.${group.kind}`) ? t(`kind.${group.kind}`) : group.kind;
    item.replaceChildren(
      h("div", { class: "card-head" },
        h("div", {}, h("h2", { id: `twin-${group.number}` }, t("twins.group", { kind, n: group.members.length })),
          h("p", { class: "soft small" }, [suggested ? t("twins.reason", { reason: group.reason }) : t("twins.chosen"), chance(group.expected_false)].join(" · "))),
        h("div", { class: "row" }, h("button", { class: "button", type: "button", onclick: () => this.blink(group) }, t("compare.blink")),
          h("button", { class: "button", type: "button", "aria-pressed": String(!choice.move.size), onclick: () => this.toggle(item) }, t("twins.leave")))),
      h("ul", { class: "members" }, group.members.map((member, place) => this.member(item, member, place, choice))));
  }

  member(item, member, place, choice) {
    const kept = member.id === choice.keep;
    const name = member.path.split(/[/\\]/).pop();
    const kind = has(`kind.${member.kind}`) ? t(`kind.${member.kind}`) : member.kind;
    const image = h("img", { alt: "", loading: "lazy", src: thumbnail(member.id, 320) });
    image.addEventListener("error", () => image.replaceWith(h("span", { class: "missing" }, t("picture.unseen"))));
    const told = [kept ? null : kind, `${number(member.width)} × ${number(member.height)}`, bytes(member.bytes)].filter(Boolean).join(" · ");
    const badge = kept ? t("twins.keep") : choice.move.has(member.id) ? t("twins.move") : t("twins.stay");
    return h("li", { class: kept ? "member kept" : choice.move.has(member.id) ? "member" : "member stays" },
      h("button", { class: "face", type: "button", "aria-pressed": String(kept), "aria-label": `${badge}: ${name}`, title: t("twins.keep.this", { name }), onclick: () => this.keep(item, member.id) },
        h("span", { class: "shot" }, image), h("span", { class: "badge" }, badge),
        place < 9 && h("span", { class: "digit", "data-key": String(place + 1) })),
      h("p", { class: "name", dir: "auto", title: member.path }, h("a", { href: `/picture/${member.id}` }, name)), h("p", { class: "soft small" }, told));
  }

  keep(item, id) {
    const { group } = item;
    this.choices.set(group.number, { keep: id, move: this.others(group, id) });
    this.redraw(item);
  }

  /** The copies besides the one to keep; another photograph of the same scene is none. */
  others(group, keep) {
    return new Set(group.members.filter(({ id, kind }) => id !== keep && kind !== SCENE).map(({ id }) => id));
  }

  toggle(item) {
    const choice = this.choices.get(item.group.number);
    if (choice.move.size) choice.move.clear();
    else choice.move = this.others(item.group, choice.keep);
    this.redraw(item);
  }

  /** Draws a group anew, the focus staying at the same control. */
  redraw(item) {
    const controls = () => [...item.querySelectorAll("button, a")];
    const place = controls().indexOf(document.activeElement);
    this.fill(item);
    if (place >= 0) controls()[place]?.focus();
    this.sum();
  }

  sum() {
    let [files, size] = [0, 0];
    for (const { number: n, members } of this.groups) {
      for (const { id, bytes: count } of members) if (this.choices.get(n).move.has(id)) [files, size] = [files + 1, size + count];
    }
    const text = t("twins.sum", { n: files, size: bytes(size) });
    this.foot.replaceChildren(h("p", {}, text), ...[this.admin && h("button", { class: "button main", type: "button", disabled: !files, onclick: () => this.preview() }, t("twins.preview"))].filter(Boolean));
    say(text);
  }

  keys(event) {
    const item = event.target.closest(".twin");
    if (event.ctrlKey || event.metaKey || event.altKey || !item) return;
    const step = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    const member = /^[1-9]$/.test(event.key) ? item.group.members[Number(event.key) - 1] : null;
    if (step) {
      const next = step > 0 ? item.nextElementSibling : item.previousElementSibling;
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
    } else if (member) this.keep(item, member.id);
    else if (event.key === "x") this.toggle(item);
    else if (event.key === "b") this.blink(item.group);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The one to keep and another one, large, in turn at the same place. */
  blink(group) {
    const { keep } = this.choices.get(group.number);
    const shown = [keep, ...group.members.map(({ id }) => id).filter((id) => id !== keep)];
    const members = new Map(group.members.map((member) => [member.id, member]));
    let [other, first] = [1, true];
    const image = h("img", { alt: "" });
    const label = h("p", { class: "small", "aria-live": "polite" });
    const draw = () => {
      const member = members.get(first ? keep : shown[other]);
      image.src = thumbnail(member.id, 1280);
      image.alt = member.path;
      label.textContent = `${first ? t("twins.keep") : t("twins.move")}: ${member.path.split(/[/\\]/).pop()} · ${number(member.width)} × ${number(member.height)} · ${bytes(member.bytes)}`;
    };
    const flip = () => {
      first = !first;
      draw();
    };
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const timer = calm ? 0 : setInterval(flip, BLINK);
    const dialog = sheet(t("compare.blink"), t("close"), "blinking", h("div", { class: "shot" }, image), label,
      h("div", { class: "row" }, h("button", { class: "button main", type: "button", onclick: () => { clearInterval(timer); flip(); } }, t("compare.switch")),
        shown.length > 2 && h("button", { class: "button", type: "button", onclick: () => { other = (other % (shown.length - 1)) + 1; draw(); } }, t("twins.another"))));
    dialog.addEventListener("keydown", (event) => event.key === "b" && (clearInterval(timer), flip()));
    dialog.addEventListener("close", () => clearInterval(timer));
    draw();
    dialog.querySelector(".main").focus();
  }

  async preview() {
    const choices = this.groups.filter(({ number: n }) => this.choices.get(n).move.size)
      .map(({ number: n }) => ({ number: n, keep: this.choices.get(n).keep, move: [...this.choices.get(n).move] }));
    let plan;
    try {
      plan = await post("/duplicates/plans", { choices });
    } catch (error) {
      return void sheet(t("twins.plan"), t("close"), "plan", h("p", { role: "alert" }, error.message));
    }
    const apply = h("button", { class: "button main", type: "button", disabled: !plan.to, onclick: () => this.carryOut(plan, body, "apply") }, t("twins.apply"));
    const body = h("div", { class: "inside-plan" }, h("p", {}, plan.to ? t("twins.plan.text", { n: plan.files, size: bytes(plan.bytes), to: plan.to }) : t("twins.plan.nowhere")),
      h("ul", { class: "lines scroll", tabindex: "0", "aria-label": t("twins.plan") }, plan.groups.map((group) => h("li", {}, h("span", { dir: "auto" }, icon("check"), group.keep), group.move.map((path) => h("span", { class: "soft", dir: "auto" }, icon("go"), path))))),
      h("div", { class: "row" }, apply));
    sheet(t("twins.plan"), t("close"), "plan", body);
  }

  async carryOut(plan, body, what) {
    body.querySelectorAll("button").forEach((button) => (button.disabled = true));
    let told;
    try {
      told = await post(`/duplicates/plans/${plan.id}/${what}`);
    } catch (error) {
      return body.replaceChildren(h("p", { role: "alert" }, error.message));
    }
    forget();
    const text = t(what === "apply" ? "twins.moved" : "twins.back", { n: told.moved.length });
    const again = h("button", { class: "button", type: "button", onclick: () => this.carryOut(plan, body, "undo") }, icon("undo"), t("twins.undo"));
    body.replaceChildren(h("p", { role: "status" }, text),
      told.left.length ? h("ul", { class: "lines scroll", tabindex: "0", "aria-label": t("twins.left") }, told.left.map((one) => h("li", {}, h("span", { dir: "auto" }, one.path), h("span", { class: "soft" }, one.reason)))) : "",
      what === "apply" ? h("div", { class: "row" }, again) : "");
    body.querySelector("button")?.focus();
    say(text);
  }
}
