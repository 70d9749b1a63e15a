"""How often a study of noisy curves, of a grid or of layers claims what is not so, by simulation.

    python benchmarks/curves.py --noise        # the same mean curve, with more noise in one variant
    python benchmarks/curves.py --ranges       # working ranges on a lattice of rates
    python benchmarks/curves.py --layers       # which layers matter, of three

Curves are drawn here and go through the same functions as those of a study. With --noise they
approach 0.9 exponentially, at paces that scatter by 0.2 (deviation of the logarithm, 0.6 of the
variance shared by a pair); the target is given, or the default one. "first value" is what timing to
the first value that meets the target would have decided.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from normwise.analysis import ablation, compare, default_target, outcome
from normwise.analysis._range import range_gain, working_range
from normwise.domain import Estimate, RunKey, RunRecord, Target

Floats = NDArray[np.float64]
LOSS = Target.parse("val_loss<=0.4")


def records(curves: Floats, metric: str, variant: str = "none") -> list[RunRecord]:
    """A run a row."""
    return [
        RunRecord(RunKey(variant, seed, ""), 0.1, {metric: tuple(curve)})
        for seed, curve in enumerate(curves.tolist())
    ]


def paces(rng: np.random.Generator, seeds: int) -> tuple[Floats, Floats]:
    """Of a variant and of the baseline, around 1, pair by pair."""
    shared, own, other = rng.standard_normal((3, seeds))
    ours, theirs = (np.exp(0.2 * (0.6**0.5 * shared + 0.4**0.5 * one)) for one in (own, other))
    return ours, theirs


def approach(rng: np.random.Generator, pace: Floats, epochs: int, noise: float) -> Floats:
    """Curves from 0.4 towards 0.9."""
    trend = 0.9 - 0.5 * np.exp(-np.arange(1, epochs + 1) / pace[:, None])
    return np.asarray(trend + noise * rng.standard_normal(trend.shape))


def first_value(curves: Floats, target: float) -> Floats:
    """The first epoch whose value meets the target."""
    met = curves >= target
    return np.where(met.any(axis=1), met.argmax(axis=1) + 1.0, np.inf)


def noise_lines(studies: int, seed: int) -> Iterator[str]:
    """A line a kind of study."""
    yield "epochs pace seeds noise   x ratio target     helps   hurts   holds first value"
    kinds = [(30, 6.0), (100, 8.0), (100, 20.0)]
    for (epochs, pace), seeds, noise, (times, ratio), goal in itertools.product(
        kinds, (5, 10, 30), (0.003, 0.01, 0.03), ((1, 1.0), (3, 1.0), (3, 1.5)), (0.85, None)
    ):
        rng = np.random.default_rng([seed, epochs, int(pace), seeds, int(1000 * noise), times])
        told = []
        for _ in range(studies):
            ours, theirs = paces(rng, seeds)
            variant = approach(rng, pace * ours / ratio, epochs, times * noise)
            baseline = approach(rng, pace * theirs, epochs, noise)
            runs = records(baseline, "val_accuracy")
            target = default_target(runs) if goal is None else Target("val_accuracy", ">=", goal)
            sides = [
                [outcome(run, target).epoch for run in own]
                for own in (records(variant, "val_accuracy"), runs)
            ]
            found = compare(*sides, horizon=epochs)
            # Once is enough to show what the promise is not kept by.
            naive = (first_value(own, target.value) for own in (variant, baseline))
            before = compare(*naive, horizon=epochs)
            told.append(
                (
                    found.outcome == "helps",
                    found.outcome == "hurts",
                    found.low <= ratio <= found.high,
                    before.outcome == "helps",
                )
            )
        helps, hurts, holds, before_helps = np.mean(told, axis=0)
        yield (
            f"{epochs:6d}{pace:5g}{seeds:6d}{noise:6g}{times:4d}{ratio:6g}{goal or 'default':>8}"
            f"{helps:8.3f}{hurts:8.3f}{holds:8.3f}{before_helps:12.3f}"
        )


def lattice_runs(edges: Floats, lattice: Floats) -> list[RunRecord]:
    """A run a seed and rate, which arrives between the seed's own two edges, in decades."""
    return [
        RunRecord(RunKey("none", seed, f"{at}"), 10.0**at, {"val_loss": (0.9, last)})
        for seed, (low, high) in enumerate(edges)
        for at in lattice
        for last in [0.1 if low <= at <= high else 0.8]
    ]


