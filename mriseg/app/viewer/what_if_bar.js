// What stands at the histogram while curves are dragged: that it is no result, the shares, the way back and the fit from
// there; and what is under the pointer.

import { threeDigits } from "./histogram_overlay.js";

const NARROW = 560; // points of a plot's width in which the hint has no room beside the legend

function child(parent, tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

// Change the text of an element without another node in its place, of which all of the page's style would take note.
function write(target, text) {
  if (target.firstChild?.nodeType !== Node.TEXT_NODE) target.textContent = text;
  else if (target.firstChild.nodeValue !== text) target.firstChild.nodeValue = text;
}

export function percent(share) {
  return (100 * share).toFixed(1);
}

export class WhatIfBar {
  // `actions`: what the buttons do, `back` and `fit`.
  constructor(texts, actions) {
    this.texts = texts;
    this.bar = document.createElement("div");
    this.bar.className = "mriseg-what-if";
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", texts.badge);
    child(this.bar, "strong", "", texts.badge);
    this.chips = child(this.bar, "span", "mriseg-chips");
    for (const name of ["back", "fit"]) {
      const button = child(this.bar, "button", "", texts[name]);
      button.type = "button";
      button.title = texts[`${name}Help`];
      button.onclick = actions[name];
    }
    this.readout = document.createElement("div");
    this.readout.className = "mriseg-readout";
    this.readout.hidden = true;
    this.hint = document.createElement("p");
    this.hint.setAttribute("role", "status");
    this.say(texts.hint);
  }

  // What stands over the plot.
  get elements() {
    return [this.bar, this.readout, this.hint];
  }

  remove() {
    for (const one of this.elements) one.remove();
  }

  // Write below the plot what happens, or while nothing does, above it what can be done.
  say(text, isBusy = false) {
    this.hint.setAttribute("aria-busy", String(isBusy));
    write(this.hint, text);
  }

  arrange(isOn, { width }) {
    const isNarrow = width < NARROW;
    this.hint.className = isOn || isNarrow ? "mriseg-hint mriseg-low" : "mriseg-hint";
    this.bar.classList.toggle("mriseg-narrow", isNarrow);
  }

  // The shares of the fit and those now, of each in `tissues`: in the brain, and in the slice if it is there.
  showShares(tissues) {
    const { texts, chips } = this;
    const change = ([before, now]) => `${percent(before)} → ${percent(now)} %`;
    if (chips.childElementCount !== tissues.length) {
      chips.replaceChildren();
      chips.title = texts.inBrain;
      for (const { rgb } of tissues) {
        const chip = child(chips, "span", "mriseg-chip");
        child(chip, "i", "mriseg-swatch").style.backgroundColor = `rgb(${rgb})`;
        child(chip, "span", "", "-");
      }
    }
    for (const [k, { short, brain }] of tissues.entries()) {
      write(chips.children[k].lastChild, `${short} ${change(brain)}`);
    }
    const slices = tissues.filter(({ slice }) => slice);
    return slices.length
      ? `${texts.inSlice} ${slices.map((one) => `${one.short} ${change(one.slice)}`).join(", ")}`
      : "";
  }

  // What is under the pointer, on the side of the plot where the pointer is not; nothing for null.
  showReadout(read, { histogram, geometry, isLeft }) {
    this.readout.replaceChildren();
    this.readout.hidden = !read;
    if (!read) return;
    const { texts } = this;
    const line = (name, value, rgb) => {
      const row = child(this.readout, "div", "");
      if (rgb) child(row, "i", "mriseg-swatch").style.backgroundColor = `rgb(${rgb})`;
      row.append(`${name} ${value}`);
    };
    const whole = (count) => Math.round(count).toLocaleString("en-US");
    line(texts.intensity, threeDigits(read.intensity));
    line(texts.measured, whole(read.measured));
    for (const [k, { title, rgb }] of histogram.curves.entries()) line(title, whole(read.heights[k]), rgb);
    if (read.none >= 0.5) line(texts.none, whole(read.none));
    line(texts.total, whole(read.total));
    this.readout.style.top = `${geometry.top + 2}px`;
    this.readout.style.left = isLeft ? "" : `${geometry.left + 2}px`;
    this.readout.style.right = isLeft ? "10px" : "";
  }
}
