"""Guarantee 1 over Keras' core layers: the first batches are those of Keras' own ``fit``."""

import functools

import gradients
import keras
import pytest
import zoo

from normwise.engine import largest_relative_difference

SGD = {"class_name": "SGD", "config": {"learning_rate": 0.01, "momentum": 0.9}}
# Where something is compared in the gradient, at a width where XLA computes it twice.
COMPARED = ["maxout", "sorting, top-k, maximum", "pictures, 128 wide", "text, 128 wide"]
# The largest of several values, whose gradient Keras' fit loses where little is optimised.
OF_LARGEST = ["overlapping maxima", "volumes", "pictures in time", "text, 64 wide"]


def test_the_zoo_is_large_enough():
    assert len(zoo.NETWORKS) >= 30


def in_turn():
    """What CI tries of ``zoo.CASES``, all of which ``benchmarks/zoo.py`` tries.

    A network with normalisation has all layers of the one without: each is tried with it, before
    or after in turn, and in every way where something is compared in the gradient.
    """
    for number, name in enumerate(zoo.NETWORKS):
        variants = [variant for one, variant in zoo.CASES if one == name]
        placed = variants[1:] or variants
        tried = variants if name in COMPARED else [placed[number % len(placed)]]
        compiled = [pytest.mark.as_shipped] if name in COMPARED + OF_LARGEST else []
        yield from (pytest.param(name, variant, marks=compiled) for variant in tried)


@pytest.mark.parametrize(("name", "variant"), list(in_turn()))
def test_the_first_batches_are_those_of_fit(name, variant, make_cohort, train, keras_fit):
    """Ten seconds for the widest: each network compiles for the engine and for `fit`."""
    model = zoo.network(name, variant)
    settings = {"epochs": 1, "batch_size": zoo.BATCH, "optimizer": SGD}
    cohort = make_cohort(model, zoo.dataset(name), width=2, devices=1, **settings)
    [chunk] = train(cohort, [0, 1])
    alone = keras_fit(model, cohort, 1, **settings)
    stacked = {name: values[1] for name, values in chunk.curves.items() if "loss" in name}
    assert largest_relative_difference(alone, stacked) < 1e-4


@pytest.mark.as_shipped
@pytest.mark.parametrize("name", COMPARED)
def test_gradients_are_those_of_float64(name):
    keras.utils.set_random_seed(0)
    build = functools.partial(zoo.network, name, "after")
    model, data = build(), zoo.dataset(name)
    batch = data.x_train[:16], data.y_train[:16]
    exact = gradients.in_float64(build, model, *batch)
    assert gradients.error(gradients.of_the_engine(model, *batch), exact) < 1e-5
