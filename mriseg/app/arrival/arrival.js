// From the drop of a scan to its result: a veil over what is of another scan, a line that says what is going on, and a
// sheet that takes files wherever they are dropped.

import { VEIL, afterDrop, afterLook, atRest, elapsedText, isBusy, veilOf } from "./arrival_state.js";
import { DropSheet } from "./drop_sheet.js";
import { handOver, tooLarge } from "./dropped_files.js";
import { namesIn, showTitles, studyNames, titlesOf } from "./own_names.js";

const arrivals = new WeakMap(); // by the element that each stands in

const BOXES = { upload: ".st-key-upload", folder: ".st-key-folder" };
const OWN_BOXES = Object.values(BOXES).join();
const STUDY_BOX = '[class*="st-key-study-box"]';
const STUDY_NAMES = ".mriseg-study [data-bytes]";
const RESULTS = ".st-key-results";
const LOOKED_EVERY_MS = 50;
const PHONE = "(max-width: 767px)";
// The control that chooses the scan, and what it offers while it is open.
const TITLED = '.st-key-source [role="group"], [data-testid="stSelectboxVirtualDropdown"] [role="option"]';

// Streamlit calls this when it mounts the component and whenever there is something new for it.
export default function mount({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".mriseg-arrival");
  let arrival = arrivals.get(root);
  if (!arrival) {
    arrival = new Arrival(root, data);
    arrivals.set(root, arrival);
  }
  arrival.send = () => setTriggerValue("cancel", true);
  arrival.uploads = data.uploads;
  arrival.look();
  return () => {
    if (!root.isConnected) arrival.close();
  };
}

class Arrival {
  constructor(root, { texts, most }) {
    this.root = root;
    this.texts = texts;
    this.most = most;
    this.state = atRest();
    this.parts = this.build();
    this.studyFiles = [];
    this.sheet = new DropSheet(texts.sheet, OWN_BOXES, {
      take: (files) => this.take(files),
      leave: (target, files) => this.keepStudy(target, files),
    });
    this.chosen = (event) => this.choose(event);
    document.addEventListener("change", this.chosen, true);
    this.opened = () => setTimeout(() => this.name());
    document.addEventListener("click", this.opened, true);
    document.addEventListener("keyup", this.opened, true);
    // What Streamlit wraps the place in: it takes no room while it is empty, and stays in view while work goes on.
    this.place = root.closest(".st-key-arrival").parentElement;
    Object.assign(this.place.style, { top: "0.5rem", zIndex: 30, marginBottom: "-0.5rem" });
    this.app = document.querySelector('[data-testid="stApp"]');
    this.watch = new MutationObserver(() => this.look());
    this.watch.observe(this.app, { attributes: true, attributeFilter: ["data-test-script-state"] });
  }

  close() {
    document.removeEventListener("change", this.chosen, true);
    document.removeEventListener("click", this.opened, true);
    document.removeEventListener("keyup", this.opened, true);
    this.watch.disconnect();
    this.sheet.close();
    clearTimeout(this.next);
    this.veil(VEIL.none);
    arrivals.delete(this.root);
  }

  build() {
    const parts = {};
    const add = (parent, tag, name, text = "") => {
      parts[name] = document.createElement(tag);
      parts[name].className = `mriseg-${name}`;
      parts[name].textContent = text;
      parent.append(parts[name]);
      return parts[name];
    };
    add(this.root, "button", "choose", this.texts.choose).type = "button";
    parts.choose.addEventListener("click", () => this.input("upload")?.click());
    add(this.root, "p", "refused").setAttribute("role", "alert");
    const work = add(this.root, "div", "work");
    add(work, "span", "words").setAttribute("role", "status");
    add(work, "span", "share");
    add(work, "span", "elapsed");
    add(work, "button", "cancel", this.texts.cancel).type = "button";
    parts.cancel.addEventListener("click", () => this.cancel());
    add(work, "progress", "gauge").max = 100;
    parts.gauge.setAttribute("aria-label", this.texts.progress);
    work.hidden = true;
    parts.refused.hidden = true;
    return parts;
  }

  input(box) {
    return document.querySelector(`${BOXES[box]} input[type="file"]`);
  }

  // ---------------------------------------------------------------- files

  // Files that were dropped on the page.
  take(files) {
    const input = this.input("upload");
    if (files.length && input) handOver(files, input);
  }

  // Names of the scans of a study, for this browser alone.
  keepStudy(target, files) {
    if (!target.closest(STUDY_BOX)) return;
    if (!document.querySelector(STUDY_NAMES)) this.studyFiles = []; // it is a new study
    this.studyFiles.push(...files.map(({ name, size }) => ({ name, size })));
  }

