// Everything about one of the evaluations that are drawn.
const card = document.getElementById("evaluation");

function evaluationHead(n) {
  const { generation, offspring, outcome, total } = REPORT.shown;
  const title = `generation ${resolve(generation)[n]}, offspring ${resolve(offspring)[n]}`;
  return [title, REPORT.shown.outcomes[resolve(outcome)[n]], resolve(total)[n]];
}

function evaluationTip(n) {
  const [title, outcome, total] = evaluationHead(n);
  const most = 40, names = REPORT.names.parameters_short.slice(0, most);
  const rows = names.map((name, k) => line(name, number(resolve(REPORT.shown.parameters[k])[n])));
  const grid = element("div", { class: names.length > 12 ? "grid two" : "grid" }, ...rows);
  const more = REPORT.names.parameters.length > most ? `${REPORT.names.parameters.length - most} more parameters, and ` : "";
  return [
    element("strong", {}, `${title} · ${outcome}`),
    line("total score", number(total)),
    grid,
    element("div", { class: "hint" }, `A click shows ${more}all values.`),
  ];
}

function openEvaluation(n) {
  const [title, outcome, total] = evaluationHead(n);
  const close = element("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", closeEvaluation);
  const { values, scores, parameters } = REPORT.shown;
  const targets = REPORT.names.targets.map((name, k) => {
    const score = resolve(scores[k])[n];
    return element("tr", {}, element("td", { title: name }, REPORT.names.targets_short[k]), element("td", {}, number(resolve(values[k])[n])), element("td", { class: score <= 1 ? "good" : "bad" }, `${score <= 1 ? "✓" : "✗"} ${number(score, 3)}`));
  });
  const points = REPORT.names.parameters.map((name, k) =>
    element("tr", {}, element("td", { title: name }, REPORT.names.parameters_short[k]), element("td", {}, number(resolve(parameters[k])[n], 6))));
  const head = (...names) => element("tr", {}, ...names.map((name) => element("th", {}, name)));
  card.replaceChildren(
    close,
    element("h3", {}, title),
    element("p", {}, `${outcome} · total score ${number(total)}`),
    element("table", {}, head("target", "value", "score"), ...targets),
    element("table", {}, head("parameter", "value"), ...points),
  );
  card.hidden = false;
}

function closeEvaluation() {
  card.hidden = true;
}

document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeEvaluation(); });
