// Draws slices: first as pixels, by functions of arrays alone, then these and what lies over them on a canvas.

import { PICTURE, fitViewport, pixelOfVoxel, pixelSize, pointOfPixel, visiblePart } from "./navigation.js";
import { grayOf, packColor } from "./pixels.js";
import { intensityAt, intensityOf, logShadingAt, posteriorsAt, shadingAt, signalOf } from "./slice_store.js";

const OUTSIDE_RGB = [0, 158, 115]; // where another segmentation has background or the brain ends elsewhere
const ENTROPY_RGB = [213, 94, 0];
const BRIGHTENED_RGB = [230, 159, 0]; // by the bias field
const DARKENED_RGB = [0, 114, 178];
const MASK_RGB = [0, 229, 160];
const CROSS_STYLE = "rgba(0, 229, 160, 0.55)";
const POSTERIORS = { "posterior-gm": 0, "posterior-wm": 1, "posterior-csf": 2, "posterior-abnormal": 3 };
const STRIPE = 2; // pixels of a slice: as wide are the stripes of abnormal tissue and the gaps between them
const GAP_SHARE = 0.5; // of a stripe's opacity in a gap
const FLAT = 1e-6; // a bias field whose logarithm varies less is none
const BAR_MM = 50; // length of the bar that shows the scale
const LIGHT = "#ebebeb";

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
  const [flattest, steepest] = header.field;
  const most = Math.max(-flattest, steepest, FLAT);
  const alpha = Math.round(255 * state.opacity);
  return colorBrain(slice, (at) => {
    const value = logShadingAt(slice, at, header) / most;
    return packColor(value > 0 ? BRIGHTENED_RGB : DARKENED_RGB, Math.round(alpha * Math.abs(value)));
  });
}

// What a layer lays over the gray; null if nothing.
export function layerPixels(slice, layer, view) {
  const { header, state } = view;
  if (layer === "segmented") return labelPixels(slice, view);
  if (layer === "field") return fieldPixels(slice, view);
  if (layer === "mask") return colorBrain(slice, () => packColor(MASK_RGB, Math.round(255 * state.opacity) >> 2));
  if (layer === "entropy")
    return colorBrain(slice, (at) => packColor(ENTROPY_RGB, Math.round(255 * entropyAt(slice, at))));
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

// What a panel shows as pixels, from the ground up; each with whether it is smoothed and where the divider cuts it off.
export function imagesOf(slice, shows, view) {
  const { state } = view;
  const layer = shows === "layer" || shows === "swipe" ? state.layer : "original";
  const isSwiped = shows === "swipe";
  const images = [{ pixels: grayPixels(slice, isSwiped ? "original" : layer, view), smooth: true }];
  if (isSwiped) images.push({ pixels: grayPixels(slice, layer, view), smooth: true, isSwiped });
  if (shows === "other") images.push({ pixels: otherPixels(slice, view) });
  else if (shows === "disagreement") images.push({ pixels: disagreementPixels(slice, view) });
  else if (shows !== "original") images.push({ pixels: layerPixels(slice, layer, view), isSwiped });
  else if (state.highlighted !== null) images.push({ pixels: labelPixels(slice, view) });
  if (state.outline || (layer === "mask" && shows !== "original")) images.push({ pixels: outlinePixels(slice) });
  return images.filter(({ pixels }) => pixels);
}

// What stands at the corner of a panel.
export function titleOf({ axis, shows }, { header, state }) {
  const { texts } = header;
  const layer = texts.layers[state.layer];
  const titles = {
    original: texts.original,
    other: header.comparedWith,
    disagreement: texts.disagreement,
    swipe: `${texts.original} | ${layer}`,
  };
  return { title: titles[shows] ?? layer, plane: header.planes.find(([across]) => across === axis)?.[1] ?? "" };
}

// ---------------------------------------------------------------- canvas

// Draw a slice on the canvas of a panel. `view` holds the header, the state and the cursor; the panel learns how the
// slice lies on its canvas.
export function drawPanel(panel, slice, view) {
  const { canvas, axis, shows } = panel;
  const { header, state } = view;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width || !height) return;
  const context = clearCanvas(canvas, width, height);
  const mirrored = axis > 0 && !state.radiological;
  const part = visiblePart(slice, { axis, mirrored, box: state.zoom ? header.headBox : null });
  const pixel = pixelSize(axis, header.spacing);
  panel.viewport = fitViewport(slice, { part, pixel, width, height, mirrored });
  const divider = state.swipe * width;
  for (const image of imagesOf(slice, shows, view)) drawPixels(context, image, { viewport: panel.viewport, divider });
  if (shows === "swipe") {
    context.fillStyle = "#fff";
    context.fillRect(divider - 1, 0, 2, height);
  }
  if (axis !== PICTURE || state.clicked) drawCross(context, pixelOfVoxel(state.cursor, axis, slice), panel.viewport);
  if (axis !== PICTURE) drawMarks(context, panel, { header, width, height });
  const { title, plane } = titleOf(panel, view);
  const number = axis === PICTURE ? "" : state.cursor[axis] + 1;
  panel.caption.textContent = panel.small || state.layout === "three" ? plane : title;
  panel.number.textContent = number && ` ${number}`;
  canvas.setAttribute(
    "aria-label",
    [title, plane, number && `${header.texts.slice} ${number}`].filter(Boolean).join(", "),
  );
  canvas.dataset.drawn = `${header.result} ${axis} ${axis === PICTURE ? 0 : state.cursor[axis]}`;
}

function clearCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

// Lay pixels over what is on a canvas, by their opacity; right of the divider alone where they are swiped.
export function drawPixels(context, { pixels, smooth = false, isSwiped = false }, { viewport, divider }) {
  const { x, y, scaleX, scaleY, rows, columns, mirrored } = viewport;
  const sheet = new OffscreenCanvas(columns, rows);
  sheet.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), columns, rows), 0, 0);
  context.save();
  if (isSwiped) {
    context.beginPath();
    context.rect(divider, 0, 1e6, 1e6);
    context.clip();
  }
  context.translate(x, y);
  if (mirrored) {
    context.translate(columns * scaleX, 0);
    context.scale(-1, 1);
  }
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(sheet, 0, 0, columns * scaleX, rows * scaleY);
  context.restore();
}

function drawCross(context, pixel, viewport) {
  const [x, y] = pointOfPixel(pixel, viewport);
  const { width, height } = context.canvas;
  context.strokeStyle = CROSS_STYLE;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, height);
  context.moveTo(0, y);
  context.lineTo(width, y);
  context.stroke();
}

// The sides of the body and the scale.
function drawMarks(context, panel, { header, width, height }) {
  const { axis, small, viewport } = panel;
  context.lineWidth = 3;
  context.strokeStyle = "#000";
  context.fillStyle = LIGHT;
  const write = (text, [x, y], [align, baseline], size) => {
    context.font = `${size}px sans-serif`;
    context.textAlign = align;
    context.textBaseline = baseline;
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  };
  if (header.sidesKnown) {
    let [left, right, top, bottom] = header.letters[axis];
    if (viewport.mirrored) [left, right] = [right, left];
    const size = small ? 12 : 16;
    write(left, [5, height / 2], ["left", "middle"], size);
    write(right, [width - 5, height / 2], ["right", "middle"], size);
    write(top, [width / 2, 5], ["center", "top"], size);
    write(bottom, [width / 2, height - 5], ["center", "bottom"], size);
  } else if (axis > 0 && !small) {
    write(header.texts.sidesUnknown, [width - 5, height - 5], ["right", "bottom"], 12);
  }
  if (small) return;
  context.fillStyle = "#000";
  context.fillRect(5, height - 10, BAR_MM * viewport.scale + 2, 5);
  context.fillStyle = LIGHT;
  context.fillRect(6, height - 9, BAR_MM * viewport.scale, 3);
  write(`${BAR_MM} mm`, [6, height - 13], ["left", "bottom"], 12);
}

// Several canvases side by side on one.
export function joinCanvases(canvases) {
  const sheet = document.createElement("canvas");
  sheet.width = canvases.reduce((sum, canvas) => sum + canvas.width + 8, -8);
  sheet.height = Math.max(...canvases.map((canvas) => canvas.height));
  const context = sheet.getContext("2d");
  let x = 0;
  for (const canvas of canvases) {
    context.drawImage(canvas, x, 0);
    x += canvas.width + 8;
  }
  return sheet;
}
