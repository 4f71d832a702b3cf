// The controls of the viewer: choices and sliders above, panels, and below them keys and buttons. They change the state of
// the viewer and have it drawn.

import { add, addButton, addIcon, addSelect, addSlider } from "./elements.js";
import { listenToKeys, listenToPanel, windowOf } from "./gestures.js";
import { openHelp } from "./help.js";
import { refreshKeys } from "./legend.js";
import { Lightbox } from "./lightbox.js";
import { aspectOf } from "./navigation.js";
import { shortNumber } from "./readout.js";
import { saveSnapshot } from "./snapshot.js";

const COMPARED = ["other", "layer", "disagreement"]; // two segmentations side by side, and where they differ
const ICONS = {
  fullScreen: "M1 5V1h4M9 1h4v4M13 9v4H9M5 13H1V9",
  help: "M4.5 4.5a2.5 2.5 0 1 1 3.7 2.2Q7 7.4 7 8.6M7 11.2v1",
};
const WINDOW_STEPS = 500; // of the sliders for window and level

// The layouts that make sense: a picture has one plane, and two segmentations are compared only where there are two.
export function layoutsOf({ kind, comparedWith, texts }) {
  return Object.entries(texts.layouts).filter(
    ([layout]) => (layout !== "three" || kind !== "picture") && (layout !== "compare" || comparedWith !== null),
  );
}

// Whether something to compare with was chosen where there was nothing: then it is shown at once.
export function beginsToCompare(before, { comparedWith }) {
  return comparedWith !== null && (before?.comparedWith ?? null) === null;
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

// ---------------------------------------------------------------- elements

// Build all controls and panels anew.
export function buildControls(viewer) {
  const { root } = viewer;
  const focused = root.contains(document.activeElement) && document.activeElement.dataset.name;
  // Asked of the element and not stored from its event, which comes later than what is clicked next.
  const isUnfolded = root.querySelector(".mriseg-more")?.open ?? false;
  root.replaceChildren();
  const controls = {};
  viewer.controls = controls;
  const above = add(root, "div", "mriseg-bar");
  addChoices(above, viewer);
  addFold(above, viewer).open = isUnfolded;
  controls.panels = addPanels(root, viewer);
  const below = add(root, "div", "mriseg-bar");
  controls.legend = add(below, "div", "mriseg-legend");
  addOpacity(below, viewer);
  addTools(below, viewer);
  controls.readout = add(root, "div", "mriseg-probe");
  refreshKeys(viewer);
  if (focused) root.querySelector(`[data-name="${focused}"]`)?.focus();
}

function addChoices(bar, viewer) {
  const { header, state, controls } = viewer;
  const { texts, shape } = header;
  if (header.kind !== "picture") {
    const planes = header.planes.map(([axis, title]) => [String(axis), title]);
    const plane = { title: texts.plane, options: planes, chosen: String(state.plane), isPlain: true };
    addSelect(bar, plane, (axis) => viewer.arrange({ plane: Number(axis) }));
    const count = shape[state.plane];
    const say = (number) => `${number} ${texts.of} ${count}`;
    const slice = { title: texts.slice, say, min: 1, max: count, step: 1, value: state.cursor[state.plane] + 1 };
    controls.slice = addSlider(bar, slice, (number) => viewer.moveTo(state.plane, number - 1));
  }
  const layout = { title: texts.layout, options: layoutsOf(header), chosen: state.layout, isPlain: true };
  addSelect(bar, layout, (chosen) => viewer.arrange({ layout: chosen }));
  const layer = { title: texts.layer, options: shownLayers(header), chosen: state.layer };
  controls.layer = addSelect(bar, layer, (chosen) => viewer.change({ layer: chosen }));
}

function addOpacity(bar, viewer) {
  const {
    header: { texts },
    state,
    controls,
  } = viewer;
  const say = (share) => `${Math.round(100 * share)} %`;
  const opacity = { title: texts.opacity, say, min: 0, max: 1, step: 0.05, value: state.opacity };
  controls.opacity = addSlider(bar, opacity, (value) => viewer.change({ opacity: value }));
  controls.opacity.parentElement.title = texts.opacityHelp;
}

// What is done with the whole: all slices, full screen, saving, the list of keys.
function addTools(parent, viewer) {
  const { header, root } = viewer;
  const { texts } = header;
  const tools = add(parent, "div", "mriseg-bar mriseg-tools");
  const actions = {
    allSlices: () => {
      viewer.lightbox = new Lightbox(viewer);
    },
    fullScreen: () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else root.requestFullscreen();
    },
    save: () => saveSnapshot(viewer),
    help: () => openHelp(viewer),
  };
  if (header.kind === "picture") delete actions.allSlices;
  if (!document.fullscreenEnabled) delete actions.fullScreen; // in a frame that forbids it, or on a telephone
  for (const [name, act] of Object.entries(actions)) {
    const button = addButton(tools, ICONS[name] ? "" : texts[name]);
    if (ICONS[name]) addIcon(button, ICONS[name]);
    button.setAttribute("aria-label", texts[name]);
    button.dataset.name = name;
    button.title = texts[`${name}Help`];
    button.onclick = act;
  }
  listenToKeys(viewer, actions);
}

// What is needed less often, folded away.
function addFold(bar, viewer) {
  const { header, state, controls } = viewer;
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
  const range = { say: shortNumber, step };
  controls.width = addSlider(
    content,
    { title: texts.width, min: step, max: high - low, value: width, ...range },
    change,
  );
  controls.level = addSlider(content, { title: texts.level, min: low, max: high, value: level, ...range }, change);
  for (const name of ["contours", "outline", "zoom", "radiological"]) {
    if (name === "radiological" && (header.kind === "picture" || !header.sidesKnown)) continue;
    const button = addButton(content, texts[name], state[name]);
    controls[name] = button;
    button.title = texts[`${name}Help`];
    button.onclick = () => {
      viewer.change({ [name]: !state[name] });
      if (name === "zoom") sharePanels(controls.panels, viewer);
      button.setAttribute("aria-pressed", String(state[name]));
    };
  }
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
    line,
    text: add(line, "span"),
    number: add(line, "small"),
    axis,
    shows,
    small,
    drag: null,
  };
  listenToPanel(panel, viewer);
  return panel;
}
