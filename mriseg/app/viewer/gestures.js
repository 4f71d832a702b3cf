// What pointers, fingers, wheel and keys do on the viewer.

import { setSlider } from "./elements.js";
import { PICTURE, pixelOfKey, pixelOfPoint, placeOfPoint, slicesOfKey, voxelOfPixel } from "./navigation.js";

const DIVIDER_REACH = 0.04; // of a panel's width, within which its divider is taken hold of
const DIVIDER_STEP = 0.05; // of a panel's width, that a key moves its divider
const WINDOW_POINTS = 600; // that the pointer is dragged over the range of all intensities
const ZOOM_STEP = 1.25; // by a key
const ZOOM_OF_WHEEL = 0.01; // logarithm of the factor per point that a wheel or two fingers on a pad turn
const LARGEST_TURN = 0.3; // of that logarithm in one event: a mouse's wheel turns by 100 points at once
const [MIDDLE, RIGHT] = [1, 2]; // buttons of a mouse
const TYPED_IN = "input:not([type=range]), select, textarea, [contenteditable=true]";

export function windowOf(width, level) {
  return { black: level - width / 2, white: level + width / 2 };
}

// Dragged to the right a window becomes wider, dragged down it becomes brighter; it never closes.
export function dragWindow({ black, white }, [right, down], [low, high]) {
  const step = (high - low) / WINDOW_POINTS;
  return windowOf(Math.max(white - black + right * step, step), (black + white) / 2 - down * step);
}

// By what a turn of the wheel with Ctrl, as which two fingers on a pad come too, magnifies.
export function factorOfWheel(turned) {
  return Math.exp(Math.max(-LARGEST_TURN, Math.min(LARGEST_TURN, -turned * ZOOM_OF_WHEEL)));
}

// By how much two fingers spread, and from where to where their middle moved.
export function pinchOf([first, second], [newFirst, newSecond]) {
  const distance = ([x, y], [a, b]) => Math.hypot(a - x, b - y);
  const middle = ([x, y], [a, b]) => [(x + a) / 2, (y + b) / 2];
  return {
    factor: distance(newFirst, newSecond) / Math.max(1, distance(first, second)),
    from: middle(first, second),
    to: middle(newFirst, newSecond),
  };
}

// What a key does anywhere on the viewer; undefined of one that does nothing, or while something is typed.
export function actionOfKey({ key, ctrlKey, metaKey, altKey }, isTyped) {
  if (isTyped || ctrlKey || metaKey || altKey) return undefined;
  return {
    "+": "larger",
    "=": "larger",
    "-": "smaller",
    0: "reset",
    f: "fullScreen",
    F: "fullScreen",
    a: "allSlices",
    A: "allSlices",
    "?": "help",
    "[": "dividerLeft",
    "]": "dividerRight",
  }[key];
}

// The keys of the viewer as a whole; `actions` are its buttons' work, by their names.
export function listenToKeys(viewer, actions) {
  const moveDivider = (step) => viewer.change({ swipe: Math.min(1, Math.max(0, viewer.state.swipe + step)) });
  const all = {
    ...actions,
    larger: () => viewer.zoomAt(viewer.state.cursor, ZOOM_STEP),
    smaller: () => viewer.zoomAt(viewer.state.cursor, 1 / ZOOM_STEP),
    reset: () => viewer.resetZoom(),
    dividerLeft: () => moveDivider(-DIVIDER_STEP),
    dividerRight: () => moveDivider(DIVIDER_STEP),
  };
  viewer.root.onkeydown = (event) => {
    if (event.target.closest("dialog")) return;
    const act = all[actionOfKey(event, event.target.matches(TYPED_IN))];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // the page has keys of its own
    act();
  };
}

// ---------------------------------------------------------------- on a panel

export function listenToPanel(panel, viewer) {
  listenToPointer(panel, viewer);
  listenToFingers(panel, viewer);
  listenToWheel(panel, viewer);
  listenToArrows(panel, viewer);
}

function listenToPointer(panel, viewer) {
  const { canvas } = panel;
  canvas.onpointerdown = (event) => {
    if (panel.fingers.size > 1) return;
    if (event.button === MIDDLE) event.preventDefault(); // the page would scroll by itself
    canvas.setPointerCapture(event.pointerId);
    panel.drag = dragOf(panel, event, viewer);
    panel.last = pointOf(panel, event);
    drag(panel, event, viewer);
  };
  canvas.onpointermove = (event) => {
    if (panel.drag) drag(panel, event, viewer);
    else if (panel.fingers.size < 2) viewer.probe(voxelUnder(panel, event, viewer));
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    panel.drag = null;
  };
  canvas.onpointerleave = () => viewer.probe(null);
  canvas.oncontextmenu = (event) => event.preventDefault();
  canvas.ondblclick = () => viewer.resetZoom();
}

