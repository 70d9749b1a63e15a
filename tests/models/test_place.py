"""Where `place` puts normalisation, and that nothing else changes."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.domain import Variant
from normwise.errors import VariantError
from normwise.layers import BatchNormalization
from normwise.models import place, placed_layers, strip
from normwise.models.target_units import TargetUnits

# Keras 3.15's `get_weights` and `save` under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

GOLDEN = [
    ("dense_stack", "none", "a b out"),
    ("dense_stack", "before", "a a_norm a_activation b b_norm b_activation out"),
    ("dense_stack", "after", "a a_norm b b_norm out"),
    ("dense_stack", "input", "x_norm a b out"),
    ("dense_stack", "input+after", "x_norm a a_norm b b_norm out"),
    ("dense_stack", "input+before", "x_norm a a_norm a_activation b b_norm b_activation out"),
    (
        "dense_stack",
        "before+after",
        "a a_norm a_activation a_norm_1 b b_norm b_activation b_norm_1 out",
    ),
    ("separate_activations", "before", "a a_norm leaky b b_norm prelu drop c c_norm out softmax"),
    ("separate_activations", "after", "a leaky a_norm b prelu b_norm drop c c_norm out softmax"),
    (
        "convolutions",
        "before",
        "rescale a a_norm pool drop relu b b_norm b_activation c c_norm flat out",
    ),
    ("convolutions", "after", "rescale a pool drop relu a_norm b b_norm c c_norm flat out"),
    ("convolutions", "input", "rescale rescale_norm a pool drop relu b c flat out"),
    ("time_distributed", "before", "td td_norm td_activation einsum einsum_norm pool out"),
    ("time_distributed", "after", "td td_norm einsum einsum_norm pool out"),
]


@pytest.mark.parametrize(("name", "variant", "expected"), GOLDEN)
def test_layers_of_a_sequential(build, name, variant, expected):
    placed = place(build(name), variant)
    assert isinstance(placed, keras.Sequential)
    assert " ".join(layer.name for layer in placed.layers) == expected


# What feeds a layer in the placed model, by the layer's name.
WIRING = [
    (
        "residual",
        "before",
        {"left1": ["stem_activation"], "add": ["stem_activation", "left2_norm"]},
    ),
    ("residual", "after", {"left1": ["stem_norm"], "add": ["stem_norm", "left2_norm"]}),
    ("residual", "after", {"relu": ["add"], "out": ["relu"]}),
    ("several_ends", "before", {"concat": ["a_activation", "b_activation"]}),
    ("several_ends", "after", {"concat": ["a_norm", "b_norm"], "kind": ["c_norm"]}),
    ("several_ends", "input", {"a": ["p_norm"], "b": ["q_norm"]}),
    ("shared_layer", "before", {"minus": ["shared_activation", "shared_activation_1"]}),
    ("shared_layer", "after", {"minus": ["shared_norm", "shared_norm_1"]}),
    ("nested", "before", {"relu": ["features"], "head": ["relu"]}),
    ("nested", "after", {"relu": ["features"], "b_norm": ["relu"], "head": ["b_norm"]}),
    ("nested", "input", {"features": ["x_norm"]}),
    ("sequence", "after", {"gru": ["both_ways_norm"], "out": ["gru_norm"]}),
    ("sequence", "input", {"concat": ["embed", "numbers_norm"], "numbers_norm": ["numbers"]}),
    ("gated", "before", {"times": ["a_activation", "gate"]}),
    ("gated", "after", {"times": ["a_norm", "gate"], "gate": ["a_norm"]}),
    ("with_lambda", "before", {"lambda": ["a_activation"], "out": ["lambda"]}),
]


@pytest.mark.parametrize(("name", "variant", "expected"), WIRING)
def test_wiring_of_a_functional_model(build, name, variant, expected):
    placed = place(build(name), variant)
    assert {layer: sources(placed.get_layer(layer)) for layer in expected} == expected


def sources(layer):
    call = layer._inbound_nodes[-1]
    tensors = keras.tree.flatten(call.arguments.args)
    return [tensor._keras_history.operation.name for tensor in tensors]


def test_nested_models_are_entered(build):
    placed = place(build("nested"), "before")
    names = {m: [layer.name for layer in placed.get_layer(m).layers] for m in ("features", "head")}
    assert names["features"] == ["a", "a_norm", "a_activation", "b", "b_norm"]
    assert names["head"] == ["g", "c", "c_norm", "out"]


@pytest.mark.parametrize(
    "first",
    [
        layers.Dense(3, activation="tanh", name="a"),
        layers.SimpleRNN(3, name="a"),
        layers.Bidirectional(layers.SimpleRNN(3), name="a"),
    ],
    ids=["inside a layer", "inside a cell", "inside two cells"],
)
def test_an_activation_of_its_own_behind_another_is_not_the_block_s(first):
    stack = [first, layers.Dropout(0.1, name="drop"), layers.ReLU(name="relu"), layers.Dense(1)]
    shape = (4,) if isinstance(first, layers.Dense) else (5, 4)
    placed = place(keras.Sequential([keras.Input(shape), *stack]), "after")
    assert [layer.name for layer in placed.layers][:4] == ["a", "a_norm", "drop", "relu"]


def test_a_model_that_only_prepares_an_input_stays_in_front():
    prepare = keras.Sequential(
        [keras.Input((8,)), layers.Rescaling(1 / 255), layers.GaussianNoise(0.1)], name="prepare"
    )
    model = keras.Sequential([keras.Input((8,)), prepare, layers.Dense(1)])
    assert placed_layers(model, "input") == ["prepare_norm"]


class Sized(keras.Model):
    """A functional model with a constructor of its own."""

    def __init__(self, size, **options):
        inputs = keras.Input((4,))
        hidden = layers.Dense(size, name="a")(inputs)
        super().__init__(inputs, layers.Dense(1)(hidden), **options)


def test_a_model_with_a_constructor_of_its_own_becomes_a_plain_one():
    placed = place(Sized(3, name="sized"), "after")
    assert type(placed) is type(keras.Model(x := keras.Input((1,)), x))
    assert placed.name == "sized"
    assert placed.get_layer("a_norm")


def test_a_nested_model_that_is_called_twice_is_normalised_inside_and_once():
    """Whatever follows its calls: that belongs to one of them alone."""
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="deep")], name="inner")
    inputs = keras.Input((4,))
    one = layers.ReLU()(inner(inputs))
    model = keras.Model(inputs, layers.Dense(1)(layers.ReLU()(inner(one))))
    assert placed_layers(model, "after") == ["deep_norm"]
    placed = place(model, "after").get_layer("inner")
    assert [layer.name for layer in placed.layers] == ["deep", "deep_norm"]


def test_an_activation_may_stand_outside_of_two_models():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="deep")], name="inner")
    outer = keras.Sequential([keras.Input((4,)), inner], name="outer")
    model = keras.Sequential([keras.Input((4,)), outer, layers.ReLU(name="relu"), layers.Dense(1)])
    placed = [layer.name for layer in place(model, "after").layers]
    assert placed[:3] == ["outer", "relu", "deep_norm"]


def branching():
    port = keras.Input((4,))
    a = layers.Dense(4, name="a")(port)
    return keras.Model(port, layers.Add()([a, layers.Dense(4, name="b")(a)]))


def of_two_ends():
    port = keras.Input((4,))
    ends = [layers.Dense(4, name=name)(port) for name in "ab"]
    return keras.Model(port, ends)


@pytest.mark.parametrize("make", [branching, of_two_ends])
def test_an_activation_outside_is_that_of_the_only_end_alone(make):
    inner, inputs = make(), keras.Input((4,))
    end = keras.tree.flatten(inner(inputs))[0]
    model = keras.Model(inputs, layers.Dense(1)(layers.ReLU()(end)))
    placed = place(model, "after").get_layer(inner.name)
    assert sorted(layer.name for layer in placed.layers if "norm" in layer.name) == [
        "a_norm", "b_norm",
    ]  # fmt: skip


def test_operations_are_no_layers_with_weights_and_none_that_are_frozen():
    inputs = keras.Input((4,), name="x")
    hidden = layers.Dense(4, name="a")(keras.ops.exp(inputs))
    model = keras.Model(inputs, keras.ops.exp(layers.Dense(1, name="out")(hidden)))
    assert placed_layers(model, "input+after") == ["x_norm", "a_norm"]


def test_a_gate_may_be_an_operation():
    inputs = keras.Input((4,))
    x = layers.Dense(4, name="a")(inputs)
    gate = keras.ops.sigmoid(layers.Dense(4, name="gate")(x))
    model = keras.Model(inputs, layers.Dense(1)(x * gate))
    assert placed_layers(model, "after") == ["a_norm"]


def test_a_gate_of_each_step_is_a_gate():
    inputs = keras.Input((5, 4))
    x = layers.Dense(4, name="a")(inputs)
    gate = layers.TimeDistributed(layers.Dense(4, activation="sigmoid"), name="gate")(x)
    model = keras.Model(inputs, layers.Dense(1)(layers.Multiply()([x, gate])))
    assert placed_layers(model, "after") == ["a_norm"]


def test_activation_operations_are_found(build):
    placed = place(build("operation_activations"), "after")
    assert [type(layer).__name__ for layer in placed.operations[:4]] == [
        "InputLayer", "Dense", "Relu", "BatchNormalization",
    ]  # fmt: skip


@pytest.mark.parametrize("variant", ["input+before:epsilon=1e-7", "after:epsilon=1e-7"])
def test_fresh_normalisation_barely_changes_predictions(feedforward, variant):
    placed = place(feedforward, variant)
    inputs = sample(feedforward)
    keras.tree.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
        placed(inputs, training=False),
        feedforward(inputs, training=False),
    )


def sample(model):
    """Input values for a model, in the structure that it takes."""
    rng = np.random.default_rng(0)

    def one(tensor):
        shape = (3, *tensor.shape[1:])
        drawn = rng.integers(0, 9, shape) if "int" in tensor.dtype else rng.normal(size=shape)
        return drawn.astype(tensor.dtype)

    single = isinstance(model, keras.Sequential)
    return keras.tree.map_structure(one, model.inputs[0] if single else model.input)


@pytest.mark.parametrize("variant", ["none", "after"])
def test_every_weight_is_kept_under_its_name(any_model, variant):
    kept = by_path(place(any_model, variant))
    for path, value in by_path(any_model).items():
        np.testing.assert_array_equal(kept[path], value, err_msg=path)


def by_path(model, prefix=""):
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= by_path(layer, f"{prefix}{layer.name}/")
            continue
        for number, variable in enumerate(layer.variables):
            found[f"{prefix}{layer.name}/{number}/{variable.name}"] = np.array(variable.value)
    return found


def test_every_weight_is_kept_where_a_layer_is_split(feedforward):
    kept = by_path(place(feedforward, "before:bias=true"))
    for path, value in by_path(feedforward).items():
        np.testing.assert_array_equal(kept[path], value, err_msg=path)


def test_a_redundant_bias_becomes_beta(build):
    model = build("dense_stack")
    placed = place(model, "before")
    assert not placed.get_layer("a").use_bias
    np.testing.assert_array_equal(placed.get_layer("a_norm").beta, model.get_layer("a").bias)
    assert np.any(model.get_layer("a").bias)


@pytest.mark.parametrize(
    "variant", ["before:bias=true", "before:center=false", "before:norm=layer", "after"]
)
def test_a_bias_that_does_something_is_kept(build, variant):
    model = build("dense_stack")
    placed = place(model, variant)
    np.testing.assert_array_equal(placed.get_layer("a").bias, model.get_layer("a").bias)


def test_a_wrapped_layer_loses_its_bias_and_activation_too(build):
    inner = place(build("time_distributed"), "before").get_layer("td").layer
    assert (inner.use_bias, inner.activation) == (False, keras.activations.linear)


def test_options_reach_the_layer(build):
    text = "after:center=false,scale=false,momentum=0.5,epsilon=1e-05,renorm"
    norm = place(build("dense_stack"), text).get_layer("a_norm")
    assert type(norm) is keras.layers.BatchNormalization
    assert (norm.center, norm.scale, norm.momentum, norm.epsilon) == (False, False, 0.5, 1e-5)
    assert norm.renorm


@pytest.mark.parametrize(("steps", "left"), [(1, 0.05), (16, 0.05), (298, 0.05), (2000, 0.0)])
def test_the_momentum_for_so_many_steps_leaves_a_twentieth_after_them(build, steps, left):
    placed = place(build("dense_stack"), "after:momentum=auto", steps=steps)
    momentum = placed.get_layer("a_norm").momentum
    assert momentum <= 0.99
    np.testing.assert_allclose(np.prod(np.full(steps, momentum)), left, rtol=0.01, atol=1e-6)


def test_a_momentum_left_open_needs_the_number_of_steps(build):
    with pytest.raises(VariantError, match=r"'after:momentum=auto', steps=math\.ceil"):
        place(build("dense_stack"), "after:momentum=auto")
    with pytest.raises(VariantError, match=r"steps is 0; expected .*, at least 1"):
        place(build("dense_stack"), "after", steps=0)
    with pytest.raises(VariantError, match=r"norm=layer does not have; .* 'after:norm=layer'"):
        place(build("dense_stack"), "after:norm=layer,momentum=auto")


def test_clips_open_by_the_papers_schedule_in_steps_or_epochs(build):
    for text, steps, schedule in [
        ("before:renorm=5000", None, (5_000, 40_000, 25_000)),
        ("before:renorm=auto", 16, (16, 128, 80)),
    ]:
        norm = place(build("dense_stack"), text, steps=steps).get_layer("a_norm")
        assert type(norm) is BatchNormalization
        assert (norm.renorm, tuple(norm.renorm_schedule)) == (True, schedule)
    with pytest.raises(VariantError, match="leaves its renorm to the number of steps"):
        place(build("dense_stack"), "before:renorm=auto")


def test_ghost_batches_are_of_the_drop_in_layer(build):
    norm = place(build("dense_stack"), "before:ghost=16,momentum=0.5").get_layer("a_norm")
    assert type(norm) is BatchNormalization
    assert (norm.virtual_batch_size, norm.momentum) == (16, 0.5)


@pytest.mark.parametrize(
    ("norm", "kind"),
    [
        ("layer", layers.LayerNormalization),
        ("group", layers.GroupNormalization),
        ("rms", layers.RMSNormalization),
    ],
)
def test_other_normalisers(build, norm, kind):
    placed = place(build("dense_stack"), f"after:norm={norm}")
    assert type(placed.get_layer("a_norm")) is kind
    assert np.isfinite(placed(np.ones((2, 8), "float32"))).all()


@pytest.mark.parametrize(("channels", "groups"), [(64, 4), (48, 3), (7, 1), (37, 1)])
def test_groups_divide_the_channels(channels, groups):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(channels, name="a"), layers.Dense(1)])
    assert place(model, "after:norm=group").get_layer("a_norm").groups == groups


@pytest.mark.parametrize(("channels", "groups"), [(64, 32), (48, 24), (7, 7), (37, 1)])
def test_channels_with_places_may_be_groups_alone(channels, groups):
    conv = layers.Conv2D(channels, 3, name="a")
    model = keras.Sequential([keras.Input((8, 8, 1)), conv, layers.Flatten(), layers.Dense(1)])
    assert place(model, "after:norm=group").get_layer("a_norm").groups == groups


def test_a_group_of_a_dense_layer_tells_examples_apart():
    """A group of one number is normalised to 0, whatever the number."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(32, name="a"), layers.Dense(1)])
    placed = place(model, "after:norm=group")
    outputs = keras.Model(placed.inputs[0], placed.get_layer("a_norm").output)
    found = np.asarray(outputs(np.random.default_rng(0).normal(size=(8, 4)).astype("float32")))
    assert found.std(0).min() > 0


