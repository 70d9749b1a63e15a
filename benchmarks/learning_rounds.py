"""How often a study in rounds of seeds is wrong about learning, by simulation.

    python benchmarks/learning_rounds.py --studies 2000       # about half an hour on one core

Three variants and a baseline, paired over seeds that share part of their luck, exact lognormal
times around 20 epochs. All learn alike. They arrive alike or later, with much of the luck of
learning, and get more seeds (5, 10, 20, 40) only while arriving is open, as
`normwise study --until-decided` does.

Columns: studies with a wrong verdict on arriving and on learning; those in which variants have
other numbers of seeds; verdicts on learning that are decided. Give or take
2 √(0.05 · 0.95 / studies).
"""

from __future__ import annotations

import argparse
import functools
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from normwise.analysis import compare
from normwise.analysis._compare import Decision
from normwise.analysis._rounds import Look, decide_in_rounds

ROUNDS, HORIZON, MEDIAN = (5, 10, 20, 40), 200.0, 20.0
LUCK = 0.6  # The part of a seed's variance that all variants share.
# The baseline's epochs to arrive over each variant's.
KINDS = {"alike": (1.0, 1.0, 1.0), "one late": (0.5, 1.0, 1.0), "two late": (0.5, 0.7, 1.0)}
SHARED = (0.9, 0.5)  # The part of a run's variance that learning and arriving share.
WRONG = ("helps", "hurts")

Floats = NDArray[np.float64]


def normal(rng: np.random.Generator, known: Floats, share: float) -> Floats:
    """Standard normal values, of whose variance a share is that of others."""
    own = rng.standard_normal(known.size)
    return np.asarray(share**0.5 * known + (1 - share) ** 0.5 * own)


def epochs(luck: Floats, ratio: float = 1.0) -> Floats:
    """Times of so much luck, so many times as fast."""
    return np.asarray(MEDIAN / ratio * np.exp(0.3 * luck))


def looks(
    times: Sequence[Floats], baseline: Floats, trained: Mapping[int, int]
) -> Mapping[int, Look[int]]:
    """What the last look at each variant found, with the seeds that it has."""

    def look(number: int, seeds: int, confidence: float) -> Decision:
        sides = times[number][:seeds], baseline[:seeds]
        return compare(*sides, horizon=HORIZON, confidence=confidence)

    return decide_in_rounds(look, trained, ROUNDS, 0.95)


def study(
    rng: np.random.Generator, ratios: Sequence[float], shared: float
) -> tuple[bool, bool, bool, float]:
    """Whether it is wrong on arriving and on learning, seeds differ, and what is decided."""
    luck = rng.standard_normal(ROUNDS[-1])
    baseline = epochs(normal(rng, luck, LUCK))
    own = [normal(rng, luck, LUCK) for _ in ratios]
    arrived = [
        epochs(normal(rng, one, shared), ratio) for ratio, one in zip(ratios, own, strict=True)
    ]
    arriving = functools.partial(looks, arrived, baseline)
    trained = dict.fromkeys(range(len(ratios)), ROUNDS[0])
    for seeds in ROUNDS[1:]:
        found = arriving(trained)
        trained |= {n: seeds for n, one in found.items() if one.decision.outcome == "undecided"}
    learning = looks([epochs(one) for one in own], baseline, trained).values()
    return (
        any(
            one.decision.outcome in WRONG and ratios[n] == 1 for n, one in arriving(trained).items()
        ),
        any(one.decision.outcome in WRONG for one in learning),
        len(set(trained.values())) > 1,
        float(np.mean([one.decision.outcome != "undecided" for one in learning])),
    )


def lines(studies: int) -> Iterator[str]:
    """A line of Markdown a kind of study."""
    yield "| arriving | shared | wrong on arriving | on learning | seeds differ | decided |"
    yield "|---|---|---|---|---|---|"
    for (number, kind), shared in itertools.product(enumerate(KINDS), SHARED):
        rng = np.random.Generator(np.random.Philox(1000 + 10 * number + int(10 * shared)))
        found = np.mean([study(rng, KINDS[kind], shared) for _ in range(studies)], axis=0)
        yield f"| {kind} | {shared:g} | " + " | ".join(f"{one:.1%}" for one in found) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000, help="a line (default 2000)")
    options = parser.parse_args()
    started = time.perf_counter()
    for line in lines(options.studies):
        print(line, flush=True)
    print(f"{options.studies} studies a line, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
