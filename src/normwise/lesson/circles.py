"""Recorded runs of a small network on two circles: what it predicts where, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.analysis import outcome
from normwise.domain import POPULATION, RunKey, RunRecord, Target
from normwise.engine import Cohort, Replica, population_of
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
        predicted with population statistics, and how it went with these and with moving ones;
        ``lag``, of each momentum what is predicted with moving ones. Predictions, of the inner
        circle, are rows of a square, from the top. A run arrives at an epoch or, ``None``, never.
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
        "target": _target(setup).value,
        "lag_rate": grid.lag_rate,
        "reach": grid.reach,
        "per": PER,
        "examples": {"x": rounded(data.x_train[:_DRAWN]), "y": rounded(data.y_train[:_DRAWN, 0])},
        "runs": list(_runs(grid, found, _target(setup))),
        "lag": list(_lag(grid, found, _target(setup))),
    }


def _with_momenta(momenta: Sequence[float]) -> list[str]:
    return [f"{_LAGGING}:momentum={momentum:g}" for momentum in momenta]


def _target(setup: Setup) -> Target:
    """What the study's own table counts epochs to."""
    return Target.parse(str(setup.spec.target))


def _runs(
    grid: CirclesGrid, found: Mapping[str, Series], target: Target
) -> Iterator[dict[str, Any]]:
    for variant in _VARIANTS:
        series, prefix = found[variant], "" if variant == "none" else POPULATION
        for row, rate in enumerate(grid.learning_rates):
            yield {
                "variant": variant,
                "learning_rate": rate,
                "predicted": _predicted(series, row, prefix),
                **_went(series, row, target, prefix),
                **({"moving": _went(series, row, target)} if prefix else {}),
            }


def _lag(
    grid: CirclesGrid, found: Mapping[str, Series], target: Target
) -> Iterator[dict[str, Any]]:
    row = grid.learning_rates.index(grid.lag_rate)
    names = [*_with_momenta(grid.momenta[:-1]), _LAGGING]
    for momentum, name in zip(grid.momenta, names, strict=True):
        series = found[name]
        own = {"momentum": momentum, "predicted": _predicted(series, row)}
        yield own | _went(series, row, target)


def _predicted(series: Series, row: int, prefix: str = "") -> Any:
    return counted(series[f"{prefix}predicted"][row], PER)


def _went(series: Series, row: int, target: Target, prefix: str = "") -> dict[str, Any]:
    """Of a run the curves of the validation part, and the epoch that the study's table says."""
    curves = {f"val_{name}": series[f"{prefix}val_{name}"][row].tolist() for name in _METRICS}
    record = RunRecord(RunKey("", SEED, ""), None, curves)
    epoch = outcome(record, target).epoch
    return {
        "validation": {name: rounded(curves[f"val_{name}"]) for name in _METRICS},
        "arrives": int(epoch) if math.isfinite(epoch) else None,
    }


def _series(
    grid: CirclesGrid,
    setup: Setup,
    variant: str,
    rates: Sequence[float],
    tell: Callable[[str], None],
) -> Series:
    """Metrics of each epoch, and predictions behind those that are shown.

    Runs train one by one, as the command trains one that the page prints: side by side they round
    otherwise, which a large learning rate amplifies until the figures are others.
    """
    tell(f"circles, {variant}")
    cohort = cohort_of(setup, variant, 1, epochs=_INDIVISIBLE, population=True)
    predict, program = jax.jit(_predicting(cohort, grid)), cohort.compile(cohort.lower())
    runs = [_run(cohort, program, predict, replica, grid.shown) for replica in replicas_at(rates)]
    return {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}


def _run(
    cohort: Cohort,
    program: Any,
    predict: Callable[[Any], Any],
    replica: Replica,
    shown: Sequence[int],
) -> Series:
    stack = cohort.begin([replica])
    pieces, seen = list[Any](), [predict(stack.state)]
    for piece in cohort.advance(program, cohort.data(), stack, shown[-1]):
        pieces.append(piece)
        if stack.epoch in shown:
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
