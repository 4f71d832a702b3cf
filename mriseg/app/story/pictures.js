// A slice on canvases: as gray values, and with classes or marks over it. A canvas has one pixel for each of the slice's;
// the style stretches it.

import { pixelSize } from "../viewer/navigation.js";
import { grayOf, packColor } from "../viewer/pixels.js";
import { intensityAt } from "../viewer/slice_store.js";
import { html } from "./elements.js";

// Of the classes from dark to bright: not the colors of the tissues, which they are not. Dark to bright themselves.
export const CLASS_RGB = [
  [122, 90, 200],
  [26, 152, 140],
  [214, 222, 84],
];
const MARK_RGB = [255, 45, 120];
const COVER = 0.72; // of a class over the gray values
const MARK_COVER = 0.8;

function mix([red, green, blue], gray, cover) {
  return packColor(
    [red, green, blue].map((part) => Math.round(cover * part + (1 - cover) * gray)),
    255,
  );
}

// How bright each pixel of a slice is, 0 to 255.
export function grays(slice, header) {
  const [black, white] = header.window;
  const shown = new Uint8Array(slice.levels.length);
  for (let at = 0; at < shown.length; at += 1) shown[at] = grayOf(intensityAt(slice, at, header), { black, white });
  return shown;
}

// The color of each gray value, with so much of a color over it.
function palette(rgb, cover) {
  return Uint32Array.from({ length: 256 }, (_, gray) => mix(rgb, gray, cover));
}

const GRAY_PALETTE = palette([0, 0, 0], 0);
const MARKED_PALETTE = palette(MARK_RGB, MARK_COVER);

// Pixels by the palette of each; in a loop, since there are as many pictures a second as iterations.
function colored(shown, paletteAt) {
  const pixels = new Uint32Array(shown.length);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = paletteAt(at)[shown[at]];
  return pixels;
}

export function grayPicture(shown) {
  return colored(shown, () => GRAY_PALETTE);
}

// The classes of all pixels, over their gray values or by themselves.
export function classPicture(shown, classes, cover = COVER) {
  const palettes = CLASS_RGB.map((rgb) => palette(rgb, cover));
  return colored(shown, (at) => palettes[classes[at]]);
}

// Marked pixels over the gray values.
export function markedPicture(shown, marks) {
  return colored(shown, (at) => (marks[at] ? MARKED_PALETTE : GRAY_PALETTE));
}

// The row and column of a slice under a point of a canvas, which is stretched to so many points.
export function pixelUnder({ offsetX, offsetY }, { width, height }, { rows, columns }) {
  const within = (share, size) => Math.max(0, Math.min(size - 1, Math.floor(share * size)));
  return [within(offsetY / height, rows), within(offsetX / width, columns)];
}

// A canvas that shows a slice, in a frame for what lies over it; `show` paints it, `point` is called with the pixel
// under the pointer.
export class Picture {
  constructor(slice, { header, title, point = null }) {
    const [width, height] = pixelSize(slice.axis, header.spacing);
    this.slice = slice;
    this.canvas = html("canvas", {
      role: "img",
      "aria-label": title,
      width: slice.columns,
      height: slice.rows,
    });
    this.frame = html("div", { class: "story-frame" }, this.canvas);
    this.frame.style.setProperty("--ratio", String((slice.columns * width) / (slice.rows * height)));
    this.element = html("figure", { class: "story-picture" }, this.frame, html("figcaption", {}, title));
    if (!point) return;
    this.canvas.classList.add("story-pointed");
    this.canvas.onpointermove = (event) => {
      const size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
      point(pixelUnder(event, size, slice));
    };
  }

  show(pixels) {
    const image = new ImageData(new Uint8ClampedArray(pixels.buffer), this.slice.columns, this.slice.rows);
    this.canvas.getContext("2d").putImageData(image, 0, 0);
  }

  // A box over the picture, from a pixel and so many rows and columns large.
  box([row, column], [tall, wide]) {
    if (!this.marker) {
      this.marker = html("div", { class: "story-box" });
      this.frame.append(this.marker);
    }
    const { rows, columns } = this.slice;
    const share = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(this.marker.style, {
      left: share(column, columns),
      top: share(row, rows),
      width: share(wide, columns),
      height: share(tall, rows),
    });
  }
}
