"""Recorded runs of a deep network: what probes saw in each epoch, and how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from typing import Any, NamedTuple, Self

import numpy as np

from normwise.data import find_dataset
from normwise.domain import POPULATION
from normwise.engine import Cohort, Looked, Replica, StackLooks
from normwise.execution.setup import Setup
from normwise.lesson.grid import SEED, DeepGrid
from normwise.lesson.networks import cohort_of, replicas_at, setup_of
from normwise.lesson.numbers import counted, rounded
from normwise.probes.activity import EDGES

__all__ = ["PER", "STUDY", "deep_programs", "record_deep"]

STUDY = "deep-mlp"
PER = 1000
"""Shares of a histogram are recorded in thousandths."""
_NONE, _BEFORE = "none", "before"
# What the activation of a layer takes, by variant: kind of the signal.
_TAKEN = {_NONE: "sums", _BEFORE: "normalised"}
_METRICS = ("accuracy", "loss")


def deep_programs(grid: DeepGrid) -> int:
    """How many programs :func:`record_deep` compiles, each of which it says."""
    return len(grid.depths) * len(grid.batch_sizes) * (len(_TAKEN) + len(grid.momenta) - 1)


def record_deep(grid: DeepGrid, tell: Callable[[str], None]) -> dict[str, Any]:
    """Train all runs, and record them.

    Args:
        grid: Which.
        tell: Called before each program with what it is.

    Returns:
        The grid, how a series is to be read, and ``runs``: of each, ``with`` and ``without``
        normalisation, what was seen at the first step of each epoch and the curves of its end.
    """
    networks = product(grid.depths, grid.batch_sizes)
    return {
        "study": STUDY,
        "seed": SEED,
        "validated": len(find_dataset("digits").x_val),
        "epochs": grid.epochs,
        "axes": {
            "depth": list(grid.depths),
            "learning_rate": list(grid.learning_rates),
            "batch_size": list(grid.batch_sizes),
            "momentum": list(grid.momenta),
        },
        "edges": rounded(EDGES),
        "per": PER,
        "steps": rounded(_steps()),
        "runs": [run for depth, size in networks for run in _of_network(grid, depth, size, tell)],
    }


def _steps() -> Sequence[float]:
    from normwise.probes.landscape import STEPS

    return STEPS


def _of_network(
    grid: DeepGrid, depth: int, size: int, tell: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Its runs, one a learning rate: those of a program train side by side."""
    setup = setup_of(
        STUDY, depth=depth, batch_size=size, epochs=grid.epochs, learning_rate=grid.learning_rates
    )
    replicas = replicas_at(grid.learning_rates)
    others = [f"{_BEFORE}:momentum={momentum:g}" for momentum in grid.momenta[:-1]]
    # What follows compiles while something trains.
    with ThreadPoolExecutor() as pool:
        looking = {name: _Looking.of(setup, name, replicas, pool) for name in (_NONE, _BEFORE)}
        validating = {name: _Validating.of(setup, name, replicas, pool) for name in others}

        def told(name: str) -> str:
            tell(f"{depth} layers, batches of {size}, {name}")
            return name

        without, with_ = (one.seen() for name, one in looking.items() if told(name))
        moving = [
            *(one.curves() for name, one in validating.items() if told(name)),
            [_of_validation(looked.curves) for looked in with_],
        ]
    for number, rate in enumerate(grid.learning_rates):
        yield {
            "depth": depth,
            "batch_size": size,
            "learning_rate": rate,
            "without": _seen(without[number], _NONE),
            "with": {
                **_seen(with_[number], _BEFORE),
                "moving": {
                    f"{momentum:g}": own[number]
                    for momentum, own in zip(grid.momenta, moving, strict=True)
                },
            },
        }


class _Looking(NamedTuple):
    """Replicas that are looked at, and their programs, which may still be compiling."""

    stack: StackLooks
    compiled: Future[tuple[Any, Any]]
    replicas: Sequence[Replica]

    @classmethod
    def of(
        cls, setup: Setup, variant: str, replicas: Sequence[Replica], pool: ThreadPoolExecutor
    ) -> Self:
        cohort = cohort_of(setup, variant, len(replicas), population=True)
        stack = StackLooks.of(cohort, *setup.spec.batch_size)
        return cls(stack, pool.submit(stack.compile, stack.lower()), replicas)

    def seen(self) -> list[Looked]:
        return self.stack.looked_at(self.compiled.result(), self.replicas)


class _Validating(NamedTuple):
    """Replicas of which only the validation counts, and their program."""

    cohort: Cohort
    compiled: Future[Any]
    replicas: Sequence[Replica]

    @classmethod
    def of(
        cls, setup: Setup, variant: str, replicas: Sequence[Replica], pool: ThreadPoolExecutor
    ) -> Self:
        cohort = cohort_of(setup, variant, len(replicas))
        return cls(cohort, pool.submit(cohort.compile, cohort.lower()), replicas)

    def curves(self) -> list[dict[str, Any]]:
        """Of each replica what validation with moving statistics gives."""
        [chunk] = self.cohort.run(self.compiled.result(), self.replicas)
        return [
            _of_validation({name: one[row] for name, one in chunk.curves.items()})
            for row in range(len(self.replicas))
        ]


def _of_validation(curves: Any, prefix: str = "") -> dict[str, Any]:
    return {name: rounded(curves[f"{prefix}val_{name}"]) for name in _METRICS}


def _seen(looked: Looked, variant: str) -> dict[str, Any]:
    series, curves = looked.series, looked.curves
    taken = _signals(looked, _TAKEN[variant])
    given = _signals(looked, "activations")
    prefix = POPULATION if variant == _BEFORE else ""
    return {
        "histogram": counted(series["activations/histogram"][:, taken], PER),
        "mean": rounded(series["activations/mean"][:, taken]),
        "deviation": rounded(series["activations/deviation"][:, taken]),
        "response": rounded(series["activations/unit_deviation"][:, given].mean(axis=-1)),
        "gradient": rounded(series["gradients/norm"]),
        "start_loss": rounded(series["gradients/loss"]),
        "step_loss": rounded(series["landscape/loss"]),
        "training": {name: rounded(curves[name]) for name in _METRICS},
        "validation": _of_validation(curves, prefix),
    }


def _signals(looked: Looked, kind: str) -> list[int]:
    """Where those of the hidden layers stand; the last of each kind may be the output's."""
    layers = len(looked.names["layers"]) - 1
    return [
        int(place) for place in np.flatnonzero(np.array(looked.names["kinds"]) == kind)[:layers]
    ]
