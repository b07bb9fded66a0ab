/** Elements made in one line: h("a", {class: "x", href: "/", onclick: f}, "text", child). Text is never read as HTML. */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.entries(value).forEach(([key, one]) => element.style.setProperty(key, one));
    else if (name === "value" || name === "checked" || name === "indeterminate") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element; children are elements. */
export function svg(tag, given = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(given)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const PATHS = {
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4 4",
  picture: "M4 3.5h12a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1zM3.5 14l4-4 3 3 2.5-2.5 3.5 3.5M12.5 7.2v.1",
  camera: "M3 6.5h3L7.4 4.3h5.2L14 6.5h3v9H3zM10 13.6a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z",
  go: "M4 10h12M11 5l5 5-5 5",
  back: "M16 10H4M9 5l-5 5 5 5",
  left: "M12 4.5L6.5 10l5.5 5.5",
  right: "M8 4.5l5.5 5.5L8 15.5",
  close: "M5.5 5.5l9 9M14.5 5.5l-9 9",
  plus: "M10 4.5v11M4.5 10h11",
  minus: "M4.5 10h11",
  filter: "M3 5.5h14M5.5 10h9M8 14.5h4",
  twins: "M3.5 6.5h9v9h-9zM7.5 6V3.5h9v9H14",
  map: "M7.5 4L3 6v10l4.5-2 5 2 4.5-2V4l-4.5 2zM7.5 4v10M12.5 6v10",
  stack: "M10 3l7 3.5-7 3.5-7-3.5zM3 10l7 3.5 7-3.5M3 13.5L10 17l7-3.5",
  theme: "M10 3.5a6.5 6.5 0 1 0 0 13zM10 3.5a6.5 6.5 0 0 1 0 13",
  help: "M7.6 7.6a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2.9-1.2 1.8M10 14.4v.1M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15z",
  crop: "M6 2.5V14h11.5M2.5 6H14v11.5",
  down: "M10 3.5v9M6 9l4 4 4-4M4 16.5h12",
  copy: "M7 7h9v9H7zM4 13V4h9",
  info: "M10 9v5M10 6.2v.1M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15z",
  check: "M4.5 10.5l3.7 3.7 7.3-8",
  undo: "M4 8h8.5a4 4 0 0 1 0 8H8M7.5 4.5L4 8l3.5 3.5",
  lasso: "M10 4c4 0 7 1.9 7 4.4s-3 4.4-7 4.4-7-1.9-7-4.4S6 4 10 4zM6 12.3c-1 .6-1.4 1.8-.4 2.5s2.2-.1 1.9-1.1-1.3-1.3-1.5-1.4M6.8 15c.6 1 .4 1.8-.3 2.5",
  whole: "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4",
  alike: "M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z",
};

/** A drawn sign; it says nothing to those who do not see it. */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}

/** The drawing of an empty state: two pictures, one of them looked for. */
export function art() {
  return svg(
    "svg",
    { class: "art", viewBox: "0 0 104 84", fill: "none", stroke: "currentColor", "stroke-width": "2.5", "aria-hidden": "true" },
    svg("rect", { x: 4, y: 16, width: 56, height: 56, rx: 12, opacity: ".35" }),
    svg("path", { d: "M8 60l16-17 12 12 8-8 14 14", opacity: ".35", "stroke-linejoin": "round" }),
    svg("circle", { cx: 64, cy: 36, r: 24, fill: "var(--ground)" }),
    svg("path", { d: "M81 53l17 18", "stroke-width": "6", "stroke-linecap": "round" }),
    svg("circle", { cx: 57, cy: 31, r: 2.2, fill: "currentColor", stroke: "none" }),
    svg("circle", { cx: 71, cy: 31, r: 2.2, fill: "currentColor", stroke: "none" }),
    svg("path", { d: "M56 43c5-3.4 11-3.4 16 0", "stroke-linecap": "round" }),
  );
}

/** The mark before the name. */
export function mark() {
  return svg(
    "svg",
    { viewBox: "0 0 32 32", "aria-hidden": "true" },
    svg("rect", { x: 3, y: 9, width: 18, height: 18, rx: 5, fill: "var(--accent)", opacity: ".45" }),
    svg("rect", { x: 11, y: 4, width: 18, height: 18, rx: 5, fill: "var(--accent)" }),
  );
}

/** Told to those who listen to the page instead of looking at it. */
export function say(text) {
  document.getElementById("say").textContent = text;
}

/** A modal sheet with a title, removed when it closes. */
export function sheet(title, closeLabel, kind, ...children) {
  const id = `sheet-${Math.random().toString(36).slice(2)}`;
  const dialog = h(
    "dialog",
    { class: `sheet ${kind}`, "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title),
      h("button", { class: "plain", type: "button", "aria-label": closeLabel, onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "inside" }, ...children),
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