  // Files were given to one of the boxes.
  choose({ target }) {
    if (!(target instanceof HTMLInputElement) || target.type !== "file") return;
    const files = [...target.files];
    this.keepStudy(target, files);
    if (!files.length || !target.closest(OWN_BOXES)) return;
    const refused = tooLarge(files, this.most);
    this.parts.refused.hidden = !refused.length;
    if (refused.length) this.parts.refused.textContent = this.texts.tooLarge;
    if (refused.length === files.length) return;
    this.state = afterDrop(this.state, performance.now());
    this.isCanceled = false;
    if (window.matchMedia(PHONE).matches) this.foldSidebar();
    this.look();
  }

  foldSidebar() {
    document.querySelector('button[aria-controls="stSidebar"][aria-expanded="true"]')?.click();
  }

  cancel() {
    this.isCanceled = true;
    const spinners = document.querySelectorAll(`:is(${OWN_BOXES}) [data-testid="stFileChipIconSpinner"]`);
    for (const spinner of spinners) {
      spinner.closest('[data-testid="stFileChip"]').querySelector('[data-testid="stFileChipDeleteBtn"] button').click();
    }
    if (spinners.length) this.state = { ...this.state, pendingSince: null };
    else this.send();
    this.look();
  }

  // ---------------------------------------------------------------- what the page shows

  look() {
    clearTimeout(this.next);
    const now = performance.now();
    const mark = this.mark();
    const isRunning = this.app.dataset.testScriptState !== "notRunning";
    const isUploading = Boolean(document.querySelector(`:is(${OWN_BOXES}) [data-testid="stFileChipIconSpinner"]`));
    const sight = { mark, isRunning, isUploading, isTogether: !mark || isShown(mark.result) };
    this.state = afterLook(this.state, sight, now);
    this.veil(veilOf(this.state, now));
    this.say(sight, now);
    this.name();
    if (isBusy(this.state) || isRunning) this.next = setTimeout(() => this.look(), LOOKED_EVERY_MS);
    else this.isCanceled = false;
  }

  // What the server says of its run; null while it has not said anything yet.
  mark() {
    const { phase, drops, result, words, share, other } = document.querySelector(".mriseg-run")?.dataset ?? {};
    if (!phase) return null;
    return { phase, drops: Number(drops), result, words, share: Number(share), isOtherScan: other === "true" };
  }

  veil(veil) {
    for (const each of [VEIL.light, VEIL.full]) {
      document.documentElement.classList.toggle(`mriseg-veil-${each}`, veil === each);
    }
    // The scans of a study are not those of the result.
    const isStudyOpen = veil !== VEIL.none && Boolean(document.querySelector(STUDY_BOX));
    document.documentElement.classList.toggle("mriseg-study-open", isStudyOpen);
    const results = document.querySelector(RESULTS);
    if (!results) return;
    if (veil === VEIL.none) results.removeAttribute("aria-busy");
    else results.setAttribute("aria-busy", "true");
    results.inert = veil === VEIL.full;
  }

  say({ mark, isUploading }, now) {
    const { work, words, share, elapsed, gauge, cancel } = this.parts;
    const isShowing = veilOf(this.state, now) !== VEIL.none;
    work.hidden = !isShowing;
    this.place.style.position = isShowing ? "sticky" : "";
    if (!isShowing) return;
    const isTold = this.state.pendingSince === null && mark?.phase === "work";
    const waits = isUploading ? this.texts.uploading : this.texts.waiting;
    let said = isTold ? mark.words : waits;
    if (this.state.pendingSince === null && mark?.phase === "stands") said = this.texts.drawing;
    if (this.isCanceled) said = this.texts.canceling;
    if (words.textContent !== said) words.textContent = said;
    share.textContent = isTold ? `${Math.round(100 * mark.share)} %` : "";
    elapsed.textContent = elapsedText(now - this.state.since);
    cancel.disabled = Boolean(this.isCanceled);
    if (isTold) gauge.value = 100 * mark.share;
    else gauge.removeAttribute("value");
  }

  // The visitor's own names for what the server calls by numbers.
  name() {
    const boxes = {};
    for (const [box, selector] of Object.entries(BOXES)) boxes[box] = namesIn(document.querySelector(selector));
    showTitles(document.querySelectorAll(TITLED), titlesOf(this.uploads, boxes, this.texts.more));
    const scans = [...document.querySelectorAll(STUDY_NAMES)];
    const names = studyNames(
      scans.map(({ dataset }) => Number(dataset.bytes)),
      this.studyFiles,
    );
    scans.forEach((scan, index) => {
      if (scan.textContent !== names[index]) scan.textContent = names[index];
    });
  }
}

// Whether pictures, histogram and figures are those of a result; where there is none, nothing is waited for.
function isShown(result) {
  if (!result) return true;
  const viewer = document.querySelector(".mriseg-viewer");
  if (!viewer?.dataset.result?.startsWith(result)) return false;
  const canvases = [...viewer.querySelectorAll(".mriseg-panel canvas")];
  if (!canvases.length || !canvases.every((canvas) => canvas.dataset.drawn?.startsWith(result))) return false;
  const chart = document.querySelector(".st-key-histogram .js-plotly-plot");
  return !chart || chart.layout?.meta === undefined || chart.layout.meta === result;
}
