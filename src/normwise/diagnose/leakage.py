"""Whether an example's prediction depends on the other examples of its batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import keras
import numpy as np
from numpy.typing import NDArray

from normwise.data.nested import count, rows
from normwise.diagnose.forward import State, forward, state_of, with_seeds_of
from normwise.diagnose.untouched import untouched
from normwise.errors import DataError, ModelError
from normwise.keras_private import every_layer
from normwise.models.feeding import inputs_fitting
from normwise.models.fit_data import given_to
from normwise.models.hooks import Call, wrapping
from normwise.models.kinds import computes_in_half, has_own_code, require_keras
from normwise.report import Page, Shown, leakage_page

__all__ = ["LIMIT", "Leakage", "leakage"]

# The largest change, as a share, that is put down to rounding. Sound models had 0 in float32, and
# in half precision, whose own resolution is 1e-3 and 8e-3, as well (docs/diagnose.md).
LIMIT = 1e-4

# The same limit where an example is alone in its batch: products of another shape round in another
# way, and this adds up from layer to layer; more so in half precision, the second number.
ALONE, HALF = 1e-2, 1e-1

# A batch or its outputs, and the number of an example in it.
Row: TypeAlias = tuple[Any, Any]
Forward: TypeAlias = Callable[[State, Any], tuple[Any, State]]

# Examples in the batch, each of which is kept once while all others change.
EXAMPLES = 16


@dataclass(frozen=True, slots=True, repr=False)
class Leakage(Shown):
    """How far a prediction depends on the other examples of its batch.

    Attributes:
        change: The largest change of an example's output when all its neighbours are replaced, or
            (if that is more than the other rounding of a batch of another size) when there are
            none, over the largest value of that output in the batch.
        example: The number in ``x`` of the example that changed most.
        layer: The name of the layer where it begins: the first whose output for that example
            changes although its input does not; ``None`` where nothing leaks, or it happens
            between layers, in the model's own code.
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

    def _shown(self) -> Page:
        return leakage_page({**asdict(self), "leaks": self.leaks})


