// Lays slices on canvases: their pixels, and over them borders, cursor, the sides of the body and the scale.

import {
  PICTURE,
  barLength,
  fitViewport,
  magnify,
  pixelOfVoxel,
  pixelSize,
  pointOfPixel,
  visiblePart,
} from "./navigation.js";
import { bordersOf, imagesOf } from "./painter.js";
import { packColor } from "./pixels.js";
import { drawWhatIf } from "./what_if_frame.js";

const CROSS_STYLE = "rgba(0, 229, 160, 0.55)";
const LIGHT = "#ebebeb";
const EDGE = 5; // points between what is written and the edge of a panel
const LETTER = { small: 12, large: 16 }; // points
// Between gray and white matter, whose colors alone differ too little for weak eyes: black, as opaque as the colors are
// and more; its thickness in parts of a pixel of the slice, and at most (points).
const BORDER_LINE = { opacity: 1.3, share: 0.3, thickest: 1.5 };
const MOST_SHEETS = 6; // images of these lines that are kept, as large as a panel each: no layout shows more slices
const sheets = []; // those drawn last, first

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

// The number of a slice as people count, and of how many.
export function numberOf(axis, { header, state }) {
  return axis === PICTURE ? "" : `${state.cursor[axis] + 1} ${header.texts.of} ${header.shape[axis]}`;
}

// The texts at the corner of a panel; those of the small ones are short.
export function captionOf(panel, view) {
  const { title, plane } = titleOf(panel, view);
  const number = numberOf(panel.axis, view);
  return panel.small
    ? { text: plane, number: String(view.state.cursor[panel.axis] + 1) }
    : { text: view.state.layout === "three" ? plane : title, number };
}

// How high the letter at the top begins, so that it clears a caption that reaches to the middle.
export function topOfLetter({ width, size, caption }) {
  return caption && caption.right > width / 2 - size ? caption.bottom + 1 : EDGE;
}

// Measure the room of a panel and write its caption, whose box the letters clear; that of all panels before one is drawn,
// because what is drawn would be laid out anew for each.
export function preparePanel(panel, view) {
  const { canvas, line } = panel;
  panel.width = canvas.clientWidth;
  panel.height = canvas.clientHeight;
  const { text, number } = captionOf(panel, view);
  const written = `${text} ${number} ${panel.width}`;
  if (panel.written === written) return;
  panel.written = written;
  panel.text.textContent = text;
  panel.number.textContent = number && ` ${number}`;
  panel.caption = { right: line.offsetLeft + line.offsetWidth, bottom: line.offsetTop + line.offsetHeight };
}

// Draw a slice on the canvas of a panel. `view` holds the header, the state and the cursor; the panel learns how the
// slice lies on its canvas.
export function drawPanel(panel, slice, view) {
  const { canvas, axis, width, height } = panel;
  const { header, state } = view;
  if (!width || !height) return;
  const context = clearCanvas(canvas, { width, height, ratio: window.devicePixelRatio || 1 });
  panel.viewport = paintPanel(context, panel, slice, view);
  const { title, plane } = titleOf(panel, view);
  const number = numberOf(axis, view);
  canvas.setAttribute(
    "aria-label",
    [title, plane, number && `${header.texts.slice} ${number}`].filter(Boolean).join(", "),
  );
  canvas.dataset.drawn = `${header.result} ${axis} ${axis === PICTURE ? 0 : state.cursor[axis]}`;
}

// An empty canvas of a size in points, with so many pixels for each.
export function clearCanvas(canvas, { width, height, ratio }) {
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

// How a slice lies on a panel of a size.
export function viewportOf(slice, { axis, width, height }, { header, state }) {
  const mirrored = axis > 0 && !state.radiological;
  const part = visiblePart(slice, { axis, mirrored, box: state.zoom ? header.headBox : null });
  const whole = fitViewport(slice, { part, pixel: pixelSize(axis, header.spacing), width, height, mirrored });
  if (!state.focus) return whole;
  const { magnification, focus } = state;
  return magnify(whole, { magnification, pixel: pixelOfVoxel(focus, axis, slice), width, height });
}

// Paint all of a panel but its caption, whose box the letters clear, a plain one without what lies over the slice; say
// how the slice lies on it.
export function paintPanel(context, panel, slice, view) {
  const { axis, shows, width, height } = panel;
  const { state } = view;
  const viewport = viewportOf(slice, panel, view);
  const divider = state.swipe * width;
  for (const image of imagesOf(slice, shows, view)) drawPixels(context, image, { viewport, divider });
  // Of labels that change with each frame the borders would take longer than the rest.
  if (!panel.isPlain && !state.isMoving) {
    drawBorders(context, slice, { shows, viewport, divider, width, height }, view);
  }
  if (shows === "swipe") {
    context.fillStyle = "#fff";
    context.fillRect(divider - 1, 0, 2, height);
  }
  if (state.isWhatIf) drawWhatIf(context, panel, view.header.texts.whatIf);
  if (panel.isPlain) return viewport;
  if (axis !== PICTURE || state.clicked) drawCross(context, pixelOfVoxel(state.cursor, axis, slice), viewport, panel);
  if (axis !== PICTURE) drawSides(context, { ...panel, viewport }, view);
  if (!panel.small && (axis !== PICTURE || view.header.pixelSize)) drawScale(context, { ...panel, viewport }, view);
  return viewport;
}

// Lay pixels over what is on a canvas, by their opacity; right of the divider alone where they are swiped.
export function drawPixels(context, { pixels, smooth = false, isSwiped = false }, { viewport, divider }) {
  const { x, y, scaleX, scaleY, rows, columns, mirrored } = viewport;
  const sheet = new OffscreenCanvas(columns, rows);
  sheet.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), columns, rows), 0, 0);
  context.save();
  if (isSwiped) clipRight(context, divider);
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

