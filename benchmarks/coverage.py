"""How often the intervals of `normwise.analysis` hold the truth, by simulation.

    python benchmarks/coverage.py --studies 400       # a few minutes on two cores
    python benchmarks/coverage.py --rounds            # seeds doubled until decided
    python benchmarks/coverage.py --median            # the median epoch's interval

Every cell is one kind of study, repeated with fresh seeds. Its baseline takes a
random time to the target (median 20 epochs), its variant a time from the same
distribution divided by the true ratio, pairs share a part of their luck, and what
lies beyond the horizon is censored. Columns: how often the interval held the true
ratio; how often it lay wholly below or above it; how often the verdict was
"helps" or "hurts"; how often both ends were finite; the median of high/low where
they were; with --rounds the mean number of seeds that a decision took, of at most
eight times the first round's. Give or take 2·√(0.05·0.95/studies). The last table has the mean
over all cells of as many seeds and as much censoring.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from normwise.analysis import compare, median_epochs
from normwise.analysis._compare import Decision
from normwise.analysis._rounds import decide_in_rounds

Floats = NDArray[np.float64]
MEDIAN = 20.0
DOUBLINGS = 3


def lognormal(normal: Floats) -> Floats:
    """Times around 1, deviation 0.3 of the logarithm."""
    return np.exp(0.3 * normal)


def wide(normal: Floats) -> Floats:
    """Times around 1, deviation 1 of the logarithm."""
    return np.exp(normal)


def weibull(normal: Floats) -> Floats:
    """Times with median 1 and a tail to the left, shape 2.5."""
    return np.asarray((-np.log(ndtr(-normal)) / np.log(2)) ** (1 / 2.5))


def exponential(normal: Floats) -> Floats:
    """Times with median 1, memoryless."""
    return np.asarray(-np.log(ndtr(-normal)) / np.log(2))


SHAPES: dict[str, Callable[[Floats], Floats]] = {
    f.__name__: f for f in (lognormal, wide, weibull, exponential)
}


@dataclass(frozen=True)
class Cell:
    """One kind of study."""

    shape: str
    seeds: int
    censored: float
    ratio: float
    paired: bool
    whole: bool

    @property
    def horizon(self) -> float:
        """The quantile of the baseline's times that censors as many as asked for."""
        if self.censored == 0:
            return 1e6
        found = MEDIAN * float(SHAPES[self.shape](ndtri(np.array(1 - self.censored))))
        return float(np.ceil(found)) if self.whole else found

    def studies(
        self, rng: np.random.Generator, n: int, seeds: int
    ) -> Iterator[tuple[Floats, Floats]]:
        """Epochs of the variant and of the baseline, ``seeds`` of each, study after study."""
        shared, own, other = rng.standard_normal((3, n, seeds))
        luck = 0.6 if self.paired else 0.0
        variant, baseline = (
            MEDIAN * SHAPES[self.shape](luck**0.5 * shared + (1 - luck) ** 0.5 * each)
            for each in (own, other)
        )
        yield from zip(self._seen(variant / self.ratio), self._seen(baseline), strict=True)

    def _seen(self, times: Floats) -> Floats:
        epochs = np.ceil(times) if self.whole else times
        return np.where(epochs > self.horizon, np.inf, epochs)


@dataclass(frozen=True)
class Found:
    """What the studies of one cell came to."""

    held: float
    below: float
    above: float
    sure: float
    bounded: float
    width: float
    seeds: float


def simulate(cell: Cell, *, n: int, seed: int, rounds: bool) -> Found:
    """Repeat one kind of study ``n`` times."""
    rng = np.random.default_rng([seed, zlib.crc32(repr(astuple(cell)).encode())])
    decide = in_rounds if rounds else at_once
    size = cell.seeds * 2**DOUBLINGS if rounds else cell.seeds
    found, seeds = zip(*(decide(cell, *sides) for sides in cell.studies(rng, n, size)), strict=True)
    low, high = np.array([(one.low, one.high) for one in found]).T
    above, below = float((low > cell.ratio).mean()), float((high < cell.ratio).mean())
    bounded = (low > 0) & np.isfinite(high)
    return Found(
        held=1 - above - below,
        below=below,
        above=above,
        sure=float(np.mean([one.outcome in ("helps", "hurts") for one in found])),
        bounded=float(bounded.mean()),
        width=float(np.median(high[bounded] / low[bounded])) if bounded.any() else float("inf"),
        seeds=float(np.mean(seeds)),
    )