// Two fingers magnify and move what lies under them; one does what a mouse does, or moves the page.
function listenToFingers(panel, viewer) {
  const { canvas } = panel;
  panel.fingers = new Map();
  const changed = (event) => [...event.changedTouches].filter(({ target }) => target === canvas);
  const down = (event) => {
    for (const finger of changed(event)) panel.fingers.set(finger.identifier, pointOf(panel, finger));
    if (panel.fingers.size < 2) return;
    event.preventDefault(); // of the page, which would magnify itself
    panel.drag = null;
  };
  const move = (event) => {
    if (panel.fingers.size !== 2) return;
    event.preventDefault();
    const before = [...panel.fingers.values()];
    for (const finger of changed(event)) panel.fingers.set(finger.identifier, pointOf(panel, finger));
    const { factor, from, to } = pinchOf(before, [...panel.fingers.values()]);
    takeAlong(panel, viewer, { from, to, factor });
  };
  const up = (event) => {
    for (const { identifier } of event.changedTouches) panel.fingers.delete(identifier);
  };
  canvas.addEventListener("touchstart", down, { passive: false });
  canvas.addEventListener("touchmove", move, { passive: false });
  canvas.addEventListener("touchend", up);
  canvas.addEventListener("touchcancel", up);
}

function listenToWheel(panel, viewer) {
  const { canvas, axis } = panel;
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey) {
        event.preventDefault();
        const at = pointOf(panel, event);
        takeAlong(panel, viewer, { from: at, to: at, factor: factorOfWheel(event.deltaY) });
      } else if (axis !== PICTURE && document.activeElement === canvas) {
        event.preventDefault();
        viewer.moveTo(axis, viewer.state.cursor[axis] + Math.sign(event.deltaY));
      }
    },
    { passive: false },
  );
}

function listenToArrows({ canvas, axis }, viewer) {
  const { state, header } = viewer;
  canvas.onkeydown = (event) => {
    if (event.key === " ") {
      event.preventDefault(); // the page would scroll
      viewer.isSpaceDown = true;
    }
    const step = slicesOfKey(event.key);
    if (step === undefined) return;
    event.preventDefault();
    if (axis === PICTURE) viewer.change({ cursor: pixelOfKey(event.key, state.cursor, header.shape), clicked: true });
    else viewer.moveTo(axis, state.cursor[axis] + step);
  };
  canvas.onkeyup = canvas.onblur = () => {
    viewer.isSpaceDown = false;
  };
}

// What a press begins to drag.
function dragOf(panel, event, viewer) {
  const { swipe } = viewer.state;
  if (event.button === MIDDLE || viewer.isSpaceDown) return "slice";
  if (event.button === RIGHT || event.shiftKey) return "window";
  return panel.shows === "swipe" && Math.abs(shareOfWidth(panel, event) - swipe) < DIVIDER_REACH ? "swipe" : "cursor";
}

function drag(panel, event, viewer) {
  const { state, controls, header } = viewer;
  if (panel.drag === "slice") {
    const to = pointOf(panel, event);
    takeAlong(panel, viewer, { from: panel.last, to });
    panel.last = to;
  } else if (panel.drag === "window") {
    viewer.change({ window: dragWindow(state.window, [event.movementX, event.movementY], header.range) });
    setSlider(controls.width, state.window.white - state.window.black);
    setSlider(controls.level, (state.window.white + state.window.black) / 2);
  } else if (panel.drag === "swipe") {
    viewer.change({ swipe: Math.min(1, Math.max(0, shareOfWidth(panel, event))) });
  } else {
    const voxel = voxelUnder(panel, event, viewer);
    if (voxel) viewer.click(voxel);
  }
}

// Take what lies under one point of a panel to another, and magnify it.
function takeAlong({ viewport, axis }, viewer, { from, to, factor }) {
  if (!viewport) return;
  const middle = viewer.middle();
  const placeOf = (point) => voxelOfPixel(placeOfPoint(point, viewport), axis, viewport, middle);
  viewer.take({ from: placeOf(from), to: placeOf(to), factor });
}

function pointOf({ canvas }, { clientX, clientY }) {
  const box = canvas.getBoundingClientRect();
  return [clientX - box.left, clientY - box.top];
}

function shareOfWidth(panel, event) {
  return pointOf(panel, event)[0] / panel.canvas.clientWidth;
}

// The voxel under the pointer; null beside the slice.
function voxelUnder(panel, event, { state }) {
  const { axis, viewport } = panel;
  const pixel = viewport && pixelOfPoint(pointOf(panel, event), viewport);
  return pixel && voxelOfPixel(pixel, axis, viewport, state.cursor);
}
