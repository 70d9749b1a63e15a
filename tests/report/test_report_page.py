"""What the sections hold, against plain NumPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.isotonic import isotonic_regression

from normwise.domain import EarlyStopping, Estimate, Lag, RunKey, RunRecord, Summary
from normwise.report import Page, study_page
from normwise.report.page import DIAGNOSIS, LEAD, STUDY, STUDY_NOTES
from normwise.report.results import StudyResults
from normwise.report.section import Section, Table
from normwise.report.sections.arrivals import Arrival, ArrivalChart
from normwise.report.sections.arrivals import build as arrivals
from normwise.report.sections.curves import CurveChart, curve_charts

Study = tuple[Summary, list[RunRecord]]


def _stack(records: list[RunRecord], variant: str, metric: str) -> np.ndarray:
    return np.array([r.curves[metric] for r in records if r.key.variant == variant])


def _page(study: Study, **changes: object) -> Page:
    return study_page(*study, settings={}, preview=None, **changes)  # type: ignore[arg-type]


def _curve_charts(page: Page) -> list[CurveChart]:
    return [chart for chart in page.charts if isinstance(chart, CurveChart)]


def _arrivals(page: Page) -> tuple[Arrival, ...]:
    (chart,) = (chart for chart in page.charts if isinstance(chart, ArrivalChart))
    return chart.arrivals


def _table(page: Page, title: str) -> Table:
    table = page.section(title).table
    assert table is not None
    return table


def _column(page: Page, header: str, title: str = "Variants") -> list[str]:
    table = _table(page, title)
    index = [column.header for column in table.columns].index(header)
    return [row[index].text for row in table.rows]


def _titles(page: Page) -> list[str]:
    return [section.title for section in page.sections]


@pytest.mark.parametrize("variant", ["none", "after", "before"])
@pytest.mark.parametrize(("metric", "part"), [("accuracy", "training"), ("loss", "validation")])
def test_curves_are_percentiles_over_replicas(
    page: Page, circles: Study, variant: str, metric: str, part: str
) -> None:
    chart = next(chart for chart in _curve_charts(page) if chart.metric == metric)
    curve = next(c for c in chart.curves if (c.variant, c.part) == (variant, part))
    name = metric if part == "training" else f"val_{metric}"
    low, median, high = np.percentile(_stack(circles[1], variant, name), (10, 50, 90), axis=0)
    np.testing.assert_array_equal(curve.median, median)
    np.testing.assert_array_equal(curve.low, low)
    np.testing.assert_array_equal(curve.high, high)
    assert curve.epochs == tuple(range(1, 101))
    assert curve.replicas == (30,) * 100


def test_arrivals_are_the_share_that_has_met_the_target(page: Page, circles: Study) -> None:
    for item in _arrivals(page):
        curves = _stack(circles[1], item.variant, "val_accuracy")
        met = np.array([isotonic_regression(curve) for curve in curves]) >= 0.8
        share = np.concatenate([[0], met.mean(axis=0)])
        np.testing.assert_array_equal(item.shares, share[list(item.epochs)])
        assert (item.epochs[0], item.epochs[-1]) == (0, 100)


def test_a_target_within_the_noise_of_an_end_is_told(results: StudyResults) -> None:
    first, *rest = results.summary.variants
    # One replica in ten collapsed: the mean is far from the target, the typical end is not.
    mean = {**first.final, "val_accuracy": Estimate(0.773, 0.6, 0.81)}
    final = {**first.final_median, "val_accuracy": Estimate(0.803, 0.80, 0.81)}
    noisy = dataclasses.replace(first, final=mean, final_median=final, epoch_noise=0.012)
    clean = [dataclasses.replace(one, epoch_noise=0.001) for one in rest]
    summary = dataclasses.replace(results.summary, variants=(noisy, *clean))
    section = arrivals(dataclasses.replace(results, summary=summary))
    assert section is not None
    assert section.text == (
        f"{first.name} ends at 0.803, within its epoch noise of 0.012 from the target: when it "
        f"arrives is partly chance. A target that it surely reaches: val_accuracy>=0.767.",
    )
    assert f"{first.name} 0.012" in section.caption


def test_the_targets_chart_comes_first_then_loss(page: Page, results: StudyResults) -> None:
    assert [chart.metric for chart in _curve_charts(page)] == ["accuracy", "loss"]
    assert [chart.target for chart in _curve_charts(page)] == [0.8, None]
    assert results.metrics == ("val_accuracy", "accuracy", "loss", "val_loss")
    assert results.main_metrics == ("val_accuracy", "accuracy")


def test_rows_pair_each_variant_with_its_comparison(page: Page, circles: Study) -> None:
    assert _column(page, "variant") == ["none", "after", "before"]
    assert _column(page, "outcome") == ["baseline", "helps", "no difference"]
    assert [row[0].badge for row in _table(page, "Variants").rows] == ["", "recommended", ""]
    ratios = [one.epochs_ratio.value for one in circles[0].comparisons]
    assert _column(page, "sooner than none") == ["—", *(f"{ratio:.2f}×" for ratio in ratios)]


def test_what_is_passed_through(circles: Study, settings: dict[str, str]) -> None:
    page = study_page(*circles, settings=settings, preview=None, notes=["mind this"])
    summary = circles[0]
    assert (page.title, page.answer.text) == ("circles", summary.verdict)
    assert page.answer.headline == summary.headline
    assert "\n".join(page.answer.lines) == page.answer.text
    assert page.subject == "epochs to a validation accuracy of at least 0.8"
    assert page.section("Settings").facts == settings
    assert page.section("Environment").facts == summary.environment
    assert page.section("Data").text == ("mind this",)
    assert page.warnings == ()
    assert _page(circles, incomplete=True).warnings


def test_of_an_incomplete_study_no_variant_is_asked_for_that_was(circles: Study) -> None:
    alone = dataclasses.replace(circles[0], comparisons=(), variants=circles[0].variants[:1])
    answer = _page((alone, circles[1]), incomplete=True).answer
    assert answer.headline == "Only `none` has finished runs so far"
    assert "run the same command again" in answer.text
    assert _page((alone, circles[1])).answer.text == circles[0].verdict


def test_sections_come_in_the_order_of_the_list(
    circles: Study, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new section is an entry in the list."""
    added = (*LEAD[:1], lambda results: Section("New", (results.summary.study,)), *LEAD[1:])
    monkeypatch.setattr("normwise.report.page.LEAD", added)
    page = study_page(*circles, settings=settings, preview=None)
    assert _titles(page)[:3] == ["Curves", "New", "Variants"]
    assert page.section("New").text == ("circles",)
    every = (*LEAD, *STUDY, *STUDY_NOTES, *DIAGNOSIS)
    assert len({(build.__module__, build.__name__) for build in every}) == len(every)


