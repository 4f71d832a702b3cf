// The controls of the viewer: buttons, sliders and panels, what pointer, wheel and keys do there, and the line below
// that says what is known of a voxel. They change the state of the viewer and have it drawn.

import { PICTURE, aspectOf, millimeters, pixelOfKey, pixelOfPoint, slicesOfKey, voxelOfPixel } from "./navigation.js";
import { joinCanvases } from "./painter.js";

const COMPARED = ["other", "layer", "disagreement"]; // two segmentations side by side, and where they differ
const DIVIDER_REACH = 0.04; // of a panel's width, within which its divider is taken hold of
const WINDOW_STEPS = 500; // of the sliders for window and level
const WINDOW_POINTS = 600; // that the pointer is dragged over the range of all intensities
const MOST_CERTAIN = 99; // percent: a model's own certainty is no proof, as `mriseg/segmentation/names.py` has it

// The layouts that make sense: a picture has one plane, and two segmentations are compared only where there are two.
export function layoutsOf({ kind, comparedWith, texts }) {
  return Object.entries(texts.layouts).filter(
    ([layout]) => (layout !== "three" || kind !== "picture") && (layout !== "compare" || comparedWith !== null),
  );
}

// The layers that there are: the probability of abnormal tissue only where something is.
export function shownLayers({ isAbnormal, texts }) {
  return Object.entries(texts.layers).filter(([layer]) => isAbnormal || layer !== "posterior-abnormal");
}

// The panels of a layout: the axis across each, what it shows, and whether it is one of the small ones at the side.
export function panelsOf({ kind, planes }, { layout, plane }) {
  if (layout === "three") return planes.map(([axis]) => ({ axis, shows: "layer", small: false }));
  if (layout === "compare") return COMPARED.map((shows) => ({ axis: plane, shows, small: false }));
  const main = layout === "swipe" || layout === "original" ? layout : "layer";
  const small = layout === "original" ? "original" : "layer";
  const axes = kind === "picture" ? [] : planes.map(([axis]) => axis).filter((axis) => axis !== plane);
  return [
    ...(layout === "side" ? [{ axis: plane, shows: "original", small: false }] : []),
    { axis: plane, shows: main, small: false },
    ...axes.sort((a, b) => b - a).map((axis) => ({ axis, shows: small, small: true })),
  ];
}

// How wide each panel of the given height of the row is, the small ones half as high: `aspects` of all and their sum,
// those of the small ones, which stand below each other, counted once.
export function widthsOf(panels, header, state) {
  const aspects = panels.map(({ axis }) => aspectOf(axis, header, state));
  const side = Math.max(0, ...aspects.filter((_, k) => panels[k].small)) / 2;
  const main = aspects.filter((_, k) => !panels[k].small).reduce((sum, aspect) => sum + aspect, 0);
  return { aspects, side, total: main + side };
}

export function windowOf(width, level) {
  return { black: level - width / 2, white: level + width / 2 };
}

// Dragged to the right a window becomes wider, dragged down it becomes brighter; it never closes.
export function dragWindow({ black, white }, [right, down], [low, high]) {
  const step = (high - low) / WINDOW_POINTS;
  return windowOf(Math.max(white - black + right * step, step), (black + white) / 2 - down * step);
}

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

// ---------------------------------------------------------------- elements

// Build all controls and panels anew.
export function buildControls(viewer) {
  const { root } = viewer;
  const focused = root.contains(document.activeElement) && document.activeElement.dataset.name;
  // Asked of the element and not stored from its event, which comes later than what is clicked next.
  const isUnfolded = root.querySelector(".mriseg-more")?.open ?? false;
  root.replaceChildren();
  const controls = {};
  const bar = add(root, "div", "mriseg-bar");
  addChoices(bar, viewer, controls);
  addFold(bar, viewer, controls).open = isUnfolded;
  controls.panels = addPanels(root, viewer);
  addLegend(root, viewer);
  controls.readout = add(root, "div", "mriseg-probe");
  if (focused) root.querySelector(`[data-name="${focused}"]`)?.focus();
  return controls;
}

