"""How often what is said of a variant's end is wrong, by simulation.

    python benchmarks/endings.py --studies 2000       # minutes on one core

Every line is one kind of study: final accuracies of a baseline (0.85 and some scatter) and of a
variant, seed by seed, half of whose luck is shared. First: how often it is said to end better,
worse and no worse (of which the latter, with "better", allows a recommendation), and how often the
interval of the typical difference holds the truth, beside that of the signed-rank test and
Student's of the mean. Second: how often the intervals of means hold theirs, Gaffke's and Student's.
Third: in how many studies of nine variants that end as the baseline does any is told apart.
Give or take 2·√(p·(1 - p)/studies).
"""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from normwise.analysis._ending import ending
from normwise.analysis._gaffke import gaffke_interval
from normwise.analysis._judged import Measures, judged_runs
from normwise.domain import RunKey, RunRecord, Target

Floats = NDArray[np.float64]
TARGET = Target.parse("val_accuracy>=0.8")
SEEDS = (3, 4, 5, 6, 10, 30)
LEVEL = 0.85
COLLAPSED = 0.5
# From a generator and a shape to the final values of baseline and variant; NaN: diverged.
Draw = Callable[[np.random.Generator, tuple[int, int]], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Kind:
    """One kind of study, and the truth about it."""

    name: str
    draw: Draw

    def truth(self, rng: np.random.Generator) -> float:
        """The median difference."""
        base, own = self.draw(rng, (1000, 1000))
        both = np.isnan(base) & np.isnan(own)
        gain = np.nan_to_num(own, nan=-9.0) - np.nan_to_num(base, nan=-9.0)
        return float(np.median(np.where(both, 0.0, gain)))


def pair(rng: np.random.Generator, size: tuple[int, int], sd: float) -> tuple[Floats, Floats]:
    """Two samples around the level that share half of their variance."""
    shared, base, own = rng.standard_normal((3, *size)) * sd / math.sqrt(2)
    return LEVEL + shared + base, LEVEL + shared + own


def shifted(
    rng: np.random.Generator, size: tuple[int, int], *, sd: float, by: float
) -> tuple[Floats, Floats]:
    """A variant whose every seed ends higher by as much."""
    base, own = pair(rng, size, sd)
    return base, own + by


def failing(
    rng: np.random.Generator, size: tuple[int, int], *, base: float, own: float, value: float
) -> tuple[Floats, Floats]:
    """Shares of the baseline's and of the variant's seeds that end with a value of their own."""
    theirs, ours = pair(rng, size, 0.01)
    return (
        np.where(rng.random(size) < base, value, theirs),
        np.where(rng.random(size) < own, value, ours),
    )


KINDS = (
    Kind("alike, sd 0.005", functools.partial(shifted, sd=0.005, by=0.0)),
    Kind("alike, sd 0.01", functools.partial(shifted, sd=0.01, by=0.0)),
    Kind("alike, sd 0.02", functools.partial(shifted, sd=0.02, by=0.0)),
    Kind("0.03 worse, sd 0.01", functools.partial(shifted, sd=0.01, by=-0.03)),
    Kind("0.03 worse, sd 0.02", functools.partial(shifted, sd=0.02, by=-0.03)),
    Kind("30% diverge", functools.partial(failing, base=0.0, own=0.3, value=math.nan)),
    Kind("10% of both collapse", functools.partial(failing, base=0.1, own=0.1, value=COLLAPSED)),
    Kind("30% of it collapse", functools.partial(failing, base=0.0, own=0.3, value=COLLAPSED)),
)


def outcome_of(base: Floats, own: Floats, confidence: float) -> tuple[str, float, float]:
    """What is said of one study, and the interval behind it."""
    measures = Measures(TARGET, 2, 1.25, None, confidence, {})
    ours, theirs = (
        judged_runs(name, [run(name, *one) for one in enumerate(finals)], TARGET)
        for name, finals in (("after", own), ("none", base))
    )
    found = ending(ours, theirs, measures, confidence)
    return found.outcome, found.difference.low, found.difference.high


def run(name: str, seed: int, final: float) -> RunRecord:
    """A run of two epochs that ends with a value, or diverges."""
    key, curve = RunKey(name, seed, "a"), (0.5, float(final))
    return RunRecord(key, 0.1, {"val_accuracy": curve}, 2 if math.isnan(final) else None)


def signed_rank(gains: Floats) -> tuple[float, float]:
    """The interval of the signed-rank test at 95%, between two averages of pairs of gains."""
    n = gains.size
    ways = np.ones(1)
    for rank in range(1, n + 1):
        ways = np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))
    outside = int(np.searchsorted(np.cumsum(ways) / 2**n, 0.025, side="right"))
    if not outside:
        return -math.inf, math.inf
    averages = np.sort([(gains[i] + gains[j]) / 2 for i in range(n) for j in range(i, n)])
    return float(averages[outside - 1]), float(averages[-outside])


