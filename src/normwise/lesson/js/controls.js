// Sliders, play buttons and tables: native elements, so that keyboard and screen readers know them.

const byId = id => document.getElementById(id);

// A slider whose positions are the values that the template gave it.
function slider(id, say = String) {
  const input = byId(id);
  const output = input.parentElement.querySelector("output");
  const values = JSON.parse(input.dataset.values);
  const said = () => {
    output.value = say(values[input.value]);
    input.setAttribute("aria-valuetext", output.value);
  };
  said();
  input.addEventListener("input", said);
  return {
    values,
    get index() {
      return Number(input.value);
    },
    get value() {
      return values[input.value];
    },
    choose(value) {
      input.value = values.indexOf(value);
      input.dispatchEvent(new Event("input"));
    },
    on(listener) {
      input.addEventListener("input", listener);
    },
  };
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const PAUSE = 450; // milliseconds of an epoch that plays

// Plays a slider to its end; who prefers no motion goes one position further with each press.
function player(id) {
  const button = byId(`play-${id}`),
    input = byId(id),
    live = button.closest("section").querySelectorAll("[aria-live]");
  let timer = 0;
  const isAtEnd = () => Number(input.value) >= Number(input.max);
  const go = value => {
    input.value = value;
    input.dispatchEvent(new Event("input", {bubbles: true}));
  };
  const label = () => {
    button.querySelector(".word").textContent = timer ? "Pause" : calm.matches ? "Next" : "Play";
    button.firstElementChild.textContent = timer ? "❚❚" : "▶";
    // What changes twice a second is not read out.
    live.forEach(each => each.setAttribute("aria-live", timer ? "off" : "polite"));
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    label();
  };
  const step = () => (isAtEnd() ? stop() : go(Number(input.value) + 1));
  const play = () => {
    if (isAtEnd()) go(0);
    timer = setInterval(step, PAUSE);
    label();
  };
  button.addEventListener("click", () => {
    if (timer) stop();
    else if (calm.matches) go(isAtEnd() ? 0 : Number(input.value) + 1);
    else play();
  });
  input.addEventListener("pointerdown", stop);
  input.addEventListener("keydown", stop);
  calm.addEventListener("change", stop);
  label();
}

function fillTable(table, heads, rows) {
  const made = (name, text) => {
    const found = document.createElement(name);
    found.textContent = text;
    if (name === "th") found.scope = "col";
    return found;
  };
  const row = ([first, ...others], name) => {
    const found = document.createElement("tr"),
      head = made("th", first);
    if (name === "td") head.scope = "row";
    found.append(head, ...others.map(text => made(name, text)));
    return found;
  };
  table.tHead.replaceChildren(row(heads, "th"));
  table.tBodies[0].replaceChildren(...rows.map(each => row(each, "td")));
}

// Scrolls to a heading, and puts the focus there; the style sheet says how smoothly.
function goTo(heading) {
  heading.scrollIntoView();
  heading.focus({preventScroll: true});
}

// Which run a picture shows, how to train it again, and where one sees it then.
function sayRun(figure, words, command, seen) {
  const code = document.createElement("code");
  // Lines break between options, and not between an option and its value.
  command.split(/ (?=--)/).forEach((option, i) => {
    const whole = document.createElement("span");
    whole.textContent = option;
    code.append(i ? " " : "", whole);
  });
  figure.querySelector(".run").replaceChildren(`This run: ${words}. Train it again: `, code, `. ${seen}`);
}
