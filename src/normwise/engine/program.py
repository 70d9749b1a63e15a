"""What one replica does, as pure functions; the replica axis comes later.

A program trains a *segment*, a fixed number of epochs, so that a long run
reports progress and can be stopped while each cohort still compiles once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import keras
from jax import lax

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.domain import POPULATION, VALIDATION
from normwise.engine.as_fit import evaluating_as_fit, training_as_fit
from normwise.engine.at_once import evaluating_at_once, training_at_once
from normwise.engine.batches import batch_shapes
from normwise.engine.divergence import freeze_if_diverged, health
from normwise.engine.kernels.normalisation import given_shares
from normwise.engine.population import Population
from normwise.engine.state import State
from normwise.models.metrics import build_compiled_parts, is_taken_at_once
from normwise.models.stateless_call import stateless

__all__ = [
    "Data",
    "Program",
    "make_program",
    "training_flops",
]

Curves = dict[str, jax.Array]


class Data(NamedTuple):
    """What all replicas share: the arrays of a data set, and what is a number in their program.

    Attributes:
        train: Examples that train.
        val: Examples that validate.
        shares: How moving statistics move, by layer, as ``shares_of`` gives them; ``None`` for
            what the layers say themselves.
    """

    train: Examples
    val: Examples
    shares: Any = None


class Program(NamedTuple):
    """The training of one replica.

    Attributes:
        segment: ``(state, orders, data) → (state, curves)`` where orders is
            ``(epochs, examples)`` and curves maps metric to ``(epochs,)``.
        model: The compiled Keras model the functions were made from.
    """

    segment: Callable[[State, jax.Array, Data], tuple[State, Curves]]
    model: keras.Model


def make_program(
    model: keras.Model,
    dataset: Dataset,
    batch_size: int,
    population: Population | None = None,
) -> Program:
    """Turn a compiled Keras model into pure functions.

    Args:
        model: Built and compiled, with optimiser, loss and metrics.
        dataset: Gives the shapes; the arrays themselves are passed at run time.
        batch_size: At most the size of the training part. A last partial batch
            is kept, as Keras' ``fit`` keeps it.
        population: What gives this model population statistics, where it is evaluated with those,
            too.

    Raises:
        ModelError: The model cannot be traced.
        NotStacked: Code asks for values, or a layer changes its state in evaluation.
    """
    build_compiled_parts(model, dataset)
    model.optimizer.build(model.trainable_variables)
    if is_taken_at_once(model, dataset):
        train = training_at_once(model, batch_size)
        evaluate = evaluating_at_once(model, dataset, batch_size)
    else:
        train = training_as_fit(model, batch_size)
        evaluate = evaluating_as_fit(model, dataset, batch_size)

    def epoch(state: State, order: jax.Array, data: Data) -> tuple[State, Curves]:
        new, curves = train(state, data.train, order)
        new = freeze_if_diverged(state, new, health(curves))
        after, val = evaluate(new, data.val)
        curves |= {f"{VALIDATION}{name}": value for name, value in val.items()}
        if population is not None:
            _, val = evaluate(population.of(after, population.inputs(data.train)), data.val)
            curves |= {f"{POPULATION}{VALIDATION}{name}": value for name, value in val.items()}
        return after, curves

    def segment(state: State, orders: jax.Array, data: Data) -> tuple[State, Curves]:
        with given_shares(model, data.shares):
            return lax.scan(lambda carry, order: epoch(carry, order, data), state, orders)

    return Program(segment, model)


def training_flops(model: keras.Model, dataset: Dataset, batch_size: int) -> float:
    """About how many operations one epoch of one replica takes.

    Forward and twice as much backward, as XLA counts them; a loop's body counts once.
    """
    weights = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in model.non_trainable_variables]
    x = batch_shapes(dataset, batch_size)
    forward = stateless(model, training=True)
    costs = jax.jit(forward).lower(weights, state, x).cost_analysis() or {}
    return 3 * float(costs.get("flops", 0)) * dataset.examples / batch_size
