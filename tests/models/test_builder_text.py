"""The builder that a refusal shows is code for the model at hand, in its own names."""

import textwrap

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import from_arrays
from normwise.domain import Variant
from normwise.errors import ModelError
from normwise.models import place
from normwise.models.builder_text import builder_for
from normwise.models.source import ModelSource, find_model


class Net(keras.Model):
    def __init__(self, activation="relu"):
        super().__init__()
        self.front, self.back = layers.Dense(4, activation=activation), layers.Dense(1)

    def call(self, inputs):
        return self.back(self.front(inputs))


class Pair(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.wide = layers.Dense(6)

    def call(self, inputs):
        return self.wide(inputs)


class Halved(keras.Model):
    def __init__(self, width):
        inputs = keras.Input((2,))
        super().__init__(inputs, layers.Dense(1)(layers.Dense(width)(inputs)))

    def compute_loss(self, *args, **options):
        return 0.5 * super().compute_loss(*args, **options)


def test_a_subclassed_model_is_told_how_to_build_itself():
    model = Net()
    model(np.zeros((1, 2)))
    with pytest.raises(ModelError) as caught:
        place(model, "after")
    for part in ("class Net(keras.Model):", "self.front_norm = ", "x = self.front(inputs)", "def build(norm):", "model = Net(norm, ...)"):  # fmt: skip
        assert part in str(caught.value)


def test_a_layer_that_hides_dense_ones_is_named_with_its_builder():
    model = keras.Sequential([keras.Input((2,)), Pair(name="pair"), layers.Dense(1)], name="mine")
    with pytest.raises(ModelError) as caught:
        place(model, "after")
    for part in ("inside 'pair' (Pair)", "class Pair(keras.Layer):", "self.wide_norm", "Pair(norm, ..., name='pair')"):  # fmt: skip
        assert part in str(caught.value)


def test_steps_that_a_copy_would_lose_are_refused():
    x, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    with pytest.raises(
        ModelError, match=r"'halved\w*' is of type Halved, which has steps of tr"
    ) as e:
        ModelSource(Halved(3), from_arrays(x, y))
    assert "model = Halved(norm, ...)" in str(e.value)


def test_the_code_that_is_shown_places_each_variant():
    model = Net("tanh")
    model(np.zeros((1, 2)))
    code = textwrap.dedent(builder_for(model)).replace("norm, ...", "norm")
    made = (
        "super().__init__(); self.front, self.back = keras.layers.Dense(4), keras.layers.Dense(1)"
    )
    for dots, own in (("...  # as today, but", f"{made}  #"), ("...  # as today\n", "return self.back(x)\n"), ("compile(...)", "compile()")):  # fmt: skip
        assert code.count(dots) == 1
        code = code.replace(dots, own)
    known = {"keras": keras}
    exec(code, known)
    x = np.random.default_rng(0).normal(size=(8, 2)).astype("f4")
    for variant in ("none", "before", "after"):
        built = known["build"](Variant.parse(variant))
        outputs = np.asarray(built(x, training=True))
        hidden = x @ np.asarray(built.front.kernel)
        if variant == "before":
            hidden = standardised(hidden)
        hidden = np.tanh(hidden)
        if variant == "after":
            hidden = standardised(hidden)
        np.testing.assert_allclose(outputs, hidden @ np.asarray(built.back.kernel), rtol=1e-4)


def standardised(values):
    return (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0) + 1e-3)


def test_a_builder_that_does_not_look_at_norm_is_told(caplog):
    def network(norm):  # noqa: ARG001 - which is the mistake
        return keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Dense(1)])

    def subclassed(norm):  # noqa: ARG001
        return Net()

    data = from_arrays(np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2)
    with pytest.raises(ModelError, match="'network' builds for 'after' the network that it builds for 'none'"):  # fmt: skip
        ModelSource(network, data).build(Variant.parse("after"))
    ModelSource(subclassed, data, loss="mse").build(Variant.parse("after"))
    assert "builds for 'after' the layers that it builds for 'none'" in caplog.text


def test_a_builder_that_does_not_look_at_the_momentum_is_told(caplog):
    def network(norm, momentum=0.99):
        given = {"momentum": norm.momentum} if momentum is None else {"momentum": momentum}
        normalised = [layers.BatchNormalization(**given)] if norm.places else []
        return keras.Sequential([keras.Input((2,)), layers.Dense(3), *normalised, layers.Dense(1)])

    def looking(norm):
        return network(norm, momentum=None)

    data = from_arrays(np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2)
    for variant in ("none", "after", "after:momentum=0.5", "after:momentum=auto"):
        ModelSource(looking, data).build(Variant.parse(variant), steps=16)
    ModelSource(network, data).build(Variant.parse("after"))
    assert not caplog.records
    ModelSource(network, data).build(Variant.parse("after:momentum=auto"), steps=16)
    assert (
        "'after:momentum=auto' a momentum of 0.99, where the variant asks for 0.829" in caplog.text
    )


def test_a_builder_may_place_what_has_no_layer():
    def network(norm):
        inputs = keras.Input((2,))
        x = layers.Dense(3)(inputs)
        if norm.places:
            x = x / keras.ops.std(x, axis=0)
        return keras.Model(inputs, layers.Dense(1)(x))

    data = from_arrays(np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2)
    assert ModelSource(network, data).build(Variant.parse("after"))


def test_a_function_is_found_by_its_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))  # which takes back what is put in front, too
    file = tmp_path / "deep" / "net_of_mine.py"
    file.parent.mkdir()
    file.write_text("import keras\n\n\ndef build():\n    return keras.Sequential(name='found')\n")
    assert find_model(f"{file}:build")().name == "found"
    monkeypatch.chdir(tmp_path)
    assert find_model("deep/net_of_mine.py:build")().name == "found"
