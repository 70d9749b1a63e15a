"""What one replica does, as pure functions; the replica axis comes later.

A program trains a *segment*, a fixed number of epochs, so that a long run
reports progress and can be stopped while each cohort still compiles once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
from jax import lax

from normwise.data import Dataset
from normwise.engine.batches import over_batches
from normwise.engine.divergence import freeze_if_diverged
from normwise.engine.kernels.ties import safe_ties
from normwise.engine.state import State
from normwise.errors import NotStacked
from normwise.keras_private import RANDOM_STATE, every_layer
from normwise.models.graph import has_graph
from normwise.models.metrics import build_compiled_parts, epoch_metrics
from normwise.models.stateless_call import stateless
from normwise.models.tracing import tracing

__all__ = [
    "Data",
    "Program",
    "evaluation_of",
    "make_program",
    "training_flops",
]

Curves = dict[str, jax.Array]
# An evaluation takes as many examples at once as keep its activations near this size.
EVALUATION_BYTES = 4 * 2**20


class Data(NamedTuple):
    """The arrays of a data set, shared by all replicas.

    Attributes:
        x_train: Examples that train.
        y_train: Their labels.
        x_val: Examples that validate.
        y_val: Their labels.
        weights: How much each training example counts in the loss, ``(n,)``; all alike if
            ``None``.
    """

    x_train: Any
    y_train: Any
    x_val: Any
    y_val: Any
    weights: Any = None


class Program(NamedTuple):
    """The training of one replica.

    Attributes:
        segment: ``(state, orders, data) → (state, curves)`` where orders is
            ``(epochs, examples)`` and curves maps metric to ``(epochs,)``.
        model: The compiled Keras model the functions were made from.
    """

    segment: Callable[[State, jax.Array, Data], tuple[State, Curves]]
    model: keras.Model


def make_program(model: keras.Model, dataset: Dataset, batch_size: int) -> Program:
    """Turn a compiled Keras model into pure functions.

    Args:
        model: Built and compiled, with optimiser, loss and metrics.
        dataset: Gives the shapes; the arrays themselves are passed at run time.
        batch_size: At most the size of the training part. A last partial batch
            is kept, as Keras' ``fit`` keeps it.

    Raises:
        ModelError: The model cannot be traced.
        NotStacked: Code asks for values, or a layer changes its state in evaluation.
    """
    build_compiled_parts(model, dataset)
    model.optimizer.build(model.trainable_variables)
    evaluate = _make_evaluation(model, dataset, batch_size)
    step = _make_step(model)

    def epoch(state: State, order: jax.Array, data: Data) -> tuple[State, Curves]:
        def one(carry: State, rows: jax.Array) -> tuple[State, Any]:
            weights = None if data.weights is None else data.weights[rows]
            return step(carry, data.x_train[rows], data.y_train[rows], weights)

        new, loss, outputs = over_batches(one, state, order, batch_size)
        new = freeze_if_diverged(state, new, loss)
        weights = None if data.weights is None else data.weights[order]
        metrics = epoch_metrics(model, data.y_train[order], outputs, weights)
        curves = {"loss": loss, **metrics}
        new, val = evaluate(new, data)
        return new, curves | {f"val_{name}": value for name, value in val.items()}

    def segment(state: State, orders: jax.Array, data: Data) -> tuple[State, Curves]:
        return lax.scan(lambda carry, order: epoch(carry, order, data), state, orders)

    return Program(segment, model)


def _make_step(model: keras.Model) -> Callable[[State, Any, Any, Any], tuple[State, Any]]:
    gradient = jax.value_and_grad(model.compute_loss_and_updates, has_aux=True)
    metrics = [variable.value for variable in model.metrics_variables]

    def step(state: State, x: Any, y: Any, weights: Any) -> tuple[State, Any]:
        with safe_ties():
            (_, (loss, outputs, non_trainable, _)), gradients = gradient(
                state.trainable,
                state.non_trainable,
                metrics,
                x,
                y,
                weights,
                training=True,
                optimizer_variables=state.optimizer,
            )
        trainable, optimizer = model.optimizer.stateless_apply(
            state.optimizer, gradients, state.trainable
        )
        return State(trainable, non_trainable, optimizer, state.alive), (loss, outputs)

    return step


def _make_evaluation(
    model: keras.Model, dataset: Dataset, batch_size: int
) -> Callable[[State, Data], tuple[State, Curves]]:
    examples = len(dataset.x_val)
    kind = evaluation_of(model, dataset)
    most = EVALUATION_BYTES // _activation_bytes(model, dataset)
    if kind.depends_on_batches:
        most = batch_size
    at_once = min(examples, max(1, most))
    metrics = [variable.value for variable in model.metrics_variables]

    def evaluate(state: State, data: Data) -> tuple[State, Curves]:
        def part(seeds: list[jax.Array], xy: tuple[Any, Any]) -> Any:
            before = seeds if kind.draws else state.non_trainable
            loss, (_, outputs, after, _) = model.compute_loss_and_updates(
                state.trainable, before, metrics, *xy, None, training=False
            )
            return after if kind.draws else [], (loss, outputs)

        seeds = state.non_trainable if kind.draws else []
        seeds, loss, outputs = over_batches(part, seeds, (data.x_val, data.y_val), at_once)
        if kind.draws:
            kept = [
                jnp.where(state.alive, *both)
                for both in zip(seeds, state.non_trainable, strict=True)
            ]
            state = state._replace(non_trainable=kept)
        return state, {"loss": loss, **epoch_metrics(model, data.y_val, outputs)}

    return evaluate


class Evaluation(NamedTuple):
    """What an evaluation does besides computing.

    Attributes:
        adds_losses: Layers add losses of what they compute, which may depend on the batch's size.
        draws: Layers take numbers from their streams, as some of Keras' that augment do.
    """

    adds_losses: bool
    draws: bool

    @property
    def depends_on_batches(self) -> bool:
        """Whether it comes out otherwise where it is cut otherwise."""
        return self.adds_losses or self.draws


def evaluation_of(model: keras.Model, dataset: Dataset) -> Evaluation:
    """What an evaluation of the model does.

    Raises:
        ModelError: It cannot be traced.
        NotStacked: A layer changes its state in evaluation, which a program does not carry on.
    """
    jaxpr, (_, state, losses) = _forward(model, dataset)
    first = len(model.trainable_variables)
    before = jaxpr.jaxpr.invars[first : first + len(state)]
    after = jaxpr.jaxpr.outvars[-len(state) - len(losses) :]
    draws = False
    for variable, old, new in zip(model.non_trainable_variables, before, after, strict=False):
        draws |= new is not old
        if new is not old and variable.name != RANDOM_STATE:
            raise NotStacked(
                f"layer {_owner_of(variable, model)!r} of model {model.name!r} changes its "
                f"state ({variable.name!r}) in evaluation, too, and each evaluation would change "
                f"the training after it; expected a state that only training moves; leave out "
                f"training=True where the layer is called, or update it only if training"
            )
    of_weights = sum(variable.regularizer is not None for variable in model.trainable_variables)
    return Evaluation(len(losses) > of_weights, draws)


def _owner_of(variable: Any, model: keras.Model) -> str:
    layers = every_layer(model)
    owners = [one for one in layers if any(own is variable for own in one.variables)]
    return str(owners[-1].name)  # the innermost comes last


def _forward(model: keras.Model, dataset: Dataset) -> Any:
    """What one example goes through in evaluation, traced; shapes of outputs, state and losses."""
    forward = stateless(model, training=False, return_losses=True)
    with tracing(model, "evaluation"):
        return jax.make_jaxpr(forward, return_shape=True)(
            [variable.value for variable in model.trainable_variables],
            [variable.value for variable in model.non_trainable_variables],
            jnp.asarray(dataset.x_val[:1]),
        )


def training_flops(model: keras.Model, dataset: Dataset, batch_size: int) -> float:
    """About how many operations one epoch of one replica takes.

    Forward and twice as much backward, as XLA counts them; a loop's body counts once.
    """
    weights = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in model.non_trainable_variables]
    x = jax.ShapeDtypeStruct((batch_size, *dataset.x_train.shape[1:]), dataset.x_train.dtype)
    forward = stateless(model, training=True)
    costs = jax.jit(forward).lower(weights, state, x).cost_analysis() or {}
    return 3 * float(costs.get("flops", 0)) * len(dataset.x_train) / batch_size


def _activation_bytes(model: keras.Model, dataset: Dataset) -> int:
    """Size of all layers' outputs for one example, in float32."""
    if has_graph(model):
        tensors = jax.tree.leaves(
            [getattr(layer, "output", None) for layer in model.layers],
            is_leaf=lambda leaf: hasattr(leaf, "shape"),
        )
        sizes = [math.prod(size or 1 for size in tensor.shape[1:]) for tensor in tensors]
    else:
        # Layers called from Python code are not known; what they compute is.
        steps = _forward(model, dataset)[0].eqns
        sizes = [int(made.aval.size) for step in steps for made in step.outvars]
    total: int = 4 * max(1, sum(sizes))
    return total
