// All slices of a plane as small pictures over the page; those in view are requested a few at a time.

import { clearCanvas, paintPanel } from "./drawing.js";
import { add, openDialog } from "./elements.js";
import { aspectOf } from "./navigation.js";

const REPEAT_AFTER = 1000; // ms until what was requested and has not come is requested again
const THUMBNAIL_WIDTH = 120; // points of a small picture

export class Lightbox {
  constructor(viewer) {
    const { root, header, state } = viewer;
    const { texts } = header;
    this.viewer = viewer;
    this.axis = state.plane;
    this.wanted = new Set(); // slices in view that are not drawn yet
    const plane = header.planes.find(([axis]) => axis === this.axis)[1];
    const title = `${texts.allSlices}: ${plane}, ${texts.layers[state.layer]}`;
    this.dialog = openDialog(root, { name: "mriseg-lightbox", title, close: texts.close });
    this.dialog.addEventListener("close", () => this.end());
    this.observer = new IntersectionObserver((seen) => this.see(seen), { root: this.dialog });
    this.cells = this.addCells();
    this.cells[state.cursor[this.axis]].focus();
  }

  addCells() {
    const { header, state } = this.viewer;
    const grid = add(this.dialog, "div", "mriseg-grid");
    const ratio = aspectOf(this.axis, header, state);
    return Array.from({ length: header.shape[this.axis] }, (_, index) => {
      const cell = add(grid, "button");
      cell.type = "button";
      cell.dataset.index = index;
      cell.setAttribute("aria-label", `${header.texts.slice} ${index + 1}`);
      if (index === state.cursor[this.axis]) cell.setAttribute("aria-current", "true");
      add(cell, "canvas").style.aspectRatio = ratio;
      add(cell, "small", "", String(index + 1));
      cell.onclick = () => {
        this.close();
        this.viewer.moveTo(this.axis, index);
      };
      this.observer.observe(cell);
      return cell;
    });
  }

  see(seen) {
    for (const { target, isIntersecting } of seen) {
      const index = Number(target.dataset.index);
      if (!isIntersecting) this.wanted.delete(index);
      else if (!target.dataset.shown) this.wanted.add(index);
    }
    this.update();
  }

  // Draw what is here of what is in view, and request what is not.
  update() {
    const { store } = this.viewer;
    for (const index of this.wanted) {
      const slice = store.get(this.axis, index);
      if (!slice) continue;
      this.drawCell(this.cells[index], this.viewer.whatIf.slice(slice));
      this.wanted.delete(index);
    }
    clearTimeout(this.repeat);
    if (!this.wanted.size) return;
    this.repeat = setTimeout(() => this.update(), REPEAT_AFTER);
    store.requestSome(
      [...this.wanted].map((index) => [this.axis, index]),
      this.viewer.state.cursor,
    );
  }

  drawCell(cell, slice) {
    const { header, state } = this.viewer;
    const height = THUMBNAIL_WIDTH / aspectOf(this.axis, header, state);
    const canvas = cell.querySelector("canvas");
    const context = clearCanvas(canvas, { width: THUMBNAIL_WIDTH, height, ratio: window.devicePixelRatio || 1 });
    const whole = { ...state, focus: null, highlighted: null };
    const panel = { axis: this.axis, shows: "layer", width: THUMBNAIL_WIDTH, height, isPlain: true };
    paintPanel(context, panel, slice, { header, state: whole });
    cell.dataset.shown = "true";
  }

  close() {
    this.dialog.close();
  }

  end() {
    const { viewer } = this;
    clearTimeout(this.repeat);
    this.observer.disconnect();
    this.wanted.clear();
    if (viewer.lightbox === this) viewer.lightbox = null;
    if (viewer.isClosed || !viewer.header) return;
    viewer.requestMissing(); // what is shown may have had to give way
    viewer.draw();
  }
}
