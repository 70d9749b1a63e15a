"""How the variants end: the typical seed's final value against the baseline's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from normwise.domain import CONFIDENCE, Comparison, Ending
from normwise.report import formatting as f
from normwise.report.metric_text import metric_text
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """A row a comparison; nothing where there is none."""
    found = [(c, c.ending) for c in results.summary.comparisons if c.ending is not None]
    if not found:
        return None
    metric = metric_text(results.summary.target.metric)
    headers = (
        "variant",
        f"{metric}, from {results.baseline}",
        "ends",
        "diverged",
        "would settle it",
    )
    return Section(
        "How they end",
        in_words=(
            f"{metric.capitalize()}, from {results.baseline}: {_all_in_words(found, results)}.",
        ),
        table=Table(tuple(map(Column, headers)), tuple(_row(c, one, results) for c, one in found)),
        caption=_caption([one for _, one in found], results.baseline),
    )


def _row(c: Comparison, one: Ending, results: StudyResults) -> tuple[Cell, ...]:
    value, interval = _difference(one, results)
    needed = f"about {one.seeds_needed} seeds" if one.seeds_needed else f.NONE
    return (
        Cell(c.variant, color=results.colors[c.variant]),
        Cell(value, (interval,)),
        Cell(one.outcome),
        Cell(f"{one.diverged}/{one.replicas}"),
        Cell(needed),
    )


def _difference(one: Ending, results: StudyResults) -> tuple[str, str]:
    """The median difference, or who diverged in the typical pair, and the interval."""
    value, interval = f.signed(one.difference)
    if math.isinf(one.difference.value):
        rising = results.summary.target.relation == ">="
        worse = (one.difference.value < 0) == rising
        value = "diverged" if worse else "baseline diverged"
    return value, interval


def _all_in_words(found: Sequence[tuple[Comparison, Ending]], results: StudyResults) -> str:
    return "; ".join(
        f"{c.variant} {' '.join(filter(None, _difference(one, results)))}, {one.outcome}"
        for c, one in found
    )


def _caption(endings: Sequence[Ending], baseline: str) -> str:
    first = endings[0]
    several = len(endings) > 1
    return (
        f"Median of the differences from {baseline} at the last epoch, seed by seed (of other "
        f"seeds: the difference of the medians), with the interval of the sign test; a replica "
        f"that diverged is worse than any value. Better, worse: the interval lies on one side of "
        f"0. No worse: it rules out a loss of more than {f.number(first.margin)} (--end-margin). "
        f"Open: neither, or the variant diverged more often. "
        + (
            f"All {len(endings)} are right together with {f.percent(CONFIDENCE)} confidence, each "
            f"interval having {f.percent(first.confidence)}; what is said of epochs is a family of "
            f"its own."
            if several
            else f"The interval has {f.percent(first.confidence)}."
        )
    )
