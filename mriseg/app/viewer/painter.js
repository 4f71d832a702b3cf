// Slices as pixels, by functions of arrays alone; `drawing.js` lays them on a canvas.

import {
  FIELD_COLORS,
  MASK_RGB,
  OUTSIDE_RGB,
  POSTERIORS,
  UNCERTAINTY_COLORS,
  largestShading,
  paletteOf,
} from "./color_keys.js";
import { grayOf, packColor } from "./pixels.js";
import { intensityAt, intensityOf, logShadingAt, posteriorsAt, shadingAt, signalOf } from "./slice_store.js";

const UNCERTAINTY = paletteOf(UNCERTAINTY_COLORS);
const FIELD = paletteOf(FIELD_COLORS);
const STRIPE = 2; // pixels of a slice: as wide are the stripes of abnormal tissue and the gaps between them
const GAP_SHARE = 0.5; // of a stripe's opacity in a gap
const FLAT = 1e-6; // a bias field whose logarithm varies less is none

// Whether the four neighbors of a pixel lie in the slice and `holds` is true of them, which it is of none beyond it.
export function isInner({ columns }, at, holds) {
  const column = at % columns;
  const isBetween = column > 0 && column < columns - 1;
  return isBetween && holds(at - 1) && holds(at + 1) && holds(at - columns) && holds(at + columns);
}

// The pixels of an image: what `colorOf` says of each pixel of a slice.
function colorPixels(slice, colorOf) {
  const pixels = new Uint32Array(slice.labels.length);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = colorOf(at, slice.labels[at]);
  return pixels;
}

// The same for the brain alone, nothing elsewhere.
function colorBrain(slice, colorOf) {
  return colorPixels(slice, (at, label) => (label ? colorOf(at, label) : 0));
}

// The scan in gray; the ground of a layer may be corrected for the bias field, or black.
export function grayPixels(slice, layer, { header, state }) {
  const isBlack = layer in POSTERIORS;
  const isCorrected = layer === "corrected";
  return colorPixels(slice, (at, label) => {
    let intensity = intensityAt(slice, at, header);
    if (isCorrected && label) {
      intensity = intensityOf(signalOf(intensity, header) / shadingAt(slice, at, header), header);
    }
    const gray = isBlack ? 0 : grayOf(intensity, state.window);
    return packColor([gray, gray, gray], 255);
  });
}

function labelColors({ tissues, abnormal }) {
  return new Map([...tissues, abnormal].map(({ number, rgb }) => [number, rgb]));
}

// Whether a pixel lies on one of the stripes that tell abnormal tissue from the others where colors do not.
export function isStriped({ columns }, at) {
  return (Math.floor(at / columns) + (at % columns)) % (2 * STRIPE) < STRIPE;
}

// A label's color: what is abnormal in stripes, solid on them and thin between.
export function packLabel(slice, at, { label, alpha, header, colors }) {
  if (label !== header.abnormal.number) return packColor(colors.get(label), alpha);
  return packColor(colors.get(label), isStriped(slice, at) ? 255 : Math.round(alpha * GAP_SHARE));
}

// The labels, those of hidden tissues left out: filled or as contours; or those of the highlighted tissue alone.
export function labelPixels(slice, { header, state }) {
  const colors = labelColors(header);
  const { hidden, highlighted } = state;
  const alpha = Math.round(255 * state.opacity);
  return colorBrain(slice, (at, label) => {
    if (highlighted !== null) return label === highlighted ? packColor(colors.get(label), 255) : 0;
    if (hidden.has(label)) return 0;
    if (!state.contours) return packLabel(slice, at, { label, alpha, header, colors });
    return isInner(slice, at, (near) => slice.labels[near] === label) ? 0 : packColor(colors.get(label), alpha);
  });
}

// How uncertain the posteriors of a pixel are: 0 where one is 1, 1 where those of the three tissues are equal.
export function entropyAt(slice, at) {
  let sum = 0;
  for (const share of posteriorsAt(slice, at)) if (share > 0) sum -= share * Math.log(share);
  return Math.min(1, sum / Math.log(3)); // of four alike it is more
}

function fieldPixels(slice, { header, state }) {
  const most = Math.max(largestShading(header), FLAT);
  const alpha = Math.round(255 * state.opacity);
  return colorBrain(slice, (at) => packColor(FIELD(logShadingAt(slice, at, header) / most / 2 + 0.5), alpha));
}

