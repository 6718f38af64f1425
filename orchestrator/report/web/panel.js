// A panel: margins, axes, marks, legend.
const FONT = 11;

function margins(panel, width) {
  const widest = (texts, share) => Math.min(Math.max(0, ...texts.map((text) => textWidth(text))) + 10, width * share);
  const left = panel.y.rows.length ? widest([...panel.y.rows, ...panel.y.headings.map(([, name]) => name)], width < 560 ? 0.44 : 0.34) : 46 + (panel.y.title ? 16 : 0);
  const right = panel.y.notes.length && !(width < 560 && ofLines(panel)) ? 5 + widest(panel.y.notes, width < 560 ? 0.3 : 0.34) : 12;
  const names = panel.x.rows.length ? Math.min(Math.max(...panel.x.rows.map((text) => textWidth(text))) + 12, 190) : 0;
  return { left, right, top: 8, bottom: names || 26 + (panel.x.title ? 18 : 0) };
}

// On a narrow screen lines need the room of the notes, which are told on hovering.
const ofLines = (panel) => panel.marks.some((mark) => mark.kind === "Profiles");

function drawPanel(panel, width, highest) {
  const around = margins(panel, width), beside = around.top + around.bottom;
  const height = Math.min(panel.height + beside, highest);
  const svg = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
  const x = makeScale(panel.x, around.left, Math.max(width - around.right, around.left + 40));
  const [top, bottom] = [around.top, height - around.bottom];
  const y = panel.y.rows.length ? makeScale(panel.y, top, bottom) : makeScale(panel.y, bottom, top);
  svg.append(panel.y.rows.length ? rowsAxis(panel, x, y, around) : numbersAxis(panel.y, x, y));
  svg.append(panel.x.rows.length ? columnsAxis(panel.x, x, bottom) : acrossAxis(panel.x, x, top, bottom));
  for (const mark of panel.marks) svg.append(...DRAW[mark.kind](mark, x, y));
  if (!panel.y.rows.length) svg.append(drawn("path", { d: `M${f(x.from)} ${bottom}H${f(x.to)}`, class: "frame" }));
  return { svg, x, y, top, bottom, panel };
}

function numbersAxis(axis, x, y) {
  const group = drawn("g");
  for (const tick of ticksOf(axis, Math.max(2, Math.abs(y.from - y.to) / 44))) {
    const at = y.place(tick);
    group.append(drawn("path", { d: `M${f(x.from)} ${f(at)}H${f(x.to)}`, class: "grid" }));
    group.append(drawn("text", { x: x.from - 7, y: at + 4, "text-anchor": "end", class: "tick" }, number(tick, 6)));
  }
  if (axis.title) {
    const middle = (y.from + y.to) / 2, title = fitted(axis.title, Math.abs(y.from - y.to) + 20);
    group.append(drawn("text", { transform: `translate(11 ${middle}) rotate(-90)`, "text-anchor": "middle", class: "axis" }, title));
  }
  return group;
}

function acrossAxis(axis, x, top, bottom) {
  const group = drawn("g");
  for (const tick of ticksOf(axis, Math.max(2, (x.to - x.from) / 64))) {
    const at = x.place(tick);
    group.append(drawn("path", { d: `M${f(at)} ${top}V${bottom + 4}`, class: "grid" }));
    group.append(drawn("text", { x: at, y: bottom + 17, "text-anchor": "middle", class: "tick" }, number(tick, 6)));
  }
  const title = fitted(axis.title, x.to - x.from + 24);
  group.append(drawn("text", { x: (x.from + x.to) / 2, y: bottom + 36, "text-anchor": "middle", class: "axis" }, title));
  return group;
}

function rowsAxis(panel, x, y, around) {
  const group = drawn("g"), tall = y.step;
  const size = Math.min(FONT, Math.max(7, tall - 3)), every = Math.ceil(9 / tall);
  const heat = panel.marks.some((mark) => mark.kind === "Heat");
  const names = fittedApart(panel.y.rows, around.left - 9, size);
  names.forEach((name, n) => {
    if (n % every) return;
    const at = y.place(n);
    if (!heat) group.append(drawn("path", { d: `M${f(x.from)} ${f(at)}H${f(x.to)}`, class: "grid" }));
    const style = { y: at + size * 0.36, class: "name", "font-size": size };
    group.append(drawn("text", { ...style, x: x.from - 7, "text-anchor": "end" }, fitted(name, around.left - 9, size)));
    if (panel.y.notes[n] && around.right > 12) group.append(drawn("text", { ...style, x: x.to + 12, class: "note" }, fittedBegin(panel.y.notes[n], around.right - 14, size)));
  });
  for (const [slot, name] of panel.y.headings) {
    const style = { x: 2, y: y.atSlot(slot) + size * 0.36, class: "heading", "font-size": size };
    group.append(drawn("text", style, fitted(name, around.left - 4, size)));
  }
  return group;
}

function columnsAxis(axis, x, bottom) {
  const group = drawn("g"), wide = x.place(1) - x.place(0), size = Math.min(FONT, Math.max(7, wide - 2));
  const every = Math.ceil(9 / wide);
  fittedApart(axis.rows, 178, size).forEach((text, n) => {
    if (n % every) return;
    group.append(drawn("text", { transform: `translate(${f(x.place(n) + size * 0.3)} ${bottom + 7}) rotate(-90)`, "text-anchor": "end", class: "name", "font-size": size }, text));
  });
  return group;
}

function legendOf(panel) {
  const seen = new Set(), box = element("div", { class: "legend" });
  for (const mark of panel.marks) {
    if (mark.kind === "Heat") box.append(heatLegend(mark));
    else if (mark.label && !seen.has(mark.label)) {
      seen.add(mark.label);
      box.append(element("span", {}, swatch(mark), mark.label));
    }
  }
  return box;
}

// From the lowest to the highest colour; the stops are spread evenly, so that both sides of the middle can be read.
function heatLegend(mark) {
  const stops = mark.stops.map(([value]) => value), low = stops[0], high = stops[stops.length - 1];
  const colours = makeColours(mark.stops), steps = 36;
  const half = (from, to) => {
    const svg = drawn("svg", { width: 2 * steps, height: 12, class: "swatch" });
    for (let n = 0; n < steps; n++) {
      const at = from + (n / (steps - 1)) * (to - from), k = Math.min(Math.floor(at), stops.length - 2);
      svg.append(drawn("rect", { x: 2 * n, y: 1, width: 2.2, height: 10, fill: colours(stops[k] + (at - k) * (stops[k + 1] - stops[k])) }));
    }
    return svg;
  };
  const middle = low < 0 ? 0 : 1, k = stops.indexOf(middle);
  if (k === stops.length - 1) return element("span", {}, `${mark.title}:  ${number(low, 2)} `, half(0, k), ` ${number(high, 3)}`);
  const parts = [half(0, k), ` ${number(middle)} `, half(low < 0 ? k : k + 1, stops.length - 1)];
  return element("span", {}, `${mark.title}:  ${number(low, 2)} `, ...parts, ` ${number(high, 3)}`);
}
