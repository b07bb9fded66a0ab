/** Which part of the map is seen: the point in the middle of the window, and CSS pixels per map unit. */
export class Camera {
  constructor(pictures, changed) {
    this.pictures = pictures;
    this.changed = changed;
    this.x = pictures.width / 2;
    this.y = pictures.height / 2;
    this.scale = 1;
    this.width = this.height = 1;
    this.flight = 0;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
  }

  resize(width, height) {
    const whole = Math.abs(this.scale / this.wholeScale() - 1) < 0.01;
    [this.width, this.height] = [width, height];
    if (whole || this.scale === 1) this.scale = this.wholeScale();
    this.settle();
  }

  wholeScale() {
    return 0.96 * Math.min(this.width / this.pictures.width, this.height / this.pictures.height);
  }

  largestScale() {
    return Math.max(this.wholeScale(), (0.7 * Math.min(this.width, this.height)) / this.pictures.typical);
  }

  screenX(x) {
    return (x - this.x) * this.scale + this.width / 2;
  }

  screenY(y) {
    return (y - this.y) * this.scale + this.height / 2;
  }

  mapX(x) {
    return (x - this.width / 2) / this.scale + this.x;
  }

  mapY(y) {
    return (y - this.height / 2) / this.scale + this.y;
  }

  pan(dx, dy) {
    this.stop();
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.settle();
  }

  /** Larger by a factor, the point under (x, y) of the window staying where it is. */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    this.stop();
    const [mapX, mapY] = [this.mapX(x), this.mapY(y)];
    this.scale = Math.min(this.largestScale(), Math.max(this.wholeScale() / 2, this.scale * factor));
    this.x = mapX - (x - this.width / 2) / this.scale;
    this.y = mapY - (y - this.height / 2) / this.scale;
    this.settle();
  }

  showWhole() {
    this.fly(this.pictures.width / 2, this.pictures.height / 2, this.wholeScale());
  }

  /** Moves there in a third of a second, at once where motion is not wanted. */
  fly(x, y, scale) {
    this.stop();
    const from = { x: this.x, y: this.y, scale: this.scale };
    const to = Math.min(this.largestScale(), scale);
    const begun = performance.now();
    const step = (now) => {
      const t = this.calm.matches ? 1 : Math.min(1, Math.max(0, (now - begun) / 320));
      const eased = 1 - (1 - t) ** 3;
      this.scale = from.scale * (to / from.scale) ** eased;
      // Along the way the target keeps a straight course on the screen, however much the scale changes.
      const share = to === from.scale ? eased : (1 / from.scale - 1 / this.scale) / (1 / from.scale - 1 / to);
      this.x = from.x + (x - from.x) * share;
      this.y = from.y + (y - from.y) * share;
      this.settle();
      this.flight = t < 1 ? requestAnimationFrame(step) : 0;
    };
    this.flight = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.flight);
    this.flight = 0;
  }

  /** Some of the map stays in view. */
  settle() {
    this.x = Math.min(this.pictures.width, Math.max(0, this.x));
    this.y = Math.min(this.pictures.height, Math.max(0, this.y));
    this.changed();
  }
}
