// The viewer: slices on canvases, a linked cursor, and what the model says of the voxel under it.
// Window, opacity, probing and highlighting need no server; a slice that was not seen yet is requested from it.

import { beginsToCompare, buildControls, layoutsOf, shownLayers } from "./controls.js";
import { drawPanel, preparePanel } from "./drawing.js";
import { setSlider } from "./elements.js";
import { HistogramLink } from "./histogram_link.js";
import { refreshKeys } from "./legend.js";
import { PICTURE, centerOf, clampIndex, pixelOfVoxel, takeTo } from "./navigation.js";
import { describeVoxel, showReadout } from "./readout.js";
import { goTo, heardPlace, pointOut } from "./show_place.js";
import { SliceAnnouncer } from "./slice_announcer.js";
import { followReasons } from "./reasons.js";
import { FormatError, SliceStore, decode, valuesAt } from "./slice_store.js";
import { WhatIf } from "./what_if_session.js";

const viewers = new WeakMap(); // by the element that each stands in

// Streamlit calls this when it mounts the viewer and whenever there is something new for it.
export default function mount({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".mriseg-viewer");
  let viewer = viewers.get(root);
  if (!viewer) {
    viewer = new Viewer(root);
    viewers.set(root, viewer);
  }
  viewer.send = (request) => setStateValue("request", request);
  viewer.receive(data);
  // Streamlit also calls this for a call that a newer one has overtaken, while the viewer stands.
  return () => {
    if (!root.isConnected) viewer.close();
  };
}

class Viewer {
  constructor(root) {
    this.root = root;
    this.header = null;
    this.controls = null;
    this.probed = null; // the voxel under the pointer
    this.pointedOut = null; // the voxel that someone asked to be shown, until it is drawn
    this.lightbox = null; // while all slices are looked at
    this.scroll = null; // the axis across which slices were last stepped through, and which way
    this.count = 0;
    this.state = {
      plane: 2,
      layout: "side",
      layer: "segmented",
      opacity: 0.7,
      contours: false,
      outline: false,
      radiological: true,
      zoom: true,
      hidden: new Set(),
      highlighted: null,
      swipe: 0.5,
      window: null,
      magnification: 1,
      focus: null, // the voxel in the middle of what is magnified
      cursor: null,
      clicked: false,
      isWhatIf: false, // whether curves of the histogram stand elsewhere than the fit has them,
      isMoving: false, // and are on their way
    };
    this.received = Promise.resolve();
    this.store = new SliceStore((slices, cursor) => this.request(slices, cursor));
    this.whatIf = new WhatIf(this);
    const isPlotted = (plot) => this.whatIf.attach(plot);
    this.histogram = new HistogramLink((tissue) => this.whatIf.point(tissue), isPlotted);
    this.announcer = new SliceAnnouncer();
    this.stopFollowing = followReasons();
    this.resize = new ResizeObserver(() => {
      this.measureControls();
      this.draw();
    });
    this.resize.observe(root);
    this.stopHearing = heardPlace((place) => goTo(this, place));
  }

  close() {
    this.isClosed = true;
    this.stopFollowing();
    this.resize.disconnect();
    this.stopHearing();
    this.lightbox?.close();
    this.histogram.disconnect();
    this.announcer.close();
    this.whatIf.close();
    this.store.close();
    cancelAnimationFrame(this.frame);
    viewers.delete(this.root);
  }

  // ---------------------------------------------------------------- from and to the server

  receive(message) {
    if (!message?.byteLength) return;
    this.received = this.received.then(() => this.accept(message)).catch((error) => this.fail(error));
  }

  async accept(message) {
    const { header, slices } = await decode(message);
    if (this.isClosed) return;
    const before = this.header;
    if (before?.result !== header.result) this.store.clear();
    this.store.add(slices);
    this.header = header;
    if (before?.scan !== header.scan) this.open();
    if (beginsToCompare(before, header)) this.state.layout = "compare";
    if (before?.scan !== header.scan || before.result !== header.result) this.build();
    this.whatIf.receive(header);
    this.root.dataset.result = header.result;
    this.requestMissing();
    if (this.lightbox) this.lightbox.update();
    else this.draw();
  }

  fail(error) {
    console.error(error);
    if (!(error instanceof FormatError)) return;
    this.header = null;
    this.store.close();
    cancelAnimationFrame(this.frame);
    const alert = document.createElement("p");
    alert.setAttribute("role", "alert");
    alert.textContent = error.message;
    this.root.replaceChildren(alert);
  }

  request(slices, cursor) {
    const { result, scan } = this.header;
    this.root.dataset.requested = JSON.stringify({ result, scan, cursor, slices });
    this.count += 1; // comes back in the header, so that no two answers are alike and one is dropped
    this.send({ result, scan, cursor, slices, count: this.count });
  }

  requestMissing() {
    if (this.header.kind === "picture") return;
    this.store.request(() => ({
      axes: [...new Set(this.controls.panels.map(({ axis }) => axis))],
      cursor: [...this.state.cursor],
      scroll: this.scroll,
      shape: this.header.shape,
    }));
  }

