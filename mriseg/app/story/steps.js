// The five steps of the plain workflow. Each is a function that draws into a stage and returns what moves it, if it
// moves: see `player.js`.

import { filled, html, percent } from "./elements.js";
import { Picture, classPicture, grayPicture } from "./pictures.js";
import { classOfPixels } from "./plain_mixture.js";
import { HistogramPlot, LikelihoodPlot, LinePlot } from "./plots.js";
import { belonging, className, formula, mixtureTable, swatch, symbols } from "./tables.js";

const PATCH = [8, 10]; // rows and columns of the pixels whose numbers are shown
const FRAMES = 60; // in which a picture is laid out or put back
const FRAME_PACE = 60; // ms
const ITERATION_PACE = 250; // ms, slow enough to follow
const LIGHT_GRAY = 128; // from which on numbers are written in black

// A value from 0 to 1 that advances in frames; `show` draws it. Where less motion is wanted it is there at once.
function reveal(show, isStill) {
  let frame = FRAMES;
  show(1);
  if (isStill) return {};
  return {
    pace: FRAME_PACE,
    rewind() {
      frame = 0;
      show(0);
    },
    advance() {
      frame += 1;
      show(Math.min(1, frame / FRAMES));
      return frame < FRAMES;
    },
  };
}

export function showPicture(stage, material) {
  const picture = new Picture(material.slice, { header: material.header, title: material.title });
  picture.show(grayPicture(material.grays));
  stage.append(html("div", { class: "story-one" }, picture.element));
  return {};
}

// The first row and column of the patch around a pixel that lies within the slice.
export function patchAround([row, column], { rows, columns }) {
  const first = (at, size, whole) => Math.max(0, Math.min(whole - size, at - Math.floor(size / 2)));
  return [first(row, PATCH[0], rows), first(column, PATCH[1], columns)];
}

function patchTable(material, [firstRow, firstColumn]) {
  const { slice, grays } = material;
  const rows = [];
  for (let row = firstRow; row < Math.min(firstRow + PATCH[0], slice.rows); row += 1) {
    const cells = [];
    for (let column = firstColumn; column < Math.min(firstColumn + PATCH[1], slice.columns); column += 1) {
      const gray = grays[row * slice.columns + column];
      const cell = html("td", {}, material.write(material.valueAt([row, column])));
      cell.style.background = `rgb(${gray} ${gray} ${gray})`;
      cell.style.color = gray < LIGHT_GRAY ? "#fff" : "#000";
      cells.push(cell);
    }
    rows.push(html("tr", {}, ...cells));
  }
  return html("table", { class: "story-patch" }, html("tbody", {}, ...rows));
}

export function showGrayValues(stage, material) {
  const { header, slice, texts } = material;
  const side = html("div", {});
  const update = (pixel) => {
    material.pixel = pixel;
    const corner = patchAround(pixel, slice);
    picture.box(corner, PATCH);
    const [black, white] = header.window;
    const scale = html(
      "div",
      { class: "story-scale" },
      html("span", {}, material.write(black)),
      html("span", {}, material.write(white)),
    );
    side.replaceChildren(patchTable(material, corner), scale, html("p", {}, texts.pointAtPatch));
  };
  const picture = new Picture(slice, { header, title: material.title, point: update });
  picture.show(grayPicture(material.grays));
  update(material.pixel);
  stage.append(html("div", { class: "story-two" }, picture.element, side));
  return {};
}

export function showFlattened(stage, material, isStill) {
  const { header, slice, texts, sizes } = material;
  const picture = new Picture(slice, { header, title: material.title, point: ([number]) => showRow(number) });
  picture.show(grayPicture(material.grays));
  const values = Float32Array.from(slice.levels, (_, at) => material.valueAt([0, at]));
  const whole = new LinePlot(values, {
    title: texts.lineAlt,
    axis: ["1", texts.pixelNumber, sizes.count],
  });
  const oneRow = html("div", {});
  const showRow = (number) => {
    const ofRow = values.subarray(number * slice.columns, (number + 1) * slice.columns);
    const plot = new LinePlot(ofRow, { title: texts.lineAlt, axis: ["1", texts.column, String(slice.columns)] });
    plot.show(1);
    picture.box([number, 0], [1, slice.columns]);
    oneRow.replaceChildren(html("h3", {}, filled(texts.oneRow, { row: number + 1 })), plot.element);
  };
  const all = html("h3", {}, filled(texts.allRows, sizes));
  stage.append(html("div", { class: "story-two" }, picture.element, html("div", {}, oneRow, all, whole.element)));
  showRow(material.pixel[0]);
  return reveal((share) => {
    whole.show(share);
    if (share < 1) showRow(Math.floor(share * slice.rows));
  }, isStill);
}

