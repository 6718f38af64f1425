// What the page carries: figures as descriptions, numbers as base64 of little-endian arrays.
const REPORT = JSON.parse(document.getElementById("report-data").textContent);
const state = {};
const decoded = new Map();

const READERS = {
  f4: (view, at) => view.getFloat32(at, true),
  i4: (view, at) => view.getInt32(at, true),
  u2: (view, at) => view.getUint16(at, true),
};
const TYPES = { f4: [Float32Array, 4], i4: [Int32Array, 4], u2: [Uint16Array, 2] };
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function decode(index) {
  if (!decoded.has(index)) {
    const { t, b, columns } = REPORT.arrays[index];
    const text = atob(b);
    const bytes = new Uint8Array(text.length);
    for (let n = 0; n < text.length; n++) bytes[n] = text.charCodeAt(n);
    const [Type, size] = TYPES[t];
    let array;
    if (LITTLE_ENDIAN) array = new Type(bytes.buffer);
    else {
      const view = new DataView(bytes.buffer);
      array = Type.from({ length: bytes.length / size }, (_, n) => READERS[t](view, n * size));
    }
    array.columns = columns;
    decoded.set(index, array);
  }
  return decoded.get(index);
}

// Replaces choices and references to arrays by what they stand for now.
function resolve(part) {
  if (part === null || typeof part !== "object") return part;
  if (Array.isArray(part)) return part.map(resolve);
  if ("?" in part) return resolve(part.of[state[part["?"]]]);
  if ("$" in part) {
    const array = decode(part.$);
    return part.rows ? Array.from(resolve(part.rows), (n) => array[n]) : array;
  }
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, resolve(value)]));
}

function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-4 ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
  return text.replace(/\.?0+e/, "e").replace("e+", "e").replace(/-/g, "−");
}

// An element with text and children; text is never read as HTML.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function drawn(tag, attributes = {}, text = null) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  return made;
}
