// Evaluations that are chosen by drawing over figures; they stand out wherever evaluations are drawn.
const brushes = new Map();
const chosenBar = element("div", { id: "chosen", role: "status", hidden: "" });
document.body.append(chosenBar);
let chosen = null, brushing = false;

const choosing = () => chosen !== null;
const standsOut = (mark, n) => chosen === null || !mark.evaluations || chosen.has(mark.evaluations[n]);
const ofEvaluations = (panel) => panel.marks.filter((mark) => mark.evaluations && (mark.kind === "Points" || mark.kind === "Profiles"));

// Along a row of lines, or a box around points; `figure` and `place` say which panel it is.
function attachBrush(view, figure, place) {
  const { svg, x, y, top, bottom, panel } = view;
  const marks = ofEvaluations(panel), alongRows = ofLines(panel);
  if (!marks.length) return;
  const named = (row) => `${figure.name} ${place} ${row}`;
  const looks = JSON.stringify(figure.choices.map((choice) => state[choice.key]));
  const outline = (brush) => {
    const half = alongRows ? y.step * 0.36 : 0;
    const [left, right] = brush.across.map(x.clamped).sort((a, b) => a - b);
    const [high, low] = alongRows ? [y.place(brush.row) - half, y.place(brush.row) + half] : brush.along.map(y.clamped).sort((a, b) => a - b);
    return { x: left, y: high, width: Math.max(right - left, 1), height: Math.max(low - high, 1) };
  };
  for (const brush of brushes.values()) if (brush.figure === figure && brush.place === place && brush.looks === looks) svg.append(drawn("rect", { ...outline(brush), class: "brush" }));
  svg.classList.add("brushed");

  let begun = null, box = null;
  const at = (event) => {
    const around = svg.getBoundingClientRect();
    return [Math.min(Math.max(event.clientX - around.left, x.from), x.to), Math.min(Math.max(event.clientY - around.top, top), bottom)];
  };
  const made = (event) => {
    const [from, to] = [begun, at(event)];
    const brush = { figure, place, looks, row: null, across: [x.value(from[0]), x.value(to[0])], along: [y.value(from[1]), y.value(to[1])] };
    if (alongRows) brush.row = Math.min(Math.max(y.row(from[1]), 0), panel.y.rows.length - 1);
    return brush;
  };
  const end = () => { begun = box = null; brushing = false; };
  svg.addEventListener("pointerdown", (event) => {
    // a finger scrolls the page, except along rows
    if (event.button !== 0 || (event.pointerType === "touch" && !alongRows)) return;
    begun = at(event);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!(event.buttons & 1)) begun = null; // let go elsewhere
    if (!begun) return;
    const [across, down] = at(event);
    if (!brushing && Math.max(Math.abs(across - begun[0]), alongRows ? 0 : Math.abs(down - begun[1])) < 5) return;
    if (!brushing) {
      brushing = true;
      hideTip();
      svg.setPointerCapture(event.pointerId);
      box = drawn("rect", { class: "brush" });
      svg.append(box);
    }
    for (const [name, value] of Object.entries(outline(made(event)))) box.setAttribute(name, value);
  });
  svg.addEventListener("pointerup", (event) => {
    const brush = brushing ? made(event) : null, ends = [begun, at(event)];
    end();
    if (!brush) return;
    brush.members = within(view, marks, brush.row, ...ends);
    brushes.set(named(brush.row), brush);
    chooseEvaluations();
  });
  svg.addEventListener("pointercancel", () => { if (box) box.remove(); end(); });
}

// Evaluations that are drawn between two pixels, on the edge if they are beyond it.
function within({ x, y }, marks, row, [left, top], [right, bottom]) {
  const members = new Set(), between = (pixel, one, other) => pixel >= Math.min(one, other) - 0.01 && pixel <= Math.max(one, other) + 0.01;
  for (const mark of marks) {
    const lines = mark.kind === "Profiles";
    for (let n = 0; n < mark.evaluations.length; n++) {
      const across = x.clamped(lines ? mark.x[n * mark.x.columns + row] : mark.x[n]);
      if (between(across, left, right) && (lines || between(y.clamped(mark.y[n]), top, bottom))) members.add(mark.evaluations[n]);
    }
  }
  return members;
}

// What all brushes have in common.
function chooseEvaluations() {
  const sets = [...brushes.values()].map((brush) => brush.members);
  chosen = sets.length ? new Set([...sets[0]].filter((each) => sets.every((set) => set.has(each)))) : null;
  chosenBar.hidden = !chosen;
  if (chosen) chosenBar.replaceChildren(...chosenWords());
  for (const entry of figures) if (entry.done && entry.figure.panels.some((panel) => ofEvaluations(panel).length)) draw(entry);
}

function chosenWords() {
  const totals = resolve(REPORT.shown.total), clear = element("button", { type: "button" }, "Clear");
  clear.addEventListener("click", clearChosen);
  const best = [...chosen].reduce((least, each) => (least === null || !(totals[least] <= totals[each]) ? each : least), null);
  const words = element("span", {}, `${chosen.size} evaluation${chosen.size === 1 ? "" : "s"} chosen, of those that are drawn`);
  if (best === null) return [words, clear];
  const open = element("button", { type: "button" }, `Best of them: ${number(totals[best])}`);
  open.addEventListener("click", () => openEvaluation(best));
  return [words, open, clear];
}

function clearChosen() {
  if (!brushes.size) return;
  brushes.clear();
  chooseEvaluations();
}

document.addEventListener("keydown", (event) => { if (event.key === "Escape") clearChosen(); });
