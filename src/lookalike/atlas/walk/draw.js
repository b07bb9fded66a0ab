const DIMMED = 0.12; // opacity of pictures that a search did not find
const OVERVIEW = 2560; // pixels of the longer side of the map drawn once as a whole: 26 MB

/**
 * Draws what the camera sees: from afar all pictures at once from one picture of them, nearer coarse thumbnails, then
 * fine ones; and the names of regions.
 */
export class Painter {
  constructor(canvas, pictures, camera, small, large) {
    Object.assign(this, { canvas, pictures, camera, small, large });
    this.context = canvas.getContext("2d", { alpha: false });
    this.hovered = this.selected = -1;
    this.found = null; // a Set of pictures that a search found, or null
    this.waiting = 0;
    this.labels = new Map();
    this.readColors();
  }

  readColors() {
    const style = getComputedStyle(document.documentElement);
    this.canvas.style.transition = "none"; // a color on its way is not the color meant
    const resolve = (name) => {
      this.canvas.style.color = style.getPropertyValue(name);
      return getComputedStyle(this.canvas).color;
    };
    [this.ground, this.ink, this.accent] = ["--ground", "--ink", "--accent"].map(resolve);
    this.labels.clear();
  }

  resize() {
    this.density = Math.min(2, devicePixelRatio || 1);
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.canvas.width = Math.max(1, Math.round(width * this.density));
    this.canvas.height = Math.max(1, Math.round(height * this.density));
    this.labels.clear();
    this.camera.resize(width, height);
  }

  /** Draws with the next frame, once however often it is asked for. */
  request() {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.paint();
    });
  }

  paint() {
    const { context, camera, pictures } = this;
    context.setTransform(this.density, 0, 0, this.density, 0, 0);
    context.fillStyle = this.ground;
    context.fillRect(0, 0, camera.width, camera.height);
    const overview = camera.scale * this.density <= OVERVIEW && this.wholeMap();
    if (overview) {
      context.globalAlpha = this.found ? DIMMED : 1;
      const [width, height] = [pictures.width * camera.scale, pictures.height * camera.scale];
      context.drawImage(overview, camera.screenX(0), camera.screenY(0), width, height);
    }
    const seen = pictures.within(camera.mapX(0), camera.mapY(0), camera.mapX(camera.width), camera.mapY(camera.height));
    const across = pictures.typical * camera.scale * this.density;
    const fine = across > 1.25 * this.small.side;
    if (fine) this.large.touch(new Set(seen.map((i) => Math.floor(i / this.large.perSheet))));
    context.imageSmoothingQuality = fine && across < 0.3 * this.large.side ? "medium" : "low";
    for (const i of seen) {
      const dim = this.found && !this.found.has(i);
      if (overview && (dim || !this.found)) continue;
      context.globalAlpha = dim ? DIMMED : 1;
      this.picture(context, camera, i, fine);
    }
    context.globalAlpha = 1;
    this.outlines();
    this.names();
  }

  picture(context, camera, i, fine) {
    const { pictures } = this;
    const width = pictures.w[i] * camera.scale;
    const height = pictures.h[i] * camera.scale;
    const x = camera.screenX(pictures.x[i]) - width / 2;
    const y = camera.screenY(pictures.y[i]) - height / 2;
    if (fine && this.large.draw(context, i, x, y, width, height)) return;
    this.small.draw(context, i, x, y, width, height);
  }

  /** All pictures on one canvas, drawn once; null until all coarse thumbnails are there. */
  wholeMap() {
    if (!this.overview && this.small.sheets.size === this.small.count) {
      const { pictures } = this;
      this.overview = document.createElement("canvas");
      this.overview.width = Math.max(1, Math.round(OVERVIEW * pictures.width));
      this.overview.height = Math.max(1, Math.round(OVERVIEW * pictures.height));
      const context = this.overview.getContext("2d");
      const whole = { scale: OVERVIEW, screenX: (x) => x * OVERVIEW, screenY: (y) => y * OVERVIEW };
      for (const i of pictures.within(0, 0, 1, 1)) this.picture(context, whole, i, false);
    }
    return this.overview ?? null;
  }

  outlines() {
    if (this.selected >= 0) {
      for (const i of this.pictures.near[this.selected]) this.outline(i, 2);
      this.picture(this.context, this.camera, this.selected, true);
      this.outline(this.selected, 4);
    }
    if (this.hovered >= 0 && this.hovered !== this.selected) {
      this.picture(this.context, this.camera, this.hovered, true);
      this.outline(this.hovered, 3);
    }
  }

  outline(i, thickness) {
    const { camera, context, pictures } = this;
    const width = pictures.w[i] * camera.scale;
    const height = pictures.h[i] * camera.scale;
    context.strokeStyle = this.accent;
    context.lineWidth = thickness;
    context.strokeRect(
      camera.screenX(pictures.x[i]) - width / 2, camera.screenY(pictures.y[i]) - height / 2, width, height);
  }

  /** Names of regions, larger regions first, none over another; they fade where single pictures fill the window. */
  names() {
    const { camera, context, pictures } = this;
    const across = pictures.typical * camera.scale;
    const alpha = Math.min(1, Math.max(0, (170 - across) / 60));
    if (!alpha) return;
    context.globalAlpha = alpha;
    const taken = [];
    for (const region of pictures.regions) {
      const label = this.label(region);
      const width = label.width / this.density;
      const height = label.height / this.density;
      const middle = camera.screenX(region.x);
      const seen = middle >= 0 && middle <= camera.width; // then the whole name is
      const left = Math.round(seen ? Math.max(0, Math.min(middle - width / 2, camera.width - width)) : middle - width / 2);
      const top = Math.round(camera.screenY(region.y) - height / 2);
      if (left > camera.width || top > camera.height || left + width < 0 || top + height < 0) continue;
      if (taken.some(([l, t, r, b]) => left < r && left + width > l && top < b && top + height > t)) continue;
      taken.push([left, top, left + width, top + height]);
      context.drawImage(label, left, top, width, height);
    }
    context.globalAlpha = 1;
  }

  /** The name drawn once, because text with a halo is slow to draw. */
  label(region) {
    if (!this.labels.has(region)) {
      const canvas = document.createElement("canvas");
      const context = canvas.getContext("2d");
      const size = (13 + Math.min(7, region.of.length / 30)) * this.density;
      const font = `600 ${size}px system-ui, sans-serif`;
      context.font = font;
      canvas.width = Math.ceil(context.measureText(region.name).width + 1.4 * size);
      canvas.height = Math.ceil(1.9 * size);
      context.font = font;
      context.fillStyle = this.ground;
      context.globalAlpha = 0.82;
      context.beginPath();
      context.roundRect(0, 0, canvas.width, canvas.height, canvas.height / 2);
      context.fill();
      context.globalAlpha = 1;
      context.fillStyle = this.ink;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(region.name, canvas.width / 2, canvas.height * 0.53);
      this.labels.set(region, canvas);
    }
    return this.labels.get(region);
  }
}
