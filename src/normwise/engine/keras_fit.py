"""Replicas trained by Keras' own ``fit``, one after another.

A replica starts from the same values and sees the same batches as in a stack; what differs is
everything the engine does of its own: stacking, sharding, lowered layers. The solo check compares
the two, and where the engine cannot train a model, a study is trained in this way.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import keras
import numpy as np
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.data.mapped_rows import read_rows
from normwise.data.nested import count
from normwise.domain import POPULATION, VALIDATION, derive_seed, is_with_population
from normwise.engine.evaluating import evaluation_of
from normwise.engine.fit_data import Batches, FitData, needs_whole_batches
from normwise.engine.initial_values import InitialValues, Replica
from normwise.engine.optimizer_values import optimizer_values
from normwise.engine.population import population_of
from normwise.engine.state import State
from normwise.errors import ModelError
from normwise.models.kinds import sublayers
from normwise.models.metrics import build_compiled_parts, is_evaluated, is_taken_at_once, scalars

__all__ = ["Fit", "Fitted", "fit_on", "state_of"]

# Examples that an evaluation takes at once, where their number changes nothing.
AT_ONCE = 512
# What a nudge changes of each weight: as much as the sums of a step differ by where they are taken
# in another order. In half precision that is its rounding.
NUDGE = 1e-6
# From trainable and non-trainable values to other non-trainable ones.
Change: TypeAlias = Callable[[list[Any], list[Any]], list[Any]]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What came out of training a replica for some epochs.

    Attributes:
        curves: Metric to one value an epoch, as ``fit`` reports it; NaN from the epoch on whose
            loss was not finite.
        state: The replica's, with a leading axis of length 1, on the host.
        ended_at: Epochs behind it when a callback ended the training, or ``None``. What it is then
            does not change any more: from there on the curves keep the metrics of its weights.
    """

    curves: dict[str, list[float]]
    state: State
    ended_at: int | None


