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

// The epoch from which the target holds, as the study's own table counts it.
const arrival = run => (run.arrives === null ? "never" : String(run.arrives));

function boundaryWords(circles, runs) {
  const normalised = runs.filter(run => run.moving);
  const each = (kept, said) => kept.map(run => `${said(run)} ${PLACES[run.variant]}`).join(", ");
  return (
    `The epoch from which ${percent(LEARNED)} of the validation part are right, and stay so on average: ${each(runs, arrival)}. ` +
    `So much the weights have learned. By moving statistics, which inference takes, it shows from epoch ${each(normalised, run => arrival(run.moving))}.`
  );
}

// What the study's command says of these runs, and beside it what the weights have learned.
function tableBoundary(circles, runs) {
  const table = byId("boundary-table");
  table.caption.textContent = `The epoch from which ${percent(LEARNED)} are right, and how many are after ${circles.axes.epoch.at(-1)} epochs`;
  const row = (name, said) => [name, ...runs.map(said)];
  const atEnd = run => percent(run.validation.accuracy.at(-1));
  const moving = run => run.moving ?? run;
  fillTable(
    table,
    ["statistics", ...runs.map(run => PLACES[run.variant].split(" ")[0])],
    [
      row("epoch, population", arrival),
      row("epoch, moving", run => arrival(moving(run))),
      row("end, population", atEnd),
      row("end, moving", run => atEnd(moving(run))),
    ],
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
    tableBoundary(circles, runs);
    sayRun(
      byId("boundary"),
      `study ${circles.study}, seed ${circles.seed}, learning rate ${rate.value}, batches of ${circles.batch_size}, after ${inWords(epoch.value, "epoch")}`,
      `normwise study ${circles.study} --learning-rate ${rate.value} --seeds 1`,
      `It prints the lines of the table here that say “moving”. Population statistics are the dashed curves of ` +
        `“Accuracy”, the first chart of the report that it writes. The boundary itself only this page draws.`,
    );
  };
  [rate, epoch].forEach(each => each.on(show));
  player("circles-epoch");
  return show;
}