def student(values: Floats) -> tuple[float, float]:
    """Student's interval of the mean at 95%."""
    half = stats.t.ppf(0.975, values.size - 1) * values.std(ddof=1) / math.sqrt(values.size)
    return float(values.mean() - half), float(values.mean() + half)


OTHERS = (signed_rank, student)


def holding(truth: float, ends: list[tuple[float, float]]) -> float:
    """How often an interval holds the truth."""
    low, high = np.array(ends).T
    return float(np.mean((low <= truth) & (truth <= high)))


def said(studies: int) -> Iterator[str]:
    """The first table."""
    yield "| study | seeds | better | worse | no worse | holds | signed-rank | Student |"
    yield "|---|---|---|---|---|---|---|---|"
    for number, kind in enumerate(KINDS):
        truth = kind.truth(np.random.default_rng([1, number]))
        for n in SEEDS:
            base, own = kind.draw(np.random.default_rng([2, number, n]), (studies, n))
            found = [outcome_of(*rows, 0.95) for rows in zip(base, own, strict=True)]
            said_so = [kept for kept, *_ in found]
            shares = [said_so.count(one) / studies for one in ("better", "worse", "no worse")]
            others = ["-", "-"]
            if not np.isnan(own).any():
                ends = ([interval(gains) for gains in own - base] for interval in OTHERS)
                others = [f"{holding(truth, one):.1%}" for one in ends]
            held = holding(truth, [(low, high) for _, low, high in found])
            cells = [kind.name, str(n), *(f"{one:.1%}" for one in (*shares, held)), *others]
            yield f"| {' | '.join(cells)} |"


def means(studies: int) -> Iterator[str]:
    """The second table: a tenth of the seeds collapses, or never arrives within 100 epochs."""
    yield "| mean of | seeds | Gaffke | Student |"
    yield "|---|---|---|---|"
    for number, (name, bounds, draw) in enumerate(MEANS):
        truth = float(draw(np.random.default_rng([3, number]), (2000, 1000)).mean())
        for n in SEEDS:
            values = draw(np.random.default_rng([4, number, n]), (studies, n))
            ends = (
                [gaffke_interval(row.tolist(), bounds, 0.95) for row in values],
                [student(row) for row in values],
            )
            yield f"| {name} | {n} | " + " | ".join(f"{holding(truth, e):.1%}" for e in ends) + " |"


def finals(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Final accuracies."""
    return failing(rng, size, base=0.1, own=0.1, value=COLLAPSED)[0]


def differences(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Differences of final accuracies, where the variant's seeds alone collapse."""
    base, own = failing(rng, size, base=0.0, own=0.1, value=COLLAPSED)
    return own - base


def epochs(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Epochs to the target, in 100."""
    return np.where(rng.random(size) < 0.1, 100.0, 20 * rng.lognormal(0.0, 0.2, size)).clip(0, 100)


MEANS = (
    ("final accuracy", (0.0, 1.0), finals),
    ("difference", (-1.0, 1.0), differences),
    ("restricted epochs", (0.0, 100.0), epochs),
)


def families(studies: int) -> Iterator[str]:
    """The third table."""
    yield "| nine alike | seeds | some is told apart |"
    yield "|---|---|---|"
    for collapse in (0.0, 0.1):
        for n in (10, 30):  # with fewer than nine seeds, nothing is said of nine
            rng = np.random.default_rng([5, n, int(10 * collapse)])
            size = (studies, 10, n)
            drawn = np.where(rng.random(size) < collapse, COLLAPSED, rng.normal(LEVEL, 0.01, size))
            told = [
                any(outcome_of(base, own, 1 - 0.05 / 9)[0] in ("better", "worse") for own in others)
                for base, *others in drawn
            ]
            yield f"| {collapse:.0%} collapse | {n} | {np.mean(told):.1%} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000, help="studies a line (default 2000)")
    studies = parser.parse_args().studies
    for table in (said, means, families):
        for line in table(studies):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