// What a layer lays over the gray; null if nothing.
export function layerPixels(slice, layer, view) {
  const { header, state } = view;
  if (layer === "segmented") return labelPixels(slice, view);
  if (layer === "field") return fieldPixels(slice, view);
  if (layer === "mask") return colorBrain(slice, () => packColor(MASK_RGB, Math.round(255 * state.opacity) >> 2));
  if (layer === "entropy") {
    const alpha = Math.round(255 * state.opacity);
    return colorBrain(slice, (at) => packColor(UNCERTAINTY(entropyAt(slice, at)), alpha));
  }
  if (layer in POSTERIORS) {
    const tissue = POSTERIORS[layer];
    const { rgb } = [...header.tissues, header.abnormal][tissue];
    return colorBrain(slice, (at) => packColor(rgb, Math.round(255 * posteriorsAt(slice, at)[tissue])));
  }
  return null;
}

// The labels of the other segmentation, hidden tissues left out.
export function otherPixels(slice, { header, state }) {
  const colors = labelColors(header);
  const alpha = Math.round(255 * state.opacity);
  return colorPixels(slice, (at) => {
    const label = slice.other[at];
    return label && !state.hidden.has(label) ? packLabel(slice, at, { label, alpha, header, colors }) : 0;
  });
}

// The labels of this segmentation where the other has another.
export function disagreementPixels(slice, { header }) {
  const colors = labelColors(header);
  return colorPixels(slice, (at, label) =>
    label === slice.other[at] ? 0 : packColor(colors.get(label) ?? OUTSIDE_RGB, 255),
  );
}

// The rim of the brain, a pixel wide.
export function outlinePixels(slice) {
  return colorBrain(slice, (at) => (isInner(slice, at, (near) => slice.labels[near]) ? 0 : packColor(MASK_RGB, 255)));
}

// The gray ground, kept while nothing but labels changes: by what a slice and its copies with other labels share.
const grounds = new WeakMap();

function groundOf(slice, layer, view) {
  const { header, state } = view;
  if (!state.isWhatIf) return grayPixels(slice, layer, view);
  const kind = layer in POSTERIORS || layer === "corrected" ? layer : "original";
  const key = JSON.stringify([kind, state.window, header.result]);
  const kept = grounds.get(slice.levels)?.[key];
  if (kept) return kept;
  const pixels = grayPixels(slice, layer, view);
  grounds.set(slice.levels, { [key]: pixels });
  return pixels;
}

// What a panel shows as pixels, from the ground up; each with whether it is smoothed and where the divider cuts it off.
export function imagesOf(slice, shows, view) {
  const { state } = view;
  const layer = shows === "layer" || shows === "swipe" ? state.layer : "original";
  const isSwiped = shows === "swipe";
  const images = [{ pixels: groundOf(slice, isSwiped ? "original" : layer, view), smooth: true }];
  if (isSwiped) images.push({ pixels: groundOf(slice, layer, view), smooth: true, isSwiped });
  if (shows === "other") images.push({ pixels: otherPixels(slice, view) });
  else if (shows === "disagreement") images.push({ pixels: disagreementPixels(slice, view) });
  else if (shows !== "original") images.push({ pixels: layerPixels(slice, layer, view), isSwiped });
  else if (state.highlighted !== null) images.push({ pixels: labelPixels(slice, view) });
  if (state.outline || (layer === "mask" && shows !== "original")) images.push({ pixels: outlinePixels(slice) });
  return images.filter(({ pixels }) => pixels);
}

// The sides of pixels along which the labels of one tissue meet those of another, each as a line from a column and row of
// corners to another; sides that follow each other are one line.
export function bordersOf({ rows, columns }, labels, [one, other]) {
  const meets = (a, b) => (labels[a] === one && labels[b] === other) || (labels[a] === other && labels[b] === one);
  const lines = [];
  const follow = ([outer, inner], pixelsAt, lineAt) => {
    for (let k = 1; k < outer; k += 1) {
      let start = null;
      for (let n = 0; n <= inner; n += 1) {
        const isBorder = n < inner && meets(...pixelsAt(k, n));
        if (isBorder) start ??= n;
        else if (start !== null) {
          lines.push(lineAt(k, start, n));
          start = null;
        }
      }
    }
  };
  const below = (row, column) => [(row - 1) * columns + column, row * columns + column];
  const beside = (column, row) => [row * columns + column - 1, row * columns + column];
  follow([rows, columns], below, (row, from, to) => [from, row, to, row]);
  follow([columns, rows], beside, (column, from, to) => [column, from, column, to]);
  return lines;
}
