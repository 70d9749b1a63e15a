"""Normalisation inside layers: named wherever it would be taken for absent."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise import Study
from normwise.checks.subject import Subject
from normwise.errors import ModelError
from normwise.layers import BatchNormalization
from normwise.models import place, strip
from normwise.models.folding import folding_of
from normwise.models.hidden_normalisation import hidden_in, refuse_normalised_baseline


class Holder(layers.Layer):
    """Calls one member after the other, however they are held."""

    def __init__(self, members, **options):
        super().__init__(**options)
        self.held = members

    def build(self, shape):
        for member in layers_in(self.held):
            member.build(shape)
        self.built = True

    def call(self, x):
        for member in layers_in(self.held):
            x = member(x)
        return x

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "members": self.held}

    @classmethod
    def from_config(cls, config):
        members = [type(one).from_config(one.get_config()) for one in layers_in(config["members"])]
        return cls(members, name=config["name"])


def layers_in(held):
    if isinstance(held, dict):
        return [found for one in held.values() for found in layers_in(one)]
    if isinstance(held, list | tuple):
        return [found for one in held for found in layers_in(one)]
    return [held]


@keras.saving.register_keras_serializable("hidden")
class Cell(layers.Layer):
    """A recurrent cell that normalises its state."""

    def __init__(self, norm, **options):
        super().__init__(**options)
        self.state_size = self.output_size = 3
        self.norm = norm

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 3))
        self.norm.build((None, 3))

    def call(self, x, states):
        new = self.norm(keras.ops.tanh(x @ self.kernel + states[0]))
        return new, [new]

    def get_config(self):
        return {**super().get_config(), "norm": keras.saving.serialize_keras_object(self.norm)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("norm")), **config)


class Residual(keras.Model):
    """A nested model with a ``call`` of its own."""

    def __init__(self, norm, **options):
        super().__init__(**options)
        self.dense, self.norm = layers.Dense(3), norm

    def call(self, x):
        return x + self.norm(self.dense(x))


def sequential(norm):
    return keras.Sequential([layers.Dense(3), norm])


HOLDERS = {
    "an attribute": lambda norm: Holder(norm, name="mine"),
    "a list": lambda norm: Holder([layers.Dense(3), norm], name="mine"),
    "a dictionary of lists": lambda norm: Holder({"a": [layers.Dense(3), [norm]]}, name="mine"),
    "a layer in a layer": lambda norm: Holder(Holder(norm), name="mine"),
    "a Sequential in a layer": lambda norm: Holder(sequential(norm), name="mine"),
    "TimeDistributed": lambda norm: layers.TimeDistributed(sequential(norm), name="mine"),
    "a layer in TimeDistributed": lambda norm: layers.TimeDistributed(Holder(norm), name="mine"),
    "a recurrent cell": lambda norm: layers.RNN(Cell(norm), return_sequences=True, name="mine"),
    "Bidirectional": lambda norm: layers.Bidirectional(
        layers.RNN(Cell(norm), return_sequences=True), name="mine"
    ),
    "stacked cells": lambda norm: layers.RNN(
        [layers.SimpleRNNCell(3), Cell(norm)], return_sequences=True, name="mine"
    ),
    "an activation": lambda norm: layers.Dense(3, activation=norm, name="mine"),
    "a subclassed model": lambda norm: Residual(norm, name="mine"),
}
NORMALISERS = {
    "bn": layers.BatchNormalization, "own": BatchNormalization, "ln": layers.LayerNormalization,
    "rms": layers.RMSNormalization,
    "gn": lambda **options: layers.GroupNormalization(3, **options),
}  # fmt: skip


def model_with(*stack, shape=(4, 3)):
    return keras.Sequential([keras.Input(shape), *stack, layers.Dense(2)], name="whole")


@pytest.mark.parametrize("where", HOLDERS)
def test_it_is_refused_by_name_wherever_it_is(where):
    model = model_with(HOLDERS[where](layers.BatchNormalization(name="hidden")))
    for rewrite in (strip, lambda m: place(m, "after"), lambda m: place(m, "none")):
        with pytest.raises(ModelError) as caught:
            rewrite(model)
        for part in ("'hidden", "(BatchNormalization) in layer 'mine'", "two ways out"):
            assert part in str(caught.value)


def test_the_ways_out_name_the_layer_and_its_class():
    first, last = layers.BatchNormalization(name="first"), layers.LayerNormalization(name="last")
    model = model_with(Holder([first, layers.Dense(3), last], name="mine"))
    with pytest.raises(ModelError) as caught:
        strip(model)
    said = str(caught.value)
    assert said.startswith(
        "model 'whole' has normalisation inside layers, where it cannot be taken out: 'first' "
        "(BatchNormalization) in layer 'mine' (Holder), 'last' (LayerNormalization) in layer "
        "'mine' (Holder); expected it as layers of the model's own graph. There are two ways out:\n"
        "\n1. take it out of 'mine' in the function that builds the model, "
    )
    assert "keras.Sequential([keras.Input(shape), Holder(..., normalise=False), ...])" in said
    assert "block = Holder(..., normalise=not norm.is_baseline)" in said


@pytest.mark.parametrize("kind", NORMALISERS)
def test_every_kind_counts_that_strip_takes_out_of_a_graph(kind):
    norm = NORMALISERS[kind]
    assert len(strip(model_with(norm(name="seen"))).layers) == 1
    with pytest.raises(ModelError, match=f"'hidden' \\({type(norm(name='x')).__name__}\\)"):
        strip(model_with(HOLDERS["a list"](norm(name="hidden"))))


def test_it_is_found_in_nested_models_under_the_layer_that_holds_it():
    inner = keras.Sequential(
        [keras.Input((3,)), Holder(layers.BatchNormalization(name="hidden"), name="mine")]
    )
    with pytest.raises(ModelError, match=r"'hidden' \(Batch.+\) in layer 'mine' \(Holder\)"):
        strip(model_with(inner, shape=(3,)))


def test_what_is_frozen_stays_and_the_rest_of_a_model_is_rewritten():
    block = Holder([layers.Dense(3), layers.BatchNormalization()], name="mine")
    model = model_with(block, layers.Dense(5, name="free"), layers.BatchNormalization(), shape=(3,))
    block.trainable = False
    assert [layer.name for layer in place(strip(model), "after").layers][:3] == [
        "mine", "free", "free_norm",
    ]  # fmt: skip


def test_layers_of_ones_own_without_any_are_left_as_they_are():
    model = model_with(Holder(layers.Dense(3), name="mine"), layers.Dense(3, name="free"))
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    np.testing.assert_array_equal(strip(model)(x), model(x))
    assert [layer.name for layer in place(model, "after").layers][:3] == [
        "mine", "free", "free_norm",
    ]  # fmt: skip


DATA = (np.zeros((40, 3), "float32"), np.arange(40)[:, None] % 2)


def test_a_study_refuses_a_baseline_that_still_has_it():
    def build():
        return model_with(Holder(layers.LayerNormalization(), name="mine"), shape=(3,))

    with pytest.raises(ModelError, match="layer 'mine'"):
        Study(build, DATA, variants=["none", "after"], seeds=2, epochs=1).run()


@pytest.mark.parametrize("seen", [False, True])
def test_so_it_does_where_a_builder_gives_it_for_none(seen):
    def build(norm):  # noqa: ARG001
        bn = layers.BatchNormalization(name="always")
        return model_with(bn if seen else Holder(bn), shape=(3,))

    with pytest.raises(ModelError, match=r"'build' gives for 'none' has normalisation: 'always'"):
        Study(build, DATA, variants=["none", "after"], seeds=2, epochs=1).run()


def test_what_is_frozen_is_no_normalisation_of_a_baseline():
    frozen = layers.BatchNormalization(name="frozen", trainable=False)
    refuse_normalised_baseline(model_with(frozen), "build")
    steps = layers.TimeDistributed(layers.BatchNormalization(name="bn"))
    model = model_with(frozen, Holder(layers.LayerNormalization(name="ln")), steps)
    with pytest.raises(ModelError) as caught:
        refuse_normalised_baseline(model, "build")
    assert str(caught.value) == (
        "the model that 'build' gives for 'none' has normalisation: 'ln', 'bn'; expected a "
        "baseline without any; build it only where norm.is_baseline is false"
    )


def test_a_model_that_shows_no_graph_is_what_holds_it():
    model = Residual(layers.BatchNormalization(name="bn"), name="mine")
    model(np.zeros((2, 3), "float32"))
    [found] = hidden_in(model, [])
    assert (found.norm, found.holder, found.name) == (model.norm, model, "mine/bn")
    why = "it is inside 'mine', a Residual, where no graph shows what it follows"
    assert Subject(model, None).left == {"mine/bn": why}


def test_folding_leaves_it_counts_each_and_says_why():
    twins = [Holder([layers.Dense(3), layers.BatchNormalization(name="bn")], name="a"),
             Holder(Holder(layers.BatchNormalization(name="bn")), name="b"),
             Holder([layers.BatchNormalization(name="bn"), layers.LayerNormalization()], name="c")]  # fmt: skip
    model = model_with(*twins, layers.Dense(4, name="d"), layers.BatchNormalization(name="bn"))
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    found = folding_of(model)
    assert found.folded == {"bn": "d"}
    assert list(found.left) == ["a/bn", "b/bn", "c/bn"]
    assert found.left["a/bn"].startswith("it is inside 'a', a Holder")
    np.testing.assert_allclose(found.model(x), model(x), atol=1e-5)
