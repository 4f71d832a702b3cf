// The story of the plain workflow, told on the slice that the viewer shows: picture, gray values, one line, mixture,
// labels, and what goes wrong. All of it is worked out in the browser, and only once it is in view.

import { SLICE_REQUEST, SLICE_SHOWN } from "../viewer/slice_announcer.js";
import { button, filled, html } from "./elements.js";
import { showLessons } from "./lessons.js";
import { Material } from "./material.js";
import { CLASS_RGB } from "./pictures.js";
import { Player, SPEEDS } from "./player.js";
import { showFlattened, showGrayValues, showLabels, showMixture, showPicture } from "./steps.js";

const STEPS = [
  ["picture", showPicture],
  ["gray", showGrayValues],
  ["line", showFlattened],
  ["mixture", showMixture],
  ["labels", showLabels],
  ["lessons", showLessons],
];
const NEEDS_HISTOGRAM = new Set(["mixture", "labels", "lessons"]);
const SETTLED = 200; // ms without another slice until it is drawn: scrolling through slices must not wait for the story
const EARLY = "100px"; // before it comes into view it is drawn

const stories = new WeakMap(); // by the element that each stands in

// Streamlit calls this when it mounts the story, and again when it draws the page anew.
export default function mount({ data, parentElement }) {
  const root = parentElement.querySelector(".mriseg-story");
  if (!stories.has(root)) stories.set(root, new Story(root, data.texts));
  const story = stories.get(root);
  return () => {
    if (root.isConnected) return;
    story.close();
    stories.delete(root);
  };
}

class Story {
  constructor(root, texts) {
    Object.assign(this, { root, texts, shown: null, material: null, isSeen: false });
    this.player = new Player({
      count: STEPS.length,
      show: (number) => this.showStep(number),
      changed: () => this.showState(),
    });
    this.build();
    this.listener = ({ detail }) => this.receive(detail);
    document.addEventListener(SLICE_SHOWN, this.listener);
    this.observer = new IntersectionObserver(
      (entries) => {
        this.isSeen = entries.at(-1).isIntersecting;
        this.refresh();
      },
      { rootMargin: EARLY },
    );
    this.observer.observe(root);
    document.dispatchEvent(new CustomEvent(SLICE_REQUEST));
  }

  close() {
    clearTimeout(this.delay);
    this.player.close();
    this.observer.disconnect();
    document.removeEventListener(SLICE_SHOWN, this.listener);
  }

  receive(shown) {
    const isOther = shown.slice !== this.shown?.slice || shown.header.result !== this.shown.header.result;
    if (!isOther) return;
    this.shown = shown;
    clearTimeout(this.delay);
    this.delay = setTimeout(
      () => {
        this.material = null;
        this.refresh();
      },
      this.material ? SETTLED : 0,
    );
  }

  refresh() {
    if (!this.isSeen || !this.shown || this.material) return;
    this.material = new Material(this.shown, this.texts);
    this.player.go(this.player.number);
  }

  build() {
    const { root, texts, player } = this;
    for (const [k, rgb] of CLASS_RGB.entries()) root.style.setProperty(`--class-${k + 1}`, `rgb(${rgb})`);
    root.setAttribute("aria-label", texts.story);
    this.playButton = button("", {}, () => player.toggle());
    this.previous = button(texts.previous, {}, () => player.go(player.number - 1));
    this.next = button(texts.next, {}, () => player.go(player.number + 1));
    this.dots = STEPS.map(([name], number) => {
      const title = filled(texts.stepTitle, { number: number + 1, title: texts.steps[name].title });
      return button(String(number + 1), { "aria-label": title, title, class: "story-dot-button" }, () =>
        player.go(number),
      );
    });
    const speed = html("select", { "aria-label": texts.speed });
    for (const value of SPEEDS) speed.append(new Option(`${value} ×`, value, false, value === 1));
    speed.onchange = () => {
      player.speed = Number(speed.value);
    };
    const dots = html("div", { class: "story-dots" }, ...this.dots);
    const pace = html("label", {}, texts.speed, speed);
    this.heading = html("h2", { "aria-live": "polite" });
    this.words = html("p", { class: "story-words" });
    this.stage = html("div", { class: "story-stage" });
    const bar = html("div", { class: "story-bar" }, this.previous, this.playButton, this.next, dots, pace);
    root.replaceChildren(bar, this.heading, this.words, this.stage);
    root.onkeydown = (event) => this.press(event);
    this.showState();
  }

  press(event) {
    if (event.target.closest("input, select")) return;
    const { player } = this;
    const numbers = {
      ArrowRight: player.number + 1,
      ArrowLeft: player.number - 1,
      Home: 0,
      End: STEPS.length - 1,
    };
    if (event.key in numbers) player.go(numbers[event.key]);
    else if (event.key === " " && !event.target.closest("button")) player.toggle();
    else return;
    event.preventDefault();
  }

  showStep(number) {
    const { texts, material, stage } = this;
    const [name, draw] = STEPS[number];
    stage.replaceChildren();
    if (!material) return null;
    const { title, words } = texts.steps[name];
    this.heading.textContent = filled(texts.stepTitle, { number: number + 1, title });
    this.words.textContent = filled(words, material.sizes);
    this.root.dataset.step = name;
    if (NEEDS_HISTOGRAM.has(name) && !material.histogram) {
      stage.append(html("p", { role: "status" }, texts.tooFewGrayValues));
      return null;
    }
    return draw(stage, material, matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  showState() {
    const { player, texts } = this;
    this.playButton.textContent = player.isPlaying ? texts.pause : texts.play;
    this.previous.disabled = player.number === 0;
    this.next.disabled = player.number === STEPS.length - 1;
    for (const [number, dot] of this.dots.entries()) {
      if (number === player.number) dot.setAttribute("aria-current", "step");
      else dot.removeAttribute("aria-current");
    }
  }
}
