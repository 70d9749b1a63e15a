"""Sentences that a reader must see beside the numbers, found from the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from normwise.records import RunRecord, Summary, VariantSummary
from normwise.report.selection import records_of

__all__ = ["own_notes"]


def own_notes(summary: Summary, records: Sequence[RunRecord]) -> tuple[str, ...]:
    """What the table and the curves leave out or cannot say."""
    notes: list[str] = []
    for variant in summary.variants:
        own = [record for record in records if record.key.variant == variant.name]
        notes += _lost(variant, own)
        notes += _chosen_rate(variant, own)
    return tuple(notes)


def _lost(variant: VariantSummary, records: Sequence[RunRecord]) -> Iterator[str]:
    """Replicas that the curves and final values do without."""
    times = variant.epochs_to_target
    failed = variant.seeds - times.reached - times.censored - times.diverged
    stopped = [r for r in records_of(variant, records) if r.diverged_at is not None]
    diverged = max(times.diverged, len(stopped))
    counts = [(diverged, "diverged"), (failed, "could not be trained")]
    lost = [f"{count} {what}" for count, what in counts if count > 0]
    if lost:
        yield (
            f"{variant.name}: of {variant.seeds} replicas {' and '.join(lost)}; "
            f"curves show them while they were finite, final values are over the others."
        )


def _chosen_rate(variant: VariantSummary, records: Sequence[RunRecord]) -> Iterator[str]:
    rates = sorted({record.learning_rate for record in records})
    if len(rates) > 1:
        tried = ", ".join(f"{rate:g}" for rate in rates)
        yield f"{variant.name}: learning rate {variant.learning_rate:g}, chosen among {tried}."
