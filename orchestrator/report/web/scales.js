// From values to pixels, and the ticks between.
// the smallest number with all digits, as in domains.py
const LEAST = 2 ** -1022;

function makeScale(axis, from, to) {
  const log = axis.scale === "log";
  const step = log ? Math.log : (value) => value;
  const [low, high] = axis.domain.map(step);
  const [least, most] = from < to ? [from, to] : [to, from];
  const atSlot = (value) => from + ((step(log ? Math.max(value, LEAST) : value) - low) / (high - low)) * (to - from);
  const slot = (value) => {
    const row = Math.min(Math.max(Math.round(value), 0), axis.slots.length - 1);
    return axis.slots[row] + value - row;
  };
  const place = axis.slots.length ? (value) => atSlot(slot(value)) : atSlot;
  const clamped = (value) => Math.min(Math.max(place(value), least), most);
  const value = (pixel) => {
    const at = low + ((pixel - from) / (to - from)) * (high - low);
    return log ? Math.exp(at) : at;
  };
  // of an axis of rows: the number of the row at a pixel, -1 at a heading, and the pixels from a row to the next
  const row = (pixel) => {
    const at = Math.round(value(pixel));
    if (axis.slots.length) return axis.slots.indexOf(at);
    return at < axis.rows.length ? at : -1;
  };
  return { place, atSlot, clamped, value, row, step: Math.abs((to - from) / (high - low)), from, to, axis };
}

// of narrower axes, the distance of ticks would have few digits or none
const NARROWEST = 1e-300;

function linearTicks(low, high, most, whole) {
  const raw = (high - low) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw * 0.999);
  if (whole) step = Math.max(1, Math.round(step));
  // counted, because numbers above 2 ** 53 do not grow by 1
  const first = Math.ceil(low / step - 1e-9), count = Math.floor(high / step + 1e-9) - first + 1, ticks = [];
  for (let n = 0; n < count; n++) ticks.push(Number(((first + n) * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high, most) {
  const decades = Math.log10(high) - Math.log10(low);
  const factors = decades > most / 1.6 ? [1] : decades > most / 4 ? [1, 3] : [1, 2, 5];
  const every = Math.max(1, Math.ceil(decades / most));
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (power % every) continue;
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (Number.isFinite(tick) && tick >= low * 0.9999 && tick <= high * 1.0001) ticks.push(tick);
    }
  }
  return ticks.length > 1 ? ticks : linearTicks(low, high, most).filter((tick) => tick > 0);
}

function ticksOf(axis, most) {
  const [low, high] = axis.domain;
  if (!(high - low > NARROWEST && high - low < Infinity) || (axis.scale === "log" && low <= 0)) return [];
  return axis.scale === "log" ? logTicks(low, high, most) : linearTicks(low, high, most, axis.whole);
}

const NO_VALUE = "#eceff2";
// Colours between the stops, in 33 steps an interval so that cells of a colour share one path.
function makeColours(stops) {
  const rgb = stops.map(([, colour]) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  return (value) => {
    if (Number.isNaN(value)) return NO_VALUE;
    let n = 0;
    while (n < stops.length - 2 && value > stops[n + 1][0]) n++;
    const [low, high] = [stops[n][0], stops[n + 1][0]];
    const share = Math.round(Math.min(Math.max((value - low) / (high - low), 0), 1) * 32) / 32;
    const mixed = rgb[n].map((from, part) => Math.round(from + share * (rgb[n + 1][part] - from)));
    return `rgb(${mixed.join(",")})`;
  };
}

const measuring = document.createElement("canvas").getContext("2d");
function textWidth(text, size = 11) {
  measuring.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  return measuring.measureText(text).width;
}

function fitted(text, width, size = 11) {
  if (textWidth(text, size) <= width) return text;
  let keep = Math.max(3, Math.floor((text.length * width) / textWidth(text, size)) - 1);
  const cut = () => `${text.slice(0, Math.ceil(keep / 2))}…${text.slice(text.length - Math.floor(keep / 2))}`;
  while (keep > 3 && textWidth(cut(), size) > width) keep--;
  return cut();
}

// The beginning of a text that fits.
function fittedBegin(text, width, size = 11) {
  if (textWidth(text, size) <= width) return text;
  let keep = Math.min(text.length - 1, Math.floor((text.length * width) / textWidth(text, size)));
  while (keep > 3 && textWidth(`${text.slice(0, keep)}…`, size) > width) keep--;
  return `${text.slice(0, keep).trimEnd()}…`;
}

function alikeAt(texts) {
  let n = 0;
  while (n < texts[0].length && texts.every((text) => text[n] === texts[0][n])) n++;
  return n;
}

// Texts that fit and keep what tells them apart, by the rules of cut_apart in naming.py.
function fittedApart(texts, width, size = 11) {
  const fits = (text) => textWidth(text, size) <= width, long = texts.filter((text) => !fits(text));
  if (!long.length) return texts;
  const reversed = long.map((text) => [...text].reverse().join(""));
  const last = long.length > 1 ? alikeAt(reversed) : 0;
  const first = long.length > 1 ? alikeAt(long.map((text) => text.slice(0, text.length - last))) : 0;
  const several = new Set(texts).size;
  for (const begin of [0, first]) {
    if (!long.every((text) => text.slice(begin, text.length - last))) continue;
    const cut = texts.map((text) => (fits(text) ? text : `${begin ? "…" : ""}${text.slice(begin, text.length - last)}${last ? "…" : ""}`));
    if (cut.every(fits) && new Set(cut).size === several) return cut;
  }
  const cut = texts.map((text) => fitted(text, width, size));
  for (let n = 0; n < cut.length; n++) {
    const alike = texts.map((text, k) => k).filter((k) => cut[k] === cut[n]);
    if (alike.every((k) => texts[k] === texts[n])) continue;
    const at = alikeAt(alike.map((k) => texts[k]));
    for (const k of alike) {
      const text = texts[k], most = Math.max(6, Math.floor((text.length * width) / textWidth(text, size)) - 1);
      const from = Math.max(0, Math.min(at - Math.floor(most / 3), text.length - most + 1)), to = from + most - (from ? 2 : 1);
      cut[k] = `${from ? "…" : ""}${text.slice(from, to)}${to < text.length ? "…" : ""}`;
    }
  }
  return cut;
}
