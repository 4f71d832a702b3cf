// Taking hold of handles on the histogram with pointer, finger or keys: what each movement makes of a model.

import { clamp, intensityOfPoint, momentsOf, withMoments, withThreshold } from "./what_if.js";

const STEPS = 200; // that the arrow keys take from end to end of the intensities
const SHARE_STEP = 0.01; // of the brain, by an arrow key
const WIDTH_STEP = 1.05; // times, by an arrow key
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function withMean(model, { curve }, { mean, share }, { histogram, table }) {
  const within = clamp(mean, table.start, intensityOfPoint(table.points - 1, table));
  return withMoments(model, curve, { mean: within, share }, histogram);
}

// What a model becomes if a handle of it is dragged by so many points of the screen to the right and down.
export function dragHandle({ handle, model }, [right, down], view) {
  const { geometry, histogram, table } = view;
  const { kind, curve, intensity, count, low, high } = handle;
  const x = geometry.intensityOf(geometry.x(intensity) + right);
  if (kind === "threshold") return withThreshold(model, { level: intensity, wanted: x, low, high }, table);
  const { mean, sd, share } = momentsOf(model.curves[curve]);
  if (kind === "width") {
    const stretched = Math.max(0, (x - mean) / (intensity - mean));
    return withMoments(model, curve, { sd: sd * stretched }, histogram);
  }
  const height = geometry.countOf(geometry.y(count) + down) / geometry.countOf(geometry.y(count));
  return withMean(model, handle, { mean: mean + x - intensity, share: share * Math.max(0, height) }, view);
}

// What a model becomes if a key is pressed on a handle of it; null of a key that does nothing.
export function pressHandle({ handle, model }, key, view) {
  const { histogram, table } = view;
  const direction = DIRECTIONS[key];
  if (!direction) return null;
  const { kind, curve, intensity, low, high } = handle;
  const [right, up] = direction;
  const step = ((table.points - 1) * table.step) / STEPS;
  if (kind === "threshold") {
    return withThreshold(model, { level: intensity, wanted: intensity + (right + up) * step, low, high }, table);
  }
  const { mean, sd, share } = momentsOf(model.curves[curve]);
  if (kind === "width") return withMoments(model, curve, { sd: sd * WIDTH_STEP ** (right + up) }, histogram);
  return withMean(model, handle, { mean: mean + right * step, share: share + up * SHARE_STEP }, view);
}

// Listen to the handles of an overlay. `actions` are called: `point` with the handle under the pointer, knobs aside,
// or null, `take` with the one taken hold of, `drag` with how far it was dragged, `drop`, and `press` with a handle and a key.
export function listenToHandles({ svg, handleAt }, actions) {
  let held = null;
  svg.onpointerdown = (event) => {
    const handle = handleAt(event.target);
    if (!handle || event.button) return;
    event.preventDefault();
    event.stopPropagation();
    svg.setPointerCapture(event.pointerId);
    svg.querySelector(`[tabindex][data-handle="${handle.key}"]`)?.focus({ preventScroll: true });
    held = { x: event.clientX, y: event.clientY };
    svg.classList.add("mriseg-held");
    actions.take(handle);
  };
  // Else the page would scroll under the finger and end the drag. The style `touch-action` does not hold for shapes.
  const keepFinger = (event) => {
    if (handleAt(event.target)) event.preventDefault();
  };
  svg.addEventListener("touchstart", keepFinger, { passive: false });
  svg.onpointermove = (event) => {
    if (held) actions.drag([event.clientX - held.x, event.clientY - held.y]);
  };
  svg.onpointerup = svg.onpointercancel = () => {
    if (held) actions.drop();
    held = null;
    svg.classList.remove("mriseg-held");
  };
  svg.onpointerover = (event) => {
    if (held) return;
    const isOnKnob = event.target.closest(".mriseg-knob") !== null;
    actions.point(isOnKnob ? null : (handleAt(event.target) ?? null));
  };
  svg.onpointerout = () => {
    if (!held) actions.point(null);
  };
  svg.onkeydown = (event) => {
    const handle = handleAt(event.target);
    if (handle && actions.press(handle, event.key)) event.preventDefault();
  };
}
