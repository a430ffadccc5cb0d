// What stays on the device over a reload: one record in IndexedDB, with the profiles' states and what the host has not heard yet.

const DATABASE = "unisono";
const STORE = "journey";
const KEY = "now";

/** The record, or undefined; also where the browser keeps nothing, as in private windows. */
export const recall = () => inStore("readonly", (store) => store.get(KEY)).catch(() => undefined);

/** Keeps the record in place of the one before. */
export const keep = (record) => inStore("readwrite", (store) => store.put(record, KEY)).catch(() => undefined);

async function inStore(mode, work) {
  const open = indexedDB.open(DATABASE, 1);
  open.onupgradeneeded = () => open.result.createObjectStore(STORE);
  const database = await done(open);
  try {
    return await done(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
