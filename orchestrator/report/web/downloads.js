// A figure as it is shown now, as SVG, PNG, or its numbers as CSV.
const LOOK = `text{font-family:Arial,"Liberation Sans",sans-serif;fill:#5f6b78;font-size:11px}.name,.heading,.title,.label{fill:#1d2733}
.heading,.title{font-weight:bold}.grid{stroke:#e9edf1;fill:none}.frame{stroke:#aeb8c2;fill:none}`;

function savedPanel({ view, title }, left, width) {
  const group = drawn("g", { transform: `translate(${left} 0)` });
  let top = 34, across = 0;
  if (title) { group.append(drawn("text", { x: 0, y: top + 10, class: "title" }, title)); top += 20; }
  for (const entry of view.svg.parentNode.querySelectorAll(".legend > span")) {
    const wide = [...entry.childNodes].reduce((sum, part) => sum + (part.nodeType === 3 ? textWidth(part.data, 11) + 2 : 80 * (part.clientWidth > 40) + 28), 0);
    if (across && across + wide > width) { across = 0; top += 17; }
    for (const part of entry.childNodes) {
      if (part.nodeType === 3) {
        group.append(drawn("text", { x: across, y: top + 10, class: "label" }, part.data.trim()));
        across += textWidth(part.data, 11) + 4;
      } else {
        const swatch = part.cloneNode(true), at = Number(part.getAttribute("width"));
        for (const [name, value] of [["x", across], ["y", top]]) swatch.setAttribute(name, value);
        group.append(swatch);
        across += at + 5;
      }
    }
    across += 14;
  }
  const plot = view.svg.cloneNode(true);
  plot.querySelector(".cursor").remove();
  for (const [name, value] of [["x", 0], ["y", top + 24]]) plot.setAttribute(name, value);
  plot.setAttribute("overflow", "visible");
  group.append(plot);
  return { group, height: top + 24 + Number(view.svg.getAttribute("height")) };
}

function savedFigure({ figure, views }) {
  const svg = drawn("svg", { xmlns: "http://www.w3.org/2000/svg" });
  svg.append(drawn("style", {}, LOOK), drawn("rect", { width: "100%", height: "100%", fill: "#ffffff" }));
  svg.append(drawn("text", { x: 12, y: 24, class: "title" }, figure.title));
  let left = 12, height = 60;
  for (const each of views) {
    const width = Number(each.view.svg.getAttribute("width")), panel = savedPanel(each, left, width);
    svg.append(panel.group);
    left += width + 16;
    height = Math.max(height, panel.height);
  }
  for (const [name, value] of Object.entries({ width: left, height: height + 8, viewBox: `0 0 ${left} ${height + 8}` })) svg.setAttribute(name, value);
  return new XMLSerializer().serializeToString(svg);
}

const COLUMNS = ["panel", "series", "row", "column", "x", "y", "low", "high", "value", "generation", "offspring"];

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
    } else if (mark.kind === "Bars") mark.at.forEach((at, n) => add({ row: named(panel.y, at), low: mark.low[n], high: mark.high[n] }));
    else if (mark.kind === "Line" || mark.kind === "Band" || mark.kind === "Points") {
      for (let n = 0; n < mark.x.length; n++) {
        const place = mark.kind === "Band" ? { low: mark.low[n], high: mark.high[n] } : { y: mark.y[n], row: named(panel.y, mark.y[n]) };
        const shown = mark.evaluations ? mark.evaluations[n] : null;
        const key = shown === null ? {} : { generation: resolve(REPORT.shown.generation)[shown], offspring: resolve(REPORT.shown.offspring)[shown] };
        add({ x: mark.x[n], ...place, ...key });
      }
    }
  }
  return found;
}

// Numbers on the page have seven digits.
function csvCell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "number") return String(Number(value.toPrecision(7)));
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
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
