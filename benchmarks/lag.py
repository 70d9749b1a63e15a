"""How often a study is wrong about learning, about arriving, and about lag, by simulation.

    python benchmarks/lag.py --studies 2000       # about half an hour on one core

Three variants and a baseline, paired over ten seeds that share part of their luck; arrivals are
lognormal around 12 epochs of 60, in whole epochs. Each study is summarised, the remedies of the
variants whose lag decides join with arrivals of their own, and it is summarised again, as
`normwise study` does. Kinds of study:

- alike: all arrivals, both ways, are of the baseline's distribution, so that any verdict on a
  ratio and any lag that decides is wrong; half of the luck of a run is in both of its arrivals
- borderline: arriving is as the baseline, learning 1.25 times sooner, so that lag decides in some
  studies and not in others, and a remedy, which arrives as the baseline, joins by chance
- late: learning is as the baseline and arriving twice as late; all remedies join and arrive as
  the baseline
- grid: as alike, but at each of three batch sizes, with luck of their own, so that chance chooses
  where a variant arrives soonest and where it learns soonest; half of the seeds judge

Columns: studies with a wrong verdict on arriving, on learning, with a lag that is wrongly found;
how often a remedy joined. Give or take 2 √(0.05 · 0.95 / studies).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from normwise.analysis import summarise
from normwise.domain import RunKey, RunRecord, Summary, Target

TARGET, EPOCHS, SEEDS = Target.parse("val_accuracy>=0.8"), 60, 10
VARIANTS = ("after", "before", "input")
# How much later a kind's variants arrive, and learn, than its baseline arrives.
KINDS = {
    "alike": (1.0, 1.0),
    "borderline": (1.0, 1 / 1.25),
    "late": (2.0, 1.0),
    "grid": (1.0, 1.0),
}
SIZES = {"grid": (4, 32, 100)}
WRONG = ("helps", "hurts")


def run(
    variant: str, seed: int, arrives: float, learned: float | None = None, size: int = 32
) -> RunRecord:
    """A run that steps over the target in these epochs, by its own and by population statistics."""
    epochs = np.arange(1, EPOCHS + 1)
    curves = {"val_accuracy": tuple(np.where(epochs >= arrives, 0.9, 0.5).tolist())}
    if learned is not None:
        seen = np.where(epochs >= learned, 0.9, 0.5)
        curves["population_val_accuracy"] = tuple(seen.tolist())
    return RunRecord(RunKey(variant, seed, str(size)), 0.1, curves, batch_size=size)


def arrivals(
    rng: np.random.Generator, luck: NDArray[np.float64], ratio: float = 1.0
) -> list[float]:
    """Epochs around 12 times the ratio, half of the luck being shared."""
    normal = 0.5**0.5 * luck + 0.5**0.5 * rng.standard_normal(SEEDS)
    return np.ceil(12 * ratio * np.exp(0.3 * normal)).tolist()


def study(
    rng: np.random.Generator, late: float, soon: float, sizes: tuple[int, ...] = (32,)
) -> tuple[Summary, int]:
    """One study with the remedies that joined, and how many did."""
    luck = rng.standard_normal(SEEDS)
    records = [
        run("none", seed, epoch, size=size)
        for size in sizes
        for seed, epoch in enumerate(arrivals(rng, luck))
    ]
    for name in VARIANTS:
        for size in sizes:
            own = 0.5**0.5 * luck + 0.5**0.5 * rng.standard_normal(SEEDS)
            sides = zip(arrivals(rng, own, late), arrivals(rng, own, soon), strict=True)
            records += [run(name, seed, *each, size) for seed, each in enumerate(sides)]
    found = summarise("x", records, TARGET, examples=500)
    joined = [one.name for one in found.variants if one.lag and one.lag.decides]
    for name in joined:
        for size in sizes:
            both = zip(*(arrivals(rng, luck, one) for one in (1.0, soon)), strict=True)
            remedy = f"{name}:momentum=auto"
            records += [run(remedy, seed, *each, size) for seed, each in enumerate(both)]
    return summarise("x", records, TARGET, examples=500), len(joined)


def wrongs(kind: str, found: Summary, joined: int) -> tuple[bool, bool, bool, bool]:
    """Whether a study was wrong about arriving, learning and lag, and whether a remedy joined."""
    late, soon = KINDS[kind]
    arriving = any(
        one.outcome in WRONG
        for one in found.comparisons
        if late == 1.0 or one.variant not in VARIANTS
    )
    learning = soon == 1.0 and any(one.learning_outcome in WRONG for one in found.comparisons)
    return arriving, learning, late == soon and joined > 0, joined > 0


def lines(studies: int, kinds: list[str]) -> Iterator[str]:
    """A line of Markdown a kind of study."""
    yield "| studies | wrong on arriving | on learning | on lag | a remedy joined |"
    yield "|---|---|---|---|---|"
    for number, kind in enumerate(kinds):
        rng = np.random.default_rng([15, number])
        asked = *KINDS[kind], SIZES.get(kind, (32,))
        found = [wrongs(kind, *study(rng, *asked)) for _ in range(studies)]
        yield f"| {kind} | " + " | ".join(f"{share:.1%}" for share in np.mean(found, axis=0)) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000, help="a line (default 2000)")
    parser.add_argument("--kind", choices=[*KINDS], nargs="+", default=[*KINDS])
    options = parser.parse_args()
    started = time.perf_counter()
    for line in lines(options.studies, options.kind):
        print(line, flush=True)
    print(f"{options.studies} studies a line, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
