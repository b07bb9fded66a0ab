import { get, search } from "./api.js";
import { isProven } from "./explain.js";
import { kept } from "./kept.js";
import { parse } from "./query.js";
import { where } from "./routes.js";

const PAGES = [60, 240, 1200, 4000, 10000]; // each page is larger: asking again costs a whole search
const remembered = new Map(); // address of a question -> Asking, the last few
const MOST = 6;

/** The answer to a question, as far as it has been asked for; the same one when it is asked again. */
export function asking(key, question, session) {
  const found = remembered.get(key) ?? new Asking(question, session);
  remembered.delete(key);
  remembered.set(key, found);
  for (const old of [...remembered.keys()].slice(0, -MOST)) remembered.delete(old);
  return found;
}

/** After the collection has changed, or another visitor has come. */
export const forget = () => remembered.clear();

export class Asking {
  constructor(question, session) {
    this.question = question;
    this.most = session.k;
    this.terms = question.q ? parse(question.q) : [];
    this.items = []; // {match, ...picture}
    this.asked = [];
    this.notes = [];
    this.total = null;
    this.more = true;
    this.error = null;
    this.loading = null;
    this.page = 0;
    this.reached = 0; // matches that the server has gone through
  }

  get browsing() {
    return !this.terms.length;
  }

  get proven() {
    return this.items.filter((item) => item.match && isProven(item.match));
  }

  get likely() {
    return this.items.filter((item) => !item.match || !isProven(item.match));
  }

  get sum() {
    return this.terms.length > 1;
  }

  /** Asks for the next page; the same promise while one is on its way. */
  next() {
    if (!this.more || this.error) return Promise.resolve();
    this.loading ??= this.load()
      .catch((error) => {
        if (error.name !== "AbortError") this.error = error;
      })
      .finally(() => (this.loading = null));
    return this.loading;
  }

  retry() {
    this.error = null;
    return this.next();
  }

  async load() {
    const begun = performance.now();
    const size = PAGES[Math.min(this.page, PAGES.length - 1)];
    if (this.browsing) await this.browse(size);
    else await this.ask(Math.min(size, this.most - this.reached));
    this.page += 1;
    this.milliseconds = performance.now() - begun;
  }

  async browse(size) {
    const given = new URLSearchParams({ offset: this.items.length, limit: Math.min(1000, size), newest: "true" });
    const narrowed = where(this.question);
    if (narrowed) given.set("where", narrowed);
    const { pictures, total } = await get(`/pictures?${given}`);
    this.items = [...this.items, ...pictures.map((picture) => ({ ...picture, match: null }))];
    this.total = total;
    this.more = pictures.length > 0 && this.items.length < total;
  }

  async ask(k) {
    const { r, m, sure } = this.question;
    const pictures = [];
    const terms = [];
    for (const { kind, value, weight } of this.terms) {
      if (kind === "image") {
        const blob = await kept(value);
        if (!blob) throw Object.assign(new Error(""), { name: "PictureGone" });
        terms.push({ kind, value: pictures.push(blob) - 1, weight });
      } else terms.push({ kind, value, weight });
    }
    const asked = { terms, k, offset: this.reached };
    if (this.page === 0 && terms.some(({ kind }) => kind === "image" || kind === "url")) asked.preview = true;
    if (r) asked.region = r.split(",").map(Number);
    if (m) asked.methods = m.split(",");
    if (sure) asked.max_expected_false = 0.01;
    const narrowed = where(this.question);
    if (narrowed) asked.where = narrowed;
    const answer = await search(asked, pictures);
    const known = new Map(answer.pictures.map((picture) => [picture.id, picture]));
    const found = answer.matches.filter((match) => known.has(match.id));
    const itself = this.terms.length === 1 && this.terms[0].kind === "id" ? this.terms[0].value : null;
    this.reached += answer.matches.length;
    this.items = [...this.items, ...found.filter(({ id }) => id !== itself).map((match) => ({ ...known.get(match.id), match }))];
    if (this.page === 0) [this.asked, this.notes] = [answer.asked, answer.notes];
    this.more = answer.more && found.length > 0 && this.reached < this.most;
  }
}
