"""Training and evaluation as Keras' ``fit`` has them: steps that carry the metrics' variables.

For steps that are not Keras' own, and for metrics that are more than means over examples. Memory
does not grow with the outputs of an epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import keras

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.data.nested import count, rows
from normwise.engine.batches import last_result, through_batches
from normwise.engine.evaluating import evaluation_of
from normwise.engine.kernels.ties import safe_ties
from normwise.engine.state import State, if_alive
from normwise.models.metrics import end_of_epoch, is_evaluated, metrics_at_start

__all__ = [
    "evaluating_as_fit",
    "evaluation_steps",
    "training_as_fit",
    "training_steps",
]

Curves = dict[str, jax.Array]
# Values of the metrics' variables.
Metrics = list[Any]


def training_as_fit(
    model: keras.Model, batch_size: int
) -> Callable[[State, Examples, jax.Array], tuple[State, Curves]]:
    """An epoch of a compiled model: ``(state, examples, their order) → (state, metrics)``."""
    steps, start = training_steps(model, batch_size), metrics_at_start(model)

    def train(state: State, examples: Examples, order: jax.Array) -> tuple[State, Curves]:
        after, metrics, logs = steps(state, start, order, examples)
        return after, end_of_epoch(model, metrics, logs)

    return train


def evaluating_as_fit(
    model: keras.Model, dataset: Dataset, batch_size: int
) -> Callable[[State, Examples], tuple[State, Curves]]:
    """The evaluation of a compiled model: ``(state, examples) → (state, metrics)``."""
    if not is_evaluated(model):
        return lambda state, _: (state, {})
    kind, start = evaluation_of(model, dataset), metrics_at_start(model)
    steps = evaluation_steps(model, min(count(dataset.x_val), batch_size))

    def evaluate(state: State, examples: Examples) -> tuple[State, Curves]:
        after, metrics, logs = steps(state, start, examples)
        if kind.draws:
            state = state._replace(non_trainable=if_alive(state, after.non_trainable))
        return state, end_of_epoch(model, metrics, logs)

    return evaluate


def training_steps(
    model: keras.Model, batch_size: int
) -> Callable[[State, Metrics, jax.Array, Examples], tuple[State, Metrics, Any]]:
    """A step for each batch: ``(state, metrics, order, examples) → (state, metrics, logs)``.

    The logs are those of the last step.
    """

    def steps(
        state: State, metrics: Metrics, order: jax.Array, examples: Examples
    ) -> tuple[State, Metrics, Any]:
        def step(carry: Any, numbers: jax.Array) -> tuple[Any, Any]:
            with safe_ties():
                logs, after = model.train_step(carry, rows(examples, numbers).handed)
            return _alike(carry, after), logs

        before = (state.trainable, state.non_trainable, state.optimizer, metrics)
        after, *logs = through_batches(step, before, order, batch_size)
        trainable, non_trainable, optimizer, metrics = after
        new = State(trainable, non_trainable, optimizer, state.alive)
        return new, metrics, last_result(*logs)

    return steps


def evaluation_steps(
    model: keras.Model, size: int
) -> Callable[[State, Metrics, Examples], tuple[State, Metrics, Any]]:
    """The same of an evaluation, in the order of the examples: only random streams move on."""

    def steps(state: State, metrics: Metrics, examples: Examples) -> tuple[State, Metrics, Any]:
        def step(carry: Any, batch: Examples) -> tuple[Any, Any]:
            logs, (_, *after) = model.test_step((state.trainable, *carry), batch.handed)
            return _alike(carry, tuple(after)), logs

        before = (state.non_trainable, metrics)
        (after, metrics), *logs = through_batches(step, before, examples, size)
        return state._replace(non_trainable=after), metrics, last_result(*logs)

    return steps


def _alike(before: Any, after: Any) -> Any:
    """The state in the types that it had, which a loop needs: ``fit`` lets a step change them."""
    after = jax.tree.unflatten(jax.tree.structure(before), jax.tree.leaves(after))
    return jax.tree.map(lambda old, new: new.astype(old.dtype), before, after)
