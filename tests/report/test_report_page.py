"""What the page holds, against plain NumPy."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from normwise.domain import RunKey, RunRecord, Summary, Target
from normwise.report import Page, build_page
from normwise.report.curves import build_panels

Study = tuple[Summary, list[RunRecord]]


def _stack(records: list[RunRecord], variant: str, metric: str) -> np.ndarray:
    return np.array([r.curves[metric] for r in records if r.key.variant == variant])


def _page(study: Study, **changes: object) -> Page:
    return build_page(*study, settings={}, preview=None, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("variant", ["none", "after", "before"])
@pytest.mark.parametrize(("metric", "part"), [("accuracy", "training"), ("loss", "validation")])
def test_curves_are_percentiles_over_replicas(
    page: Page, circles: Study, variant: str, metric: str, part: str
) -> None:
    panel = next(panel for panel in page.panels if panel.metric == metric)
    curve = next(c for c in panel.curves if (c.variant, c.part) == (variant, part))
    name = metric if part == "training" else f"val_{metric}"
    low, median, high = np.percentile(_stack(circles[1], variant, name), (10, 50, 90), axis=0)
    np.testing.assert_array_equal(curve.median, median)
    np.testing.assert_array_equal(curve.low, low)
    np.testing.assert_array_equal(curve.high, high)
    assert curve.epochs == tuple(range(1, 101))
    assert curve.replicas == (30,) * 100


def test_arrivals_are_the_share_that_has_met_the_target(page: Page, circles: Study) -> None:
    for item in page.arrivals:
        met = _stack(circles[1], item.variant, "val_accuracy") >= 0.8
        share = np.concatenate([[0], np.maximum.accumulate(met, axis=1).mean(axis=0)])
        np.testing.assert_array_equal(item.share, share[list(item.epochs)])
        assert (item.epochs[0], item.epochs[-1]) == (0, 100)


def test_the_targets_panel_comes_first_then_loss(page: Page) -> None:
    assert [panel.metric for panel in page.panels] == ["accuracy", "loss"]
    assert [panel.target for panel in page.panels] == [0.8, None]
    assert page.metrics == ("val_accuracy", "accuracy", "loss", "val_loss")
    assert page.main_metrics == ("val_accuracy", "accuracy")


def test_rows_pair_each_variant_with_its_comparison(page: Page, circles: Study) -> None:
    assert page.variants == ("none", "after", "before")
    assert [row.outcome for row in page.rows] == ["baseline", "helps", "no difference"]
    assert [row.recommended for row in page.rows] == [False, True, False]
    assert page.baseline == "none"
    assert page.rows[0].comparison is None
    assert page.rows[1].comparison == circles[0].comparisons[0]


def test_what_is_passed_through(circles: Study, settings: dict[str, str]) -> None:
    page = build_page(*circles, settings=settings, preview=None, notes=["mind this"])
    summary = circles[0]
    assert (page.title, page.verdict, page.target) == ("circles", summary.verdict, summary.target)
    assert page.solo_check == summary.solo_check
    assert page.settings == settings
    assert page.environment == summary.environment
    assert page.notes[0] == "mind this"
    assert not page.incomplete
    assert _page(circles, incomplete=True).incomplete


def test_only_the_learning_rate_a_variant_stands_at_is_drawn(circles: Study) -> None:
    summary, records = circles
    wild = [
        RunRecord(RunKey("after", seed, "w"), 1.0, {"val_accuracy": (0.1,) * 100})
        for seed in range(30)
    ]
    page = _page((summary, [*wild, *records]))
    assert page.panels == _page(circles).panels
    assert page.arrivals == _page(circles).arrivals
    assert page.notes[:-1] == (
        "after stands at learning rate 0.1, the best of 2 points: every second seed chose it, and "
        "the others judge it.",
    )


def test_diverged_replicas_leave_the_curves_and_are_said(lost: Study) -> None:
    page = _page(lost)
    accuracy = page.panels[0]
    after = next(c for c in accuracy.curves if (c.variant, c.part) == ("after", "validation"))
    stack = _stack(lost[1], "after", "val_accuracy")
    assert after.replicas == tuple(np.isfinite(stack).sum(axis=0))
    np.testing.assert_array_equal(after.median, np.nanmedian(stack, axis=0))
    assert page.arrivals[1].share[-1] == 0.6
    assert len(page.notes) == 2
    assert page.notes[0].startswith("after: of 10 replicas 4 diverged")


def test_never_reached(lost: Study) -> None:
    page = _page(lost)
    assert math.isinf(page.rows[2].summary.epochs_to_target.median.value)
    assert page.arrivals[2].epochs == (0, 100)
    assert page.arrivals[2].share == (0.0, 0.0)


def test_failed_replicas_are_what_the_other_counts_leave(circles: Study) -> None:
    summary, records = circles
    variants = tuple(dataclasses.replace(v, seeds=v.seeds + 2) for v in summary.variants)
    page = _page((dataclasses.replace(summary, variants=variants), records))
    assert [row.failed for row in page.rows] == [2, 2, 2]
    assert "2 could not be trained" in page.notes[0]


def test_a_variant_that_is_never_finite_has_no_curve() -> None:
    nan = float("nan")
    records = [
        RunRecord(RunKey("none", 0, ""), 0.1, {"loss": (1.0, nan)}),
        RunRecord(RunKey("after", 0, ""), 0.1, {"loss": (nan, float("inf"))}, diverged_at=1),
    ]
    (panel,) = build_panels(records, ["none", "after"], Target.parse("loss<=0.1"))
    assert [(curve.variant, curve.epochs) for curve in panel.curves] == [("none", (1,))]


def test_no_records_still_make_a_page(circles: Study) -> None:
    page = _page((circles[0], []))
    assert page.panels == ()
    assert page.arrivals == ()
    assert len(page.rows) == 3


def test_comparisons_decided_together_are_said(circles: Study) -> None:
    summary, records = circles
    first, second = summary.comparisons
    strict = dataclasses.replace(first, confidence=0.975)
    page = build_page(
        dataclasses.replace(summary, comparisons=(strict, second)),
        records,
        settings={},
        preview=None,
    )
    note, alone = page.notes
    assert alone.startswith("Trained alone by Keras' own fit on this machine: none 62.0 µs")
    assert note.startswith("2 variants are compared with none at once. By Holm's procedure")
    assert note.endswith("(after 97.5%, before 95%).")
