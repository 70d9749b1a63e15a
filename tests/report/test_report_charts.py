"""Charts: valid Vega-Lite, small, finite, and nothing left out."""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import altair as alt
import pytest
import vl_convert

from normwise.domain import RunRecord, Summary, Target
from normwise.report import DataPreview, Page, altair_chart, study_page
from normwise.report.axes import epoch_axis
from normwise.report.colors import variant_colors
from normwise.report.png import figure
from normwise.report.section import Spec, Style
from normwise.report.sections.curves import CurveChart
from normwise.report.sections.data import MOST_DOTS, DataChart
from normwise.report.vega import MOST_POINTS

Study = tuple[Summary, list[RunRecord]]
NAMES = [
    "none",
    "after",
    "before",
    "input",
    "after+input",
    "after:center=false,scale=false",
    "before:momentum=0.9",
    "after:norm=layer",
]
STYLES = [Style(legend=False, pointer=True), Style(legend=True, pointer=False)]


def _charts(page: Page, style: Style = STYLES[0]) -> list[Spec]:
    return [chart.spec(style) for chart in page.charts]


def _values(node: Any, key: str) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from ([node[key]] if key in node else [])
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _values(item, key)


def _y(chart: Any) -> Any:
    """The vertical axis, where its bounds are set."""
    return next(y for y in _values(chart, "y") if isinstance(y, dict) and "scale" in y)


def _validate(spec: Any) -> None:
    """Against Altair's schema; two rows of data stand for all, which would take seconds."""

    def shorten(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: v[:2] if k == "values" else shorten(v) for k, v in node.items()}
        return [shorten(item) for item in node] if isinstance(node, list) else node

    alt.Chart.from_dict(shorten(spec)).to_dict()


def _finite(spec: Any) -> str:
    return json.dumps(spec, allow_nan=False)


@pytest.mark.parametrize("style", STYLES)
def test_every_chart_is_valid(page: Page, style: Style) -> None:
    charts = _charts(page, style)
    assert [chart["name"] for chart in charts] == ["curves", "curves", "arrivals", "data"]
    for chart in charts:
        _finite(chart)
        _validate(chart)


def test_a_grid_is_a_heat_map(study_of: Callable[..., Study]) -> None:
    summary, records = study_of(["none", "after"], seeds=3)
    slow = [
        dataclasses.replace(
            record,
            learning_rate=1e-4,
            curves={name: tuple(0.1 for _ in values) for name, values in record.curves.items()},
        )
        for record in records
    ]
    page = study_page(summary, [*records, *slow], settings={}, preview=None)
    chart = next(c for c in _charts(page) if c["name"] == "grid")
    _validate(chart)
    cells = {(row["row"], row["column"]): row for row in chart["data"]["values"]}
    assert {key: row["share"] for key, row in cells.items()} == {
        ("none", "0.1"): 1, ("after", "0.1"): 1, ("none", "0.0001"): 0, ("after", "0.0001"): 0,
    }  # fmt: skip
    assert {row["replicas"] for row in cells.values()} == {1}
    assert chart["title"]["subtitle"][-1] == "of the 1 seeds that judge, where these were trained"
    assert cells["none", "0.0001"]["epochs"] == "–"
    assert "grid" not in {
        c["name"] for c in _charts(study_page(summary, records, settings={}, preview=None))
    }


@pytest.mark.parametrize("count", [1, 2, 5, 8])
@pytest.mark.parametrize("pointer", [True, False])
def test_the_figure_is_valid(study_of: Callable[..., Study], count: int, *, pointer: bool) -> None:
    page = study_page(*study_of(NAMES[:count], seeds=3), settings={}, preview=None)
    spec = figure(page, pointer=pointer)
    _finite(spec)
    _validate(spec)
    names = list(_values(spec, "name"))
    assert len(names) == len(set(names))


def test_the_altair_chart(page: Page) -> None:
    spec = altair_chart(page).to_dict()
    assert spec["concat"] == figure(page, pointer=True)["concat"]


