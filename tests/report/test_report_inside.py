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
@pytest.mark.parametrize("epochs", [1, 2, 6])
@pytest.mark.parametrize("layers", [2, 5])
def test_every_chart_is_valid_finite_and_described(style: Style, epochs: int, layers: int) -> None:
    for one in inside_page("x", seen(epochs=epochs, layers=layers)).charts:
        spec = one.spec(style)
        alt.Chart.from_dict(spec).to_dict()
        assert all(map(np.isfinite, numbers(spec)))
        json.dumps(spec, allow_nan=False)
        assert len(spec["description"]) > 40
        assert "nan" not in spec["description"]


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
    assert [one.title for one in added][:1] == ["Gradients"]
    assert all(one.text and one.charts and one.caption for one in added)
    assert figure(looked) == figure(plain)
    assert as_html(looked).count("<svg") == len(looked.charts)


def test_a_page_of_a_network_alone_has_a_picture(page: Page) -> None:
    alone = inside_page("mine", {"model": [make_inside("none")]})
    assert alone.answer.headline == "No gradient vanishes, explodes or is stuck"
    shown = [one for one in alone.body if one.charts]
    assert len(figure(alone)["concat"]) == sum(len(one.charts) for one in shown)
    assert [one.title for one in alone.body][:1] == [one.title for one in page.body][:1]


def test_a_terminal_has_the_sentences_and_with_verbose_the_tables(page: Page) -> None:
    def text(**options: Any) -> str:
        console = Console(record=True, width=80, file=io.StringIO())
        print_page(page, console, **options)
        return console.export_text()

    assert "no gradient vanishes" in text()
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
    assert "medians of the 2 runs" in found.caption
