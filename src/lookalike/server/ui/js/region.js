import { h, sheet } from "./dom.js";
import { t } from "./i18n.js";

const SMALLEST = 8; // pixels of the screen

/**
 * Asks for a part of a picture: a box drawn with mouse, finger or keys. size: [width, height] of the original picture;
 * before: [x, y, width, height] or null; chosen(region or null) is called once.
 */
export function chooseRegion(source, size, before, chosen) {
  const image = h("img", { src: source, alt: t("region.picture"), draggable: "false", style: { "--ratio": String(size[0] / size[1]), "--wide": `${size[0]}px` } });
  const cut = h("div", { class: "cut", tabindex: "0", role: "group", "aria-label": t("region.box"), "aria-describedby": "region-help" }, h("div", { class: "grip" }));
  const canvas = h("div", { class: "canvas" }, image, h("div", { class: "veil" }, cut));
  const search = h("button", { class: "button main", type: "button", onclick: () => finish(true) }, t("region.search"));
  const whole = h("button", { class: "button", type: "button", onclick: () => finish(false) }, t("region.whole"));
  const help = h("p", { class: "soft small", id: "region-help" }, t("region.help"));
  const dialog = sheet(t("region.title"), t("close"), "region", canvas, help, h("div", { class: "row" }, search, whole));
  const box = before ? before.map((value, i) => value / size[i % 2]) : [0.25, 0.25, 0.5, 0.5]; // shares of the picture

  const draw = () => {
    const [x, y, w, height] = box.map((share) => `${100 * share}%`);
    Object.assign(cut.style, { left: x, top: y, width: w, height });
  };
  const finish = (part) => {
    const region = box.map((share, i) => Math.round(share * size[i % 2]));
    region[2] = Math.max(1, Math.min(region[2], size[0] - region[0]));
    region[3] = Math.max(1, Math.min(region[3], size[1] - region[1]));
    dialog.close();
    chosen(part ? region : null);
  };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const at = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [clamp((event.clientX - left) / width, 0, 1), clamp((event.clientY - top) / height, 0, 1)];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    const [fromX, fromY] = at(event);
    const [x, y, w, height] = box;
    const how = event.target.closest(".grip") ? "size" : event.target === cut ? "move" : "draw";
    const moved = (now) => {
      const [toX, toY] = at(now);
      if (how === "move") [box[0], box[1]] = [clamp(x + toX - fromX, 0, 1 - w), clamp(y + toY - fromY, 0, 1 - height)];
      else {
        const [startX, startY] = how === "size" ? [x, y] : [fromX, fromY];
        const { width, height: high } = canvas.getBoundingClientRect();
        if (how === "draw" && Math.hypot((toX - startX) * width, (toY - startY) * high) < SMALLEST) return;
        box.splice(0, 4, Math.min(startX, toX), Math.min(startY, toY),
          Math.max(SMALLEST / width, Math.abs(toX - startX)), Math.max(SMALLEST / high, Math.abs(toY - startY)));
      }
      draw();
    };
    canvas.addEventListener("pointermove", moved);
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, () => canvas.removeEventListener("pointermove", moved), { once: true });
    }
    cut.focus({ preventScroll: true });
  });
  cut.addEventListener("keydown", (event) => {
    const step = event.altKey ? 0.005 : 0.03;
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (event.key === "Enter") finish(true);
    if (!dx && !dy) return;
    event.preventDefault();
    if (event.shiftKey) {
      box[2] = clamp(box[2] + dx * step, 0.02, 1 - box[0]);
      box[3] = clamp(box[3] + dy * step, 0.02, 1 - box[1]);
    } else {
      box[0] = clamp(box[0] + dx * step, 0, 1 - box[2]);
      box[1] = clamp(box[1] + dy * step, 0, 1 - box[3]);
    }
    draw();
  });
  draw();
  cut.focus({ preventScroll: true });
}