def leakage(model: Any, x: Any, *, training: bool = False, examples: int = EXAMPLES) -> Leakage:
    """Replace all neighbours of an example in its batch; does its prediction change?

    In inference it must not: an example's prediction would hang on who else asks at the same
    moment. Each example of a batch is kept once, in its place, while all others are replaced by
    other examples of ``x``; in inference they are left out, too. The model stays untouched.

    Args:
        model: Any built Keras model whose outputs have a row for each example.
        x: Inputs in any form that ``fit`` takes, alone or with labels, as in
            :func:`normwise.recalibrate`, of which twice ``examples`` are used.
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
    with untouched(model):
        x = given_to(model, x).x
    batch = _Batch.of(x, examples)
    if has_own_code(model):
        # Layers may build others when they are first called: as Keras does before it compiles.
        with inputs_fitting(model), keras.StatelessScope():
            model(batch.whole, training=training)
    state, run = state_of(model), jax.jit(forward(model, training=training))
    with inputs_fitting(model):
        plain, after = run(state, batch.whole)
    _check_outputs(model, plain, batch.size)
    again, _ = run(with_seeds_of(model, state, after), batch.whole)
    same = ((again, row) for row in range(batch.size))
    is_random = any(change > LIMIT for change in _changes(plain, same))
    predicted = _Predicted(model, lambda x: run(state, x)[0], plain, batch.size)
    (largest, most), other = predicted.most_changed(batch.with_others), batch.with_others
    # Random draws for an example alone have another shape, and so other values.
    if largest <= LIMIT and not training and not is_random:
        change, row = predicted.most_changed(batch.alone)
        if change > (HALF if computes_in_half(model) else ALONE):
            largest, most, other = change, row, batch.alone
    one, leaks = (batch.whole, most), largest > LIMIT
    layer = _first_layer(model, state, one, other(most), training) if leaks else None
    return Leakage(change=largest, example=most, layer=layer, is_random=is_random)


@dataclass(frozen=True)
class _Batch:
    """A batch whose examples are each kept once while all others are replaced.

    Attributes:
        x: All inputs, ``(total, …)`` each.
        kept: The numbers in ``x`` of the batch's examples, ``(size,)``.
        others: The numbers of those that take their places, ``(size,)``.
    """

    x: Any
    kept: NDArray[Any]
    others: NDArray[Any]

    @classmethod
    def of(cls, x: Any, examples: int) -> _Batch:
        """The first ``examples`` of ``x``, or half of them; the others come from the second half.

        So no neighbour stays one; of two or three examples, one has to stand in twice.
        """
        total = _count(x)
        size = max(2, min(examples, total // 2))
        kept = np.arange(size)
        return cls(x, kept, (kept + (size if total > size else 1)) % total)

    @property
    def size(self) -> int:
        return len(self.kept)

    @property
    def whole(self) -> Any:
        """The batch as it is."""
        return rows(self.x, self.kept)

    def with_others(self, row: int) -> Row:
        """One example in its place, and all others replaced."""
        return rows(self.x, np.where(self.kept == row, self.kept, self.others)), row

    def alone(self, row: int) -> Row:
        """One example in a batch of its own."""
        return rows(self.x, slice(row, row + 1)), 0


@dataclass(frozen=True)
class _Predicted:
    """What a model predicts for a batch, and can predict for others with one of its examples.

    Attributes:
        model: The model.
        predict: A batch to its outputs.
        outputs: Those of the batch.
        size: How many examples it has.
    """

    model: Any
    predict: Callable[[Any], Any]
    outputs: Any
    size: int

    def most_changed(self, other: Callable[[int], Row]) -> tuple[float, int]:
        """The largest change of an example's output, and the example's number.

        Args:
            other: The number of an example to another batch, and that example's row in it.

        Raises:
            DataError: An output is not finite.
        """
        others = (other(row) for row in range(self.size))
        changes = _changes(self.outputs, ((self.predict(x), place) for x, place in others))
        if not np.isfinite(changes).all():
            raise DataError(
                f"model {self.model.name!r} gives values that are not finite; expected predictions "
                f"that are; look for NaN in the data, or for overflow in the weights"
            )
        most = int(np.argmax(changes))
        return changes[most], most


def _changes(outputs: Any, others: Iterable[Row]) -> list[float]:
    """The change of each row, from ``outputs`` to its place in other outputs."""
    change = jax.jit(_change)
    return [float(change((outputs, row), other)) for row, other in enumerate(others)]


def _check(model: Any, examples: int) -> None:
    require_keras(model)
    if not model.built:
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


def _change(before: Row, after: Row) -> jax.Array:
    """The largest change of a row in any part that has rows, as a share of the largest value."""
    (old, row), (new, place) = before, after
    pairs = list(zip(keras.tree.flatten(old), keras.tree.flatten(new), strict=False))
    # In a batch of one, arrays may have one row that are not of one example.
    alike = [(one, other) for one, other in pairs if one.shape[1:] == other.shape[1:]]
    changes = [_change_of_part(one, row, other[place]) for one, other in alike]
    return jnp.max(jnp.stack([jnp.zeros(()), *changes]))


def _change_of_part(before: jax.Array, row: Any, after: jax.Array) -> jax.Array:
    old, new = before.astype("float32"), after.astype("float32")
    # Attention masks hold infinities, which do not differ from themselves.
    difference = jnp.where(old[row] == new, 0.0, jnp.abs(new - old[row]))
    largest = jnp.max(jnp.where(jnp.isfinite(old), jnp.abs(old), 0.0))
    return jnp.max(difference) / jnp.where(largest > 0, largest, 1.0)


def _first_layer(model: Any, state: State, one: Row, other: Row, training: bool) -> str | None:
    """The first layer whose output changes although its input does not.

    Args:
        model: A built Keras model.
        state: The values of its variables.
        one: A batch, and the number of the row to compare.
        other: Another batch, of any size, and the number of the same example's row in it.
        training: Whether to call the model as training does.
    """
    run = forward(model, training=training)
    names: list[str] = []

    def compare(state: State, *batches: Any) -> list[tuple[jax.Array, jax.Array]]:
        first, second = (_calls_with_rows(model, run, state, x) for x in batches)
        # Calls that only one of the two batches makes cannot be compared.
        calls = [call for call in first if call in second]
        names.extend(name for name, _ in calls)
        return [
            (
                _change((first[call][0], one[1]), (second[call][0], other[1])),
                _change((first[call][1], one[1]), (second[call][1], other[1])),
            )
            for call in calls
        ]

    # Only the changes leave the compiled function: all that layers give would fill the memory.
    changes = jax.jit(compare)(state, one[0], other[0])
    places = zip(names, changes, strict=True)
    return next((name for name, (i, o) in places if float(i) <= LIMIT < float(o)), None)


def _calls_with_rows(model: Any, run: Forward, state: State, x: Any) -> dict[tuple[str, int], Any]:
    """What each call of a layer takes and gives, as far as it has a row for each example.

    The key is the layer's name and how often it was called before; calls are in the order in which
    they end.
    """
    size, seen, times = count(x), {}, Counter[str]()

    def noted(layer: Any, call: Call) -> Call:
        def called(*arguments: Any, **options: Any) -> Any:
            given = call(*arguments, **options)
            taken = _with_rows((arguments, options), size)
            seen[layer.name, times[layer.name]] = taken, _with_rows(given, size)
            times[layer.name] += 1
            return given

        return called

    with wrapping(_operations(model), noted):
        run(state, x)
    return seen


def _operations(model: Any) -> list[Any]:
    """Every layer and operation inside a model, each once."""
    layers = every_layer(model, itself=False)
    graphs = [layer for layer in (model, *layers) if hasattr(layer, "operations")]
    return list(dict.fromkeys([*layers, *(one for graph in graphs for one in graph.operations)]))


def _with_rows(values: Any, size: int) -> list[Any]:
    """The arrays among ``values`` that have a row for each example."""
    return [
        value
        for value in keras.tree.flatten(values)
        if isinstance(value, jax.Array) and value.shape[:1] == (size,)
    ]