class Fit:
    """A model that Keras' own ``fit`` trains.

    Args:
        model: The compiled model the user would train, with Keras' own layers, before its first
            step; its weights are overwritten.
        initial: Made from this model.
        dataset: What is trained on.
        batch_size: Examples in a batch.
        window: Rows that are read at a time, where the data are streamed: whole batches.
        population: Whether it is also evaluated with population statistics, if it has moving ones.

    Attributes:
        model: That model.
        data: What it is trained on, as ``fit`` gets it.
        at_once: Examples that an evaluation takes at a time.
    """

    def __init__(
        self,
        model: keras.Model,
        initial: InitialValues,
        dataset: Dataset,
        batch_size: int,
        window: int | None = None,
        *,
        population: bool = False,
    ) -> None:
        self.model, self._initial = model, initial
        self.data = FitData(
            dataset, batch_size, whole_batches=needs_whole_batches(model), window=window
        )
        build_compiled_parts(model, dataset)
        steps = model.train_step, model.test_step
        if dataset.y_train is None:
            steps = _of_arrays(steps[0]), _of_arrays(steps[1])
        # As attributes: JAX keeps what it compiled of a function, and a method is another one each
        # time it is asked for.
        model.train_step, model.test_step = steps
        self.at_once = _at_once(model, dataset, batch_size)
        is_asked = population and is_evaluated(model)
        self._population = population_of(model, dataset, batch_size) if is_asked else None
        model.optimizer.build(model.trainable_variables)
        self._untrained = [np.array(variable.value) for variable in _variables(model)]

    def begin(self, replica: Replica, nudge: int = 0) -> State:
        """A replica's state before its first step.

        Args:
            replica: Which one.
            nudge: Above 0, weights differ by rounding, otherwise for each number.
        """
        optimizer = self.model.optimizer
        # What is not drawn starts as it is in the model, whatever trained there before.
        _assign(_variables(self.model), self._untrained)
        trainable, non_trainable = self._initial.state([replica])
        if nudge:
            size = _rounding_in(self.model)
            trainable = [_nudged(value, nudge, size) for value in trainable]
        return _state(trainable, non_trainable, optimizer_values(optimizer, [replica]))

    def train(
        self,
        replica: Replica,
        state: State,
        epochs: range,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        of: int | None = None,
    ) -> Fitted:
        """Train a replica.

        Args:
            replica: Which one: its seed gives the order of the examples.
            state: Its own when ``epochs`` begin.
            epochs: Which, from 0.
            callbacks: What acts besides, made for this replica alone. They must see it from its
                beginning.
            of: As many as a replica trains that goes to its end; up to the last of ``epochs``
                unless given.
        """
        _put(self.model, state)
        batches = self.data.batches(replica.seed, epochs.start)
        watch = _Watch(batches, epochs, self._with_population)
        self.model.fit(
            batches,
            callbacks=[watch, *callbacks],
            validation_data=self._part("val").batch if is_evaluated(self.model) else None,
            validation_batch_size=self.at_once,
            initial_epoch=epochs.start,
            epochs=of or epochs.stop,
            shuffle=False,
            verbose=0,
        )
        goes_on = not callbacks and epochs.stop < (of or epochs.stop)
        left = watch.state if goes_on and watch.state is not None else state_of(self.model)
        return self._fitted(watch, left, epochs)

    def _fitted(self, watch: _Watch, state: State, epochs: range) -> Fitted:
        rows = [row for row in watch.rows if not _is_lost(row)]
        is_lost, missing = len(rows) < len(watch.rows), len(epochs) - len(rows)
        ended_at = None if is_lost or not missing else epochs.start + len(rows)
        last = dict.fromkeys(watch.rows[0], math.nan)
        if ended_at is not None:
            last = self._evaluated(watch) if watch.is_other(self.model) else rows[-1]
        rows += [last] * missing
        curves = {name: [row[name] for row in rows] for name in watch.rows[0]}
        alive: Any = np.array([not is_lost])
        return Fitted(curves, state._replace(alive=alive), ended_at)

    def _part(self, name: str) -> Examples:
        return self.data.evaluated(getattr(self.data.dataset, name), self.at_once)

    def _evaluated(self, watch: _Watch) -> dict[str, float]:
        """The metrics of the weights that the model has now, which no epoch ended with."""
        how = {"batch_size": self.at_once, "return_dict": True, "verbose": 0}
        found = scalars(self.model.evaluate(**_of(self._part("train")), **how))
        if is_evaluated(self.model):
            found |= self._validated() | self._with_population()
        return {name: float(found[name]) for name in watch.rows[0]}

    def _validated(self) -> dict[str, float]:
        how = {"batch_size": self.at_once, "return_dict": True, "verbose": 0}
        found = scalars(self.model.evaluate(**_of(self._part("val")), **how))
        return {f"{VALIDATION}{name}": float(value) for name, value in found.items()}

    def _with_population(self) -> dict[str, float]:
        """The same with population statistics, if they are asked for; all else stays as it is."""
        if self._population is None:
            return {}
        found = self._validated_with(lambda *values: self._statistics(*values, self._sample))
        return {f"{POPULATION}{name}": value for name, value in found.items()}

    def validated(self, state: State, change: Change) -> dict[str, float]:
        """Validation metrics of a replica whose non-trainable values are changed before.

        Args:
            state: The replica's.
            change: Gives them anew, of its trainable values and these.
        """
        _put(self.model, state)
        return self._validated_with(change)

    def _validated_with(self, change: Change) -> dict[str, float]:
        """What changes, and what evaluating moves, is taken back."""
        trainable, others = self.model.trainable_variables, self.model.non_trainable_variables
        values = ([variable.value for variable in part] for part in (trainable, others))
        with _restoring(self.model):
            _assign(others, change(*values))
            return self._validated()

    @functools.cached_property
    def _statistics(self) -> Callable[..., Any]:
        known: Any = self._population
        return known.statistics if self.model.run_eagerly else jax.jit(known.statistics)

    @functools.cached_property
    def _sample(self) -> Any:
        known: Any = self._population
        return jax.tree.map(jnp.asarray, read_rows(self.data.dataset.x_train, known.rows))


def fit_on(fit: Fit, part: Dataset) -> Fit:
    """The same model on a part of the data, in batches of the same size.

    Its steps are compiled once for both.
    """
    own = copy.copy(fit)
    own.data, own._population = dataclasses.replace(fit.data, dataset=part), None
    return own