def test_long_runs_are_thinned_and_keep_both_ends(study_of: Callable[..., Study]) -> None:
    page = study_page(*study_of(["none", "after"], seeds=3, epochs=1001), settings={}, preview=None)
    for chart in _charts(page):
        for rows in _values(chart, "values"):
            assert len(rows) <= 2 * 2 * (MOST_POINTS + 1)
    curves = _charts(page)[0]
    epochs = {row["epoch"] for row in curves["data"]["values"]}
    assert min(epochs) == 1
    assert max(epochs) == 1001
    assert "one epoch in 6" in curves["title"]["subtitle"]


def test_charts_of_a_hundred_variants_are_small_and_say_what_was_left_out(
    study_of: Callable[..., Study],
) -> None:
    names = ["none", *(f"after:momentum=0.{i:02d}" for i in range(1, 100))]
    summary, records = study_of(names, seeds=1)
    runs = [
        dataclasses.replace(run, key=dataclasses.replace(run.key, seed=seed))
        for seed in range(10)
        for run in records
    ]
    charts = _charts(study_page(summary, runs, settings={}, preview=None))
    assert sum(len(_finite(chart)) for chart in charts) < 1_000_000
    for chart in charts[:2]:
        assert chart["title"]["subtitle"].startswith("validation; ")
        assert "one epoch in 4" in chart["title"]["subtitle"]


def test_the_chart_holds_the_aggregate_not_the_replicas(page: Page) -> None:
    assert len(_finite(_charts(page)[0])) < 80_000


def test_the_target_is_in_its_panel_alone(page: Page) -> None:
    accuracy, loss, _, _ = _charts(page)
    low, high = _y(accuracy)["scale"]["domain"]
    assert low < 0.8 < high
    assert "target 0.8" in _finite(accuracy)
    assert "target 0.8" not in _finite(loss)


def test_wild_replicas_do_not_flatten_the_others(lost: Study) -> None:
    page = study_page(*lost, settings={}, preview=None)
    data = page.charts[1]
    assert isinstance(data, CurveChart)
    loss = data.spec(STYLES[0])
    assert any(max(curve.high) > 1e20 for curve in data.curves)
    assert _y(loss)["scale"]["domain"][1] < 2
    assert loss["title"]["subtitle"].endswith("cut at the top")


def test_other_metrics_than_accuracy(circles: Study) -> None:
    summary, records = circles
    rename = {"accuracy": "mae", "val_accuracy": "val_mae"}
    records = [
        dataclasses.replace(r, curves={rename.get(k, k): v for k, v in r.curves.items()})
        for r in records
    ]
    summary = dataclasses.replace(summary, target=Target.parse("val_mae>=0.8"))
    charts = _charts(study_page(summary, records, settings={}, preview=None))
    titles = [chart["title"]["text"] for chart in charts]
    assert titles == ["Mae", "Loss", "Replicas that reached the target"]


def test_one_color_a_variant_everywhere(page: Page) -> None:
    colors = variant_colors(["none", "after", "before"])
    ranges = [
        color["scale"]
        for chart in _charts(page)
        for color in _values(chart, "color")
        if isinstance(color, dict)
    ]
    assert len(ranges) == 8
    assert all(scale["domain"] == list(colors) for scale in ranges)
    assert all(scale["range"] == list(colors.values()) for scale in ranges)


def test_eight_variants_have_eight_colors() -> None:
    assert len(set(variant_colors(NAMES).values())) == 8


def test_the_data_are_thinned(preview: DataPreview) -> None:
    many = dataclasses.replace(preview, points=preview.points * 7, labels=preview.labels * 7)
    chart = DataChart(many).spec(STYLES[0])
    assert len(chart["data"]["values"]) <= MOST_DOTS
    assert "1000 of 3500 points" in chart["title"]["subtitle"]
    assert {row["class"] for row in chart["data"]["values"]} == {"inner", "outer"}


def test_hostile_names_are_text_wherever_they_are_drawn(study_of: Callable[..., Study]) -> None:
    """As Vega draws them: whole, and nothing of them is run."""
    names = ["none", 'a"b', "it's\\", "<script>alert(1)</script>", "\u202eright", "${x}`y`"]
    summary, records = study_of(names, seeds=4, epochs=10)
    other = [dataclasses.replace(record, learning_rate=1e-4) for record in records]
    page = study_page(summary, [*records, *other], settings={}, preview=None)
    assert [chart["name"] for chart in _charts(page)] == ["curves", "curves", "arrivals", "grid"]
    svg = vl_convert.vegalite_to_svg(figure(page))
    assert "<script" not in svg
    drawn = [html.unescape(text) for text in re.findall(r"<t(?:ext|span)[^>]*>([^<]+)</t", svg)]
    for name in names:
        assert drawn.count(name) == 4


