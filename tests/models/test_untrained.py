"""Whether weights and statistics are still what they began as."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.models.untrained import has_learned, never_moved


def norm(**options):
    layer = layers.BatchNormalization(**options)
    layer.build((None, 3))
    return layer


@pytest.mark.parametrize("name", ["moving_mean", "moving_variance"])
def test_statistics_have_moved_where_a_single_one_of_either_has(name):
    layer = norm()
    assert never_moved(layer)
    statistic = getattr(layer, name)
    statistic.assign(statistic + np.array([0, 1e-3, 0]))
    assert not never_moved(layer)


@pytest.mark.parametrize("name", ["gamma", "beta"])
@pytest.mark.parametrize("began", ["zeros", "ones"])
def test_a_weight_has_learned_where_one_of_its_values_is_no_longer_what_it_began_as(name, began):
    layer = norm(**{f"{name}_initializer": began})
    assert not has_learned(layer)
    weight = getattr(layer, name)
    weight.assign(weight + np.array([0, 1e-3, 0]))
    assert has_learned(layer)


@pytest.mark.parametrize(("without", "other"), [("scale", "beta"), ("center", "gamma")])
def test_a_layer_without_one_of_the_two_is_judged_by_the_other(without, other):
    layer = norm(**{without: False})
    assert not has_learned(layer)
    getattr(layer, other).assign([3.0, 3.0, 3.0])
    assert has_learned(layer)


def test_what_began_at_random_tells_nothing():
    random = keras.initializers.RandomNormal(seed=0)
    layer = norm(gamma_initializer=random, beta_initializer=random)
    assert not has_learned(layer)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_holds_what_it_began_as_too(dtype):
    layer = norm(dtype=dtype)
    assert not has_learned(layer)
    layer.gamma.assign([1.0, 1.5, 1.0])
    assert has_learned(layer)
