import { h, svg } from "./dom.js";
import { isProven } from "./explain.js";
import { layOn, turnedAround, wholeQuad } from "./homography.js";
import { t } from "./i18n.js";

const BLINK = 650; // milliseconds
const LARGEST = 1600; // pixels of the query as it is laid over the picture

/**
 * How the query lies in a picture: {quad, reverse, points: corners in original pixels}, null where only looks are alike.
 * asked: {width, height} of what was asked with (a part of a picture, when only that was asked).
 */
export function alignment(match, picture, asked) {
  const local = match.evidence.find(({ method, detail }) => method === "local" && (detail.quad || detail.reverse_quad));
  const found = [picture.width, picture.height];
  if (local) {
    const { quad, reverse_quad: reverse } = local.detail;
    return { quad: quad ?? turnedAround(reverse, found, [asked.width, asked.height]), reverse };
  }
  const whole = match.evidence.find(({ method }) => method === "phash" || method === "file");
  return whole && isProven(match) ? { quad: wholeQuad(whole.variant, found), reverse: null } : null;
}

/** The outline of a quadrilateral over a picture of a size. */
export function outline(quad, width, height) {
  return svg("svg", { class: "outline", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polygon", { points: quad.map((point) => point.join(",")).join(" ") }));
}

/** Points on a picture of a size, each of a colour of its own. */
export function dots(points, width, height) {
  const radius = Math.max(width, height) / 130;
  return svg("svg", { class: "outline", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    ...points.map(([cx, cy], i) => svg("circle", { cx, cy, r: radius, fill: `hsl(${(i * 137) % 360} 85% 60%)` })));
}

/** The query laid over the picture where it belongs: to blink between both, or with a curtain between them. */
export class Overlay {
  constructor(image, query, region, quad, size) {
    this.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.quad = quad;
    this.size = size;
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.layer = h("div", { class: "layer" }, this.canvas);
    this.curtain = h("input", { type: "range", min: 0, max: 100, value: 50, class: "curtain", "aria-label": t("compare.curtain"), oninput: () => this.draw() });
    this.edge = h("div", { class: "edge" });
    const shape = Object.fromEntries(["--ratio", "--wide"].map((name) => [name, image.style.getPropertyValue(name)]));
    this.element = h("div", { class: "overlaid", style: shape }, image, this.layer, this.edge, this.curtain);
    this.image = image;
    this.paint(query, region);
    this.watch = new ResizeObserver(() => this.place());
    this.watch.observe(image);
    this.mode("slider");
  }

  paint(query, region) {
    const scale = region ? query.naturalWidth / region.of[0] : 1;
    const [x, y, w, height] = region ? region.box.map((value) => value * scale) : [0, 0, query.naturalWidth, query.naturalHeight];
    const shrink = Math.min(1, LARGEST / Math.max(w, height));
    this.canvas.width = Math.max(1, Math.round(w * shrink));
    this.canvas.height = Math.max(1, Math.round(height * shrink));
    this.canvas.getContext("2d").drawImage(query, x, y, w, height, 0, 0, this.canvas.width, this.canvas.height);
  }

  place() {
    const { clientWidth: width, clientHeight: height } = this.image;
    if (!width) return;
    const [sx, sy] = [width / this.size[0], height / this.size[1]];
    const transform = layOn(this.canvas.width, this.canvas.height, this.quad.map(([x, y]) => [x * sx, y * sy]));
    this.canvas.style.transform = transform ?? "none";
    this.canvas.hidden = !transform;
  }

  mode(name) {
    clearInterval(this.timer);
    this.name = name;
    this.shown = true;
    this.curtain.hidden = this.edge.hidden = name !== "slider";
    if (name === "blink" && !this.calm) this.timer = setInterval(() => this.blink(), BLINK);
    this.draw();
  }

  blink() {
    this.shown = !this.shown;
    this.draw();
    if (!this.element.isConnected) this.close();
  }

  draw() {
    const share = Number(this.curtain.value);
    this.layer.style.clipPath = this.name === "slider" ? `inset(0 ${100 - share}% 0 0)` : "none";
    this.layer.style.visibility = this.shown ? "visible" : "hidden";
    this.edge.style.left = `${share}%`;
  }

  close() {
    clearInterval(this.timer);
    this.watch.disconnect();
  }
}
