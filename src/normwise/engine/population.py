"""Population statistics at an epoch's end: those of the training part under the present weights.

Moving statistics lag behind the weights. Beside the validation metrics with them, those with the
population's are taken, and the two tell a network that learns slowly from one whose statistics lag.

Each batch normalisation that training moves takes the mean and variance of what reaches it from the
whole part at once, whatever options it trains with, and normalises by these, so that what the
layers behind it see comes out as in inference. All else acts as in training: dropout drops, frozen
statistics stay. Nothing of it goes back into the training.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.data.mapped_rows import read_rows
from normwise.data.nested import Arrays, count, rows
from normwise.domain import derive_seed
from normwise.engine.batches import batch_shapes, through_batches
from normwise.engine.fit_data import needs_whole_batches
from normwise.engine.kernels.sums import sums_in_parts
from normwise.engine.state import State
from normwise.keras_private import RANDOM_STATE
from normwise.layers.kernel_jax import normalise
from normwise.models.hooks import Call, wrapping
from normwise.models.kinds import is_called
from normwise.models.population_statistics import batch_normalisations
from normwise.models.stateless_call import stateless
from normwise.models.tracing import tracing

__all__ = ["FEWEST", "Population", "population_of", "rows_of_population"]

FEWEST = 2048
"""Examples that statistics are of at least, or all of a training part that has fewer."""

# What a layer gives for all of them may take so much memory. Where that does not suffice, they are
# gone through in batches, once for each normalisation.
MOST_BYTES = 2**28
# And that of all replicas whose statistics are taken together so much, unless one takes more.
TOGETHER_BYTES = 2**24

Values: TypeAlias = list[Any]


class Moments(NamedTuple):
    """Mean and variance of each channel's values, and how many these are, ``(channels,)`` each."""

    count: Any
    mean: Any
    variance: Any

    def merged(self, other: Moments) -> Moments:
        """Of both together, what their means differ by included (Chan, Golub & LeVeque 1983)."""
        total = self.count + other.count
        share, gap = other.count / jnp.maximum(total, 1), other.mean - self.mean
        within = self.variance + (other.variance - self.variance) * share
        between = gap**2 * share * (1 - share)
        return Moments(total, self.mean + gap * share, within + between)


# Values with random streams moved on, and the moments of what each layer took, so far.
Pass: TypeAlias = tuple[Values, list[Moments]]
# Called with a layer and the moments of what it takes.
Note: TypeAlias = Callable[[Any, Moments], None]


