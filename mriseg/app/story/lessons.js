// The last step: what is wrong in the plain result of this very slice, and what mriseg does about it.

import { button, filled, html, percent } from "./elements.js";
import {
  borderPixels,
  brainPixels,
  changedByShading,
  crossTable,
  disagreement,
  outsideBrain,
  shadingRange,
} from "./findings.js";
import { Picture, markedPicture } from "./pictures.js";
import { responsibilities } from "./plain_mixture.js";
import { className, swatch, table } from "./tables.js";

const LEAST_INSIDE = 0.01; // of the brain's pixels: a class that has fewer holds none of its tissues

// The number of each tissue's label; two tissues that are shown as one have the first one's.
function labelNumbers({ tissues, legend }) {
  const shown = new Set(legend.map(({ number }) => number));
  return tissues.map(({ number }) => (shown.has(number) ? number : tissues[0].number));
}

function titleOfNumber({ legend }, number) {
  return legend.find((entry) => entry.number === number).title;
}

// What is wrong, each with the pixels that show it and the numbers of its sentences; and how many pixels of each class
// have which label, outside first.
export function lessonsOf(material) {
  const { slice, header, classes, fitted } = material;
  const all = slice.labels.length;
  const brain = brainPixels(slice).count;
  const numbers = labelNumbers(header);
  const shown = header.legend.map(({ number }) => number);
  const counts = crossTable(classes, slice, shown);
  const outside = outsideBrain(slice);
  const differing = disagreement(classes, slice, numbers);
  const classAt = (value) => {
    const belongs = responsibilities(fitted, value);
    return belongs.indexOf(Math.max(...belongs));
  };
  const shaded = changedByShading(classes, slice, { header, classAt });
  const [least, most] = shadingRange(slice, header);
  const border = borderPixels(slice, differing);
  const ofBrain = ({ count }) => percent(brain ? count / brain : 0);
  return {
    shown: {
      outside: { ...outside, numbers: { share: percent(outside.count / all) } },
      names: {
        ...differing,
        numbers: { share: ofBrain(differing), names: namesOf(differing.names, counts, material) },
      },
      shading: { ...shaded, numbers: { share: ofBrain(shaded), least: least.toFixed(2), most: most.toFixed(2) } },
      mixed: {
        ...border,
        numbers: {
          share: ofBrain(border),
          border: percent(border.differing),
          elsewhere: percent(border.differingElsewhere),
        },
      },
    },
    counts,
    numbers: shown,
  };
}

// What each class is called; one that hardly reaches into the brain is no tissue, whichever is left for it.
function namesOf(names, counts, { header, texts }) {
  const inside = counts.map((row) => row.slice(1).reduce((sum, count) => sum + count, 0));
  const brain = inside.reduce((sum, count) => sum + count, 0);
  const titles = names.map((number, k) =>
    inside[k] < LEAST_INSIDE * brain ? texts.outside : titleOfNumber(header, number),
  );
  return titles.map((title, k) => `${className(k, texts)} = ${title}`).join(", ");
}

// What each class holds, in percent of its pixels.
function contents({ counts, numbers }, { header, texts }) {
  const head = ["", texts.outside, ...numbers.map((number) => titleOfNumber(header, number))];
  const rows = counts.map((row, k) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return [[swatch(k), className(k, texts)], ...row.map((count) => percent(total ? count / total : 0))];
  });
  return table(head, rows);
}

export function showLessons(stage, material) {
  const { slice, header, texts } = material;
  const lessons = lessonsOf(material);
  const picture = new Picture(slice, { header, title: "" });
  const caption = picture.element.querySelector("figcaption");
  const buttons = Object.entries(texts.lessons).map(([name, lesson]) => {
    const { numbers } = lessons.shown[name];
    const press = () => choose(name);
    return button(
      html("strong", {}, `${lesson.title}: ${numbers.share}`),
      { class: "story-lesson", "data-lesson": name },
      press,
    );
  });
  const text = html("div", { class: "story-lesson-text" });
  const choose = (name) => {
    const lesson = texts.lessons[name];
    const { marks, numbers } = lessons.shown[name];
    picture.show(markedPicture(material.grays, marks));
    caption.textContent = filled(lesson.marked, numbers);
    picture.canvas.setAttribute("aria-label", caption.textContent);
    for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.lesson === name));
    const wrong = html("p", {}, filled(lesson.wrong, numbers));
    const remedy = html("p", {}, html("strong", {}, `${texts.remedy} `), lesson.remedy);
    text.replaceChildren(wrong, ...(name === "names" ? [contents(lessons, material)] : []), remedy);
  };
  const side = html("div", {}, html("div", { class: "story-lessons" }, ...buttons), text);
  stage.append(html("div", { class: "story-two" }, picture.element, side), html("p", {}, texts.notTruth));
  choose("outside");
  return {};
}