def test_only_the_learning_rate_a_variant_stands_at_is_drawn(circles: Study) -> None:
    summary, records = circles
    wild = [
        RunRecord(RunKey("after", seed, "w"), 1.0, {"val_accuracy": (0.1,) * 100})
        for seed in range(30)
    ]
    page = _page((summary, [*wild, *records]))
    # Of what was chosen among two points, the seeds that judge alone, as its numbers.
    counted = [run for run in records if run.key.variant != "after" or run.key.seed % 2]
    alone = _page((summary, counted))
    assert [one.curves for one in _curve_charts(page)] == [
        one.curves for one in _curve_charts(alone)
    ]
    assert _arrivals(page) == _arrivals(alone)
    assert {one.seeds for one in _curve_charts(page)} == {"the seeds that judge"}
    assert page.section("Where it works").text == (
        "after stands at learning rate 0.1, the best of 2 points.",
        "Every second seed chose the point of its variant, and the others judge it there.",
    )
    assert "Where it works" not in _titles(_page(circles))


def test_diverged_replicas_leave_the_curves_and_are_said(lost: Study) -> None:
    page = _page(lost)
    accuracy = _curve_charts(page)[0]
    after = next(c for c in accuracy.curves if (c.variant, c.part) == ("after", "validation"))
    stack = _stack(lost[1], "after", "val_accuracy")
    assert after.replicas == tuple(np.isfinite(stack).sum(axis=0))
    np.testing.assert_array_equal(after.median, np.nanmedian(stack, axis=0))
    assert _arrivals(page)[1].shares[-1] == 0.6
    (sentence,) = page.section("Variants").text
    assert sentence.startswith("after: of 10 replicas 4 diverged")


