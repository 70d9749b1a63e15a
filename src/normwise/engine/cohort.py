"""A cohort: replicas that share one compiled program, run in chunks over the devices."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from normwise.data.nested import leaves
from normwise.domain import segment_length
from normwise.engine.devices import replicated, shareable, split_over_replicas
from normwise.engine.initial_values import Replica
from normwise.engine.kernels.normalisation import shares_of
from normwise.engine.orders import stacked_orders
from normwise.engine.program import Data, Program
from normwise.engine.stack import (
    Stack,
    Stacked,
    compiled_program,
    over_replicas,
    shape_of,
    state_shapes,
)

__all__ = ["Cohort"]


@dataclass(frozen=True)
class Cohort(Stacked):
    """Replicas on data that lie on the devices: one program trains a segment of epochs."""

    program: Program

    def lower(self) -> Any:
        """Trace the stacked program; compiling the result needs no Python and can run aside.

        Of shapes alone: neither data nor a stack is on the devices before they are known to fit.
        """
        stacked = over_replicas(self.program.segment, self.mesh, self.width, own=2, shared=1)
        split = split_over_replicas(self.mesh)
        shape = (self.width, segment_length(self.epochs), self.dataset.examples)
        data = jax.tree.map(
            lambda one: shape_of(one.shape, one.dtype, replicated(self.mesh)), self._shared
        )
        orders = shape_of(shape, np.int32, split)
        return jax.jit(stacked, donate_argnums=0).lower(state_shapes(self), orders, data)

    def compile(self, lowered: Any) -> Any:
        """Compile what :meth:`lower` traced."""
        return compiled_program(lowered, self.mesh)

    def data(self) -> Data:
        """What all replicas share, on every device; those on the host share one copy."""
        placed: Data = jax.tree.map(
            lambda array: jax.device_put(shareable(array), replicated(self.mesh)),
            self._shared,
        )
        return placed

    def arrays(self) -> list[NDArray[Any]]:
        """The arrays behind :meth:`data` that take memory: not two numbers a layer."""
        return leaves([self.dataset.train, self.dataset.val])

    @property
    def _shared(self) -> Data:
        dataset = self.dataset
        return Data(dataset.train, dataset.val, shares_of(self.program.model))

    @property
    def bytes_ahead(self) -> int:
        """Of the orders of the next segment, which are drawn before this one ends."""
        return 4 * self.width * segment_length(self.epochs) * self.dataset.examples

    def orders(self, replicas: Sequence[Replica], epoch: int = 0) -> Iterator[jax.Array]:
        """What the replicas see in each segment after ``epoch``, ``(replicas, segment, examples)``.

        Those before are drawn and thrown away, so that a replica's orders never depend on
        where it was interrupted.
        """
        segment = segment_length(self.epochs)
        seeds = [replica.seed for replica in replicas]
        drawn = stacked_orders(seeds, self.dataset.examples, self.epochs, segment)
        left = itertools.islice(drawn, epoch // segment, None)
        return (self.split(part) for part in left)

    def split(self, orders: NDArray[np.int32]) -> jax.Array:
        """Orders of replicas, ``(replicas, segment, examples)``, on their devices."""
        placed: jax.Array = jax.device_put(orders, split_over_replicas(self.mesh))
        return placed

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
