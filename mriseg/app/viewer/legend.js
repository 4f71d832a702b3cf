// Below the panels: the tissues, each switched off and on and shown alone while it is pointed at, and the keys of colors.

import { backgroundOf, keysOf, usesOf } from "./color_keys.js";
import { add, addButton } from "./elements.js";

// Write anew what the colors mean, and gray out the controls that do nothing in this map and layout.
export function refreshKeys(viewer) {
  const { controls, header, state } = viewer;
  const uses = usesOf(state);
  for (const name of ["opacity", "contours", "layer"]) controls[name].disabled = !uses[name];
  for (const name of ["width", "level"]) controls[name].disabled = !uses.window;
  const focused = controls.legend.contains(document.activeElement) && document.activeElement.dataset.name;
  controls.legend.replaceChildren();
  for (const key of keysOf({ header, state })) addKey(controls.legend, key);
  for (const tissue of header.legend) addTissue(controls.legend, tissue, viewer).disabled = !uses.tissues;
  if (focused) controls.legend.querySelector(`[data-name="${focused}"]`)?.focus();
}

// A bar of colors with the values along it, or a single color.
function addKey(parent, { title, colors, labels }) {
  const key = add(parent, "span", "mriseg-key");
  if (colors.length === 1) {
    add(key, "span", "mriseg-swatch").style.background = backgroundOf(colors);
    key.append(title);
    return;
  }
  key.append(title);
  const scale = add(key, "span", "mriseg-scale");
  add(scale, "i").style.background = backgroundOf(colors);
  const line = add(scale, "span");
  for (const label of labels) add(line, "small", "", label);
}

function addTissue(parent, { number, title, rgb }, viewer) {
  const { header, state } = viewer;
  const { hidden } = state;
  const button = addButton(parent, "", !hidden.has(number));
  button.className = "mriseg-tissue";
  button.dataset.name = title;
  const isStriped = number === header.abnormal.number;
  const swatch = add(button, "span", isStriped ? "mriseg-swatch mriseg-striped" : "mriseg-swatch");
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
  return button;
}
