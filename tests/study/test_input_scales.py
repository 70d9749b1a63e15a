"""The scales of the inputs: what they are, and where they are drawn."""

import dataclasses

import altair as alt
import numpy as np
import pytest

from normwise.analysis import summarise
from normwise.data import from_arrays
from normwise.domain import RunKey, RunRecord, Target
from normwise.report import InputScale, study_page
from normwise.report.section import Style
from normwise.report.sections.input_scales import InputScaleChart
from normwise.study.input_scales import input_scales


def dataset(*columns, names=("a", "b")):
    x = np.stack(columns, axis=1).astype(np.float32)
    found = from_arrays(x, np.arange(len(x)) % 2, name="mine")
    return dataclasses.replace(found, feature_names=names)


def test_a_scale_has_the_quantiles_of_sizes():
    random = np.random.default_rng(0)
    metres = random.normal(0, 1000, 400)
    share = random.uniform(0, 0.01, 400)
    share[::3] = 0
    data = dataset(metres, share, names=("metres", "share"))
    first, second = input_scales(data)
    x = np.abs(data.x_train.astype(np.float64))
    assert first.name == "metres"
    assert (first.low, first.middle, first.high) == pytest.approx(
        np.quantile(x[:, 0], (0.1, 0.5, 0.9)), rel=1e-5
    )
    sizes = x[:, 1][x[:, 1] > 0]
    assert second.middle == pytest.approx(np.median(sizes), rel=1e-5)


@pytest.mark.parametrize("what", ["alike", "unnamed", "pictures", "constant zeros"])
def test_nothing_is_drawn_where_there_is_nothing_to_see(what):
    random = np.random.default_rng(0)
    one, other = random.normal(0, 1, (2, 60))
    data = {
        "alike": lambda: dataset(one, 3 * other),
        "unnamed": lambda: dataset(one, 1000 * other, names=()),
        "pictures": lambda: from_arrays(random.normal(0, 1, (60, 4, 4, 1)), np.arange(60) % 2),
        "constant zeros": lambda: dataset(0 * one, 0 * other),
    }[what]()
    assert input_scales(data) == ()


def page_with(scales):
    runs = [RunRecord(RunKey("none", 0, "a"), 0.1, {"val_loss": (1.0, 0.5)})]
    summary = summarise("x", runs, Target.parse("val_loss<=0.6"))
    return study_page(summary, runs, settings={}, preview=None, scales=scales)


def test_the_page_says_and_draws_how_far_apart_they_are():
    page = page_with([InputScale("hours", 1.0, 5.0, 9.0), InputScale("miles", 60.0, 400.0, 900.0)])
    section = page.section("Scales of the inputs")
    assert section.in_words == ("miles is typically 400, hours 5.00: apart by a factor of 80.0.",)
    [chart] = section.charts
    assert [one.name for one in chart.scales] == ["miles", "hours"]
    alt.Chart.from_dict({**chart.spec(Style(legend=True, pointer=False)), "width": 300})
    assert "from miles, whose median is 400, to hours" in chart.description


def test_of_many_columns_some_are_drawn_and_both_ends_are():
    scales = [InputScale(f"c{i}", 2.0**i, 1.5 * 2.0**i, 2.0 ** (i + 1)) for i in range(100)]
    [chart] = page_with(scales).section("Scales of the inputs").charts
    assert isinstance(chart, InputScaleChart)
    assert (len(chart.scales), chart.scales[0].name, chart.scales[-1].name) == (40, "c99", "c0")
    assert len({one.name for one in chart.scales}) == 40
    assert "40 of 100" in chart.spec(Style(legend=True, pointer=False))["title"]["subtitle"]


def test_a_page_without_scales_has_no_such_section():
    with pytest.raises(LookupError):
        page_with([]).section("Scales of the inputs")
