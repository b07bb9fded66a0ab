/** What stands beside the map: the picture that was opened, search, regions, the preview under the mouse. */
export class Panel {
  constructor(pictures, camera, painter) {
    Object.assign(this, { pictures, camera, painter });
    const ids = ["panel", "large", "name", "path", "near", "query", "count", "found", "regions", "preview"];
    for (const id of ids) this[id] = document.getElementById(id);
    document.getElementById("close").addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.query.addEventListener("input", () => this.find());
    this.query.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.goToFound();
      if (event.key !== "Escape") return;
      this.clear();
      this.painter.canvas.focus();
    });
    for (const region of pictures.regions) this.regions.append(this.regionItem(region));
    if (!pictures.regions.length) this.regions.closest("details").remove();
  }

  // -- the opened picture

  open(i) {
    const { pictures, painter } = this;
    painter.selected = i;
    this.hover(-1);
    const [folder, name] = splitPath(pictures.names[i]);
    this.name.textContent = name;
    const region = pictures.regions[pictures.region[i]];
    this.path.textContent = [pictures.folder, folder].filter(Boolean).join("/") + (region ? ` · ${region.name}` : "");
    this.near.replaceChildren(...pictures.near[i].map((other) => this.item(other, 80, false)));
    this.panel.hidden = false;
    this.panel.scrollTop = 0;
    this.thumbnail(this.large, i, 280);
    painter.request();
  }

  close() {
    if (this.panel.contains(document.activeElement)) painter.canvas.focus();
    this.panel.hidden = true;
    this.painter.selected = -1;
    this.painter.request();
  }

  /** Opens a picture and brings it to the middle, large enough to see what it shows. */
  go(i) {
    const { camera, pictures } = this;
    this.open(i);
    const near = Math.max(camera.scale, 140 / Math.max(pictures.w[i], pictures.h[i]));
    camera.fly(pictures.x[i], pictures.y[i], near);
  }

  hover(i, x = 0, y = 0) {
    const { camera, painter, pictures, preview } = this;
    if (i === painter.hovered && i < 0) return;
    if (i !== painter.hovered) {
      painter.hovered = i;
      painter.request();
      preview.hidden = i < 0;
      if (i < 0) return;
      const big = pictures.w[i] * camera.scale > 150;
      const canvas = preview.firstElementChild;
      canvas.hidden = big;
      if (!big) this.thumbnail(canvas, i, 200);
      preview.lastElementChild.textContent = splitPath(pictures.names[i])[1];
    }
    const { offsetWidth: width, offsetHeight: height } = preview;
    preview.style.left = `${Math.min(x + 18, innerWidth - width - 8)}px`;
    preview.style.top = `${y + 18 + height > innerHeight ? Math.max(8, y - 12 - height) : y + 18}px`;
  }

  // -- search and regions

  find() {
    const text = this.query.value.trim();
    const { painter, pictures } = this;
    if (!text) return this.clear();
    const found = pictures.search(text);
    painter.found = new Set(found); // in the order of the list
    painter.request();
    const shown = found.slice(0, 40);
    this.count.textContent = found.length
      ? `${found.length.toLocaleString()} found${found.length > shown.length ? `, the first ${shown.length}:` : ""}`
      : "nothing found";
    this.found.replaceChildren(...shown.map((i) => this.item(i, 36, true)));
  }

  /** The picture that was found, or the part of the map that holds most of those that were. */
  goToFound() {
    const found = [...(this.painter.found ?? [])];
    if (found.length === 1) this.go(found[0]);
    else if (found.length) this.show(found);
  }

  clear() {
    this.query.value = this.count.textContent = "";
    this.found.replaceChildren();
    this.painter.found = null;
    this.painter.request();
  }

  regionItem(region) {
    const button = document.createElement("button");
    const count = document.createElement("span");
    button.type = "button";
    count.textContent = region.of.length.toLocaleString();
    button.append(region.name, count);
    button.addEventListener("click", () => this.show(region.of));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  /** The middle four fifths of some pictures fill the window. */
  show(some) {
    const { camera, pictures } = this;
    const [left, right] = spread(some.map((i) => pictures.x[i]));
    const [top, bottom] = spread(some.map((i) => pictures.y[i]));
    const room = 4 * pictures.typical;
    const scale = Math.min(camera.width / (right - left + room), camera.height / (bottom - top + room));
    camera.fly((left + right) / 2, (top + bottom) / 2, scale);
  }

  // -- parts

  /** A list item with a button that leads to a picture. */
  item(i, side, named) {
    const button = document.createElement("button");
    button.type = "button";
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    this.thumbnail(canvas, i, side);
    button.append(canvas);
    if (named) button.append(this.pictures.names[i]);
    else button.ariaLabel = button.title = this.pictures.names[i];
    button.addEventListener("click", () => this.go(i));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  /** Draws a picture into a canvas of at most `side` CSS pixels: the coarse thumbnail, then the fine one. */
  async thumbnail(canvas, i, side) {
    const { painter, pictures } = this;
    const ratio = pictures.w[i] / pictures.h[i];
    const width = Math.round(side * Math.min(1, ratio));
    const height = Math.round(side * Math.min(1, 1 / ratio));
    canvas.width = width * painter.density;
    canvas.height = height * painter.density;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.shows = i;
    const context = canvas.getContext("2d");
    painter.small.draw(context, i, 0, 0, canvas.width, canvas.height);
    await painter.large.load(Math.floor(i / painter.large.perSheet));
    if (canvas.shows === i) painter.large.draw(context, i, 0, 0, canvas.width, canvas.height);
  }
}

function splitPath(path) {
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return [path.slice(0, Math.max(cut, 0)), path.slice(cut + 1)];
}

/** The values below and above which a tenth of them lies. */
function spread(values) {
  const sorted = Float64Array.from(values).sort();
  return [sorted[Math.floor(sorted.length * 0.1)], sorted[Math.floor((sorted.length - 1) * 0.9)]];
}
