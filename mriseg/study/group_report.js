// The report of a study: pictures and table of all scans in pages, one scan enlarged, and which were marked.
// All text is set as text, never as markup: names come from files.
"use strict";
(() => {
  const PAGE = 200; // scans in the document at a time
  const [NAME, LINK, LEVEL, CONTRAST, VALUES, APART, SAID] = [0, 1, 2, 3, 4, 5, 6];
  const byId = (id) => document.getElementById(id);
  const study = JSON.parse(byId("study").textContent);
  const { columns, levels, scans, texts } = study;
  const rank = new Map(study.flagged.map((scan, place) => [scan, place]));
  const reasons = (scan) => scans[scan][SAID].map((text) => texts[text]);
  const lowered = scans.map((scan, n) =>
    [scan[NAME], scan[CONTRAST], levels[scan[LEVEL]] ?? "", ...reasons(n)].join(" ").toLowerCase());
  const tools = { find: byId("find"), which: byId("which"), order: byId("order") };
  const state = { view: "mosaics", key: "flagged", down: false, page: 0, list: [] };

  // What is marked, kept by the browser for this file.
  const PLACE = `mriseg not usable ${location.pathname}`;
  const number = new Map(scans.map((scan, n) => [scan[NAME], n]));
  let unknown = []; // marked in an earlier report of this study, not in this one
  const marked = new Set();
  try {
    for (const name of JSON.parse(localStorage.getItem(PLACE) ?? "[]")) {
      if (number.has(name)) marked.add(number.get(name));
      else unknown.push(name);
    }
  } catch {
    byId("kept").textContent = "This browser does not keep the marks: save them before you leave.";
  }

  function mark(scan, is) {
    if (is) marked.add(scan);
    else marked.delete(scan);
    try {
      localStorage.setItem(PLACE, JSON.stringify([...[...marked].map((n) => scans[n][NAME]), ...unknown]));
    } catch {
      byId("kept").textContent = "This browser does not keep the marks: save them before you leave.";
    }
    for (const element of document.querySelectorAll(`#mosaics [data-of="${scan}"], #table [data-of="${scan}"]`)) {
      element.classList.toggle("marked", is);
      const box = element.querySelector("input");
      if (box) box.checked = is;
    }
    showMarked();
  }

  function showMarked() {
    byId("save").textContent = `Save those not usable (${marked.size})`;
    byId("save").disabled = marked.size === 0;
  }

  function save() {
    const lines = ["participant_id\tscan"];
    for (const scan of [...marked].sort((a, b) => a - b)) {
      const name = scans[scan][NAME].replace(/\s+/g, " ");
      lines.push(`${name.split("_")[0]}\t${name}`);
    }
    const link = make("a", { href: URL.createObjectURL(new Blob([`${lines.join("\n")}\n`])), download: "not_usable.tsv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  // Which scans, in which order.
  const keys = [
    { key: "flagged", title: "to look at first", of: (scan) => rank.get(scan) ?? Infinity },
    { key: "study", title: "as in the study", of: (scan) => scan },
    { key: "name", title: "Scan", of: (scan) => scans[scan][NAME] },
    { key: "level", title: "Verdict", of: (scan) => ["GOOD", "CARE", "NOT", "FAILED"].indexOf(scans[scan][LEVEL]) },
    { key: "contrast", title: "Contrast", of: (scan) => scans[scan][CONTRAST] || null },
    ...columns.map((column, n) => ({ key: `column ${n}`, title: column.title, of: (scan) => scans[scan][VALUES][n] ?? null })),
  ];
  const words = new Intl.Collator("en", { numeric: true });

  function arrange() {
    const wanted = tools.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const which = {
      all: () => true,
      flagged: (scan) => rank.has(scan),
      failed: (scan) => scans[scan][LEVEL] === "FAILED",
      marked: (scan) => marked.has(scan),
      unmarked: (scan) => !marked.has(scan),
    }[tools.which.value];
    const { of } = keys.find(({ key }) => key === state.key);
    const sign = state.down ? -1 : 1;
    state.list = scans.map((_, n) => n)
      .filter((n) => which(n) && wanted.every((word) => lowered[n].includes(word)))
      .map((n) => [n, of(n)])
      .sort(([a, x], [b, y]) => {
        if (x === null || y === null) return (x === null) - (y === null) || a - b; // what is absent comes last either way
        const difference = typeof x === "string" ? words.compare(x, y) : x === y ? 0 : x - y;
        return sign * difference || a - b;
      })
      .map(([n]) => n);
  }

  function show(page = 0) {
    const pages = Math.max(1, Math.ceil(state.list.length / PAGE));
    state.page = Math.min(Math.max(page, 0), pages - 1);
    const here = state.list.slice(state.page * PAGE, (state.page + 1) * PAGE);
    byId("count").textContent = `${state.list.length.toLocaleString("en")} of ${scans.length.toLocaleString("en")}`;
    byId("page").textContent = `${state.page + 1} of ${pages}`;
    byId("before").disabled = state.page === 0;
    byId("after").disabled = state.page === pages - 1;
    document.querySelector(".pages").hidden = pages === 1;
    for (const button of document.querySelectorAll("[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
    }
    for (const view of ["mosaics", "table"]) byId(view).hidden = view !== state.view;
    byId("keys").hidden = state.view !== "mosaics";
    const nothing = make("p", { textContent: "No scan is as asked for. Clear the search or show all." });
    const [filled, empty] = state.view === "table" ? ["table", "mosaics"] : ["mosaics", "table"];
    const content = here.length === 0 ? [nothing] : filled === "table" ? [table(here)] : here.map(picture);
    byId(filled).replaceChildren(...content);
    byId(empty).replaceChildren();
  }

  function again() {
    arrange();
    show();
  }

  function picture(scan) {
    const [name, link, level] = scans[scan];
    const said = reasons(scan);
    const figure = make("figure", { className: rank.has(scan) ? (level === "NOT" ? "severe" : "flagged") : "" });
    figure.dataset.of = scan;
    figure.classList.toggle("marked", marked.has(scan));
    if (link) {
      const image = make("img", { className: "mosaic", loading: "lazy", alt: `Slices of ${name} with its tissues`, src: link });
      const button = make("button", { type: "button" }, image);
      button.dataset.scan = scan;
      figure.append(button);
    } else {
      figure.append(make("p", { className: "none", textContent: said.join(" ") || "No picture." }));
    }
    const caption = make("figcaption", {}, make("span", { className: "name", textContent: name, title: name }));
    if (rank.has(scan) || level === "FAILED") {
      caption.append(badge(level), make("span", { className: "why", textContent: link ? said.join(" ") : "", title: said.join("\n") }));
    }
    caption.append(markBox(scan));
    figure.append(caption);
    return figure;
  }

  function badge(level) {
    const element = make("span", { className: "badge", textContent: levels[level] ?? "" });
    element.dataset.level = level;
    return element;
  }

  function markBox(scan) {
    const box = make("input", { type: "checkbox", checked: marked.has(scan) });
    box.addEventListener("change", () => mark(scan, box.checked));
    return make("label", {}, box, " not usable");
  }

  function table(here) {
    const head = make("tr", {});
    for (const { key, title } of [...keys.slice(2), { key: "flagged", title: "Why to look at it" }]) {
      const button = make("button", { type: "button", textContent: title });
      const cell = make("th", { scope: "col", className: /^(name|level|contrast|flagged)$/.test(key) ? "t" : "" }, button);
      const column = columns[Number(key.split(" ")[1])];
      if (column) cell.title = column.meaning;
      if (key === state.key) cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      button.addEventListener("click", () => {
        state.down = key === state.key && !state.down;
        state.key = tools.order.value = key;
        again();
        byId("table").querySelector(`th[aria-sort] button`)?.focus();
      });
      head.append(cell);
    }
    head.append(make("th", { scope: "col", textContent: "Not usable" }));
    const body = make("tbody", {});
    for (const scan of here) {
      const [name, link, level, contrast, values, apart] = scans[scan];
      const first = make("th", { scope: "row", className: "t", title: name });
      if (link) {
        const anchor = make("a", { href: link, textContent: name });
        anchor.dataset.scan = scan;
        first.append(anchor);
      } else {
        first.textContent = name;
      }
      const row = make("tr", {}, first, make("td", { className: "t" }, badge(level)), make("td", { className: "t", textContent: contrast }));
      for (const [n, column] of columns.entries()) {
        const value = values[n];
        row.append(make("td", { textContent: value == null ? "" : value.toFixed(column.decimals), className: apart.includes(n) ? "apart" : "" }));
      }
      const said = reasons(scan);
      row.append(make("td", { className: "t why", textContent: said.join(" "), title: said.join("\n") }));
      const box = markBox(scan);
      box.lastChild.remove();
      box.firstChild.setAttribute("aria-label", `${name} is not usable`);
      row.append(make("td", {}, box));
      row.dataset.of = scan;
      row.classList.toggle("marked", marked.has(scan));
      body.append(row);
    }
    return make("table", {}, make("thead", {}, head), body);
  }

  // One scan enlarged.
  const dialog = byId("enlarged");
  const large = dialog.querySelector("img");
  let current = null;
  let way = []; // the scans with pictures that the keys step through

  function enlarge(scan) {
    if (!dialog.open) {
      way = state.list.filter((n) => scans[n][LINK]);
      if (!way.includes(scan)) way = scans.map((_, n) => n).filter((n) => scans[n][LINK]);
      dialog.showModal();
      dialog.focus();
    }
    current = scan;
    const [name, link, level, contrast, values] = scans[scan];
    large.src = link;
    large.alt = `Slices of ${name} with its tissues`;
    dialog.querySelector("strong").textContent = name;
    dialog.querySelector(".badge").textContent = levels[level] ?? "";
    dialog.querySelector(".badge").dataset.level = level;
    const at = way.indexOf(scan);
    dialog.querySelector(".at").textContent = `${at + 1} of ${way.length}`;
    dialog.querySelector("[data-step='-1']").disabled = at === 0;
    dialog.querySelector("[data-step='1']").disabled = at === way.length - 1;
    const figures = columns.flatMap(({ title, decimals }, n) => values[n] == null ? [] : [`${title}: ${values[n].toFixed(decimals)}`]);
    dialog.querySelector(".figures").textContent = [contrast, ...figures].filter(Boolean).join(" · ");
    dialog.querySelector("ul").replaceChildren(...reasons(scan).map((text) => make("li", { textContent: text })));
    showMark();
    for (const near of [way[at + 1], way[at + 2]]) if (near !== undefined) new Image().src = scans[near][LINK];
  }

  function showMark() {
    dialog.classList.toggle("marked", marked.has(current));
    dialog.querySelector("input").checked = marked.has(current);
  }

  function step(by) {
    const next = way[way.indexOf(current) + by];
    if (next !== undefined) enlarge(next);
  }

  dialog.querySelector("input").addEventListener("change", (event) => {
    mark(current, event.target.checked);
    showMark();
  });
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  for (const button of dialog.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => step(Number(button.dataset.step)));
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    const place = state.list.indexOf(current);
    if (place < 0) return;
    if (Math.floor(place / PAGE) !== state.page) show(Math.floor(place / PAGE));
    const target = document.querySelector(`#${state.view} [data-of="${current}"] [data-scan]`);
    if (opened === state.view) {
      target?.focus({ preventScroll: true });
      target?.scrollIntoView({ block: "nearest" });
    }
  });

  let opened = null; // the view that the scan was enlarged from
  document.addEventListener("click", (event) => {
    const of = event.target.closest("[data-scan]");
    if (!of || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    opened = of.closest("#mosaics, #table") ? state.view : null;
    enlarge(Number(of.dataset.scan));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input[type=search], select")) return;
    const by = { j: 1, ArrowRight: 1, ArrowDown: 1, k: -1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (dialog.open && by) {
      event.preventDefault();
      step(by);
    } else if (dialog.open && event.key === "x") {
      mark(current, !marked.has(current));
      showMark();
    } else if (event.key === "j" || event.key === "k") {
      const first = current ?? state.list.slice(state.page * PAGE).find((n) => scans[n][LINK]);
      opened = state.view;
      if (first !== undefined) enlarge(first);
    }
  });

  for (const { key, title } of keys) tools.order.append(make("option", { value: key, textContent: title }));
  tools.order.value = state.key;
  tools.order.addEventListener("change", () => {
    state.key = tools.order.value;
    state.down = false;
    again();
  });
  tools.find.addEventListener("input", again);
  tools.which.addEventListener("change", again);
  byId("tools").addEventListener("submit", (event) => event.preventDefault());
  byId("save").addEventListener("click", save);
  for (const [id, by] of [["before", -1], ["after", 1]]) {
    byId(id).addEventListener("click", () => {
      show(state.page + by);
      byId("scans").scrollIntoView();
    });
  }
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => {
      state.view = button.dataset.view;
      show(state.page);
    });
  }
  byId("tools").hidden = false;
  showMarked();
  again();
})();