  // ---------------------------------------------------------------- what the controls do

  // Begin with a scan.
  open() {
    const {
      kind,
      plane,
      start,
      doubtful,
      window: [black, white],
    } = this.header;
    this.scroll = null;
    Object.assign(this.state, {
      plane: kind === "picture" ? PICTURE : plane,
      cursor: [...start],
      clicked: false,
      outline: doubtful,
      window: { black, white },
      magnification: 1,
      focus: null,
    });
  }

  build() {
    this.lightbox?.close();
    if (!layoutsOf(this.header).some(([layout]) => layout === this.state.layout)) this.state.layout = "side";
    if (!shownLayers(this.header).some(([layer]) => layer === this.state.layer)) this.state.layer = "segmented";
    buildControls(this);
  }

  change(parts) {
    Object.assign(this.state, parts);
    if ("layer" in parts || "outline" in parts) refreshKeys(this);
    this.draw();
  }

  // Another plane or layout.
  arrange(parts) {
    Object.assign(this.state, parts);
    this.build();
    this.requestMissing();
    this.draw();
  }

  moveTo(axis, wanted) {
    const { cursor } = this.state;
    const index = clampIndex(wanted, this.header.shape[axis]);
    const step = index - cursor[axis];
    if (step === 0) return;
    this.scroll = Math.abs(step) === 1 ? { axis, step } : null;
    cursor[axis] = index;
    this.showCursor();
  }

  // The voxel in the middle of what is shown, in parts of voxels.
  middle() {
    return this.state.focus ?? centerOf(this.header, this.state);
  }

  // Take what lies at one place to another, and magnify it.
  take(move) {
    const { magnification, zoom } = this.state;
    const { headBox, shape } = this.header;
    const ends = zoom ? headBox : shape.map((size) => [0, size]);
    this.change(takeTo({ magnification, focus: this.middle() }, move, ends));
    this.root.dataset.magnification = this.state.magnification.toFixed(2);
  }

  zoomAt(voxel, factor) {
    this.take({ from: voxel, to: voxel, factor });
  }

  resetZoom() {
    this.zoomAt(this.middle(), 0);
  }

  click(voxel) {
    const isMoved = voxel.some((index, axis) => index !== this.state.cursor[axis]);
    Object.assign(this.state, { cursor: voxel, clicked: true });
    this.probe(null);
    if (isMoved) this.showCursor();
  }

  showCursor() {
    const { slice } = this.controls;
    if (slice) setSlider(slice, this.state.cursor[this.state.plane] + 1);
    this.requestMissing();
    this.draw();
  }

  probe(voxel) {
    this.probed = voxel;
    this.updateReadout();
  }

  highlight(tissue) {
    if (tissue === this.state.highlighted) return;
    this.root.dataset.highlighted = tissue ?? "";
    this.change({ highlighted: tissue });
  }

  // ---------------------------------------------------------------- what is seen

  // How high all but the panels is, for the style that leaves the panels the rest of the window.
  measureControls() {
    const panels = this.root.querySelector(".mriseg-panels");
    if (!panels) return;
    const controls = this.root.offsetHeight - panels.offsetHeight;
    this.root.style.setProperty("--mriseg-controls", `${controls}px`);
  }

  // Draw in the next frame; where nothing but labels has changed, not the panels that show none.
  draw(isOfLabels = false) {
    if (!this.header) return;
    this.isOfAll ||= !isOfLabels;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      const panels = this.controls.panels.filter(({ shows }) => this.isOfAll || shows !== "original");
      if (this.isOfAll) for (const panel of panels) preparePanel(panel, this);
      for (const panel of panels) {
        const slice = this.sliceOf(panel);
        if (slice) drawPanel(panel, slice, this);
      }
      if (this.isOfAll) {
        pointOut(this);
        this.updateReadout();
        this.announcer.announce(this.header, this.sliceOf(this.controls.panels[0], false));
      }
      this.isOfAll = false;
    });
  }

  // The slice of a panel as it is shown, or as the result has it.
  sliceOf({ axis }, isShown = true) {
    const slice = this.store.get(axis, this.state.cursor[axis]);
    return isShown ? this.whatIf.slice(slice) : slice;
  }

  updateReadout() {
    if (!this.header) return;
    const voxel = this.probed ?? (this.header.kind === "picture" && !this.state.clicked ? null : this.state.cursor);
    const values = voxel && this.valuesOf(voxel);
    this.histogram.mark(values?.inside ? values.corrected : null);
    const items = values ? describeVoxel(voxel, values, this) : [{ text: this.header.texts.probeHelp }];
    showReadout(this.controls.readout, items);
  }

  // What is known of a voxel, from the first slice in the browser that holds it.
  valuesOf(voxel) {
    for (const panel of this.controls.panels) {
      const { axis } = panel;
      const slice = this.sliceOf(panel);
      if (!slice || (axis !== PICTURE && voxel[axis] !== this.state.cursor[axis])) continue;
      const [row, column] = pixelOfVoxel(voxel, axis, slice);
      return valuesAt(slice, row * slice.columns + column, this.header);
    }
    return null;
  }
}
