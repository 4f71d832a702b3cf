// What the keys, the pointer and fingers do, in a dialog.

import { add, openDialog } from "./elements.js";

export function openHelp({ root, header: { texts } }) {
  const dialog = openDialog(root, { name: "mriseg-help", title: texts.keysTitle, close: texts.close });
  const list = add(dialog, "dl");
  for (const [keys, effect] of texts.keys) {
    const term = add(list, "dt");
    for (const key of keys) add(term, "kbd", "", key);
    add(list, "dd", "", effect);
  }
}
