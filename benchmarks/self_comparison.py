"""How often is a network told apart from itself? Real training, whole studies.

    python benchmarks/self_comparison.py              # about three minutes

Trains the circles network without normalisation many times, once, and deals its runs out
as studies in which it stands against itself under another name, with seeds of their own.
Every "helps" or "hurts" is an error; with 95% confidence at most 5% may be. `plain` has one
learning rate, `grid` nine, of which each side stands at its own best; `naive` is that grid
judged on the very seeds that chose, to show what choosing by halves is for.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from collections import Counter
from collections.abc import Callable, Sequence

from normwise import Study, analysis
from normwise.analysis import _judged
from normwise.analysis._grid import best_point
from normwise.domain import Comparison, RunKey, RunRecord, Target

SEEDS = 10
RATES = "1e-4:1:9"


def main() -> None:
    """Run the three experiments and print how often each outcome came up."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=40, help="how many (default 40)")
    studies = parser.parse_args().studies
    runs = {
        name: Study(
            "circles",
            "circles",
            variants=["none"],
            seeds=2 * SEEDS * studies,
            epochs=100,
            optimizer="sgd:momentum=0.9",
            learning_rate=rates,
        )
        .run()
        .records
        for name, rates in (("plain", 0.01), ("grid", RATES))
    }
    _report("plain", runs["plain"], studies)
    _report("grid", runs["grid"], studies)
    by_halves = _judged.holdout_runs
    _judged.holdout_runs = _judged_by_all  # type: ignore[assignment]
    _report("naive", runs["grid"], studies)
    _judged.holdout_runs = by_halves


def _report(name: str, records: Sequence[RunRecord], studies: int) -> None:
    found = [_comparison(records, study) for study in range(studies)]
    outcomes = Counter(one.outcome for one in found)
    errors = outcomes["helps"] + outcomes["hurts"]
    ratio = statistics.median(one.epochs_ratio.value for one in found)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    print(f"{name}: {counts}; told apart from itself in {errors} of {studies}; median {ratio:.2f}")


def _comparison(records: Sequence[RunRecord], study: int) -> Comparison:
    first = 2 * SEEDS * study
    mine: Callable[[RunRecord], int] = lambda record: record.key.seed - first  # noqa: E731
    dealt = [_as(record, "none", mine(record)) for record in records if 0 <= mine(record) < SEEDS]
    dealt += [
        _as(record, "itself", mine(record) - SEEDS)
        for record in records
        if SEEDS <= mine(record) < 2 * SEEDS
    ]
    [found] = analysis.summarise("self", dealt, Target.parse("val_accuracy>=0.8")).comparisons
    return found


def _as(record: RunRecord, variant: str, seed: int) -> RunRecord:
    return dataclasses.replace(record, key=RunKey(variant, seed, record.key.setting))


def _judged_by_all(
    _name: str, records: Sequence[RunRecord], target: Target
) -> tuple[object, dict[int, RunRecord]]:
    chosen = best_point(records, target)
    return chosen, {r.key.seed: r for r in records if r.condition == chosen}


if __name__ == "__main__":
    main()
