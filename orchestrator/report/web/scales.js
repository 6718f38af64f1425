// From values to pixels, and the ticks between.
function makeScale(axis, from, to) {
  const log = axis.scale === "log";
  const step = log ? Math.log : (value) => value;
  const [low, high] = axis.domain.map(step);
  const [least, most] = from < to ? [from, to] : [to, from];
  const place = (value) => from + ((step(log ? Math.max(value, 1e-300) : value) - low) / (high - low)) * (to - from);
  const clamped = (value) => Math.min(Math.max(place(value), least), most);
  const value = (pixel) => {
    const at = low + ((pixel - from) / (to - from)) * (high - low);
    return log ? Math.exp(at) : at;
  };
  return { place, clamped, value, from, to, axis };
}

function linearTicks(low, high, most, whole) {
  const raw = (high - low) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw * 0.999);
  if (whole) step = Math.max(1, Math.round(step));
  const ticks = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) ticks.push(Number((n * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high, most) {
  const decades = Math.log10(high / low);
  const factors = decades > most / 1.6 ? [1] : decades > most / 4 ? [1, 3] : [1, 2, 5];
  const every = Math.max(1, Math.ceil(decades / most));
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (power % every) continue;
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= low * 0.9999 && tick <= high * 1.0001) ticks.push(tick);
    }
  }
  return ticks.length > 1 ? ticks : linearTicks(low, high, most).filter((tick) => tick > 0);
}

function ticksOf(axis, most) {
  const [low, high] = axis.domain;
  return axis.scale === "log" ? logTicks(low, high, most) : linearTicks(low, high, most, axis.whole);
}

// Colours between the stops, in 33 steps an interval so that cells of a colour share one path.
function makeColours(stops) {
  const rgb = stops.map(([, colour]) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  return (value) => {
    if (Number.isNaN(value)) return "#eceff2";
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
