/** The pictures: frames in map units, names, neighbours, regions; and which of them lie where. */
export class Pictures {
  constructor(raw) {
    const { unit, frames } = raw;
    this.count = raw.names.length;
    this.names = raw.names;
    this.folder = raw.folder;
    this.near = raw.near;
    this.width = raw.size[0] / unit;
    this.height = raw.size[1] / unit;
    this.x = new Float32Array(this.count);
    this.y = new Float32Array(this.count);
    this.w = new Float32Array(this.count);
    this.h = new Float32Array(this.count);
    for (let i = 0; i < this.count; i++) {
      this.x[i] = frames[4 * i] / unit;
      this.y[i] = frames[4 * i + 1] / unit;
      this.w[i] = frames[4 * i + 2] / unit;
      this.h[i] = frames[4 * i + 3] / unit;
    }
    this.layer = Uint32Array.from(raw.layers);
    this.words = raw.words ?? [];
    this.shown = raw.shown ?? [];
    this.regions = raw.regions.map(({ name, x, y, of }) => ({ name, x: x / unit, y: y / unit, of }));
    this.region = new Int32Array(this.count).fill(-1);
    this.regions.forEach((region, number) => region.of.forEach((i) => (this.region[i] = number)));
    this.typical = this.count ? this.w.slice().sort()[this.count >> 1] : 1;
    this.cells = this.sortIntoCells();
  }

  /** A coarse grid over the map: for each cell the pictures whose middle is in it. */
  sortIntoCells() {
    this.side = Math.max(1, Math.ceil(Math.sqrt(this.count / 8)));
    const cells = Array.from({ length: this.side * this.side }, () => []);
    this.reach = [0, 0];
    for (let i = 0; i < this.count; i++) {
      cells[this.cell(this.x[i]) + this.side * this.cell(this.y[i])].push(i);
      this.reach = [Math.max(this.reach[0], this.w[i] / 2), Math.max(this.reach[1], this.h[i] / 2)];
    }
    return cells;
  }

  cell(coordinate) {
    return Math.min(this.side - 1, Math.max(0, Math.floor(coordinate * this.side)));
  }

  /** Pictures that touch a rectangle of the map, in the order in which they are drawn. */
  within(left, top, right, bottom) {
    const [wide, high] = this.reach;
    const found = [];
    for (let row = this.cell(top - high); row <= this.cell(bottom + high); row++) {
      for (let column = this.cell(left - wide); column <= this.cell(right + wide); column++) {
        for (const i of this.cells[column + this.side * row]) {
          const dx = this.w[i] / 2;
          const dy = this.h[i] / 2;
          if (this.x[i] + dx > left && this.x[i] - dx < right && this.y[i] + dy > top && this.y[i] - dy < bottom) {
            found.push(i);
          }
        }
      }
    }
    return found.sort((a, b) => this.layer[a] - this.layer[b]);
  }

  /** The picture on top at a point of the map, or -1. */
  at(x, y) {
    const found = this.within(x, y, x, y);
    return found.length ? found[found.length - 1] : -1;
  }

  /**
   * Pictures that show what the text says, the likeliest first; then those whose path, or the name of whose region,
   * holds it, in the order of their paths.
   */
  search(text) {
    const wanted = text.toLowerCase();
    this.lower ??= this.names.map((name, i) => `${name}\n${this.regions[this.region[i]]?.name ?? ""}`.toLowerCase());
    const fit = this.showing(wanted);
    const found = [...fit.keys()];
    this.lower.forEach((name, i) => name.includes(wanted) && !fit.has(i) && found.push(i));
    return found.sort((a, b) => (fit.get(b) ?? 0) - (fit.get(a) ?? 0) || (this.names[a] < this.names[b] ? -1 : 1));
  }

  /** Of the pictures that show all of the everyday words in a text, how well the least fitting of them fits. */
  showing(text) {
    const asked = this.known(text);
    const fit = new Map();
    if (!asked.length) return fit;
    this.shown.forEach((pairs, i) => {
      let least = Infinity;
      for (const word of asked) {
        let best = 0;
        for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === word) best = pairs[at + 1];
        least = Math.min(least, best);
      }
      if (least > 0) fit.set(i, least);
    });
    return fit;
  }

  /** The numbers of the everyday words in a text, in the singular or the plural. */
  known(text) {
    const said = text.split(/[^\p{L}]+/u).map(forms);
    const says = (phrase) => said.some((_, at) => phrase.every((word, k) => forms(word).some((form) => said[at + k]?.includes(form))));
    return [...this.words.keys()].filter((number) => says(this.words[number].split(" ")));
  }
}

/** A word, and what it may be the plural of. */
function forms(word) {
  return [word, word.replace(/s$/, ""), word.replace(/es$/, ""), word.replace(/ies$/, "y")];
}