def held(found: Estimate | None, truth: float) -> bool:
    """Whether an interval holds the truth."""
    return found is not None and found.low <= truth <= found.high


def range_lines(studies: int, seed: int) -> Iterator[str]:
    """A line a scatter of the edges and number of seeds; rates half a decade apart."""
    yield "spread seeds   holds  gain holds  told apart"
    for spread, seeds in itertools.product((0.05, 0.2, 0.4), (3, 5, 10)):
        rng = np.random.default_rng([seed, int(100 * spread), seeds])
        told = []
        for _ in range(studies):
            lattice = np.arange(-4, 4.1, 0.5) + rng.uniform(0, 0.5)
            ours, theirs = (
                lattice_runs([-1.0, 1.0] + spread * rng.standard_normal((seeds, 2)), lattice)
                for _ in range(2)
            )
            width, gain = working_range(ours, LOSS), range_gain(ours, theirs, LOSS)
            told.append((held(width, 2.0), held(gain, 0.0)))
        holds, gained = np.mean(told, axis=0)
        yield f"{spread:6g}{seeds:6d}{holds:8.3f}{gained:12.3f}{1 - gained:12.3f}"


def layer_lines(studies: int, seed: int) -> Iterator[str]:
    """A line a truth: how many times the epochs each of three layers is worth."""
    yield "worth            seeds never  wrong  exact   open"
    subsets = [kept for size in range(4) for kept in itertools.combinations((1, 2, 3), size)]
    for worth, seeds, never in itertools.product(
        ((1.3, 1, 1), (1.3, 1.3, 1.3), (2, 1, 1), (1, 1, 1)), (5, 10, 30), (0.0, 0.1)
    ):
        rng = np.random.default_rng([seed, int(10 * sum(worth)), seeds, int(100 * never)])
        slower = {
            kept: float(np.prod([w for layer, w in enumerate(worth, 1) if layer not in kept]))
            for kept in subsets
        }
        best = tuple("abc"[layer - 1] for layer in (1, 2, 3) if worth[layer - 1] > 1)
        told = []
        for _ in range(studies):
            shared, runs = rng.standard_normal(seeds), {}
            for kept in subsets:
                luck = 0.6**0.5 * shared + 0.4**0.5 * rng.standard_normal(seeds)
                at = 15 * slower[kept] * np.exp(0.2 * luck)
                at[rng.random(seeds) < never] = np.inf
                curves = np.where(np.arange(1, 61) >= at[:, None], 0.1, 0.9)
                runs[kept] = records(curves, "val_loss", "after")
            found = ablation("after", ["a", "b", "c"], runs, LOSS)
            kept = tuple("abc".index(name) + 1 for name in found.kept)
            told.append((slower[kept] > 1.25, found.kept == best, found.is_open))
        wrong, exact, is_open = np.mean(told, axis=0)
        yield f"{worth!s:16}{seeds:6d}{never:6g}{wrong:7.3f}{exact:7.3f}{is_open:7.3f}"


PARTS = {"noise": noise_lines, "ranges": range_lines, "layers": layer_lines}


def main() -> None:
    """Print the tables that are asked for, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000, help="studies a line (default 2000)")
    parser.add_argument("--seed", type=int, default=0)
    for part in PARTS:
        parser.add_argument(f"--{part}", action="store_true")
    options = parser.parse_args()
    wanted = [part for part in PARTS if getattr(options, part)] or list(PARTS)
    for part in wanted:
        started = time.perf_counter()
        for line in PARTS[part](options.studies, options.seed):
            print(line, flush=True)
        print(f"{options.studies} studies a line, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
