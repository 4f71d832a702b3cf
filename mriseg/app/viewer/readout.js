// The line below the panels: what is known of a voxel.

import { add } from "./elements.js";
import { millimeters } from "./navigation.js";

const MOST_CERTAIN = 99; // percent: a model's own certainty is no proof, as `mriseg/segmentation/names.py` has it

export function shortNumber(value) {
  return Math.abs(value) < 10000 ? String(Number(value.toPrecision(4))) : value.toFixed(0);
}

// What the line below the panels says of a voxel: texts, those of the tissues with the share that is theirs.
export function describeVoxel(voxel, values, { header, state }) {
  const { texts, affine, tissues, abnormal, isAbnormal } = header;
  const where = affine
    ? `${millimeters(affine, voxel).map(Math.round).join(", ")} mm`
    : `${texts.pixel} ${voxel[1] + 1}, ${voxel[0] + 1}`;
  const items = [{ text: where }, { text: `${texts.intensity} ${shortNumber(values.intensity)}` }];
  if (!values.inside) return [...items, { text: texts.outside }];
  items.push({ text: `${texts.corrected} ${shortNumber(values.corrected)}` });
  if (state.layer === "field") items.push({ text: `${texts.shading} × ${values.shading.toFixed(2)}` });
  const named = isAbnormal ? [...tissues, abnormal] : tissues;
  return [...items, ...named.map(({ short, rgb }, k) => ({ text: short, rgb, share: values.posteriors[k] }))];
}

export function showReadout(readout, items) {
  readout.replaceChildren();
  for (const { text, rgb, share } of items) {
    const item = add(readout, "span", "", text);
    if (share === undefined) continue;
    const bar = add(add(item, "span", "mriseg-meter"), "i");
    bar.style.width = `${100 * share}%`;
    bar.style.background = `rgb(${rgb})`;
    item.append(`${Math.min(Math.round(100 * share), MOST_CERTAIN)} %`);
  }
}
