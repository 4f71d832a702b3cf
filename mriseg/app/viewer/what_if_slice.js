// A slice as it would be labeled if curves or thresholds stood elsewhere. Pure functions of arrays.

import { signalOf } from "./slice_store.js";
import { changedShare, tablePoint } from "./what_if.js";

const FULL = 255; // byte of a probability of 1

// For each pixel of the brain the point of the table at its corrected intensity.
export function pointsOf(slice, header, table) {
  const points = new Uint16Array(slice.labels.length);
  const { range, levels, field } = header;
  const [low, step] = [range[0], (range[1] - range[0]) / (levels - 1)];
  const shading = Float64Array.from({ length: FULL + 1 }, (_, share) =>
    Math.exp(field[0] + (share / FULL) * (field[1] - field[0])),
  );
  for (let at = 0; at < points.length; at += 1) {
    if (!slice.labels[at]) continue;
    points[at] = tablePoint(signalOf(low + slice.levels[at] * step, header) / shading[slice.field[at]], table);
  }
  return points;
}

// Which of three probabilities is the largest; of gray and white matter as one, their sum counts.
function largest(gray, white, fluid, joined) {
  if (joined) return gray + white >= fluid ? 0 : 2;
  if (gray >= white) return gray >= fluid ? 0 : 2;
  return white >= fluid ? 1 : 2;
}

// What the bytes of posteriors were before the engine softened them by a temperature, up to a common factor.
function sharpened(temperature) {
  return Float64Array.from({ length: FULL + 1 }, (_, byte) => (byte / FULL) ** temperature);
}

// Which temperature softens a pixel's posteriors, by the rule of `posterior_calibration.py`: that within tissue (0) or
// about fluid (1).
function temperatureAt(gray, white, fluid) {
  return fluid > Math.min(gray, white) ? 1 : 0;
}

// The slice after a change: each tissue's probability is multiplied by its factor at the pixel's intensity, so what place
// and neighbors said stays in it. The factors are ratios of probabilities that are not softened, so those of the pixel
// are taken as they were before they were, and softened again. A label changes where the likeliest tissue does; what is
// abnormal stays.
export function changedSlice(slice, points, factors, { tissues, abnormal, temperatures, histogram: { joined } }) {
  const [labels, gray, white] = [slice.labels.slice(), slice.gray.slice(), slice.white.slice()];
  const numbers = tissues.map(({ number }) => number);
  const [ofGray, ofWhite, ofFluid] = factors;
  const sharp = temperatures.map(sharpened);
  for (let at = 0; at < labels.length; at += 1) {
    if (!labels[at] || labels[at] === abnormal.number) continue;
    const point = points[at];
    const [factorOfGray, factorOfWhite, factorOfFluid] = [ofGray[point], ofWhite[point], ofFluid[point]];
    if (factorOfGray === 1 && factorOfWhite === 1 && factorOfFluid === 1) continue;
    const whole = FULL - slice.abnormal[at];
    const fluidByte = Math.max(0, whole - slice.gray[at] - slice.white[at]);
    const plain = sharp[temperatureAt(slice.gray[at], slice.white[at], fluidByte)];
    const [oldGray, oldWhite, oldFluid] = [plain[slice.gray[at]], plain[slice.white[at]], plain[fluidByte]];
    const unit = whole / FULL / (oldGray + oldWhite + oldFluid); // together they hold what the bytes hold
    let newGray = changedShare(oldGray * unit, factorOfGray);
    let newWhite = changedShare(oldWhite * unit, factorOfWhite);
    let newFluid = changedShare(oldFluid * unit, factorOfFluid);
    const likeliest = largest(newGray, newWhite, newFluid, joined);
    if (likeliest !== largest(oldGray, oldWhite, oldFluid, joined)) labels[at] = numbers[likeliest];
    const temperature = temperatures[temperatureAt(newGray, newWhite, newFluid)];
    if (temperature !== 1) {
      newGray **= 1 / temperature;
      newWhite **= 1 / temperature;
      newFluid **= 1 / temperature;
    }
    const scale = whole / (newGray + newWhite + newFluid);
    gray[at] = newGray * scale + 0.5;
    white[at] = Math.min(newWhite * scale + 0.5, whole - gray[at]);
  }
  return { ...slice, labels, gray, white };
}

// How many pixels of a slice have each label, by its number.
export function countLabels({ labels }) {
  const counts = new Uint32Array(256);
  for (let at = 0; at < labels.length; at += 1) counts[labels[at]] += 1;
  return counts;
}

// Share of the brain in a slice that a label has.
export function shareOfSlice(counts, number) {
  const brain = counts.reduce((sum, count) => sum + count, 0) - counts[0];
  return brain ? counts[number] / brain : 0;
}
