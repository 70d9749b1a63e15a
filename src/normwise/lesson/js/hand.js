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
    // What the reader typed stays as it was typed.
    numbers.map((number, i) =>
      [exampleName(i), String(number).replace("-", "−"), number - found.mean, standard[i], given[i]].map(cell),
    ),
  );
  byId("hand-says").textContent =
    `Before: mean ${short(found.mean, 4)}, deviation ${short(Math.sqrt(found.variance), 4)}. ` +
    `Standardised: mean ${nearly(after.mean, found)}, deviation ${short(Math.sqrt(after.variance), 4)}. ` +
    `What the layer gives: mean ${nearly(end.mean, found)}, deviation ${short(Math.sqrt(end.variance), 4)}.` +
    (after.variance < 0.98 ? " The deviation is not 1: beside so small a variance ε counts." : "");
  drawHand(
    numbers,
    numbers.map(number => number - found.mean),
    standard,
    given,
  );
}

const paren = (value, digits = 4) => (value < 0 ? `(${short(value, digits)})` : short(value, digits));
// What differs from 0 by the rounding of sums alone is 0.
const nearly = (value, {mean: middle, variance}) =>
  short(Math.abs(value) < 1e-12 * (1 + Math.abs(middle) / Math.sqrt(variance + EPSILON)) ? 0 : value, 4);

const ROW = 58; // height of a line of numbers

// All four lines on the same axis, so that one sees them move and shrink; the last two enlarged.
function drawHand(numbers, centred, standard, given) {
  const last = {"x̂: standardised": standard, "y: scaled and shifted": given};
  drawLines(
    byId("hand-drawing"),
    {"x: what the unit gives": numbers, "x − μ: the mean taken off": centred, ...last},
    padded([0, ...numbers, ...centred, ...standard, ...given]),
    "The six numbers on four lines with the same axis: before the layer, without their mean, standardised, and behind it; mean and one deviation to each side are marked",
  );
  const far = Math.max(3, ...[...standard, ...given].map(value => Math.abs(value) * 1.1));
  drawLines(
    byId("hand-close"),
    last,
    [-far, far],
    "The last two lines enlarged: the six numbers standardised, and scaled and shifted",
  );
}

function drawLines(place, lines, reach, label) {
  const width = roomIn(place),
    rows = Object.values(lines),
    x = scale(reach, [14, width - 14]),
    at = row => row * ROW + 38;
  const [first] = rows,
    foot = at(rows.length - 1) + 34;
  const marks = ticks(x, width < 500 ? 5 : 9);
  draw(
    place,
    foot + 8,
    label,
    ...marks.map(value => line(x(value), at(0) - 16, x(value), foot - 14, value ? "grid" : "zero")),
    ...rows.slice(1).flatMap((values, row) =>
      first.map((_, i) => line(x(rows[row][i]), at(row), x(values[i]), at(row + 1), `way example-${i}`)),
    ),
    ...Object.entries(lines).flatMap(([name, values], row) => lineOfNumbers(name, values, x, at(row))),
    ...marks.map(value => words(x(value), foot, tickText(x, value), {"text-anchor": "middle"})),
  );
}

function lineOfNumbers(name, values, x, y) {
  const {mean: middle, variance} = moments(values),
    deviation = Math.sqrt(variance);
  return [
    shape("rect", {
      x: x(middle - deviation),
      y: y - 11,
      width: Math.max(1, x(middle + deviation) - x(middle - deviation)),
      height: 22,
      class: "spread",
    }),
    line(x(middle), y - 14, x(middle), y + 14, "cursor"),
    words(14, y - 19, name, {class: "title"}),
    ...values.map((value, i) => shape("circle", {cx: x(value), cy: y, r: 5.5, class: `dot example-${i}`})),
  ];
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
