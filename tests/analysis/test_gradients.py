"""Gradients that vanish, explode or are stuck are named, and healthy ones are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from normwise.analysis import RESOLUTION, first_over_last, gradient_troubles

EPOCHS, LAYERS = 6, 8
FALLING = np.linspace(2.3, 0.2, EPOCHS)
FLAT = np.full(EPOCHS, 2.3)
MOVING = np.full((EPOCHS, LAYERS), 1e-3)


def by_layer(factor: float) -> Any:
    """Gradients that each layer multiplies, on their way from the last one, 1, to the first."""
    return np.tile(factor ** np.arange(LAYERS - 1, -1, -1.0), (EPOCHS, 1))


def kinds(norm: Any, update: Any = MOVING, loss: Any = FALLING) -> list[str]:
    return [found.kind for found in gradient_troubles(norm, update, loss)]


@pytest.mark.parametrize("factor", [0.4, 0.7, 1.0, 1.5, 1.9])
def test_what_layers_of_usual_sizes_make_of_a_gradient_is_healthy(factor: float) -> None:
    """Eight layers at 0.4 each leave 1.6e-3 of it, and at 1.9 make 89 times of it."""
    assert kinds(by_layer(factor)) == []


def test_thirty_sigmoid_layers_vanish_as_their_slope_says() -> None:
    norm = 0.25 ** np.arange(29, -1, -1.0)[None]
    [found] = gradient_troubles(norm, np.full_like(norm, 1e-3), np.ones(1))
    assert (found.kind, found.over) == ("vanishing", "last layer")
    assert found.value == pytest.approx(4.0**-29)
    # 4⁵ is the first power of four above a thousand.
    assert found.layers == tuple(range(25))
    assert (found.epoch, found.epochs) == (1, (1,))


@pytest.mark.parametrize(("depth", "expected"), [(20, []), (30, ["exploding"])])
def test_relus_behind_normalisation_explode_as_theory_says(depth: int, expected: list[str]) -> None:
    """Yang et al. (2019): the squared norm grows by π / (π − 1) in each layer."""
    norm = np.sqrt(np.pi / (np.pi - 1)) ** np.arange(depth, -1, -1.0)[None]
    assert kinds(norm, np.full_like(norm, 1e-3), np.ones(1)) == expected


@pytest.mark.parametrize(("ratio", "expected"), [(1.01e-3, []), (0.99e-3, ["vanishing"])])
def test_vanishing_begins_at_a_thousandth(ratio: float, expected: list[str]) -> None:
    norm = np.ones((EPOCHS, LAYERS))
    norm[:, :2] = ratio
    assert kinds(norm) == expected


@pytest.mark.parametrize("layers", [2, 3, LAYERS])
def test_small_inputs_are_no_vanishing(layers: int) -> None:
    """The gradient of kernels is a product with what they take: here a ten-thousandth."""
    norm = np.ones((EPOCHS, layers))
    norm[:, 0] = 1e-4
    assert kinds(norm, MOVING[:, :layers]) == []


@pytest.mark.parametrize(("factor", "expected"), [(0.033, []), (0.03, ["vanishing"])])
def test_an_even_decline_to_a_thousandth_vanishes(factor: float, expected: list[str]) -> None:
    """Of three layers each has 0.0316 of the next one's then."""
    norm = np.tile([factor**2, factor, 1.0], (EPOCHS, 1))
    assert kinds(norm, MOVING[:, :3]) == expected


@pytest.mark.parametrize(("ratio", "expected"), [(99.0, []), (101.0, ["exploding"])])
def test_exploding_begins_at_a_hundred_times(ratio: float, expected: list[str]) -> None:
    norm = np.ones((EPOCHS, LAYERS))
    norm[:, :2] = ratio
    assert kinds(norm) == expected


def test_large_inputs_are_no_explosion() -> None:
    norm = np.ones((EPOCHS, LAYERS))
    norm[:, 0] = 1e6
    assert kinds(norm) == []
    assert kinds(np.tile([1e6, 1.0], (EPOCHS, 1)), MOVING[:, :2]) == []


def test_only_the_epochs_at_which_it_is_so_are_named() -> None:
    norm = np.ones((EPOCHS, LAYERS))
    norm[2:4, :3] = 1e-5
    norm[3, 3] = 1e-5
    [found] = gradient_troubles(norm, MOVING, FALLING)
    assert (found.epoch, found.epochs, found.layers) == (4, (3, 4), (0, 1, 2, 3))


