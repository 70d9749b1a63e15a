// Numbers in words, and the sums behind the layer by hand.

const sum = values => values.reduce((before, value) => before + value, 0);
const mean = values => sum(values) / values.length;
const moments = values => {
  const middle = mean(values);
  return {mean: middle, variance: mean(values.map(value => (value - middle) ** 2))};
};
const standardised = (values, {mean: middle, variance}, epsilon) =>
  values.map(value => (value - middle) / Math.sqrt(variance + epsilon));
const scaled = (values, gamma, beta) => values.map(value => gamma * value + beta);

const EPSILON = 0.001; // Keras' own
const LEARNED = 0.8; // accuracy that counts as arrived, the target of both studies

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const superscript = number =>
  (number < 0 ? "⁻" : "") + [...String(Math.abs(number))].map(digit => SUPERSCRIPTS[digit]).join("");

// As one reads it: 3 digits that count, a power of ten where there would be many zeros.
function short(value, digits = 3) {
  if (value === null || !Number.isFinite(value)) return "no number";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 0.001 && size < 100000) return String(Number(value.toPrecision(digits))).replace("-", "−");
  const [front, power] = value.toExponential(digits - 1).split("e");
  return `${String(Number(front)).replace("-", "−")} · 10${superscript(Number(power))}`;
}

const percent = share => (share === null ? "no number" : `${(100 * share).toFixed(1).replace(".0", "")}%`);
const inWords = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
const exampleName = i => `x${"₁₂₃₄₅₆"[i]}`;
// In a table: text stays as it is.
const cell = value => (typeof value === "string" ? value : short(value, 4));
