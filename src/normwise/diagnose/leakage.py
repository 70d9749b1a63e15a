"""Does changing a neighbour in the batch change my prediction?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from normwise.diagnose.forward import State, forward, state_of, with_seeds_of
from normwise.errors import DataError, ModelError
from normwise.rewrite.feeding import count, fitting, rows
from normwise.rewrite.intake import given_to
from normwise.rewrite.watching import Call, wrapping

__all__ = ["LIMIT", "Leakage", "leakage"]

# The largest change that rounding is given credit for: of sound models in float32 it was 0,
# of such in half precision, whose own resolution is 1e-3 and 8e-3, as well (docs/diagnose.md).
LIMIT = 1e-4

# Examples in the batch, each of which is kept once while all others change.
EXAMPLES = 16


@dataclass(frozen=True, slots=True)
class Leakage:
    """How far a prediction depends on the other examples of its batch.

    Attributes:
        change: The largest change of an example's output when all its neighbours are replaced,
            over the largest value of that output in the batch.
        example: The number in ``x`` of the example that changed most.
        layer: Where it begins: the first layer whose output for that example changes although
            its input does not; ``None`` where nothing leaks, or it happens between layers, in
            the model's own code.
        is_random: Whether the same batch twice gives two predictions. Random draws are held
            fixed for ``change``, so what is random alone does not leak.
    """

    change: float
    example: int
    layer: str | None
    is_random: bool

    @property
    def leaks(self) -> bool:
        """Whether the change is more than rounding: above 1e-4."""
        return self.change > LIMIT


def leakage(model: Any, x: Any, *, training: bool = False, examples: int = EXAMPLES) -> Leakage:
    """Replace all neighbours of an example in its batch; does its prediction change?

    In inference it must not: an example's prediction would hang on who else asks at the same
    moment. Each example of a batch is kept once, in its place, while all others are replaced by
    other examples of ``x``. The model stays untouched.

    Args:
        model: Any built Keras model whose outputs have a row for each example.
        x: Inputs in any form that ``fit`` takes, alone or with labels, as in
            :func:`normwise.recalibrate`.
        training: Whether to call the model as training does: how much batch normalisation ties
            the examples of a batch together.
        examples: How many make the batch, at least 2; half of ``x`` where that is fewer.

    Raises:
        ModelError: The model is not built, or its output has no row for each example.
        DataError: ``x`` has fewer than 2 examples or does not fit, or leads to what is no number.

    >>> inputs = keras.Input((2,))
    >>> centred = keras.layers.Lambda(lambda t: t - t.mean(axis=0), name="centred")(inputs)
    >>> found = leakage(keras.Model(inputs, centred), np.eye(4, 2, dtype="float32"))
    >>> found.leaks, found.layer, found.is_random
    (True, 'centred', False)
    """
    _check(model, examples)
    x = given_to(model, x).x
    total = _count(x)
    size = max(2, min(examples, total // 2))
    # From the second half of what is used, so that no neighbour stays one; of two or three
    # examples, one has to stand in twice.
    others = (np.arange(size) + (size if total > size else 1)) % total
    kept = np.arange(size)
    state, run = state_of(model), jax.jit(forward(model, training=training))
    with fitting(model):
        plain, after = run(state, rows(x, kept))
    _check_outputs(model, plain, size)
    again, _ = run(with_seeds_of(model, state, after), rows(x, kept))
    change = jax.jit(_change)
    changes = []
    for row in range(size):
        replaced = rows(x, np.where(kept == row, kept, others))
        changes.append(float(change(plain, run(state, replaced)[0], row)))
    if not np.isfinite(changes).all():
        raise DataError(
            f"model {model.name!r} gives values that are not finite; expected predictions that "
            f"are; look for NaN in the data, or for overflow in the weights"
        )
    most = int(np.argmax(changes))
    batch, other = rows(x, kept), rows(x, np.where(kept == most, kept, others))
    leaks = changes[most] > LIMIT
    return Leakage(
        change=changes[most],
        example=most,
        layer=_first_layer(model, state, batch, other, most, training) if leaks else None,
        is_random=any(float(change(plain, again, row)) > LIMIT for row in range(size)),
    )


def _check(model: Any, examples: int) -> None:
    if not getattr(model, "built", False):
        raise ModelError(
            f"model {model.name!r} is not built; expected a built model; call it on a batch first, "
            f"as in model(x[:2])"
        )
    if examples < 2:
        raise DataError(
            f"examples is {examples}; expected at least 2, one to keep and one to replace; "
            f"leave it out"
        )


def _count(x: Any) -> int:
    total = count(x)
    if total < 2:
        raise DataError(
            f"x has {total} example; expected at least 2, one to keep and one to replace; "
            f"pass more of the data"
        )
    return total


def _check_outputs(model: Any, outputs: Any, size: int) -> None:
    for output in keras.tree.flatten(outputs):
        if output.shape[:1] != (size,):
            raise ModelError(
                f"model {model.name!r} gives an output of shape {output.shape} for {size} "
                f"examples; expected a row for each; leave that output out, as in "
                f"keras.Model(model.inputs, ...)"
            )


def _change(before: Any, after: Any, row: Any) -> jax.Array:
    """The largest change in one row, over the largest value; over all parts that have rows."""
    pairs = zip(keras.tree.flatten(before), keras.tree.flatten(after), strict=True)
    changes = [_change_of_part(old, new, row) for old, new in pairs]
    return jnp.max(jnp.stack([jnp.zeros(()), *changes]))


def _change_of_part(before: jax.Array, after: jax.Array, row: Any) -> jax.Array:
    old, new = (part.astype("float32") for part in (before, after))
    # Attention masks hold infinities, which do not differ from themselves.
    difference = jnp.where(old[row] == new[row], 0.0, jnp.abs(new[row] - old[row]))
    largest = jnp.max(jnp.where(jnp.isfinite(old), jnp.abs(old), 0.0))
    return jnp.max(difference) / jnp.where(largest > 0, largest, 1.0)


def _first_layer(
    model: Any, state: State, batch: Any, other: Any, row: int, training: bool
) -> str | None:
    """The first layer whose output changes although its input does not."""
    run, size = forward(model, training=training), count(batch)
    seen: list[tuple[str, list[Any], list[Any]]] = []

    def noted(layer: Any, call: Call) -> Call:
        def called(*arguments: Any, **options: Any) -> Any:
            given = call(*arguments, **options)
            taken = _with_rows((arguments, options), size)
            seen.append((layer.name, taken, _with_rows(given, size)))
            return given

        return called

    names: list[str] = []

    def compare(state: State, batch: Any, other: Any) -> list[tuple[jax.Array, jax.Array]]:
        calls = []
        for x in (batch, other):
            run(state, x)
            calls.append(seen.copy())
            seen.clear()
        names.extend(name for name, _, _ in calls[0])
        return [
            (_change(taken, taken_now, row), _change(given, given_now, row))
            for (_, taken, given), (_, taken_now, given_now) in zip(*calls, strict=True)
        ]

    with wrapping(_operations(model), noted):
        # Only the changes leave the compiled function: all that layers give would fill the memory.
        changes = jax.jit(compare)(state, batch, other)
    places = zip(names, changes, strict=True)
    return next((name for name, (i, o) in places if float(i) <= LIMIT < float(o)), None)


def _operations(model: Any) -> list[Any]:
    """Every layer and operation inside a model, each once."""
    layers = list(model._flatten_layers(include_self=False))
    graphs = [layer for layer in (model, *layers) if hasattr(layer, "operations")]
    return list(dict.fromkeys([*layers, *(one for graph in graphs for one in graph.operations)]))


def _with_rows(values: Any, size: int) -> list[Any]:
    """The arrays among ``values`` that have a row for each example."""
    return [
        value
        for value in keras.tree.flatten(values)
        if isinstance(value, jax.Array) and value.shape[:1] == (size,)
    ]
