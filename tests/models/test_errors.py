"""Every refusal, with the values in its message."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.errors import DataError, ModelError, UnknownNameError, VariantError
from normwise.models import place, placed_layers, strip


class Subclassed(keras.Model):
    """A model whose graph is Python code."""

    def __init__(self):
        super().__init__(name="mine")
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


class Unrestorable(layers.Layer):
    """A layer whose configuration lacks its argument."""

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, x):
        return x

    def get_config(self):
        return super().get_config()


def stack(*members):
    return keras.Sequential([keras.Input((4,), name="x"), *members, layers.Dense(1)], name="stack")


@pytest.mark.parametrize("rewrite", [lambda m: place(m, "after"), strip], ids=["place", "strip"])
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Subclassed(), "model 'mine' is of the subclassed type Subclassed, "),
        (Subclassed(), "def build():\n        x = inputs = keras.Input(shape=(784,))"),
        (Subclassed(), "def build(norm):"),
        (
            keras.Sequential([layers.Dense(3)], name="open"),
            (
                "Sequential model 'open' does not know the shape of its input; expected a built "
                "model; put keras.Input(shape=...) first"
            ),
        ),
        (
            layers.Dense(3),
            "the model is of type Dense; expected a Keras model; try "
            "keras.saving.load_model('model.keras')",
        ),
        (
            Path("nets/mine.keras"),
            f"expected a Keras model; try keras.saving.load_model({str(Path('nets/mine.keras'))!r})",
        ),
    ],
)
def test_models_that_cannot_be_rewritten(rewrite, model, message):
    with pytest.raises(ModelError, match=re.escape(message)):
        rewrite(model)


class Strict(Subclassed):
    """Refuses what it does not take, in words of its own."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def call(self, x):
        if x.shape[-1] != 4:
            raise TypeError("four columns")
        return self.dense(self.norm(x))


def test_an_error_of_the_model_s_own_is_one_of_the_inputs():
    model = Strict()
    model(np.zeros((2, 4)))
    with pytest.raises(DataError, match=r"do not fit model 'mine' .*four columns"):
        nw.recalibrate(model, np.zeros((9, 3)))


def in_steps():
    """A model for each time step."""
    steps = layers.TimeDistributed(stack(layers.Dense(2)), name="frames")
    return keras.Sequential([keras.Input((5, 4)), steps, layers.Dense(1)])


def test_a_model_for_each_step_cannot_be_placed_in():
    with pytest.raises(ModelError) as caught:
        place(in_steps(), "after")
    assert str(caught.value) == (
        "layer 'frames' wraps the model 'stack' in TimeDistributed, where normalisation would see "
        "one time step at a time; expected layers whose output can be normalised over the whole "
        "sequence; try calling the layers of 'stack' one by one, each in a TimeDistributed of its "
        "own"
    )


def test_nor_is_there_anything_to_strip_from_it():
    assert strip(in_steps()).count_params() == in_steps().count_params()


def test_the_code_in_the_subclass_message_runs_and_can_be_placed():
    with pytest.raises(ModelError) as raised:
        strip(Subclassed())
    code = str(raised.value).split("then rewritten for you:\n\n")[1].split("\n\n2.")[0]
    scope = {"keras": keras}
    exec("if True:\n" + code, scope)
    assert "dense" in place(scope["build"](), "after").layers[2].name


@pytest.mark.parametrize(
    ("model", "variant", "message"),
    [
        (
            stack(layers.Dense(4), layers.BatchNormalization(name="bn")),
            "after",
            (
                "model 'stack' has normalisation already (bn); expected a model without; "
                "try nw.place(nw.strip(model), ...)"
            ),
        ),
        (
            stack(*[layers.LayerNormalization(name=f"n{i}") for i in range(3)]),
            "none",
            "has normalisation already (n0, n1, n2); ",
        ),
        (
            stack(*[layers.LayerNormalization(name=f"n{i}") for i in range(4)]),
            "none",
            "has normalisation already (n0, n1, n2, …)",
        ),
        (
            stack(),
            "before",
            (
                "model 'stack' has no layer to normalise; expected a dense, convolution or "
                "recurrent layer that is neither frozen nor an output layer; try 'input', or add "
                "a hidden layer"
            ),
        ),
        (
            keras.Sequential([keras.Input((5, 4)), layers.LSTM(3, name="memory"), layers.Dense(1)]),
            "input+before",
            (
                "layer 'memory' (LSTM) is recurrent: normalisation before its activation would sit "
                "inside the recurrent cell; expected 'after' for a model with recurrent layers; "
                "try 'input+after'"
            ),
        ),
        (
            keras.Sequential(
                [keras.Input((5,), name="tokens"), layers.Embedding(9, 2), layers.Dense(1)],
                name="words",
            ),
            "input",
            (
                "no input of model 'words' can be normalised (it has tokens); expected one of "
                "float values that neither an Embedding nor a frozen layer reads; try 'after'"
            ),
        ),
        (
            stack(Unrestorable(3, name="odd")),
            "none",
            "layer 'odd' of type Unrestorable cannot be made anew from its configuration (",
        ),
        (
            stack(layers.Dense(3, activation=layers.PReLU(), name="bent")),
            "after",
            (
                "layer 'bent' has a PReLU inside, whose weights Keras builds at the first call; "
                "expected it as a layer of its own; try Dense(...) followed by keras.layers.PReLU()"
            ),
        ),
    ],
)
def test_places_that_cannot_be(model, variant, message):
    with pytest.raises(ModelError, match=re.escape(message)):
        place(model, variant)


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (
            "after:norm=layer,renorm",
            (
                "sets 'renorm', which norm=layer does not have; expected options of Keras' "
                "LayerNormalization; try 'after:norm=layer'"
            ),
        ),
        ("before:momentum=0.5,norm=group", "try 'before:norm=group'"),
        ("after:scale=false,norm=rms", "sets 'scale', which norm=rms does not have"),
        ("after:ghost=4,norm=layer", "sets 'ghost', which norm=layer does not have"),
        ("after:renorm=4,norm=layer", "sets 'renorm', which norm=layer does not have"),
        ("after:ghost=4,renorm", "expected one of the two; try 'after:ghost=4'"),
    ],
)
def test_options_that_contradict(variant, message):
    with pytest.raises(VariantError, match=re.escape(message)):
        place(stack(layers.Dense(2)), variant)


