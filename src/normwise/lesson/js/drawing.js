// Small charts of our own as SVG; what they are drawn in comes from the style sheet.

const SVG = "http://www.w3.org/2000/svg";
const AXIS = 46,
  FOOT = 34,
  TOP = 10; // room for numbers beside, below and above a chart

// A place that is not laid out yet has no width.
const roomIn = place => Math.max(place.clientWidth, 80);

function shape(name, attributes = {}, ...children) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
}

const words = (x, y, text, attributes = {}) => shape("text", {x, y, ...attributes}, text);
const line = (x1, y1, x2, y2, kind) => shape("line", {x1, y1, x2, y2, class: kind});

// Puts a drawing in its place, with what it shows in words for who does not see it.
function draw(place, height, label, ...children) {
  const width = roomIn(place);
  const svg = shape("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": label,
  });
  svg.append(...children);
  place.replaceChildren(svg);
}

// From values to pixels; `log` where the scale is logarithmic.
function scale([low, high], [from, to], log = false) {
  const as = log ? Math.log10 : Number;
  const span = as(high) - as(low) || 1;
  const at = value => from + ((as(value) - as(low)) / span) * (to - from);
  return Object.assign(at, {low, high, log});
}

function ticks({low, high, log}, count) {
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9),
      last = Math.floor(Math.log10(high) + 1e-9);
    const every = Math.max(1, Math.ceil((last - first + 1) / count));
    const powers = [];
    for (let power = last; power >= first; power -= every) powers.push(10 ** power);
    return powers.length > 1 ? powers.reverse() : [low, high];
  }
  const rough = (high - low) / count,
    power = 10 ** Math.floor(Math.log10(rough));
  const every = [1, 2, 5, 10].map(step => step * power).find(step => step >= rough);
  const found = [];
  for (let n = Math.ceil(low / every - 1e-9); n * every <= high + every * 1e-9; n += 1) found.push(n * every);
  return found;
}

const tickText = ({log}, value) =>
  log && (value >= 1e4 || value < 0.01)
    ? `10${superscript(Math.round(Math.log10(value)))}`
    : short(Number(value.toPrecision(6)));

// Axes with their lines, and a title below and above.
function axes(x, y, width, height, {below, above, across = 5, up = 4}) {
  const bottom = height - FOOT;
  return shape(
    "g",
    {class: "axes"},
    ...ticks(y, up).flatMap(value => [
      line(AXIS, y(value), width - 6, y(value), "grid"),
      words(AXIS - 6, y(value) + 4, tickText(y, value), {"text-anchor": "end"}),
    ]),
    ...ticks(x, across).map(value =>
      words(x(value), bottom + 16, tickText(x, value), {"text-anchor": "middle"}),
    ),
    words((AXIS + width) / 2, height - 4, below, {"text-anchor": "middle", class: "title"}),
    words(4, TOP + 4, above, {class: "title"}),
  );
}

// A line through points; where there is no number it has a gap.
function trace(xs, ys, x, y, attributes) {
  let path = "";
  let isOn = false;
  xs.forEach((value, i) => {
    const there = ys[i] !== null && (!y.log || ys[i] > 0);
    if (there)
      path += `${isOn ? "L" : "M"}${x(value).toFixed(1)} ${y(Math.min(Math.max(ys[i], y.low), y.high)).toFixed(1)}`;
    isOn = there;
  });
  return shape("path", {d: path, fill: "none", ...attributes});
}

// A chart of lines over the same axis, with a mark where the reader's slider stands.
function lineChart(
  place,
  {height = 230, xs, series, below, above, at = null, domain, range, log = false, label, up},
) {
  const width = roomIn(place);
  const values = series.flatMap(each => each.values).filter(value => value !== null && (!log || value > 0));
  const [low, high] = range ?? padded(values, log);
  const x = scale(domain ?? [xs[0], xs.at(-1)], [AXIS, width - 14]);
  const y = scale([low, high], [height - FOOT, TOP + 14], log);
  const children = [axes(x, y, width, height, {below, above, up, across: width < 340 ? 4 : 6})];
  if (at !== null) children.push(line(x(at), TOP + 14, x(at), height - FOOT, "cursor"));
  for (const each of series) {
    children.push(trace(xs, each.values, x, y, {class: each.kind}));
    const number = xs.indexOf(at),
      value = each.values[number];
    if (at !== null && number >= 0 && value !== null && (!log || value > 0)) {
      children.push(
        shape("circle", {
          cx: x(at),
          cy: y(Math.min(Math.max(value, low), high)),
          r: 4,
          class: `dot ${each.kind}`,
        }),
      );
    }
  }
  draw(place, height, label, ...children);
}

function padded(values, log) {
  const low = Math.min(...values),
    high = Math.max(...values);
  if (log) return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high) + 1e-9)];
  const room = (high - low || 1) * 0.06;
  return [low - room, high + room];
}

// Colours of the style sheet, as a canvas needs them.
const color = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const channels = hex => [1, 3, 5].map(start => parseInt(hex.slice(start, start + 2), 16));
