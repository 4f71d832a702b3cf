// What the story is told on: a slice as the viewer has it, its histogram and the climb of the plain mixture.

import { PICTURE } from "../viewer/navigation.js";
import { intensityAt } from "../viewer/slice_store.js";
import { filled, grayFigure, grouped } from "./elements.js";
import { grays } from "./pictures.js";
import { classOfPixels, climb, countGrayValues } from "./plain_mixture.js";

// The pixel in the middle of the brain, of all pixels where there is none.
export function middlePixel({ rows, columns, labels }) {
  let [count, down, right] = [0, 0, 0];
  for (let at = 0; at < labels.length; at += 1) {
    if (!labels[at]) continue;
    count += 1;
    down += Math.floor(at / columns);
    right += at % columns;
  }
  if (!count) return [Math.floor(rows / 2), Math.floor(columns / 2)];
  return [Math.round(down / count), Math.round(right / count)];
}

export class Material {
  constructor({ header, slice }, texts) {
    Object.assign(this, { header, slice, texts });
    this.grays = grays(slice, header);
    const { range, levels } = header;
    const grayOfLevel = (level) => intensityAt({ levels: [level] }, 0, { range, levels });
    this.histogram = countGrayValues(slice.levels, grayOfLevel); // null where there are too few gray values
    this.pixel = middlePixel(slice); // that is pointed at
    this.shownIteration = 0;
  }

  // The mixture after each iteration.
  get steps() {
    this.climbed ??= climb(this.histogram);
    return this.climbed;
  }

  get fitted() {
    return this.steps.at(-1);
  }

  // The class of each pixel in the end.
  get classes() {
    this.finalClasses ??= classOfPixels(this.fitted, this.histogram);
    return this.finalClasses;
  }

  valueAt([row, column]) {
    return intensityAt(this.slice, row * this.slice.columns + column, this.header);
  }

  // A gray value as it is written.
  write(value) {
    const [low, high] = this.header.range;
    return grayFigure(value, high - low);
  }

  // What tells the slice to a reader.
  get title() {
    const { axis, index } = this.slice;
    if (axis === PICTURE) return this.texts.picture;
    const plane = this.header.planes.find(([across]) => across === axis)?.[1] ?? "";
    return filled(this.texts.slice, { plane, number: index + 1 });
  }

  get sizes() {
    const { rows, columns } = this.slice;
    return { rows, columns, count: grouped(rows * columns) };
  }

  pixelName([row, column]) {
    return filled(this.texts.pixel, { row: row + 1, column: column + 1 });
  }
}
