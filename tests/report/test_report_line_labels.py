"""Names at the ends of lines: none over another, close to their lines, or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import scipy.optimize

from normwise.domain import RunRecord, Summary
from normwise.report import study_page
from normwise.report.line_labels import line_labels, wrapped
from normwise.report.section import Style
from normwise.report.vega import HEIGHT

Study = tuple[Summary, list[RunRecord]]
LINE = 13
NAMES = ["none", "after:momentum=0.9,scale=false", "before", "input", "after+input", "after"]


def pixels(places: dict[str, float]) -> np.ndarray:
    """From the top of an axis from 0 to 1."""
    return HEIGHT * (1 - np.array(list(places.values())))


@pytest.mark.parametrize("seed", range(20))
def test_names_stand_apart_inside_the_chart_and_in_the_order_of_their_lines(seed: int) -> None:
    ends = dict(zip(NAMES, np.random.default_rng(seed).beta(0.3, 0.3, 6).tolist(), strict=True))
    labels = line_labels(ends, (0.0, 1.0))
    assert labels is not None
    assert list(labels.names) == sorted(ends, key=lambda name: -ends[name])
    tops = pixels(dict(labels.places)) - LINE / 2
    heights = [LINE * len(lines) for lines in labels.names.values()]
    for (top, height), (below, _) in itertools.pairwise(zip(tops, heights, strict=True)):
        assert below >= top + height - 1e-6
    assert min(tops) >= -1e-6
    assert tops[-1] + heights[-1] <= HEIGHT + 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_names_are_as_close_to_their_lines_as_they_can(seed: int) -> None:
    """Against a general minimiser of the squared distances."""
    ends = dict(zip(NAMES, np.random.default_rng(seed).uniform(0.4, 0.6, 6).tolist(), strict=True))
    labels = line_labels(ends, (0.0, 1.0))
    assert labels is not None
    heights = [LINE * len(lines) for lines in labels.names.values()]
    wanted = HEIGHT * (1 - np.array([ends[name] for name in labels.names]))
    found = scipy.optimize.minimize(
        lambda y: np.sum((y - wanted) ** 2),
        wanted,
        constraints=[
            {"type": "ineq", "fun": lambda y, i=i: y[i + 1] - y[i] - heights[i]} for i in range(5)
        ],
        tol=1e-10,
    )
    np.testing.assert_allclose(pixels(dict(labels.places)), found.x, atol=0.01)


def test_names_far_apart_stand_at_their_lines() -> None:
    ends = {"none": 0.2, "after": 0.8}
    labels = line_labels(ends, (0.0, 1.0))
    assert labels is not None
    assert labels.places == pytest.approx(ends)


def test_lines_too_many_or_names_too_long_to_fit_have_no_names() -> None:
    assert line_labels({str(i): i / 7 for i in range(7)}, (0.0, 1.0)) is None
    long = {f"after:{i}," + "momentum=0.999,epsilon=1e-5," * 3: 0.5 for i in range(5)}
    assert line_labels(long, (0.0, 1.0)) is None
    assert line_labels({}, (0.0, 1.0)) is None


def test_a_line_cut_at_the_top_has_its_name_there() -> None:
    labels = line_labels({"none": 1e20}, (0.0, 1.0))
    assert labels is not None
    assert labels.ends["none"] == 1.0
    assert pixels(dict(labels.places))[0] == pytest.approx(LINE / 2)


def test_what_is_wrapped_is_whole() -> None:
    for name in NAMES:
        assert "".join(wrapped(name)) == name
    assert wrapped("a_name_that_has_neither_colon_nor_comma") == [
        "a_name_that_has_neither_colon_nor_comma"
    ]


@pytest.mark.parametrize(("count", "is_labelled"), [(3, True), (6, True), (7, False)])
def test_a_picture_names_its_lines_at_their_ends_or_in_a_legend(
    study_of: Callable[..., Study], count: int, *, is_labelled: bool
) -> None:
    names = [*NAMES, "before:momentum=0.9"][:count]
    page = study_page(*study_of(names, seeds=3), settings={}, preview=None)
    for chart in page.charts:
        spec = str(chart.spec(Style(legend=True, pointer=False)))
        assert (f"'text': {wrapped(names[-1])}" in spec) == is_labelled
        assert ("'columns': 4" in spec) != is_labelled


def test_an_axis_of_one_value_has_no_room_for_names():
    assert line_labels({"none": 0.5}, (0.5, 0.5)) is None
