// What if a curve of the histogram stood elsewhere: from taking hold of it until everything is back at the fit. Nothing
// of it leaves the browser, and a new result ends it.

import { emPath, gaussiansOf } from "./expectation_maximization.js";
import { dragHandle, listenToHandles, pressHandle } from "./histogram_handles.js";
import { HistogramOverlay, geometryOf, readAt } from "./histogram_overlay.js";
import { WhatIfBar } from "./what_if_bar.js";
import { blend, factorsOf, fittedModel, momentsOf, sharesOf, tableOf, tabulate } from "./what_if.js";
import { changedSlice, countLabels, pointsOf, shareOfSlice } from "./what_if_slice.js";

const BACK_TIME = 250; // ms in which everything goes back to the fit
const STEP_TIME = 110; // ms for which the first step of the fit from here is shown,
const HURRY = 3; // and less for each after it: they change ever less
const FRAME_TIME = 16;
const LIKELIHOOD_DIGITS = 5;
const THEME = ["text-color", "background-color", "secondary-background-color", "border-color", "primary-color", "font"];

export class WhatIf {
  constructor(viewer) {
    this.viewer = viewer;
    this.plot = null;
    this.model = null; // none while everything is as the fit has it
    this.onKey = (event) => {
      if (event.key === "Escape" && this.model && !event.defaultPrevented) this.goBack();
    };
    document.addEventListener("keydown", this.onKey);
  }

  get isOn() {
    return this.model !== null;
  }

  // A result: the curves that are dragged are those of its fit.
  receive(header) {
    if (header.result === this.header?.result) return;
    this.end();
    this.overlay?.remove();
    this.bar?.remove();
    this.header = header;
    const { histogram, texts } = header;
    this.table = tableOf(histogram);
    this.scale = histogram.width * histogram.counts.reduce((sum, count) => sum + count, 0);
    this.fit = fittedModel(histogram);
    this.fitted = this.shown = tabulate(this.fit, this.table);
    this.points = new WeakMap(); // of slices in the table
    this.counts = new WeakMap(); // of labels in slices as the fit has them
    this.overlay = new HistogramOverlay(texts.whatIf);
    this.bar = new WhatIfBar(texts.whatIf, { back: () => this.goBack(), fit: () => this.fitFromHere() });
    const { overlay } = this;
    listenToHandles({ svg: overlay.svg, handleAt: (target) => overlay.handleAt(target) }, this.actions());
    if (this.plot) this.attach(this.plot);
  }

  close() {
    document.removeEventListener("keydown", this.onKey);
    this.stop();
    this.plot?.removeEventListener("pointermove", this.onPoint);
    this.plot?.removeEventListener("pointerleave", this.onLeave);
    this.overlay?.remove();
    this.bar?.remove();
  }

  // The plot stands, or its axes have moved.
  attach(plot) {
    if (plot !== this.plot) {
      this.plot = plot;
      this.onPoint = (event) => this.read(event);
      this.onLeave = () => this.bar?.showReadout(null, {});
      plot.addEventListener("pointermove", this.onPoint);
      plot.addEventListener("pointerleave", this.onLeave);
    }
    if (!this.overlay || !plot._fullLayout?.xaxis?.c2p) return;
    const style = getComputedStyle(this.viewer.root);
    for (const name of THEME) plot.style.setProperty(`--st-${name}`, style.getPropertyValue(`--st-${name}`));
    plot.classList.add("mriseg-overlaid");
    const { svg } = this.overlay;
    if (svg.parentNode !== plot) plot.append(svg, ...this.bar.elements);
    this.draw();
  }

  view() {
    const { histogram } = this.header;
    const { table, scale, shown: tables, isOn } = this;
    const geometry = geometryOf(this.plot._fullLayout);
    return { histogram, table, scale, tables, isOn, geometry, model: this.model ?? this.fit };
  }

  // ---------------------------------------------------------------- what handles do

  actions() {
    return {
      point: (handle) => this.point(handle && handle.kind !== "threshold" ? this.tissueOf(handle) : null),
      take: (handle) => {
        this.stop();
        this.viewer.highlight(null);
        this.bar.showReadout(null, {});
        this.held = { handle, model: this.model ?? this.fit };
        this.prepare();
        this.viewer.state.isMoving = true;
      },
      drag: (by) => this.change(dragHandle(this.held, by, this.view())),
      drop: () => {
        this.held = null;
        this.rest();
      },
      press: (handle, key) => {
        const model = pressHandle({ handle, model: this.model ?? this.fit }, key, this.view());
        if (!model) return false;
        this.stop();
        this.viewer.highlight(null);
        this.change(model);
        this.rest();
        return true;
      },
    };
  }

  tissueOf({ curve }) {
    return this.header.histogram.curves[curve].tissue;
  }

  // A tissue's curve is pointed at, or none for null. While curves stand elsewhere, what that changes is to be seen, and
  // no tissue alone.
  point(tissue) {
    this.viewer.highlight(this.isOn ? null : tissue);
  }

  change(model) {
    this.model = model;
    this.isFitted = false;
    this.show(null);
  }

  // Have all drawn in the next frame, by tables or, for null, by those of the model.
  show(tables) {
    this.tables = tables;
    this.isStale = true;
    this.viewer.state.isWhatIf = this.isOn;
    this.viewer.root.dataset.whatIf = this.isOn ? "on" : "";
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
    this.viewer.draw(true);
  }

