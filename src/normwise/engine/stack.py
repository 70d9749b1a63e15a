"""Replicas that share compiled programs, side by side over the devices, whatever they train on."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import keras
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.engine.devices import REPLICA, on_host, split_over_replicas
from normwise.engine.initial_values import InitialValues, Replica
from normwise.engine.optimizer_values import optimizer_values
from normwise.engine.state import State

__all__ = [
    "Chunk",
    "Stack",
    "Stacked",
    "compiled_program",
    "over_replicas",
    "shape_of",
    "state_shapes",
]

# Without XLA's library of fused reductions, stacks of small networks take 60 to 80% of the
# time. The option is XLA's own business: a release may drop it.
CPU_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": ""}


@dataclass(frozen=True)
class Chunk:
    """What came out of training some replicas side by side.

    Attributes:
        replicas: Which they were.
        curves: Metric to ``(replicas, epochs)``.
        trainable: Final weights, each with a leading replica axis.
        non_trainable: Final statistics, likewise.
        seconds: Wall time of the chunk.
    """

    replicas: tuple[Replica, ...]
    curves: dict[str, np.ndarray]
    trainable: list[Any]
    non_trainable: list[Any]
    seconds: float


@dataclass
class Stack:
    """Replicas that train side by side, and how far they are.

    Attributes:
        replicas: Which they are; behind them the state may hold copies.
        state: The state of each replica, with a leading replica axis.
        epoch: Epochs that are done.
    """

    replicas: tuple[Replica, ...]
    state: State
    epoch: int = 0

    def rows(self) -> State:
        """The state of its own replicas, on the host."""
        own = slice(len(self.replicas))
        # A copy: the next segment takes over the memory of the state.
        rows: State = jax.tree.map(lambda value: np.array(value[own]), self._on_host())
        return rows

    def _on_host(self) -> State:
        on_host: State = jax.tree.map(np.asarray, self.state)
        return on_host


class _Trains(Protocol):
    @property
    def model(self) -> keras.Model:
        """The compiled model that a program was made from."""


@dataclass(frozen=True)
class Stacked:
    """What replicas share, and how stacks of them begin, go on and end.

    Attributes:
        program: What one replica does.
        initial: Draws the replicas' initial values.
        dataset: What they train on.
        epochs: How many epochs each replica trains.
        width: Replicas in a chunk, a multiple of the number of devices.
        mesh: The devices.
    """

    program: _Trains
    initial: InitialValues
    dataset: Dataset
    epochs: int
    width: int
    mesh: Mesh

    def lower(self) -> Any:
        """Trace the stacked programs; compiling the result needs no Python and can run aside."""
        raise NotImplementedError

    def compile(self, lowered: Any) -> Any:
        """Compile what :meth:`lower` traced."""
        raise NotImplementedError

    def data(self) -> Any:
        """What lies on the devices as long as a chunk trains."""
        raise NotImplementedError

    def arrays(self) -> list[NDArray[Any]]:
        """The arrays that all replicas share on the devices at a time."""
        raise NotImplementedError

    @property
    def bytes_ahead(self) -> int:
        """What is drawn and read before it is used, in bytes."""
        raise NotImplementedError

    def advance(
        self, compiled: Any, data: Any, stack: Stack, until: int
    ) -> Iterator[dict[str, np.ndarray]]:
        """Train a stack until that epoch.

        Args:
            compiled: What :meth:`compile` gave.
            data: What :meth:`data` gave.
            stack: How far its replicas are; moves on.
            until: Epochs that are then done, a multiple of the segment's length.

        Yields:
            After some epochs, metric to ``(replicas, epochs)`` of these.
        """
        raise NotImplementedError

    def start(self, replicas: Sequence[Replica]) -> State:
        """The replicas before their first step."""
        values = optimizer_values(self.program.model.optimizer, replicas)
        on_host = (*self.initial.state(replicas), values, np.ones(len(replicas), bool))
        return State(*jax.device_put(on_host, split_over_replicas(self.mesh)))

    def run(
        self,
        compiled: Any,
        replicas: Sequence[Replica],
        on_epoch: Callable[[int, int], None] = lambda *_: None,
    ) -> Iterator[Chunk]:
        """Train the replicas from their beginning to their end, a chunk at a time.

        Args:
            compiled: ``compile(lower())``.
            replicas: Any number; the last chunk is filled up with copies, which
                are thrown away.
            on_epoch: Called with (epochs done, replicas in the chunk).
        """
        data = self.data()
        for chunk in self.chunks(replicas):
            started = time.perf_counter()
            stack, pieces = self.begin(chunk), []
            for piece in self.advance(compiled, data, stack, self.epochs):
                pieces.append(piece)
                on_epoch(stack.epoch, len(chunk))
            rows = stack.rows()
            yield Chunk(
                replicas=chunk,
                curves={
                    name: np.concatenate([piece[name] for piece in pieces], axis=1)
                    for name in pieces[0]
                },
                trainable=rows.trainable,
                non_trainable=rows.non_trainable,
                seconds=time.perf_counter() - started,
            )

    def chunks(self, replicas: Sequence[Replica]) -> Iterator[tuple[Replica, ...]]:
        """The replicas, as many at a time as train side by side."""
        for first in range(0, len(replicas), self.width):
            yield tuple(replicas[first : first + self.width])

    def filled(self, chunk: Sequence[Replica]) -> tuple[Replica, ...]:
        """The chunk with copies of its last, as many as the program is compiled for."""
        return (*chunk, *[chunk[-1]] * (self.width - len(chunk)))

    def begin(self, chunk: Sequence[Replica]) -> Stack:
        """A stack of these replicas before their first step, at most as many as its width."""
        return Stack(tuple(chunk), self.start(self.filled(chunk)))

    def resume(self, chunk: Sequence[Replica], rows: State, epoch: int) -> Stack:
        """A stack of these replicas after so many epochs.

        A replica goes on exactly as it would have, whatever stack it was in.

        Args:
            chunk: The replicas, at most as many as its width.
            rows: The state of each, on the host.
            epoch: Epochs that are done, at which a piece of :meth:`advance` ended.
        """
        missing = self.width - len(chunk)
        numbers = [*range(len(chunk)), *[len(chunk) - 1] * missing]
        filled = jax.tree.map(lambda value: value[numbers], rows)
        state = jax.device_put(filled, split_over_replicas(self.mesh))
        return Stack(tuple(chunk), state, epoch)


def compiled_program(lowered: Any, mesh: Mesh) -> Any:
    """Compile a traced program for these devices."""
    try:
        return lowered.compile(compiler_options=CPU_OPTIONS if on_host(mesh) else None)
    except jax.errors.JaxRuntimeError as error:
        if "No such compile option" not in str(error):
            raise
        return lowered.compile()


def over_replicas(
    function: Callable[..., Any], mesh: Mesh, width: int, own: int, shared: int
) -> Callable[..., Any]:
    """A function of one replica for stacks of them, cut over the devices.

    Args:
        function: Takes what each replica has of its own, then what all of them share.
        mesh: The devices.
        width: Replicas in a stack.
        own: How many arguments are each replica's own.
        shared: How many follow that all of them share.
    """
    replica = PartitionSpec(REPLICA)
    alone = width == mesh.size
    side_by_side = (
        _alone(function, own) if alone else jax.vmap(function, (0,) * own + (None,) * shared)
    )
    return jax.shard_map(
        side_by_side,
        mesh=mesh,
        in_specs=(replica,) * own + (PartitionSpec(),) * shared,
        out_specs=replica,
        # Keras' recurrent layers start their scans from zeros that know no replica axis.
        check_vma=False,
    )


def state_shapes(cohort: Stacked) -> State:
    """The form of a stack's state, without one on the devices."""
    split = split_over_replicas(cohort.mesh)
    shapes: State = jax.tree.map(
        lambda rows: shape_of((cohort.width, *rows.shape[1:]), rows.dtype, split),
        cohort.start([Replica(0)] * cohort.mesh.size),
    )
    return shapes


def shape_of(shape: tuple[int, ...], dtype: Any, sharding: Any) -> jax.ShapeDtypeStruct:
    """An array of which only the form counts, as JAX would hold it."""
    return jax.ShapeDtypeStruct(shape, jax.dtypes.canonicalize_dtype(dtype), sharding=sharding)


def _alone(function: Callable[..., Any], own: int) -> Callable[..., Any]:
    """Without a replica axis inside: a convolution with one is a scalar loop on CPUs."""

    @functools.wraps(function)
    def of_one(*arguments: Any) -> Any:
        each = jax.tree.map(lambda stacked: stacked[0], arguments[:own])
        return jax.tree.map(lambda a: a[None], function(*each, *arguments[own:]))

    return of_one
