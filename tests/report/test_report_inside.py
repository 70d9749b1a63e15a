"""What probes saw: a section each, with what is seen in a sentence and in a picture."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator
from typing import Any

import altair as alt
import numpy as np
import pytest
from report.insides import make_inside
from rich.console import Console

from normwise.domain import Inside, RunRecord, Summary
from normwise.report import Page, Section, inside_page, print_page, study_page
from normwise.report.histogram_chart import HistogramChart
from normwise.report.line_chart import LineChart
from normwise.report.notebook import as_html
from normwise.report.png import figure
from normwise.report.section import Style

Study = tuple[Summary, list[RunRecord]]
STYLES = [Style(legend=False, pointer=True), Style(legend=True, pointer=False)]
NAMES = ("none", "after", "before")


def seen(**changes: Any) -> dict[str, list[Inside]]:
    return {name: [make_inside(name, seed, **changes) for seed in range(2)] for name in NAMES}


def section(page: Page, title: str) -> Section:
    return page.section(title)


def chart(found: Section, title: str) -> LineChart:
    own = {one.title: one for one in found.charts if isinstance(one, LineChart)}
    return own[title]


def numbers(node: Any) -> Iterator[float]:
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from numbers(one)
    elif isinstance(node, float):
        yield node


@pytest.fixture
def page() -> Page:
    """Of three networks."""
    return inside_page("circles", seen())


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("epochs", "layers"), [(1, 2), (2, 2), (6, 5), (1, 1)])
def test_every_chart_is_finite_and_described(style: Style, epochs: int, layers: int) -> None:
    for one in inside_page("x", seen(epochs=epochs, layers=layers)).charts:
        spec = one.spec(style)
        assert all(map(np.isfinite, numbers(spec)))
        json.dumps(spec, allow_nan=False)
        assert len(spec["description"]) > 40
        assert "nan" not in spec["description"]


def test_every_kind_of_chart_is_valid() -> None:
    """Against Altair's schema; two rows of data stand for all, which would take seconds."""
    charts = {}
    for one in inside_page("x", {"after": [make_inside("after")]}).charts:
        spec = one.spec(STYLES[0])
        spec["data"] = {"values": spec["data"]["values"][:2]}
        charts[str(spec["encoding" if "encoding" in spec else "layer"])] = spec
    kinds = {
        (spec["name"], len(spec.get("layer", [])), str(spec).count("'log'")): spec
        for spec in charts.values()
    }
    assert len(kinds) >= 4
    for spec in kinds.values():
        alt.Chart.from_dict(spec).to_dict()


def test_what_is_not_finite_is_left_out_and_said() -> None:
    broken = {
        name: [
            dataclasses.replace(run, series={k: np.full(v.shape, np.nan) for k, v in run.series.items()})
            for run in runs
        ]
        for name, runs in seen().items()
    }  # fmt: skip
    page = inside_page("x", broken)
    assert page.answer.headline == "In `none`, `after` and `before` gradients explode"
    said = " ".join(page.notes)
    assert "nan" not in said
    assert "are not finite" in said
    half = {**broken, "after": seen()["after"]}
    for one in inside_page("x", half).charts:
        json.dumps(one.spec(STYLES[0]), allow_nan=False)


def test_a_study_shows_them_behind_its_charts_and_its_picture_stays(circles: Study) -> None:
    inside = [run for runs in seen().values() for run in runs]
    plain = study_page(*circles, settings={}, preview=None)
    looked = study_page(*circles, settings={}, preview=None, inside=inside)
    assert looked.lead == plain.lead
    assert looked.body[: len(plain.body)] == plain.body
    assert looked.details[: len(plain.details)] == plain.details
    added = looked.body[len(plain.body) :]
    assert [one.title for one in added] == [
        "Gradients", "Activations", "Internal covariate shift", "Landscape of the loss",
        "What normalisation holds",
    ]  # fmt: skip
    assert all(one.text and one.charts and one.caption for one in added)
    assert figure(looked) == figure(plain)
    assert as_html(looked).count("<svg") == len(looked.charts)


