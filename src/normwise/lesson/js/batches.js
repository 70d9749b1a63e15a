// Why batches of two fail: the gradient of layer 1, by batch size.

function showBatches(deep, run) {
  const runs = deep.axes.batch_size.map(size =>
    deep.runs.find(
      each =>
        each.batch_size === size && each.depth === run.depth && each.learning_rate === run.learning_rate,
    ),
  );
  const table = byId("batches-table");
  table.caption.textContent = `Gradient of layer 1 over that of the output layer, at the ${deep.epochs} epochs`;
  const ofGradients = own =>
    spanOf(own.gradient.map(norms => ratio(norms[0], norms.at(-1)))).map(value => short(value));
  const right = own => percent(own.training.accuracy.at(-1));
  fillTable(
    table,
    ["batches of", "with: least", "median", "most", "without: median", "right in training, with", "without"],
    runs.map(each => [
      String(each.batch_size),
      ...ofGradients(each.with),
      ofGradients(each.without)[1],
      right(each.with),
      right(each.without),
    ]),
  );
  table.tBodies[0].rows[runs.indexOf(run)].classList.add("chosen");
}

// Least, middle and most of the numbers among some values.
function spanOf(values) {
  const there = values.filter(Number.isFinite).sort((one, other) => one - other);
  if (!there.length) return [null, null, null];
  const half = there.length / 2;
  return [there[0], mean([there[Math.ceil(half) - 1], there[Math.floor(half)]]), there.at(-1)];
}
