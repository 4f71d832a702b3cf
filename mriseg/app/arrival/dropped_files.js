// Files that are dragged over the page and dropped on it.

const HIDDEN = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]); // of folders, put there by systems

export function holdsFiles(transfer) {
  return [...(transfer?.types ?? [])].includes("Files");
}

// The files of a drop, those in folders too. The entries are asked for at once: after the event they are gone.
export async function filesOf(transfer) {
  const items = [...(transfer.items ?? [])].filter(({ kind }) => kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const files = items.map((item, index) => (entries[index]?.isDirectory ? null : item.getAsFile()));
  const found = await Promise.all(entries.map((entry, index) => (files[index] ? [files[index]] : inFolder(entry))));
  return found.flat().filter(({ name }) => !HIDDEN.has(name));
}

async function inFolder(entry) {
  if (!entry) return [];
  if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
  const reader = entry.createReader();
  const children = [];
  // A folder gives at most a hundred at a time, and nothing when all are given.
  for (;;) {
    const more = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!more.length) break;
    children.push(...more);
  }
  return (await Promise.all(children.map(inFolder))).flat();
}

// Give files to an input as if they had been chosen in it.
export function handOver(files, input) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// Those that the uploader itself refuses.
export function tooLarge(files, most) {
  return files.filter(({ size }) => size > most);
}
