/** Light, dark, or as the system is; the choice is kept by this browser. */
const KEY = "lookalike.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function applyTheme() {
  const chosen = read();
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}

export function isDark() {
  const chosen = read();
  return chosen ? chosen === "dark" : dark.matches;
}

/** The other one; back to what the system says when that is the same. */
export function toggleTheme() {
  const next = isDark() ? "light" : "dark";
  try {
    if ((next === "dark") === dark.matches) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    document.documentElement.dataset.theme = next;
  }
  applyTheme();
  dispatchEvent(new Event("themechange"));
}

dark.addEventListener("change", () => dispatchEvent(new Event("themechange")));

function read() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
