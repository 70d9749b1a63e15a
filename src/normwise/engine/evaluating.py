"""How a model is evaluated: what its layers do then, and how many examples at once."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras

from normwise.data import Dataset
from normwise.data.nested import count, rows
from normwise.errors import NotStacked
from normwise.keras_private import RANDOM_STATE, every_layer
from normwise.models.graph import has_graph
from normwise.models.kinds import is_called
from normwise.models.stateless_call import stateless
from normwise.models.tracing import tracing

__all__ = ["Evaluation", "evaluation_of", "examples_at_once"]

# An evaluation takes as many examples at once as keep its activations near this size.
EVALUATION_BYTES = 4 * 2**20


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
    if not is_called(model):  # what its own steps make of a batch is not known
        return Evaluation(adds_losses=True, draws=True)
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
            jax.tree.map(jnp.asarray, rows(dataset.x_val, slice(1))),
        )


def examples_at_once(model: keras.Model, dataset: Dataset) -> int:
    """How many examples an evaluation takes at once where their number changes nothing."""
    most = EVALUATION_BYTES // _activation_bytes(model, dataset)
    return min(count(dataset.x_val), max(1, most))


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
