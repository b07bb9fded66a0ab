const raw = JSON.parse(document.getElementById("data").textContent);
const pictures = new Pictures(raw);
const canvas = document.getElementById("map");
const camera = new Camera(pictures, () => painter.request());
const arrived = () => painter.request();
const small = new Sprites(embedded("small"), raw.small, Infinity, arrived);
const large = new Sprites(embedded("large"), raw.large, 12, arrived); // 16 MB each when decoded
const painter = new Painter(canvas, pictures, camera, small, large);
const panel = new Panel(pictures, camera, painter);
new Gestures(canvas, camera, pictures, {
  hover: (i, x, y) => panel.hover(i, x, y),
  open: (i) => panel.open(i),
  close: () => panel.close(),
  search: () => panel.query.focus(),
});

const press = (id, does) => document.getElementById(id).addEventListener("click", does);
press("closer", () => camera.zoom(1.6));
press("farther", () => camera.zoom(1 / 1.6));
press("whole", () => camera.showWhole());
press("theme", () => {
  const root = document.documentElement;
  const dark = root.classList.contains("dark") || (!root.classList.contains("light") && systemDark.matches);
  root.classList.toggle("dark", !dark);
  root.classList.toggle("light", dark);
  recolor();
});
const systemDark = matchMedia("(prefers-color-scheme: dark)");
systemDark.addEventListener("change", recolor);
addEventListener("resize", () => painter.resize());

/** Finds sheets in the page; while it is still arriving the large ones, at its end, are waited for. */
function embedded(kind) {
  return async (number) => {
    if (!document.getElementById(`${kind}-${number}`) && document.readyState === "loading") {
      await new Promise((resume) => document.addEventListener("DOMContentLoaded", resume, { once: true }));
    }
    return "data:image/jpeg;base64," + document.getElementById(`${kind}-${number}`).textContent;
  };
}

function recolor() {
  painter.readColors();
  painter.request();
}

painter.resize();
small.loadAll().then(() => {
  painter.paint();
  performance.mark("first view");
});