function addChoices(bar, viewer, controls) {
  const { header, state } = viewer;
  const { texts } = header;
  if (header.kind !== "picture") {
    const planes = header.planes.map(([axis, title]) => [String(axis), title]);
    addSelect(bar, { title: texts.plane, options: planes, chosen: String(state.plane) }, (axis) =>
      viewer.arrange({ plane: Number(axis) }),
    );
    const slice = { min: 1, max: header.shape[state.plane], step: 1, value: state.cursor[state.plane] + 1 };
    controls.slice = addSlider(bar, { title: texts.slice, ...slice }, (number) =>
      viewer.moveTo(state.plane, number - 1),
    );
  }
  addSelect(bar, { title: texts.layout, options: layoutsOf(header), chosen: state.layout }, (layout) =>
    viewer.arrange({ layout }),
  );
  const layers = shownLayers(header);
  addSelect(bar, { title: texts.layer, options: layers, chosen: state.layer }, (layer) => viewer.change({ layer }));
  const opacity = { min: 0, max: 1, step: 0.05, value: state.opacity };
  const slider = addSlider(bar, { title: texts.opacity, ...opacity }, (value) => viewer.change({ opacity: value }));
  slider.parentElement.title = texts.opacityHelp;
}

// What is needed less often, folded away.
function addFold(bar, viewer, controls) {
  const { header, state } = viewer;
  const {
    texts,
    range: [low, high],
  } = header;
  const fold = add(bar, "details", "mriseg-more");
  add(fold, "summary", "", texts.more);
  const content = add(fold, "div", "mriseg-rest");
  const step = (high - low) / WINDOW_STEPS;
  const { black, white } = state.window;
  const change = () => viewer.change({ window: windowOf(Number(controls.width.value), Number(controls.level.value)) });
  const [width, level] = [white - black, (white + black) / 2];
  controls.width = addSlider(content, { title: texts.width, min: step, max: high - low, step, value: width }, change);
  controls.level = addSlider(content, { title: texts.level, min: low, max: high, step, value: level }, change);
  for (const name of ["contours", "outline", "zoom", "radiological"]) {
    if (name === "radiological" && (header.kind === "picture" || !header.sidesKnown)) continue;
    const button = addButton(content, texts[name], state[name]);
    button.title = texts[`${name}Help`];
    button.onclick = () => {
      viewer.change({ [name]: !state[name] });
      if (name === "zoom") sharePanels(controls.panels, viewer);
      button.setAttribute("aria-pressed", String(state[name]));
    };
  }
  addButton(content, texts.save).onclick = () => save(viewer);
  return fold;
}

function addPanels(root, viewer) {
  const row = add(root, "div", "mriseg-panels");
  let side = null;
  const panels = panelsOf(viewer.header, viewer.state).map((shown) => {
    if (shown.small) side ??= add(row, "div", "mriseg-side");
    return addPanel(shown.small ? side : row, shown, viewer);
  });
  sharePanels(panels, viewer);
  return panels;
}

// Tell the style how wide the panels of a row are, from which it has their height.
export function sharePanels(panels, { root, header, state }) {
  const { aspects, side, total } = widthsOf(panels, header, state);
  const set = (element, name, value) => element.style.setProperty(`--mriseg-${name}`, value.toFixed(4));
  for (const [k, { figure }] of panels.entries()) set(figure, "aspect", aspects[k]);
  const row = root.querySelector(".mriseg-panels");
  set(row, "total", total);
  set(row, "side", side);
}

function addPanel(parent, { axis, shows, small }, viewer) {
  const figure = add(parent, "figure", "mriseg-panel");
  const canvas = add(figure, "canvas");
  const line = add(figure, "figcaption");
  canvas.tabIndex = 0;
  canvas.dataset.name = `canvas ${shows} ${axis}`;
  canvas.title = viewer.header.texts.canvasHelp;
  canvas.setAttribute("role", "application");
  const panel = {
    figure,
    canvas,
    caption: add(line, "span"),
    number: add(line, "small"),
    axis,
    shows,
    small,
    drag: null,
  };
  listenToPointer(panel, viewer);
  listenToKeysAndWheel(panel, viewer);
  return panel;
}

// The tissues: each is switched off and on, and highlighted while it is pointed at.
function addLegend(root, viewer) {
  const {
    header,
    state: { hidden },
  } = viewer;
  const legend = add(root, "div", "mriseg-bar");
  for (const { number, title, rgb } of header.legend) {
    const button = addButton(legend, "", !hidden.has(number));
    button.className = "mriseg-tissue";
    const swatch = add(
      button,
      "span",
      number === header.abnormal.number ? "mriseg-swatch mriseg-striped" : "mriseg-swatch",
    );
    swatch.style.backgroundColor = `rgb(${rgb})`;
    button.append(title);
    button.title = header.texts.tissueHelp;
    const highlight = () => viewer.highlight(hidden.has(number) ? null : number);
    button.onclick = () => {
      if (!hidden.delete(number)) hidden.add(number);
      button.setAttribute("aria-pressed", String(!hidden.has(number)));
      highlight();
      viewer.draw();
    };
    button.onpointerenter = highlight;
    button.onfocus = () => {
      if (button.matches(":focus-visible")) highlight();
    };
    button.onpointerleave = button.onblur = () => viewer.highlight(null);
  }
}

