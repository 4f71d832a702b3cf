// The names of dropped files, shown to the one who dropped them and to nobody else. The server says which files of a
// box belong to what it calls "Upload 2"; what they are called, the box itself says, in this browser.

const CHIP = '[data-testid="stFileChip"]';

// The names in a box, in its order, of the files that have arrived.
export function namesIn(box) {
  const arrived = [...(box?.querySelectorAll(CHIP) ?? [])].filter((chip) => {
    const isBroken = chip.getAttribute("aria-invalid") === "true";
    return !isBroken && !chip.querySelector('[data-testid="stFileChipIconSpinner"]');
  });
  return arrived.map((chip) => chip.querySelector('[data-testid="stFileChipName"]')?.title ?? "");
}

// What an upload is called after the first of its files: "head.nii.gz", "IM0001.dcm and 180 more".
export function uploadTitle(names, more) {
  const [first] = names;
  if (!first) return null;
  const short = first.split("/").at(-1);
  return names.length > 1 ? more.replace("{}", short).replace("{}", names.length - 1) : short;
}

// For each upload that the server names, what stands in its place here.
export function titlesOf(uploads, boxes, more) {
  const titles = new Map();
  for (const { title, files } of uploads) {
    const names = files.map(([box, index]) => boxes[box]?.[index]).filter(Boolean);
    const own = names.length === files.length ? uploadTitle(names, more) : null;
    if (own) titles.set(title, own);
  }
  return titles;
}

// Mark the elements that say the title of an upload, as text or in a field; the style shows its own name instead.
export function showTitles(elements, titles) {
  for (const element of elements) {
    const said = element.querySelector("input")?.value ?? element.textContent;
    const own = titles.get(said.trim());
    if (own === element.dataset.ownName) continue;
    if (own) element.dataset.ownName = own;
    else delete element.dataset.ownName;
  }
}

// What the scans of a study are called, which the server numbers in the order in which they were dropped. `sizes` are
// their bytes, in that order; of files of one size the first is the first. What is no file of its own has no name.
export function studyNames(sizes, files) {
  const seen = new Map();
  return sizes.map((size) => {
    const rank = seen.get(size) ?? 0;
    seen.set(size, rank + 1);
    return files.filter((file) => file.size === size)[rank]?.name ?? "";
  });
}
