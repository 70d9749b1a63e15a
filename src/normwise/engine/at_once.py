"""Training and evaluation whose metrics are taken over all outputs of an epoch at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import keras

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.data.nested import rows
from normwise.engine.batches import over_batches
from normwise.engine.evaluating import evaluation_of, examples_at_once
from normwise.engine.kernels.ties import safe_ties
from normwise.engine.state import State, if_alive
from normwise.models.metrics import epoch_metrics, metrics_at_start

__all__ = ["evaluating_at_once", "training_at_once"]

Curves = dict[str, jax.Array]


def training_at_once(
    model: keras.Model, batch_size: int
) -> Callable[[State, Examples, jax.Array], tuple[State, Curves]]:
    """An epoch of a compiled model: ``(state, examples, their order) → (state, metrics)``."""
    gradient = jax.value_and_grad(model.compute_loss_and_updates, has_aux=True)
    metrics = metrics_at_start(model)

    def step(state: State, batch: Examples) -> tuple[State, Any]:
        with safe_ties():
            (_, (loss, outputs, non_trainable, _)), gradients = gradient(
                state.trainable,
                state.non_trainable,
                metrics,
                *batch,
                training=True,
                optimizer_variables=state.optimizer,
            )
        trainable, optimizer = model.optimizer.stateless_apply(
            state.optimizer, gradients, state.trainable
        )
        return State(trainable, non_trainable, optimizer, state.alive), (loss, outputs)

    def train(state: State, examples: Examples, order: jax.Array) -> tuple[State, Curves]:
        def one(carry: State, numbers: jax.Array) -> tuple[State, Any]:
            return step(carry, rows(examples, numbers))

        new, loss, outputs = over_batches(one, state, order, batch_size)
        y, weights = rows(examples[1:], order)
        return new, {"loss": loss, **epoch_metrics(model, y, outputs, weights)}

    return train


def evaluating_at_once(
    model: keras.Model, dataset: Dataset, batch_size: int
) -> Callable[[State, Examples], tuple[State, Curves]]:
    """The evaluation of a compiled model: ``(state, examples) → (state, metrics)``."""
    kind = evaluation_of(model, dataset)
    size = examples_at_once(model, dataset)
    if kind.depends_on_batches:
        size = min(len(dataset.x_val), batch_size)
    start = metrics_at_start(model)

    def evaluate(state: State, examples: Examples) -> tuple[State, Curves]:
        def part(seeds: list[jax.Array], batch: Examples) -> Any:
            before = seeds if kind.draws else state.non_trainable
            loss, (_, outputs, after, _) = model.compute_loss_and_updates(
                state.trainable, before, start, *batch, training=False
            )
            return after if kind.draws else [], (loss, outputs)

        seeds = state.non_trainable if kind.draws else []
        seeds, loss, outputs = over_batches(part, seeds, examples, size)
        if kind.draws:
            state = state._replace(non_trainable=if_alive(state, seeds))
        metrics = epoch_metrics(model, examples.y, outputs, examples.weights)
        return state, {"loss": loss, **metrics}

    return evaluate
