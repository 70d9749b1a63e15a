// Chapter 2: a deep network with and without normalisation, as it was recorded.

const SIDES = {without: "without normalisation", with: "with it"};
const KIND = {without: "none", with: "before"};

// Where the report that a command writes has what a picture shows.
const SEEN = {
  xray: "The report that it writes has the gradients under “Gradients”, and the histograms among its notes, under “Activations, layer by layer”.",
  batches:
    "One row of the table is of this run, the others of the same with another --batch-size. The report has the gradients’ ratio, epoch by epoch, among its notes.",
  landscape: "The report that it writes has the range under “Landscape of the loss”.",
  curves:
    "In the report that it writes, moving statistics are the solid curves, and population statistics the dashed ones.",
};

function startDeep(deep) {
  const say = {depth: slider("depth"), rate: slider("rate"), batch: slider("batch"), epoch: slider("epoch")};
  const momentum = slider("momentum");
  const run = () =>
    deep.runs.find(
      each =>
        each.depth === say.depth.value &&
        each.learning_rate === say.rate.value &&
        each.batch_size === say.batch.value,
    );
  const show = () => {
    const own = run(),
      epoch = say.epoch.value;
    showXray(deep, own, epoch);
    showLandscape(deep, own, epoch);
    showCurves(deep, own, epoch, momentum.value);
    showBatches(deep, own);
    document
      .querySelectorAll("#deep figure")
      .forEach(figure =>
        sayRun(
          figure,
          deepWords(deep, own, ["curves", "batches"].includes(figure.id) ? null : epoch),
          deepCommand(deep, own, figure.id === "curves" && momentum),
          SEEN[figure.id],
        ),
      );
  };
  const sliders = {...say, momentum};
  Object.values(sliders).forEach(each => each.on(show));
  startTries(sliders);
  player("epoch");
  return show;
}

// A button goes to a run, and to the picture that shows what it is about.
function startTries(sliders) {
  const buttons = [...document.querySelectorAll("[data-run]")];
  const look = chosen => {
    document.querySelectorAll(".look").forEach(each => (each.textContent = ""));
    buttons.forEach(each => each.setAttribute("aria-pressed", each === chosen));
    if (chosen)
      byId(`${chosen.dataset.figure}-look`).textContent = `${chosen.textContent}. ${chosen.dataset.look}`;
  };
  // Another depth, rate or batch size is another run; epochs and momentum are what one plays with.
  [sliders.depth, sliders.rate, sliders.batch].forEach(each => each.on(() => look(null)));
  buttons.forEach(button =>
    button.addEventListener("click", () => {
      Object.entries(JSON.parse(button.dataset.run)).forEach(([name, value]) => sliders[name].choose(value));
      look(button);
      goTo(byId(`${button.dataset.figure}-title`));
    }),
  );
  look(buttons[0]);
}

const deepWords = (deep, run, epoch) =>
  `study ${deep.study}, seed ${deep.seed}, ${run.depth} hidden layers, learning rate ${run.learning_rate}, batches of ${run.batch_size}` +
  (epoch ? `, first step of epoch ${epoch} of ${deep.epochs}` : `, ${deep.epochs} epochs`);

function deepCommand(deep, run, momentum) {
  const isOwn = !momentum || momentum.value === momentum.values.at(-1);
  return (
    `normwise study ${deep.study} --variant none --variant before${isOwn ? "" : `:momentum=${momentum.value}`} ` +
    `--depth ${run.depth} --learning-rate ${run.learning_rate} --batch-size ${run.batch_size} --seeds 1${momentum ? "" : " --probe"}`
  );
}

const both = (run, value) => Object.fromEntries(Object.keys(SIDES).map(side => [side, value(run[side])]));