// The parts of the fourth step that change with iteration and pixel.
function mixtureParts(material, showIteration) {
  const { header, slice, texts, steps, histogram } = material;
  const last = steps.length - 1;
  const slider = html("input", { type: "range", min: 0, max: last, step: 1, "aria-label": texts.iteration });
  slider.oninput = () => showIteration(Number(slider.value));
  const parts = {
    slider,
    table: html("div", {}),
    formula: html("div", {}),
    belonging: html("div", {}),
    count: html("output", {}),
    likelihood: new LikelihoodPlot(steps, { texts }),
  };
  parts.showBelonging = (value, title) => {
    const mixture = steps[material.shownIteration];
    parts.plot.markValue(value);
    parts.belonging.replaceChildren(belonging(mixture, value, { title, grayValue: material.write(value), texts }));
  };
  parts.showPixel = (pixel) => {
    material.pixel = pixel;
    parts.showBelonging(material.valueAt(pixel), material.pixelName(pixel));
  };
  parts.plot = new HistogramPlot(histogram, {
    texts,
    ends: [histogram.middles[0], histogram.middles.at(-1)].map((value) => material.write(value)),
    point: (value) => parts.showBelonging(value, texts.anyPixel),
  });
  parts.picture = new Picture(slice, { header, title: texts.colored, point: parts.showPixel });
  return parts;
}

export function showMixture(stage, material) {
  const { texts, steps, histogram } = material;
  const parts = mixtureParts(material, (at) => showIteration(at));
  const { picture, plot, slider, table, count, likelihood } = parts;
  const showIteration = (at) => {
    material.shownIteration = at;
    const mixture = steps[at];
    picture.show(classPicture(material.grays, classOfPixels(mixture, histogram)));
    plot.show(mixture);
    slider.value = at;
    const numbers = { number: at, last: steps.length - 1, value: mixture.logLikelihood.toFixed(4).replace("-", "−") };
    count.textContent = filled(texts.iterationOf, numbers);
    table.replaceChildren(mixtureTable(mixture, texts), html("p", {}, filled(texts.likelihood, numbers)));
    likelihood.show(at);
    parts.formula.replaceChildren(formula(mixture));
    parts.showPixel(material.pixel);
  };
  const middle = html("div", {}, plot.element, html("label", { class: "story-slider" }, count, slider));
  const side = html("div", { class: "story-figures" }, table, likelihood.element, parts.belonging);
  stage.append(html("div", { class: "story-three" }, picture.element, middle, side), parts.formula, symbols(texts));
  showIteration(material.shownIteration);
  return {
    pace: ITERATION_PACE,
    rewind: () => showIteration(0),
    advance() {
      showIteration(material.shownIteration + 1);
      return material.shownIteration < steps.length - 1;
    },
  };
}

function classKey(material) {
  const { classes, texts } = material;
  const counts = [0, 0, 0];
  for (const k of classes) counts[k] += 1;
  const entries = counts.map((count, k) => {
    const text = `${className(k, texts)}: ${percent(count / classes.length)}`;
    return html("span", {}, swatch(k), text);
  });
  return html("div", { class: "story-key" }, ...entries);
}

export function showLabels(stage, material, isStill) {
  const { header, slice, texts, classes } = material;
  const picture = new Picture(slice, { header, title: material.title });
  picture.show(grayPicture(material.grays));
  const labels = new Picture(slice, { header, title: texts.labels });
  const colored = classPicture(material.grays, classes, 1);
  stage.append(html("div", { class: "story-pair" }, picture.element, labels.element), classKey(material));
  return reveal((share) => {
    const done = Math.round(share * slice.rows) * slice.columns;
    labels.show(colored.map((pixel, at) => (at < done ? pixel : 0)));
  }, isStill);
}
