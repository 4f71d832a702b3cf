// The viewer: slices on canvases, a linked cursor, and what the model says of the voxel under it.
// Window, opacity, probing and highlighting need no server; a slice that was not seen yet is asked for by `want`.
const kept = new WeakMap();
const PATIENCE = 600; // ms until a slice that was asked for is asked for again
const MOST_KEPT = 192; // slices: 80 MB of a head of 256 voxels a side
const OUTSIDE_RGB = [204, 121, 167]; // where another segmentation has background or the brain ends elsewhere

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".mriseg-viewer");
  let viewer = kept.get(root);
  if (!viewer) {
    viewer = new Viewer(root);
    kept.set(root, viewer);
  }
  viewer.ask = (want) => setStateValue("want", want);
  viewer.receive(data);
  // Streamlit also calls this for a call that a newer one has overtaken, while the viewer stands.
  return () => { if (!root.isConnected) viewer.leave(); };
}

class Viewer {
  constructor(root) {
    this.root = root;
    this.slices = new Map();
    this.header = null;
    this.coming = new Map();
    this.count = 0;
    this.plane = 2;
    this.layout = "side";
    this.layer = "segmented";
    this.opacity = 0.7;
    this.contours = false;
    this.outline = false;
    this.radiological = true;
    this.near = true;
    this.hidden = new Set();
    this.lit = null;
    this.swipe = 0.5;
    this.probed = null;
    this.arrived = Promise.resolve();
    this.resize = new ResizeObserver(() => this.draw());
    this.resize.observe(root);
    this.listenToHistogram = this.listenToHistogram.bind(this);
  }

  leave() {
    this.gone = true;
    this.resize.disconnect();
    clearInterval(this.looking);
    clearTimeout(this.waiting);
    clearTimeout(this.again);
    cancelAnimationFrame(this.frame);
    kept.delete(this.root);
  }

  receive(data) {
    if (data?.byteLength) this.arrived = this.arrived.then(() => this.take(data)).catch((error) => console.error(error));
  }

  async take(data) {
    const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
    const size = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
    const fresh = [];
    let at = 4 + size;
    for (const part of header.parts) {
      fresh.push([part, await inflate(bytes.slice(at, at + part.length))]);
      at += part.length;
    }
    if (this.gone) return;
    const old = this.header;
    if (!old || old.result !== header.result) {
      this.slices.clear();
      this.coming.clear();
    }
    for (const [part, content] of fresh) {
      if (this.slices.size >= MOST_KEPT) this.slices.delete(this.slices.keys().next().value);
      this.slices.set(this.key(part.axis, part.index), unpack(part, content));
      this.coming.delete(this.key(part.axis, part.index));
    }
    this.header = header;
    if (!old || old.scan !== header.scan) this.open();
    else if (old.result !== header.result) this.build();
    this.root.dataset.result = header.result;
    this.request();
    this.draw();
    clearInterval(this.looking);
    this.looking = setInterval(this.listenToHistogram, 400);
  }

  open() {
    const { header } = this;
    this.picture = header.kind === "picture";
    this.cursor = [...header.start];
    this.clicked = false;
    this.way = null;
    this.plane = this.picture ? -1 : header.plane;
    this.outline = header.doubtful;
    [this.black, this.white] = header.window;
    this.build();
  }

  // ---------------------------------------------------------------- controls

