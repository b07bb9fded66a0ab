/** Pictures that were asked with, kept by this browser (never sent anywhere but with a search), so that "back" works. */
const MOST = 24;
const memory = new Map(); // name -> Blob
const addresses = new Map(); // name -> blob: URL

function database() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("lookalike", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("pictures");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** Keeps a picture; its name in queries. */
export async function keep(blob) {
  const name = Date.now().toString(36) + Math.random().toString(36).slice(2, 8);
  memory.set(name, blob);
  try {
    const store = (await database()).transaction("pictures", "readwrite").objectStore("pictures");
    await done(store.put(blob, name));
    const names = (await done(store.getAllKeys())).sort();
    for (const old of names.slice(0, Math.max(0, names.length - MOST))) store.delete(old);
  } catch {
    // A private window keeps nothing: the picture lives as long as the page.
  }
  return name;
}

/** The picture of a name, or null when this browser has it no more. */
export async function kept(name) {
  if (!memory.has(name)) {
    try {
      const found = await done((await database()).transaction("pictures").objectStore("pictures").get(name));
      if (found) memory.set(name, found);
    } catch {
      return null;
    }
  }
  return memory.get(name) ?? null;
}

/** A blob: URL of a picture that is kept. */
export async function addressOf(name) {
  if (!addresses.has(name)) {
    const blob = await kept(name);
    if (!blob) return null;
    addresses.set(name, URL.createObjectURL(blob));
  }
  return addresses.get(name);
}
