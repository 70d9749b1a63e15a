"""Synthetic studies: what the engine would hand to the report, made up here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from normwise.domain import (
    Comparison,
    Ending,
    EpochsToTarget,
    Estimate,
    RunKey,
    RunRecord,
    SoloCheck,
    Summary,
    Target,
    VariantSummary,
)
from normwise.report import DataPreview, Page, study_page
from normwise.report.results import StudyResults

TARGET = Target.parse("val_accuracy>=0.8")


def make_records(
    variant: str,
    *,
    final: float = 0.85,
    pace: float = 10.0,
    seeds: int = 30,
    epochs: int = 100,
    learning_rate: float = 0.1,
) -> list[RunRecord]:
    """Replicas whose accuracy rises to ``final``, sooner the smaller ``pace`` is."""
    generator = np.random.default_rng(len(variant) + seeds)
    time = np.arange(1, epochs + 1)
    records = []
    for seed in range(seeds):
        rate = pace * generator.lognormal(0.0, 0.25)
        top = final + generator.normal(0.0, 0.004)
        rise = top - (top - 0.5) * np.exp(-time / rate)
        train = rise + 0.005 + generator.normal(0.0, 0.003, epochs)
        val = rise + generator.normal(0.0, 0.008, epochs)
        loss = 0.36 + 0.34 * np.exp(-time / rate) + generator.normal(0.0, 0.003, epochs)
        curves = {
            "loss": tuple(loss.tolist()),
            "accuracy": tuple(train.tolist()),
            "val_loss": tuple((loss + 0.01).tolist()),
            "val_accuracy": tuple(val.tolist()),
        }
        records.append(RunRecord(RunKey(variant, seed, "s"), learning_rate, curves, None, 0.006))
    return records


def make_variant(
    records: Sequence[RunRecord], target: Target = TARGET, learning_rate: float = 0.1
) -> VariantSummary:
    """Roughly what analysis makes of a variant's records."""
    firsts = np.array([_first(record, target) for record in records])
    diverged = sum(record.diverged_at is not None for record in records)
    reached = int(np.isfinite(firsts).sum())
    low, median, high = np.quantile(firsts, (0.3, 0.5, 0.7), method="higher").tolist()
    return VariantSummary(
        name=records[0].key.variant,
        seeds=len(records),
        final={name: _final(records, name) for name in records[0].curves},
        epochs_to_target=EpochsToTarget(
            Estimate(median, low, high, len(records), len(records) - reached),
            Estimate(median, low, high, len(records), len(records) - reached),
            reached,
            len(records) - reached - diverged,
            diverged,
        ),
        seconds_per_epoch=6.2e-5,
        learning_rate=learning_rate,
        final_median={name: _final_median(records, name) for name in records[0].curves},
    )


def _first(record: RunRecord, target: Target) -> float:
    met = [e for e, v in enumerate(record.curves[target.metric], 1) if target.is_reached(v)]
    return float(met[0]) if met else float("inf")


def _final(records: Sequence[RunRecord], name: str) -> Estimate:
    values = np.array([record.curves[name][-1] for record in records])
    values = values[np.isfinite(values)]
    if not values.size:
        return Estimate(float("nan"), float("nan"), float("nan"))
    half = 1.96 * values.std() / np.sqrt(values.size)
    mean = float(values.mean())
    return Estimate(mean, mean - half, mean + half, values.size)


def _final_median(records: Sequence[RunRecord], name: str) -> Estimate:
    values = np.array([record.curves[name][-1] for record in records])
    values = np.where(np.isfinite(values), values, float("-inf"))
    low, median, high = np.quantile(values, (0.3, 0.5, 0.7), method="higher").tolist()
    return Estimate(median, low, high, values.size)


