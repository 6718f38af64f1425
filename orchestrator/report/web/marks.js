// Each mark becomes one path (one for each colour of a heat map): light to draw, sharp in print.
const f = (pixel) => pixel.toFixed(1);

const SYMBOLS = {
  dot: (x, y) => `M${f(x)} ${f(y)}h0`,
  ring: (x, y, r) => `M${f(x - r)} ${f(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  cross: (x, y, r) => `M${f(x - r)} ${f(y - r)}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`,
  diamond: (x, y, r) => `M${f(x)} ${f(y - r * 1.25)}l${r * 1.25} ${r * 1.25}l${-r * 1.25} ${r * 1.25}l${-r * 1.25} ${-r * 1.25}z`,
  square: (x, y, r) => `M${f(x - r)} ${f(y - r)}h${2 * r}v${2 * r}h${-2 * r}z`,
  triangle: (x, y, r) => `M${f(x)} ${f(y - r * 1.2)}l${r * 1.2} ${r * 2.1}h${-r * 2.4}z`,
};

function symbolStyle(mark) {
  const common = { opacity: mark.opacity };
  if (mark.symbol === "dot") return { ...common, fill: "none", stroke: mark.colour, "stroke-width": 2 * mark.size, "stroke-linecap": "round" };
  if (mark.symbol === "ring" || mark.symbol === "cross") return { ...common, fill: "none", stroke: mark.colour, "stroke-width": 1.5 };
  return { ...common, fill: mark.colour };
}

const DRAW = {
  Line(mark, x, y) {
    let path = "", pen = false;
    for (let n = 0; n < mark.x.length; n++) {
      if (Number.isNaN(mark.y[n]) || Number.isNaN(mark.x[n])) { pen = false; continue; }
      const at = [x.clamped(mark.x[n]), y.clamped(mark.y[n])];
      path += pen && mark.step ? `H${f(at[0])}V${f(at[1])}` : `${pen ? "L" : "M"}${f(at[0])} ${f(at[1])}`;
      pen = true;
    }
    if (mark.x.length === 1 && pen) path += `m-4 0h8`;
    const style = { d: path, fill: "none", stroke: mark.colour, "stroke-width": mark.width, "stroke-linejoin": "round" };
    return [drawn("path", mark.dashed ? { ...style, "stroke-dasharray": "5 4" } : style)];
  },
  Band(mark, x, y) {
    let path = "", top = [], bottom = [];
    const close = () => {
      if (top.length === 1) { const [a, b] = top[0]; path += `M${f(a - 4)} ${f(b)}h8V${f(bottom[0][1])}h-8z`; }
      else if (top.length) path += `M${[...top, ...bottom.reverse()].map(([a, b]) => `${f(a)} ${f(b)}`).join("L")}z`;
      top = []; bottom = [];
    };
    for (let n = 0; n < mark.x.length; n++) {
      if ([mark.x[n], mark.low[n], mark.high[n]].some(Number.isNaN)) { close(); continue; }
      const across = x.clamped(mark.x[n]);
      top.push([across, y.clamped(mark.high[n])]);
      bottom.push([across, y.clamped(mark.low[n])]);
    }
    close();
    return [drawn("path", { d: path, fill: mark.colour, opacity: mark.opacity })];
  },
  Points(mark, x, y) {
    const symbol = SYMBOLS[mark.symbol], paths = ["", ""];
    for (let n = 0; n < mark.x.length; n++) {
      if (Number.isNaN(mark.x[n]) || Number.isNaN(mark.y[n])) continue;
      paths[Number(standsOut(mark, n))] += symbol(x.clamped(mark.x[n]), y.clamped(mark.y[n]), mark.size);
    }
    return chosenApart(paths, mark.opacity).map(([d, opacity]) => drawn("path", { d, ...symbolStyle({ ...mark, opacity }) }));
  },
  Profiles(mark, x, y) {
    const columns = mark.x.columns, paths = ["", ""];
    for (let n = 0; n < mark.evaluations.length; n++) paths[Number(standsOut(mark, n))] += profile(mark.x.subarray(n * columns, (n + 1) * columns), x, y);
    const style = { fill: "none", stroke: mark.colour, "stroke-width": mark.width, "stroke-linejoin": "round" };
    return chosenApart(paths, mark.opacity).map(([d, opacity]) => drawn("path", { d, ...style, opacity }));
  },
  Bars(mark, x, y) {
    const thick = Math.max(1.5, y.step * mark.thickness);
    let path = "";
    for (let n = 0; n < mark.at.length; n++) {
      if (Number.isNaN(mark.low[n]) || Number.isNaN(mark.high[n])) continue;
      const [low, high] = [x.clamped(mark.low[n]), x.clamped(mark.high[n])];
      path += `M${f(low)} ${f(y.place(mark.at[n]) - thick / 2)}h${f(Math.max(high - low, 0.5))}v${f(thick)}H${f(low)}z`;
    }
    return [drawn("path", { d: path, fill: mark.colour, opacity: mark.opacity })];
  },
  Heat(mark, x, y) {
    const colours = makeColours(mark.stops), columns = mark.cells.columns, paths = new Map();
    const edge = (n) => x.clamped(mark.edges ? mark.edges[n] : n - 0.5);
    const tall = y.step;
    const gap = tall > 8 ? 1 : 0, side = edge(1) - edge(0) > 8 ? 1 : 0;
    for (let n = 0; n < mark.cells.length; n++) {
      const [row, at] = [Math.floor(n / columns), n % columns];
      const colour = colours(mark.cells[n]), left = edge(at);
      const cell = `M${f(left)} ${f(y.place(row) - tall / 2)}h${f(Math.max(edge(at + 1) - left - side, 0.3) + (side ? 0 : 0.3))}v${f(tall - gap)}H${f(left)}z`;
      paths.set(colour, (paths.get(colour) || "") + cell);
    }
    return [...paths].map(([fill, d]) => drawn("path", { d, fill }));
  },
  Rule(mark, x, y) {
    if (mark.at === null) return [];
    const across = mark.axis === "x", scale = across ? x : y, at = scale.place(mark.at);
    if (at < Math.min(scale.from, scale.to) - 1 || at > Math.max(scale.from, scale.to) + 1) return [];
    const ends = across ? { x1: at, x2: at, y1: y.from, y2: y.to } : { x1: x.from, x2: x.to, y1: at, y2: at };
    return [drawn("line", { ...ends, stroke: mark.colour, "stroke-width": 1.2, ...(mark.dashed ? { "stroke-dasharray": "4 3" } : {}) })];
  },
  Span(mark, x, y) {
    if (mark.low === null || mark.high === null) return [];
    const across = mark.axis === "x", scale = across ? x : y;
    let ends = [scale.clamped(mark.low), scale.clamped(mark.high)].sort((a, b) => a - b);
    if (ends[1] - ends[0] < 2) {
      if (mark.low > scale.axis.domain[1] || mark.high < scale.axis.domain[0]) return [];
      ends = [ends[0] - 1, ends[0] + 1];
    }
    const box = across ? { x: ends[0], width: ends[1] - ends[0], y: y.to, height: y.from - y.to } : { x: x.from, width: x.to - x.from, y: ends[0], height: ends[1] - ends[0] };
    if (box.height < 0) { box.y += box.height; box.height = -box.height; }
    return [drawn("rect", { ...box, fill: mark.colour, opacity: mark.opacity })];
  },
};

// A line through the rows.
function profile(places, x, y) {
  let path = "", pen = false;
  for (let row = 0; row < places.length; row++) {
    if (!Number.isNaN(places[row])) path += `${pen ? "L" : "M"}${f(x.clamped(places[row]))} ${f(y.place(row))}`;
    pen = !Number.isNaN(places[row]);
  }
  return path;
}

// What is not chosen, faint, and what is, in front.
function chosenApart([others, chosen], opacity) {
  return [[others, opacity * 0.12], [chosen, choosing() ? Math.max(opacity, 0.6) : opacity]].filter(([path]) => path);
}

// A small picture of a mark for the legend.
function swatch(mark) {
  const svg = drawn("svg", { width: 22, height: 12, class: "swatch", "aria-hidden": "true" });
  if (mark.kind === "Line" || mark.kind === "Rule" || mark.kind === "Profiles") {
    const dashes = mark.dashed ? { "stroke-dasharray": "4 3" } : {};
    svg.append(drawn("path", { d: "M1 6h20", stroke: mark.colour, "stroke-width": mark.width || 1.4, ...dashes }));
  } else if (mark.kind === "Points") {
    const shape = { ...mark, size: Math.max(3, Math.min(mark.size, 4)), opacity: Math.max(mark.opacity, 0.7) };
    svg.append(drawn("path", { d: SYMBOLS[mark.symbol](11, 6, shape.size), ...symbolStyle(shape) }));
  } else {
    svg.append(drawn("rect", { x: 2, y: 1, width: 18, height: 10, rx: 1.5, fill: mark.colour, opacity: Math.max(mark.opacity, 0.2) }));
  }
  return svg;
}
