// Chapter 1, second half: moving statistics while a batch comes again and again.

// What an average that starts somewhere is after some steps towards the same value.
const moved = (start, value, momentum, steps) => momentum ** steps * start + (1 - momentum ** steps) * value;

function startMoving() {
  const momentum = slider("hand-momentum"),
    step = slider("hand-step");
  let last = null;
  const show = () => last && showMoving(...last, momentum.value, step);
  [momentum, step].forEach(each => each.on(show));
  player("hand-step");
  return (...given) => {
    last = given;
    show();
  };
}

function showMoving(numbers, gamma, beta, momentum, step) {
  const batch = moments(numbers),
    steps = step.value;
  const moving = {
    mean: moved(0, batch.mean, momentum, steps),
    variance: moved(1, batch.variance, momentum, steps),
  };
  const training = scaled(standardised(numbers, batch, EPSILON), gamma, beta);
  const inference = scaled(standardised(numbers, moving, EPSILON), gamma, beta);
  const farthest = Math.max(...training.map((value, i) => Math.abs(value - inference[i])));
  drawMoving("moving-mean", "moving mean", 0, batch.mean, momentum, step);
  drawMoving("moving-variance", "moving variance", 1, batch.variance, momentum, step);
  fillTable(
    byId("moving-table"),
    ["example", "in training, by the batch", "in inference, by moving statistics"],
    numbers.map((_, i) => [exampleName(i), training[i], inference[i]].map(cell)),
  );
  byId("moving-says").textContent =
    `After ${inWords(steps, "step")} with momentum ${momentum} the moving statistics have gone ${percent(1 - momentum ** steps)} of the way ` +
    `(1 − ${momentum}${superscript(steps)}): mean ${short(moving.mean, 4)} for ${short(batch.mean, 4)}, variance ${short(moving.variance, 4)} for ` +
    `${short(batch.variance, 4)}. What inference gives differs from what training gave by up to ${short(farthest, 4)}.`;
}

function drawMoving(id, name, start, value, momentum, step) {
  const xs = step.values,
    ys = xs.map(steps => moved(start, value, momentum, steps));
  lineChart(byId(id), {
    xs,
    at: step.value,
    height: 200,
    below: "steps",
    above: name,
    series: [
      {values: xs.map(() => value), kind: "line aim"},
      {values: ys, kind: "line before"},
    ],
    label: `The ${name} goes from ${start} to the batch's ${short(value)}; after ${step.value} steps it is ${short(ys[step.index])}`,
  });
}
