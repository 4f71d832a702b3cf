// The colors of the maps and what they mean: each color on a slice has a key, and each control says in which maps it
// does something. Pure functions.

export const OUTSIDE_RGB = [0, 158, 115]; // where another segmentation has background or the brain ends elsewhere
export const MASK_RGB = [0, 229, 160];
export const POSTERIORS = { "posterior-gm": 0, "posterior-wm": 1, "posterior-csf": 2, "posterior-abnormal": 3 };
// From certain to undecided, ever lighter; none of the colors of the tissues.
export const UNCERTAINTY_COLORS = [
  [16, 8, 40],
  [92, 20, 134],
  [194, 52, 176],
  [247, 160, 226],
  [255, 255, 255],
];
// From darkened to brightened by way of white where nothing is changed.
export const FIELD_COLORS = [
  [84, 20, 110],
  [165, 120, 185],
  [247, 247, 247],
  [110, 180, 110],
  [10, 92, 40],
];
const PALETTE_STEPS = 255; // of a palette
const COLORED = ["segmented", "entropy", "field", "mask"]; // the maps whose colors lie over the scan, by the opacity

// A function from a share, 0 to 1, to the color there between those given.
export function paletteOf(colors) {
  const steps = Array.from({ length: PALETTE_STEPS + 1 }, (_, step) => {
    const place = (step / PALETTE_STEPS) * (colors.length - 1);
    const first = Math.min(Math.floor(place), colors.length - 2);
    return colors[first].map((from, k) => Math.round(from + (colors[first + 1][k] - from) * (place - first)));
  });
  return (share) => steps[Math.max(0, Math.min(PALETTE_STEPS, Math.round(share * PALETTE_STEPS)))];
}

// The largest logarithm by which the bias field changes the signal, up or down.
export function largestShading({ field: [flattest, steepest] }) {
  return Math.max(-flattest, steepest, 0);
}

// Which controls do something to what is shown.
export function usesOf({ layout, layer }) {
  const isLayerShown = layout !== "original";
  const isSegmented = layer === "segmented" && isLayerShown;
  const isGrayBeside = layout !== "overlay" && layout !== "three";
  return {
    tissues: isSegmented || layout === "compare",
    contours: isSegmented,
    opacity: layout === "compare" || (isLayerShown && COLORED.includes(layer)),
    window: isGrayBeside || !(layer in POSTERIORS),
    layer: isLayerShown,
  };
}

// What the colors on the slices mean besides those of the tissues: bars from color to color with the values at their
// ends and between, and single colors.
export function keysOf({ header, state }) {
  const { texts } = header;
  const { layer, layout, outline } = state;
  const isLayerShown = usesOf(state).layer;
  const keys = [];
  if (isLayerShown && layer in POSTERIORS) {
    const { rgb } = [...header.tissues, header.abnormal][POSTERIORS[layer]];
    keys.push({ title: texts.layers[layer], colors: [[0, 0, 0], rgb], labels: ["0 %", "100 %"] });
  } else if (isLayerShown && layer === "entropy") {
    keys.push({ title: texts.uncertaintyKey, colors: UNCERTAINTY_COLORS, labels: texts.uncertaintyEnds });
  } else if (isLayerShown && layer === "field") {
    const most = largestShading(header);
    const labels = [-most, 0, most].map((power) => `× ${Math.exp(power).toFixed(2)}`);
    keys.push({ title: texts.layers.field, colors: FIELD_COLORS, labels });
  }
  const isMask = isLayerShown && layer === "mask";
  if (isMask || outline)
    keys.push({ title: isMask ? texts.maskKey : texts.outlineKey, colors: [MASK_RGB], labels: [] });
  const elsewhere = texts.elsewhereKey.replace("{}", header.comparedWith);
  if (layout === "compare") keys.push({ title: elsewhere, colors: [OUTSIDE_RGB], labels: [] });
  return keys;
}

// The colors of a key as a background of the style sheet.
export function backgroundOf(colors) {
  const stops = colors.map((rgb) => `rgb(${rgb.join(", ")})`);
  return stops.length === 1 ? stops[0] : `linear-gradient(to right, ${stops.join(", ")})`;
}
