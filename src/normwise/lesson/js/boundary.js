// Chapters 3 and 4: what a small network says where, behind each epoch.

// Predictions as colours of the ground, the boundary as a line, examples as dots.
function drawBoundary(place, circles, predicted, label) {
  const size = roomIn(place),
    ratio = devicePixelRatio || 1,
    side = predicted.length;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.round(size * ratio);
  canvas.setAttribute("aria-hidden", "true");
  const context = canvas.getContext("2d");
  // Recorded points lie at the edges of the square, too: half a pixel of the small picture is cut off.
  const cell = canvas.width / (side - 1);
  context.drawImage(
    ground(predicted, circles.per),
    -cell / 2,
    -cell / 2,
    canvas.width + cell,
    canvas.height + cell,
  );
  const at = value => ((value + circles.reach) / (2 * circles.reach)) * size;
  draw(
    place,
    size,
    label,
    ...circles.examples.x.map(([x, y], i) =>
      shape("circle", {
        cx: at(x).toFixed(1),
        cy: at(-y).toFixed(1),
        r: Math.max(1.4, size / 150),
        class: `example ${circles.examples.y[i] ? "inner" : "outer"}`,
      }),
    ),
    shape("path", {d: contour(predicted, circles.per / 2, size / (side - 1)), class: "contour"}),
  );
  place.prepend(canvas);
}

// A small picture of a pixel a prediction; the browser smooths it.
function ground(predicted, per) {
  const side = predicted.length,
    small = document.createElement("canvas");
  small.width = small.height = side;
  const picture = new ImageData(side, side);
  const [inner, outer] = [channels(color("inner")), channels(color("outer"))];
  predicted.flat().forEach((value, i) => {
    const share = value === null ? 0.5 : value / per;
    picture.data.set(
      [...(share > 0.5 ? inner : outer), Math.round(255 * 0.75 * Math.abs(2 * share - 1))],
      4 * i,
    );
  });
  small.getContext("2d").putImageData(picture, 0, 0);
  return small;
}

// Marching squares: where the values cross a level, straight between neighbours.
function contour(values, level, cell) {
  let path = "";
  for (let row = 0; row + 1 < values.length; row += 1) {
    for (let column = 0; column + 1 < values.length; column += 1) {
      const corners = [
        [row, column],
        [row, column + 1],
        [row + 1, column + 1],
        [row + 1, column],
      ];
      const points = corners.flatMap((corner, i) => crossing(values, corner, corners[(i + 1) % 4], level));
      for (let i = 0; i + 1 < points.length; i += 2) {
        path += `M${points[i].map(each => (each * cell).toFixed(1)).join(" ")}L${points[i + 1].map(each => (each * cell).toFixed(1)).join(" ")}`;
      }
    }
  }
  return path;
}

function crossing(values, [rowA, columnA], [rowB, columnB], level) {
  const a = values[rowA][columnA] - level,
    b = values[rowB][columnB] - level;
  if (a >= 0 === b >= 0) return [];
  const share = a / (a - b);
  return [[columnA + share * (columnB - columnA), rowA + share * (rowB - rowA)]];
}

const PLACES = {
  none: "without normalisation",
  before: "before the activation",
  after: "after the activation",
};

// The first epoch after which an accuracy is reached, in words.
function arrival(accuracy) {
  const found = accuracy.findIndex(value => value !== null && value >= LEARNED);
  return found < 0 ? "none" : String(found + 1);
}

function boundaryWords(circles, runs) {
  const each = value =>
    runs.map(run => `${value(run.validation.accuracy)} ${PLACES[run.variant]}`).join(", ");
  return (
    `First epoch after which ${percent(LEARNED)} of the validation part are right: ${each(arrival)}. ` +
    `Right after ${circles.axes.epoch.at(-1)} epochs: ${each(accuracy => percent(accuracy.at(-1)))}.`
  );
}

// Accuracy is of an epoch's end, so that there is none before the first.
const accuracyWords = (run, epoch) =>
  epoch === 0
    ? "not trained yet"
    : `${percent(run.validation.accuracy[epoch - 1])} of the validation part right`;

function startCircles(circles) {
  const rate = slider("circles-rate"),
    epoch = slider("circles-epoch");
  const show = () => {
    const runs = Object.keys(PLACES).map(variant =>
      circles.runs.find(run => run.variant === variant && run.learning_rate === rate.value),
    );
    for (const run of runs) {
      byId(`boundary-accuracy-${run.variant}`).textContent = accuracyWords(run, epoch.value);
      drawBoundary(
        byId(`boundary-${run.variant}`),
        circles,
        run.predicted[epoch.index],
        `What the network with normalisation ${run.variant} says where after ${epoch.value} epochs: ${accuracyWords(run, epoch.value)}`,
      );
    }
    byId("boundary-says").textContent = boundaryWords(circles, runs);
    sayRun(
      byId("boundary"),
      `study ${circles.study}, seed ${circles.seed}, learning rate ${rate.value}, batches of ${circles.batch_size}, after ${inWords(epoch.value, "epoch")}`,
      `normwise study ${circles.study} --learning-rate ${rate.value} --seeds 1`,
    );
  };
  [rate, epoch].forEach(each => each.on(show));
  player("circles-epoch");
  return show;
}
