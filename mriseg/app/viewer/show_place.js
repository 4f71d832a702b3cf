// "Show" buttons elsewhere on the page: where they point is shown in the viewer, with a ring that flashes there.

import { shownLayers } from "./controls.js";
import { add } from "./elements.js";
import { clampIndex, pixelOfVoxel, pointOfPixel } from "./navigation.js";

const EVENT = "mriseg-go"; // of the document; its detail is the place that `goTo` takes
const RING_MS = 2400; // that the ring is seen

// Call `show` with each place that is asked for; returns what ends that.
export function heardPlace(show) {
  const hear = ({ detail }) => show(detail ?? {});
  document.addEventListener(EVENT, hear);
  return () => document.removeEventListener(EVENT, hear);
}

// The cursor goes to a voxel (canonical axes; of a picture row and column), the map switches, the outline of the brain
// is drawn or not, and a ring flashes at the voxel. What is left out stays.
export function goTo(viewer, { voxel, layer, outline }) {
  const { header, state } = viewer;
  if (!header) return;
  const { shape, kind } = header;
  if (shownLayers(header).some(([name]) => name === layer)) state.layer = layer;
  if (outline !== undefined) state.outline = outline;
  if (state.layout === "original") state.layout = "side";
  if (voxel?.length === shape.length) {
    const place = voxel.map((index, axis) => clampIndex(Math.round(index), shape[axis]));
    Object.assign(state, { cursor: place, clicked: state.clicked || kind === "picture" });
    if (state.focus) state.focus = [...place];
    viewer.pointedOut = [...place];
  }
  viewer.scroll = null;
  viewer.arrange({});
  viewer.root.scrollIntoView({ block: "nearest" });
}

// Flash a ring at the place that was asked for, once all slices through it stand.
export function pointOut(viewer) {
  const { panels } = viewer.controls;
  if (!viewer.pointedOut || !panels.every((panel) => panel.viewport && viewer.sliceOf(panel))) return;
  for (const panel of panels) ringAt(panel, pixelOfVoxel(viewer.pointedOut, panel.axis, viewer.sliceOf(panel)));
  viewer.pointedOut = null;
}

function ringAt({ figure, viewport }, pixel) {
  const [x, y] = pointOfPixel(pixel, viewport);
  const ring = add(figure, "i", "mriseg-ring");
  ring.style.left = `${x}px`;
  ring.style.top = `${y}px`;
  setTimeout(() => ring.remove(), RING_MS);
}