def test_never_reached(lost: Study) -> None:
    page = _page(lost)
    assert _column(page, "epochs to target")[2] == "not reached"
    assert _arrivals(page)[2].epochs == (0, 100)
    assert _arrivals(page)[2].shares == (0.0, 0.0)


def test_failed_replicas_are_what_the_other_counts_leave(circles: Study) -> None:
    summary, records = circles
    variants = tuple(dataclasses.replace(v, seeds=v.seeds + 2) for v in summary.variants)
    page = _page((dataclasses.replace(summary, variants=variants), records))
    table = _table(page, "Variants")
    reached = [column.header for column in table.columns].index("reached")
    assert [row[reached].text for row in table.rows] == ["30/32"] * 3
    assert all("2 failed" in row[reached].details for row in table.rows)
    assert "2 could not be trained" in page.section("Variants").text[0]


def test_a_variant_that_is_never_finite_has_no_curve() -> None:
    nan = float("nan")
    records = [
        RunRecord(RunKey("none", 0, ""), 0.1, {"loss": (1.0, nan)}),
        RunRecord(RunKey("after", 0, ""), 0.1, {"loss": (nan, float("inf"))}, diverged_at=1),
    ]
    colors = {"none": "grey", "after": "blue"}
    (chart,) = curve_charts(records, colors, "loss", 0.1)
    assert [(curve.variant, curve.epochs) for curve in chart.curves] == [("none", (1,))]


def test_no_records_still_make_a_page(circles: Study) -> None:
    page = _page((circles[0], []))
    assert page.charts == ()
    assert len(_table(page, "Variants").rows) == 3


def test_comparisons_decided_together_are_said(circles: Study) -> None:
    summary, records = circles
    first, second = summary.comparisons
    strict = dataclasses.replace(first, confidence=0.975)
    page = study_page(
        dataclasses.replace(summary, comparisons=(strict, second)),
        records,
        settings={},
        preview=None,
    )
    (sentence,) = page.section("How sure it is").text
    assert sentence.startswith("2 variants are compared with none at once. By Holm's procedure")
    assert sentence.endswith("(after 97.5%, before 95%).")


def test_seconds_are_said_where_no_table_of_them_is_shown(page: Page) -> None:
    (sentence,) = page.section("Seconds").in_words
    assert sentence.startswith("Trained alone by Keras' own fit on this machine: none 62.0 µs")
    assert _column(page, "one epoch", "Seconds") == ["62.0 µs"] * 3


def _timed(circles: Study, ratio: tuple[float, float, float], **changes: object) -> Page:
    """The study with what an epoch of the first variant takes against the baseline's."""
    summary, records = circles
    first, *rest = summary.comparisons
    first = dataclasses.replace(first, epoch_seconds_ratio=Estimate(*ratio), **changes)  # type: ignore[arg-type]
    variants = [
        dataclasses.replace(
            one, cost=Estimate(0.5, 0.4, 0.6), epoch_seconds=Estimate(6.2e-5, *ratio[1:])
        )
        for one in summary.variants
    ]
    timed = dataclasses.replace(summary, comparisons=(first, *rest), variants=tuple(variants))
    return _page((timed, records))


@pytest.mark.parametrize(
    ("ratio", "saved", "words"),
    [
        (
            (0.5, 0.4, 0.625),
            (0.2, 0.1, 0.3),
            "An epoch of after takes 2.00 times as long as one of none [1.60, 2.50]; to the target "
            "it saves 0.200 [0.100, 0.300].",
        ),
        (
            (1.0, 0.8, 1.25),
            (-0.2, -0.3, -0.1),
            "An epoch of after takes about as long as one of none [0.80, 1.25]; to the target it "
            "costs 0.200 [0.100, 0.300] more.",
        ),
    ],
)
def test_what_an_epoch_takes_against_the_baselines(
    circles: Study, ratio: tuple[float, ...], saved: tuple[float, ...], words: str
) -> None:
    page = _timed(circles, ratio, cost_saved=Estimate(*saved))  # type: ignore[arg-type]
    assert page.section("Seconds and money").text == (words,)
    assert _column(page, "saved", "Seconds and money")[0] == "—"
    assert _column(page, "saved", "Seconds and money")[1] == f"{saved[0]:.3f}"