@pytest.mark.parametrize(
    ("variant", "placed"),
    [("after:only=3", 2), ("before+after:only=2+5", 4), ("after:only=1+2", 0)],
)
def test_numbers_beyond_the_last_normalisation(variant, placed):
    model = stack(layers.Dense(4), layers.Dense(4))
    if not placed:
        assert len(placed_layers(model, variant)) == 2
        return
    with pytest.raises(VariantError) as caught:
        place(model, variant)
    assert str(caught.value) == (
        f"variant {variant!r} keeps normalisation layer {variant[-1]} and would place {placed}; "
        f"expected numbers from 1 to {placed}; try 'only={placed}'"
    )


def test_inputs_are_counted_and_named_in_their_order():
    numbers = [keras.Input((2,), name=name) for name in "abc"]
    model = keras.Model(numbers, layers.Dense(1)(layers.Concatenate()(numbers)))
    assert placed_layers(model, "input:only=2") == ["b_norm"]
    ids = [keras.Input((2,), dtype="int32", name=name) for name in "de"]
    with pytest.raises(ModelError, match=r"of model 'ids' can be normalised \(it has d, e\)"):
        place(keras.Model(ids, layers.Embedding(9, 2)(layers.Add()(ids)), name="ids"), "input")


def test_an_unknown_place():
    with pytest.raises(UnknownNameError, match="did you mean 'before'"):
        place(stack(layers.Dense(2)), "befor")


def test_the_input_of_a_frozen_model_is_left_to_it():
    backbone = keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="backbone")
    backbone.trainable = False
    model = keras.Sequential([keras.Input((4,), name="x"), backbone, layers.Dense(1)], name="tuned")
    with pytest.raises(
        ModelError, match=r"no input of model 'tuned' can be normalised \(it has x\)"
    ):
        place(model, "input")


@pytest.mark.parametrize("depth", [1, 2])
def test_an_embedding_inside_a_nested_model_is_seen(depth):
    tokens, numbers = keras.Input((5,), name="tokens"), keras.Input((5, 2), name="numbers")
    inner_tokens, inner_numbers = keras.Input((5,)), keras.Input((5, 2))
    both = layers.Concatenate()([layers.Embedding(9, 2)(inner_tokens), inner_numbers])
    inner = keras.Model([inner_tokens, inner_numbers], both)
    if depth == 2:
        ports = keras.Input((5,)), keras.Input((5, 2))
        inner = keras.Model(ports, inner(ports))
    model = keras.Model([tokens, numbers], layers.Dense(1)(inner([tokens, numbers])))
    added = {layer.name for layer in place(model, "input").layers if "norm" in layer.name}
    assert added == {"numbers_norm"}


@pytest.mark.parametrize(
    "ask",
    [
        nw.check,
        nw.fix,
        nw.fold,
        nw.strip,
        lambda model: nw.place(model, "before"),
        lambda model: nw.recalibrate(model, np.ones((3, 2))),
        lambda model: nw.gap(model, np.ones((3, 2))),
        lambda model: nw.leakage(model, np.ones((3, 2))),
        nw.freeze,
    ],
)
def test_the_path_of_a_model_is_no_model_and_what_loads_it_is_said(ask):
    message = r"of type str; expected a Keras model; try keras.saving.load_model\('m.keras'\)"
    with pytest.raises(ModelError, match=message):
        ask("m.keras")
