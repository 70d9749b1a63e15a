"""What pruning saves: a grid of 5 variants × 9 learning rates × 10 seeds, whole and pruned.

    python benchmarks/pruning.py                # about two minutes

The circles study over nine learning rates, from 1e-4 to 1. Both sides run in turn in one
process with programs compiled before (a first round that is not counted compiles them);
printed are seconds of the whole study, epochs that were trained, and what each
side says: where a variant stands, and the verdict's outcome.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

from normwise import Study
from normwise.domain import RunRecord, Summary
from normwise.study import Result

VARIANTS = ("none", "after", "before", "input", "input+after")
SIDES = ("whole", "pruned")


def main() -> None:
    """Run both sides and print them next to each other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="of each side (default 3)")
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    timed: dict[str, list[float]] = {side: [] for side in SIDES}
    results: dict[str, Result] = {}
    for number in range(options.rounds + 1):
        for side in SIDES:
            started = time.perf_counter()
            results[side] = study(options.seeds, prune=side == "pruned")
            if number:
                timed[side].append(time.perf_counter() - started)
    epochs = {side: trained(results[side].records) for side in SIDES}
    seconds = {side: statistics.median(timed[side]) for side in SIDES}
    for side in SIDES:
        print(f"{side}: {seconds[side]:.1f} s, {epochs[side]} epochs of replicas")
        print(*lines(results[side].answer), sep="\n")
    print(
        f"pruned / whole: {seconds['pruned'] / seconds['whole']:.2f} of the seconds, "
        f"{epochs['pruned'] / epochs['whole']:.2f} of the epochs"
    )


def study(seeds: int, *, prune: bool) -> Result:
    """The circles study over nine learning rates."""
    return Study(
        "circles",
        "circles",
        variants=VARIANTS,
        seeds=seeds,
        epochs=100,
        optimizer="sgd:momentum=0.9",
        learning_rate="1e-4:1:9",
        target="val_accuracy>=0.8",
        prune=prune,
    ).run()


def trained(records: Sequence[RunRecord]) -> int:
    """Epochs that were trained, of all replicas together."""
    return sum(record.stopped_at or record.epochs for record in records)


def lines(summary: Summary) -> list[str]:
    """Where each variant stands, and what was decided about it."""
    outcomes = {one.variant: one.outcome for one in summary.comparisons}
    return [
        f"  {one.name:12} at {one.learning_rate:<8g} {one.epochs_to_target.median.value:6.1f} "
        f"epochs  {outcomes.get(one.name, 'baseline')}"
        for one in summary.variants
    ]


if __name__ == "__main__":
    main()
