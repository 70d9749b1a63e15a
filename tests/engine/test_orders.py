"""The batches' orders: permutations that depend on the seed alone."""

from itertools import islice

import numpy as np
import pytest

from normwise.engine.orders import epoch_orders, stacked_orders


def test_each_epoch_is_a_new_permutation():
    epochs = list(islice(epoch_orders(3, 50), 4))
    for order in epochs:
        np.testing.assert_array_equal(np.sort(order), np.arange(50))
    assert len({order.tobytes() for order in epochs}) == 4


def test_seeds_have_orders_of_their_own():
    first = {next(epoch_orders(seed, 50)).tobytes() for seed in range(20)}
    assert len(first) == 20


@pytest.mark.parametrize("segment", [1, 2, 6])
def test_a_stack_holds_what_each_seed_draws_alone(segment):
    # Whatever the stack, the position in it and the length of a segment.
    pieces = list(stacked_orders([4, 0, 4], 10, epochs=6, segment=segment))
    assert {piece.shape for piece in pieces} == {(3, segment, 10)}
    joined = np.concatenate(pieces, axis=1)
    for replica, seed in enumerate([4, 0, 4]):
        np.testing.assert_array_equal(joined[replica], list(islice(epoch_orders(seed, 10), 6)))


def test_the_first_place_is_uniform():
    first = np.concatenate([next(epoch_orders(seed, 4))[:1] for seed in range(2000)])
    counts = np.bincount(first, minlength=4)
    # Each count is binomial(2000, 1/4): standard deviation 19.4.
    assert abs(counts - 500).max() < 5 * 19.4