def test_a_page_of_a_network_alone_has_a_picture(page: Page) -> None:
    alone = inside_page("mine", {"model": [make_inside("none")]})
    assert alone.answer.headline == "No gradient vanishes, explodes or is stuck"
    shown = [one for one in alone.body if one.charts]
    assert len(figure(alone)["concat"]) == sum(len(one.charts) for one in shown)
    assert {one.title for one in alone.body} < {one.title for one in page.body}


def test_a_terminal_has_the_sentences_and_with_verbose_the_tables(page: Page) -> None:
    def text(**options: Any) -> str:
        console = Console(record=True, width=80, file=io.StringIO())
        print_page(page, console, **options)
        return console.export_text()

    assert "No gradient vanishes, explodes or is stuck." in text()
    assert "first over" not in text()
    assert "first over" in text(verbose=True)


def test_a_headline_says_who_is_alike() -> None:
    runs = {f"m{i}": [make_inside(factor=factor)] for i, factor in enumerate((0.05, 0.01, 0.05, 1))}
    assert inside_page("x", runs).answer.headline == (
        "In `m0` and `m2` gradients vanish and in `m1` gradients vanish and weights are stuck"
    )


def test_gradients_by_layer() -> None:
    runs = seen() | {"none": [make_inside("none", seed, factor=0.05) for seed in range(2)]}
    page = inside_page("x", runs)
    assert page.answer.headline == "In `none` gradients vanish"
    found = section(page, "Gradients")
    assert found.text == (
        "The gradient of the first layer is 1.3×10⁻⁴ (none), 1.0 (after) and 1.0 (before) of that of "
        "the last one, at a typical epoch.",
        "none in 2 of 2 runs: gradients vanish at all 6 epochs. At epoch 1 dense_0, the first of 4 "
        "layers, has 1.3×10⁻⁴ of the gradient of the last one; less than a thousandth in layer 1.",
        "after and before: no gradient vanishes, explodes or is stuck.",
    )
    first, last = chart(found, "gradients at epoch 1"), chart(found, "gradients at epoch 6")
    [none, *_] = first.lines
    assert none.x == (1, 2, 3, 4)
    np.testing.assert_allclose(none.value, [1.25e-4, 2.5e-3, 0.05, 1])
    assert first.domain == last.domain == pytest.approx((1.25e-4, 1))
    assert "the median of the 2 runs" in found.caption


def lines_of(chart: LineChart) -> dict[str, tuple[float, ...]]:
    return {line.variant: line.value for line in chart.lines}


def test_gradients_over_the_epochs_and_updates() -> None:
    norm = np.ones((6, 4))
    norm[:, 0] = np.geomspace(1, 1e-5, 6)
    update = np.full((6, 4), 1e-3)
    update[:, 1] = 1e-9
    runs = {"none": [make_inside(gradients_norm=norm, gradients_update=update)]}
    found = section(inside_page("x", runs), "Gradients and updates")
    over = chart(found, "gradient of the first layer over that of the last")
    np.testing.assert_allclose(lines_of(over)["none"], np.geomspace(1, 1e-5, 6))
    assert lines_of(chart(found, "update of the layer that moves least"))["none"] == (1e-9,) * 6
    by_layer = chart(found, "updates by layer, at a typical epoch")
    assert lines_of(by_layer)["none"] == pytest.approx((1e-3, 1e-9, 1e-3, 1e-3))
    [*rules, _] = by_layer.spec(STYLES[0])["layer"]
    assert [rule["data"]["values"][0]["value"] for rule in rules] == [2.0**-24]
    assert found.text == (
        "What was looked into trained once more for it: its losses over the first epoch are those "
        "of the study up to 10⁻⁷ of them.",
    )
    assert found.table is not None
    [row] = found.table.rows
    assert [cell.text for cell in row] == ["none", "1.0", "10⁻⁵", "10⁻⁹", "10⁻⁹"]


