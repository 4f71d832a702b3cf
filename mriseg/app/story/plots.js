// Plots as SVG that fill the width they are given. Their axes are HTML beside them, so that no text is stretched.

import { grouped, html, svg } from "./elements.js";
import { weightedDensities } from "./plain_mixture.js";

const [WIDTH, HEIGHT] = [600, 200]; // units of a plot, stretched to what the page has
const CURVE_POINTS = 300;
const CUT_BARS = 4; // bars that may rise beyond the plot: air is often in one gray value and would hide all others
const ABOVE = 1.15; // times the highest bar that is not cut off is the plot's height

function pathOf(points) {
  return points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

function plot(title, ...children) {
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" };
  return svg("svg", { ...box, role: "img", "aria-label": title, class: "story-plot" }, ...children);
}

// A plot with the ends and the title of its horizontal axis below it.
function framed(drawn, [left, title, right]) {
  const axis = html("div", { class: "story-axis" }, ...[left, title, right].map((text) => html("span", {}, text)));
  return html("div", { class: "story-framed" }, drawn, axis);
}

// Least and largest of the values that fall into each of so many columns, one after the other.
export function envelope(values, columns) {
  const ends = [];
  for (let column = 0; column < columns; column += 1) {
    const first = Math.floor((column * values.length) / columns);
    const end = Math.max(first + 1, Math.floor(((column + 1) * values.length) / columns));
    let [least, largest] = [values[first], values[first]];
    for (let at = first + 1; at < end; at += 1) {
      if (values[at] < least) least = values[at];
      if (values[at] > largest) largest = values[at];
    }
    ends.push([least, largest]);
  }
  return ends;
}

// All values end to end, of which the first so many are shown.
export class LinePlot {
  constructor(values, { title, axis }) {
    this.ends = envelope(values, Math.min(WIDTH, values.length));
    let [lowest, highest] = this.ends[0];
    for (const [least, largest] of this.ends) {
      lowest = Math.min(lowest, least);
      highest = Math.max(highest, largest);
    }
    this.heightOf = (value) => HEIGHT - 4 - ((HEIGHT - 8) * (value - lowest)) / (highest - lowest || 1);
    this.line = svg("path", { class: "story-line" });
    this.element = framed(plot(title, this.line), axis);
  }

  show(share) {
    const { ends, heightOf } = this;
    const step = WIDTH / ends.length;
    const points = ends.slice(0, Math.ceil(share * ends.length)).flatMap(([least, largest], column) => [
      [(column + 0.5) * step, heightOf(least)],
      [(column + 0.5) * step, heightOf(largest)],
    ]);
    this.line.setAttribute("d", pathOf(points));
  }
}

// How high the plot of a histogram is, in pixels of a bar, and which bars rise beyond it.
export function heightOfHistogram(counts) {
  const sorted = [...counts].sort((a, b) => b - a);
  const highest = sorted[0];
  const next = ABOVE * (sorted[Math.min(CUT_BARS, sorted.length - 1)] || highest);
  return highest > 2 * next ? { height: next, cut: highest } : { height: ABOVE * highest, cut: null };
}

// The histogram, and over it the curves of the classes and their sum.
export class HistogramPlot {
  constructor(histogram, { texts, ends, point }) {
    const { counts, middles, width } = histogram;
    const { height, cut } = heightOfHistogram(counts);
    this.histogram = histogram;
    this.low = middles[0] - width / 2;
    this.range = middles.length * width;
    this.heightOf = (count) => HEIGHT * (1 - Math.min(count / height, 1.1));
    this.curves = [0, 1, 2].map((k) => svg("path", { class: `story-curve story-curve-${k + 1}` }));
    this.edges = this.curves.map(() => svg("path", { class: "story-edge" }));
    this.sum = svg("path", { class: "story-sum" });
    this.mark = svg("path", { class: "story-mark" });
    const bars = svg("path", { class: "story-bars", d: this.bars() });
    const drawn = plot(texts.histogramAlt, bars, ...this.edges, ...this.curves, this.sum, this.mark);
    drawn.onpointermove = (event) => point(this.low + (this.range * event.offsetX) / drawn.clientWidth);
    this.element = framed(drawn, [ends[0], texts.grayValue, ends[1]]);
    const top = cut === null ? "" : texts.cut.replace("{count}", grouped(cut));
    this.element.prepend(
      html("div", { class: "story-top" }, `${texts.pixels} ${grouped(height)}`, html("span", {}, top)),
    );
  }

  xOf(value) {
    return (WIDTH * (value - this.low)) / this.range;
  }

  bars() {
    const { counts } = this.histogram;
    const step = WIDTH / counts.length;
    const tops = [...counts].map((count, bin) => {
      const top = this.heightOf(count).toFixed(1);
      return `V${top}H${((bin + 1) * step).toFixed(1)}`;
    });
    return `M0 ${HEIGHT}${tops.join("")}V${HEIGHT}Z`;
  }

  // Draw the curves of a mixture, as counts of a bar.
  show(mixture) {
    const { width, pixels, values } = this.histogram;
    const scale = width * pixels;
    // Evenly spaced, and the means besides, since a curve can be narrower than the space.
    const even = Array.from({ length: CURVE_POINTS }, (_, n) => this.low + ((n + 0.5) * this.range) / CURVE_POINTS);
    const around = mixture.means.flatMap((mean, k) => [-2, -1, 0, 1, 2].map((sds) => mean + sds * sd(mixture, k)));
    const inside = around.filter((x) => x > this.low && x < this.low + this.range);
    const places = [...even, ...values, ...inside].sort((a, b) => a - b);
    const heights = places.map((x) => weightedDensities(mixture, x).map((density) => scale * density));
    const line = (heightAt) => pathOf(places.map((x, n) => [this.xOf(x), this.heightOf(heightAt(heights[n]))]));
    for (const [k, curve] of this.curves.entries()) {
      const drawn = line((each) => each[k]);
      curve.setAttribute("d", drawn);
      this.edges[k].setAttribute("d", drawn);
    }
    this.sum.setAttribute(
      "d",
      line((each) => each.reduce((sum, height) => sum + height)),
    );
  }

  // A line at a gray value.
  markValue(value) {
    this.mark.setAttribute("d", `M${this.xOf(value).toFixed(1)} 0V${HEIGHT}`);
  }
}

export function sd({ variances }, k) {
  return Math.sqrt(variances[k]);
}

// The log-likelihood over the iterations, with a dot at the one shown.
export class LikelihoodPlot {
  constructor(steps, { texts }) {
    const heights = steps.map(({ logLikelihood }) => logLikelihood);
    const [low, high] = [heights[0], heights.at(-1)];
    const last = Math.max(1, steps.length - 1);
    this.points = heights.map((height, n) => [
      10 + ((WIDTH - 20) * n) / last,
      HEIGHT - 15 - ((HEIGHT - 30) * (height - low)) / (high - low || 1),
    ]);
    this.dot = svg("path", { class: "story-dot" });
    const line = svg("path", { class: "story-sum", d: pathOf(this.points) });
    this.element = framed(plot(texts.likelihoodAlt, line, this.dot), ["0", texts.likelihoodAxis, String(last)]);
    this.element.classList.add("story-small");
  }

  show(at) {
    const [x, y] = this.points[at];
    this.dot.setAttribute("d", `M${x} ${y}h0`);
  }
}