  // Nothing moves for now: draw what was left out on the way.
  rest() {
    this.viewer.state.isMoving = false;
    this.viewer.draw();
  }

  // What is shown is worked out once a frame, by whoever draws first.
  refresh() {
    if (!this.isStale) return;
    this.isStale = false;
    this.shown = this.tables ?? (this.model ? tabulate(this.model, this.table) : this.fitted);
    const { histogram, tissues } = this.header;
    const numbers = tissues.map(({ number }) => number);
    this.factors = this.isOn ? factorsOf(this.fitted, this.shown, histogram, numbers) : null;
    this.changed = new WeakMap(); // slices as they are now
  }

  // For each pixel of a slice its point in the table, looked up once.
  pointsFor(slice) {
    if (!this.points.has(slice)) this.points.set(slice, pointsOf(slice, this.header, this.table));
    return this.points.get(slice);
  }

  // Look that up for what is in view before the first of it is to change.
  prepare() {
    for (const panel of this.viewer.controls.panels) {
      const slice = this.viewer.sliceOf(panel, false);
      if (slice) this.pointsFor(slice);
    }
  }

  // A slice as it is now.
  slice(slice) {
    this.refresh();
    if (!slice || !this.factors) return slice;
    if (!this.changed.has(slice)) {
      this.changed.set(slice, changedSlice(slice, this.pointsFor(slice), this.factors, this.header));
    }
    return this.changed.get(slice);
  }

  // ---------------------------------------------------------------- back, and the fit from here

  goBack() {
    this.stop();
    const [from, start] = [this.shown, performance.now()];
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.viewer.state.isMoving = true;
    const step = () => {
      const part = isStill ? 1 : Math.min(1, (performance.now() - start) / BACK_TIME);
      if (part === 1) this.end();
      else {
        this.show(blend(from, this.fitted, part));
        this.timer = setTimeout(step, FRAME_TIME);
      }
    };
    step();
  }

  end() {
    this.stop();
    if (!this.isOn) return;
    this.model = null;
    this.show(null);
    this.rest();
    this.bar.say(this.header.texts.whatIf.hint);
  }

  stop() {
    clearTimeout(this.timer);
  }

  fitFromHere() {
    this.stop();
    this.refresh();
    const { histogram, texts } = this.header;
    const held = this.fit.curves.reduce((sum, curve) => sum + (momentsOf(curve).share || 0), 0);
    const path = emPath(histogram, gaussiansOf(this.shown.curves, this.table, held), this.fit.none);
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let last = null;
    const step = () => {
      const { value, done } = path.next();
      const { iteration, gaussians, logLikelihood } = value ?? last;
      last = { iteration, gaussians, logLikelihood };
      const text = (done ? texts.whatIf.fitted : texts.whatIf.fitting).replace("{}", iteration);
      if (!done && isStill) return step();
      this.isFitted = true; // the line at the histogram says so
      this.model = { curves: gaussians.map((gaussian) => [gaussian]), none: this.fit.none, warp: null };
      this.show(null);
      this.viewer.state.isMoving = !done;
      if (done) this.rest();
      this.bar.say(text.replace("{}", logLikelihood.toFixed(LIKELIHOOD_DIGITS)), !done);
      if (!done) this.timer = setTimeout(step, Math.max(0, STEP_TIME - HURRY * iteration));
    };
    step();
  }

  // ---------------------------------------------------------------- what is seen

  draw() {
    if (!this.overlay || !this.plot?._fullLayout?.xaxis?.c2p) return;
    this.refresh();
    this.plot.classList.toggle("mriseg-dimmed", this.isOn);
    const view = this.view();
    this.overlay.draw(view);
    this.bar.arrange(this.isOn, view.geometry);
    if (!this.isOn) return;
    const ofSlice = this.bar.showShares(this.shares());
    if (!this.isFitted) this.bar.say(ofSlice || this.header.texts.whatIf.dragging, true);
  }

  // The shares of the fit and those now.
  shares() {
    const { header, viewer, table, fitted, shown } = this;
    const { histogram, tissues } = header;
    const now = sharesOf(fitted, shown, histogram, table);
    const fit = viewer.sliceOf(viewer.controls.panels[0], false);
    if (fit && !this.counts.has(fit)) this.counts.set(fit, countLabels(fit));
    const [before, after] = fit ? [this.counts.get(fit), countLabels(this.slice(fit))] : [null, null];
    const named = new Map(histogram.curves.map(({ tissue, short }) => [tissue, short]));
    return tissues
      .filter(({ number }) => number in histogram.shares)
      .map(({ number, short, rgb }) => ({
        short: named.get(number) ?? short,
        rgb,
        brain: [histogram.shares[number], now[number]],
        slice: fit && [shareOfSlice(before, number), shareOfSlice(after, number)],
      }));
  }

  // Say what is under the pointer.
  read(event) {
    if (!this.bar || this.held || !this.plot._fullLayout?.xaxis?.c2p) return;
    const view = this.view();
    const { geometry } = view;
    const box = this.plot.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const [right, down] = [x - geometry.left, y - geometry.top];
    const isInside = right >= 0 && right <= geometry.width && down >= 0 && down <= geometry.height;
    const isLeft = right < geometry.width / 2;
    this.bar.showReadout(isInside ? readAt(geometry.intensityOf(x), view) : null, { ...view, isLeft });
  }
}
