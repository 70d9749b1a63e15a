"""Which examples a replica sees, in which order: drawn on the host.

A sort on the device costs more than the training steps of a small network; the
host draws the same orders for every variant, so comparisons are paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from normwise.records import derive_seed

__all__ = ["epoch_orders", "stacked_orders"]


def epoch_orders(seed: int, examples: int) -> Iterator[NDArray[np.int32]]:
    """The order of the examples in every epoch, without end.

    >>> orders = epoch_orders(seed=0, examples=4)
    >>> sorted(next(orders).tolist())
    [0, 1, 2, 3]
    """
    generator = np.random.default_rng(derive_seed(seed, "order"))
    rows = np.arange(examples, dtype=np.int32)
    while True:
        yield generator.permuted(rows)


def stacked_orders(
    seeds: Sequence[int], examples: int, epochs: int, segment: int
) -> Iterator[NDArray[np.int32]]:
    """Orders of several replicas, ``(replicas, segment, examples)`` at a time.

    Args:
        seeds: One a replica.
        examples: Size of the training part.
        epochs: How many epochs in all; ``segment`` divides it.
        segment: Epochs in one piece, so that memory stays bounded.
    """
    streams = [epoch_orders(seed, examples) for seed in seeds]
    for _ in range(epochs // segment):
        orders = np.empty((len(seeds), segment, examples), np.int32)
        for replica, stream in zip(orders, streams, strict=True):
            for epoch in replica:
                epoch[:] = next(stream)
        yield orders
