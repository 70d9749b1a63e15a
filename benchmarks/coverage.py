"""How often the intervals of `normwise.analysis` hold the truth, by simulation.

    python benchmarks/coverage.py --studies 400

Every line is one kind of study, repeated with fresh seeds. Its baseline takes a
random time to the target (median 20 epochs), its variant a time from the same
distribution divided by the true ratio, pairs share a part of their luck, and what
lies beyond the horizon is censored. Columns: how often the interval held the true
ratio; how often it lay wholly below or above it; how often the verdict was
"helps" or "hurts"; how often both ends were finite; the median of high/low where
they were. Give or take 2·√(0.05·0.95/studies).
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from normwise.analysis import compare, median_epochs

Floats = NDArray[np.float64]
MEDIAN = 20.0


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

    def studies(self, rng: np.random.Generator, n: int) -> Iterator[tuple[Floats, Floats]]:
        """Epochs of the variant and of the baseline, study after study."""
        shared, own, other = rng.standard_normal((3, n, self.seeds))
        luck = 0.6 if self.paired else 0.0
        variant, baseline = (
            MEDIAN * SHAPES[self.shape](luck**0.5 * shared + (1 - luck) ** 0.5 * each)
            for each in (own, other)
        )
        yield from zip(self._seen(variant / self.ratio), self._seen(baseline), strict=True)

    def _seen(self, times: Floats) -> Floats:
        epochs = np.ceil(times) if self.whole else times
        return np.where(epochs > self.horizon, np.inf, epochs)


def line(cell: Cell, rng: np.random.Generator, n: int) -> str:
    """Simulate one cell."""
    found = [
        compare(variant, baseline, horizon=cell.horizon, paired=cell.paired)
        for variant, baseline in cell.studies(rng, n)
    ]
    low, high = np.array([(d.low, d.high) for d in found]).T
    above, below = float((low > cell.ratio).mean()), float((high < cell.ratio).mean())
    bounded = (low > 0) & np.isfinite(high)
    width = float(np.median(high[bounded] / low[bounded])) if bounded.any() else float("inf")
    sure = np.mean([d.outcome in ("helps", "hurts") for d in found])
    return (
        f"{cell.shape:12}{cell.seeds:4d}{cell.censored:6.0%}{cell.ratio:6.2f}"
        f"{'  paired' if cell.paired else '       -'}{'  whole' if cell.whole else '      -'}"
        f"{1 - above - below:8.3f}{below:8.3f}{above:8.3f}{sure:8.3f}{bounded.mean():8.2f}"
        f"{width:8.2f}"
    )


def median_line(cell: Cell, rng: np.random.Generator, n: int) -> str:
    """Simulate the interval of the median epoch; the baseline's true median is 20."""
    found = [median_epochs(b, horizon=cell.horizon) for _, b in cell.studies(rng, n)]
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
    parser.add_argument("--median", action="store_true", help="the median epoch's interval instead")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    options = arguments()
    started = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    if options.median:
        print("shape          n  cens.    held")
        for shape, n, lost in itertools.product(options.shape, options.seeds, options.censored):
            cell = Cell(shape, n, lost, ratio=1.0, paired=False, whole=False)
            print(median_line(cell, rng, options.studies))
    else:
        print("shape          n  cens. ratio  pairs  epochs", end="")
        print("    held   below   above    sure bounded   width")
        axes = options.shape, options.seeds, options.censored, options.ratio
        for values in itertools.product(*axes, (True, False), (True, False)):
            print(line(Cell(*values), rng, options.studies), flush=True)
    print(f"{options.studies} studies a line, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
