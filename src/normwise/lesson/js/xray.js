// Layer by layer: histograms, how far units tell digits apart, gradients.

const REACH = 6; // of the histograms, to both sides
const ANSWERS = 4; // beyond it a sigmoid is within 2% of an end
const ROUNDING = 4 * 2 ** -24; // four units in the last place of a 32-bit number near one half

const rowHeight = depth => Math.max(13, Math.min(52, 330 / (depth + 1)));

function showXray(deep, run, epoch) {
  const now = epoch - 1,
    height = rowHeight(run.depth);
  for (const side of Object.keys(SIDES)) drawHistograms(byId(`xray-${side}`), deep, run, side, now, height);
  drawDepth("xray-response", run, now, height, "response", "standard deviation from digit to digit");
  drawDepth("xray-gradient", run, now, height, "gradient", "length of the gradient");
  const share = both(run, own => ratio(own.gradient[now][0], own.gradient[now].at(-1)));
  const last = both(run, own => own.response[now].at(-1));
  byId("xray-says").textContent =
    `At the first step of epoch ${epoch}, the gradient of layer 1 is ${times(share.without)} that of the output layer without normalisation, ` +
    `and ${times(share.with)} with it. In hidden layer ${run.depth}, the last, a unit's answer varies from digit to digit by ` +
    `${short(last.without)} without, and by ${short(last.with)} with it.`;
  tableXray(run, now);
}

const ratio = (one, other) => (one === null || other === null || other === 0 ? null : one / other);
const times = value => (value === null ? "no number times" : `${short(value)} times`);

function tableXray(run, now) {
  const heads = [
    "layer",
    ...["deviation of what reaches the sigmoid", "deviation from digit to digit", "gradient"].flatMap(
      name => Object.keys(SIDES).map(side => `${name}, ${side}`),
    ),
  ];
  const at = (name, layer) =>
    Object.keys(SIDES).map(side => {
      const values = run[side][name][now];
      return layer < values.length ? short(values[layer], 4) : "";
    });
  const rows = Array.from({length: run.depth + 1}, (_, layer) => [
    layer < run.depth ? String(layer + 1) : "output",
    ...["deviation", "response", "gradient"].flatMap(name => at(name, layer)),
  ]);
  fillTable(byId("xray-table"), heads, rows);
}

const everyLayer = depth => (depth > 12 ? 5 : 1);

// Numbers of the layers, beside their rows.
function layerNames(depth, height) {
  return Array.from({length: depth + 1}, (_, layer) => layer)
    .filter(layer => layer === 0 || layer === depth || (layer + 1) % everyLayer(depth) === 0)
    .map(layer =>
      words(22, TOP + (layer + 0.5) * height + 4, layer < depth ? layer + 1 : "out", {"text-anchor": "end"}),
    );
}

const bodyHeight = (depth, height) => TOP + (depth + 1) * height;

function drawHistograms(place, deep, run, side, now, height) {
  const width = roomIn(place),
    x = scale([-REACH, REACH], [30, width - 6]),
    bottom = bodyHeight(run.depth, height);
  const own = run[side];
  const ridges = own.histogram[now].map((counts, layer) => {
    const base = TOP + (layer + 0.92) * height;
    const middle = own.mean[now][layer],
      deviation = own.deviation[now][layer];
    return shape("path", {
      d: ridge(
        counts,
        deep.edges.map(edge => middle + deviation * edge),
        x,
        base,
        height * 0.84,
      ),
      class: `ridge ${KIND[side]}`,
    });
  });
  draw(
    place,
    bottom + 30,
    `Histograms of what reaches the sigmoids ${SIDES[side]}, a row a layer; the numbers are in the table below`,
    shape("rect", {
      x: x(-ANSWERS),
      y: TOP,
      width: x(ANSWERS) - x(-ANSWERS),
      height: bottom - TOP,
      class: "answers",
    }),
    ...layerNames(run.depth, height),
    ...ridges,
    ...[-4, 0, 4].map(value => words(x(value), bottom + 16, short(value), {"text-anchor": "middle"})),
  );
}

// Steps of a histogram as an outline, from its first bin with anything in it to its last; what lies
// outside of the picture is cut off.
function ridge(counts, edges, x, base, height) {
  const most = Math.max(...counts, 1),
    first = counts.findIndex(Boolean),
    last = counts.findLastIndex(Boolean);
  const inside = value => x(Math.min(Math.max(value, -REACH), REACH)).toFixed(1);
  const steps = counts.slice(first, last + 1).map((count, i) => {
    const top = (base - (count / most) * height).toFixed(1);
    return `L${inside(edges[first + i])} ${top}L${inside(edges[first + i + 1])} ${top}`;
  });
  return `M${inside(edges[first])} ${base}${steps.join("")}L${inside(edges[last + 1])} ${base}Z`;
}

function drawDepth(id, run, now, height, name, title) {
  const place = byId(id),
    width = roomIn(place),
    bottom = bodyHeight(run.depth, height);
  const values = Object.keys(SIDES)
    .flatMap(side => run[side][name].flat())
    .filter(value => value > 0);
  const x = scale(padded(values, true), [30, width - 16], true);
  const series = Object.keys(SIDES).map(side => column(run[side][name][now], x, height, KIND[side]));
  const rounding =
    name === "response" && x.low < ROUNDING
      ? [
          shape("rect", {x: 30, y: TOP, width: x(ROUNDING) - 30, height: bottom - TOP, class: "rounding"}),
          words(32, bottom - 4, "rounding", {class: "title"}),
        ]
      : [];
  draw(
    place,
    bottom + 30,
    `The ${title}, layer by layer, on a logarithmic scale; the numbers are in the table below`,
    ...rounding,
    ...ticks(x, width < 220 ? 3 : 4).flatMap(value => [
      line(x(value), TOP, x(value), bottom, "grid"),
      words(x(value), bottom + 16, tickText(x, value), {"text-anchor": "middle"}),
    ]),
    ...layerNames(run.depth, height),
    ...series,
  );
}

// Values from the first layer at the top to the last; 0 stands at the edge.
function column(values, x, height, kind) {
  const at = value => x(Math.max(value ?? 0, x.low));
  const points = values.map((value, layer) => [at(value), TOP + (layer + 0.5) * height]);
  return shape(
    "g",
    {},
    shape("path", {
      d: `M${points.map(([a, b]) => `${a.toFixed(1)} ${b.toFixed(1)}`).join("L")}`,
      class: `line ${kind}`,
      fill: "none",
    }),
    ...points.map(([cx, cy], layer) =>
      shape("circle", {
        cx,
        cy,
        r: values.length > 12 ? 2.5 : 4,
        class: `dot ${kind}${values[layer] ? "" : " nothing"}`,
      }),
    ),
  );
}
