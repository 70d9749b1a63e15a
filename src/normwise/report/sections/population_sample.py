"""Population statistics: what they are of, and which runs were measured by them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.domain import POPULATION, PopulationSample
from normwise.errors import listed
from normwise.report import formatting as f
from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """How far a sample is off, and where curves lack; nothing where there is neither."""
    text = (*_samples(results), *_lacking(results))
    return Section("Population statistics", text=text) if text else None


def _samples(results: StudyResults) -> Iterator[str]:
    """A sentence for all that are of as many examples, and one for each reason why not."""
    found = {
        one.name: one.population_sample
        for one in results.summary.variants
        if one.population_sample is not None
    }
    for counts in dict.fromkeys((one.examples, one.of) for one in found.values()):
        own = {name: one for name, one in found.items() if (one.examples, one.of) == counts}
        off = [_off(name, one, results) for name, one in own.items() if one.off]
        said = "Statistics of {:,} of {:,} examples".format(*counts)
        if off:
            yield f"{said}: {listed(off)}, in one replica each."
        for why in dict.fromkeys(one.why for one in own.values() if one.why):
            names = listed([name for name, one in own.items() if one.why == why])
            yield f"{said}; how far off they are was not taken for {names}: {why}."


def _off(name: str, sample: PopulationSample, results: StudyResults) -> str:
    aim = results.summary.target.metric
    told = [
        f"{metric} off by {f.number(sample.off[metric], 2)}"
        for metric in dict.fromkeys((aim, "val_loss"))
        if math.isfinite(sample.off.get(metric, math.nan))
    ]
    return f"{name} {' and '.join(told)}" if told else f"{name} off by no number"


def _lacking(results: StudyResults) -> Iterator[str]:
    """Where some runs of a variant were trained without such curves, and others with them."""
    metric = f"{POPULATION}{results.summary.target.metric}"
    lacking = []
    for name in results.variants:
        runs = results.runs_of(name)
        without = sum(metric not in run.curves for run in runs)
        if 0 < without < len(runs):
            lacking.append(f"{without} of {len(runs)} runs of {name}")
    if lacking:
        yield (
            f"{listed(lacking)} have no curves with population statistics: what these learn is "
            f"taken from their own."
        )
