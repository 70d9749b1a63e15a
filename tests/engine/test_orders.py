"""The batches' orders: permutations that depend on the seed alone."""

from itertools import islice

import numpy as np
import pytest

from normwise.engine.orders import epoch_orders, stacked_orders, windowed_orders, windows_in


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


@pytest.mark.parametrize(("examples", "window"), [(1000, 96), (1000, 1000), (70, 96), (960, 96)])
def test_windows_hold_each_row_once_an_epoch(examples, window):
    drawn = windowed_orders([0, 7], examples, window)
    per_epoch = windows_in(examples, window)
    epochs = [list(islice(drawn, per_epoch)) for _ in range(3)]
    for epoch in epochs:
        rows = np.concatenate([one.rows for one in epoch])
        np.testing.assert_array_equal(np.sort(rows), np.arange(examples))
        # Whole windows first: none but the last batch of an epoch is smaller.
        assert [len(one.rows) for one in epoch[:-1]] == [window] * (per_epoch - 1)
        for one in epoch:
            for order in one.orders:
                np.testing.assert_array_equal(np.sort(order), np.arange(len(one.rows)))
            assert len(one.rows) == 1 or (one.orders[0] != one.orders[1]).any()
    firsts = {one[0].rows.tobytes() for one in epochs}
    assert len(firsts) == 3


def test_a_window_is_made_of_blocks_of_neighbours_from_everywhere():
    window, examples = 160, 160_000
    first = next(windowed_orders([0], examples, window)).rows
    jumps = np.flatnonzero(np.diff(first) % examples != 1)
    assert len(jumps) <= 16
    # Sixteen places of so many: the probability that all lie in one half is 2 · 2⁻¹⁶.
    assert {0, 1} == set(first // (examples // 2))


def test_windows_are_the_same_for_all_replicas_and_orders_are_those_of_the_seed():
    both, alone = (windowed_orders(seeds, 100, 32) for seeds in ([3, 8], [8]))
    for _ in range(9):
        together, single = next(both), next(alone)
        np.testing.assert_array_equal(together.rows, single.rows)
        np.testing.assert_array_equal(together.orders[1], single.orders[0])


def test_a_whole_epoch_is_its_windows_one_after_another():
    drawn, epochs = windowed_orders([5], 100, 32), epoch_orders(5, 100, 32)
    for _ in range(3):
        own = islice(drawn, windows_in(100, 32))
        joined = np.concatenate([one.rows[one.orders[0]] for one in own])
        np.testing.assert_array_equal(next(epochs), joined)


def test_rows_that_start_an_epoch_are_uniform_over_epochs():
    first = [order[0] // 25 for order in islice(epoch_orders(1, 100, 32), 2000)]
    counts = np.bincount(first, minlength=4)
    assert abs(counts - 500).max() < 5 * 19.4
