"""Multiple testing: several comparisons, and several looks, kept to one error rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from normwise.analysis import reaching
from normwise.domain import CONFIDENCE, RunRecord, Summary, VerdictKind
from normwise.report.formatting import percent
from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]

_FURTHER = 4  # times the seeds: two more rounds, each of twice as many


def build(results: StudyResults) -> Section | None:
    """Sentences, where more than one comparison or look is made."""
    text = (*_together(results.summary), *_rounds(results.summary, results.records))
    return Section("How sure it is", text=text) if text else None


def _together(summary: Summary) -> Iterator[str]:
    """That several comparisons were decided together, and how."""
    several = len(summary.comparisons) > 1
    if several and any(comparison.confidence > CONFIDENCE for comparison in summary.comparisons):
        levels = ", ".join(
            f"{comparison.variant} {100 * comparison.confidence:.3g}%"
            for comparison in summary.comparisons
        )
        yield (
            f"{len(summary.comparisons)} variants are compared with "
            f"{summary.comparisons[0].baseline} at once. By Holm's procedure at most "
            f"{percent(1 - CONFIDENCE)} of such studies have any wrong verdict on a ratio; the "
            f"ratios' intervals are therefore wider than one comparison's ({levels})."
        )


def _stopped(summary: Summary, records: Sequence[RunRecord]) -> str:
    """That no more seeds were allowed though they could still decide, and how to go on."""
    last = summary.rounds[-1]
    is_open = any(one.outcome == "undecided" and one.seeds == last for one in summary.comparisons)
    if not is_open or not reaching(records, summary.target):
        return ""
    return f"; stopped at --max-seeds {last}, go on with --max-seeds {_FURTHER * last}"


def _learning(summary: Summary) -> Iterator[str]:
    """Of how many seeds the ratios of learning are, where those are others."""
    if all(one.learning_seeds in (None, one.seeds) for one in summary.comparisons):
        return
    ends = "; ".join(
        f"{one.variant} {_state(one.learning_outcome)} after {one.learning_seeds}"
        for one in summary.comparisons
        if one.learning_outcome is not None
    )
    yield (
        f"How much sooner each learns is decided apart, at the same looks, with the seeds that "
        f"there are ({ends}); more seeds are trained only while an arrival is open."
    )


def _state(outcome: VerdictKind | None) -> str:
    return "open" if outcome == "undecided" else "decided"


def _rounds(summary: Summary, records: Sequence[RunRecord]) -> Iterator[str]:
    """That seeds came in rounds, how errors are kept from adding up, and when each was decided."""
    if not summary.rounds:
        return
    *but_last, last = summary.rounds
    alone = 1 - (1 - CONFIDENCE) / len(summary.rounds)
    ends = "; ".join(
        f"{one.variant} {_state(one.outcome)} after {one.seeds}" for one in summary.comparisons
    )
    yield (
        f"Seeds come in rounds, up to {', '.join(map(str, but_last))} or {last} a variant, until "
        f"all is decided ({ends}){_stopped(summary, records)}. Each of the {len(summary.rounds)} "
        f"looks is made at {percent(alone)} confidence, so that at most "
        f"{percent(1 - CONFIDENCE)} of such studies decide wrongly at any of them."
    )
    yield from _learning(summary)
    target = summary.target
    if not reaching(records, target):
        yield (
            f"No further round of seeds is trained where no replica reaches {target}, since more "
            f"of them would say no more: try a --target that is reached, or more --epochs."
        )
