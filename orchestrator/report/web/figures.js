// Figures on the page: controls, drawing when they come into view, drawing again when something changes.
const figures = REPORT.figures.map((figure) => ({ figure, box: document.getElementById(figure.name), width: 0 }));
const PRINT_WIDTH = 700, PRINT_HEIGHT = 760;
let printing = false;

for (const { figure } of figures) for (const choice of figure.choices) state[choice.key] ??= choice.default;

function draw(entry) {
  const { figure, box } = entry;
  const plot = box.querySelector(".plot");
  const width = printing ? PRINT_WIDTH : plot.clientWidth;
  entry.width = width;
  entry.done = true;
  const side = panelsBeside(figure, width);
  const each = Math.floor((width - 16 * (side - 1)) / side);
  entry.views = [];
  const boxes = figure.panels.map((described, place) => {
    const panel = resolve(described);
    const view = drawPanel(panel, each, printing ? PRINT_HEIGHT : Infinity);
    view.svg.setAttribute("aria-label", `${figure.title}${panel.title ? `: ${panel.title}` : ""}`);
    attachHover(view, chooseAll);
    attachBrush(view, figure, place);
    entry.views.push({ view, title: panel.title });
    const parts = figure.columns ? [view.svg] : [legendOf(panel), view.svg];
    const box = element("div", { class: "panel" }, panel.title ? element("h4", {}, panel.title) : null, ...parts);
    box.style.width = `${each}px`;
    return box;
  });
  plot.style.minHeight = "";
  const legend = figure.columns ? [legendOf(resolve(figure.panels[0]))] : [];
  plot.replaceChildren(...legend, ...boxes);
}

// A grid has panels as small as can be read; few that belong together are beside each other, or below.
function panelsBeside({ panels, columns }, width) {
  if (columns) return Math.max(1, Math.min(columns, Math.floor(width / 145)));
  return panels.length > 1 && width > 640 ? panels.length : 1;
}

function control(choice) {
  const pick = (n) => chooseAll({ [choice.key]: n });
  if (choice.options.length <= 3) {
    const buttons = choice.options.map((option, n) => {
      const button = element("button", { type: "button", "aria-pressed": String(state[choice.key] === n) }, option);
      button.addEventListener("click", () => pick(n));
      return button;
    });
    return element("span", { class: "control", "data-key": choice.key }, `${choice.label} `, element("span", { class: "switch", role: "group" }, ...buttons));
  }
  const select = element("select", { "aria-label": choice.label }, ...choice.options.map((option, n) => element("option", { value: n }, option)));
  select.value = state[choice.key];
  select.addEventListener("change", () => pick(Number(select.value)));
  const step = (by, text, name) => {
    const button = element("button", { type: "button", class: "step", "aria-label": `${name} ${choice.label}` }, text);
    button.addEventListener("click", () => pick((state[choice.key] + by + choice.options.length) % choice.options.length));
    return button;
  };
  return element("span", { class: "control", "data-key": choice.key }, `${choice.label} `, step(-1, "‹", "Previous"), select, step(1, "›", "Next"));
}

function chooseAll(changes) {
  Object.assign(state, changes);
  for (const entry of figures) {
    if (!entry.figure.choices.some((choice) => choice.key in changes)) continue;
    for (const shown of entry.box.querySelectorAll(".control")) {
      const now = state[shown.dataset.key], select = shown.querySelector("select");
      if (select) select.value = now;
      else shown.querySelectorAll("button").forEach((button, n) => button.setAttribute("aria-pressed", String(n === now)));
    }
    if (entry.done) draw(entry);
  }
}

for (const entry of figures) {
  const controls = entry.box.querySelector(".controls");
  if (controls) controls.append(...entry.figure.choices.filter((choice) => choice.options.length > 1).map(control));
  if (entry.figure.panels.length) entry.box.append(saveButtons(entry));
  const rows = Math.max(0, ...entry.figure.panels.map((panel) => panel.height));
  entry.box.querySelector(".plot").style.minHeight = `${rows}px`;
}

const drawable = figures.filter(({ figure }) => figure.panels.length);
const watch = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    const entry = drawable.find(({ box }) => box === target);
    if (isIntersecting && entry && !entry.done) draw(entry);
  }
}, { rootMargin: "500px" });
for (const { box } of drawable) watch.observe(box);

let waiting = null;
window.addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    for (const entry of drawable) if (entry.done && entry.width !== entry.box.querySelector(".plot").clientWidth) draw(entry);
  }, 120);
});

function redrawAll(print) {
  printing = print;
  for (const entry of drawable) draw(entry);
}
// On paper nothing can be unfolded.
let unfolded = [];
window.addEventListener("beforeprint", () => {
  unfolded.push(...document.querySelectorAll("details:not([open])"));
  for (const each of unfolded) each.open = true;
  redrawAll(true);
});
window.addEventListener("afterprint", () => {
  for (const each of unfolded) each.open = false;
  unfolded = [];
  redrawAll(false);
});
window.addEventListener("scroll", hideTip, { passive: true });

// The rest while nothing else is to be done.
function drawNext() {
  const entry = drawable.find(({ done }) => !done);
  if (!entry) { document.documentElement.dataset.drawn = "all"; return; }
  draw(entry);
  setTimeout(drawNext, 0);
}
window.addEventListener("load", () => setTimeout(drawNext, 50));

for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.of));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected: copy with Ctrl+C";
  });
}