def test_long_names_of_rows_are_drawn_in_lines(study_of: Callable[..., Study]) -> None:
    summary, records = study_of(["none", "after:momentum=0.9,scale=false"], seeds=4, epochs=10)
    other = [dataclasses.replace(record, learning_rate=1e-4) for record in records]
    page = study_page(summary, [*records, *other], settings={}, preview=None)
    grid = next(chart for chart in _charts(page) if chart["name"] == "grid")
    svg = vl_convert.vegalite_to_svg({**grid, "width": 200})
    lines = re.findall(r"<t(?:ext|span)[^>]*>([^<]+)</t", svg)
    assert {"none", "after:momentum=0.9,", "scale=false"} <= set(lines)


def test_charts_agree_on_epochs_and_seeds_with_the_table(study_of: Callable[..., Study]) -> None:
    """Half of the seeds choose between two rates, and the others alone are counted."""
    summary, records = study_of(["none", "after"], seeds=10)
    other = [dataclasses.replace(record, learning_rate=1e-4) for record in records]
    page = study_page(summary, [*records, *other], settings={}, preview=None)
    charts = [chart for chart in _charts(page) if chart["name"] in ("curves", "arrivals")]
    assert len(charts) == 3
    for chart in charts:
        assert "the 5 seeds that judge" in chart["title"]["subtitle"]
        domains = [x["scale"]["domain"] for x in _values(chart, "x") if "scale" in x]
        assert domains == [[0, 100]] * len(domains) != []
    curves = next(chart for chart in page.charts if isinstance(chart, CurveChart))
    assert {count for curve in curves.curves for count in curve.replicas} == {5}
    whole = study_page(summary, records, settings={}, preview=None)
    assert "that judge" not in "".join(map(_finite, _charts(whole)))


def test_every_chart_says_in_plain_words_what_it_shows(page: Page) -> None:
    texts = [chart["description"] for chart in _charts(page)]
    assert not any("`" in text for text in texts)
    finals = {
        one.variant: one.median[-1] for one in _curves(page).curves if one.part == "validation"
    }
    for name, final in finals.items():
        assert f"{name} ends at {final:.3f}" in texts[0]
    assert "the target is 0.8" in texts[0]
    assert "none 100% by epoch" in texts[2]
    assert texts[3].startswith("Points of 2 classes (inner; outer) by x₁ and x₂")


def _curves(page: Page) -> CurveChart:
    return next(chart for chart in page.charts if isinstance(chart, CurveChart))


def test_legends_show_whole_dashes(page: Page) -> None:
    """As Vega draws them: a solid stroke, and two whose dashes repeat within their length."""
    svg = vl_convert.vegalite_to_svg(figure(page))
    strokes = re.findall(r'd="M-([\d.]+),0L[^>]*stroke-dasharray="([\d.]+),([\d.]+)"', svg)
    dashes = {(float(dash), float(gap)): 2 * float(half) for half, dash, gap in strokes}
    assert sorted(dashes) == [(1, 0), (2, 2.5)]
    assert all(length >= 2 * (dash + gap) for (dash, gap), length in dashes.items())


@pytest.mark.parametrize("epochs", [2, 3, 4, 30])
def test_an_axis_of_epochs_numbers_whole_ones_and_each_once(epochs):
    """As Vega draws it: of few epochs it marks halves, which are not to be called by a number."""
    rows = [{"epoch": epoch + 1, "value": epoch} for epoch in range(epochs)]
    spec = {
        "data": {"values": rows},
        "mark": "line",
        "encoding": {
            "x": epoch_axis(epochs),
            "y": {"field": "value", "type": "quantitative", "axis": None},
        },
    }
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", vl_convert.vegalite_to_svg(spec))
    numbers = [text for text in texts if text.isdigit()]
    assert len(numbers) == len(set(numbers)) >= 2
    assert set(numbers) <= {str(epoch) for epoch in range(epochs + 1)}
