"""The lesson in a real browser: each slider changes what it says it changes, to what was recorded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from normwise.commands.app import app
from normwise.lesson import shipped, write_lesson
from normwise.lesson.tries import START, recorded_tries

playwright = pytest.importorskip("playwright.sync_api")

DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
SLIDERS = [
    "gamma", "beta", "hand-momentum", "hand-step", "depth", "rate", "batch", "epoch", "momentum",
    "circles-rate", "circles-epoch", "lag-momentum", "lag-epoch",
]  # fmt: skip
FOUR_DIGITS = 5.1e-4
"""How far a number is from itself in four digits, and a little more."""
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


@pytest.fixture(scope="module")
def recording() -> dict[str, Any]:
    return shipped()


@pytest.fixture(scope="module")
def file(recording: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lesson(recording, tmp_path_factory.mktemp("lesson") / "lesson.html")


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page, and holds at the end that it asked for nothing and no script failed."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_page(**options: Any) -> Any:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(file.as_uri())
        # Playwright's own conditions in JavaScript are what the page's policy forbids.
        tab.wait_for_selector("html[data-ready=yes] #lag-loss svg", state="attached")
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert asked == [file.as_uri()] * len(contexts)


def number(text: str) -> float:
    """A number as the page writes it."""
    text = text.replace("−", "-").translate(SUPERSCRIPTS).replace(" · 10", "e").replace("%", "")
    return float(text)


def choose(tab: Any, slider: str, value: float) -> None:
    """Move a slider to one of its positions."""
    values = tab.locator(f"#{slider}").evaluate("each => JSON.parse(each.dataset.values)")
    tab.locator(f"#{slider}").fill(str(values.index(value)))
    assert tab.locator(f"output[for={slider}]").inner_text() == f"{value:g}"


def table(tab: Any, name: str) -> list[list[str]]:
    return [
        row.locator("th, td").all_text_contents() for row in tab.locator(f"#{name} tbody tr").all()
    ]


def column(tab: Any, name: str, place: int) -> list[float]:
    return [number(row[place]) for row in table(tab, name) if row[place]]


def says(tab: Any, name: str) -> str:
    found: str = tab.locator(f"#{name}-says").inner_text()
    return found


def type_in(tab: Any, numbers: np.ndarray) -> None:
    for place, one in enumerate(numbers):
        tab.locator(f"[data-x='{place}']").fill(repr(float(one)))


def test_the_equations_are_those_of_numpy(opened: Callable[..., Any]) -> None:
    tab = opened()
    draws = np.random.default_rng(7)
    for scale in (1e-3, 1.0, 1e4):
        x = draws.normal(draws.normal(), scale, 6).round(6)
        gamma, beta = draws.integers(-12, 13, 2) / 4
        type_in(tab, x)
        choose(tab, "gamma", gamma)
        choose(tab, "beta", beta)
        standard = (x - x.mean()) / np.sqrt(x.var() + 1e-3)
        assert column(tab, "hand-table", 1) == list(x)
        for place, expected in enumerate((x - x.mean(), standard, gamma * standard + beta), 2):
            found = column(tab, "hand-table", place)
            assert found == pytest.approx(expected, rel=FOUR_DIGITS, abs=1e-9 * scale)
        texts = [cell for row in table(tab, "hand-table") for cell in row[2:]]
        digits = [re.sub(r"\D", "", text.partition(" · ")[0]).strip("0") for text in texts]
        assert max(map(len, digits)) <= 4
        mean = number(tab.locator("#hand-mean").inner_text().rpartition("= ")[2])
        assert mean == pytest.approx(x.mean(), rel=1e-3)
        variance = number(re.findall(r"= (.*), so", tab.locator("#hand-variance").inner_text())[0])
        assert variance == pytest.approx(x.var(), rel=1e-3)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_moving_statistics_are_those_of_keras_own_layer(opened: Callable[..., Any]) -> None:
    import keras

    tab = opened()
    x = np.array([2.5, -1, 4, 7.25, 3, 6])
    type_in(tab, x)
    choose(tab, "gamma", 1.5)
    choose(tab, "beta", -0.5)
    for momentum, steps in ((0.9, 10), (0.0, 1), (0.99, 25), (0.5, 0)):
        layer = keras.layers.BatchNormalization(momentum=momentum)
        layer.build((6, 1))
        layer.gamma.assign([1.5])
        layer.beta.assign([-0.5])
        trained = layer(x[:, None], training=True) if not steps else None
        layer.moving_mean.assign([0.0])
        layer.moving_variance.assign([1.0])
        for _ in range(steps):
            trained = layer(x[:, None], training=True)
        choose(tab, "hand-momentum", momentum)
        choose(tab, "hand-step", steps)
        trained = np.ravel(trained)
        assert column(tab, "moving-table", 1) == pytest.approx(trained, rel=FOUR_DIGITS, abs=1e-4)
        inferred = np.ravel(layer(x[:, None], training=False))
        assert column(tab, "moving-table", 2) == pytest.approx(inferred, rel=FOUR_DIGITS, abs=1e-4)


def test_what_is_no_number_is_said_and_changes_nothing(opened: Callable[..., Any]) -> None:
    tab = opened()
    before = table(tab, "hand-table")
    tab.locator("[data-x='3']").fill("")
    assert tab.locator("#numbers-wrong").inner_text() == "x₄: type a number, such as 2.5"
    assert tab.locator("[data-x='3']").get_attribute("aria-invalid") == "true"
    assert table(tab, "hand-table") == before
    tab.get_by_role("button", name="All alike").click()
    assert tab.locator("#numbers-wrong").inner_text() == ""
    assert column(tab, "hand-table", 3) == [0.0] * 6
    assert "ε counts" in says(tab, "hand")


def run_of(recording: dict[str, Any], depth: int, rate: float, batch: int) -> Any:
    return next(
        run
        for run in recording["deep"]["runs"]
        if (run["depth"], run["learning_rate"], run["batch_size"]) == (depth, rate, batch)
    )


def test_each_slider_of_the_deep_network_shows_the_run_that_it_names(
    opened: Callable[..., Any], recording: dict[str, Any]
) -> None:
    """Ten seconds: each move of each slider is drawn before its tables are read."""
    tab = opened()
    axes = recording["deep"]["axes"]
    at = dict(START.at)
    moves = [
        *(("depth", one) for one in axes["depth"]),
        *(("rate", one) for one in axes["learning_rate"]),
        *(("batch", one) for one in axes["batch_size"]),
        *(("epoch", one) for one in (1, 7, 20)),
    ]
    for slider, value in moves:
        choose(tab, slider, value)
        at[slider] = value
        run = run_of(recording, at["depth"], at["rate"], at["batch"])
        epoch = at["epoch"] - 1
        for place, side in enumerate(("without", "with")):
            for first, name in ((1, "deviation"), (3, "response"), (5, "gradient")):
                found = column(tab, "xray-table", first + place)
                assert found == pytest.approx(run[side][name][epoch], rel=1e-9)
            along = column(tab, "landscape-table", 1 + place)
            known = [run[side]["start_loss"][epoch], *run[side]["step_loss"][epoch]]
            assert along == pytest.approx(known, rel=1e-9)
        for gradient in (run[side]["gradient"][epoch] for side in ("without", "with")):
            assert has(says(tab, "xray"), gradient[0] / gradient[-1])
        assert f"{at['depth']} hidden layers" in tab.locator("#xray .run").inner_text()
        assert tab.locator("#xray-without path.ridge").count() == at["depth"]


def has(text: str, wanted: float) -> bool:
    """Whether a sentence has a number, to three digits."""
    found = re.findall(r"−?\d+(?:\.\d+)?(?: · 10[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)?", text)
    return any(number(one) == pytest.approx(wanted, rel=6e-3) for one in found)


def test_momentum_changes_what_inference_gives_and_nothing_else(
    opened: Callable[..., Any], recording: dict[str, Any]
) -> None:
    tab = opened()
    for slider, value in (("depth", 10), ("rate", 0.1), ("epoch", 3)):
        choose(tab, slider, value)
    others = table(tab, "xray-table"), table(tab, "landscape-table")
    curves = run_of(recording, 10, 0.1, 64)["with"]["moving"]
    lines = set()
    for momentum in recording["deep"]["axes"]["momentum"]:
        choose(tab, "momentum", momentum)
        assert f"{100 * curves[f'{momentum:g}']['accuracy'][2]:.1f}".replace(".0", "") in says(
            tab, "curves"
        )
        lines.add(tab.locator("#curves-drawing path.before:not(.dashed)").get_attribute("d"))
        assert (table(tab, "xray-table"), table(tab, "landscape-table")) == others
    assert len(lines) == len(curves)


def test_the_table_of_ends_has_all_depths_and_rates(
    opened: Callable[..., Any], recording: dict[str, Any]
) -> None:
    tab = opened()
    axes = recording["deep"]["axes"]
    for row, depth in zip(table(tab, "curves-table"), axes["depth"], strict=True):
        for cell, rate in zip(row[1:], axes["learning_rate"], strict=True):
            run = run_of(recording, depth, rate, 64)
            ends = (
                run["without"]["validation"]["accuracy"][-1],
                run["with"]["moving"]["0.99"]["accuracy"][-1],
            )
            found = [number(one) for one in cell.split(" → ")]
            assert found == pytest.approx([100 * end for end in ends], abs=0.051)


def test_how_many_networks_have_learned_is_counted(
    opened: Callable[..., Any], recording: dict[str, Any]
) -> None:
    tab = opened()
    choose(tab, "momentum", 0.5)
    counted = re.findall(
        r"of (\d+), (\d+) of (\d+) without normalisation and (\d+) with",
        tab.locator("#curves-all").inner_text(),
    )
    for row, size in zip(counted, recording["deep"]["axes"]["batch_size"], strict=True):
        own = [run for run in recording["deep"]["runs"] if run["batch_size"] == size]
        ends = [
            (
                run["without"]["validation"]["accuracy"][-1],
                run["with"]["moving"]["0.5"]["accuracy"][-1],
            )
            for run in own
        ]
        without, with_ = np.sum(np.array(ends) >= 0.8, axis=0)
        assert [int(one) for one in row] == [size, without, len(own), with_]


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_button_chooses_a_run_and_goes_to_its_picture(
    opened: Callable[..., Any], recording: dict[str, Any], motion: str
) -> None:
    tab = opened(reduced_motion=motion)
    assert START.look in tab.locator("#landscape-look").inner_text()
    for one in recorded_tries(recording["deep"]):
        button = tab.get_by_role("button", name=one.name)
        button.click()
        for slider, value in one.at.items():
            assert tab.locator(f"output[for={slider}]").inner_text() == f"{value:g}"
        heading = tab.locator(f"#{one.figure}-title")
        playwright.expect(heading).to_be_focused()
        playwright.expect(heading).to_be_in_viewport()
        # What is said once stands at that picture, and at no other.
        [said] = [text for text in tab.locator(".look").all_inner_texts() if text]
        assert said == tab.locator(f"#{one.figure}-look").inner_text() == f"{one.name}. {one.look}"
        assert tab.locator("[aria-pressed=true]").all_inner_texts() == [one.name]
    choose(tab, "depth", 5)
    assert tab.locator(".look").all_inner_texts() == [""] * 4
    assert tab.locator("[aria-pressed=true]").count() == 0


def test_batches_are_compared_by_the_gradients_that_were_recorded(
    opened: Callable[..., Any], recording: dict[str, Any]
) -> None:
    tab = opened()
    sizes = recording["deep"]["axes"]["batch_size"]
    for depth, rate in ((2, 0.01), (10, 0.1)):
        choose(tab, "depth", depth)
        choose(tab, "rate", rate)
        for row, size in zip(table(tab, "batches-table"), sizes, strict=True):
            run = run_of(recording, depth, rate, size)
            with_, without = (
                np.array([norms[0] / norms[-1] for norms in run[side]["gradient"]])
                for side in ("with", "without")
            )
            ends = [100 * run[side]["training"]["accuracy"][-1] for side in ("with", "without")]
            norms = [np.min(with_), np.median(with_), np.max(with_), np.median(without)]
            found = [number(one) for one in row]
            assert found[0] == size
            assert found[1:5] == pytest.approx(norms, rel=6e-3)
            assert found[5:] == pytest.approx(ends, abs=0.051)


def test_where_both_learn_smoother_epochs_are_counted(
    opened: Callable[..., Any], recording: dict[str, Any]
) -> None:
    tab = opened()
    found = re.findall(
        r"(\d+) of 20 \((\d+) layers, batches of (\d+), rate ([\d.]+)\)",
        tab.locator("#landscape-all").inner_text(),
    )
    expected = []
    for run in recording["deep"]["runs"]:
        ends = [run[side]["validation"]["accuracy"][-1] for side in ("with", "without")]
        if min(ends) >= 0.8:
            with_, without = (
                np.ptp(run[side]["step_loss"], axis=1) for side in ("with", "without")
            )
            smoother = int(np.sum(with_ < without))
            expected.append((smoother, run["depth"], run["batch_size"], run["learning_rate"]))
    assert [tuple(float(each) for each in one) for one in found] == expected


def spread(tab: Any, drawing: str, row: int) -> float:
    """How wide one deviation to each side is drawn."""
    return float(tab.locator(f"#{drawing} rect.spread").nth(row).get_attribute("width"))


def test_the_lines_by_hand_have_one_axis(opened: Callable[..., Any]) -> None:
    tab = opened()
    tab.get_by_role("button", name="Six heights in cm").click()
    choose(tab, "gamma", 2.0)
    deviation = np.std([152, 158, 163, 171, 174, 190])
    wide = [spread(tab, "hand-drawing", row) for row in range(4)]
    assert wide[0] == pytest.approx(wide[1]) == pytest.approx(deviation * wide[2], rel=1e-3)
    assert wide[3] == pytest.approx(2 * wide[2], rel=1e-3)
    assert spread(tab, "hand-close", 0) > 10 * wide[2]


def pixel(tab: Any, place: str, x: float, y: float) -> list[int]:
    """The colour of the ground at a point of the square, each from 0 to 1, from the left and top."""
    found: list[int] = tab.locator(f"#{place} canvas").evaluate(
        """(each, [x, y]) => {
          const copy = new OffscreenCanvas(each.width, each.height).getContext("2d", {willReadFrequently: true});
          copy.drawImage(each, 0, 0);
          return [...copy.getImageData(Math.round(x * (each.width - 1)), Math.round(y * (each.height - 1)), 1, 1).data];
        }""",
        [x, y],
    )
    return found


def shows(tab: Any, place: str, predicted: list[list[int]], points: list[tuple[int, int]]) -> None:
    """That the ground is coloured by what was recorded at these rows and columns."""
    inner = tab.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--inner')")
    red = int(inner.strip()[1:3], 16)
    side = len(predicted)
    for row, line in points:
        share = predicted[row][line] / 100
        found = pixel(tab, place, line / (side - 1), row / (side - 1))
        assert found[3] == pytest.approx(255 * 0.75 * abs(2 * share - 1), abs=12)
        if abs(share - 0.5) > 0.15:
            assert (abs(found[0] - red) < 20) == (share > 0.5)


POINTS = [(0, 0), (16, 16), (8, 20), (25, 10), (31, 15)]


def test_the_boundary_is_what_each_network_predicted(
    opened: Callable[..., Any], recording: dict[str, Any]
) -> None:
    tab = opened()
    circles = recording["circles"]
    shown = circles["axes"]["epoch"]
    for rate, epoch in ((0.01, 0), (0.01, 20), (0.01, 60), (0.1, 4), (0.001, 100), (1.0, 100)):
        choose(tab, "circles-rate", rate)
        choose(tab, "circles-epoch", epoch)
        for run in (one for one in circles["runs"] if one["learning_rate"] == rate):
            place, variant = f"boundary-{run['variant']}", run["variant"]
            shows(tab, place, run["predicted"][shown.index(epoch)], POINTS)
            text = tab.locator(f"#boundary-accuracy-{variant}").inner_text()
            if epoch:
                right = run["validation"]["accuracy"][epoch - 1]
                assert number(text.partition(" ")[0]) == pytest.approx(100 * right, abs=0.051)
            else:
                assert text == "not trained yet"
    # Somewhere inside the square a trained network changes its mind, and a line says where.
    choose(tab, "circles-rate", 0.01)
    assert tab.locator("#boundary-after path.contour").get_attribute("d")


def test_the_boundary_s_table_is_what_was_recorded(
    opened: Callable[..., Any], recording: dict[str, Any]
) -> None:
    tab = opened()
    for rate in recording["circles"]["axes"]["learning_rate"]:
        choose(tab, "circles-rate", rate)
        runs = [one for one in recording["circles"]["runs"] if one["learning_rate"] == rate]
        both = [runs, [run.get("moving", run) for run in runs]]
        rows = [cells[1:] for cells in table(tab, "boundary-table")]
        for row, own in zip(rows[:2], both, strict=True):
            assert row == [
                "never" if run["arrives"] is None else str(run["arrives"]) for run in own
            ]
            for epoch in row:
                assert f" {epoch} " in says(tab, "boundary")
        for row, own in zip(rows[2:], both, strict=True):
            ends = [100 * run["validation"]["accuracy"][-1] for run in own]
            assert [number(one) for one in row] == pytest.approx(ends, abs=0.051)


def test_lag_shows_the_same_weights_by_two_kinds_of_statistics(
    opened: Callable[..., Any], recording: dict[str, Any]
) -> None:
    tab = opened()
    circles = recording["circles"]
    [learned] = [
        run
        for run in circles["runs"]
        if run["variant"] == "after" and run["learning_rate"] == circles["lag_rate"]
    ]
    place = circles["axes"]["epoch"].index(4)
    choose(tab, "lag-epoch", 4)
    for run in circles["lag"]:
        choose(tab, "lag-momentum", run["momentum"])
        for name, one in (("population", learned), ("moving", run)):
            shows(tab, f"lag-{name}", one["predicted"][place], POINTS)
            text = tab.locator(f"#lag-accuracy-{name}").inner_text()
            right = 100 * one["validation"]["accuracy"][3]
            assert number(text.partition(" ")[0]) == pytest.approx(right, abs=0.051)
        assert f"after:momentum={run['momentum']:g}" in tab.locator("#lagging .run").inner_text()


def test_the_commands_that_repeat_a_run_are_commands(opened: Callable[..., Any]) -> None:
    tab = opened()
    choose(tab, "momentum", 0.9)
    study = typer.main.get_command(app)
    codes = tab.locator(".run code").all_inner_texts()
    assert len(codes) == 6
    for code in codes:
        name, *arguments = code.split()
        assert name == "normwise"
        context = study.make_context("normwise", arguments, resilient_parsing=False)
        command = study.get_command(context, arguments[0])  # type: ignore[attr-defined]
        command.make_context(arguments[0], arguments[1:])


def test_all_of_it_works_by_keyboard(opened: Callable[..., Any]) -> None:
    tab = opened()
    reached: list[str] = []
    while reached[-1:] != ["play-lag-epoch"]:
        tab.keyboard.press("Tab")
        found = tab.evaluate(
            "(e => [e.id, getComputedStyle(e).outlineStyle])(document.activeElement)"
        )
        assert found[1] != "none"  # one sees where one is
        reached.append(found[0])
    assert [one for one in reached if one in SLIDERS] == SLIDERS
    tab.locator("#depth").focus()
    tab.keyboard.press("End")
    assert tab.locator("#depth").get_attribute("aria-valuetext") == "30"
    tab.keyboard.press("ArrowLeft")
    assert tab.locator("output[for=depth]").inner_text() == "10"
    for name in SLIDERS:
        assert tab.locator(f"label[for={name}]").inner_text()


def test_epochs_play_by_a_button_and_what_plays_is_not_read_out(
    opened: Callable[..., Any],
) -> None:
    tab = opened()
    assert tab.locator("#epoch").input_value() == "4"  # nothing plays by itself
    tab.locator("#play-epoch").focus()
    tab.keyboard.press("Space")
    assert tab.locator("#play-epoch .word").inner_text() == "Pause"
    assert tab.locator("#xray-says").get_attribute("aria-live") == "off"
    playwright.expect(tab.locator("#epoch")).to_have_value("5")
    tab.keyboard.press("Space")
    stopped = tab.locator("#epoch").input_value()
    assert tab.locator("#xray-says").get_attribute("aria-live") == "polite"
    tab.wait_for_timeout(600)
    assert tab.locator("#epoch").input_value() == stopped


def test_who_prefers_no_motion_goes_on_by_one_epoch_a_press(opened: Callable[..., Any]) -> None:
    tab = opened(reduced_motion="reduce")
    button = tab.locator("#play-epoch")
    assert button.locator(".word").inner_text() == "Next"
    for begin, end in (("0", "1"), ("19", "0")):  # behind the last epoch comes the first
        tab.locator("#epoch").fill(begin)
        button.click()
        tab.wait_for_timeout(600)
        assert tab.locator("#epoch").input_value() == end


def test_on_a_phone_nothing_is_wider(opened: Callable[..., Any]) -> None:
    tab = opened(viewport=PHONE, is_mobile=True, device_scale_factor=2)
    choose(tab, "depth", 30)
    for summary in tab.locator("summary").all():
        summary.click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # What has more columns than a phone has room scrolls by itself.
    assert tab.locator("#xray-table").evaluate("each => each.parentElement.clientWidth") <= 390


def test_on_a_phone_pictures_have_the_room(opened: Callable[..., Any]) -> None:
    tab = opened(viewport=PHONE, is_mobile=True, device_scale_factor=2)
    tab.locator("#curves-title").scroll_into_view_if_needed()
    stays = tab.locator(".when").bounding_box()
    assert stays["y"] >= 0
    assert stays["height"] < PHONE["height"] / 10
    for variant in ("none", "before", "after"):
        assert tab.locator(f"#boundary-{variant}").bounding_box()["width"] >= 180
    # An option and its value are not torn apart.
    lines = tab.locator(".run code span").evaluate_all(
        "all => all.map(each => each.getClientRects().length)"
    )
    assert set(lines) == {1}


CONTRASTS = """() => {
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const ground = each => {
    for (; each; each = each.parentElement) {
      const found = parts(getComputedStyle(each).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
  };
  const own = [...document.querySelectorAll("main *, header *, footer *")].filter(each =>
    [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && each.getClientRects().length);
  return own.map(each => {
    const style = getComputedStyle(each);
    const ink = light(parts(each instanceof SVGElement ? style.fill : style.color)), paper = light(ground(each));
    return [(Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05), each.textContent.slice(0, 40)];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_easy_to_read(opened: Callable[..., Any], scheme: str) -> None:
    tab = opened(color_scheme=scheme)
    found = tab.evaluate(CONTRASTS)
    assert len(found) > 200
    assert [one for one in found if one[0] < 4.5] == []


def test_dark_pages_are_dark_and_drawings_follow(opened: Callable[..., Any]) -> None:
    tab = opened(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(background) == "rgb(22, 24, 28)"
    tab.emulate_media(color_scheme="light")
    assert tab.evaluate(background) == "rgb(255, 255, 255)"


def test_on_paper_sliders_are_their_values(opened: Callable[..., Any]) -> None:
    tab = opened()
    tab.emulate_media(media="print")
    assert not tab.locator("#depth").is_visible()
    assert not tab.locator("#play-epoch").is_visible()
    assert tab.locator("output[for=depth]").inner_text() == "2"
    assert len(tab.pdf(format="A4")) > 50_000


def test_without_scripts_the_page_says_what_is_missing(browser: Any, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(file.as_uri())
    assert tab.locator("noscript p").is_visible()
    assert tab.locator("h2").count() == 5
    context.close()


def test_an_old_browser_has_the_chapter_that_needs_no_recording(browser: Any, file: Path) -> None:
    context = browser.new_context(viewport=DESKTOP)
    context.add_init_script("delete globalThis.DecompressionStream")
    tab = context.new_page()
    tab.goto(file.as_uri())
    tab.wait_for_selector("html[data-ready=yes] #hand-drawing svg", state="attached")
    assert "need a newer browser" in tab.locator("#not-unpacked").inner_text()
    tab.get_by_role("button", name="All alike").click()
    assert column(tab, "hand-table", 3) == [0.0] * 6
    context.close()