def test_what_is_not_finite_explodes_where_it_is_so() -> None:
    norm = np.ones((EPOCHS, LAYERS))
    norm[4:] = np.nan
    norm[3, 2:] = np.inf
    [found] = gradient_troubles(norm, MOVING, FALLING)
    assert found.kind == "exploding"
    assert found.epochs == (4, 5, 6)
    assert not np.isfinite(found.value)


def test_a_gradient_that_grows_explodes_where_the_loss_rises_with_it() -> None:
    growing = np.ones((EPOCHS, LAYERS)) * 10.0 ** np.arange(EPOCHS)[:, None]
    rising = FALLING[::-1]
    [found] = gradient_troubles(growing, MOVING, rising)
    assert (found.kind, found.over, found.epochs) == ("exploding", "first epoch", (5, 6))
    assert found.value == pytest.approx(1e4)
    assert found.layers == tuple(range(LAYERS))
    # So do small initial weights on their way to useful ones.
    assert kinds(growing, loss=FALLING) == []
    assert kinds(growing / 100, loss=np.full(EPOCHS, 2.3)) == []


@pytest.mark.parametrize(("factor", "expected"), [(1.01, []), (0.99, ["stuck"])])
def test_stuck_begins_where_float32_ends(factor: float, expected: list[str]) -> None:
    update = MOVING.copy()
    update[:, 0] = factor * RESOLUTION
    assert kinds(np.ones((EPOCHS, LAYERS)), update) == expected
    weight = np.float32(1)
    assert (weight + np.float32(0.99 * RESOLUTION) == weight) is np.True_
    assert (weight + np.float32(2.01 * RESOLUTION) == weight) is np.False_


def test_layers_that_never_move_are_stuck_whatever_the_loss() -> None:
    update = MOVING.copy()
    update[:, :3] = 1e-9
    [found] = gradient_troubles(np.ones((EPOCHS, LAYERS)), update, FLAT)
    assert (found.layers, found.epochs, found.over) == ((0, 1, 2), (1, 2, 3, 4, 5, 6), "weights")
    assert found.value == pytest.approx(1e-9)


def test_units_that_died_are_stuck_where_the_loss_was_better_before() -> None:
    norm = np.ones((EPOCHS, LAYERS))
    norm[3:] = 0
    loss = np.array([2.3, 1.5, 0.8, 2.3, 2.3, 2.3])
    [found] = gradient_troubles(norm, np.where(norm > 0, MOVING, 0), loss)
    assert (found.kind, found.epochs, found.layers) == ("stuck", (4, 5, 6), tuple(range(LAYERS)))
    assert found.value == 0


def test_a_network_that_has_learned_all_is_not_stuck() -> None:
    norm = np.ones((EPOCHS, LAYERS))
    norm[3:] = 0
    loss = np.array([2.3, 0.8, 0.1, 0.0, 0.0, 0.0])
    assert kinds(norm, np.where(norm > 0, MOVING, 0), loss) == []
    # The loss of a batch goes up and down.
    assert kinds(norm, np.where(norm > 0, MOVING, 0), loss + np.array([0, 0, 0, 0.1, 0, 0.1])) == []


def test_a_learning_rate_of_0_and_weights_that_begin_at_0_are_not_stuck() -> None:
    resting = MOVING.copy()
    resting[0] = 0
    assert kinds(np.ones((EPOCHS, LAYERS)), resting) == []
    norm = np.ones((EPOCHS, LAYERS))
    norm[0, :-1] = 0
    assert kinds(norm, np.where(norm > 0, MOVING, 0)) == []
    norm[1, :-1] = 0
    assert kinds(norm, np.where(norm > 0, MOVING, 0)) == ["vanishing", "stuck"]


def test_one_look_and_one_layer() -> None:
    assert kinds(np.ones((1, 1)), np.full((1, 1), 1e-3), np.ones(1)) == []
    assert kinds(np.zeros((1, 1)), np.zeros((1, 1)), np.ones(1)) == ["stuck"]
    assert kinds(np.full((1, 1), np.nan), np.zeros((1, 1)), np.ones(1)) == ["exploding"]


def test_first_over_last() -> None:
    norm = np.array([[2.0, 1.0, 4.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [np.nan, 1.0, 1.0]])
    np.testing.assert_array_equal(first_over_last(norm), [0.5, 0.0, np.nan, np.nan])
