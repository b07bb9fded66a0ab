import { add } from "./api.js";
import { h, icon, say } from "./dom.js";
import { t } from "./i18n.js";

const TOGETHER = 24; // pictures in one request
const OF_ONE = [400, 408, 413, 422]; // statuses that one picture of several can be the reason of

/** Pictures of this device, added to the collection. done(): called when they have come. */
export class Upload {
  constructor(session, done) {
    Object.assign(this, { session, done });
    this.file = h("input", { type: "file", accept: "image/*,.heic,.heif,.avif,.dng", multiple: true, hidden: true, onchange: () => this.send([...this.file.files]) });
    this.button = h("button", { class: "button", type: "button", onclick: () => this.file.click() }, icon("plus"), t("upload.do"));
    this.told = h("div", { class: "job", role: "group", "aria-label": t("upload.title"), hidden: true });
    this.element = h("div", { class: "upload" }, h("div", { class: "add" }, h("p", { class: "soft small" }, t("upload.help")), this.button), this.file, this.told);
  }

  close() {
    this.stopping?.abort();
  }

  async send(files) {
    this.file.value = "";
    if (!files.length || this.stopping) return;
    this.stopping = new AbortController();
    this.button.disabled = true;
    const failed = [];
    let sent = 0;
    try {
      for (const some of portions(files, 0.9 * this.session.upload_bytes)) {
        this.tell(sent, files.length);
        failed.push(...(await this.portion(some)));
        sent += some.length;
      }
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
    this.button.disabled = false;
    this.stopping = null;
    const taken = sent - failed.length;
    const said = taken || !failed.length ? t("upload.done", { n: taken }) : "";
    this.show(said && h("p", {}, said, " ", taken ? h("a", { class: "link", href: "/" }, t("upload.see")) : null),
      failed.length && h("p", { role: "alert" }, t("upload.failed", { n: failed.length })),
      failed.length && h("ul", { class: "lines" }, failed.map((one) => h("li", {}, h("span", { dir: "auto" }, one.name), h("span", { class: "soft" }, one.reason)))));
    say([said, failed.length ? t("upload.failed", { n: failed.length }) : ""].join(" "));
    if (taken) await this.done();
  }

  /** Sends some; those that were not taken, with the reason. */
  async portion(files) {
    try {
      return (await add(files, this.stopping.signal)).failed;
    } catch (error) {
      if (error.name === "AbortError") throw error;
      const reason = error.reason || error.message || t("error.unreachable");
      if (files.length === 1 || !OF_ONE.includes(error.status)) return files.map(({ name }) => ({ name, reason }));
    }
    const failed = []; // one of them is the reason, the others are not to suffer for it
    for (const file of files) failed.push(...(await this.portion([file])));
    return failed;
  }

  tell(sent, of) {
    const share = Math.round((100 * sent) / of);
    const stop = h("button", { class: "button", type: "button", onclick: () => this.stopping.abort() }, t("job.cancel"));
    this.show(h("div", { class: "told" }, h("span", {}, t("upload.doing")), h("span", { class: "soft" }, t("job.of", { n: sent, of }))),
      h("div", { class: "meter", role: "progressbar", "aria-label": t("upload.doing"), "aria-valuenow": share, "aria-valuemin": 0, "aria-valuemax": 100 }, h("i", { style: { width: `${share}%` } })),
      stop);
  }

  show(...parts) {
    const told = parts.filter(Boolean);
    this.told.hidden = !told.length;
    this.told.replaceChildren(...told);
  }
}

/** Files in portions that are not too many and not too large together; one that is too large comes alone. */
function portions(files, most) {
  const made = [];
  let room = 0;
  for (const file of files) {
    if (!made.length || file.size > room || made.at(-1).length === TOGETHER) {
      made.push([]);
      room = most;
    }
    made.at(-1).push(file);
    room -= file.size;
  }
  return made;
}