@dataclass(frozen=True, eq=False)
class Population:
    """Gives states of a model the population statistics of what it trains on.

    Attributes:
        model: The model.
        calls: Its batch normalisations that training moves, in the order of their first calls, and
            how often a call of the model calls each.
        rows: Numbers of the training examples that the statistics are of, ascending.
        size: How many of these are taken at once.
        together: Of how many replicas at a time.
    """

    model: keras.Model
    calls: Counter[Any]
    rows: NDArray[np.int32]
    size: int
    together: int

    def inputs(self, examples: Examples) -> Arrays:
        """Of the training part those that the statistics are of."""
        is_whole = len(self.rows) == count(examples.x)
        return examples.x if is_whole else rows(examples.x, self.rows)

    def of(self, state: State, x: Arrays) -> State:
        """A replica's state with population statistics.

        Args:
            state: At an epoch's end, without an axis of replicas.
            x: What :meth:`inputs` gives.
        """
        # The compiler takes the state as it is: it does not see what else becomes of it.
        trainable, values = lax.optimization_barrier((state.trainable, state.non_trainable))
        return state._replace(
            trainable=trainable, non_trainable=self._some_at_a_time(trainable, values, x)
        )

    @functools.cached_property
    def _some_at_a_time(self) -> Any:
        """The statistics of replicas side by side, of as many together as memory has room for."""
        statistics: Any = jax.custom_batching.custom_vmap(self.statistics)

        def of_stack(size: int, is_own: Any, *arguments: Any) -> tuple[Values, Any]:
            def each(is_own: bool, value: Any) -> Any:
                return value if is_own else jnp.broadcast_to(value, (size, *value.shape))

            def of_one(state: Any) -> Values:
                trainable, values = state
                return self.statistics(trainable, values, arguments[-1])

            own = jax.tree.map(each, tuple(is_own[:-1]), arguments[:-1])
            found = lax.map(of_one, own, batch_size=self.together)
            return found, [True] * len(found)

        statistics.def_vmap(of_stack)
        return statistics

    @property
    def passes(self) -> int:
        """How often the examples are gone through."""
        return 1 if self.is_one_batch else len(self.calls)

    @property
    def is_one_batch(self) -> bool:
        """Whether one call of the model sees all that each layer takes."""
        return self.size >= len(self.rows) and max(self.calls.values()) == 1

    def statistics(self, trainable: Values, values: Values, x: Arrays) -> Values:
        """Non-trainable values with population statistics in the place of moving ones."""
        if self.is_one_batch:
            return self._in_one_batch(trainable, values, x)
        return self._in_batches(trainable, values, x)

    def _in_one_batch(self, trainable: Values, values: Values, x: Arrays) -> Values:
        after = _called(self.model, self.calls, _set, trainable, values, x)
        own = self._places
        return [after[place] if place in own else old for place, old in enumerate(values)]

    def _in_batches(self, trainable: Values, values: Values, x: Arrays) -> Values:
        """The first layer's are right once all batches were seen, the second's a pass later, …."""

        def again(_: Any, values: Values) -> Values:
            def step(carry: Pass, batch: Arrays) -> tuple[Pass, None]:
                return self.seen(trainable, carry, batch), None

            (_, found), *_ = through_batches(step, self.start(values), x, self.size)
            return self.holding(values, found)

        passes: Values = lax.fori_loop(0, len(self.calls), again, values)
        return passes

    def start(self, values: Values) -> Pass:
        """Before a pass through all batches, by the statistics that there are."""
        return values, [Moments(*[jnp.zeros(norm.moving_mean.shape)] * 3) for norm in self.calls]

    def seen(self, trainable: Values, before: Pass, batch: Arrays) -> Pass:
        """The same after another batch."""
        values, moments = before
        noted: dict[Any, Moments] = {}

        def note(layer: Any, one: Moments) -> None:
            noted[layer] = noted[layer].merged(one) if layer in noted else one

        after = _called(self.model, self.calls, note, trainable, values, batch)
        found = [old.merged(noted[layer]) for old, layer in zip(moments, self.calls, strict=True)]
        return _drawn(self.model, values, after), found

    def holding(self, values: Values, found: list[Moments]) -> Values:
        """Values with the moments of a whole pass in the place of statistics."""
        new = dict(zip(self._places, jax.tree.leaves([one[1:] for one in found]), strict=True))
        return [new.get(place, old).astype(old.dtype) for place, old in enumerate(values)]

    @functools.cached_property
    def _places(self) -> list[int]:
        """Where means and variances stand among the model's non-trainable values, in turns."""
        places = {id(one): place for place, one in enumerate(self.model.non_trainable_variables)}
        own = [(norm.moving_mean, norm.moving_variance) for norm in self.calls]
        return [places[id(one)] for both in own for one in both]


def _drawn(model: keras.Model, before: Values, after: Values) -> Values:
    """The values with random streams moved on."""
    both = zip(model.non_trainable_variables, before, after, strict=True)
    return [new if one.name == RANDOM_STATE else old for one, old, new in both]


