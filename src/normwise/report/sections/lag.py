"""Learning and lag: what a network has learned before its moving statistics let it be seen."""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.domain import Lag, Variant, VariantSummary, momentum_for, momentum_text
from normwise.report import formatting as f
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build"]

_CAPTION = (
    "Learns: median epoch at which replicas reach the target by population statistics, the mean "
    "and variance of the training part under the weights of that epoch. Arrives: by their own, "
    "moving ones. Epochs of lag: the median of each seed's own lag, not the difference of the two "
    "medians. Ratios of what is learned are decided together, apart from those of arriving."
)


def build(results: StudyResults) -> Section | None:
    """What lag is, with its numbers, where it decides; nothing where it does not."""
    late = [(one, one.lag) for one in results.summary.variants if one.lag and one.lag.decides]
    if not late:
        return None
    seen = [(one, one.lag) for one in results.summary.variants if one.lag is not None]
    columns = (
        Column("variant", is_main=True),
        Column("learns", is_main=True),
        Column("arrives", is_main=True),
        Column("epochs of lag", is_main=True),
        *(
            [Column(f"learns sooner than {results.baseline}", is_main=True)]
            * bool(results.baseline)
        ),
    )
    return Section(
        "Learning and lag",
        text=(_what_it_is(late), *_where(seen), *_why(late), _remedy(late, results)),
        table=Table(columns, tuple(_row(one, lag, results) for one, lag in seen)),
        caption=_CAPTION,
    )


def _row(variant: VariantSummary, lag: Lag, results: StudyResults) -> tuple[Cell, ...]:
    compared = results.comparison(variant.name)
    learned = compared.learning_ratio if compared else None
    arrived = variant.epochs_to_target.median
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        Cell(f.epochs(lag.learned.value), (f.epochs_interval(lag.learned),)),
        Cell(f.epochs(arrived.value), (f.epochs_interval(arrived),)),
        Cell(f.epochs(lag.epochs.value), (f.epochs_interval(lag.epochs),)),
        *([Cell(f.ratio(learned), (f.ratio_interval(learned),))] * bool(results.baseline)),
    )


def _what_it_is(late: list[tuple[VariantSummary, Lag]]) -> str:
    numbers = "; ".join(
        f"{one.name} reaches the target {_in_epochs(lag.learned.value)} with these, "
        f"{_in_epochs(one.epochs_to_target.median.value)} with its averages"
        for one, lag in late
    )
    return (
        f"Validation is computed with moving statistics, averages that begin at 0 and 1 and follow "
        f"the training part slowly, and again with the statistics that it has under the same "
        f"weights: {numbers}."
    )


def _in_epochs(median: float) -> str:
    return "in most replicas never" if math.isinf(median) else f"in {f.in_epochs(median)}"


def _where(seen: list[tuple[VariantSummary, Lag]]) -> Iterator[str]:
    """Variants that learn soonest at one point of the grid, and arrive soonest at another."""
    apart = [
        f"{one.name} learns soonest at {lag.point.told_from([one.condition])}, and arrives "
        f"soonest at {one.condition.told_from([lag.point])}"
        for one, lag in seen
        if lag.point
    ]
    if apart:
        yield (
            f"Learning and arriving are each told at the best point of the grid, which every "
            f"second seed chose by the one or by the other: {'; '.join(apart)}."
        )


def _why(late: list[tuple[VariantSummary, Lag]]) -> Iterator[str]:
    """Why it takes so long, once for each momentum and number of steps."""
    found = dict.fromkeys((lag.momentum, lag.steps_needed, lag.steps) for _, lag in late)
    for momentum, needed, steps in found:
        if momentum is None or needed is None:
            continue
        epochs = f"; an epoch has {steps}, so that is {needed / steps:.2g} epochs" if steps else ""
        yield (
            f"With momentum {momentum_text(momentum)} they need {needed:.0f} steps until 5% of "
            f"what they began with is left{epochs}."
        )


def _remedy(late: list[tuple[VariantSummary, Lag]], results: StudyResults) -> str:
    already = (
        "normwise recalibrate MODEL --data DATA gives a model that is trained already the "
        "statistics of its data"
    )
    known = [(one, lag) for one, lag in late if lag.momentum is not None]
    if not known:
        return "What is late is the statistics, not the network: a lower momentum forgets sooner."
    names = [Variant.parse(one.name).with_remedy.name for one, _ in known]
    named = " and ".join(
        _with_momentum(name, lag, results) for name, (_, lag) in zip(names, known, strict=True)
    )
    was, forgets = ("was", "forgets") if len(known) == 1 else ("were", "forget")
    trained = f", which {was} trained as well," if set(names) <= set(results.variants) else ""
    return (
        f"What is late is the statistics, not the network: {named}{trained} {forgets} within an "
        f"epoch, and {already}.{''.join(_still_late(names, results))}"
    )


def _with_momentum(name: str, lag: Lag, results: StudyResults) -> str:
    """A remedy with the number that its momentum is where it was trained, or would be."""
    trained = next((one for one in results.summary.variants if one.name == name), None)
    fitting = momentum_for(lag.steps) if lag.steps else None
    momentum = trained.momentum if trained else fitting
    return name if momentum is None else f"{name} ({momentum_text(momentum)})"


def _still_late(names: list[str], results: StudyResults) -> Iterator[str]:
    """Remedies that were trained and lag on, since more than what they began with is wrong."""
    for one in results.summary.variants:
        if one.name in names and one.lag is not None and one.lag.epochs.low >= 1:
            yield (
                f" Yet {one.name} still arrives {f.in_epochs(one.lag.epochs.value)} later than it "
                f"has learned (median): averages of few batches, or of what changes quickly, are "
                f"wrong for other reasons, too, and recalibrating mends these."
            )