  build() {
    const { header } = this;
    const words = header.words;
    const focused = this.root.contains(document.activeElement) && document.activeElement.dataset.name;
    // Asked of the element and not kept from its event, which comes later than what is clicked next.
    const opened = this.root.querySelector(".mriseg-more")?.open ?? false;
    this.root.replaceChildren();
    const bar = this.add(this.root, "div", "mriseg-bar");
    if (!this.picture) {
      this.select(bar, words.plane, header.planes.map(([axis, title]) => [String(axis), title]), String(this.plane), (v) => {
        this.plane = Number(v);
        this.build();
        this.request();
        this.draw();
      });
      this.slider = this.range(bar, words.slice, 1, header.shape[this.plane], 1, this.cursor[this.plane] + 1, (v) =>
        this.move(this.plane, v - 1));
    }
    const never = new Set([...(this.picture ? ["three"] : []), ...(header.other ? [] : ["compare"])]);
    if (never.has(this.layout)) this.layout = "side";
    const layouts = Object.entries(words.layouts).filter(([key]) => !never.has(key));
    this.select(bar, words.layout, layouts, this.layout, (v) => {
      this.layout = v;
      this.build();
      this.request();
      this.draw();
    });
    this.select(bar, words.layer, Object.entries(words.layers), this.layer, (v) => {
      this.layer = v;
      this.draw();
    });
    this.range(bar, words.opacity, 0, 1, 0.05, this.opacity, (v) => { this.opacity = v; this.draw(); }, words.opacityHelp);
    const more = this.add(bar, "details", "mriseg-more");
    more.open = opened;
    this.add(more, "summary", "", words.more);
    const rest = this.add(more, "div", "mriseg-rest");
    const [low, high] = header.range;
    const step = (high - low) / 500;
    const change = () => {
      const [w, l] = [Number(this.width.value), Number(this.level.value)];
      [this.black, this.white] = [l - w / 2, l + w / 2];
      this.draw();
    };
    this.width = this.range(rest, words.width, step, high - low, step, this.white - this.black, change);
    this.level = this.range(rest, words.level, low, high, step, (this.white + this.black) / 2, change);
    this.toggle(rest, words.contours, "contours", words.contoursHelp);
    this.toggle(rest, words.outline, "outline", words.outlineHelp);
    this.toggle(rest, words.near, "near", words.nearHelp);
    if (!this.picture && header.sides) this.toggle(rest, words.radiological, "radiological", words.radiologicalHelp);
    const save = this.add(rest, "button", "", words.save);
    save.type = "button";
    save.onclick = () => this.save();

    this.panels = [];
    const row = this.add(this.root, "div", "mriseg-panels");
    const others = this.picture ? [] : [2, 1, 0].filter((axis) => axis !== this.plane && header.planes.some(([a]) => a === axis));
    if (this.layout === "three") {
      for (const [axis] of header.planes) this.panel(row, axis, "layer");
    } else if (this.layout === "compare") {
      for (const what of ["other", "layer", "disagreement"]) this.panel(row, this.plane, what);
    } else {
      if (this.layout === "side") this.panel(row, this.plane, "original");
      this.panel(row, this.plane, this.layout === "swipe" ? "swipe" : this.layout === "original" ? "original" : "layer");
      if (others.length) {
        const side = this.add(row, "div", "mriseg-side");
        for (const axis of others) this.panel(side, axis, this.layout === "original" ? "original" : "layer", true);
      }
    }
    const legend = this.add(this.root, "div", "mriseg-bar");
    for (const tissue of header.tissues) {
      const button = this.add(legend, "button", "mriseg-tissue");
      button.type = "button";
      this.add(button, "span", "mriseg-swatch").style.background = `rgb(${tissue.rgb})`;
      button.append(tissue.title);
      button.title = words.tissueHelp;
      button.setAttribute("aria-pressed", String(!this.hidden.has(tissue.number)));
      button.onclick = () => {
        if (!this.hidden.delete(tissue.number)) this.hidden.add(tissue.number);
        button.setAttribute("aria-pressed", String(!this.hidden.has(tissue.number)));
        light();
        this.draw();
      };
      const light = () => this.light(this.hidden.has(tissue.number) ? null : tissue.number);
      button.onpointerenter = light;
      button.onfocus = () => { if (button.matches(":focus-visible")) light(); };
      button.onpointerleave = button.onblur = () => this.light(null);
    }
    this.readout = this.add(this.root, "div", "mriseg-probe");
    if (focused) this.root.querySelector(`[data-name="${focused}"]`)?.focus();
  }

  add(parent, tag, name = "", text = "") {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  }

