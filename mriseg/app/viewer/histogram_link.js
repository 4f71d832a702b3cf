// The link between the viewer and the histogram: a line on it at the intensity of the voxel under the pointer, and the
// tissue whose curve is pointed at. This alone knows how Streamlit and plotly build the plot.

const PLOT = ".st-key-histogram .js-plotly-plot"; // the chart of `panels/histogram.py`
const LINE_CLASS = "mriseg-mark";

// Of the points under the pointer, the tissue whose curve is highest; null if none is a tissue's curve. Which are,
// `mixture_figures.py` says in their `meta`.
export function highestTissue(points) {
  const ofTissues = points.filter(({ data }) => data.meta?.tissue !== undefined);
  if (!ofTissues.length) return null;
  return ofTissues.reduce((highest, point) => (point.y > highest.y ? point : highest)).data.meta.tissue;
}

// Where a line at an intensity stands in the plot, in its points; null beyond the ends of its axis.
export function linePosition({ xaxis, yaxis }, intensity) {
  const x = xaxis.l2p(intensity);
  if (x < 0 || x > xaxis._length) return null;
  return { left: xaxis._offset + x, top: yaxis._offset, height: yaxis._length };
}

export class HistogramLink {
  // `highlight` is called with the number of the tissue whose curve is pointed at, or null; `isPlotted` with the plot
  // when it stands and whenever its axes may have moved.
  constructor(highlight, isPlotted = () => {}) {
    this.intensity = null;
    this.isPlotted = isPlotted;
    this.handlers = {
      plotly_hover: ({ points }) => {
        const tissue = highestTissue(points);
        if (tissue !== null) highlight(tissue);
      },
      plotly_unhover: () => highlight(null),
      plotly_afterplot: () => this.follow(),
    };
    // The plot comes after the viewer, and Streamlit replaces it when it draws the page anew.
    this.observer = new MutationObserver(() => this.connect());
    this.observer.observe(document.body, { childList: true, subtree: true });
    this.connect();
  }

  // Listen to the plot that stands now. Plotly gives an element that it makes a plot of again new ears.
  connect() {
    if (this.plot?.isConnected && this.plot.on === this.on) return;
    const plot = document.querySelector(PLOT);
    if (!plot?.on) return;
    this.plot = plot;
    this.on = plot.on;
    for (const [event, handler] of Object.entries(this.handlers)) plot.on(event, handler);
    this.follow();
  }

  follow() {
    this.isPlotted(this.plot);
    this.draw();
  }

  disconnect() {
    this.observer.disconnect();
    this.mark(null);
    for (const [event, handler] of Object.entries(this.handlers)) this.plot?.removeListener?.(event, handler);
  }

  // Draw a line at an intensity; none for null.
  mark(intensity) {
    this.intensity = intensity;
    this.draw();
  }

  draw() {
    const axes = this.plot?._fullLayout;
    if (!axes?.xaxis) return;
    let line = this.plot.querySelector(`.${LINE_CLASS}`);
    if (this.intensity === null) {
      line?.remove();
      return;
    }
    if (!line) {
      line = document.createElement("div");
      line.className = LINE_CLASS;
      this.plot.append(line);
    }
    const position = linePosition(axes, this.intensity);
    line.style.display = position ? "block" : "none";
    for (const [side, points] of Object.entries(position ?? {})) line.style[side] = `${points}px`;
  }
}