function clipRight(context, divider) {
  context.beginPath();
  context.rect(divider, 0, 1e6, 1e6);
  context.clip();
}

// The labels whose border between gray and white matter a panel shows; null if none.
function borderedLabels(slice, shows, { layer, contours, hidden, highlighted }, [gray, white]) {
  if (contours || highlighted !== null || hidden.has(gray) || hidden.has(white)) return null;
  if (shows === "other") return slice.other;
  return layer === "segmented" && (shows === "layer" || shows === "swipe") ? slice.labels : null;
}

// A thin dark line where gray matter meets white matter: as an image of the screen's own pixels, because thousands of
// strokes or rectangles take a screen longer to paint than all the rest.
function drawBorders(context, slice, { shows, viewport, divider, width, height }, { header, state }) {
  const pair = header.tissues.slice(0, 2).map(({ number }) => number);
  const labels = borderedLabels(slice, shows, state, pair);
  if (!labels || !state.opacity) return;
  const ratio = context.getTransform().a;
  const ground = { viewport, ratio, columns: Math.round(width * ratio), rows: Math.round(height * ratio) };
  context.save();
  if (shows === "swipe") clipRight(context, divider);
  context.globalAlpha = Math.min(1, BORDER_LINE.opacity * state.opacity);
  context.drawImage(borderSheet(slice, labels, pair, ground), 0, 0, width, height);
  context.restore();
}

// The image of these lines, made anew only where the labels or how they lie on the screen changed.
function borderSheet(slice, labels, pair, ground) {
  const place = JSON.stringify(ground);
  const known = sheets.find((one) => one.labels === labels && one.place === place);
  if (known) return known.sheet;
  const { columns, rows } = ground;
  const pixels = linePixels(bordersOf(slice, labels, pair), ground, packColor([0, 0, 0], 255));
  const sheet = new OffscreenCanvas(columns, rows);
  sheet.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), columns, rows), 0, 0);
  sheets.unshift({ labels, place, sheet });
  sheets.splice(MOST_SHEETS);
  return sheet;
}

// Lines along the sides of a slice's pixels as pixels of the screen.
export function linePixels(lines, { viewport, ratio, columns, rows }, color) {
  const { x, y, scaleX, scaleY, mirrored } = viewport;
  const { share, thickest } = BORDER_LINE;
  const thickness = Math.max(1, Math.round(Math.min(thickest, share * Math.min(scaleX, scaleY)) * ratio));
  const sharp = (place) => Math.round(place * ratio - thickness / 2);
  const across = (column) => sharp(x + (mirrored ? viewport.columns - column : column) * scaleX);
  const pixels = new Uint32Array(rows * columns);
  for (const [fromColumn, fromRow, toColumn, toRow] of lines) {
    const [one, other] = [across(fromColumn), across(toColumn)];
    const left = Math.max(0, Math.min(one, other));
    const right = Math.min(columns, Math.max(one, other) + thickness);
    const bottom = Math.min(rows, sharp(y + toRow * scaleY) + thickness);
    if (right <= left) continue;
    for (let row = Math.max(0, sharp(y + fromRow * scaleY)); row < bottom; row += 1) {
      pixels.fill(color, row * columns + left, row * columns + right);
    }
  }
  return pixels;
}

function drawCross(context, pixel, viewport, { width, height }) {
  const [x, y] = pointOfPixel(pixel, viewport);
  context.strokeStyle = CROSS_STYLE;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, height);
  context.moveTo(0, y);
  context.lineTo(width, y);
  context.stroke();
}

// Light letters with a dark rim, legible on any ground.
export function writeOn(context, text, { x, y, align, baseline, size }) {
  context.font = `${size}px sans-serif`;
  context.textAlign = align;
  context.textBaseline = baseline;
  context.lineWidth = 3;
  context.strokeStyle = "#000";
  context.fillStyle = LIGHT;
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

// The sides of the body.
function drawSides(context, { axis, small, width, height, caption, viewport }, { header }) {
  const size = small ? LETTER.small : LETTER.large;
  const [middle, center] = [width / 2, height / 2];
  if (header.sidesKnown) {
    let [left, right, top, bottom] = header.letters[axis];
    if (viewport.mirrored) [left, right] = [right, left];
    const highest = topOfLetter({ width, size, caption });
    writeOn(context, left, { x: EDGE, y: center, align: "left", baseline: "middle", size });
    writeOn(context, right, { x: width - EDGE, y: center, align: "right", baseline: "middle", size });
    writeOn(context, top, { x: middle, y: highest, align: "center", baseline: "top", size });
    writeOn(context, bottom, { x: middle, y: height - EDGE, align: "center", baseline: "bottom", size });
  } else if (axis > 0 && !small) {
    const place = { x: width - EDGE, y: height - EDGE, align: "right", baseline: "bottom" };
    writeOn(context, header.texts.sidesUnknown, { ...place, size: LETTER.small });
  }
}

// A bar of a round length; of a picture only where it is known how large its pixels are.
function drawScale(context, { axis, width, height, viewport }, { header }) {
  const scale = axis === PICTURE ? viewport.scale / header.pixelSize : viewport.scale; // points per mm
  const length = barLength(scale, width);
  if (!length) return;
  context.fillStyle = "#000";
  context.fillRect(EDGE, height - 10, length * scale + 2, 5);
  context.fillStyle = LIGHT;
  context.fillRect(EDGE + 1, height - 9, length * scale, 3);
  const place = { x: EDGE + 1, y: height - 13, align: "left", baseline: "bottom" };
  writeOn(context, `${length} mm`, { ...place, size: LETTER.small });
}
