"""The gap over the epochs: its parts add up, and nothing is drawn that was not measured."""

from __future__ import annotations

import dataclasses

import altair as alt
import numpy as np
import pytest

from normwise.domain import RunRecord, Summary
from normwise.report import study_page
from normwise.report.colors import variant_colors
from normwise.report.results import StudyResults
from normwise.report.section import Section, Style
from normwise.report.sections import gap_curves
from normwise.report.sections.gap_curves import GapChart

Study = tuple[Summary, list[RunRecord]]
STYLE = Style(legend=True, pointer=False)
EPOCHS = 100


def with_population(records: list[RunRecord], lag: float, only: str = "") -> list[RunRecord]:
    """Validation loss rises above the population's by ``lag`` at epoch 5, and by 0.01 elsewhere."""
    more = np.full(EPOCHS, 0.01)
    more[4] = lag
    return [
        dataclasses.replace(
            run,
            curves={
                **run.curves,
                "population_val_loss": run.curves["val_loss"],
                "val_loss": tuple((np.array(run.curves["val_loss"]) + more).tolist()),
            },
        )
        if only in run.key.variant and run.key.variant != "none"
        else run
        for run in records
    ]


def built(study: Study) -> Section:
    section = gap_curves.build(StudyResults(*study, {}))
    assert section is not None
    return section


def charts(study: Study) -> list[GapChart]:
    return [chart for chart in built(study).charts if isinstance(chart, GapChart)]


@pytest.fixture
def study(circles: Study) -> Study:
    return circles[0], with_population(circles[1], 0.5)


def test_every_variant_with_moving_statistics_has_a_panel_the_recommended_first(
    study: Study, circles: Study
) -> None:
    assert [chart.variant for chart in charts(study)] == ["after", "before"]
    summary = dataclasses.replace(study[0], recommended="none")
    late = with_population(circles[1], 0.9, "before")
    both = [b if b.key.variant == "before" else a for a, b in zip(study[1], late, strict=True)]
    assert [chart.variant for chart in charts((summary, both))] == ["before", "after"]


def test_the_parts_of_the_gap(study: Study) -> None:
    [chart, _] = charts(study)
    own = [run.curves for run in study[1] if run.key.variant == "after"]
    population, training = (
        np.median([curves[name] for curves in own], axis=0)
        for name in ("population_val_loss", "loss")
    )
    assert chart.lag.largest == pytest.approx(0.5)
    assert chart.lag.epoch == 5
    assert chart.lag.last == pytest.approx(0.01)
    assert chart.lag.rest == pytest.approx(population[-1] - training[-1])
    said = f"after lags by 0.50 at epoch 5, where it lags most, and by 0.01 at the end, where the rest is {chart.lag.rest:.2f}"
    assert said in built(study).caption
    assert built(study).caption.count(". ") == 1


def test_a_panel_has_three_lines_told_apart_and_named_at_their_ends(study: Study) -> None:
    specs = [chart.spec(STYLE) for chart in charts(study)]
    for spec in specs:
        alt.Chart.from_dict(spec).to_dict()
        lines, names = spec["layer"]
        assert {row["part"] for row in spec["data"]["values"]} == {
            "validation", "population statistics", "training",
        }  # fmt: skip
        dashes = lines["encoding"]["strokeDash"]["scale"]["range"]
        assert len({tuple(dash) for dash in dashes}) == 3
        texts = [row["text"] for row in names["data"]["values"]]
        assert sorted(texts) == [["batch"], ["moving"], ["population"]]
    assert specs[0]["layer"][0]["encoding"]["color"]["value"] == variant_colors(["after"])["after"]


def test_panels_have_the_same_axes(study: Study) -> None:
    axes = [
        (lines["encoding"]["x"]["scale"]["domain"], lines["encoding"]["y"]["scale"]["domain"])
        for chart in charts(study)
        for lines in chart.spec(STYLE)["layer"][:1]
    ]
    assert axes[0] == axes[1]
    assert axes[0][0] == [0, EPOCHS]


def test_moving_statistics_far_off_do_not_flatten_what_was_learned(circles: Study) -> None:
    [chart, _] = charts((circles[0], with_population(circles[1], 1e6)))
    spec = chart.spec(STYLE)
    assert spec["layer"][0]["encoding"]["y"]["scale"]["domain"][1] < 2
    assert spec["title"]["subtitle"].endswith("cut at the top")


def test_four_panels_and_how_many_more(circles: Study) -> None:
    names = [f"after:momentum=0.{i}" for i in range(1, 7)]
    summary, records = circles
    [after] = [one for one in summary.variants if one.name == "after"]
    variants = [dataclasses.replace(after, name=name) for name in names]
    runs = [
        dataclasses.replace(run, key=dataclasses.replace(run.key, variant=name))
        for name in names
        for run in records
        if run.key.variant == "after"
    ]
    summary = dataclasses.replace(summary, variants=tuple(variants), comparisons=())
    found = (summary, with_population(runs, 0.5))
    assert len(charts(found)) == 4
    assert built(found).caption.endswith("; 2 more variants are left out here.")


def test_without_moving_statistics_there_is_no_such_section(circles: Study) -> None:
    assert gap_curves.build(StudyResults(*circles, {})) is None
    page = study_page(*circles, settings={}, preview=None)
    assert "The gap, epoch by epoch" not in [section.title for section in page.sections]


def test_replicas_that_never_were_finite_are_no_panel(study: Study) -> None:
    nan = (float("nan"),) * EPOCHS
    lost = [
        dataclasses.replace(run, curves={**run.curves, "val_loss": nan})
        if run.key.variant == "after"
        else run
        for run in study[1]
    ]
    assert [chart.variant for chart in charts((study[0], lost))] == ["before"]