def test_channel_axis_follows_the_data_format():
    model = keras.Sequential(
        [
            keras.Input((3, 8, 8), name="x"),
            layers.Conv2D(4, 3, activation="relu", data_format="channels_first", name="first"),
            layers.Flatten(data_format="channels_first"),
            layers.Dense(2),
        ]
    )
    placed = place(model, "input+before+after")
    names = ["x_norm", "first_norm", "first_norm_1"]
    assert [placed.get_layer(name).axis for name in names] == [1, 1, 1]
    assert placed.get_layer("first_norm").gamma.shape == (4,)


def test_input_normalisation_stays_behind_masking():
    model = keras.Sequential(
        [keras.Input((5, 2)), layers.Masking(name="mask"), layers.LSTM(3), layers.Dense(1)]
    )
    placed = place(model, "input")
    assert [layer.name for layer in placed.layers][:2] == ["mask", "mask_norm"]
    x = np.zeros((1, 5, 2), "float32")
    x[:, :2] = 1
    expected = model(x)
    placed.get_layer("mask_norm").beta.assign([1e-9, 1e-9])
    np.testing.assert_allclose(placed(x), expected, atol=1e-3)


def test_a_layer_before_one_of_several_outputs_is_an_output_layer():
    inputs = keras.Input((4,))
    features = layers.Dense(4, activation="relu", name="features")(inputs)
    model = keras.Model(inputs, [features, layers.Dense(2, name="out")(features)])
    with pytest.raises(Exception, match="has no layer to normalise"):
        place(model, "after")


