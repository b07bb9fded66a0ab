/** Texts by key, numbers and dates, in the browser's language. One file a language: ../text/*.json. */
const LANGUAGES = ["en", "ru"];
const state = { texts: {}, language: "en", locale: "en" };

/** Loads the texts of the first of the visitor's languages that there is. */
export async function loadTexts() {
  const wanted = navigator.languages.find((one) => LANGUAGES.includes(one.slice(0, 2).toLowerCase())) ?? "en";
  state.language = wanted.slice(0, 2).toLowerCase();
  state.locale = wanted;
  document.documentElement.lang = state.language;
  state.texts = await (await fetch(`/ui/text/${state.language}.json`)).json();
  state.plurals = new Intl.PluralRules(wanted);
}

/** The text of a key; {name} is replaced, and of several forms the one for the number `n` is taken. */
export function t(key, values = {}) {
  let text = state.texts[key] ?? key;
  if (typeof text !== "string") text = text[state.plurals.select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : String(value ?? "");
  });
}

/** Whether there is a text for a key. */
export function has(key) {
  return key in state.texts;
}

export function number(value, digits = 0) {
  return value.toLocaleString(state.locale, { maximumFractionDigits: digits });
}

export function percent(share) {
  return share.toLocaleString(state.locale, { style: "percent", maximumFractionDigits: 0 });
}

export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let power = 0;
  while (count >= 1000 && power < units.length - 1) [count, power] = [count / 1000, power + 1];
  const digits = power && count < 10 ? 1 : 0;
  return count.toLocaleString(state.locale, { style: "unit", unit: units[power], maximumFractionDigits: digits });
}

/** A photo's own clock, "2021-07-03 18:05:00" or with a T, as a date with its time. */
export function moment(text) {
  const date = new Date(text.replace(" ", "T"));
  return Number.isNaN(date.getTime()) ? text : date.toLocaleString(state.locale, { dateStyle: "long", timeStyle: "short" });
}