def test_an_inner_unit_over_the_training() -> None:
    """The middle one of the last hidden layer, and what goes into its activation."""

    def of(variant: str, into: int, wanders: float) -> Inside:
        made = make_inside(variant)
        quantiles = np.array(made.series["activations/unit_quantiles"])
        quantiles[:, into, 8] = np.linspace(0, wanders, 6)[:, None] + [-1.0, 0.0, 1.0]
        return make_inside(variant, activations_unit_quantiles=quantiles)

    # Three hidden layers: of two signals each without normalisation, of three with it.
    runs = {
        "none": [of("none", 4, 3.0)],
        "before": [of("before", 7, 0.5)],
        "after": [of("after", 6, 2)],
    }
    page = inside_page("x", runs)
    found = section(page, "Activations")
    assert found.text[0] == (
        "Over the training the median of what goes into an inner unit wanders over 3.0 (none), "
        "0.50 (before) and 2.0 (after) times its own spread: below 0.1 it hardly moves, above 1 it "
        "leaves the band in which it lay."
    )
    panels = [one for one in found.charts if isinstance(one, LineChart)]
    assert [one.title for one in panels] == [f"an inner unit: {name}" for name in runs]
    assert {one.domain for one in panels} == {(-1.0, 4.0)}
    [line] = panels[0].lines
    np.testing.assert_allclose(
        [line.low, line.value, line.high], np.add.outer([-1, 0, 1], np.linspace(0, 3, 6))
    )


def test_of_many_variants_some_have_a_panel() -> None:
    runs = {f"after:momentum=0.{i}": [make_inside("after")] for i in range(1, 7)}
    found = section(inside_page("x", runs), "Activations")
    assert len(found.charts) == 4
    assert "2 more variants are left out here." in found.caption


def test_a_network_in_which_all_examples_look_alike_is_named() -> None:
    alike = {
        "activations_unit_deviation": np.full((6, 7, 16), 1e-7),
        "activations_mean": np.full((6, 7), 3.0),
        "activations_deviation": np.full((6, 7), 4.0),
    }
    runs = {"none": [make_inside("none", **alike)], "after": [make_inside("after")]}
    said = section(inside_page("x", runs), "Activations").text
    assert (
        "none: what goes into the last hidden layer's activations varies from example to example "
        "by 2×10⁻⁸ of its size: there all examples look alike."
    ) in said
    assert not any(sentence.startswith("after") for sentence in said)


def test_bands_by_layer_are_of_nine_in_ten_values() -> None:
    details = section(inside_page("x", seen()), "Activations, layer by layer")
    titles = [one.title for one in details.charts if isinstance(one, LineChart)]
    assert titles[:4] == [
        "into the activations, by layer",
        *(f"into the activation of layer {layer}" for layer in (1, 2, 3)),
    ]
    for title in titles[:4]:
        for line in chart(details, title).lines:
            np.testing.assert_allclose([line.low[0], line.high[0]], [-1.645, 1.645])


def test_saturated_and_dead_units_by_layer() -> None:
    saturated = np.full((6, 7), np.nan)
    saturated[:, 1::2] = [0.1, 0.8, 0.3]  # of the activations alone
    runs = {"none": [make_inside("none", activations_saturated=saturated)]}
    page = inside_page("x", runs)
    assert section(page, "Activations").text[-1] == (
        "At the last look 80% of the values are saturated, in the layer with most of them."
    )
    details = section(page, "Activations, layer by layer")
    shares = chart(details, "saturated, by layer, at epoch 6")
    assert lines_of(shares) == {"none": (0.1, 0.8, 0.3)}
    assert not [one for one in details.charts if getattr(one, "title", "").startswith("dead")]


def test_histograms_are_of_what_a_normalisation_takes_and_gives() -> None:
    made = make_inside("after")
    mean, deviation = np.zeros((6, 10)), np.ones((6, 10))
    mean[:, 4], deviation[:, 4] = 5.0, 2.0  # the second of three activations
    changed = {"activations_mean": mean, "activations_deviation": deviation}
    page = inside_page("x", {"after": [make_inside("after", **changed)], "none": [make_inside()]})
    after, none = [
        one
        for one in section(page, "Activations, layer by layer").charts
        if isinstance(one, HistogramChart)
    ]
    assert made.names["kinds"][4:6] == ("activations", "normalised")
    assert (after.parts["before normalisation"].mean, after.parts["behind it"].mean) == (5.0, 0.0)
    assert list(none.parts) == ["into the activation"]
    for one in after.parts.values():
        x, density = np.array(list(one.points())).T
        assert density.sum() * (x[1] - x[0]) == pytest.approx(1)
        assert (x * density).sum() / density.sum() == pytest.approx(one.mean, abs=1e-6)