def test_convolution_before_global_pooling_and_softmax_is_an_output_layer():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", name="a"),
            layers.Conv2D(2, 1, name="last"),
            layers.GlobalAveragePooling2D(),
            layers.Softmax(),
        ]
    )
    assert [n for n in (layer.name for layer in place(model, "after").layers) if "norm" in n] == [
        "a_norm"
    ]


@pytest.mark.parametrize("nested", [False, True])
def test_an_activation_with_weights_makes_no_hidden_layer_of_the_one_before(nested):
    last = layers.PReLU()
    end = keras.Sequential([keras.Input((2,)), last]) if nested else last
    stack = [layers.Dense(4, name="a"), layers.Dense(2, name="last"), end]
    assert placed_layers(keras.Sequential([keras.Input((4,)), *stack]), "after") == ["a_norm"]


def test_frozen_parts_stay_as_they_are():
    backbone = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="old"), layers.BatchNormalization(name="bn")],
        name="backbone",
    )
    backbone.trainable = False
    model = keras.Sequential(
        [keras.Input((4,)), backbone, layers.Dense(4, name="new"), layers.Dense(1)]
    )
    placed = place(model, "after")
    assert [layer.name for layer in placed.layers][:3] == ["backbone", "new", "new_norm"]
    assert [layer.name for layer in placed.layers[0].layers] == ["old", "bn"]
    assert not placed.layers[0].trainable
    assert placed.get_layer("new_norm").trainable


