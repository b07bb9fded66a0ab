/** Mouse, fingers and keys on the map. `to` has hover(i, x, y), open(i), close() and search(). */
export class Gestures {
  constructor(canvas, camera, pictures, to) {
    Object.assign(this, { canvas, camera, pictures, to });
    this.pointers = new Map();
    this.moved = 0;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.forget(event));
    canvas.addEventListener("pointerleave", () => to.hover(-1, 0, 0));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("dblclick", (event) => camera.zoom(event.shiftKey ? 0.4 : 2.5, event.offsetX, event.offsetY));
    document.addEventListener("keydown", (event) => [canvas, document.body].includes(event.target) && this.key(event));
  }

  pictureAt(event) {
    return this.pictures.at(this.camera.mapX(event.offsetX), this.camera.mapY(event.offsetY));
  }

  down(event) {
    if (event.button > 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (this.pointers.size === 1) this.moved = 0;
    this.camera.stop();
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") {
        const i = this.pictureAt(event);
        this.canvas.classList.toggle("over", i >= 0);
        this.to.hover(i, event.offsetX, event.offsetY);
      }
      return;
    }
    const now = [event.offsetX, event.offsetY];
    this.moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
    if (this.pointers.size === 1) {
      this.camera.pan(now[0] - before[0], now[1] - before[1]);
    } else {
      const [id] = [...this.pointers.keys()].filter((key) => key !== event.pointerId);
      const other = this.pointers.get(id);
      const apart = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
      this.camera.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
      this.camera.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    }
    this.pointers.set(event.pointerId, now);
    this.canvas.classList.toggle("dragging", this.moved > 6);
    if (this.moved > 6) this.to.hover(-1, 0, 0);
  }

  up(event) {
    const held = this.pointers.has(event.pointerId);
    this.forget(event);
    if (!held || this.pointers.size || this.moved > 6) return;
    const i = this.pictureAt(event);
    if (i >= 0) this.to.open(i);
    else this.to.close();
  }

  forget(event) {
    this.pointers.delete(event.pointerId);
    if (!this.pointers.size) this.canvas.classList.remove("dragging");
  }

  wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
    const speed = event.ctrlKey ? 0.01 : 0.0016;
    this.camera.zoom(Math.exp(-Math.max(-400, Math.min(400, pixels)) * speed), event.offsetX, event.offsetY);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { camera } = this;
    const far = event.shiftKey ? 300 : 80;
    const does = {
      ArrowLeft: () => camera.pan(far, 0),
      ArrowRight: () => camera.pan(-far, 0),
      ArrowUp: () => camera.pan(0, far),
      ArrowDown: () => camera.pan(0, -far),
      "+": () => camera.zoom(1.4),
      "=": () => camera.zoom(1.4),
      "-": () => camera.zoom(1 / 1.4),
      0: () => camera.showWhole(),
      Home: () => camera.showWhole(),
      Escape: () => this.to.close(),
      Enter: () => this.openMiddle(),
      " ": () => this.openMiddle(),
      "/": () => this.to.search(),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  /** Opens the picture nearest to the middle of the window. */
  openMiddle() {
    const { camera, pictures } = this;
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < pictures.count; i++) {
      const apart = Math.hypot(pictures.x[i] - camera.x, pictures.y[i] - camera.y);
      if (apart < least) [best, least] = [i, apart];
    }
    if (best >= 0) this.to.open(best);
  }
}
