// What is drawn over the histogram: the curves as they are dragged, the handles that they are dragged by, and the names
// of the thresholds. Where all of it stands is worked out by pure functions; the plot's axes are plotly's.

import { clamp, intensityOfPoint, momentsOf, outerCenters, tablePoint, thresholdsOf, valueBetween } from "./what_if.js";

const SVG = "http://www.w3.org/2000/svg";
const DASH_ARRAYS = { dash: "9 6", dot: "2 4", longdash: "14 6", dashdot: "9 4 2 4", longdashdot: "14 4 2 4" };
const SMALLEST_COUNT = 1e-3; // drawn of a curve: of nothing there is no logarithm
const BEYOND = 20; // points that a curve may leave the plot
const POINTS_APART = 2; // of a drawn curve, on the screen
const LABEL_LINE = 15; // points between the names of thresholds
const LETTER_WIDTH = 6.3; // points of width, about
const KNOB = 7; // radius of a handle, points
const REACH = 15; // of where it is taken hold of: a finger is wide
const GRIP = 14; // width of a curve or threshold where it is taken hold of

// From intensities and counts to points of the plot, and back.
export function geometryOf({ xaxis, yaxis }) {
  return {
    left: xaxis._offset,
    top: yaxis._offset,
    width: xaxis._length,
    height: yaxis._length,
    x: (intensity) => xaxis._offset + xaxis.c2p(intensity),
    y: (count) => yaxis._offset + yaxis.c2p(Math.max(count, SMALLEST_COUNT)),
    intensityOf: (x) => xaxis.p2c(x - xaxis._offset),
    countOf: (y) => yaxis.p2c(y - yaxis._offset),
  };
}

// Three digits, whole numbers in full.
export function threeDigits(value) {
  return Math.abs(value) < 1000 ? String(Number(value.toPrecision(3))) : value.toFixed(0);
}

// What can be dragged: of each curve its peak and a point of its flank, and each threshold.
export function handlesOf(tables, model, { histogram, table, scale }) {
  const { curves } = histogram;
  const end = intensityOfPoint(table.points - 1, table);
  const handles = [];
  for (const [k, gaussians] of model.curves.entries()) {
    if (!gaussians.length) continue;
    const values = tables.curves[k];
    const { mean, sd, share } = momentsOf(gaussians);
    const peak = values.reduce((best, value, at) => (value > values[best] ? at : best), 0);
    const intensity = intensityOfPoint(peak, table);
    const right = mean + sd;
    // On the side that is farther from the peak, so that neither covers the other.
    const flank = right < end && right - intensity >= intensity - (mean - sd) ? right : mean - sd;
    const flankHeight = scale * valueBetween(values, (flank - table.start) / table.step);
    const { title } = curves[k];
    handles.push({ key: `width ${k}`, kind: "width", curve: k, title, intensity: flank, count: flankHeight, mean, sd });
    handles.push({
      key: `mean ${k}`,
      kind: "mean",
      curve: k,
      title,
      intensity,
      count: scale * values[peak],
      mean,
      share,
    });
  }
  const names = new Map(curves.map(({ tissue, short }) => [tissue, short]));
  const between = outerCenters(model, histogram);
  const found = thresholdsOf(tables, histogram, table, between);
  const levels = [between[0], ...found.map(({ level }) => level), between[1]];
  const thresholds = found.map(({ level, below, above }, n) => ({
    key: `threshold ${n} ${below} ${above}`,
    kind: "threshold",
    title: `${names.get(below)} | ${names.get(above)}`,
    intensity: level,
    low: levels[n],
    high: levels[n + 2],
  }));
  return [...thresholds, ...handles];
}

// A curve's line on the screen.
export function lineOf(values, { table, scale, geometry }) {
  const [first, last] = [geometry.left, geometry.left + geometry.width];
  const points = [];
  for (let x = first; x <= last; x += POINTS_APART) {
    const place = (geometry.intensityOf(x) - table.start) / table.step;
    const count = place < 0 || place > table.points - 1 ? 0 : scale * valueBetween(values, place);
    const y = clamp(geometry.y(count), geometry.top - BEYOND, geometry.top + geometry.height + BEYOND);
    points.push(`${x.toFixed(1)} ${y.toFixed(1)}`);
  }
  return `M${points.join("L")}`;
}

