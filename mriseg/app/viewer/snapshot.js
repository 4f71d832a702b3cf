// The captioned picture that is saved: the panels as they stand, twice as large as on the screen, with title, colors,
// and where they come from.

import { keysOf, usesOf } from "./color_keys.js";
import { captionOf, numberOf, paintPanel, titleOf, writeOn } from "./drawing.js";
import { PICTURE } from "./navigation.js";

const PICTURE_RATIO = 2; // pixels of the picture for each point of the screen
const PICTURE_MARGIN = 12; // points
const [INK, PAPER, GRAY] = ["#1a1a1a", "#ffffff", "#555555"];
const PICTURE_LINE = 18; // points from line to line
const TEXT_SIZES = { title: 15, text: 12, caption: 13 };
const CAPTION = { x: 6, y: 4, line: 17 }; // points in a panel
const KEY_BAR = { width: 120, height: 10 }; // of the colors of a map

// The title: what is side by side, the plane and the slice, and how the scan is weighted.
export function titleOfPicture(panels, { header, state }) {
  const shown = panels.filter(({ small }) => !small).map((panel) => titleOf(panel, { header, state }).title);
  const plane = header.planes.find(([axis]) => axis === state.plane)?.[1];
  const place = plane && `${plane}, ${header.texts.slice.toLowerCase()} ${numberOf(state.plane, { header, state })}`;
  return [[...new Set(shown)].join(" | "), state.layout === "three" ? "" : place, header.contrast]
    .filter(Boolean)
    .join(" · ");
}

// The name of the file: whose scan it is, if that was said, and which slice; nothing that a file system minds.
export function nameOfPicture({ header, state }) {
  const plane = header.planes.find(([axis]) => axis === state.plane)?.[1] ?? "";
  const number = state.plane === PICTURE ? "" : String(state.cursor[state.plane] + 1);
  const parts = ["mriseg", header.scanId, state.layer, plane, number].filter(Boolean);
  return `${parts.map((part) => part.toLowerCase().replace(/[^a-z0-9-]+/g, "-")).join("_")}.png`;
}

// Lines that are no wider than there is room, broken between words.
export function brokenLines(text, width, widthOf) {
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

// Where the items of a key stand, broken into lines where there is no room: x of each, and the line.
export function placesOf(widths, room, gap) {
  let [x, line] = [0, 0];
  return widths.map((width) => {
    if (x > 0 && x + width > room) [x, line] = [0, line + 1];
    const place = { x, line };
    x += width + gap;
    return place;
  });
}

// What the colors mean, as it stands in the picture: those of the tissues where they are shown, then those of the map.
function keyItems({ header, state }) {
  const tissues = usesOf(state).tissues ? header.legend.filter(({ number }) => !state.hidden.has(number)) : [];
  return [...tissues.map(({ title, rgb }) => ({ title, colors: [rgb], labels: [] })), ...keysOf({ header, state })];
}

// The picture on a canvas of its own. `boxes` are the panels' places in the row, in points.
export function drawSnapshot(panels, sliceOf, view) {
  const row = panels[0].figure.closest(".mriseg-panels").getBoundingClientRect();
  const width = Math.round(row.width + 2 * PICTURE_MARGIN);
  const measure = new OffscreenCanvas(1, 1).getContext("2d");
  const widthOf = (size) => (text) => {
    measure.font = `${size}px sans-serif`;
    return measure.measureText(text).width;
  };
  const room = row.width;
  const title = brokenLines(titleOfPicture(panels, view), room, widthOf(TEXT_SIZES.title));
  const { header } = view;
  const origin = [header.scanId, header.texts.origin].filter(Boolean).join(" · ");
  const footer = brokenLines(origin, room, widthOf(TEXT_SIZES.text));
  const items = keyItems(view);
  const ofText = widthOf(TEXT_SIZES.text);
  const widths = items.map((item) => keyWidth(item, ofText));
  const places = placesOf(widths, room, PICTURE_MARGIN);
  const keyLines = items.length ? places.at(-1).line + 1 : 0;
  const top = PICTURE_MARGIN + title.length * PICTURE_LINE + 4;
  const height = Math.round(top + row.height + 8 + (keyLines + footer.length) * PICTURE_LINE + PICTURE_MARGIN);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * PICTURE_RATIO, height * PICTURE_RATIO];
  const context = canvas.getContext("2d");
  context.scale(PICTURE_RATIO, PICTURE_RATIO);
  context.fillStyle = PAPER;
  context.fillRect(0, 0, width, height);
  const write = (lines, y, style) => writeLines(context, lines, y, style);
  write(title, PICTURE_MARGIN, { size: TEXT_SIZES.title, color: INK });
  for (const panel of panels) drawInPlace(context, panel, { row, top, slice: sliceOf(panel) }, view);
  const below = top + row.height + 8;
  for (const [k, item] of items.entries()) {
    drawKey(context, item, { x: PICTURE_MARGIN + places[k].x, y: below + places[k].line * PICTURE_LINE, ofText });
  }
  write(footer, below + keyLines * PICTURE_LINE, { size: TEXT_SIZES.text, color: GRAY });
  return canvas;
}