def test_only_the_sequence_of_a_layer_with_states_is_normalised():
    inputs = keras.Input((5, 2))
    x, state = layers.GRU(3, return_sequences=True, return_state=True, name="gru")(inputs)
    x = layers.Dense(2, name="out")(layers.Attention(name="attend")([x, x]))
    model = keras.Model(inputs, [x, layers.Dense(1, name="side")(state)])
    placed = place(model, "after")
    assert sources(placed.get_layer("attend")) == ["gru_norm", "gru_norm"]
    assert sources(placed.get_layer("side")) == ["gru"]


def test_a_model_may_be_the_first_layer(build):
    inner = build("dense_stack")
    model = keras.Sequential([inner, layers.Dense(2, name="last")])
    placed = place(model, "after:epsilon=1e-7")
    assert [layer.name for layer in placed.layers] == ["dense_stack", "last"]
    assert [layer.name for layer in placed.layers[0].layers][-2:] == ["out", "out_norm"]
    x = np.ones((2, 8), "float32")
    np.testing.assert_allclose(placed(x), model(x), rtol=1e-5)


def test_a_sigmoid_that_is_only_scaled_is_no_gate():
    inputs = keras.Input((4,))
    x = layers.Dense(4, activation="sigmoid", name="a")(inputs) * 2.0
    placed = place(keras.Model(inputs, layers.Dense(1)(x)), "after")
    assert placed.get_layer("a_norm")


