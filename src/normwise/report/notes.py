"""Sentences that a reader must see beside the numbers, found from the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from normwise.analysis import point_of, reaching, runs_at_best
from normwise.domain import RunRecord, Summary, Target, VariantSummary
from normwise.report.numbers import number, seconds

__all__ = ["own_notes"]

# The confidence of a comparison that stands alone.
SINGLE = 0.95


def own_notes(summary: Summary, records: Sequence[RunRecord]) -> tuple[str, ...]:
    """What the table and the curves leave out or cannot say."""
    notes: list[str] = []
    for variant in summary.variants:
        own = [record for record in records if record.key.variant == variant.name]
        notes += _lost(variant, own)
        notes += _standing(variant, own)
        notes += _stopped(variant, own, summary.target)
    return (
        *notes,
        *_together(summary),
        *_rounds(summary, records),
        *_pruned(records),
        *_seconds(summary),
        *_ablation(summary),
    )


def _together(summary: Summary) -> Iterator[str]:
    """That several comparisons were decided together, and how."""
    several = len(summary.comparisons) > 1
    if several and any(comparison.confidence > SINGLE for comparison in summary.comparisons):
        levels = ", ".join(
            f"{comparison.variant} {100 * comparison.confidence:.3g}%"
            for comparison in summary.comparisons
        )
        yield (
            f"{len(summary.comparisons)} variants are compared with "
            f"{summary.comparisons[0].baseline} at once. By Holm's procedure all verdicts together "
            f"are right with 95% confidence; the ratios' intervals are therefore wider than one "
            f"comparison's ({levels})."
        )


def _rounds(summary: Summary, records: Sequence[RunRecord]) -> Iterator[str]:
    """That seeds came in rounds, how errors are kept from adding up, and when each was decided."""
    if not summary.rounds:
        return
    *but_last, last = summary.rounds
    alone = 1 - (1 - SINGLE) / len(summary.rounds)
    ends = "; ".join(
        f"{one.variant} {'open' if one.outcome == 'undecided' else 'decided'} after {one.seeds}"
        for one in summary.comparisons
    )
    yield (
        f"Seeds come in rounds, up to {', '.join(map(str, but_last))} or {last} a variant, until "
        f"all is decided ({ends}). Each of the {len(summary.rounds)} looks is made at "
        f"{100 * alone:.4g}% confidence, so that all together are right with 95%."
    )
    target = summary.target
    if not reaching(records, target):
        yield (
            f"No further round of seeds is trained where no replica reaches {target}, since more "
            f"of them would say no more: try a --target that is reached, or more --epochs."
        )


def _seconds(summary: Summary) -> Iterator[str]:
    """What an epoch takes a model that trains alone, and the way to the target."""
    known = [one for one in summary.variants if math.isfinite(one.seconds_per_epoch)]
    if not known:
        return
    yield "Trained alone by Keras' own fit on this machine: " + "; ".join(map(_paid, known)) + "."


def _pruned(records: Sequence[RunRecord]) -> Iterator[str]:
    """That points of the grid were stopped early, and what that means."""
    stopped = [record for record in records if record.stopped_at is not None]
    if stopped:
        yield (
            f"{len(stopped)} of {len(records)} replicas were stopped early, at points of the grid "
            f"that were not going to be the best (successive halving among the seeds that choose; "
            f"the seeds that judge train at the chosen point alone). Where a variant works cannot "
            f"be told then."
        )


def _ablation(summary: Summary) -> Iterator[str]:
    """Which normalisation layers matter."""
    found = summary.ablation
    if found is None:
        return
    steps = {step.layers: step.restricted_mean for step in found.tried}
    best = min(steps.values(), key=lambda mean: mean.value)
    fewest = ", ".join(found.kept) or "none of them"
    several = f"the {len(found.layers)} normalisation layers"
    of = several if len(found.layers) > 1 else "the one normalisation layer"
    yield (
        f"Of {of} of {found.variant} ({len(steps)} subsets tried) the fewest that stay within the "
        f"interval of the best: {fewest}, with {steps[found.kept].value:.3g} epochs to the target "
        f"(restricted mean) against {best.value:.3g} [{best.low:.3g}, {best.high:.3g}]."
    )


def _paid(variant: VariantSummary) -> str:
    text = f"{variant.name} {seconds(variant.seconds_per_epoch)} an epoch"
    whole = variant.seconds_to_target.value
    if math.isfinite(whole):
        text += f", {seconds(whole)} to the target"
    if variant.cost is not None and math.isfinite(variant.cost.value):
        text += f", which costs {number(variant.cost.value)}"
    return text


def _lost(variant: VariantSummary, records: Sequence[RunRecord]) -> Iterator[str]:
    """Replicas that the curves and final values do without."""
    times = variant.epochs_to_target
    failed = variant.seeds - times.reached - times.censored - times.diverged
    stopped = [r for r in runs_at_best(variant, records) if r.diverged_at is not None]
    diverged = max(times.diverged, len(stopped))
    counts = [(diverged, "diverged"), (failed, "could not be trained")]
    lost = [f"{count} {what}" for count, what in counts if count > 0]
    if lost:
        yield (
            f"{variant.name}: of {variant.seeds} replicas {' and '.join(lost)}; "
            f"curves show them while they were finite, final values are over the others."
        )


def _stopped(
    variant: VariantSummary, records: Sequence[RunRecord], target: Target
) -> Iterator[str]:
    """What early stopping would have saved, and where it would have ended."""
    found = variant.early_stopping
    if found is not None:
        epochs = max(run.epochs for run in records)
        yield (
            f"{variant.name}: early stopping on {found.monitor} with a patience of "
            f"{found.patience} would have trained {found.epochs.value:.3g} of {epochs} epochs "
            f"(mean) and kept weights with a {target.metric} of "
            f"{found.final.value:.4g} instead of {variant.final[target.metric].value:.4g}."
        )


def _standing(variant: VariantSummary, records: Sequence[RunRecord]) -> Iterator[str]:
    """Where in the grid it stands, how that was chosen, and how wide it works."""
    axes: list[tuple[str, set[object]]] = [
        (f"learning rate {variant.learning_rate:g}", {run.learning_rate for run in records}),
        (variant.initializer or "the layers' own initialisers", {r.initializer for r in records}),
        (f"batches of {variant.batch_size}", {run.batch_size for run in records}),
    ]
    chosen = [text for text, values in axes if len(values) > 1]
    points = len(set(map(point_of, records)))
    if chosen:
        yield (
            f"{variant.name} stands at {', '.join(chosen)}, the best of {points} points: "
            f"every second seed chose it, and the others judge it."
        )
    found = variant.working_range
    if found is not None:
        yield (
            f"{variant.name} reaches the target over {found.value:.2f} decades of learning rates "
            f"(95% interval {found.low:.2f} to {found.high:.2f})."
        )