def test_drift_is_of_what_layers_take() -> None:
    """Of the last that is computed before a layer with weights, in each of three."""
    drift = np.full((6, 10), 99.0)
    drift[:, [2, 5, 8]] = [0.1, 0.2, 0.6]
    mean, deviation = np.zeros((6, 10, 16)), np.ones((6, 10, 16))
    mean[3:], deviation[3:] = 3.0, 5.0
    changed = {"activations_unit_mean": mean, "activations_unit_deviation": deviation}
    page = inside_page("x", {"after": [make_inside("after", shift_drift=drift, **changed)]})
    found = section(page, "Internal covariate shift")
    assert found.text[0] == "A step moves what a layer takes by 0.20 of its deviation."
    assert lines_of(chart(found, "drift in a step")) == {"after": (0.2,) * 6}
    between = chart(
        section(page, "Shift from epoch to epoch, and of gradients"),
        "drift from one epoch to the next",
    )
    # At the fourth look: √(3² + 4²) over the deviation before, 1; what is 0 is not drawn.
    assert [(line.x, line.value) for line in between.lines] == [((4.0,), (5.0,))]


def renamed(run: Inside, **names: tuple[str, ...] | None) -> Inside:
    """The same run with other names; those that are ``None`` are not there."""
    own = {**run.names, **names}
    return dataclasses.replace(run, names={k: v for k, v in own.items() if v is not None})


def test_a_signal_says_which_one_it_is_made_of() -> None:
    """Two branches and their sum: what was computed last is not what a layer takes."""
    kinds = ("sums", "activations", "sums", "activations", "inputs", "sums", "activations")
    takes = ("", "0", "", "2", "", "4", "5")
    drift = np.full((6, 7), 99.0)
    drift[:, 4] = 0.3
    quantiles = np.array(make_inside(layers=4).series["activations/quantiles"])
    quantiles[:, [0, 2], 4] = [5.0, 7.0]
    changed = {"shift_drift": drift, "activations_quantiles": quantiles}
    made = renamed(
        make_inside("none", epochs=6, **changed), kinds=kinds, takes=takes, outputs=("6",)
    )
    page = inside_page("x", {"none": [made]})
    shift = section(page, "Internal covariate shift")
    assert shift.text[0] == "A step moves what a layer takes by 0.30 of its deviation."
    into = chart(section(page, "Activations, layer by layer"), "into the activations, by layer")
    assert lines_of(into) == {"none": (5.0, 7.0)}


def test_an_output_is_no_hidden_layer() -> None:
    made = make_inside("none", layers=2)
    kinds, takes = ("sums", "sums", "activations"), ("", "0", "1")
    own = renamed(made, kinds=kinds, takes=takes, outputs=("2",))
    page = inside_page("x", {"none": [own]})
    assert "Activations" not in [one.title for one in page.body]


def test_what_an_older_version_saw_keeps_reading() -> None:
    """There nothing says what a signal is made of: it is what stands before it."""
    new = seen()
    old = {
        name: [renamed(run, takes=None, shifted_places=None) for run in runs]
        for name, runs in new.items()
    }
    one, two = (inside_page("x", runs) for runs in (new, old))
    assert one.notes == two.notes
    assert [own.spec(STYLES[0]) for own in one.charts] == [
        own.spec(STYLES[0]) for own in two.charts
    ]


def test_layers_of_one_name_are_told_apart() -> None:
    made = make_inside(layers=5, shift_cosine=np.tile([0.9, 0.8, 0.7, 0.6], (6, 1)))
    alike = {"layers": ("a", "b", "a", "b", "o"), "shifted": ("b", "a", "b", "o")}
    for places in (("1", "2", "3", "4"), None):
        page = inside_page("x", {"none": [renamed(made, **alike, shifted_places=places)]})
        found = chart(section(page, "Internal covariate shift"), "cosine of gradients by layer")
        assert found.lines[0].x == (2, 3, 4, 5)


def test_cosines_stand_at_the_layers_that_were_looked_at() -> None:
    made = make_inside(
        "none", shift_cosine=np.tile([0.9, 0.5], (6, 1)), shift_relative=np.ones((6, 2))
    )
    names = {**made.names, "shifted": ("dense_1", "dense_3")}
    page = inside_page("x", {"none": [dataclasses.replace(made, names=names)]})
    [line] = chart(section(page, "Internal covariate shift"), "cosine of gradients by layer").lines
    assert (line.x, line.value) == ((2.0, 4.0), (0.9, 0.5))