  select(bar, title, options, value, change) {
    const label = this.add(bar, "label", "", title);
    const select = this.add(label, "select");
    select.setAttribute("aria-label", title);
    select.dataset.name = title;
    for (const [key, text] of options) {
      const option = this.add(select, "option", "", text);
      option.value = key;
      option.selected = key === value;
    }
    select.onchange = () => change(select.value);
  }

  range(bar, title, min, max, step, value, change, help = "") {
    const label = this.add(bar, "label", "", title);
    label.title = help;
    const input = this.add(label, "input");
    Object.assign(input, { type: "range", min, max, step, value });
    input.setAttribute("aria-label", title);
    input.dataset.name = title;
    input.oninput = () => change(Number(input.value));
    return input;
  }

  toggle(bar, title, what, help = "") {
    const button = this.add(bar, "button", "", title);
    button.title = help;
    button.type = "button";
    button.setAttribute("aria-pressed", String(this[what]));
    button.onclick = () => {
      this[what] = !this[what];
      button.setAttribute("aria-pressed", String(this[what]));
      this.draw();
    };
  }

  panel(parent, axis, what, small = false) {
    const figure = this.add(parent, "figure", "mriseg-panel");
    const canvas = this.add(figure, "canvas");
    const words = this.add(figure, "figcaption");
    const [caption, number] = [this.add(words, "span"), this.add(words, "small")];
    canvas.tabIndex = 0;
    canvas.dataset.name = `canvas ${what} ${axis}`;
    canvas.title = this.header.words.canvasHelp;
    canvas.setAttribute("role", "application");
    const panel = { figure, canvas, caption, number, axis, what, small };
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      panel.drag = event.button === 2 || event.shiftKey ? "window" : what === "swipe" && this.onDivider(panel, event) ? "swipe" : "cursor";
      this.drag(panel, event);
    };
    canvas.onpointermove = (event) => (panel.drag ? this.drag(panel, event) : this.probe(this.voxel(panel, event)));
    canvas.onpointerup = canvas.onpointercancel = () => { panel.drag = null; };
    canvas.onpointerleave = () => this.probe(null);
    canvas.oncontextmenu = (event) => event.preventDefault();
    canvas.addEventListener("wheel", (event) => {
      if (this.picture || event.ctrlKey || document.activeElement !== canvas) return;
      event.preventDefault();
      this.move(axis, this.cursor[axis] + Math.sign(event.deltaY));
    }, { passive: false });
    canvas.onkeydown = (event) => {
      const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      if (!this.picture) this.move(axis, this.cursor[axis] + step);
      else this.walk(event.key);
    };
    this.panels.push(panel);
  }

  drag(panel, event) {
    if (panel.drag === "window") {
      const scale = (this.header.range[1] - this.header.range[0]) / 600;
      const [w, l] = [this.white - this.black + event.movementX * scale, (this.white + this.black) / 2 - event.movementY * scale];
      [this.black, this.white] = [l - Math.max(w, scale) / 2, l + Math.max(w, scale) / 2];
      [this.width.value, this.level.value] = [this.white - this.black, l];
      this.draw();
    } else if (panel.drag === "swipe") {
      const box = panel.canvas.getBoundingClientRect();
      this.swipe = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      this.draw();
    } else {
      const voxel = this.voxel(panel, event);
      if (!voxel) return;
      const moved = voxel.some((index, axis) => index !== this.cursor[axis]);
      this.clicked = true;
      this.cursor = voxel;
      if (this.slider) this.slider.value = this.cursor[this.plane] + 1;
      this.probe(null);
      if (moved) {
        this.request();
        this.draw();
      }
    }
  }

  onDivider(panel, event) {
    const box = panel.canvas.getBoundingClientRect();
    return Math.abs((event.clientX - box.left) / box.width - this.swipe) < 0.04;
  }

  // From pixel to pixel of a picture.
  walk(key) {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key] ?? [0, 0];
    const { shape } = this.header;
    this.cursor = [down, right].map((step, axis) => Math.min(shape[axis] - 1, Math.max(0, this.cursor[axis] + step)));
    this.clicked = true;
    this.draw();
  }

  move(axis, index) {
    index = Math.min(this.header.shape[axis] - 1, Math.max(0, index));
    if (index === this.cursor[axis]) return;
    this.way = Math.abs(index - this.cursor[axis]) === 1 ? [axis, index - this.cursor[axis]] : null;
    this.cursor[axis] = index;
    if (this.slider) this.slider.value = this.cursor[this.plane] + 1;
    this.request();
    this.draw();
  }

  // ---------------------------------------------------------------- slices

  key(axis, index = this.cursor[axis]) {
    return axis < 0 ? "-1 0" : `${axis} ${index}`;
  }

  // Asks for the slices that are shown and not here; if none is missing, for those that come next on the same way.
  request() {
    if (this.picture) return;
    const axes = [...new Set(this.panels.map((panel) => panel.axis))];
    let missing = axes.filter((axis) => !this.slices.has(this.key(axis))).map((axis) => [axis, this.cursor[axis]]);
    const now = performance.now();
    const onItsWay = ([axis, index]) => now - (this.coming.get(this.key(axis, index)) ?? -Infinity) < PATIENCE;
    if (missing.length) {
      // What was asked for may be lost if the server was called again before it answered.
      clearTimeout(this.again);
      this.again = setTimeout(() => this.request(), PATIENCE);
      if (missing.every(onItsWay)) return;
    } else if (this.way) {
      const [axis, step] = this.way;
      missing = [1, 2, 3].map((n) => [axis, this.cursor[axis] + n * step]).filter(
        ([, index]) => index >= 0 && index < this.header.shape[axis] && !this.slices.has(this.key(axis, index)));
      if (missing.length < 2 || missing.some(onItsWay)) return;
    }
    if (!missing.length) return;
    for (const [axis, index] of missing) this.coming.set(this.key(axis, index), now);
    const want = { result: this.header.result, scan: this.header.scan, cursor: [...this.cursor], slices: missing };
    this.root.dataset.asked = JSON.stringify(want);
    this.count += 1; // comes back in the header, so that no two answers are alike and one is dropped
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.ask({ ...want, count: this.count }), 5);
  }

  // Canonical voxel under the pointer, or null.
  voxel(panel, event) {
    if (!panel.place) return null;
    const box = panel.canvas.getBoundingClientRect();
    const { x, y, scaleX, scaleY, rows, columns, mirrored } = panel.place;
    let column = Math.floor((event.clientX - box.left - x) / scaleX);
    const row = Math.floor((event.clientY - box.top - y) / scaleY);
    if (column < 0 || row < 0 || column >= columns || row >= rows) return null;
    if (mirrored) column = columns - 1 - column;
    if (this.picture) return [row, column];
    const voxel = [...this.cursor];
    const [across, up] = [0, 1, 2].filter((axis) => axis !== panel.axis);
    voxel[across] = columns - 1 - column;
    voxel[up] = rows - 1 - row;
    return voxel;
  }

  // What is known of a voxel, from the first slice in the browser that holds it.
  read(voxel) {
    for (const { axis } of this.panels) {
      const slice = this.slices.get(this.key(axis));
      if (!slice || (!this.picture && voxel[axis] !== this.cursor[axis])) continue;
      const [across, up] = this.picture ? [] : [0, 1, 2].filter((a) => a !== axis);
      const [row, column] = this.picture ? voxel : [slice.rows - 1 - voxel[up], slice.columns - 1 - voxel[across]];
      const at = row * slice.columns + column;
      const [low, high] = this.header.range;
      const intensity = low + (slice.levels[at] / (this.header.levels - 1)) * (high - low);
      const inside = slice.labels[at] > 0;
      const field = inside ? this.fieldAt(slice, at) : 1;
      const [gray, white] = [slice.gray[at] / 255, slice.white[at] / 255];
      const corrected = this.signal(intensity) / field;
      return { intensity, corrected, shading: field, inside, posteriors: [gray, white, Math.max(0, 1 - gray - white)] };
    }
    return null;
  }

  // What the mixture was fitted to: of a scan that is stored inverted its negative. Its own inverse.
  signal(intensity) {
    return this.header.black === null ? intensity : this.header.black - intensity;
  }

  fieldAt(slice, at) {
    const [flattest, steepest] = this.header.field;
    return Math.exp(flattest + (slice.field[at] / 255) * (steepest - flattest));
  }

  probe(voxel) {
    this.probed = voxel;
    this.tell();
  }

  tell() {
    const voxel = this.probed ?? (this.picture && !this.clicked ? null : this.cursor);
    const { words, affine } = this.header;
    const found = voxel && this.read(voxel);
    this.readout.replaceChildren();
    if (!found) {
      this.readout.textContent = words.probeHelp;
      this.mark(null);
      return;
    }
    const place = affine
      ? [0, 1, 2].map((r) => affine[r][0] * voxel[0] + affine[r][1] * voxel[1] + affine[r][2] * voxel[2] + affine[r][3])
      : null;
    this.add(this.readout, "span", "", place ? `${place.map((v) => String(Math.round(v) || 0)).join(", ")} mm` : `${words.pixel} ${voxel[1] + 1}, ${voxel[0] + 1}`);
    this.add(this.readout, "span", "", `${words.intensity} ${short(found.intensity)}`);
    if (found.inside) {
      this.add(this.readout, "span", "", `${words.corrected} ${short(found.corrected)}`);
      if (this.layer === "field") this.add(this.readout, "span", "", `${words.shading} × ${found.shading.toFixed(2)}`);
      this.header.tissues.forEach((tissue, k) => {
        const item = this.add(this.readout, "span", "", tissue.short);
        const bar = this.add(this.add(item, "span", "mriseg-meter"), "i");
        bar.style.width = `${100 * found.posteriors[k]}%`;
        bar.style.background = `rgb(${tissue.rgb})`;
        item.append(`${Math.round(100 * found.posteriors[k])} %`);
      });
    } else this.add(this.readout, "span", "", words.outside);
    this.mark(found.inside ? found : null);
  }

  // ---------------------------------------------------------------- histogram

  plot() {
    return document.querySelector(".st-key-histogram .js-plotly-plot");
  }

  listenToHistogram() {
    const plot = this.plot();
    if (!plot || !plot.on || plot === this.plotHeard) return;
    this.plotHeard = plot;
    const names = new Map(this.header.tissues.map((tissue) => [tissue.title, tissue.number]));
    plot.on("plotly_hover", ({ points }) => {
      const curves = points.filter((point) => names.has(point.data.name));
      if (curves.length) this.light(names.get(curves.reduce((a, b) => (b.y > a.y ? b : a)).data.name));
    });
    plot.on("plotly_unhover", () => this.light(null));
    this.tell();
  }

  // A line on the histogram at the intensity of the voxel under the pointer.
  mark(found) {
    const plot = this.plot();
    const axes = plot?._fullLayout;
    if (!axes?.xaxis) return;
    let line = plot.querySelector(".mriseg-mark");
    if (!found) {
      line?.remove();
      return;
    }
    if (!line) {
      line = this.add(plot, "div", "mriseg-mark");
      line.style.cssText = "position:absolute;width:0;border-left:2px solid #009E73;pointer-events:none;z-index:5";
    }
    const x = axes.xaxis.l2p(found.corrected);
    line.style.display = x >= 0 && x <= axes.xaxis._length ? "block" : "none";
    line.style.left = `${axes.xaxis._offset + x}px`;
    line.style.top = `${axes.yaxis._offset}px`;
    line.style.height = `${axes.yaxis._length}px`;
  }

  light(number) {
    if (number === this.lit) return;
    this.lit = number;
    this.root.dataset.lit = number ?? "";
    this.draw();
  }

  // ---------------------------------------------------------------- drawing

  draw() {
    if (!this.header || !this.panels) return;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      for (const panel of this.panels) this.drawPanel(panel);
      this.tell();
    });
  }

  drawPanel(panel) {
    const { canvas, axis, what } = panel;
    const slice = this.slices.get(this.key(axis));
    if (!slice) return;
    const ratio = window.devicePixelRatio || 1;
    const height = this.header.height;
    panel.figure.style.height = `${panel.small ? (height - 6) / 2 : height}px`;
    const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
    if (!wide || !high) return;
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const [across, up] = axis < 0 ? [] : [0, 1, 2].filter((a) => a !== axis);
    const spacing = this.header.spacing ?? [1, 1, 1];
    const [pixelX, pixelY] = axis < 0 ? [1, 1] : [spacing[across], spacing[up]];
    const mirrored = axis > 0 && !this.radiological;
    const { top, bottom, left, right } = this.shown(slice, across, up, mirrored);
    const scale = Math.min(wide / ((right - left) * pixelX), high / ((bottom - top) * pixelY));
    const [scaleX, scaleY] = [scale * pixelX, scale * pixelY];
    const [x, y] = [wide / 2 - ((left + right) / 2) * scaleX, high / 2 - ((top + bottom) / 2) * scaleY];
    panel.place = { x, y, scaleX, scaleY, rows: slice.rows, columns: slice.columns, mirrored };
    const layer = what === "layer" || what === "swipe" ? this.layer : "original";
    this.paint(context, panel.place, this.grays(slice, what === "swipe" ? "original" : layer), true);
    if (what !== "original") {
      context.save();
      if (what === "swipe") {
        context.beginPath();
        context.rect(this.swipe * wide, 0, wide, high);
        context.clip();
        this.paint(context, panel.place, this.grays(slice, layer), true);
      }
      const colours = what === "other" || what === "disagreement" ? this.comparison(slice, what) : this.colours(slice, layer);
      if (colours) this.paint(context, panel.place, colours, false);
      context.restore();
      if (what === "swipe") {
        context.fillStyle = "#fff";
        context.fillRect(this.swipe * wide - 1, 0, 2, high);
      }
    }
    if (what === "original" && this.lit !== null) this.paint(context, panel.place, this.colours(slice, "segmented"), false);
    if (this.outline || (layer === "mask" && what !== "original")) this.paint(context, panel.place, this.border(slice), false);
    if (!this.picture) this.decorate(context, panel, wide, high, scale);
    else if (this.clicked) this.cross(context, panel.place, this.cursor[1], this.cursor[0], wide, high);
    const { words } = this.header;
    const title = { original: words.original, other: this.header.other, disagreement: words.disagreement,
      swipe: `${words.original} | ${words.layers[this.layer]}` }[what]
      ?? words.layers[this.layer];
    const plane = axis < 0 ? "" : this.header.planes.find(([a]) => a === axis)?.[1];
    panel.caption.textContent = panel.small || this.layout === "three" ? plane : title;
    panel.number.textContent = axis < 0 ? "" : ` ${this.cursor[axis] + 1}`;
    canvas.setAttribute("aria-label", [title, plane, axis < 0 ? "" : `${words.slice} ${this.cursor[axis] + 1}`].filter(Boolean).join(", "));
    canvas.dataset.drawn = `${this.header.result} ${this.key(axis)}`;
  }

  // The part of a slice that fills the panel: all of it, or what lies around the brain.
  shown(slice, across, up, mirrored) {
    if (!this.near) return { top: 0, bottom: slice.rows, left: 0, right: slice.columns };
    const { around } = this.header;
    if (this.picture) return { top: around[0][0], bottom: around[0][1], left: around[1][0], right: around[1][1] };
    const [[from, to], [low, high]] = [around[across], around[up]];
    const [left, right] = mirrored ? [from, to] : [slice.columns - to, slice.columns - from];
    return { top: slice.rows - high, bottom: slice.rows - low, left, right };
  }

  paint(context, place, image, smooth) {
    const sheet = new OffscreenCanvas(place.columns, place.rows);
    sheet.getContext("2d").putImageData(image, 0, 0);
    context.save();
    context.translate(place.x, place.y);
    if (place.mirrored) {
      context.translate(place.columns * place.scaleX, 0);
      context.scale(-1, 1);
    }
    context.imageSmoothingEnabled = smooth;
    context.imageSmoothingQuality = "high";
    context.drawImage(sheet, 0, 0, place.columns * place.scaleX, place.rows * place.scaleY);
    context.restore();
  }

  grays(slice, layer) {
    const image = new ImageData(slice.columns, slice.rows);
    const pixels = new Uint32Array(image.data.buffer);
    const [low, high] = this.header.range;
    const per = (high - low) / (this.header.levels - 1);
    const gain = 255 / (this.white - this.black);
    const dark = layer.startsWith("posterior");
    for (let at = 0; at < pixels.length; at += 1) {
      let intensity = low + slice.levels[at] * per;
      if (layer === "corrected" && slice.labels[at]) {
        intensity = this.signal(this.signal(intensity) / this.fieldAt(slice, at));
      }
      const gray = dark ? 0 : Math.max(0, Math.min(255, Math.round((intensity - this.black) * gain)));
      pixels[at] = 0xff000000 | (gray << 16) | (gray << 8) | gray;
    }
    return image;
  }

  colours(slice, layer) {
    if (layer === "original" || layer === "corrected") return null;
    const image = new ImageData(slice.columns, slice.rows);
    const { data } = image;
    const { columns, rows, labels } = slice;
    const alpha = Math.round(255 * this.opacity);
    const rgb = [];
    this.header.tissues.forEach((tissue) => { rgb[tissue.number] = tissue.rgb; });
    const set = (at, [r, g, b], a) => { data[4 * at] = r; data[4 * at + 1] = g; data[4 * at + 2] = b; data[4 * at + 3] = a; };
    const which = { "posterior-gm": 0, "posterior-wm": 1, "posterior-csf": 2 }[layer];
    for (let at = 0; at < labels.length; at += 1) {
      const label = labels[at];
      if (!label) continue;
      const gray = slice.gray[at], white = slice.white[at], fluid = Math.max(0, 255 - gray - white);
      if (which !== undefined) set(at, rgb[this.header.tissues[which].number], [gray, white, fluid][which]);
      else if (layer === "entropy") {
        let sum = 0;
        for (const p of [gray / 255, white / 255, fluid / 255]) if (p > 0) sum -= p * Math.log(p);
        set(at, [213, 94, 0], Math.round((255 * sum) / Math.log(3)));
      } else if (layer === "field") {
        const [flattest, steepest] = this.header.field;
        const most = Math.max(-flattest, steepest, 1e-6);
        const value = (flattest + (slice.field[at] / 255) * (steepest - flattest)) / most;
        set(at, value > 0 ? [230, 159, 0] : [0, 114, 178], Math.round(alpha * Math.abs(value)));
      } else if (layer === "mask") set(at, [0, 229, 160], alpha >> 2);
      else if (layer === "segmented") {
        if (this.lit !== null ? label !== this.lit : this.hidden.has(label)) continue;
        if (this.contours && this.lit === null) {
          const column = at % columns;
          const inner = column > 0 && column < columns - 1 && at >= columns && at < labels.length - columns
            && labels[at - 1] === label && labels[at + 1] === label && labels[at - columns] === label && labels[at + columns] === label;
          if (inner) continue;
        }
        set(at, rgb[label], this.lit === label ? 255 : alpha);
      }
    }
    return image;
  }

  // Labels of the other segmentation, or those of this one where the two differ.
  comparison(slice, what) {
    const image = new ImageData(slice.columns, slice.rows);
    const { data } = image;
    const alpha = what === "other" ? Math.round(255 * this.opacity) : 255;
    const rgb = [OUTSIDE_RGB];
    this.header.tissues.forEach((tissue) => { rgb[tissue.number] = tissue.rgb; });
    for (let at = 0; at < slice.labels.length; at += 1) {
      const [mine, other] = [slice.labels[at], slice.other[at]];
      const shown = what === "other" ? other > 0 && !this.hidden.has(other) : mine !== other;
      if (!shown) continue;
      const [r, g, b] = rgb[what === "other" ? other : mine];
      data[4 * at] = r; data[4 * at + 1] = g; data[4 * at + 2] = b; data[4 * at + 3] = alpha;
    }
    return image;
  }

  border(slice) {
    const image = new ImageData(slice.columns, slice.rows);
    const pixels = new Uint32Array(image.data.buffer);
    const { columns, labels } = slice;
    for (let at = 0; at < labels.length; at += 1) {
      const column = at % columns;
      const inner = column > 0 && column < columns - 1
        && labels[at - 1] && labels[at + 1] && labels[at - columns] && labels[at + columns];
      if (labels[at] && !inner) pixels[at] = 0xffa0e500;
    }
    return image;
  }

  cross(context, place, column, row, wide, high) {
    const [x, y] = [place.x + (column + 0.5) * place.scaleX, place.y + (row + 0.5) * place.scaleY];
    context.strokeStyle = "rgba(0, 229, 160, 0.55)";
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, 0); context.lineTo(x, high);
    context.moveTo(0, y); context.lineTo(wide, y);
    context.stroke();
  }

  decorate(context, panel, wide, high, scale) {
    const { axis, place } = panel;
    const [across, up] = [0, 1, 2].filter((a) => a !== axis);
    let column = place.columns - 1 - this.cursor[across];
    if (place.mirrored) column = place.columns - 1 - column;
    this.cross(context, place, column, place.rows - 1 - this.cursor[up], wide, high);
    context.font = `${panel.small ? 12 : 16}px sans-serif`;
    context.lineWidth = 3;
    context.strokeStyle = "#000";
    context.fillStyle = "#ebebeb";
    const write = (text, tx, ty, align, base) => {
      context.textAlign = align;
      context.textBaseline = base;
      context.strokeText(text, tx, ty);
      context.fillText(text, tx, ty);
    };
    if (!this.header.sides && axis > 0 && !panel.small) {
      context.font = "12px sans-serif";
      write(this.header.words.sidesUnknown, wide - 5, high - 5, "right", "bottom");
    }
    if (this.header.sides) {
      let [left, right, top, bottom] = this.header.letters[axis];
      if (place.mirrored) [left, right] = [right, left];
      write(left, 5, high / 2, "left", "middle");
      write(right, wide - 5, high / 2, "right", "middle");
      write(top, wide / 2, 5, "center", "top");
      write(bottom, wide / 2, high - 5, "center", "bottom");
    }
    if (!panel.small) {
      context.fillStyle = "#000";
      context.fillRect(5, high - 10, 50 * scale + 2, 5);
      context.fillStyle = "#ebebeb";
      context.fillRect(6, high - 9, 50 * scale, 3);
      context.font = "12px sans-serif";
      write("50 mm", 6, high - 13, "left", "bottom");
    }
  }

  save() {
    const shown = this.panels.map((panel) => panel.canvas);
    const sheet = document.createElement("canvas");
    sheet.width = shown.reduce((sum, canvas) => sum + canvas.width + 8, -8);
    sheet.height = Math.max(...shown.map((canvas) => canvas.height));
    const context = sheet.getContext("2d");
    let x = 0;
    for (const canvas of shown) {
      context.drawImage(canvas, x, 0);
      x += canvas.width + 8;
    }
    const link = document.createElement("a");
    link.href = sheet.toDataURL("image/png");
    link.download = this.header.words.saveAs;
    link.click();
  }
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

function unpack(part, buffer) {
  const [rows, columns] = part.shape;
  const n = rows * columns;
  const layer = (k) => new Uint8Array(buffer, (2 + k) * n, n);
  return {
    rows, columns,
    levels: new Uint16Array(buffer, 0, n),
    labels: layer(0), gray: layer(1), white: layer(2), field: layer(3), other: layer(4),
  };
}

function short(value) {
  return Math.abs(value) < 10000 ? String(Number(value.toPrecision(4))) : value.toFixed(0);
}
