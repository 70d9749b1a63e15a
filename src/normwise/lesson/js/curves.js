// How the accuracy went, with the statistics that a momentum gives.

function showCurves(deep, run, epoch, momentum) {
  const moving = run.with.moving[momentum].accuracy;
  const series = [
    {values: run.with.validation.accuracy, kind: "line before dashed"},
    {values: moving, kind: "line before"},
    {values: run.without.validation.accuracy, kind: "line none"},
  ];
  lineChart(byId("curves-drawing"), {
    xs: epochsOf(deep),
    at: epoch,
    range: [0, 1],
    height: 250,
    series,
    below: "epoch",
    above: "accuracy on the validation part",
    label: `Accuracy over ${deep.epochs} epochs without normalisation, with it, and with it by population statistics`,
  });
  const at = values => percent(values[epoch - 1]);
  byId("curves-says").textContent =
    `After epoch ${epoch}: ${at(run.without.validation.accuracy)} right without normalisation; with it ${at(moving)} by moving statistics of ` +
    `momentum ${momentum}, and ${at(run.with.validation.accuracy)} by population statistics. After the last epoch: ` +
    `${percent(run.without.validation.accuracy.at(-1))} without, ${percent(moving.at(-1))} with.`;
  tableCurves(deep, run, momentum);
  byId("curves-all").textContent = endWords(deep, momentum);
}

// How many of the recorded networks have learned to read, by batch size.
function endWords(deep, momentum) {
  const hasLearned = accuracy => accuracy.at(-1) >= LEARNED;
  const parts = deep.axes.batch_size.map(size => {
    const runs = deep.runs.filter(run => run.batch_size === size);
    const without = runs.filter(run => hasLearned(run.without.validation.accuracy)).length;
    const with_ = runs.filter(run => hasLearned(run.with.moving[momentum].accuracy)).length;
    return `in batches of ${size}, ${without} of ${runs.length} without normalisation and ${with_} with it`;
  });
  return `Networks of all depths and learning rates here that end with at least ${percent(LEARNED)} right (momentum ${momentum}): ${parts.join("; ")}.`;
}

// All depths and learning rates at their ends, at the batch size and momentum that are chosen.
function tableCurves(deep, run, momentum) {
  const table = byId("curves-table"),
    rates = deep.axes.learning_rate;
  table.caption.textContent = `After ${deep.epochs} epochs, in batches of ${run.batch_size}: right without → right with normalisation (momentum ${momentum})`;
  const end = (depth, rate) => {
    const own = deep.runs.find(
      each => each.depth === depth && each.learning_rate === rate && each.batch_size === run.batch_size,
    );
    return `${percent(own.without.validation.accuracy.at(-1))} → ${percent(own.with.moving[momentum].accuracy.at(-1))}`;
  };
  fillTable(
    table,
    ["hidden layers", ...rates.map(rate => `learning rate ${rate}`)],
    deep.axes.depth.map(depth => [String(depth), ...rates.map(rate => end(depth, rate))]),
  );
  table.tBodies[0].rows[deep.axes.depth.indexOf(run.depth)].cells[
    1 + rates.indexOf(run.learning_rate)
  ].classList.add("chosen");
}
