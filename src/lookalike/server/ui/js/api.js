/** The server, asked. Every failure is an ApiError with a message for a person. */
export class ApiError extends Error {
  constructor(status, name, message, more = {}) {
    super(message);
    Object.assign(this, { status, name, ...more });
  }
}

const API = "/api/v1";

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(API + path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "Unreachable", "");
  }
  if (answer.status === 204) return null;
  const body = await answer.json().catch(() => null);
  if (answer.ok) return body;
  throw new ApiError(answer.status, body?.error ?? "InternalError", body?.message ?? "", {
    reason: body?.reason,
    after: Number(answer.headers.get("Retry-After")) || null,
  });
}

export const get = (path, signal) => ask(path, { signal });
export const post = (path, body, signal) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}), signal });
export const drop = (path) => ask(path, { method: "DELETE" });

/** Exchanges a token for a cookie. */
export const signIn = (token) => ask("/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });

/** Asks with terms; pictures, Blobs in the order of the image terms, go along as a form. */
export function search(asked, pictures, signal) {
  if (!pictures.length) return post("/search", asked, signal);
  const form = new FormData();
  for (const [name, value] of Object.entries(asked)) {
    if (name === "terms") form.append(name, JSON.stringify(value));
    else form.append(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  for (const picture of pictures) form.append("image", picture, picture.name || "picture");
  return ask("/search", { method: "POST", body: form, signal });
}

/** Adds pictures (Files) to the collection. */
export function add(files, signal) {
  const form = new FormData();
  for (const file of files) form.append("image", file, file.name);
  return ask("/pictures", { method: "POST", body: form, signal });
}

/** Holds a picture (a Blob, or an id) against one of the collection. */
export function compare(one, other) {
  if (!(one instanceof Blob)) return post("/compare", { id: one, other });
  const form = new FormData();
  form.append("other", String(other));
  form.append("image", one, one.name || "picture");
  return ask("/compare", { method: "POST", body: form });
}

export const thumbnail = (id, size) => `${API}/pictures/${id}/thumbnail?size=${size}`;
export const original = (id, download = false) => `${API}/pictures/${id}/original${download ? "?download=true" : ""}`;