function add(parent, tag, name = "", text = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

function addButton(parent, text, isPressed = null) {
  const button = add(parent, "button", "", text);
  button.type = "button";
  if (isPressed !== null) button.setAttribute("aria-pressed", String(isPressed));
  return button;
}

function addSelect(parent, { title, options, chosen }, change) {
  const select = add(add(parent, "label", "", title), "select");
  select.setAttribute("aria-label", title);
  select.dataset.name = title;
  for (const [key, text] of options) {
    const option = add(select, "option", "", text);
    option.value = key;
    option.selected = key === chosen;
  }
  select.onchange = () => change(select.value);
}

function addSlider(parent, { title, ...range }, change) {
  const input = add(add(parent, "label", "", title), "input");
  Object.assign(input, { type: "range", ...range });
  input.setAttribute("aria-label", title);
  input.dataset.name = title;
  input.oninput = () => change(Number(input.value));
  return input;
}

function save({ controls, header }) {
  const link = document.createElement("a");
  link.href = joinCanvases(controls.panels.map(({ canvas }) => canvas)).toDataURL("image/png");
  link.download = header.texts.saveAs;
  link.click();
}

// ---------------------------------------------------------------- pointer, wheel and keys

function listenToPointer(panel, viewer) {
  const { canvas } = panel;
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    panel.drag = dragOf(panel, event, viewer.state);
    drag(panel, event, viewer);
  };
  canvas.onpointermove = (event) => {
    if (panel.drag) drag(panel, event, viewer);
    else viewer.probe(voxelUnder(panel, event, viewer));
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    panel.drag = null;
  };
  canvas.onpointerleave = () => viewer.probe(null);
  canvas.oncontextmenu = (event) => event.preventDefault();
}

function listenToKeysAndWheel({ canvas, axis }, viewer) {
  const { state, header } = viewer;
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (axis === PICTURE || event.ctrlKey || document.activeElement !== canvas) return;
      event.preventDefault();
      viewer.moveTo(axis, state.cursor[axis] + Math.sign(event.deltaY));
    },
    { passive: false },
  );
  canvas.onkeydown = (event) => {
    const step = slicesOfKey(event.key);
    if (step === undefined) return;
    event.preventDefault();
    if (axis === PICTURE) viewer.change({ cursor: pixelOfKey(event.key, state.cursor, header.shape), clicked: true });
    else viewer.moveTo(axis, state.cursor[axis] + step);
  };
}

// What a press begins to drag.
function dragOf(panel, event, { swipe }) {
  if (event.button === 2 || event.shiftKey) return "window";
  return panel.shows === "swipe" && Math.abs(shareOfWidth(panel, event) - swipe) < DIVIDER_REACH ? "swipe" : "cursor";
}

function drag(panel, event, viewer) {
  const { state, controls, header } = viewer;
  if (panel.drag === "window") {
    viewer.change({ window: dragWindow(state.window, [event.movementX, event.movementY], header.range) });
    controls.width.value = state.window.white - state.window.black;
    controls.level.value = (state.window.white + state.window.black) / 2;
  } else if (panel.drag === "swipe") {
    viewer.change({ swipe: Math.min(1, Math.max(0, shareOfWidth(panel, event))) });
  } else {
    const voxel = voxelUnder(panel, event, viewer);
    if (voxel) viewer.click(voxel);
  }
}

function shareOfWidth({ canvas }, event) {
  const box = canvas.getBoundingClientRect();
  return (event.clientX - box.left) / box.width;
}

// The voxel under the pointer; null beside the slice.
function voxelUnder({ canvas, axis, viewport }, event, { state }) {
  if (!viewport) return null;
  const box = canvas.getBoundingClientRect();
  const pixel = pixelOfPoint([event.clientX - box.left, event.clientY - box.top], viewport);
  return pixel && voxelOfPixel(pixel, axis, viewport, state.cursor);
}
