// The fitted mixture in figures: a table, a formula with its symbols, and what belongs to one pixel.

import { displayed, figure, filled, html, math, percent } from "./elements.js";
import { CLASSES, responsibilities } from "./plain_mixture.js";
import { sd } from "./plots.js";

export function className(k, texts) {
  return filled(texts.className, { number: k + 1 });
}

export function swatch(k) {
  return html("i", { class: `story-swatch story-swatch-${k + 1}` });
}

function row(cells, tag = "td") {
  return html("tr", {}, ...cells.map((cell) => html(tag, tag === "th" ? { scope: "col" } : {}, cell)));
}

// Rows of cells below a head; each row begins with the name of what it is about.
export function table(head, rows) {
  const body = rows.map(([first, ...cells]) => {
    const line = row(cells);
    line.prepend(html("th", { scope: "row" }, ...[first].flat()));
    return line;
  });
  return html("table", {}, html("thead", {}, row(head, "th")), html("tbody", {}, ...body));
}

// Share, mean and standard deviation of each class.
export function mixtureTable(mixture, texts) {
  const rows = mixture.means.map((mean, k) => [
    [swatch(k), className(k, texts)],
    mixture.shares[k].toFixed(3),
    figure(mean),
    figure(sd(mixture, k)),
  ]);
  return table(["", texts.share, texts.mean, texts.sd], rows);
}

function symbol(name, below = "", above = "") {
  const base = math("mi", name);
  if (below && above) return math("msubsup", base, math("mi", below), math("mn", above));
  return below ? math("msub", base, math("mi", below)) : base;
}

function normal(mean, variance) {
  const inside = [symbol("x"), math("mo", "|"), mean, math("mo", ","), variance];
  return [symbol("𝒩"), math("mo", "("), ...inside, math("mo", ")")];
}

function sumOverClasses() {
  const first = math("mrow", math("mi", "k"), math("mo", "="), math("mn", "1"));
  return math("munderover", math("mo", "∑"), first, math("mn", String(CLASSES)));
}

// Between two terms, though each is a formula of its own.
function plus() {
  const sign = math("mo", "+");
  sign.setAttribute("form", "infix");
  return sign;
}

// The formula, and again with the fitted numbers.
export function formula(mixture) {
  const left = () => [symbol("p"), math("mo", "("), symbol("x"), math("mo", ")"), math("mo", "=")];
  const general = [sumOverClasses(), symbol("π", "k"), ...normal(symbol("μ", "k"), symbol("σ", "k", "2"))];
  const terms = mixture.means.map((mean, k) => {
    const spread = math("msup", math("mn", figure(sd(mixture, k))), math("mn", "2"));
    const parts = [math("mn", mixture.shares[k].toFixed(3)), ...normal(math("mn", figure(mean)), spread)];
    return [...(k ? [plus()] : []), ...parts];
  });
  return html(
    "div",
    { class: "story-formula" },
    html("div", {}, displayed(...left(), ...general)),
    // Each term by itself, so that a narrow page can break the line between them.
    html("div", {}, displayed(...left()), ...terms.map((term) => displayed(...term))),
  );
}

// What each symbol of the formula means.
export function symbols(texts) {
  const entries = Object.entries(texts.symbols).flatMap(([name, meaning]) => [
    html("dt", {}, name),
    html("dd", {}, meaning),
  ]);
  return html("dl", { class: "story-symbols" }, ...entries);
}

// How far a gray value belongs to each class.
export function belonging(mixture, value, { title, grayValue, texts }) {
  const parts = responsibilities(mixture, value).map((share, k) => {
    const bar = html("i", { class: `story-swatch-${k + 1}` });
    bar.style.width = `${100 * share}%`;
    return html("div", {}, className(k, texts), html("span", { class: "story-meter" }, bar), percent(share));
  });
  const text = filled(texts.belongs, { pixel: title, value: grayValue });
  return html("div", { class: "story-belonging" }, html("div", {}, text), ...parts);
}
