"""A model that cannot be traced, refused by the layer that stands in the way."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from normwise.errors import ModelError, NormwiseError, in_words

__all__ = ["stateless", "tracing"]


@contextmanager
def tracing(model: keras.Model, what: str) -> Iterator[None]:
    """Where a model is traced; what fails there is the model's.

    Args:
        model: Which.
        what: Of it, "training" or "evaluation".

    Raises:
        ModelError: It cannot be traced; names the innermost layer.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="output")])
    >>> with tracing(model, "training"):  # doctest: +ELLIPSIS
    ...     model(keras.ops.ones((1, 3)))
    Traceback (most recent call last):
        ...
    normwise.errors.ModelError: layer 'output' of type Dense fails in training (ValueError: ...
    """
    filters = keras.config.is_traceback_filtering_enabled()
    # Keras would raise an error of its own making in the place of JAX's, or fail in doing so.
    keras.config.disable_traceback_filtering()
    try:
        yield
    except NormwiseError:
        raise
    except Exception as error:
        raise _refusal(model, what, error) from error
    finally:
        if filters:
            keras.config.enable_traceback_filtering()


def stateless(model: keras.Model, *, training: bool, **options: bool) -> Callable[..., Any]:
    """Keras' ``stateless_call`` of a model in a mode, also where its ``call`` does not take one.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5)])
    >>> seed = [variable.value for variable in model.non_trainable_variables]
    >>> stateless(model, training=False)([], seed, keras.ops.ones((1, 2)))[0].tolist()
    [[1.0, 1.0]]
    """
    # As Keras' `fit` does, which `model(x, training=...)` does by itself.
    mode = {"training": training} if model._call_has_training_arg else {}
    return functools.partial(model.stateless_call, **mode, **options)


def _refusal(model: keras.Model, what: str, error: Exception) -> ModelError:
    layer = _innermost_layer(error)
    kind = _kind_of_the_user(layer)
    who = f"layer {layer.name!r} of type {kind.__name__}" if layer else f"model {model.name!r}"
    if not isinstance(error, TypeError | IndexError):  # what JAX raises where it needs a value
        return ModelError(
            f"{who} fails in {what} ({in_words(error)}); expected a model that computes on a batch "
            f"of the data; try model(x[:2], training={what == 'training'})"
        )
    way_out = "replace NumPy functions, float() and branches on values"
    if kind.__module__.startswith("keras."):
        way_out = "leave it out of the model, and apply it to the data beforehand"
    return ModelError(
        f"{who} cannot be compiled for {what} ({in_words(error)}); expected layers, a loss and "
        f"metrics that compute with keras.ops alone; {way_out}"
    )


def _innermost_layer(error: Exception) -> keras.Layer | None:
    """The layer whose code, or what it called, raised the error; ``None`` if that is no layer's."""
    owners = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
    innermost = next((one for one in reversed(owners) if isinstance(one, keras.Layer)), None)
    return None if isinstance(innermost, keras.Model) else innermost


def _kind_of_the_user(layer: keras.Layer | None) -> type:
    """Its type before it was lowered."""
    kinds = type(layer).__mro__
    return next(kind for kind in kinds if not kind.__module__.startswith("normwise.engine"))