def test_the_landscape_is_ranges_along_the_step() -> None:
    low, high = np.linspace(2, 1, 6), np.linspace(2.5, 2, 6)
    loss = np.stack([low, high, *[(low + high) / 2] * 5], 1)
    page = inside_page("x", {"none": [make_inside(landscape_loss=loss + i) for i in range(3)]})
    found = section(page, "Landscape of the loss")
    assert found.text[0] == (
        "Along a step, at 0.5 to 4 times its size, the loss ranges over 0.75, at a typical epoch."
    )
    [line] = chart(found, "loss along the step").lines
    np.testing.assert_allclose(line.low, low + 1)
    np.testing.assert_allclose(line.high, high + 1)
    assert chart(found, "loss along the step").scale == "linear"
    falling = inside_page("x", {"none": [make_inside(landscape_loss=loss**9)]})
    assert chart(section(falling, "Landscape of the loss"), "loss along the step").scale == "log"
    assert found.text[1].startswith("Along it the gradient changes by up to 6.8 times")
    by_size = chart(section(page, "Along the step, by its size"), "loss by the size of the step")
    assert by_size.lines[0].x[0] == 0.5
    assert by_size.lines[0].x[-1] == 4.0


def test_what_normalisation_holds() -> None:
    gamma = np.tile(np.linspace(0, 15, 16), (6, 3, 1))
    beta = np.zeros((6, 3, 16))
    lag = np.tile(np.linspace(3, 0.5, 6)[:, None], (1, 3))
    changed = {"statistics_gamma": gamma, "statistics_beta": beta, "statistics_mean_lag": lag}
    runs = {"after": [make_inside("after", **changed)]}
    page = inside_page("x", {"none": [make_inside()], **runs})
    found = section(page, "What normalisation holds")
    low, high = np.percentile(gamma[0], (10, 90))
    assert found.text == (
        f"At the last look 80% of the units have γ from {low:.1f} to {high:.0f} and β from 0 to 0 "
        "(after).",
        "Moving means are then 0.50 (after) deviations off those of the population.",
        "The mean of one batch scatters by 0.10 (after) deviations: noise in training.",
    )
    [line] = chart(found, "scale γ of all normalisations").lines
    assert (line.low[0], line.value[0], line.high[0]) == pytest.approx((low, 7.5, high))


def test_moving_statistics_that_lag_are_the_headline() -> None:
    lag, ratio = np.full((6, 3), 0.1), np.ones((6, 3))
    lag[-1], ratio[-1] = (0.1, 0.9, 0.2), (1.0, 0.5, 1.2)
    lag[0] = 40  # where training begins they always do
    changed = {"statistics_mean_lag": lag, "statistics_variance_ratio": ratio}
    page = inside_page("x", {"mine": [make_inside("after", **changed)]})
    assert page.answer.headline == (
        "No gradient vanishes, explodes or is stuck; moving statistics lag"
    )
    assert "means are up to 0.90 deviations off and variances by a factor of up to 2.0:" in (
        page.answer.text
    )
    assert "normwise diagnose" in page.next_step.text
    settled = {"statistics_mean_lag": lag[:1] / 400, "statistics_variance_ratio": ratio[:1]}
    page = inside_page("x", {"mine": [make_inside("after", epochs=1, **settled)]})
    assert not page.answer.text
    assert page.next_step is None


def test_noise_that_one_batch_cannot_show_is_not_told() -> None:
    unknown = np.full((6, 3), np.nan)
    page = inside_page("x", {"mine": [make_inside("after", statistics_mean_noise=unknown)]})
    assert not any("noise" in line for line in section(page, "What normalisation holds").text)


