// What is wrong with the plain classes of a slice, counted against mriseg's own result of that slice. Pure functions.
// `classes` is the class of each pixel, 0 the darkest; `slice` is a slice as the viewer has it.

import { intensityAt, intensityOf, shadingAt, signalOf } from "../viewer/slice_store.js";
import { CLASSES } from "./plain_mixture.js";

// Where something holds, as a byte for each pixel, and how many pixels those are.
function mark(slice, holds) {
  const marks = new Uint8Array(slice.labels.length);
  let count = 0;
  for (let at = 0; at < marks.length; at += 1) {
    if (!holds(at)) continue;
    marks[at] = 1;
    count += 1;
  }
  return { marks, count };
}

export function brainPixels(slice) {
  return mark(slice, (at) => slice.labels[at] > 0);
}

// Air, skull and scalp: they have a class like the brain.
export function outsideBrain(slice) {
  return mark(slice, (at) => slice.labels[at] === 0);
}

// How many pixels of each class lie outside the brain and have each label: rows are classes; the first column is
// outside, then one for each of the numbers. Two tissues that share a label have the same number.
export function crossTable(classes, slice, numbers) {
  const counts = Array.from({ length: CLASSES }, () => new Uint32Array(256));
  for (let at = 0; at < classes.length; at += 1) counts[classes[at]][slice.labels[at]] += 1;
  return counts.map((row) => [0, ...numbers].map((number) => row[number]));
}

// The names that fit best: of all ways to give each class another tissue, the column that each class gets in the way
// that has most pixels in common.
export function bestNames(table) {
  let best = { common: -1, columns: [] };
  const tryNames = (columns, common) => {
    if (columns.length === CLASSES) {
      if (common > best.common) best = { common, columns };
      return;
    }
    const counts = table[columns.length];
    for (let column = 1; column < counts.length; column += 1) {
      if (!columns.includes(column)) tryNames([...columns, column], common + counts[column]);
    }
  };
  tryNames([], 0);
  return best.columns;
}

// Where in the brain the class is another than mriseg's tissue, though the classes have the names that fit best.
export function disagreement(classes, slice, numbers) {
  const columns = bestNames(crossTable(classes, slice, numbers));
  const names = columns.map((column) => numbers[column - 1]);
  return { ...mark(slice, (at) => slice.labels[at] > 0 && slice.labels[at] !== names[classes[at]]), names };
}

// Where in the brain the class would be another if the shading were divided out. `classAt` gives the class of a gray
// value.
export function changedByShading(classes, slice, { header, classAt }) {
  return mark(slice, (at) => {
    if (!slice.labels[at]) return false;
    const signal = signalOf(intensityAt(slice, at, header), header) / shadingAt(slice, at, header);
    return classAt(intensityOf(signal, header)) !== classes[at];
  });
}

// The least and largest factor of the shading in the brain.
export function shadingRange(slice, header) {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (let at = 0; at < slice.labels.length; at += 1) {
    if (!slice.labels[at]) continue;
    const factor = shadingAt(slice, at, header);
    least = Math.min(least, factor);
    most = Math.max(most, factor);
  }
  return most ? [least, most] : [1, 1];
}

// Pixels of the brain beside another tissue: they may hold both. `differs` marks pixels; told is which share of those at
// a border are marked, and which of all others in the brain.
export function borderPixels(slice, differs) {
  const { columns, labels } = slice;
  const isOther = (at, near) => labels[near] > 0 && labels[near] !== labels[at];
  const border = mark(slice, (at) => {
    if (!labels[at]) return false;
    const column = at % columns;
    return (
      isOther(at, at - columns) ||
      isOther(at, at + columns) ||
      (column > 0 && isOther(at, at - 1)) ||
      (column < columns - 1 && isOther(at, at + 1))
    );
  });
  const both = mark(slice, (at) => border.marks[at] && differs.marks[at]).count;
  const others = brainPixels(slice).count - border.count;
  return {
    ...border,
    differing: border.count ? both / border.count : 0,
    differingElsewhere: others ? (differs.count - both) / others : 0,
  };
}
