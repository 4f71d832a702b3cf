// Elements of HTML, SVG and MathML, and numbers and texts in them.

const NAMESPACES = {
  svg: "http://www.w3.org/2000/svg",
  math: "http://www.w3.org/1998/Math/MathML",
};

const MANY_GRAY_VALUES = 50; // from the least to the largest: as few as that are no whole numbers of a picture

function fillElement(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// An element with attributes, and what it holds: elements or texts.
export function html(tag, attributes = {}, ...children) {
  return fillElement(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fillElement(document.createElementNS(NAMESPACES.svg, tag), attributes, children);
}

export function math(tag, ...children) {
  return fillElement(document.createElementNS(NAMESPACES.math, tag), {}, children);
}

// A formula as it stands on a line of its own.
export function displayed(...children) {
  return fillElement(math("math"), { displaystyle: "true" }, children);
}

export function button(text, attributes, press) {
  const made = html("button", { type: "button", ...attributes }, text);
  made.onclick = press;
  return made;
}

// A text with what stands for its parts in braces.
export function filled(text, parts) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => parts[name] ?? whole);
}

// A share as percent, never 0 or 100 where it is not quite.
export function percent(share) {
  const value = 100 * share;
  if (value === 0 || value === 100) return `${value} %`;
  if (value < 0.1) return "< 0.1 %";
  if (value > 99.9) return "> 99.9 %";
  return `${value < 10 || value > 90 ? value.toFixed(1) : value.toFixed(0)} %`;
}

// Three significant digits, or the whole number.
export function figure(value) {
  const text = Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  return text.replace("-", "−");
}

// A gray value among others that are so far apart: without decimals where those would be finer than the gray values are.
export function grayFigure(value, range) {
  return range < MANY_GRAY_VALUES ? figure(value) : String(Math.round(value));
}

// A whole number with spaces between its thousands.
export function grouped(count) {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