def make_summary(
    variants: Sequence[VariantSummary],
    outcomes: Mapping[str, str],
    **changes: object,
) -> Summary:
    """A summary in which the first variant is the baseline."""
    base = variants[0].epochs_to_target.median.value
    comparisons = []
    for variant in variants[1:]:
        median = variant.epochs_to_target.median.value
        value = base / median if np.isfinite(base / median) else float("nan")
        comparisons.append(
            Comparison(
                variant.name,
                variants[0].name,
                outcomes.get(variant.name, "undecided"),  # type: ignore[arg-type]
                Estimate(value, value * 0.84, value * 1.19, variant.seeds),
                Estimate(value * 0.9, value * 0.75, value * 1.08, variant.seeds),
                64 if outcomes.get(variant.name, "undecided") == "undecided" else None,
                ending=Ending(
                    "open", Estimate(-0.004, -0.0112, 0.003, 30), 0.01, 0.975, 1, 30, 0, 30, 80
                ),
            )
        )
    fields: dict[str, object] = {
        "study": "circles",
        "target": TARGET,
        "variants": tuple(variants),
        "comparisons": tuple(comparisons),
        "verdict": (
            "After the activation it reaches 80% validation accuracy in 1.56 times fewer epochs.\n"
            "Before the activation it changes nothing."
        ),
        "headline": "After the activation: learns 1.6× sooner, same accuracy",
        "recommended": "after",
        "solo_check": SoloCheck("after", 17, 3.04e-7),
        "environment": {
            "normwise": "0.1.0",
            "keras": "3.15.1",
            "jax": "0.10.2",
            "python": "3.11.9",
            "machine": "2 cores, AMD EPYC",
        },
    }
    return Summary(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def circles() -> tuple[Summary, list[RunRecord]]:
    """Three variants, 30 seeds, 100 epochs, as BASELINES.md measured them."""
    runs = {
        "none": make_records("none", final=0.85, pace=12.5),
        "after": make_records("after", final=0.85, pace=8.0),
        "before": make_records("before", final=0.83, pace=11.5),
    }
    outcomes = {"after": "helps", "before": "no difference"}
    summary = make_summary([make_variant(records) for records in runs.values()], outcomes)
    return summary, [record for records in runs.values() for record in records]


@pytest.fixture
def settings() -> dict[str, str]:
    """What was asked for."""
    return {
        "model": "Dense 10, sigmoid; Dense 1",
        "data": "circles, 1000 points, noise 0.1",
        "optimiser": "SGD, learning rate 0.1, batch 32",
        "seeds": "30",
        "epochs": "100",
    }


@pytest.fixture
def preview() -> DataPreview:
    """Two rings."""
    generator = np.random.default_rng(0)
    angle = generator.uniform(0, 2 * np.pi, 500)
    radius = np.where(np.arange(500) % 2, 1.0, 0.8)
    points = np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None]
    points += generator.normal(0, 0.1, points.shape)
    labels = tuple("outer" if i % 2 else "inner" for i in range(500))
    return DataPreview(
        ("x₁", "x₂"),
        tuple((float(x), float(y)) for x, y in points),
        labels,
        "two rings with noise: an inner and an outer class",
    )


@pytest.fixture
def page(
    circles: tuple[Summary, list[RunRecord]], settings: dict[str, str], preview: DataPreview
) -> Page:
    """The circles study's page."""
    summary, records = circles
    return study_page(summary, records, settings=settings, preview=preview)


@pytest.fixture
def results(
    circles: tuple[Summary, list[RunRecord]], settings: dict[str, str], preview: DataPreview
) -> StudyResults:
    """What the circles study's sections are built from."""
    return StudyResults(*circles, settings, preview)


Study = Callable[..., tuple[Summary, list[RunRecord]]]


@pytest.fixture
def study_of() -> Study:
    """A study of the variants named, the first being the baseline."""

    def make(names: Sequence[str], **changes: int) -> tuple[Summary, list[RunRecord]]:
        runs = [make_records(name, pace=8.0 + i, **changes) for i, name in enumerate(names)]
        summary = make_summary([make_variant(records) for records in runs], {})
        return summary, [record for records in runs for record in records]

    return make


@pytest.fixture
def lost() -> tuple[Summary, list[RunRecord]]:
    """A study in which `after` diverges in 4 of 10 replicas, and `input` never arrives."""
    base = make_records("none", seeds=10)
    after = [_diverge(r, 5) if r.key.seed < 4 else r for r in make_records("after", seeds=10)]
    late = make_records("input", seeds=10, final=0.7)
    summary = make_summary([make_variant(r) for r in (base, after, late)], {"input": "hurts"})
    return summary, [*base, *after, *late]


def _diverge(record: RunRecord, epoch: int) -> RunRecord:
    """The same run, its values growing wild before ``epoch`` and NaN from there on."""
    nan = float("nan")
    curves = {
        name: (*values[: epoch - 2], 1e30 if "loss" in name else 0.5)
        + (nan,) * (len(values) - epoch + 1)
        for name, values in record.curves.items()
    }
    return dataclasses.replace(record, curves=curves, diverged_at=epoch)
