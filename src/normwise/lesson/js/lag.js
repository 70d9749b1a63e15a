// Chapter 4: the same weights by population and by moving statistics.

function startLag(circles) {
  const momentum = slider("lag-momentum"),
    epoch = slider("lag-epoch");
  const learned = circles.runs.find(run => run.variant === "after" && run.learning_rate === circles.lag_rate);
  const epochs = learned.validation.loss.map((_, i) => i + 1);
  const show = () => {
    const moving = circles.lag.find(run => run.momentum === momentum.value);
    for (const [name, run] of Object.entries({population: learned, moving})) {
      byId(`lag-accuracy-${name}`).textContent = accuracyWords(run, epoch.value);
      drawBoundary(
        byId(`lag-${name}`),
        circles,
        run.predicted[epoch.index],
        `What the network says where by ${name} statistics after ${epoch.value} epochs: ${accuracyWords(run, epoch.value)}`,
      );
    }
    drawLoss(epochs, learned, moving, epoch.value);
    byId("lag-says").textContent = lagWords(learned, moving, momentum.value, epoch.value);
    sayRun(
      byId("lagging"),
      `study ${circles.study}, variant after, seed ${circles.seed}, learning rate ${circles.lag_rate}, batches of ${circles.batch_size}, after ${inWords(epoch.value, "epoch")}`,
      `normwise study ${circles.study} --variant none --variant after:momentum=${momentum.value} --learning-rate ${circles.lag_rate} --seeds 1`,
      `Moving statistics are the solid curves of its report, population statistics the dashed ones (“The gap, epoch by epoch”).`,
    );
  };
  [momentum, epoch].forEach(each => each.on(show));
  player("lag-epoch");
  return show;
}

function drawLoss(epochs, learned, moving, epoch) {
  const most = Math.max(...learned.validation.loss, ...moving.validation.loss);
  lineChart(byId("lag-loss"), {
    xs: epochs,
    at: epoch || null,
    domain: [0, epochs.length],
    range: [0, Math.max(1, most)],
    height: Math.max(230, Math.min(320, byId("lag-population").clientWidth)),
    below: "epoch",
    above: "loss on the validation part",
    series: [
      {values: learned.validation.loss, kind: "line after dashed"},
      {values: moving.validation.loss, kind: "line after"},
    ],
    label: "Validation loss by population statistics, dashed, and by moving statistics, solid",
  });
}

function lagWords(learned, moving, momentum, epoch) {
  const arrivals =
    `The epoch from which ${percent(LEARNED)} are right, and stay so on average: ${arrival(learned)} by population statistics, ` +
    `${arrival(moving)} by moving ones of momentum ${momentum}.`;
  if (epoch === 0) return `Before the first step the moving statistics are still 0 and 1. ${arrivals}`;
  const [one, other] = [learned, moving].map(run => run.validation.accuracy[epoch - 1]);
  return (
    `After ${inWords(epoch, "epoch")} of the same training, ${percent(one)} are right by population statistics, and ${percent(other)} by moving ` +
    `ones. ${arrivals}`
  );
}