def test_what_a_normalisation_does_not_have_is_not_told() -> None:
    none = np.full((6, 3, 16), np.nan)
    alone = {"mine": [make_inside("after", statistics_gamma=none)]}
    found = section(inside_page("x", alone), "What normalisation holds")
    assert found.text[0] == "At the last look 80% of the units have β from 0 to 0."
    assert [one.title for one in found.charts] == ["shift β of all normalisations"]
    neither = {"mine": [make_inside("after", statistics_gamma=none, statistics_beta=none)]}
    page = inside_page("x", neither)
    assert not any("80%" in said for said in page.notes)
    broken = np.ones((6, 3, 16))
    broken[4:] = np.nan
    run = make_inside("after", statistics_gamma=broken, statistics_beta=broken)
    said = " ".join(inside_page("x", {"mine": [run]}).notes)
    assert "—" not in said


def test_without_normalisation_nothing_is_said_of_what_it_holds() -> None:
    page = inside_page("x", {"none": [make_inside()]})
    assert [one.title for one in page.body] == [
        "Gradients", "Activations", "Internal covariate shift", "Landscape of the loss",
    ]  # fmt: skip


def test_runs_that_end_early_are_drawn_to_their_end() -> None:
    page = inside_page("x", {"none": [make_inside(epochs=3)], "after": [make_inside("after")]})
    over = chart(
        section(page, "Gradients and updates"), "gradient of the first layer over that of the last"
    )
    assert [line.x[-1] for line in over.lines] == [3, 6]
    both = {"none": [make_inside(epochs=3), make_inside(seed=1)]}
    along = chart(section(inside_page("x", both), "Landscape of the loss"), "loss along the step")
    alone = chart(
        section(inside_page("x", {"none": both["none"][1:]}), "Landscape of the loss"), along.title
    )
    # The median of the two, then the one that goes on.
    assert lines_of(along)["none"][3:] == lines_of(alone)["none"][3:]


def test_a_unit_that_gives_one_value_does_not_drift() -> None:
    """What rounding makes of it is no deviation."""
    mean, deviation = np.full((6, 10, 16), -0.017), np.ones((6, 10, 16))
    mean[1:] -= 1e-3
    deviation[..., 3] = 5.6e-9
    changed = {"activations_unit_mean": mean, "activations_unit_deviation": deviation}
    page = inside_page("x", {"after": [make_inside("after", **changed)]})
    found = section(page, "Shift from epoch to epoch, and of gradients")
    [line] = chart(found, "drift from one epoch to the next").lines
    assert line.value == pytest.approx((1e-3,))


def test_one_look_is_drawn_by_layer_and_by_size() -> None:
    for page in (
        inside_page("x", seen(epochs=1)),
        inside_page("x", {"m": [make_inside("after", epochs=1)]}),
    ):
        drawn = [one for one in page.charts if isinstance(one, LineChart)]
        assert {one.across for one in drawn} == {"layer", "times the step", "normalisation"}
        assert all(one.charts and one.text for one in page.body)
        assert len(page.body) == 5
        assert not [said for said in page.notes if "typical" in said or "At the last" in said]


def test_steps_of_the_users_own_leave_the_signals() -> None:
    made = make_inside("after")
    kept = {name: one for name, one in made.series.items() if name.startswith(("activ", "stat"))}
    page = inside_page("x", {"model": [dataclasses.replace(made, series=kept)]})
    assert [one.title for one in page.body] == ["Activations", "What normalisation holds"]
    assert page.answer.headline.startswith("Signals alone")
    both = inside_page("x", {"a": [dataclasses.replace(made, series=kept)], "b": [made]})
    assert len(both.body) == 5


def test_a_page_of_four_variants_thirty_layers_and_a_hundred_epochs_is_small() -> None:
    names = ("none", "before", "after", "input+after")
    runs = {name: [make_inside(name, i, epochs=100, layers=31) for i in range(2)] for name in names}
    specs = [one.spec(STYLES[0]) for one in inside_page("x", runs).charts]
    assert len(json.dumps(specs)) < 700_000


def test_epochs_have_the_numbers_that_fit_gave_them() -> None:
    """Of a training that went on at the fifth."""
    run = dataclasses.replace(make_inside("none", epochs=3, factor=0.05), at=(5, 6, 7))
    page = inside_page("x", {"mine": [run]})
    titles = [one.title for one in page.charts if isinstance(one, LineChart)]
    assert "gradients at epoch 5" in titles
    assert "gradients at epoch 7" in titles
    assert "into the activations, by layer" in titles
    over = [one for one in page.charts if isinstance(one, LineChart) and one.across == "epoch"]
    assert {line.x for one in over for line in one.lines} <= {(5, 6, 7), (6, 7)}
    [said] = [text for text in section(page, "Gradients").text if "vanish at" in text]
    assert said.startswith("mine: gradients vanish at all 3 epochs. At epoch 5 dense_0")
    one_look = dataclasses.replace(make_inside("none", epochs=1), at=(5,))
    charts = inside_page("x", {"mine": [one_look]}).charts
    assert not [one for one in charts if getattr(one, "across", "") == "epoch"]


