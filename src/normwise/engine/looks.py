"""Looks inside replicas at the first step of each epoch: in a program of their own, or by ``fit``.

What is looked at trains once more, so that a study's curves never depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.data.dataset import Examples
from normwise.data.mapped_rows import read_rows
from normwise.engine.cohort import Cohort
from normwise.engine.initial_values import Replica
from normwise.engine.keras_fit import Fit
from normwise.engine.probed import Probed, parted, probed_in
from normwise.engine.state import State
from normwise.probes import Looking, Moment

__all__ = ["Looked", "looked_at_by_fit", "looked_at_in_stack", "probed_in_fit"]


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


def looked_at_in_stack(cohort: Cohort, compiled: Any, replicas: Sequence[Replica]) -> list[Looked]:
    """Train replicas in a program of their own that looks at the first step of each epoch.

    Args:
        cohort: Made to be probed.
        compiled: Its compiled program.
        replicas: Which, at most as many as stand side by side.
    """
    probed: Any = cohort.program.probed
    [chunk] = cohort.run(compiled, replicas)
    return [_row(probed.looking, chunk.curves, row) for row in range(len(replicas))]


def _row(looking: Looking, curves: Mapping[str, NDArray[Any]], row: int) -> Looked:
    own, seen = parted({name: one[row] for name, one in curves.items()})
    return Looked(
        looking.names, {name: one.tolist() for name, one in own.items()}, looking.settled(seen)
    )


def probed_in_fit(fit: Fit) -> Probed:
    """What is looked at in a model that Keras' own ``fit`` trains.

    Raises:
        ModelError: It cannot be looked into.
    """
    return probed_in(fit.model, fit.data.dataset, fit.data.size)


def looked_at_by_fit(fit: Fit, probed: Probed, replica: Replica, epochs: int) -> Looked:
    """Train a replica by Keras' own ``fit`` and look at the first step of each epoch."""
    looking = probed.looking
    look = looking.look if fit.model.run_eagerly else jax.jit(looking.look)
    reference = _placed(read_rows(fit.data.dataset.x_train, probed.reference))
    state, curves, seen = fit.begin(replica), list[Any](), list[Any]()
    for epoch in range(epochs):
        moment = _moment(fit, replica, epoch, state, probed, reference)
        seen.append(jax.tree.map(np.asarray, look(moment)))
        fitted = fit.train(replica, state, range(epoch, epoch + 1), of=epochs)
        state = fitted.state
        curves.append(fitted.curves)
    own = {name: [one[name][0] for one in curves] for name in curves[0]}
    series = {name: np.stack([one[name] for one in seen]) for name in seen[0]}
    return Looked(looking.names, own, looking.settled(series))


def _moment(
    fit: Fit, replica: Replica, epoch: int, state: State, probed: Probed, reference: Any
) -> Moment:
    trainable, non_trainable, optimizer = (
        [jnp.asarray(value[0]) for value in part] for part in state[:3]
    )
    batches = list(_batches(fit, replica, epoch, probed.batches))
    stacked = jax.tree.map(lambda *each: jnp.stack(each), *[one.x for one in batches])
    return Moment(trainable, non_trainable, optimizer, batches[0], stacked, reference)


def _batches(fit: Fit, replica: Replica, epoch: int, count: int) -> Iterator[Examples]:
    """The first batches of an epoch, as ``fit`` sees them."""
    batches = fit.data.batches(replica.seed, epoch)
    batches.next_epoch()
    for number in range(count):
        yield Examples(*_padded(_placed(batches[number])))


def _padded(batch: tuple[Any, ...]) -> tuple[Any, ...]:
    """With ``None`` where a loader leaves out labels."""
    return batch if len(batch) > 1 else (*batch, None)


def _placed(arrays: Any) -> Any:
    return jax.tree.map(jnp.asarray, arrays)
