// Where things are: from voxels to pixels of a slice and on to points of a canvas, and back; which slice comes next.
// Pure functions. Voxels are canonical (axes to the patient's right, front and top); a slice's rows run from its top,
// its columns in the radiological convention, so both run against their axes. Voxels of a picture are row and column.

export const PICTURE = -1; // in place of the axis across a slice: a picture has none
const LARGEST_MAGNIFICATION = 16; // times that a slice is magnified at most: a voxel of 1 mm is then a finger wide
const BARS_MM = [100, 50, 20, 10, 5, 2, 1]; // lengths of the bar that shows the scale
const BAR_SHARE = 0.35; // of a panel's width that this bar takes at most

// The canonical axes along the columns and the rows of a slice across an axis.
export function inPlaneAxes(axis) {
  return axis === PICTURE ? [] : [0, 1, 2].filter((other) => other !== axis);
}

export function clampIndex(index, size) {
  return Math.min(size - 1, Math.max(0, index));
}

// How far a key moves through slices; undefined of a key that moves nothing.
export function slicesOfKey(key) {
  return { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[key];
}

// The pixel of a picture that a key leads to.
export function pixelOfKey(key, pixel, shape) {
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key] ?? [0, 0];
  return steps.map((step, axis) => clampIndex(pixel[axis] + step, shape[axis]));
}

export function pixelOfVoxel(voxel, axis, slice) {
  if (axis === PICTURE) return [...voxel];
  const [across, up] = inPlaneAxes(axis);
  return [slice.rows - 1 - voxel[up], slice.columns - 1 - voxel[across]];
}

// The voxel at a pixel of the slice that the cursor lies in.
export function voxelOfPixel([row, column], axis, slice, cursor) {
  if (axis === PICTURE) return [row, column];
  const [across, up] = inPlaneAxes(axis);
  const voxel = [...cursor];
  voxel[across] = slice.columns - 1 - column;
  voxel[up] = slice.rows - 1 - row;
  return voxel;
}

// The part of a slice that fills a panel, in pixels as they are shown: what lies in a box of voxels, or all of it.
export function visiblePart(slice, { axis, mirrored, box }) {
  if (!box) return { top: 0, bottom: slice.rows, left: 0, right: slice.columns };
  if (axis === PICTURE) return { top: box[0][0], bottom: box[0][1], left: box[1][0], right: box[1][1] };
  const [across, up] = inPlaneAxes(axis);
  const [[first, end], [low, high]] = [box[across], box[up]];
  const [left, right] = mirrored ? [first, end] : [slice.columns - end, slice.columns - first];
  return { top: slice.rows - high, bottom: slice.rows - low, left, right };
}

// How wide and high a voxel is in a slice, mm; of a picture, whose pixels have no known size, 1.
export function pixelSize(axis, spacing) {
  if (axis === PICTURE || !spacing) return [1, 1];
  const [across, up] = inPlaneAxes(axis);
  return [spacing[across], spacing[up]];
}

// How much wider than high what is shown of the slices across an axis is: the box around the head, or all.
export function aspectOf(axis, { shape, spacing, headBox }, { zoom }) {
  const [down, along] = axis === PICTURE ? [0, 1] : inPlaneAxes(axis).reverse();
  const extent = (other) => (zoom ? headBox[other][1] - headBox[other][0] : shape[other]);
  const [wide, high] = pixelSize(axis, spacing);
  return (extent(along) * wide) / (extent(down) * high);
}

// How a slice lies on a canvas so that a part of it fills that: the canvas point of its corner, and points per pixel.
export function fitViewport(slice, { part, pixel, width, height, mirrored }) {
  const { top, bottom, left, right } = part;
  const scale = Math.min(width / ((right - left) * pixel[0]), height / ((bottom - top) * pixel[1])); // points per mm
  const [scaleX, scaleY] = [scale * pixel[0], scale * pixel[1]];
  const [x, y] = [width / 2 - ((left + right) / 2) * scaleX, height / 2 - ((top + bottom) / 2) * scaleY];
  return { x, y, scale, scaleX, scaleY, mirrored, rows: slice.rows, columns: slice.columns };
}

// The voxel in the middle of what is shown when nothing is magnified, in parts of voxels.
export function centerOf({ shape, headBox }, { zoom }) {
  return shape.map((size, axis) => (zoom ? headBox[axis][0] + headBox[axis][1] - 1 : size - 1) / 2);
}

// The viewport in which a pixel lies in the middle of the panel and all is so many times larger.
export function magnify(viewport, { magnification, pixel: [row, column], width, height }) {
  const [scaleX, scaleY] = [viewport.scaleX * magnification, viewport.scaleY * magnification];
  const shown = viewport.mirrored ? viewport.columns - 1 - column : column;
  return {
    ...viewport,
    scale: viewport.scale * magnification,
    scaleX,
    scaleY,
    x: width / 2 - (shown + 0.5) * scaleX,
    y: height / 2 - (row + 0.5) * scaleY,
  };
}

// The magnification and the voxel in the middle after what lies at one place was taken to another and all magnified by
// a factor: both are voxels under the pointer before, in parts of voxels. The middle stays within `ends` of each axis.
export function takeTo({ magnification, focus }, { from, to, factor = 1 }, ends) {
  const wanted = Math.min(LARGEST_MAGNIFICATION, Math.max(1, magnification * factor));
  if (wanted === 1) return { magnification: 1, focus: null };
  const moved = focus.map((middle, axis) => from[axis] - (to[axis] - middle) * (magnification / wanted));
  return { magnification: wanted, focus: moved.map((place, axis) => clampTo(place, ends[axis])) };
}

function clampTo(place, [first, end]) {
  return Math.min(end - 1, Math.max(first, place));
}

// How long the bar is that shows the scale, mm; 0 where even the shortest has no room.
export function barLength(scale, width) {
  return BARS_MM.find((length) => length * scale <= BAR_SHARE * width) ?? 0;
}

// The canvas point of the center of a pixel.
export function pointOfPixel([row, column], viewport) {
  const shown = viewport.mirrored ? viewport.columns - 1 - column : column;
  return [viewport.x + (shown + 0.5) * viewport.scaleX, viewport.y + (row + 0.5) * viewport.scaleY];
}

// The place at a canvas point in parts of pixels, whole at their centers; it may lie beside the slice.
export function placeOfPoint([x, y], viewport) {
  const shown = (x - viewport.x) / viewport.scaleX - 0.5;
  return [(y - viewport.y) / viewport.scaleY - 0.5, viewport.mirrored ? viewport.columns - 1 - shown : shown];
}

// The pixel at a canvas point; null beside the slice.
export function pixelOfPoint([x, y], viewport) {
  const shown = Math.floor((x - viewport.x) / viewport.scaleX);
  const row = Math.floor((y - viewport.y) / viewport.scaleY);
  if (shown < 0 || row < 0 || shown >= viewport.columns || row >= viewport.rows) return null;
  return [row, viewport.mirrored ? viewport.columns - 1 - shown : shown];
}

// Where a voxel is in the scanner's room, mm.
export function millimeters(affine, voxel) {
  return [0, 1, 2].map(
    (row) => affine[row][3] + [0, 1, 2].reduce((sum, axis) => sum + affine[row][axis] * voxel[axis], 0),
  );
}