def weighed(x, *front, gate="sigmoid"):
    """Channels of ``x``, each multiplied by what is read of it through ``front``."""
    y = x
    for layer in (*front, layers.Dense(4, activation="relu", name="read")):
        y = layer(y)
    gates = layers.Activation(gate)(layers.Dense(4, name="gate")(y))
    return layers.Multiply()([x, gates])


@pytest.mark.parametrize(
    ("front", "gate", "wanted"),
    [
        ([layers.GlobalAveragePooling1D(keepdims=True)], "sigmoid", []),
        ([layers.GlobalMaxPooling1D(), layers.Reshape((1, 4))], "sigmoid", []),
        ([layers.MaxPooling1D(6)], "sigmoid", ["read_norm"]),
        ([layers.GlobalAveragePooling1D(keepdims=True)], "relu", ["read_norm", "gate_norm"]),
    ],
    ids=["pooled", "reshaped", "not of all positions", "no gate"],
)
def test_what_squeezes_and_excites_stays_as_it_is(front, gate, wanted):
    inputs = keras.Input((6, 3))
    x = weighed(layers.Dense(4, name="a")(inputs), *front, gate=gate)
    model = keras.Model(inputs, layers.Dense(1)(x))
    assert placed_layers(model, "after") == ["a_norm", *wanted]


