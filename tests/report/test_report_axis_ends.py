"""Where variants end along an axis of the grid: table, sentence and chart."""

import json

import altair as alt
import pytest

from normwise.analysis import summarise
from normwise.domain import RunKey, RunRecord, Target
from normwise.report import study_page
from normwise.report.section import Style
from normwise.report.sections.axis_ends import AxisEndChart

TARGET = Target.parse("val_accuracy>=0.6")


def runs(variant, ends, diverged=()):
    return [
        RunRecord(
            RunKey(variant, seed, name),
            0.1,
            {"val_accuracy": (0.5, end), "accuracy": (0.5, end)},
            diverged_at=2 if name in diverged else None,
            initializer=name,
        )
        for name, end in ends.items()
        for seed in range(12)
    ]


def page_of(*records):
    flat = [record for some in records for record in some]
    return study_page(summarise("x", flat, TARGET), flat, settings={}, preview=None)


@pytest.fixture
def page():
    return page_of(
        runs("none", {"small": 0.1, "right": 0.9, "large": 0.3}),
        runs("after", {"small": 0.88, "right": 0.9, "large": 0.86}),
    )


def chart_of(page):
    [chart] = [one for one in page.charts if isinstance(one, AxisEndChart)]
    return chart


def test_the_spread_is_said_and_not_the_best(page):
    [sentence] = page.section("Where it ends").in_words
    assert sentence == (
        "Over 3 initialisers, validation accuracy: none 0.100 at small to 0.900 at right, "
        "0.800 [0.800, 0.800] apart; after 0.860 at large to 0.900 at right, 0.0400 [0.0400, "
        "0.0400] apart (0.760 [0.760, 0.760] less than none)."
    )
    rows = page.section("Where it ends").table.rows
    assert [[cell.text for cell in row] for row in rows] == [
        ["none", "3 initialisers", "0.100", "0.900", "0.800", "—"],
        ["after", "3 initialisers", "0.860", "0.900", "0.0400", "0.760"],
    ]


def test_a_spread_without_bounds_is_said_as_it_is():
    """Of three seeds one judges: a distance, and no interval."""
    ends = {"small": 0.1, "right": 0.9}
    few = [one for one in runs("none", ends) if one.key.seed < 3]
    [sentence] = page_of(few).section("Where it ends").in_words
    assert "0.100 at small to 0.900 at right, 0.800 apart" in sentence


def test_a_line_a_variant_has_the_values_in_their_order(page):
    chart = chart_of(page)
    assert chart.values == ("small", "right", "large")
    assert [(one.variant, one.value) for one in chart.ends[:3]] == [
        ("none", "small"), ("none", "right"), ("none", "large"),
    ]  # fmt: skip
    for style in (Style(legend=True, pointer=False), Style(legend=False, pointer=True)):
        spec = chart.spec(style)
        alt.Chart.from_dict({**spec, "width": 300}, validate=True)
        json.dumps(spec, allow_nan=False)
    assert "after 0.860" in chart.description


def test_what_diverged_is_said_and_not_drawn():
    page = page_of(
        runs("none", {"small": 0.1, "right": 0.9, "large": 0.3}, diverged=["large"]),
        runs("after", {"small": 0.88, "right": 0.9, "large": 0.86}),
    )
    [sentence] = page.section("Where it ends").in_words
    assert "none diverged at large to 0.900 at right;" in sentence
    assert "less than none" not in sentence
    chart = chart_of(page)
    assert [one.value for one in chart.ends if one.variant == "none"] == ["small", "right"]
    # A line that ends before the others has no name at the right.
    assert len(chart.spec(Style(legend=True, pointer=False))["layer"]) == 2
    json.dumps(chart.spec(Style(legend=True, pointer=False)), allow_nan=False)


def test_without_a_grid_there_is_no_such_section():
    page = page_of(runs("none", {"right": 0.9}), runs("after", {"right": 0.9}))
    with pytest.raises(LookupError):
        page.section("Where it ends")