def test_a_busy_machine_is_said(circles: Study) -> None:
    nan = float("nan")
    page = _timed(circles, (nan, nan, nan), cost_saved=Estimate(nan, nan, nan))
    (said,) = page.section("Seconds and money").text
    assert said.startswith("The machine was busy with other processes while this was timed")
    assert _table(page, "Seconds and money").rows[0][1].details == ("",)


def test_rounds_that_two_variants_do_not_share_are_said(circles: Study) -> None:
    """Each was timed on a free machine, in other rounds than the baseline."""
    summary, records = circles
    nan = float("nan")
    first, *rest = summary.comparisons
    first = dataclasses.replace(first, epoch_seconds_ratio=Estimate(nan, nan, nan))
    known = Estimate(6.2e-5, 6e-5, 6.4e-5)
    variants = [dataclasses.replace(one, epoch_seconds=known) for one in summary.variants]
    found = dataclasses.replace(summary, comparisons=(first, *rest), variants=tuple(variants))
    assert _page((found, records)).section("Seconds").text == (
        "What an epoch of after takes against one of none cannot be told: in too few rounds the "
        "machine was free for both. To know, run the study into a new folder while nothing else "
        "computes.",
    )


def test_seconds_to_a_target_that_is_not_reached(lost: Study) -> None:
    row = _table(_page(lost), "Seconds").rows[2]
    assert (row[0].text, row[2].text, row[2].details) == ("input", "not reached", ())


def test_early_stopping_is_a_row_and_a_sentence_a_variant(circles: Study) -> None:
    summary, records = circles
    stop = EarlyStopping(
        5,
        "val_loss",
        Estimate(40.0, 38.0, 42.0),
        Estimate(0.84, 0.83, 0.85),
        epochs_saved=Estimate(20.0, 18.0, 22.0),
        seconds_saved=Estimate(0.2, 0.18, 0.22),
        cost_saved=Estimate(0.5, 0.4, 0.6),
    )
    after = dataclasses.replace(summary.variants[1], early_stopping=stop)
    page = _page((dataclasses.replace(summary, variants=(after,), comparisons=()), records))
    section = page.section("Early stopping")
    [row] = _table(page, "Early stopping").rows
    final = after.final["val_accuracy"].value
    assert [cell.text for cell in row] == ["after", "40", "20", "0.840", f"{final:.3f}"]
    assert row[1].details == ("[38, 42]",)
    assert section.in_words == (
        "after, on val_loss with a patience of 5, would have trained 40 of 100 epochs (mean), "
        "which saves 20 epochs [18, 22], 200 ms [180 ms, 220 ms], a cost of 0.500 [0.400, 0.600], "
        f"and ended at a validation accuracy of 0.840 instead of {final:.3f}.",
    )
    assert "Early stopping" not in [section.title for section in _page(circles).sections]


@pytest.mark.parametrize(
    ("decides", "why"),
    [(False, ""), (True, "; its moving statistics lag, which looks as if nothing improved")],
)
def test_stopping_that_loses_too_much_is_said_before_what_it_saves(
    circles: Study, decides: bool, why: str
) -> None:
    summary, records = circles
    some = Estimate(20.0, 18.0, 22.0)
    stop = EarlyStopping(5, "val_loss", some, Estimate(0.58, 0.5, 0.6), some, lost=0.264)
    lag = Lag(some, some, decides)
    after = dataclasses.replace(summary.variants[1], early_stopping=stop, lag=lag)
    page = _page((dataclasses.replace(summary, variants=(after,), comparisons=()), records))
    [said] = page.section("Early stopping").in_words
    assert said.startswith(
        f"after stops too early: its validation accuracy is worse by 0.26 than at the last "
        f"epoch{why}. after, on val_loss with a patience of 5, would have trained 20 of"
    )