def test_two_layers_that_read_an_input_agree_about_its_channels():
    inputs = keras.Input((3, 8, 8), name="x")
    ends = [layers.Conv2D(2, 3, data_format="channels_first", name=name)(inputs) for name in "ab"]
    assert place(keras.Model(inputs, ends), "input").get_layer("x_norm").axis == 1


def test_a_frozen_normalisation_is_no_obstacle():
    frozen = layers.BatchNormalization(name="frozen", trainable=False)
    stack = [layers.Dense(4, trainable=False), frozen, layers.Dense(4, name="a"), layers.Dense(1)]
    assert placed_layers(keras.Sequential([keras.Input((4,)), *stack]), "after") == ["a_norm"]


def test_an_activity_regulariser_goes_with_the_activation():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(4, activation="relu", activity_regularizer="l2", name="a"),
            layers.Dense(1),
        ]
    )
    placed = place(model, "before:epsilon=1e-7")
    for same in (placed, strip(placed)):
        for each in (same, model):
            each(np.ones((2, 4), "float32"))
        assert len(same.losses) == 1
        np.testing.assert_allclose(same.losses, model.losses, rtol=1e-4)


def test_names_that_are_taken_are_avoided():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(4, name="a"),
            layers.ReLU(name="a_norm"),
            layers.Dense(1),
        ]
    )
    assert [layer.name for layer in place(model, "after").layers][:3] == ["a", "a_norm", "a_norm_1"]


def test_functions_of_ones_own_survive():
    def cube(x):
        return x**3

    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, activation=cube, name="a"), layers.Dense(1)]
    )
    placed = place(model, "before:bias=true,epsilon=1e-7")
    assert placed.get_layer("a_activation").activation is cube
    x = np.ones((2, 4), "float32")
    np.testing.assert_allclose(placed(x), model(x), rtol=1e-4)


