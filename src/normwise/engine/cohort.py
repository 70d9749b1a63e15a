"""A cohort: replicas that share one compiled program, run in chunks over the devices."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.data.nested import leaves
from normwise.domain import segment_length
from normwise.engine.devices import (
    REPLICA,
    on_host,
    replicated,
    shareable,
    split_over_replicas,
)
from normwise.engine.initial_values import InitialValues, Replica
from normwise.engine.optimizer_values import optimizer_values
from normwise.engine.orders import stacked_orders
from normwise.engine.program import Data, Program
from normwise.engine.state import State

__all__ = ["Chunk", "Cohort", "Stack"]

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


@dataclass(frozen=True)
class Cohort:
    """One program with everything that its replicas share.

    Attributes:
        program: What one replica does.
        initial: Draws the replicas' initial values.
        dataset: What they train on.
        epochs: How many epochs each replica trains.
        width: Replicas in a chunk, a multiple of the number of devices.
        mesh: The devices.
    """

    program: Program
    initial: InitialValues
    dataset: Dataset
    epochs: int
    width: int
    mesh: Mesh

    def lower(self) -> Any:
        """Trace the stacked program; compiling the result needs no Python and can run aside.

        Of shapes alone: neither data nor a stack is on the devices before they are known to fit.
        """
        replica, segment = PartitionSpec(REPLICA), self.program.segment
        stacked = jax.shard_map(
            _alone(segment) if self.width == self.mesh.size else jax.vmap(segment, (0, 0, None)),
            mesh=self.mesh,
            in_specs=(replica, replica, PartitionSpec()),
            out_specs=replica,
            # Keras' recurrent layers start their scans from zeros that know no replica axis.
            check_vma=False,
        )
        split = split_over_replicas(self.mesh)
        shape = (self.width, segment_length(self.epochs), self.dataset.examples)
        state = jax.tree.map(
            lambda rows: _shape((self.width, *rows.shape[1:]), rows.dtype, split),
            self.start([Replica(0)] * self.mesh.size),
        )
        data = jax.tree.map(
            lambda one: _shape(one.shape, one.dtype, replicated(self.mesh)), _parts(self.dataset)
        )
        orders = _shape(shape, np.int32, split)
        return jax.jit(stacked, donate_argnums=0).lower(state, orders, data)

    def compile(self, lowered: Any) -> Any:
        """Compile what :meth:`lower` traced."""
        try:
            return lowered.compile(compiler_options=CPU_OPTIONS if on_host(self.mesh) else None)
        except jax.errors.JaxRuntimeError as error:
            if "No such compile option" not in str(error):
                raise
            return lowered.compile()

    def data(self) -> Data:
        """The data set on every device; devices that share the host's memory share one copy."""
        placed: Data = jax.tree.map(
            lambda array: jax.device_put(shareable(array), replicated(self.mesh)),
            _parts(self.dataset),
        )
        return placed

    def arrays(self) -> list[NDArray[Any]]:
        """The arrays behind :meth:`data`."""
        return leaves(_parts(self.dataset))

    def start(self, replicas: Sequence[Replica]) -> State:
        """The replicas before their first step."""
        values = optimizer_values(self.program.model.optimizer, replicas)
        on_host = (*self.initial.state(replicas), values, np.ones(len(replicas), bool))
        return State(*jax.device_put(on_host, split_over_replicas(self.mesh)))

    def orders(self, replicas: Sequence[Replica], epoch: int = 0) -> Iterator[jax.Array]:
        """What the replicas see in each segment after ``epoch``, ``(replicas, segment, examples)``.

        Those before are drawn and thrown away, so that a replica's orders never depend on
        where it was interrupted.
        """
        segment = segment_length(self.epochs)
        seeds = [replica.seed for replica in replicas]
        drawn = stacked_orders(seeds, self.dataset.examples, self.epochs, segment)
        left = itertools.islice(drawn, epoch // segment, None)
        return (jax.device_put(part, split_over_replicas(self.mesh)) for part in left)

    def run(
        self,
        compiled: Callable[..., Any],
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
            epoch: Epochs that are done, a multiple of the segment's length.
        """
        missing = self.width - len(chunk)
        numbers = [*range(len(chunk)), *[len(chunk) - 1] * missing]
        filled = jax.tree.map(lambda value: value[numbers], rows)
        state = jax.device_put(filled, split_over_replicas(self.mesh))
        return Stack(tuple(chunk), state, epoch)

    def advance(
        self, compiled: Callable[..., Any], data: Data, stack: Stack, until: int
    ) -> Iterator[dict[str, np.ndarray]]:
        """Train a stack until that epoch, a multiple of the segment's length.

        Yields:
            After each segment, metric to ``(replicas, epochs of the segment)``.
        """
        segment = segment_length(self.epochs)
        count, own = (until - stack.epoch) // segment, len(stack.replicas)
        orders = self.orders(self.filled(stack.replicas), stack.epoch)
        piece: dict[str, Any] | None = None
        for placed in itertools.islice(orders, count):
            # Drawing the next orders overlaps with the devices' work on this segment.
            if piece is not None:
                jax.block_until_ready(piece)
                stack.epoch += segment
                yield {name: np.asarray(values)[:own] for name, values in piece.items()}
            stack.state, piece = compiled(stack.state, placed, data)
        if piece is not None:
            jax.block_until_ready(piece)
            stack.epoch += segment
            yield {name: np.asarray(values)[:own] for name, values in piece.items()}


def _parts(dataset: Dataset) -> Data:
    return Data(dataset.train, dataset.val)


def _shape(shape: tuple[int, ...], dtype: Any, sharding: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jax.dtypes.canonicalize_dtype(dtype), sharding=sharding)


def _alone(segment: Callable[..., Any]) -> Callable[..., Any]:
    """Without a replica axis inside: a convolution with one is a scalar loop on CPUs."""

    @functools.wraps(segment)
    def of_one(state: State, orders: jax.Array, data: Data) -> Any:
        state, orders = jax.tree.map(lambda stacked: stacked[0], (state, orders))
        return jax.tree.map(lambda a: a[None], segment(state, orders, data))

    return of_one
