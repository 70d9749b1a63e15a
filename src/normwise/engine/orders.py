"""Which examples a replica sees, in which order: drawn on the host.

A sort on the device costs more than the training steps of a small network; the
host draws the same orders for every variant, so comparisons are paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from normwise.domain import derive_seed

__all__ = ["epoch_orders", "stacked_orders"]


def epoch_orders(seed: int, examples: int) -> Iterator[NDArray[np.int32]]:
    """The order of the examples in every epoch, without end.

    >>> orders = epoch_orders(seed=0, examples=4)
    >>> sorted(next(orders).tolist())
    [0, 1, 2, 3]
    """
    generator = _generator(seed)
    while True:
        yield _permutations(generator, 1, examples)[0]


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
    generators = [_generator(seed) for seed in seeds]
    for _ in range(epochs // segment):
        orders = np.empty((len(seeds), segment, examples), np.int32)
        for replica, generator in zip(orders, generators, strict=True):
            replica[:] = _permutations(generator, segment, examples)
        yield orders


def _generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(derive_seed(seed, "order"))


def _permutations(generator: np.random.Generator, count: int, length: int) -> NDArray[np.uint64]:
    """``(count, length)``, each row in an order of its own.

    Sorted are random numbers that carry the position in their last bits: NumPy
    sorts in vectorised code and shuffles one by one.
    """
    position = np.uint64((1 << max(1, (length - 1).bit_length())) - 1)
    keys = generator.integers(2**64, size=(count, length), dtype=np.uint64)
    keys &= ~position
    keys |= np.arange(length, dtype=np.uint64)
    keys.sort(axis=1)
    keys &= position
    return keys
