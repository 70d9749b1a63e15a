"""How often the intervals of `normwise.analysis` hold the truth, by simulation.

    python benchmarks/coverage.py --studies 400       # a few minutes on two cores
    python benchmarks/coverage.py --rounds            # seeds doubled until decided
    python benchmarks/coverage.py --median            # the median epoch's interval
    python benchmarks/coverage.py --few-epochs        # medians of 1, 1.5, 2 and 3 epochs
    python benchmarks/coverage.py --never             # replicas that never arrive
    python benchmarks/coverage.py --families          # variants that share a baseline

Every cell is one kind of study, repeated with fresh seeds. Its baseline takes a
random time to the target (median 20 epochs), its variant a time from the same
distribution divided by the true ratio, pairs share a part of their luck, and what
lies beyond the horizon is censored. Columns: how often the interval held the true
ratio; how often it lay wholly below or above it; how often the verdict was
"helps" or "hurts"; how often both ends were finite; the median of high/low where
they were; with --rounds the mean number of seeds that a decision took, of at most
eight times the first round's. Give or take 2·√(0.05·0.95/studies). The last table has the mean
over all cells of as many seeds and as much censoring.

The last three print a line of Markdown a kind of study: lognormal times in whole epochs, of
pairs that share a part of their luck.

- Few epochs: the mean over medians of 1, 1.5, 2 and 3 epochs, true ratios of 1, 1.3 and 1.5, and
  deviations of 0.1 and 0.3. "Wrong" is a verdict that is not so: "helps" or "hurts" of a variant
  that does not, "no difference" of a ratio outside the margin.
- Never: a share of each side's replicas never arrives, whatever its pair does. The same studies
  are looked at after 40, 100 and 600 epochs. How often the interval held 1 where all that arrive
  are alike, also at the confidence of one comparison in nine, and the median of the ratio found
  where the variant's are 1.5 times as fast.
- Families: any wrong verdict among four or nine variants, all alike or half of them 1.3 times as
  fast, in one look or doubling the seeds until decided; and how many verdicts were decided.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import math
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from normwise.analysis import compare, median_epochs
from normwise.analysis._compare import Decision
from normwise.analysis._rounds import decide_in_rounds

Floats = NDArray[np.float64]
MEDIAN = 20.0
LUCK = 0.6  # The part of a pair's variance that it shares.
MARGIN = 1.25
DOUBLINGS = 3
FEW_EPOCHS = [*itertools.product((1.0, 1.5, 2.0, 3.0), (1.0, 1.3, 1.5), (0.1, 0.3))]
FEW_HORIZON = 30.0
NEVER = [(0.3, 0.3), (0.5, 0.5), (0.7, 0.7), (0.5, 0.3), (0.7, 0.3)]  # Of variant, of baseline.
NEVER_HORIZONS = (40.0, 100.0, 600.0)
FAMILY_HORIZON = 200.0


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
        luck = LUCK if self.paired else 0.0
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


def generator(seed: int, kind: Cell | FewEpochs | Never | Family) -> np.random.Generator:
    """A generator of its own for each kind of study, whichever others are simulated."""
    return np.random.default_rng([seed, zlib.crc32(repr(astuple(kind)).encode())])


def simulate(cell: Cell, *, n: int, seed: int, rounds: bool) -> Found:
    """Repeat one kind of study ``n`` times."""
    rng = generator(seed, cell)
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

    rounds = doubled(cell.seeds)
    last = decide_in_rounds(look, {"variant": rounds[-1]}, rounds, 0.95)["variant"]
    return last.decision, last.seeds


def doubled(seeds: int) -> list[int]:
    """The seeds at each look."""
    return [seeds * 2**step for step in range(DOUBLINGS + 1)]


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
    rng = generator(seed, cell)
    samples = [baseline for _, baseline in cell.studies(rng, n, cell.seeds)]
    found = [median_epochs(sample, horizon=cell.horizon) for sample in samples]
    held = np.mean([one.low <= MEDIAN <= one.high for one in found])
    return f"{cell.shape:12}{cell.seeds:4d}{cell.censored:6.0%}{held:8.3f}"


def epochs(
    rng: np.random.Generator,
    ratios: Sequence[float],
    seeds: int,
    *,
    median: float = MEDIAN,
    deviation: float = 0.3,
) -> Floats:
    """Whole epochs of a baseline and of variants so many times as fast, (1 + variants, seeds)."""
    speed = np.array([1.0, *ratios])[:, None]
    shared, own = rng.standard_normal(seeds), rng.standard_normal((speed.size, seeds))
    normal = LUCK**0.5 * shared + (1 - LUCK) ** 0.5 * own
    return np.asarray(np.ceil(median / speed * np.exp(deviation * normal)))


def is_wrong(outcome: str, ratio: float) -> bool:
    """Whether a verdict is not so of a variant that is ``ratio`` times as fast."""
    wrong = {
        "helps": ratio <= 1,
        "hurts": ratio >= 1,
        "no difference": not 1 / MARGIN <= ratio <= MARGIN,
    }
    return wrong.get(outcome, False)


@dataclass(frozen=True)
class FewEpochs:
    """Studies of so many seeds that arrive within few epochs."""

    columns: ClassVar[str] = "seeds | holds | worst kind | wrong | worst kind | 1.5 found"
    seeds: int

    def row(self, n: int, seed: int) -> str:
        """Each kind ``n`` times."""
        rng = generator(seed, self)
        found = [[self._study(rng, *kind) for _ in range(n)] for kind in FEW_EPOCHS]
        held, wrong, helps = np.mean(found, axis=1).T
        power = helps[[ratio == 1.5 for _, ratio, _ in FEW_EPOCHS]]
        return (
            f"| {self.seeds} | {held.mean():.1%} | {held.min():.1%} | {wrong.mean():.1%} | "
            f"{wrong.max():.1%} | {power.mean():.0%} |"
        )

    def _study(
        self, rng: np.random.Generator, median: float, ratio: float, deviation: float
    ) -> tuple[bool, bool, bool]:
        """Whether its interval holds the ratio, its verdict is wrong, and says "helps"."""
        baseline, variant = seen(
            epochs(rng, [ratio], self.seeds, median=median, deviation=deviation), FEW_HORIZON
        )
        one = compare(variant, baseline, horizon=FEW_HORIZON, margin=MARGIN)
        return one.low <= ratio <= one.high, is_wrong(one.outcome, ratio), one.outcome == "helps"


@dataclass(frozen=True)
class Never:
    """Studies of which some replicas never arrive, however long one waits."""

    columns: ClassVar[str] = (
        "never, variant | baseline | seeds | holds 1 at 40 | 100 | 600 | 600, one of nine | "
        "1.5 seen at 40 | 100 | 600"
    )
    variant: float
    baseline: float
    seeds: int

    def row(self, n: int, seed: int) -> str:
        """Both true ratios, ``n`` times."""
        rng = generator(seed, self)
        alike = np.array([self._held(self._study(rng, 1.0)) for _ in range(n)]).mean(axis=0)
        faster = np.nanmedian([self._ratios(self._study(rng, 1.5)) for _ in range(n)], axis=0)
        return (
            f"| {self.variant:.0%} | {self.baseline:.0%} | {self.seeds} | "
            + " | ".join(f"{share:.1%}" for share in alike)
            + " | "
            + " | ".join(f"{ratio:.2f}" for ratio in faster)
            + " |"
        )

    def _study(self, rng: np.random.Generator, ratio: float) -> Floats:
        share = np.array([[self.baseline], [self.variant]])
        never = rng.random((2, self.seeds)) < share
        return np.where(never, np.inf, epochs(rng, [ratio], self.seeds))

    def _held(self, study: Floats) -> list[bool]:
        """Whether the interval holds 1 at each horizon, and at the last as one of nine."""
        last = self._looks(study, 1 - 0.05 / 9)[-1]
        return [one.low <= 1 <= one.high for one in [*self._looks(study, 0.95), last]]

    def _ratios(self, study: Floats) -> list[float]:
        return [one.ratio for one in self._looks(study, 0.95)]

    def _looks(self, study: Floats, confidence: float) -> list[Decision]:
        return [
            compare(variant, baseline, horizon=horizon, confidence=confidence)
            for horizon in NEVER_HORIZONS
            for baseline, variant in [seen(study, horizon)]
        ]


@dataclass(frozen=True)
class Family:
    """Studies of several variants that share a baseline."""

    columns: ClassVar[str] = "variants | as fast | seeds | looks | any wrong | decided"
    ratios: tuple[float, ...]
    seeds: int
    rounds: bool

    def row(self, n: int, seed: int) -> str:
        """Decide ``n`` families."""
        rng = generator(seed, self)
        wrong, decided = np.mean([self._study(rng) for _ in range(n)], axis=0)
        error = math.sqrt(wrong * (1 - wrong) / n)
        truth = "half of them 1.3 times" if max(self.ratios) > 1 else "alike"
        seeds = f"{self.seeds} to {self._looks[-1]}" if self.rounds else str(self.seeds)
        return (
            f"| {len(self.ratios)} | {truth} | {seeds} | {len(self._looks)} | "
            f"{100 * wrong:.1f} ± {100 * error:.1f}% | {decided:.0%} |"
        )

    @property
    def _looks(self) -> list[int]:
        return doubled(self.seeds) if self.rounds else [self.seeds]

    @property
    def _deviation(self) -> float:
        """Luck that leaves something to decide, and decides something."""
        return 0.3 if self.rounds else 0.1 if self.seeds < 10 else 0.15

    def _study(self, rng: np.random.Generator) -> tuple[bool, float]:
        """Whether any verdict is wrong, and the share of those that were decided."""
        drawn = epochs(rng, self.ratios, self._looks[-1], deviation=self._deviation)
        baseline, *variants = seen(drawn, FAMILY_HORIZON)

        def look(number: int, seeds: int, confidence: float) -> Decision:
            sides = variants[number][:seeds], baseline[:seeds]
            return compare(*sides, horizon=FAMILY_HORIZON, margin=MARGIN, confidence=confidence)

        trained = dict.fromkeys(range(len(variants)), self._looks[-1])
        found = decide_in_rounds(look, trained, self._looks, 0.95).values()
        outcomes = [one.decision.outcome for one in found]
        wrong = any(map(is_wrong, outcomes, self.ratios))
        return wrong, float(np.mean([outcome != "undecided" for outcome in outcomes]))


def seen(times: Floats, horizon: float) -> Floats:
    """The times, those beyond the horizon censored."""
    return np.where(times > horizon, np.inf, times)


def families(seeds: Iterable[int]) -> list[Family]:
    """Four and nine variants, alike and mixed, in one look and in rounds."""
    ratios = [(1.0,) * (m - fast) + (1.3,) * fast for m in (4, 9) for fast in (0, m // 2)]
    return [Family(*kind) for kind in itertools.product(ratios, seeds, (False, True))]


def row(kind: FewEpochs | Never | Family, *, n: int, seed: int) -> str:
    """One line of a table in Markdown."""
    return kind.row(n, seed)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=400, help="studies a kind (default 400)")
    parser.add_argument("--seeds", type=int, nargs="+", help="instead of each table's own")
    parser.add_argument("--censored", type=float, nargs="+", default=[0.0, 0.2, 0.5])
    parser.add_argument("--ratio", type=float, nargs="+", default=[1.0, 1.5])
    parser.add_argument("--shape", choices=[*SHAPES], nargs="+", default=[*SHAPES])
    parser.add_argument("--rounds", action="store_true", help="seeds doubled until decided")
    parser.add_argument("--median", action="store_true", help="the median epoch's interval instead")
    parser.add_argument("--few-epochs", action="store_true", help="few epochs instead")
    parser.add_argument("--never", action="store_true", help="some never arrive, instead")
    parser.add_argument("--families", action="store_true", help="several variants instead")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def kinds(options: argparse.Namespace) -> Sequence[FewEpochs | Never | Family]:
    """The kinds of study of one of the tables in Markdown."""
    if options.few_epochs:
        return [FewEpochs(seeds) for seeds in options.seeds or (3, 4, 5, 10, 30)]
    if options.never:
        return [Never(*share, seeds) for share in NEVER for seeds in options.seeds or (5, 10, 30)]
    return families(options.seeds or (5, 10))


def print_kinds(options: argparse.Namespace, pool: ProcessPoolExecutor) -> None:
    """Print a line of Markdown a kind of study."""
    wanted = kinds(options)
    columns = wanted[0].columns
    print(f"| {columns} |", "---".join("|" * (2 + columns.count("|"))), sep="\n")
    for one in pool.map(functools.partial(row, n=options.studies, seed=options.seed), wanted):
        print(one, flush=True)


def print_medians(options: argparse.Namespace, pool: ProcessPoolExecutor) -> None:
    """Print how often the interval of the median epoch holds it."""
    print("shape          n  cens.    held")
    axes = options.shape, options.seeds or (5, 10, 30), options.censored
    cells = [Cell(*v, ratio=1.0, paired=False, whole=False) for v in itertools.product(*axes)]
    lines = functools.partial(median_line, n=options.studies, seed=options.seed)
    print(*pool.map(lines, cells), sep="\n")


def print_cells(options: argparse.Namespace, pool: ProcessPoolExecutor) -> None:
    """Print how often the interval of the ratio holds it, cell by cell and in the mean."""
    print("shape          n  cens. ratio  pairs  epochs", end="")
    print("    held   below   above    sure bounded   width  seeds")
    seeds = options.seeds or ((5, 10) if options.rounds else (3, 4, 5, 10, 30))
    axes = options.shape, seeds, options.censored, options.ratio, (True, False), (True, False)
    cells = [Cell(*values) for values in itertools.product(*axes)]
    one = functools.partial(simulate, n=options.studies, seed=options.seed, rounds=options.rounds)
    found = {}
    for cell, result in zip(cells, pool.map(one, cells), strict=True):
        found[cell] = result
        print(line(cell, result), flush=True)
    print(*overview(found), sep="\n")


def main() -> None:
    """Print one of the tables."""
    options = arguments()
    started = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        if options.median:
            print_medians(options, pool)
        elif options.few_epochs or options.never or options.families:
            print_kinds(options, pool)
        else:
            print_cells(options, pool)
    print(f"{options.studies} studies a kind, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