def at_once(cell: Cell, variant: Floats, baseline: Floats) -> tuple[Decision, int]:
    """One look at all seeds, and their number."""
    return compare(variant, baseline, horizon=cell.horizon, paired=cell.paired), cell.seeds


def in_rounds(cell: Cell, variant: Floats, baseline: Floats) -> tuple[Decision, int]:
    """A look after each doubling of the seeds until it decides, and their number."""

    def look(_: str, seeds: int, confidence: float) -> Decision:
        return compare(
            variant[:seeds],
            baseline[:seeds],
            horizon=cell.horizon,
            paired=cell.paired,
            confidence=confidence,
        )

    rounds = [cell.seeds * 2**step for step in range(DOUBLINGS + 1)]
    last = decide_in_rounds(look, {"variant": rounds[-1]}, rounds, 0.95)["variant"]
    return last.decision, last.seeds


def line(cell: Cell, found: Found) -> str:
    """One cell of the table."""
    return (
        f"{cell.shape:12}{cell.seeds:4d}{cell.censored:6.0%}{cell.ratio:6.2f}"
        f"{'  paired' if cell.paired else '       -'}{'  whole' if cell.whole else '      -'}"
        f"{found.held:8.3f}{found.below:8.3f}{found.above:8.3f}{found.sure:8.3f}"
        f"{found.bounded:8.2f}{found.width:8.2f}{found.seeds:7.1f}"
    )


def overview(found: dict[Cell, Found]) -> Iterator[str]:
    """Means over the cells of as many seeds and as much censoring, as Markdown."""
    yield "| seeds | censored | holds | worst cell | told apart from itself | 1.5 found | used |"
    yield "|---|---|---|---|---|---|---|"
    places = dict.fromkeys((cell.seeds, cell.censored) for cell in found)
    for seeds, censored in places:
        here = {c: f for c, f in found.items() if (c.seeds, c.censored) == (seeds, censored)}
        held = [one.held for one in here.values()]
        equal = [one.sure for c, one in here.items() if c.ratio == 1]
        faster = [one.sure for c, one in here.items() if c.ratio != 1]
        yield (
            f"| {seeds} | {censored:.0%} | {np.mean(held):.1%} | {min(held):.1%} | "
            f"{np.mean(equal):.1%} | {np.mean(faster):.0%} | "
            f"{np.mean([one.seeds for one in here.values()]):.0f} |"
        )


def median_line(cell: Cell, *, n: int, seed: int) -> str:
    """Simulate the interval of the median epoch; the baseline's true median is 20."""
    rng = np.random.default_rng([seed, zlib.crc32(repr(astuple(cell)).encode())])
    samples = [baseline for _, baseline in cell.studies(rng, n, cell.seeds)]
    found = [median_epochs(sample, horizon=cell.horizon) for sample in samples]
    held = np.mean([one.low <= MEDIAN <= one.high for one in found])
    return f"{cell.shape:12}{cell.seeds:4d}{cell.censored:6.0%}{held:8.3f}"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=400, help="studies a line (default 400)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 10, 30])
    parser.add_argument("--censored", type=float, nargs="+", default=[0.0, 0.2, 0.5])
    parser.add_argument("--ratio", type=float, nargs="+", default=[1.0, 1.5])
    parser.add_argument("--shape", choices=[*SHAPES], nargs="+", default=[*SHAPES])
    parser.add_argument("--rounds", action="store_true", help="seeds doubled until decided")
    parser.add_argument("--median", action="store_true", help="the median epoch's interval instead")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Print the tables."""
    options = arguments()
    started = time.perf_counter()
    axes = options.shape, options.seeds, options.censored
    with ProcessPoolExecutor() as pool:
        if options.median:
            print("shape          n  cens.    held")
            cells = [
                Cell(*v, ratio=1.0, paired=False, whole=False) for v in itertools.product(*axes)
            ]
            lines = functools.partial(median_line, n=options.studies, seed=options.seed)
            print(*pool.map(lines, cells), sep="\n")
        else:
            print("shape          n  cens. ratio  pairs  epochs", end="")
            print("    held   below   above    sure bounded   width  seeds")
            both = (True, False)
            cells = [Cell(*v) for v in itertools.product(*axes, options.ratio, both, both)]
            one = functools.partial(
                simulate, n=options.studies, seed=options.seed, rounds=options.rounds
            )
            found = {}
            for cell, result in zip(cells, pool.map(one, cells), strict=True):
                found[cell] = result
                print(line(cell, result), flush=True)
            print(*overview(found), sep="\n")
    print(f"{options.studies} studies a cell, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
