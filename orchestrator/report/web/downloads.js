// A figure as it is shown now, as SVG, PNG, or its numbers as CSV.
const LOOK = `text{font-family:Arial,"Liberation Sans",sans-serif;fill:#5f6b78;font-size:11px}.name,.heading,.title,.label{fill:#1d2733}
.heading,.title{font-weight:bold}.grid{stroke:#e9edf1;fill:none}.frame{stroke:#aeb8c2;fill:none}
.brush{fill:#2b6cb0;fill-opacity:.18;stroke:#2b6cb0}`;

const WIDEST = 1200, LINE = 17;

// Its legend's entries in lines; returns the height of these.
function savedLegend(group, legend, top, width) {
  let across = 0, down = 0;
  for (const entry of legend.querySelectorAll(":scope > span")) {
    const parts = [...entry.childNodes].map((part) => [part, part.nodeType === 3 ? textWidth(part.data, 11) + 4 : Number(part.getAttribute("width")) + 5]);
    const wide = parts.reduce((sum, [, each]) => sum + each, 14);
    if (across && across + wide > width) [across, down] = [0, down + LINE];
    let left = across;
    for (const [part, each] of parts) {
      const place = { x: left, y: top + down };
      const made = part.nodeType === 3 ? drawn("text", { ...place, y: top + down + 10, class: "label" }, part.data.trim()) : part.cloneNode(true);
      if (part.nodeType !== 3) for (const [name, value] of Object.entries(place)) made.setAttribute(name, value);
      group.append(made);
      left += each;
    }
    across += wide;
  }
  return down + (across ? LINE + 7 : 0);
}

function savedPanel({ view, title }, left, top) {
  const group = drawn("g", { transform: `translate(${left} ${top})` }), width = Number(view.svg.getAttribute("width"));
  let down = 0;
  if (title) { group.append(drawn("text", { x: 0, y: 10, class: "title" }, title)); down = 20; }
  const legend = view.svg.parentNode.querySelector(".legend");
  if (legend) down += savedLegend(group, legend, down, width);
  const plot = view.svg.cloneNode(true);
  plot.querySelector(".cursor").remove();
  for (const [name, value] of Object.entries({ x: 0, y: down, overflow: "visible" })) plot.setAttribute(name, value);
  group.append(plot);
  return { group, width, height: down + Number(view.svg.getAttribute("height")) };
}

// Panels beside each other, as many as there is room for.
function savedFigure({ figure, views }) {
  const svg = drawn("svg", { xmlns: "http://www.w3.org/2000/svg" });
  svg.append(drawn("style", {}, LOOK), drawn("rect", { width: "100%", height: "100%", fill: "#ffffff" }));
  svg.append(drawn("text", { x: 12, y: 24, class: "title" }, figure.title));
  let left = 12, top = 38, bottom = top, right = 0;
  for (const each of views) {
    const wide = Number(each.view.svg.getAttribute("width"));
    if (left > 12 && left + wide > WIDEST) [left, top] = [12, bottom + 12];
    const { group, width, height } = savedPanel(each, left, top);
    svg.append(group);
    left += width + 16;
    [right, bottom] = [Math.max(right, left), Math.max(bottom, top + height)];
  }
  const size = { width: right, height: bottom + 8, viewBox: `0 0 ${right} ${bottom + 8}` };
  for (const [name, value] of Object.entries(size)) svg.setAttribute(name, value);
  return new XMLSerializer().serializeToString(svg);
}

const COLUMNS = ["panel", "series", "row", "column", "x", "y", "low", "high", "value", "generation", "offspring"];

function evaluationOf(mark, n) {
  if (!mark.evaluations) return {};
  const shown = mark.evaluations[n];
  return { generation: resolve(REPORT.shown.generation)[shown], offspring: resolve(REPORT.shown.offspring)[shown] };
}

function rowsOf(panel) {
  const named = (axis, at) => (axis.rows.length ? fullName(axis, Math.round(at)) : ""), found = [];
  for (const mark of panel.marks) {
    const add = (cells) => found.push({ panel: panel.title, series: mark.label || mark.title || "", ...cells });
    if (mark.kind === "Heat") {
      const columns = mark.cells.columns;
      mark.cells.forEach((value, n) => {
        const at = n % columns;
        add({ row: named(panel.y, Math.floor(n / columns)), column: named(panel.x, at) || Math.ceil(mark.edges[at]), value });
      });
    } else if (mark.kind === "Rule" || mark.kind === "Span") {
      const [low, high] = mark.kind === "Rule" ? [mark.at, mark.at] : [mark.low, mark.high];
      if (mark.label) add({ column: panel[mark.axis].title, low, high });
    } else if (mark.kind === "Profiles") {
      mark.x.forEach((value, n) => add({ row: named(panel.y, n % mark.x.columns), x: value, ...evaluationOf(mark, Math.floor(n / mark.x.columns)) }));
    } else if (mark.kind === "Bars") mark.at.forEach((at, n) => add({ row: named(panel.y, at), low: mark.low[n], high: mark.high[n] }));
    else if (mark.kind === "Line" || mark.kind === "Band" || mark.kind === "Points") {
      for (let n = 0; n < mark.x.length; n++) {
        const place = mark.kind === "Band" ? { low: mark.low[n], high: mark.high[n] } : { y: mark.y[n], row: named(panel.y, mark.y[n]) };
        add({ x: mark.x[n], ...place, ...evaluationOf(mark, n) });
      }
    }
  }
  return found;
}

// Numbers on the page have seven digits. Spreadsheets compute what begins like a formula, unless a ' is before it.
function csvCell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "number") return String(Number(value.toPrecision(7)));
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvOf({ views }) {
  const rows = views.flatMap(({ view }) => rowsOf(view.panel));
  return [COLUMNS, ...rows.map((row) => COLUMNS.map((name) => csvCell(row[name])))].map((cells) => cells.join(",")).join("\n") + "\n";
}

function save(name, blob) {
  const link = element("a", { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function savePng(name, text) {
  const picture = new Image();
  picture.addEventListener("load", () => {
    const canvas = element("canvas", { width: 2 * picture.width, height: 2 * picture.height });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(name, blob), "image/png");
  });
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

const SAVE = {
  SVG: (name, entry) => save(`${name}.svg`, new Blob([savedFigure(entry)], { type: "image/svg+xml" })),
  PNG: (name, entry) => savePng(`${name}.png`, savedFigure(entry)),
  CSV: (name, entry) => save(`${name}.csv`, new Blob([csvOf(entry)], { type: "text/csv" })),
};

function saveButtons(entry) {
  const buttons = Object.entries(SAVE).map(([kind, write]) => {
    const button = element("button", { type: "button", "aria-label": `Save ${entry.figure.title} as ${kind}` }, kind);
    button.addEventListener("click", () => {
      if (!entry.done) draw(entry);
      write(entry.figure.name, entry);
    });
    return button;
  });
  return element("span", { class: "save" }, ...buttons);
}