def test_weights_that_nothing_moves_are_finite() -> None:
    """Of kernels that are 0 an older version has 0 over 0."""
    still, unknown = np.zeros((6, 2)), np.full((6, 2), np.nan)
    for update in (still, unknown):
        run = make_inside(layers=2, gradients_norm=still, gradients_update=update)
        [said] = [
            text for text in inside_page("x", {"mine": [run]}).notes if "weights are stuck" in text
        ]
        assert said.endswith("a step leaves those of all 2 layers as they are.")


def test_layers_that_could_not_be_looked_at_are_named() -> None:
    run = renamed(make_inside(), unseen=("cell",))
    caption = section(inside_page("x", {"none": [run]}), "Gradients").caption
    assert caption.endswith("Not looked at, as what they compute cannot be seen: cell.")


def test_a_network_alone_is_not_named_in_its_charts() -> None:
    name = "a model with a long name, longer than a phone is wide"
    for one in inside_page("x", {name: [make_inside()]}).charts:
        if isinstance(one, LineChart):
            spec = one.spec(STYLES[1])
            assert "text" not in json.dumps(spec["layer"])
            assert spec["layer"][-1]["layer"][-1]["encoding"]["color"]["legend"] is None


@pytest.mark.parametrize(
    ("cosine", "said"),
    [
        (0.999, "hardly a turn"),
        (0.95, "a small turn"),
        (0.6, "a clear turn"),
        (-0.2, "a large turn"),
    ],
)
def test_a_turn_is_said_in_words(cosine: float, said: str) -> None:
    run = make_inside(shift_cosine=np.full((6, 3), cosine))
    text = section(inside_page("x", {"none": [run]}), "Internal covariate shift").text
    assert text[1].endswith(f", {said}.")


def test_whether_the_loss_is_smoother_is_said_of_networks_that_learn() -> None:
    def of(variant: str, span: float, falls: float = 0.5) -> list[Inside]:
        loss = np.tile(np.linspace(1, 1 + span, 7), (6, 1))
        start = np.linspace(2, 2 * (1 - falls), 6)
        return [make_inside(variant, landscape_loss=loss, gradients_loss=start)]

    runs = {
        "none": of("none", 0.4),
        "before": of("before", 0.1),
        "after": of("after", 0.5),
        "input": of("before", 1.2),
    }
    text = section(inside_page("x", runs), "Landscape of the loss").text
    assert text[1:4] == (
        "By that range it is 4.0 times as smooth with before as without normalisation.",
        "By that range it is about as smooth with after as without normalisation.",
        "By that range it is 3.0 times as rough with input as without normalisation.",
    )
    still = {**runs, "none": of("none", 0.001, falls=0.01)}
    text = section(inside_page("x", still), "Landscape of the loss").text
    assert text[1] == (
        "Where a network hardly learns, here none, that says nothing about how smooth its loss is."
    )
    assert not any("as without" in sentence for sentence in text)


def test_looks_at_steps_are_not_called_epochs() -> None:
    """Where looks are at some steps of an epoch, no sentence and no axis speaks of epochs."""
    run = make_inside("before")
    looks = tuple(range(1, 20 * run.epochs, 20))
    at_steps = dataclasses.replace(run, unit="step", at=looks, difference=None)
    page = inside_page("mine", {"mine": [at_steps]})
    said = [text for one in page.sections for text in (*one.text, one.caption, one.title)]
    charts = [chart.spec(STYLES[1]) for one in page.sections for chart in one.charts]
    drawn = [json.dumps(one).replace('"epoch": ', "") for one in charts]
    assert any("a look each at step 1, 21" in text for text in said)
    assert not [text for text in (*said, *drawn) if "epoch" in text]