function writeLines(context, lines, y, { size, color }) {
  context.font = `${size}px sans-serif`;
  context.fillStyle = color;
  context.textAlign = "left";
  context.textBaseline = "top";
  for (const [k, line] of lines.entries()) context.fillText(line, PICTURE_MARGIN, y + k * PICTURE_LINE);
}

function drawInPlace(context, panel, { row, top, slice }, view) {
  const box = panel.figure.getBoundingClientRect();
  const { width, height } = box;
  context.save();
  context.translate(PICTURE_MARGIN + box.left - row.left, top + box.top - row.top);
  context.beginPath();
  context.rect(0, 0, width, height);
  context.clip();
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  const { text, number } = captionOf(panel, view);
  context.font = `${TEXT_SIZES.caption}px sans-serif`;
  const ofCaption = (line) => context.measureText(line).width;
  const lines = brokenLines(`${text} ${number}`.trim(), width - 2 * CAPTION.x, ofCaption);
  const caption = {
    right: CAPTION.x + Math.max(...lines.map(ofCaption)),
    bottom: CAPTION.y + lines.length * CAPTION.line,
  };
  if (slice) paintPanel(context, { ...panel, width, height, caption }, slice, view);
  for (const [k, line] of lines.entries()) {
    const place = { x: CAPTION.x, y: CAPTION.y + k * CAPTION.line, align: "left", baseline: "top" };
    writeOn(context, line, { ...place, size: TEXT_SIZES.caption });
  }
  context.restore();
}

// How wide an item of the key is: a swatch or a bar, its title and its labels.
function keyWidth({ title, colors, labels }, ofText) {
  if (colors.length === 1) return 16 + ofText(title);
  return ofText(`${title}  ${labels[0]}`) + 5 + KEY_BAR.width + 5 + ofText(labels.at(-1));
}

function drawKey(context, { title, colors, labels }, { x, y, ofText }) {
  const write = (text, at) => context.fillText(text, at, y);
  context.font = `${TEXT_SIZES.text}px sans-serif`;
  context.textAlign = "left";
  context.textBaseline = "top";
  if (colors.length === 1) {
    context.fillStyle = `rgb(${colors[0]})`;
    context.fillRect(x, y, 11, 11);
    context.fillStyle = INK;
    write(title, x + 16);
    return;
  }
  const left = `${title}  ${labels[0]}`;
  const start = x + ofText(left) + 5;
  const gradient = context.createLinearGradient(start, 0, start + KEY_BAR.width, 0);
  for (const [k, rgb] of colors.entries()) gradient.addColorStop(k / (colors.length - 1), `rgb(${rgb})`);
  context.fillStyle = gradient;
  context.fillRect(start, y + 1, KEY_BAR.width, KEY_BAR.height);
  context.fillStyle = INK;
  write(left, x);
  write(labels.at(-1), start + KEY_BAR.width + 5);
}

// Save the result as it is shown; of what would be if a curve stood elsewhere there is no picture to take away.
export function saveSnapshot(viewer) {
  const { header, state, controls } = viewer;
  const view = { header, state: { ...state, isWhatIf: false, isMoving: false } };
  const canvas = drawSnapshot(controls.panels, (panel) => viewer.sliceOf(panel, false), view);
  const link = document.createElement("a");
  link.download = nameOfPicture(viewer);
  canvas.toBlob((blob) => {
    link.href = URL.createObjectURL(blob);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }, "image/png");
}
