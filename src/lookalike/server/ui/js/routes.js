/** Every state has an address: /?q=..., /picture/12?q=..., /duplicates, /map, /collection. */
const FILTERS = ["year", "after", "before", "folder", "camera", "mp", "shape", "format", "where"];
const PLAIN = ["q", "r", "m", "sure", ...FILTERS];

/** {view, id, q, r, m, sure, after, ...}; empty values are left out. */
export function read(address = location) {
  const [, view = "", id] = address.pathname.split("/");
  const route = { view: view || "search", id: id === undefined ? null : Number(id) };
  const given = new URLSearchParams(address.search);
  for (const name of [...PLAIN, "pick"]) if (given.get(name)) route[name] = given.get(name);
  return route;
}

export function address(route) {
  const path = route.view === "search" ? "/" : `/${route.view}${route.id === null || route.id === undefined ? "" : `/${route.id}`}`;
  const given = new URLSearchParams();
  for (const name of [...PLAIN, "pick"]) if (route[name]) given.set(name, route[name]);
  const text = given.toString();
  return text ? `${path}?${text}` : path;
}

/** What a search asks for, of a route of any view. */
export function question(route) {
  return Object.fromEntries(PLAIN.filter((name) => route[name]).map((name) => [name, route[name]]));
}

/** Whether any of the filters is set. */
export const filtered = (route) => FILTERS.filter((name) => route[name]).length;

/** The filter in the language of `where`, null when there is none. */
export function where(route) {
  const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
  const parts = [];
  if (route.year) parts.push(`taken = ${quoted(route.year)}`);
  if (route.after) parts.push(`taken >= ${route.after}`);
  if (route.before) parts.push(`taken <= ${route.before}`);
  if (route.folder) parts.push(`path like ${quoted(`%${route.folder}%`)}`);
  if (route.camera) parts.push(`camera like ${quoted(`%${route.camera}%`)}`);
  if (route.mp) parts.push(`megapixels >= ${route.mp}`);
  if (route.shape) parts.push(`orientation = ${quoted(route.shape)}`);
  if (route.format) parts.push(`format = ${quoted(route.format)}`);
  if (route.where) parts.push(`(${route.where})`);
  return parts.length ? parts.join(" and ") : null;
}

let moved = () => {};

/** Calls `show` now and whenever the address changes. */
export function follow(show) {
  moved = show;
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => show(read()));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const to = new URL(link.href);
    if (to.origin !== location.origin || link.target || link.hasAttribute("download") || /^\/(api|ui)\//.test(to.pathname)) return;
    if (to.hash && to.pathname === location.pathname) return;
    event.preventDefault();
    go(read(to));
  });
  show(read());
}

/** Goes to a route; the place on the page that is left is remembered for the way back. */
export function go(route, { replace = false } = {}) {
  remember();
  if (replace) history.replaceState(history.state, "", address(route));
  else history.pushState({ from: address(read()) }, "", address(route));
  moved(read());
}

export function remember() {
  history.replaceState({ ...history.state, top: scrollY }, "");
}