def population_of(model: keras.Model, dataset: Dataset, batch_size: int) -> Population | None:
    """What gives a model population statistics; ``None`` where training moves none.

    Args:
        model: Built.
        dataset: What it trains on.
        batch_size: Examples in a batch.

    Raises:
        ModelError: The model cannot be traced.
    """
    # What the steps of a model without a call make of a batch is not known.
    norms = (
        [one for one in batch_normalisations(model) if one.trainable] if is_called(model) else []
    )
    if not norms:
        return None
    seen: list[Any] = []
    forward = functools.partial(_called, model, norms, lambda layer, _: seen.append(layer))
    with tracing(model, "training"):
        largest = _largest_result(forward, model, dataset, batch_size)
    if not seen:
        return None
    numbers = rows_of_population(dataset.examples)
    size = max(batch_size, MOST_BYTES // largest)
    if needs_whole_batches(model):
        numbers, size = numbers[: len(numbers) // batch_size * batch_size], batch_size
    together = max(1, TOGETHER_BYTES // (largest * min(size, len(numbers))))
    return Population(model, Counter(seen), numbers, size, together)


def _largest_result(
    forward: Callable[..., Any], model: keras.Model, dataset: Dataset, batch_size: int
) -> int:
    """Bytes of the largest array that a call computes, for an example; of what can be traced."""
    values = [
        [variable.value for variable in part]
        for part in (model.trainable_variables, model.non_trainable_variables)
    ]
    if model.run_eagerly:
        forward(*values, read_rows(dataset.x_train, slice(batch_size)))
        return 1
    steps = jax.make_jaxpr(forward)(*values, batch_shapes(dataset, batch_size)).eqns
    sizes = [one.aval.size * one.aval.dtype.itemsize for step in steps for one in step.outvars]
    largest: int = max([batch_size, *sizes]) // batch_size
    return largest


def rows_of_population(examples: int) -> NDArray[np.int32]:
    """Which training examples population statistics are of: the same in all replicas.

    >>> rows_of_population(3).tolist(), len(set(rows_of_population(10_000).tolist()))
    ([0, 1, 2], 2048)
    """
    if examples <= FEWEST:
        return np.arange(examples, dtype=np.int32)
    drawn = np.random.default_rng(derive_seed(0, "population")).choice(
        examples, FEWEST, replace=False
    )
    return np.sort(drawn).astype(np.int32)


def _called(
    model: keras.Model, norms: Any, note: Note, trainable: Values, values: Values, x: Arrays
) -> Values:
    """The non-trainable values after a call in training mode, but for normalisation.

    Args:
        model: The model.
        norms: Those of its batch normalisations that are not frozen. Where they would train, they
            run as in inference.
        note: Sees what each of these takes, before it runs.
        trainable: Values of the trainable variables.
        values: Of the others.
        x: Inputs.
    """

    def wrap(layer: Any, call: Call) -> Call:
        def called(inputs: Any, training: Any = None, mask: Any = None, **options: Any) -> Any:
            if training:
                note(layer, _moments_of(layer, inputs, mask))
            return call(inputs, training=False, mask=mask, **options)

        return called

    with wrapping(norms, wrap):
        _, after = stateless(model, training=True)(trainable, values, x)
    return list(after)


def _set(layer: Any, moments: Moments) -> None:
    layer.moving_mean.assign(moments.mean)
    layer.moving_variance.assign(moments.variance)


def _moments_of(layer: Any, inputs: Any, mask: Any) -> Moments:
    x = keras.ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
    axes = tuple(axis for axis in range(x.ndim) if axis != layer.axis % x.ndim)
    kept = None if mask is None else jnp.broadcast_to(jnp.asarray(mask, bool)[..., None], x.shape)
    # Plain sums the compiler takes together with what it computes in front of them, unless that is
    # a picture's, which leaves a core's cache.
    sums = sums_in_parts if x.ndim > 2 else None
    _, mean, variance = normalise(x, None, None, axes, layer.epsilon, weights=kept, sums=sums)
    count = x.size // mean.size if kept is None else jnp.sum(kept, axes)
    return Moments(jnp.broadcast_to(count, mean.shape).astype(x.dtype), mean, variance)