def test_dtype_policy_is_the_layer_s():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(4, "relu", dtype="mixed_float16", name="a"),
            layers.Dense(1),
        ]
    )
    placed = place(model, "before")
    policies = {placed.get_layer(name).dtype_policy.name for name in ("a_norm", "a_activation")}
    assert policies == {"mixed_float16"}


@pytest.mark.parametrize(
    "kind", [keras.Sequential, lambda both: keras.Model(both[0], both[1](both[0]))]
)
def test_dtype_policy_of_a_model_is_its_own_so_that_compile_scales_the_loss(kind):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = kind([keras.Input((4,)), layers.Dense(1)])
    finally:
        keras.config.set_dtype_policy(policy)
    rebuilt = strip(place(model, "input"))
    units = TargetUnits((1.0,), (2.0,))
    for one in (rebuilt, units.behind(rebuilt)):
        one.compile("sgd", "mse")
        assert type(one.optimizer) is keras.optimizers.LossScaleOptimizer


def test_a_subclass_with_a_training_step_of_its_own_keeps_its_class(build):
    class Custom(keras.Model):
        def train_step(self, *args):
            raise NotImplementedError

    model = build("residual")
    assert type(place(Custom(model.input, model.output), "after")).train_step is Custom.train_step


def test_adapted_preprocessing_keeps_what_it_learned():
    adapted = layers.Normalization(name="adapted")
    adapted.adapt(np.array([[1.0, 2.0], [3.0, 6.0]]))
    model = keras.Sequential([keras.Input((2,)), adapted, layers.Dense(2), layers.Dense(1)])
    x = np.ones((2, 2), "float32")
    np.testing.assert_array_equal(place(model, "none")(x), model(x))


def test_the_user_s_model_survives_training_of_the_placed_one(build):
    model = build("dense_stack")
    before, config = model.get_weights(), model.get_config()
    x, y = np.random.default_rng(0).normal(size=(32, 8)), np.arange(32) % 3
    placed = place(model, "before")
    placed.compile("sgd", "sparse_categorical_crossentropy")
    placed.fit(x, y, verbose=0)
    assert model.get_config() == config
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(placed.get_layer("a").kernel, model.get_layer("a").kernel)


@pytest.mark.parametrize("name", ["dense_stack", "residual", "nested", "sequence"])
def test_the_result_saves_and_loads_with_keras_alone(build, tmp_path, name):
    placed = place(build(name), "after")
    assert {type(layer).__module__.split(".")[0] for layer in placed._flatten_layers()} == {"keras"}
    placed.save(tmp_path / "placed.keras")
    loaded = keras.saving.load_model(tmp_path / "placed.keras", compile=False)
    for old, new in zip(placed.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_variant_may_be_an_object(build):
    placed = place(build("dense_stack"), Variant(("after",), momentum=0.5))
    assert placed.get_layer("a_norm").momentum == 0.5


def test_of_a_nested_model_with_an_embedding_only_the_numbers_are_normalised():
    words, numbers = keras.Input((4,), name="words"), keras.Input((3,), name="numbers")
    embedded = layers.Flatten()(layers.Embedding(10, 2)(words))
    mixed = layers.Concatenate()([embedded, layers.Dense(2)(numbers)])
    inner = keras.Model([words, numbers], mixed, name="inner")
    outside = keras.Input((4,), name="ids"), keras.Input((3,), name="values")
    model = keras.Model(outside, layers.Dense(1)(inner(list(outside))))
    placed = place(model, "input")
    norms = [one for one in placed.layers if isinstance(one, layers.BatchNormalization)]
    # Ids that are drawn through an embedding stay what they are, though their input is of floats.
    assert [norm.input.shape for norm in norms] == [(None, 3)]
    ids, values = np.arange(8.0).reshape(2, 4), np.ones((2, 3))
    assert placed.predict([ids, values], verbose=0).shape == (2, 1)
