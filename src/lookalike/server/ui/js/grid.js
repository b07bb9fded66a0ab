import { h } from "./dom.js";
import { justify, rowAt, shownRatio } from "./layout.js";

const AHEAD = 900; // pixels above and below the window that are also drawn
const BELOW = 32;

/**
 * A justified grid of which only what is near the window exists. make(i): the element of an item, an <a>; items have
 * width and height. One item is in the tab order; arrows, Home and End move between them.
 */
export class Grid {
  constructor({ label, make, aim, below = BELOW }) {
    Object.assign(this, { make, aim, below });
    this.items = [];
    this.shown = new Map();
    this.active = 0;
    this.element = h("div", { class: "tiles", role: "list", "aria-label": label });
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("focusin", (event) => this.focused(event));
    this.look = this.look.bind(this);
    this.watch = new ResizeObserver(() => this.arrange());
    this.watch.observe(this.element);
    addEventListener("scroll", this.look, { passive: true });
  }

  close() {
    this.watch.disconnect();
    removeEventListener("scroll", this.look);
  }

  /** Shows these items; those shown before stay as they are. */
  set(items) {
    this.items = items;
    this.ratios = items.map((item) => shownRatio(item.width, item.height));
    this.arrange();
  }

  arrange() {
    const width = this.element.clientWidth;
    if (!width || !this.items.length) return;
    const phone = width < 560;
    const aim = phone ? Math.min(this.aim * 0.62, 168) : Math.min(this.aim, 120 + width / 8);
    this.boxes = justify(this.ratios, width, aim, this.below, phone ? [8, 6] : [14, 14]);
    this.element.style.height = `${this.boxes.height}px`;
    for (const [i, tile] of this.shown) this.place(i, tile);
    this.draw();
  }

  look() {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
    });
  }

  draw() {
    if (!this.boxes || !this.element.isConnected) return;
    const { rows } = this.boxes;
    const top = -this.element.getBoundingClientRect().top;
    const from = rowAt(rows, top - AHEAD);
    const to = Math.min(rows.length, rowAt(rows, top + innerHeight + AHEAD) + 1);
    const [first, end] = from < rows.length ? [rows[from].first, rows[to - 1].end] : [0, 0];
    for (const [i, tile] of this.shown) {
      if ((i >= first && i < end) || tile.contains(document.activeElement)) continue;
      tile.remove();
      this.shown.delete(i);
    }
    for (let i = first; i < end; i++) if (!this.shown.has(i)) this.show(i);
  }

  show(i) {
    const link = this.make(this.items[i], i);
    link.tabIndex = i === this.active ? 0 : -1;
    const place = { role: "listitem", "aria-setsize": this.items.length, "aria-posinset": i + 1 };
    const tile = h("div", { class: "tile", ...place }, link);
    tile.dataset.place = i;
    this.place(i, tile);
    const next = [...this.element.children].find((other) => Number(other.dataset.place) > i);
    this.element.insertBefore(tile, next ?? null);
    this.shown.set(i, tile);
    return tile;
  }

  place(i, tile) {
    const { x, y, w, h: height } = this.boxes;
    tile.style.transform = `translate(${x[i]}px, ${y[i]}px)`;
    tile.style.width = `${w[i]}px`;
    tile.style.setProperty("--high", `${height[i]}px`);
  }

  focused(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    this.shown.get(this.active)?.firstElementChild.setAttribute("tabindex", "-1");
    this.active = Number(tile.dataset.place);
    tile.firstElementChild.tabIndex = 0;
  }

  /** Moves the focus to an item and brings it into view. */
  focus(i) {
    const tile = this.shown.get(i) ?? this.show(i);
    tile.firstElementChild.focus({ preventScroll: true });
    const box = tile.getBoundingClientRect();
    const above = 84;
    if (box.top < above) scrollBy(0, box.top - above);
    else if (box.bottom > innerHeight - 70) scrollBy(0, box.bottom - innerHeight + 70);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.boxes) return;
    const i = this.active;
    const last = this.items.length - 1;
    const to = {
      ArrowLeft: () => i - 1,
      ArrowRight: () => i + 1,
      ArrowUp: () => this.beside(i, -1),
      ArrowDown: () => this.beside(i, 1),
      Home: () => 0,
      End: () => last,
    }[event.key]?.();
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) this.before?.focusEnd();
    else if (to > last) this.after?.focus(0);
    else this.focus(to);
  }

  focusEnd() {
    this.focus(this.items.length - 1);
  }

  /** The item of the row above or below whose middle is nearest; -1 or the count outside of the grid. */
  beside(i, step) {
    const { rows, x, w } = this.boxes;
    const row = rows.findIndex(({ first, end }) => i >= first && i < end) + step;
    if (row < 0) return -1;
    if (row >= rows.length) return this.items.length;
    const middle = x[i] + w[i] / 2;
    let best = rows[row].first;
    for (let j = best; j < rows[row].end; j++) {
      if (Math.abs(x[j] + w[j] / 2 - middle) < Math.abs(x[best] + w[best] / 2 - middle)) best = j;
    }
    return best;
  }
}
