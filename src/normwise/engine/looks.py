"""Looks inside replicas at the first step of each epoch: in a stack, or by ``fit``.

What is looked at trains once more, an epoch a call, so that a study's curves never depend on it;
the look is a program of its own, without an axis of replicas, which compiles in a third of the time
that it takes inside the training.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import jax
import keras
import numpy as np
from numpy.typing import NDArray

from normwise.data.dataset import Examples
from normwise.data.mapped_rows import read_rows
from normwise.engine.cohort import Cohort
from normwise.engine.initial_values import Replica
from normwise.engine.keras_fit import Fit, state_of
from normwise.engine.kernels.ties import safe_ties
from normwise.engine.orders import stacked_orders
from normwise.engine.probed import Probed, placed, probed_in
from normwise.engine.stack import compiled_program, shape_of
from normwise.engine.state import State
from normwise.probes import Looking, Moment

__all__ = ["Looked", "StackLooks", "looked_at_by_fit", "probed_in_fit"]


class Looked(NamedTuple):
    """What was seen in a replica.

    Attributes:
        names: What the axes of the series stand for.
        curves: Metric to one value an epoch.
        series: ``PROBE/SERIES`` to ``(epochs, …)``.
    """

    names: dict[str, tuple[str, ...]]
    curves: dict[str, list[float]]
    series: dict[str, NDArray[Any]]

    @classmethod
    def of(
        cls, looking: Looking, curves: Sequence[Mapping[str, float]], seen: Sequence[dict[str, Any]]
    ) -> Self:
        """What was seen, and the metrics, epoch by epoch."""
        own = {name: [one[name] for one in curves] for name in curves[0]}
        series = {name: np.stack([one[name] for one in seen]) for name in seen[0]}
        return cls(looking.names, own, looking.settled(series))


@dataclass(frozen=True)
class StackLooks:
    """Replicas that train an epoch a call, and what looks at each of them before it.

    Attributes:
        cohort: The replicas, of one epoch.
        epochs: How many they train.
        batch_size: Examples in a batch.
        probed: What is looked at.
    """

    cohort: Cohort
    epochs: int
    batch_size: int
    probed: Probed

    @classmethod
    def of(cls, cohort: Cohort, batch_size: int) -> Self:
        """Looks at replicas as many of which train side by side.

        Args:
            cohort: The replicas.
            batch_size: Examples in a batch.

        Raises:
            ModelError: Their model cannot be looked into.
        """
        probed = probed_in(cohort.program.model, cohort.dataset, batch_size)
        return cls(dataclasses.replace(cohort, epochs=1), cohort.epochs, batch_size, probed)

    def lower(self) -> tuple[Any, Any]:
        """Trace both programs; compiling the result needs no Python and can run aside."""
        first = self.cohort.start([Replica(0)] * self.cohort.mesh.size)
        moment = self._moment(first, 0, np.arange(self.cohort.dataset.examples))
        form = jax.tree.map(lambda one: shape_of(one.shape, one.dtype, None), moment)
        with safe_ties():
            look = jax.jit(self.probed.looking.look).lower(form)
        return self.cohort.lower(), look

    def compile(self, lowered: tuple[Any, Any]) -> tuple[Any, Any]:
        """Compile what :meth:`lower` traced."""
        train, look = (compiled_program(one, self.cohort.mesh) for one in lowered)
        return train, look

    def looked_at(self, compiled: tuple[Any, Any], replicas: Sequence[Replica]) -> list[Looked]:
        """What is seen in replicas, at most as many as stand side by side."""
        train, look = compiled
        data, stack = self.cohort.data(), self.cohort.begin(replicas)
        curves, seen = ([list[Any]() for _ in replicas] for _ in range(2))
        for orders in self._orders(replicas):
            state = stack.rows()
            rows = range(len(replicas))  # behind them the stack is filled up
            looks = [look(self._moment(state, row, orders[row, 0])) for row in rows]
            stack.state, ended = train(stack.state, self.cohort.split(orders), data)
            found, *every = jax.tree.map(np.asarray, [ended, *looks])
            for row, there in enumerate(every):
                # A replica that has diverged stays in its stack, as it was before.
                seen[row].append(there if state.alive[row] else _lost(there))
                curves[row].append({name: float(values[row, 0]) for name, values in found.items()})
        return [Looked.of(self.probed.looking, *own) for own in zip(curves, seen, strict=True)]

    def _orders(self, replicas: Sequence[Replica]) -> Iterator[NDArray[np.int32]]:
        """Of each replica, and those that fill the stack up, ``(replicas, 1, examples)``."""
        seeds = [replica.seed for replica in self.cohort.filled(replicas)]
        return stacked_orders(seeds, self.cohort.dataset.examples, self.epochs, 1)

    def _moment(self, state: State, row: int, order: NDArray[Any]) -> Moment:
        numbers = order[: self.probed.batches * self.batch_size]
        parts = np.split(numbers, range(self.batch_size, len(numbers), self.batch_size))
        return self.probed.moment(
            state, row, [read_rows(self.cohort.dataset.train, part) for part in parts]
        )


def probed_in_fit(fit: Fit) -> Probed:
    """What is looked at in a model that Keras' own ``fit`` trains.

    Raises:
        ModelError: It cannot be looked into.
    """
    return probed_in(fit.model, fit.data.dataset, fit.data.size)


def looked_at_by_fit(
    fit: Fit,
    probed: Probed,
    replica: Replica,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Looked:
    """Train a replica by Keras' own ``fit`` and look at the first step of each epoch.

    Args:
        fit: What trains it.
        probed: What is looked at.
        replica: Which.
        epochs: How many it trains.
        callbacks: What acts beside, made for this alone.
    """
    eye = _Eye(fit, probed, replica)
    fitted = fit.train(replica, fit.begin(replica), range(epochs), [*callbacks, eye])
    curves = [
        {name: values[epoch] for name, values in fitted.curves.items()} for epoch in range(epochs)
    ]
    is_lost = fitted.ended_at is None
    unseen = [_lost(eye.seen[0])] * (epochs - len(eye.seen)) if is_lost else []
    return Looked.of(probed.looking, curves, [*eye.seen, *unseen])


class _Eye(keras.callbacks.Callback):  # type: ignore[misc]
    """Looks when an epoch begins; the last of the callbacks, which may change what begins.

    Attributes:
        seen: What was seen, look by look.
    """

    def __init__(self, fit: Fit, probed: Probed, replica: Replica) -> None:
        super().__init__()
        self._fit, self._probed, self._replica = fit, probed, replica
        self.seen: list[dict[str, NDArray[Any]]] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 (Keras' own)
        batches = list(_batches(self._fit, self._replica, epoch, self._probed.batches))
        found = self._probed.looking.program(self._probed.moment(state_of(self.model), 0, batches))
        self.seen.append(jax.tree.map(np.asarray, found))


def _lost(seen: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What there is to see in a replica that has diverged."""
    return {name: np.full_like(values, np.nan) for name, values in seen.items()}


def _batches(fit: Fit, replica: Replica, epoch: int, count: int) -> Iterator[Examples]:
    """The first batches of an epoch, as ``fit`` sees them."""
    batches = fit.data.batches(replica.seed, epoch)
    batches.next_epoch()
    for number in range(count):
        yield Examples(*_padded(placed(batches[number])))


def _padded(batch: tuple[Any, ...]) -> tuple[Any, ...]:
    """With ``None`` where a loader leaves out labels."""
    return batch if len(batch) > 1 else (*batch, None)
