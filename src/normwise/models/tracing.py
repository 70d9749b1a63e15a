"""Errors of a model that cannot be traced, with the layer that causes them."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from normwise.errors import ModelError, NormwiseError, NotStacked, in_words, is_out_of_memory
from normwise.keras_private import is_keras_own

__all__ = ["needs_values", "raised_by", "refusal_of", "tracing", "unfiltered_tracebacks"]


@contextmanager
def tracing(model: keras.Model, what: str) -> Iterator[None]:
    """Within the block a model is traced; an error there is reported as the model's.

    Args:
        model: The model that is traced.
        what: What is traced of it: "training" or "evaluation".

    Raises:
        ModelError: The model cannot be traced; the message names the innermost layer.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="output")])
    >>> with tracing(model, "training"):  # doctest: +ELLIPSIS
    ...     model(keras.ops.ones((1, 3)))
    Traceback (most recent call last):
        ...
    normwise.errors.ModelError: layer 'output' of type Dense fails in training (ValueError: ...
    """
    with unfiltered_tracebacks():
        try:
            yield
        except NormwiseError:
            raise
        except Exception as error:
            if is_out_of_memory(error):  # which is no fault of the model's
                raise
            raise refusal_of(model, what, error) from error


@contextmanager
def unfiltered_tracebacks() -> Iterator[None]:
    """Within the block errors are raised as they are, with all their frames.

    Keras would raise an error of its own making in the place of JAX's, or fail in doing so.
    """
    filters = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        if filters:
            keras.config.enable_traceback_filtering()


def needs_values(error: BaseException) -> bool:
    """Whether code asked for a value while JAX traced it, when there are none."""
    return _is_jax_own(_behind(error))


def refusal_of(model: keras.Model, what: str, error: BaseException) -> ModelError:
    """The error that :func:`tracing` raises in place of another one."""
    error = _behind(error)
    layer = _innermost_layer(error)
    kind = _kind_of_the_user(layer)
    code = "" if layer else raised_by(error)[0]
    who = f"layer {layer.name!r} of type {kind.__name__}" if layer else f"model {model.name!r}"
    who = f"{code} of {who}" if code else who
    if _lacks_a_rule(error):
        return NotStacked(
            f"{who} cannot be stacked for {what} ({in_words(error)}); expected derivatives in "
            f"reverse mode; try jax.grad, or --engine fit"
        )
    # What JAX raises where it needs a value; also of NumPy and others, given JAX's arrays.
    may_need_values = isinstance(error, TypeError | IndexError)
    if not _is_jax_own(error):
        step = f"model(x[:2], training={what == 'training'})"
        text = (
            f"{who} fails in {what} ({in_words(error)}); expected a model that computes on a batch "
            f"of the data; try {'model.train_on_batch(x[:2], y[:2])' if code else step}"
        )
        return NotStacked(text, needs_values=True) if may_need_values else ModelError(text)
    way_out = "replace NumPy functions, float() and branches on values"
    if is_keras_own(kind):
        way_out = "leave it out of the model, and apply it to the data beforehand"
    return NotStacked(
        f"{who} cannot be compiled for {what} ({in_words(error)}); expected layers, a loss and "
        f"metrics that compute with keras.ops alone; {way_out}",
        needs_values=True,
    )


def raised_by(error: BaseException) -> tuple[str, bool]:
    """Whose code raised an error, or called what did.

    Returns:
        A loss, a metric or a function of the model's own, in words; empty where it is none of them.
        And whether it is code that computes outputs, such as a layer's.

    >>> try:
    ...     keras.losses.MeanSquaredError(name="mse")(keras.ops.ones(3), keras.ops.ones(2))
    ... except Exception as error:
    ...     print(raised_by(error))
    ("loss 'mse'", False)
    """
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        owner, name = frame.f_locals.get("self"), frame.f_code.co_name
        if isinstance(owner, keras.metrics.Metric):
            return f"metric {owner.name!r}", False
        if isinstance(owner, keras.losses.Loss):
            return f"loss {owner.name!r}", False
        if isinstance(owner, keras.Layer) and not isinstance(owner, keras.Model):
            return "", True
        if isinstance(owner, keras.Model) and not is_keras_own(frame.f_globals["__name__"]):
            return f"{name}()", name == "call"
    return "", False


def _is_jax_own(error: BaseException) -> bool:
    # JAX raises these where a value is needed; none of its other errors derives from them.
    return isinstance(error, TypeError | IndexError) and type(error).__module__.startswith("jax")


def _lacks_a_rule(error: BaseException) -> bool:
    """Whether JAX was asked to derive, or to stack, what it cannot; of Keras' own layers it may."""
    words = str(error)
    is_of_a_primitive = isinstance(error, NotImplementedError) and " rule " in words
    return is_of_a_primitive or "custom_vjp function" in words


def _behind(error: BaseException) -> BaseException:
    """The JAX error behind an error, as Keras raises its own from it; else the error itself."""
    one: BaseException | None = error
    while one is not None and not _is_jax_own(one):
        one = one.__cause__ or one.__context__
    return one or error


def _innermost_layer(error: BaseException) -> keras.Layer | None:
    """The layer whose code, or what it called, raised the error; ``None`` if that is no layer's."""
    owners = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
    innermost = next((one for one in reversed(owners) if isinstance(one, keras.Layer)), None)
    return None if isinstance(innermost, keras.Model) else innermost


def _kind_of_the_user(layer: keras.Layer | None) -> type:
    """The type of a layer before it was lowered."""
    kinds = type(layer).__mro__
    return next(kind for kind in kinds if not kind.__module__.startswith("normwise.engine"))