def _of(part: Examples) -> dict[str, Any]:
    return {"x": part.x, "y": part.y, "sample_weight": part.weights}


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes what each epoch gave, before other callbacks see it, and ends the training in time.

    Args:
        batches: What is trained on.
        epochs: Which are to be trained, from 0.
        others: Gives more metrics of the weights that an epoch ends with.

    Attributes:
        rows: Of each epoch, metric to value.
        state: The replica's after the last of them; ``None`` where training ended before.
    """

    def __init__(
        self, batches: Batches, epochs: range, others: Callable[[], Mapping[str, float]]
    ) -> None:
        super().__init__()
        self._batches, self._epochs, self._others = batches, epochs, others
        self._weights: list[Any] = []
        self.rows: list[dict[str, float]] = []
        self.state: State | None = None

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 (Keras' own)
        if epoch != self._epochs.start + len(self.rows):
            raise ModelError(
                f"a callback lets a run begin at epoch {epoch + 1}, as BackupAndRestore does with "
                f"what another run left; expected that a run begins at its first; leave it out: a "
                f"study keeps states itself"
            )
        # Not `on_epoch_end` of the batches: `fit` also calls that after a first look at the data.
        self._batches.next_epoch()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        row = {name: float(value) for name, value in scalars(logs or {}).items()}
        self.rows.append({**row, **self._others()})
        self._weights = [variable.value for variable in self.model.variables]
        is_last = epoch + 1 == self._epochs.stop
        if is_last:
            # Here, since `fit` may put averaged weights in their place when it ends.
            self.state = state_of(self.model)
        if is_last or _is_lost(row):
            self.model.stop_training = True

    def is_other(self, model: keras.Model) -> bool:
        """Whether a callback gave the model other weights since the last epoch."""
        now = [variable.value for variable in model.variables]
        return not all(map(np.array_equal, self._weights, now))


def _is_lost(row: Mapping[str, float]) -> bool:
    """Whether a replica has diverged: by its loss, or where none is told by anything else."""
    seen = [value for name, value in row.items() if not is_with_population(name)]
    return not math.isfinite(row["loss"] if "loss" in row else sum(seen))


def _at_once(model: keras.Model, dataset: Dataset, batch_size: int) -> int:
    """Examples that an evaluation takes at once: any number, but where batches show."""
    try:
        shows = needs_whole_batches(model) or not is_taken_at_once(model, dataset)
        shows = shows or evaluation_of(model, dataset).depends_on_batches
    except ModelError:  # of what the engine cannot train
        shows = True
    return batch_size if shows else min(count(dataset.x_val), AT_ONCE)


def _nudged(values: NDArray[Any], nudge: int, size: float) -> NDArray[Any]:
    signs = np.random.default_rng(derive_seed(nudge, "nudge")).choice([-1, 1], values.shape)
    return (values * (1 + size * signs)).astype(values.dtype)


def _rounding_in(model: keras.Model) -> float:
    """The share of a value by which steps of training differ without being different."""
    halves = {kind for layer in sublayers(model) if "16" in (kind := str(layer.compute_dtype))}
    return max(NUDGE, *(float(jnp.finfo(kind).eps) / 2 for kind in halves), 0.0)


def _put(model: keras.Model, state: State) -> None:
    _assign(model.trainable_variables, [value[0] for value in state.trainable])
    _assign(model.non_trainable_variables, [value[0] for value in state.non_trainable])
    _assign(model.optimizer.variables, [value[0] for value in state.optimizer])


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _of_arrays(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step that gets inputs alone as ``fit`` hands it arrays: batches come in a tuple."""

    @functools.wraps(step)
    def of_arrays(state: Any, data: Any) -> Any:
        is_alone = isinstance(data, tuple) and len(data) == 1
        return step(state, data[0] if is_alone else data)

    return of_arrays


def _assign(variables: Sequence[Any], values: Sequence[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


@contextlib.contextmanager
def _restoring(model: keras.Model) -> Iterator[None]:
    """Let the block change what a model holds, and take it back."""
    variables = [*model.variables, *model.metrics_variables]
    # Copies: an evaluation takes over their memory.
    kept = [np.array(variable.value) for variable in variables]
    try:
        yield
    finally:
        _assign(variables, kept)


def state_of(model: keras.Model) -> State:
    """A model's state, copied: what follows takes over its memory."""
    parts = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    return _state(*([np.array(variable.value)[None] for variable in part] for part in parts))


def _state(trainable: Any, non_trainable: Any, optimizer: Any) -> State:
    """A state on the host, of arrays of NumPy's."""
    alive: Any = np.ones(1, bool)
    return State(trainable, non_trainable, optimizer, alive)