// On which line below the top each name stands, so that none covers another; and left of its threshold where there is no
// room at its right.
export function placeNames(names, { left, width }) {
  const ends = []; // of the names on each line
  return names.map(({ text, x }) => {
    const length = LETTER_WIDTH * text.length + 8;
    const start = x + length > left + width ? x - length : x;
    let line = ends.findIndex((taken) => taken.every(([from, to]) => start + length < from || start > to));
    if (line < 0) line = ends.push([]) - 1;
    ends[line].push([start, start + length]);
    return { start, length, line };
  });
}

// What stands at the peak of a curve; where several are of one tissue, with its number.
export function shortOf({ curves }, k) {
  const alike = curves.filter(({ tissue }) => tissue === curves[k].tissue);
  return alike.length > 1 ? `${curves[k].short} ${alike.indexOf(curves[k]) + 1}` : curves[k].short;
}

function element(parent, tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  setAll(made, attributes);
  parent.append(made);
  return made;
}

function setAll(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
  }
}

export class HistogramOverlay {
  constructor(texts) {
    this.texts = texts;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "mriseg-overlay");
    this.clip = element(element(this.svg, "clipPath", { id: "mriseg-plot-area" }), "rect");
    this.lines = element(this.svg, "g", { "clip-path": "url(#mriseg-plot-area)" });
    this.names = element(this.svg, "g", { class: "mriseg-names" });
    this.grips = element(this.svg, "g");
    this.parts = new Map(); // elements by their keys
    this.handles = [];
  }

  remove() {
    this.svg.remove();
  }

  // The handle that an element belongs to.
  handleAt(target) {
    const key = target.closest?.("[data-handle]")?.dataset.handle;
    return this.handles.find((handle) => handle.key === key);
  }

  // Draw what `view` holds: tables and model, where they are counted, whether they are no longer the fit's.
  draw(view) {
    const { geometry, tables, model, isOn } = view;
    this.handles = handlesOf(tables, model, view);
    this.drawn = new Set();
    setAll(this.clip, { x: geometry.left, y: geometry.top, width: geometry.width, height: geometry.height });
    this.drawCurves(view);
    for (const handle of this.handles) {
      if (handle.kind === "threshold") this.drawThreshold(handle, view);
      else this.drawKnob(handle, view);
    }
    this.drawNames(view);
    this.svg.classList.toggle("mriseg-changed", isOn);
    for (const [key, part] of this.parts) {
      if (this.drawn.has(key)) continue;
      part.remove();
      this.parts.delete(key);
    }
  }

  // The element with a key, made where there is none.
  part(key, make) {
    this.drawn.add(key);
    if (!this.parts.has(key)) this.parts.set(key, make());
    return this.parts.get(key);
  }

  drawCurves(view) {
    const { tables, histogram, geometry, isOn } = view;
    const bottom = geometry.top + geometry.height;
    const close = `L${geometry.left + geometry.width} ${bottom}L${geometry.left} ${bottom}Z`;
    for (const [k, { rgb, dash }] of histogram.curves.entries()) {
      const line = lineOf(tables.curves[k], view);
      const grip = { class: "mriseg-grip", "data-handle": `mean ${k}`, "stroke-width": GRIP };
      setAll(
        this.part(`grip ${k}`, () => element(this.lines, "path", grip)),
        { d: line },
      );
      if (!isOn) continue;
      const color = `rgb(${rgb})`;
      const ground = { class: "mriseg-ground", fill: color };
      const style = { class: "mriseg-curve", stroke: color, "stroke-dasharray": DASH_ARRAYS[dash] ?? "none" };
      setAll(
        this.part(`ground ${k}`, () => element(this.lines, "path", ground)),
        { d: line + close },
      );
      setAll(
        this.part(`edge ${k}`, () => element(this.lines, "path", { ...style, class: "mriseg-edge" })),
        { d: line },
      );
      setAll(
        this.part(`curve ${k}`, () => element(this.lines, "path", style)),
        { d: line },
      );
    }
    if (!isOn) return;
    const sum = tables.none.map((none, at) => tables.curves.reduce((total, curve) => total + curve[at], none));
    setAll(
      this.part("sum", () => element(this.lines, "path", { class: "mriseg-sum" })),
      { d: lineOf(sum, view) },
    );
  }

  drawKnob({ key, kind, curve, title, intensity, count, mean, sd, share }, { histogram, geometry }) {
    const { texts } = this;
    const make = () => {
      const knob = element(this.grips, "g", { "data-handle": key, class: `mriseg-knob mriseg-${kind}`, tabindex: 0 });
      element(knob, "title").textContent = texts[`${kind}Help`];
      element(knob, "circle", { r: REACH, class: "mriseg-reach" });
      const color = `rgb(${histogram.curves[curve].rgb})`;
      if (kind === "mean") {
        element(knob, "circle", { r: KNOB, fill: color, class: "mriseg-dot" });
        element(knob, "text", { x: KNOB + 4, y: 4, class: "mriseg-short" }).textContent = shortOf(histogram, curve);
      } else
        element(knob, "rect", { x: -4, y: -KNOB, width: 8, height: 2 * KNOB, rx: 3, fill: color, class: "mriseg-dot" });
      return knob;
    };
    const y = clamp(geometry.y(count), geometry.top + 2, geometry.top + geometry.height - 2);
    const value = kind === "mean" ? mean : sd;
    const percent = kind === "mean" ? threeDigits(100 * share) : "";
    setAll(this.part(key, make), {
      transform: `translate(${geometry.x(intensity).toFixed(1)} ${y.toFixed(1)})`,
      role: "slider",
      "aria-label": texts[kind].replace("{}", title),
      "aria-valuemin": 0,
      "aria-valuemax": Number(histogram.first + histogram.width * histogram.counts.length).toPrecision(4),
      "aria-valuenow": value.toPrecision(4),
      "aria-valuetext": texts[`${kind}Value`].replace("{}", threeDigits(value)).replace("{}", percent),
    });
  }

  drawThreshold({ key, title, intensity, low, high }, { geometry, isOn }) {
    const make = () => {
      const line = element(this.grips, "g", { "data-handle": key, class: "mriseg-threshold", tabindex: 0 });
      element(line, "title").textContent = this.texts.thresholdHelp;
      element(line, "line", { class: "mriseg-grip", "stroke-width": GRIP });
      element(line, "line", { class: "mriseg-level" });
      this.grips.prepend(line); // below the knobs
      return line;
    };
    const group = this.part(key, make);
    setAll(group, {
      role: "slider",
      "aria-label": this.texts.threshold.replace("{}", title),
      "aria-valuemin": low.toPrecision(4),
      "aria-valuemax": high.toPrecision(4),
      "aria-valuenow": intensity.toPrecision(4),
    });
    const x = geometry.x(intensity).toFixed(1);
    for (const line of group.querySelectorAll("line")) {
      setAll(line, { x1: x, x2: x, y1: geometry.top, y2: geometry.top + geometry.height });
    }
    group.classList.toggle("mriseg-moved", isOn);
  }

  drawNames({ geometry }) {
    const names = this.handles
      .filter(({ kind }) => kind === "threshold")
      .map(({ title, intensity }) => ({ text: `${title} ${threeDigits(intensity)}`, x: geometry.x(intensity) }));
    for (const [n, { start, length, line }] of placeNames(names, geometry).entries()) {
      const name = this.part(`name ${n}`, () => {
        const group = element(this.names, "g");
        element(group, "rect", { height: LABEL_LINE - 1, rx: 3 });
        element(group, "text", { x: 4, y: LABEL_LINE - 4 });
        return group;
      });
      setAll(name, { transform: `translate(${start.toFixed(1)} ${geometry.top + 1 + LABEL_LINE * line})` });
      name.firstChild.setAttribute("width", length);
      if (name.lastChild.textContent !== names[n].text) name.lastChild.textContent = names[n].text;
    }
  }
}

// The bar under an intensity, and each curve there, as counts.
export function readAt(intensity, { tables, histogram, table, scale }) {
  const { first, width, counts, curves } = histogram;
  const bar = Math.round((intensity - first) / width);
  if (bar < 0 || bar >= counts.length) return null;
  const at = tablePoint(intensity, table);
  const heights = curves.map((_, k) => scale * tables.curves[k][at]);
  const none = scale * tables.none[at];
  return { intensity, measured: counts[bar], heights, none, total: heights.reduce((sum, one) => sum + one, none) };
}
