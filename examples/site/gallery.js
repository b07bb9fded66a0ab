// A static gallery that asks `lookalike serve --public --cors ORIGIN` from visitors' browsers. No token is in this page.

const API = `${document.body.dataset.server}/api/v1`;
const form = document.getElementById("search");
const gallery = document.getElementById("gallery");
const said = document.getElementById("said");
let turn = 0; // answers that come after a newer question are dropped

async function ask(path, options) {
  const answer = await fetch(API + path, options);
  const found = await answer.json();
  if (answer.ok) return found;
  const wait = answer.headers.get("Retry-After");
  throw new Error(found.message + (wait ? ` (again in ${wait} s)` : ""));
}

const search = (question) =>
  ask("/search", question instanceof FormData
    ? { method: "POST", body: question }
    : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) });

async function show(title, question) {
  const mine = ++turn;
  said.textContent = "Looking …";
  try {
    const found = await question();
    if (mine !== turn) return;
    const labels = new Map((found.matches ?? []).map((match) => [match.id, match.label]));
    gallery.replaceChildren(...found.pictures.map((picture) => tile(picture, labels.get(picture.id))));
    said.textContent = found.pictures.length ? title : "Nothing found.";
  } catch (error) {
    if (mine === turn) said.textContent = error.message;
  }
}

function tile(picture, label) {
  const figure = document.getElementById("picture").content.cloneNode(true);
  const image = figure.querySelector("img");
  image.src = `${API}/pictures/${picture.id}/thumbnail?size=320`;
  image.alt = picture.caption ?? picture.name;
  figure.querySelector(".name").textContent = picture.name;
  figure.querySelector(".label").textContent = label ?? "";
  figure.querySelector("button").addEventListener("click", () =>
    show(`More like ${picture.name}`, () => search({ id: picture.id, k: 30 })));
  return figure;
}

const everything = () => show("", () => ask("/pictures?limit=60&newest=true"));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = form.elements.text.value.trim();
  if (text) show(`Pictures of: ${text}`, () => search({ text, k: 30 }));
  else everything();
});
form.elements.image.addEventListener("change", () => {
  const [file] = form.elements.image.files;
  if (!file) return;
  const question = new FormData();
  question.append("image", file);
  question.append("k", "30");
  show(`Like ${file.name}`, () => search(question));
});
form.addEventListener("reset", everything);
everything();
