import { h, svg } from "./dom.js";

/** A line drawn around pictures of the map; chosen(places) is called with those whose middle is inside. */
export class Lasso {
  constructor(camera, pictures, chosen) {
    Object.assign(this, { camera, pictures, chosen });
    this.ended = () => {};
    this.line = svg("polygon", {});
    this.element = h("div", { class: "lasso", hidden: true }, svg("svg", { "aria-hidden": "true" }, this.line));
    this.element.addEventListener("pointerdown", (event) => this.down(event));
  }

  /** Whether it is on now. */
  toggle(on = this.element.hidden) {
    this.element.hidden = !on;
    this.line.setAttribute("points", "");
    if (!on) this.ended();
    return on;
  }

  down(event) {
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    const points = [];
    const add = (now) => {
      points.push([now.offsetX, now.offsetY]);
      this.line.setAttribute("points", points.map((point) => point.join(",")).join(" "));
    };
    add(event);
    this.element.addEventListener("pointermove", add);
    const end = () => {
      this.element.removeEventListener("pointermove", add);
      this.toggle(false);
      if (points.length > 2) this.chosen(this.inside(points));
    };
    this.element.addEventListener("pointerup", end, { once: true });
  }

  inside(points) {
    const { camera, pictures } = this;
    const line = points.map(([x, y]) => [camera.mapX(x), camera.mapY(y)]);
    const [xs, ys] = [line.map(([x]) => x), line.map(([, y]) => y)];
    return pictures.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)).filter((i) => isInside(pictures.x[i], pictures.y[i], line));
  }
}

/** Whether a point is in a polygon: an odd number of edges lies to its right. */
export function isInside(x, y, line) {
  let inside = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [[ax, ay], [bx, by]] = [line[i], line[j]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}
