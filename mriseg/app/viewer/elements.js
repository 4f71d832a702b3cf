// Elements of the page: buttons, choices, sliders, dialogs.

export function add(parent, tag, name = "", text = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

export function addButton(parent, text, isPressed = null) {
  const button = add(parent, "button", "", text);
  button.type = "button";
  if (isPressed !== null) button.setAttribute("aria-pressed", String(isPressed));
  return button;
}

// A small drawing on a button, as the path of its lines in 14 by 14 points.
export function addIcon(parent, path) {
  const icon = add(parent, "span", "mriseg-icon");
  icon.innerHTML = `<svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><path d="${path}"/></svg>`;
}

// A choice; the words before it may go where there is little room, its name stays.
export function addSelect(parent, { title, options, chosen, isPlain = false }, change) {
  const label = add(parent, "label");
  add(label, "span", isPlain ? "mriseg-spare" : "", title);
  const select = add(label, "select");
  select.setAttribute("aria-label", title);
  select.title = title;
  select.dataset.name = title;
  for (const [key, text] of options) {
    const option = add(select, "option", "", text);
    option.value = key;
    option.selected = key === chosen;
  }
  select.onchange = () => change(select.value);
  return select;
}

// A slider with its value beside it, as `say` writes it.
export function addSlider(parent, { title, say, ...range }, change) {
  const label = add(parent, "label", "", title);
  const input = add(label, "input");
  Object.assign(input, { type: "range", ...range });
  input.setAttribute("aria-label", title);
  input.dataset.name = title;
  const value = add(label, "output");
  input.say = () => {
    value.textContent = say(Number(input.value));
    input.setAttribute("aria-valuetext", value.textContent);
  };
  input.oninput = () => {
    input.say();
    change(Number(input.value));
  };
  input.say();
  return input;
}

// Set a slider from elsewhere.
export function setSlider(input, value) {
  input.value = value;
  input.say();
}

// A dialog over all of the page, with its title and a button that closes it; it is gone when it is closed.
export function openDialog(root, { name, title, close }) {
  const dialog = add(root, "dialog", `mriseg-dialog ${name}`);
  dialog.setAttribute("aria-label", title);
  const line = add(dialog, "div", "mriseg-bar mriseg-dialog-title");
  add(line, "strong", "", title);
  addButton(line, close).onclick = () => dialog.close();
  dialog.onclose = () => dialog.remove();
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close(); // beside what stands in it
  };
  dialog.showModal();
  return dialog;
}
