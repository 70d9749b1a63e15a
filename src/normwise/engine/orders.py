"""Which examples a replica sees, in which order: drawn on the host.

A sort on the device costs more than the training steps of a small network; the
host draws the same orders for every variant, so comparisons are paired.

Data that are streamed are read in *windows*, each of some blocks of neighbouring rows: so rows
that lie together, as those of a class may, are not all in one. Which rows a window holds depends on
the epoch alone, so that all replicas of a stack share what was read; inside a window each replica
has an order of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normwise.domain import derive_seed

__all__ = [
    "Window",
    "epoch_orders",
    "stacked_orders",
    "whole_batches",
    "windowed_orders",
    "windows_in",
]


# Blocks of neighbouring rows in a window, each from another place.
BLOCKS = 16


class Window(NamedTuple):
    """Rows that are read together.

    Attributes:
        rows: Their numbers, ``(k,)``, block after block.
        orders: The order of each replica in them, ``(replicas, k)``.
    """

    rows: NDArray[np.int64]
    orders: NDArray[np.int32]


def epoch_orders(
    seed: int, examples: int, window: int | None = None
) -> Iterator[NDArray[np.int32]]:
    """The order of the examples in every epoch, without end.

    Args:
        seed: The replica's.
        examples: Size of the training part.
        window: Rows that are read at a time, where the data are streamed: whole batches.

    >>> orders = epoch_orders(seed=0, examples=4)
    >>> sorted(next(orders).tolist())
    [0, 1, 2, 3]
    """
    if window is not None:
        drawn = windowed_orders([seed], examples, window)
        while True:
            own = itertools.islice(drawn, windows_in(examples, window))
            yield np.concatenate([rows[orders[0]] for rows, orders in own]).astype(np.int32)
    generator = _generator(seed)
    while True:
        yield _permutations(generator, 1, examples)[0]


def windowed_orders(seeds: Sequence[int], examples: int, window: int) -> Iterator[Window]:
    """The windows of every epoch, without end, and the replicas' orders in them.

    Where blocks begin is drawn anew in each epoch, too. A window that is smaller comes last, and
    with it the only batch that may be.

    Args:
        seeds: One a replica.
        examples: Size of the training part.
        window: Rows in a window: whole batches.

    >>> next(windowed_orders([0, 1], examples=10, window=4)).orders.shape
    (2, 4)
    """
    generators = [_generator(seed) for seed in seeds]
    for epoch in itertools.count():
        for rows in _rows(epoch, examples, window):
            orders = [_permutations(generator, 1, len(rows))[0] for generator in generators]
            yield Window(rows, np.stack(orders).astype(np.int32))


def windows_in(examples: int, window: int) -> int:
    """How many windows so many examples make."""
    return -(-examples // window)


def whole_batches(window: int, batch_size: int) -> int:
    """As many rows as a window has, or a batch where that has more, in whole batches.

    >>> whole_batches(100, 32), whole_batches(10, 32)
    (96, 32)
    """
    return max(1, window // batch_size) * batch_size


def _rows(epoch: int, examples: int, window: int) -> Iterator[NDArray[np.int64]]:
    """The rows of each window of an epoch."""
    draw = np.random.default_rng(derive_seed(epoch, "windows"))
    block = max(1, window // BLOCKS)
    begin, whole = int(draw.integers(examples)), examples // block
    places = np.append(draw.permutation(whole), whole)  # what is left is less than a block
    for first in range(0, examples, window):
        place = np.arange(first, min(first + window, examples))
        yield (begin + places[place // block] * block + place % block) % examples


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
