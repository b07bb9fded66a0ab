/**
 * The question as terms {kind, value, weight} and as text: `"dog" + id:12 - 2:"snow"`, the query language of the docs,
 * with `image:` for a picture that this browser keeps and `url:` for an address.
 */
const WEIGHT = String.raw`(?:\d+(?:\.\d+)?|\.\d+):(?!\d)`;
const KIND = String.raw`(?:text|id|image|url):`;
const SIGN = new RegExp(String.raw`(^|\s)([+-])(?=\s|$|"|${WEIGHT}|${KIND})`, "g");
const TERM = new RegExp(String.raw`^(?:(${WEIGHT})\s*)?(?:(${KIND})\s*)?([^]*)$`);

/** The terms of a text; what cannot be a term is left as words. */
export function parse(text) {
  const terms = [];
  for (const { sign, body } of pieces(text)) {
    const [, weight, kind, rest] = TERM.exec(body);
    const term = read(kind?.slice(0, -1), rest.trim());
    if (term) terms.push({ ...term, weight: sign * (weight ? Number(weight.slice(0, -1)) : 1) });
  }
  return terms;
}

/** The pieces between signs that stand outside of quotes. */
function pieces(text) {
  const quoted = [...text.matchAll(/"(?:[^"]|"")*"/g)].map((one) => [one.index, one.index + one[0].length]);
  const inside = (at) => quoted.some(([from, to]) => at > from && at < to);
  const found = [];
  let [from, sign] = [0, 1];
  for (const one of text.matchAll(SIGN)) {
    const at = one.index + one[1].length;
    if (inside(at)) continue;
    found.push({ sign, body: text.slice(from, one.index).trim() });
    [from, sign] = [at + 1, one[2] === "-" ? -1 : 1];
  }
  found.push({ sign, body: text.slice(from).trim() });
  return found.filter(({ body }) => body);
}

function read(kind, body) {
  const quoted = /^"((?:[^"]|"")*)"$/.exec(body);
  const value = quoted ? quoted[1].replaceAll('""', '"') : body;
  if (!value.trim()) return null;
  if (kind === "id" && /^\d{1,15}$/.test(value)) return { kind, value: Number(value) };
  if (kind === "image" && /^[a-z0-9]{4,32}$/.test(value)) return { kind, value };
  if (kind === "url" || (!kind && !quoted && isAddress(value))) return { kind: "url", value };
  return { kind: "text", value: kind && kind !== "text" ? `${kind}:${value}` : value };
}

/** Whether this is the address of something on the web. */
export function isAddress(text) {
  return /^https?:\/\/\S+\.\S+$/i.test(text) || /^https?:\/\/localhost\S*$/i.test(text);
}

/** The text of terms; a single text is left as it was typed when that is read back as the same. */
export function format(terms) {
  if (terms.length === 1 && terms[0].kind === "text" && terms[0].weight === 1) {
    const [only, ...more] = parse(terms[0].value);
    if (only && !more.length && only.kind === "text" && only.value === terms[0].value && only.weight === 1) return only.value;
  }
  return terms.map((term, place) => {
    const sign = term.weight < 0 ? "- " : place ? "+ " : "";
    const size = Math.abs(term.weight);
    const body = term.kind === "text" || term.kind === "url" ? `"${term.value.replaceAll('"', '""')}"` : term.value;
    return `${sign}${size === 1 ? "" : `${size}:`}${term.kind === "text" ? "" : `${term.kind}:`}${body}`;
  }).join(" ");
}

/** Whether two questions are the same but for where their pictures come from. */
export const pictureOf = (terms) => terms.find((term) => term.kind !== "text" && term.weight > 0) ?? null;

/** Whether words are asked with, which only one method answers. */
export const hasWords = (terms) => terms.some(({ kind }) => kind === "text");
