"""Recorded runs of a small network on two circles: what it predicts where, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.domain import POPULATION
from normwise.engine import Cohort, population_of
from normwise.execution.setup import Setup
from normwise.lesson.grid import SEED, CirclesGrid
from normwise.lesson.networks import cohort_of, replicas_at, setup_of
from normwise.lesson.numbers import counted, rounded
from normwise.models.stateless_call import stateless

__all__ = ["PER", "STUDY", "circles_programs", "record_circles"]

STUDY = "circles"
PER = 100
"""Predictions are recorded in hundredths."""
_VARIANTS, _LAGGING = ("none", "before", "after"), "after"
_METRICS = ("accuracy", "loss")
# Training examples that are drawn.
_DRAWN = 250
# A stack is at rest after each segment, and where no length divides the epochs that is an epoch.
_INDIVISIBLE = 101

# Name to an array with the axes (replicas, epochs, …).
Series = dict[str, NDArray[Any]]


def circles_programs(grid: CirclesGrid) -> int:
    """How many programs :func:`record_circles` compiles, each of which it says."""
    return len(_VARIANTS) + len(grid.momenta) - 1


def record_circles(grid: CirclesGrid, tell: Callable[[str], None]) -> dict[str, Any]:
    """Train all runs, and record them.

    Args:
        grid: Which.
        tell: Called before each program with what it is.

    Returns:
        The grid; some training examples; ``runs``, of each variant and learning rate what is
        predicted with population statistics; ``lag``, of each momentum what is predicted with
        moving ones. Predictions, of the inner circle, are rows of a square, from the top.
    """
    setup = setup_of(STUDY, learning_rate=grid.learning_rates)
    found = {
        name: _series(grid, setup, name, grid.learning_rates, tell)
        for name in (*_VARIANTS, *_with_momenta(grid.momenta[:-1]))
    }
    data, [batch_size] = setup.recipe.dataset, setup.spec.batch_size
    return {
        "study": STUDY,
        "seed": SEED,
        "trained": data.examples,
        "batch_size": batch_size,
        "steps": math.ceil(data.examples / batch_size),
        "axes": {
            "learning_rate": list(grid.learning_rates),
            "momentum": list(grid.momenta),
            "epoch": list(grid.shown),
        },
        "lag_rate": grid.lag_rate,
        "reach": grid.reach,
        "per": PER,
        "examples": {"x": rounded(data.x_train[:_DRAWN]), "y": rounded(data.y_train[:_DRAWN, 0])},
        "runs": list(_runs(grid, found)),
        "lag": list(_lag(grid, found)),
    }


def _with_momenta(momenta: Sequence[float]) -> list[str]:
    return [f"{_LAGGING}:momentum={momentum:g}" for momentum in momenta]


def _runs(grid: CirclesGrid, found: Mapping[str, Series]) -> Iterator[dict[str, Any]]:
    for variant in _VARIANTS:
        prefix = "" if variant == "none" else POPULATION
        for row, rate in enumerate(grid.learning_rates):
            own = {"variant": variant, "learning_rate": rate}
            yield own | _told(found[variant], row, prefix)


def _lag(grid: CirclesGrid, found: Mapping[str, Series]) -> Iterator[dict[str, Any]]:
    row = grid.learning_rates.index(grid.lag_rate)
    names = [*_with_momenta(grid.momenta[:-1]), _LAGGING]
    for momentum, name in zip(grid.momenta, names, strict=True):
        yield {"momentum": momentum, **_told(found[name], row)}


def _told(series: Series, row: int, prefix: str = "") -> dict[str, Any]:
    return {
        "predicted": counted(series[f"{prefix}predicted"][row], PER),
        "validation": {name: rounded(series[f"{prefix}val_{name}"][row]) for name in _METRICS},
    }


def _series(
    grid: CirclesGrid,
    setup: Setup,
    variant: str,
    rates: Sequence[float],
    tell: Callable[[str], None],
) -> Series:
    """Metrics of each epoch, and predictions behind those that are shown."""
    tell(f"circles, {variant}")
    cohort = cohort_of(setup, variant, len(rates), epochs=_INDIVISIBLE, population=True)
    predict = jax.jit(_predicting(cohort, grid))
    stack = cohort.begin(replicas_at(rates))
    pieces, seen = list[Any](), [predict(stack.state)]
    program = cohort.compile(cohort.lower())
    for piece in cohort.advance(program, cohort.data(), stack, grid.shown[-1]):
        pieces.append(piece)
        if stack.epoch in grid.shown:
            seen.append(jax.tree.map(np.asarray, predict(stack.state)))
    curves = {name: np.concatenate([one[name] for one in pieces], 1) for name in pieces[0]}
    predicted = {name: np.stack([one[name] for one in seen], 1) for name in seen[0]}
    return {**curves, **predicted}


def _predicting(cohort: Cohort, grid: CirclesGrid) -> Callable[[Any], dict[str, Any]]:
    """What a stack predicts on the square, with the statistics that it has and the population's."""
    program, dataset = cohort.program, cohort.dataset
    call, x = stateless(program.model, training=False), jnp.asarray(_square(grid))
    population = population_of(program.model, dataset, dataset.examples)
    examples = jnp.asarray(dataset.x_train)

    def on_square(state: Any) -> Any:
        found, _ = call(state.trainable, state.non_trainable, x)
        return found.reshape(grid.side, grid.side)

    def predict(state: Any) -> dict[str, Any]:
        found = {"predicted": on_square(state)}
        if population is not None:
            found[f"{POPULATION}predicted"] = on_square(population.of(state, examples))
        return found

    return jax.vmap(predict)


def _square(grid: CirclesGrid) -> NDArray[np.float32]:
    along = np.linspace(-grid.reach, grid.reach, grid.side)
    points = np.stack(np.meshgrid(along, along[::-1]), axis=-1)
    return points.reshape(-1, 2).astype(np.float32)
