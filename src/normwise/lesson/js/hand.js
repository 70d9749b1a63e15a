// Chapter 1: six numbers through the four equations.

const numberInputs = () => [...document.querySelectorAll("#numbers input")];

// The six numbers, or nothing where one is none; says which.
function sixNumbers() {
  const wrong = numberInputs().filter(input => {
    const is = !input.validity.valid;
    input.setAttribute("aria-invalid", is);
    return is;
  });
  const names = wrong.map(input => exampleName(input.dataset.x));
  byId("numbers-wrong").textContent = wrong.length ? `${names.join(", ")}: type a number, such as 2.5` : "";
  return wrong.length ? null : numberInputs().map(input => input.valueAsNumber);
}

function showHand(numbers, gamma, beta) {
  const found = moments(numbers);
  const standard = standardised(numbers, found, EPSILON),
    given = scaled(standard, gamma, beta);
  const after = moments(standard),
    end = moments(given);
  byId("hand-mean").textContent = `= ${short(sum(numbers), 4)} / 6 = ${short(found.mean, 4)}`;
  byId("hand-variance").textContent =
    `= ${short(found.variance, 4)}, so σ = ${short(Math.sqrt(found.variance), 4)}`;
  byId("hand-standard").textContent =
    `x̂₁ = (${short(numbers[0], 4)} − ${paren(found.mean)}) / ${short(Math.sqrt(found.variance + EPSILON), 4)} = ${short(standard[0], 4)}`;
  byId("hand-shift").textContent =
    `y₁ = ${short(gamma)} · ${paren(standard[0])} + ${paren(beta, 3)} = ${short(given[0], 4)}`;
  fillTable(
    byId("hand-table"),
    ["example", "x", "x − μ", "x̂", "y"],
    numbers.map((number, i) =>
      [exampleName(i), number, number - found.mean, standard[i], given[i]].map(exactly),
    ),
  );
  byId("hand-says").textContent =
    `Before: mean ${short(found.mean, 4)}, deviation ${short(Math.sqrt(found.variance), 4)}. ` +
    `Standardised: mean ${nearly(after.mean, found)}, deviation ${short(Math.sqrt(after.variance), 4)}. ` +
    `What the layer gives: mean ${nearly(end.mean, found)}, deviation ${short(Math.sqrt(end.variance), 4)}.` +
    (after.variance < 0.98 ? " The deviation is not 1: beside so small a variance ε counts." : "");
  drawHand([numbers, standard, given]);
}

const paren = (value, digits = 4) => (value < 0 ? `(${short(value, digits)})` : short(value, digits));
// What differs from 0 by the rounding of sums alone is 0.
const nearly = (value, {mean: middle, variance}) =>
  short(Math.abs(value) < 1e-12 * (1 + Math.abs(middle) / Math.sqrt(variance + EPSILON)) ? 0 : value, 4);

function drawHand(rows) {
  const place = byId("hand-drawing"),
    width = roomIn(place),
    apart = 78,
    height = 3 * apart + 8;
  const left = 14,
    right = width - 14;
  const children = rows.flatMap((values, row) => {
    const x = lineScale(values, [left, right], row),
      y = row * apart + 52;
    const found = moments(values),
      deviation = Math.sqrt(found.variance);
    return [
      words(left, y - 30, ["x: what the unit gives", "x̂: standardised", "y: scaled and shifted"][row], {
        class: "title",
      }),
      shape("rect", {
        x: x(found.mean - deviation),
        y: y - 12,
        width: Math.max(1, x(found.mean + deviation) - x(found.mean - deviation)),
        height: 24,
        class: "spread",
      }),
      line(left, y, right, y, "grid"),
      line(x(found.mean), y - 16, x(found.mean), y + 16, "cursor"),
      ...ticks(x, width < 500 ? 5 : 9).map(value =>
        words(x(value), y + 28, tickText(x, value), {"text-anchor": "middle"}),
      ),
      ...values.map((value, i) => shape("circle", {cx: x(value), cy: y, r: 6, class: `dot example-${i}`})),
    ];
  });
  draw(
    place,
    height,
    "The six numbers on a line before the layer, standardised, and behind it; mean and one deviation to each side are marked",
    ...children,
  );
}

// The lower two have the same scale, so that one sees what γ and β do.
function lineScale(values, pixels, row) {
  if (row === 0) {
    const low = Math.min(...values),
      high = Math.max(...values),
      room = (high - low || 2) * 0.12;
    return scale([low - room, high + room], pixels);
  }
  const far = Math.max(3, ...values.map(value => Math.abs(value) * 1.1));
  return scale([-far, far], pixels);
}

function startHand() {
  const gamma = slider("gamma"),
    beta = slider("beta");
  const shown = startMoving();
  const show = () => {
    const numbers = sixNumbers();
    if (!numbers) return;
    showHand(numbers, gamma.value, beta.value);
    shown(numbers, gamma.value, beta.value);
  };
  byId("numbers").addEventListener("input", show);
  byId("numbers").addEventListener("submit", event => event.preventDefault());
  document.querySelectorAll("[data-batch]").forEach(button =>
    button.addEventListener("click", () => {
      JSON.parse(button.dataset.batch).forEach((number, i) => {
        numberInputs()[i].value = number;
      });
      show();
    }),
  );
  [gamma, beta].forEach(each => each.on(show));
  return show;
}
