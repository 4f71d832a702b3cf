// The sheet over the page while files are dragged over it; dropped anywhere they go where scans are taken. Boxes for
// other files, a mask or the scans of a study, keep what is dropped into them.

import { filesOf, holdsFiles } from "./dropped_files.js";

const DROPZONE = '[data-testid="stFileUploaderDropzone"]';
const LEFT_AFTER_MS = 400; // while a drag goes on, the page is told of it every 50 to 350 ms

export class DropSheet {
  constructor(text, ownBoxes, { take, leave }) {
    this.ownBoxes = ownBoxes;
    this.take = take;
    this.leave = leave;
    this.sheet = document.createElement("div");
    this.sheet.className = "mriseg-sheet";
    this.sheet.textContent = text;
    this.sheet.hidden = true;
    document.body.append(this.sheet);
    this.listeners = { dragover: (event) => this.drag(event), drop: (event) => this.drop(event) };
    for (const [kind, listener] of Object.entries(this.listeners)) document.addEventListener(kind, listener, true);
  }

  close() {
    for (const [kind, listener] of Object.entries(this.listeners)) document.removeEventListener(kind, listener, true);
    clearTimeout(this.left);
    this.sheet.remove();
  }

  isForeign(target) {
    const zone = target instanceof Element ? target.closest(DROPZONE) : null;
    return Boolean(zone) && !zone.closest(this.ownBoxes);
  }

  drag(event) {
    if (!holdsFiles(event.dataTransfer)) return;
    clearTimeout(this.left);
    this.sheet.hidden = this.isForeign(event.target);
    if (this.sheet.hidden) return;
    this.left = setTimeout(() => {
      this.sheet.hidden = true;
    }, LEFT_AFTER_MS);
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = "copy";
  }

  drop(event) {
    clearTimeout(this.left);
    this.sheet.hidden = true;
    if (!holdsFiles(event.dataTransfer)) return;
    if (this.isForeign(event.target)) {
      this.leave(event.target, [...event.dataTransfer.files]);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    filesOf(event.dataTransfer).then((files) => this.take(files));
  }
}
