import { drop, get, post } from "./api.js";
import { h } from "./dom.js";
import { has, t } from "./i18n.js";

const FINAL = ["done", "failed", "cancelled"];

/** Long work of one kind: begun here or elsewhere, with its progress, and what to do when it has ended. */
export class JobBar {
  constructor(kind, ended) {
    Object.assign(this, { kind, ended });
    this.job = null;
    this.element = h("div", { class: "job", role: "group", "aria-label": t(`job.${kind}`), hidden: true });
  }

  /** Goes on with one that is running already. */
  async find() {
    const { jobs } = await get("/jobs").catch(() => ({ jobs: [] }));
    const running = jobs.find((job) => job.kind === this.kind && !FINAL.includes(job.state));
    if (running) this.follow(running);
  }

  async start(asked = {}) {
    if (this.job) return;
    try {
      this.follow(await post("/jobs", { kind: this.kind, ...asked }));
    } catch (error) {
      this.tell(h("p", { role: "alert" }, error.message));
    }
  }

  follow(job) {
    this.close();
    this.show(job);
    this.stream = new EventSource(`/api/v1/jobs/${job.id}/events`);
    this.stream.addEventListener("job", (event) => this.show(JSON.parse(event.data)));
  }

  show(job) {
    this.job = job;
    if (FINAL.includes(job.state)) {
      this.close();
      const told = job.state === "failed" ? h("p", { role: "alert" }, job.message) : job.state === "cancelled" ? h("p", {}, t("job.cancelled")) : null;
      this.tell(told);
      return this.ended(job);
    }
    const { done = 0, total = 0, doing = "" } = job.progress ?? {};
    const share = total ? Math.min(1, done / total) : 0;
    const text = doing && has(`doing.${doing}`) ? t(`doing.${doing}`) : doing || t(`job.${job.state}`);
    this.tell(
      h("div", { class: "told" }, h("span", {}, text), h("span", { class: "soft" }, total > 1 ? t("job.of", { n: done, of: total }) : "")),
      h("div", { class: "meter", role: "progressbar", "aria-label": text, "aria-valuenow": Math.round(100 * share), "aria-valuemin": 0, "aria-valuemax": 100 },
        h("i", { style: { width: `${100 * share}%` } })),
      h("button", { class: "button", type: "button", onclick: () => drop(`/jobs/${job.id}`) }, t("job.cancel")),
    );
  }

  /** Keeps the focus where it is when only numbers change. */
  tell(...parts) {
    const told = parts.filter(Boolean);
    const focused = this.element.contains(document.activeElement);
    this.element.hidden = !told.length;
    this.element.replaceChildren(...told);
    if (focused) this.element.querySelector("button")?.focus();
  }

  close() {
    this.stream?.close();
    this.stream = this.job = null;
  }
}

