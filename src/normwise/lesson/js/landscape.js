// The loss along the step that the optimiser was about to make.

function showLandscape(deep, run, epoch) {
  const now = epoch - 1,
    xs = [0, ...deep.steps];
  const along = both(run, own => [own.start_loss[now], ...own.step_loss[now]]);
  const change = both(run, own =>
    [own.start_loss[now], ...own.step_loss[now]].map(value => minus(value, own.start_loss[now])),
  );
  const ranges = both(run, own => own.step_loss.map(range));
  lineChart(byId("landscape-now"), {
    xs,
    below: "length of the step, in steps",
    above: "change of the loss",
    series: Object.keys(SIDES).map(side => ({values: change[side], kind: `line ${KIND[side]}`})),
    label: `Change of the loss along the step of epoch ${epoch}; the numbers are in the table below`,
  });
  lineChart(byId("landscape-range"), {
    xs: epochsOf(deep),
    at: epoch,
    log: true,
    below: "epoch",
    above: "range of the loss along the step",
    series: Object.keys(SIDES).map(side => ({values: ranges[side], kind: `line ${KIND[side]}`})),
    label: `Range of the loss along the step, epoch by epoch, on a logarithmic scale`,
  });
  byId("landscape-says").textContent = Object.entries(SIDES)
    .map(([side, name]) => {
      const values = along[side];
      return (
        `${name[0].toUpperCase()}${name.slice(1)}, the loss is ${short(values[0])}, ${short(values[xs.indexOf(1)])} after the step, ` +
        `and ${short(values.at(-1))} at four times its length.`
      );
    })
    .join(" ");
  byId("landscape-all").textContent = smootherWords(deep);
  fillTable(
    byId("landscape-table"),
    ["steps", ...Object.values(SIDES).map(name => `loss ${name}`)],
    xs.map((step, i) => [short(step), short(along.without[i], 4), short(along.with[i], 4)]),
  );
}

// In how many epochs the range is smaller with normalisation, wherever both networks learn.
function smootherWords(deep) {
  const hasLearned = own => own.validation.accuracy.at(-1) >= LEARNED;
  const parts = deep.runs
    .filter(run => hasLearned(run.with) && hasLearned(run.without))
    .map(run => {
      const {with: with_, without} = both(run, own => own.step_loss.map(range));
      const smaller = with_.filter((value, i) => value < without[i]).length;
      return `${smaller} of ${deep.epochs} (${run.depth} layers, batches of ${run.batch_size}, rate ${run.learning_rate})`;
    });
  return `Where both networks end with at least ${percent(LEARNED)} right, the range is smaller with normalisation in so many epochs: ${parts.join("; ")}.`;
}

const minus = (one, other) => (one === null || other === null ? null : one - other);
const range = values => (values.includes(null) ? null : Math.max(...values) - Math.min(...values));
const epochsOf = deep => Array.from({length: deep.epochs}, (_, i) => i + 1);
