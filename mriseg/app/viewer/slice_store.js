// The slices of a result: decoded from the bytes of `slices.py`, those that are in the browser, and which to request.

import { PICTURE } from "./navigation.js";

export const FORMAT_VERSION = 3; // of the bytes, the same as in `slices.py`: a change of the format is one of both
const PREFIX = 8; // bytes: the version and the length of the header
const LEVEL_BYTES = 2; // of a pixel's intensity; each layer after it has one byte a pixel
const BYTE_LAYERS = ["labels", "gray", "white", "abnormal", "field", "other"];
const MOST_AT_ONCE = 3; // slices of one request, as `viewer.py` takes them
const MOST_SLICES = 192; // 80 MB of a head of 256 voxels a side
const PATIENCE = 600; // ms until a slice that was requested is requested again
const AHEAD = [1, 2, 3]; // slices requested in the direction of scrolling
const SEND_DELAY = 5; // ms in which a newer request takes the place of one

// The page and the server are of different versions, as in a tab that was open while the server was renewed.
export class FormatError extends Error {}

// The header and the slices of a message.
export async function decode(message) {
  const bytes = new Uint8Array(message.buffer ?? message, message.byteOffset ?? 0, message.byteLength);
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, PREFIX);
  const version = numbers.getUint32(0, true);
  if (version !== FORMAT_VERSION) {
    throw new FormatError(
      "The page was renewed since you opened it. Reload the page in your browser to see your slices.",
    );
  }
  let end = PREFIX + numbers.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX, end)));
  const slices = [];
  for (const { axis, index, shape, length } of header.slices) {
    const content = await inflate(bytes.slice(end, end + length));
    end += length;
    slices.push({ axis, index, ...layersOf(content, shape) });
  }
  return { header, slices };
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

function layersOf(content, [rows, columns]) {
  const pixels = rows * columns;
  const layers = { rows, columns, levels: new Uint16Array(content, 0, pixels) };
  for (const [k, name] of BYTE_LAYERS.entries()) {
    layers[name] = new Uint8Array(content, (LEVEL_BYTES + k) * pixels, pixels);
  }
  return layers;
}

// The intensity of a pixel, as the scan has it up to the steps of its levels.
export function intensityAt(slice, at, { range: [low, high], levels }) {
  return low + slice.levels[at] * ((high - low) / (levels - 1));
}

export function logShadingAt(slice, at, { field: [flattest, steepest] }) {
  return flattest + (slice.field[at] / 255) * (steepest - flattest);
}

// By what the bias field multiplies the signal at a pixel.
export function shadingAt(slice, at, header) {
  return Math.exp(logShadingAt(slice, at, header));
}

// What the mixture was fitted to: counted from no signal, of a scan that is stored inverted its negative.
export function signalOf(intensity, { zero, scale, invertedAbout }) {
  const counted = (intensity - zero) * scale;
  return invertedAbout === null ? counted : invertedAbout - counted;
}

// The way back.
export function intensityOf(signal, { zero, scale, invertedAbout }) {
  return (invertedAbout === null ? signal : invertedAbout - signal) / scale + zero;
}

// The probability of each tissue at a pixel, in the order gray matter, white matter, fluid; last that of none of them.
export function posteriorsAt(slice, at) {
  const [gray, white, abnormal] = [slice.gray[at] / 255, slice.white[at] / 255, slice.abnormal[at] / 255];
  return [gray, white, Math.max(0, 1 - gray - white - abnormal), abnormal];
}

// All that is known of a pixel. `corrected` is in the units of the histogram.
export function valuesAt(slice, at, header) {
  const intensity = intensityAt(slice, at, header);
  const inside = slice.labels[at] > 0;
  const shading = inside ? shadingAt(slice, at, header) : 1;
  return {
    intensity,
    corrected: signalOf(intensity, header) / shading,
    shading,
    inside,
    posteriors: posteriorsAt(slice, at),
  };
}

function keyOf(axis, index) {
  return axis === PICTURE ? "-1 0" : `${axis} ${index}`;
}

// The slices that are in the browser; asks the server, through `send`, for those that are missing.
export class SliceStore {
  constructor(send) {
    this.send = send;
    this.slices = new Map();
    this.pending = new Map(); // when each was requested
  }

  get(axis, index) {
    return this.slices.get(keyOf(axis, index));
  }

  has(axis, index) {
    return this.slices.has(keyOf(axis, index));
  }

  add(slices) {
    for (const slice of slices) {
      const key = keyOf(slice.axis, slice.index);
      if (this.slices.size >= MOST_SLICES) this.slices.delete(this.slices.keys().next().value);
      this.slices.set(key, slice);
      this.pending.delete(key);
    }
  }

  clear() {
    this.slices.clear();
    this.pending.clear();
  }

  // Those of `axes` at the cursor that are missing; if none is, those that come next in the direction of scrolling.
  missing({ axes, cursor, scroll, shape }) {
    const shown = axes.map((across) => [across, cursor[across]]).filter(([across, index]) => !this.has(across, index));
    if (shown.length || !scroll) return { isShown: shown.length > 0, slices: shown };
    const { axis, step } = scroll;
    const next = AHEAD.map((n) => cursor[axis] + n * step);
    const absent = next.filter((index) => index >= 0 && index < shape[axis] && !this.has(axis, index));
    return { isShown: false, slices: absent.map((index) => [axis, index]) };
  }

  // Which slices to request now: none of which the answer is still awaited, and ahead of scrolling not one alone.
  toRequest(view, now) {
    const { isShown, slices } = this.missing(view);
    const isAwaited = ([axis, index]) => now - (this.pending.get(keyOf(axis, index)) ?? -Infinity) < PATIENCE;
    if (isShown) return slices.every(isAwaited) ? [] : slices;
    return slices.length < 2 || slices.some(isAwaited) ? [] : slices;
  }

  // Request what is missing; `view` is asked again as long as what is shown is: an answer may be lost, if the server
  // was called once more before it gave it.
  request(view) {
    const [current, now] = [view(), performance.now()];
    if (this.missing(current).isShown) {
      clearTimeout(this.repeat);
      this.repeat = setTimeout(() => this.request(view), PATIENCE);
    }
    const slices = this.toRequest(current, now);
    if (!slices.length) return;
    for (const [axis, index] of slices) this.pending.set(keyOf(axis, index), now);
    clearTimeout(this.delay);
    this.delay = setTimeout(() => this.send(slices, current.cursor), SEND_DELAY);
  }

  // Request the first few of slices that are not here, one request at a time.
  requestSome(slices, cursor) {
    const now = performance.now();
    if ([...this.pending.values()].some((sent) => now - sent < PATIENCE)) return;
    const absent = slices.filter(([axis, index]) => !this.has(axis, index)).slice(0, MOST_AT_ONCE);
    if (!absent.length) return;
    for (const [axis, index] of absent) this.pending.set(keyOf(axis, index), now);
    this.send(absent, cursor);
  }

  close() {
    clearTimeout(this.repeat);
    clearTimeout(this.delay);
  }
}
