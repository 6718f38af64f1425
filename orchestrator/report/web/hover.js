// What the pointer is on, told beside it.
const tip = element("div", { id: "tip", role: "status" });
document.body.append(tip);

function showTip(event, ...content) {
  tip.replaceChildren(...content);
  tip.style.display = "block";
  const box = tip.getBoundingClientRect(), room = document.documentElement;
  const left = event.clientX + 16 + box.width > room.clientWidth ? event.clientX - box.width - 12 : event.clientX + 16;
  const top = Math.min(event.clientY + 14, room.clientHeight - box.height - 6);
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, top)}px`;
}

function hideTip() {
  tip.style.display = "none";
}

const line = (name, value, colour) => {
  const mark = element("i");
  if (colour) mark.style.background = colour;
  return element("div", { class: "pair" }, element("span", {}, colour ? mark : "", name), element("b", {}, value));
};

function attachHover(view, choose) {
  const { svg, x, y, top, bottom, panel } = view;
  const cursor = drawn("path", { class: "cursor", d: "" });
  svg.append(cursor);
  const find = (event) => {
    const box = svg.getBoundingClientRect();
    const at = [event.clientX - box.left, event.clientY - box.top];
    if (at[0] < x.from - 4 || at[0] > x.to + 4 || at[1] < top - 2 || at[1] > bottom + 2) return null;
    return nearestPoint(view, at) || nearestProfile(view, at) || cellAt(view, at) || rowAt(view, at) || linesAt(view, at);
  };
  svg.addEventListener("pointermove", (event) => {
    if (brushing) return;
    const found = find(event);
    cursor.setAttribute("d", found && found.cursor ? found.cursor : "");
    svg.style.cursor = found && found.click ? "pointer" : "default";
    if (found) showTip(event, ...found.content);
    else hideTip();
  });
  // with the keyboard: from point to point, row to row, or a step along the axis
  const stops = evaluationsOf(view);
  let at = null, stop = -1;
  const leave = () => { hideTip(); cursor.setAttribute("d", ""); };
  svg.setAttribute("tabindex", "0");
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    const [right, down] = ARROWS[event.key] || [0, 0];
    if (event.key === "Enter" && at) {
      const found = find(pointerAt(svg, at));
      if (found && found.click) { leave(); found.click(choose); }
      return;
    }
    if (!right && !down) return;
    event.preventDefault();
    if (stops.length) {
      stop = Math.min(Math.max(stop + right + down, 0), stops.length - 1);
      at = stops[stop];
    } else at = at ? stepped(view, at, right, down) : [x.from + x.step / 2, panel.y.rows.length ? y.place(0) : (top + bottom) / 2];
    const there = pointerAt(svg, at), found = find(there);
    cursor.setAttribute("d", found ? found.cursor || SYMBOLS.ring(...at, 5) : SYMBOLS.ring(...at, 5));
    if (found) showTip(there, ...found.content);
    else hideTip();
  });
  svg.addEventListener("pointerleave", () => { hideTip(); cursor.setAttribute("d", ""); });
  svg.addEventListener("click", (event) => {
    const found = find(event);
    if (found && found.click) { hideTip(); found.click(choose); }
  });
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function pointerAt(svg, at) {
  const box = svg.getBoundingClientRect();
  return { clientX: box.left + at[0], clientY: box.top + at[1] };
}

// Where evaluations are drawn, from the left.
function evaluationsOf({ panel, x, y }) {
  const places = panel.marks.filter((mark) => mark.kind === "Points" && mark.evaluations)
    .flatMap((mark) => Array.from(mark.x, (value, n) => [x.clamped(value), y.clamped(mark.y[n])]));
  return places.filter((place) => !place.some(Number.isNaN)).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

function stepped({ panel, x, y, top, bottom }, at, right, down) {
  const wide = panel.x.rows.length || panel.x.whole ? x.step : (x.to - x.from) / 40;
  const tall = panel.y.rows.length ? y.step : (bottom - top) / 20;
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  return [clamp(at[0] + right * wide, x.from, x.to), clamp(at[1] + down * tall, top, bottom)];
}

function nearestPoint({ panel, x, y }, [left, top]) {
  let nearest = null, least = 11 ** 2;
  for (const mark of panel.marks) {
    if (mark.kind !== "Points" || !mark.evaluations) continue;
    for (let n = 0; n < mark.x.length; n++) {
      const away = (x.clamped(mark.x[n]) - left) ** 2 + (y.clamped(mark.y[n]) - top) ** 2;
      if (away < least) { least = away; nearest = [mark, n]; }
    }
  }
  if (!nearest) return null;
  const [mark, n] = nearest, shown = mark.evaluations[n];
  const at = SYMBOLS.ring(x.clamped(mark.x[n]), y.clamped(mark.y[n]), mark.size + 3);
  return { content: evaluationTip(shown), cursor: at, click: () => openEvaluation(shown) };
}

// The line nearest to the pointer, of those that stand out.
function nearestProfile({ panel, x, y }, [left, top]) {
  let nearest = null, least = 6;
  const at = y.value(top), row = Math.floor(at);
  for (const mark of panel.marks) {
    if (mark.kind !== "Profiles") continue;
    const columns = mark.x.columns, [before, after] = [Math.max(row, 0), Math.min(row + 1, columns - 1)];
    for (let n = 0; n < mark.evaluations.length; n++) {
      const [from, to] = [mark.x[n * columns + before], mark.x[n * columns + after]];
      const away = Math.abs(x.clamped(from + (at - row) * (to - from)) - left);
      if (away < least && standsOut(mark, n)) { least = away; nearest = [mark, n]; }
    }
  }
  if (!nearest) return null;
  const [mark, n] = nearest, shown = mark.evaluations[n], columns = mark.x.columns;
  const on = Math.min(Math.max(Math.round(at), 0), columns - 1);
  return {
    content: [line(fullName(panel.y, on), panel.y.notes[on] || ""), ...evaluationTip(shown)],
    cursor: profile(mark.x.subarray(n * columns, (n + 1) * columns), x, y),
    click: () => openEvaluation(shown),
  };
}

function cellAt({ panel, x, y }, [left, top]) {
  const mark = panel.marks.find((each) => each.kind === "Heat");
  if (!mark) return null;
  const row = y.row(top), across = x.value(left), columns = mark.cells.columns;
  let at = Math.round(across);
  if (mark.edges) { at = 0; while (at < columns - 1 && mark.edges[at + 1] <= across) at++; }
  if (row < 0 || at < 0 || at >= columns || row * columns + at >= mark.cells.length) return null;
  const place = panel.x.rows.length ? fullName(panel.x, at) : `${panel.x.title} ${Math.ceil(mark.edges[at])}`;
  const content = [element("strong", {}, fullName(panel.y, row)), element("div", {}, place), line(mark.title, number(mark.cells[row * columns + at]))];
  const click = mark.chooses[0] ? (choose) => choose({ [mark.chooses[0]]: row, ...(mark.chooses[1] ? { [mark.chooses[1]]: at } : {}) }) : null;
  return { content, click };
}

const fullName = (axis, n) => axis.full[n] || axis.rows[n];

function rowAt({ panel, x, y }, [, top]) {
  if (!panel.y.rows.length) return null;
  const row = y.row(top);
  if (row < 0) return null;
  const content = [element("strong", {}, fullName(panel.y, row))];
  if (panel.y.notes[row]) content.push(element("div", {}, panel.y.notes[row]));
  for (const mark of panel.marks) {
    const at = mark.kind === "Bars" ? mark.at : mark.kind === "Points" ? mark.y : null;
    if (!at || !mark.label) continue;
    const n = Array.from(at).findIndex((each) => Math.round(each) === row);
    if (n < 0) continue;
    const between = mark.kind === "Bars" && mark.low[n] !== 0 ? `${number(mark.low[n])} to ${number(mark.high[n])}` : number(mark.kind === "Bars" ? mark.high[n] : mark.x[n]);
    content.push(line(mark.label, between, mark.colour));
  }
  return { content };
}

function linesAt({ panel, x, y, top, bottom }, [left]) {
  const along = panel.marks.filter((mark) => mark.label && (mark.kind === "Line" || mark.kind === "Band" || (mark.kind === "Points" && !mark.evaluations)) && mark.x.length > 0);
  if (!along.length) return null;
  const across = x.value(left), content = [];
  let where = null;
  for (const mark of along) {
    let n = 0;
    if (mark.step && mark.kind === "Band") while (n < mark.x.length - 1 && mark.x[n + 1] <= across) n++;
    else for (let k = 1; k < mark.x.length; k++) if (Math.abs(mark.x[k] - across) < Math.abs(mark.x[n] - across)) n = k;
    if (where === null) where = mark.step && mark.kind === "Band" ? across : mark.x[n];
    const value = mark.kind !== "Band" ? number(mark.y[n]) : mark.step ? number(mark.high[n] - mark.low[n]) : `${number(mark.low[n])} to ${number(mark.high[n])}`;
    content.push(line(mark.label, value, mark.colour));
  }
  const place = panel.x.whole ? Math.round(where) : where;
  content.unshift(element("strong", {}, `${panel.x.title} ${number(place)}`));
  return { content, cursor: `M${f(x.clamped(where))} ${top}V${bottom}` };
}
