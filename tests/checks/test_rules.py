"""Each rule: what it says of a model it is made for, word by word, and models it must not name."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.checks import RULES

pytestmark = pytest.mark.usefixtures("initial_values_from_numpy")

DRAW = np.random.default_rng(5)
X = DRAW.normal(size=(512, 4)).astype("float32")


def net(*stack, shape=(4,)):
    return keras.Sequential([keras.Input(shape), *stack])


def norm(name="norm", **settings):
    return layers.BatchNormalization(name=name, **settings)


def relu():
    return layers.ReLU()


def hidden(name="a", **settings):
    return layers.Dense(8, name=name, **{"use_bias": False, **settings})


def statistics(layer, mean=None, variance=None, gamma=None, beta=None):
    """Give a layer other values, ``None`` for as they are."""
    given = {"moving_mean": mean, "moving_variance": variance, "gamma": gamma, "beta": beta}
    for name, value in given.items():
        if value is not None:
            getattr(layer, name).assign(np.broadcast_to(value, layer.moving_mean.shape))


def trained(model, optimizer="sgd", steps=5):
    """Compiled, with so many steps on its optimiser's clock."""
    model.compile(optimizer, "mse")
    model.optimizer.build(model.trainable_variables)
    model.optimizer._iterations.assign(steps)
    return model


def of_population(model):
    return nw.recalibrate(model, X)


# --- what each rule must name: model, further arguments, [(layer, message), …]


def biased():
    return net(hidden(use_bias=True), norm(), relu(), layers.Dense(1))


def biased_before_pooling():
    return net(
        layers.Conv2D(3, 3, name="conv"), layers.MaxPooling2D(), norm(), relu(), layers.Flatten(), layers.Dense(1),
        shape=(8, 8, 1),
    )  # fmt: skip


def dropped():
    return net(
        layers.Dropout(0.2, name="drop"), hidden(), relu(), hidden("b"), norm(), layers.Dense(1)
    )


def lagging():
    return trained(net(hidden(), norm(momentum=0.9), layers.Dense(1)))


def replaced():
    """Variances below what would be left of the 1 that they would have begun with."""
    model = lagging()
    statistics(model.get_layer("norm"), variance=[0.5, 2, 2, 2, 2, 2, 2, 2])
    return model


def of_population_in_the_meantime():
    model = trained(net(hidden(kernel_initializer="ones"), norm(momentum=0.9), layers.Dense(1)))
    return of_population(model)


def begun():
    return net(hidden(), norm(), layers.Dense(1))


def apart():
    model = of_population(net(hidden(), norm(), layers.Dense(1)))
    layer = model.get_layer("norm")
    layer.moving_mean.assign(layer.moving_mean + 2 * keras.ops.sqrt(layer.moving_variance))
    return model


def normal():
    return of_population(net(hidden(), norm(), relu(), layers.Dense(1)))


def behind_the_output():
    return net(
        hidden(),
        relu(),
        layers.Dense(1, use_bias=False, name="out"),
        norm(),
        layers.Activation("sigmoid"),
    )


def step_by_step():
    return net(
        layers.LSTM(3, return_sequences=True),
        layers.TimeDistributed(norm("inner"), name="td"),
        layers.LSTM(2),
        shape=(5, 2),
    )


def time_for_channels():
    return net(
        layers.Conv1D(3, 2, use_bias=False, name="conv"),
        norm(axis=1),
        relu(),
        layers.Flatten(),
        layers.Dense(1),
        shape=(9, 2),
    )


def frozen_in_front():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.get_layer("a").trainable = False
    return model


def frozen_behind():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.get_layer("norm").trainable = False
    return model


def frozen_weights():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.get_layer("norm").gamma.trainable = model.get_layer("norm").beta.trainable = False
    return model


def whole_by_steps():
    """A convolutional network in TimeDistributed."""
    frame = net(layers.Conv2D(2, 3, use_bias=False), norm(), layers.Flatten(), shape=(6, 6, 1))
    return net(layers.TimeDistributed(frame, name="td"), layers.LSTM(2), shape=(3, 6, 6, 1))


def axis_behind_a_sum():
    x = keras.Input((8, 8, 2))
    y = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    z = layers.Conv2D(4, 1)(x)
    return keras.Model(x, norm(axis=1)(layers.ReLU()(layers.Add()([y, z]))))


def axis_behind_a_plain_sum():
    x = keras.Input((9, 4))
    return keras.Model(x, norm(axis=1)(layers.Conv1D(4, 3, padding="same", name="conv")(x) + x))


def axis_in_front():
    return net(norm(axis=1), layers.ReLU(), layers.Conv2D(4, 3, name="conv"), shape=(8, 8, 3))


def axis_in_front_of_channels_first():
    return net(norm(), layers.Conv1D(4, 3, data_format="channels_first", name="conv"), shape=(3, 8))


def frozen_after_compiling():
    model = trained(net(hidden(), norm(), relu(), layers.Dense(1)))
    model.layers[-1].trainable = False
    return model


def unfrozen_after_compiling():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.layers[-1].trainable = False
    model = trained(model)
    model.layers[-1].trainable = True
    return model


def of_momentum(momentum):
    return lambda: net(hidden(), norm(momentum=momentum), relu(), layers.Dense(1))


def behind_a_frozen_norm():
    frozen = norm("frozen", momentum=0.1, trainable=False)
    return net(hidden(), frozen, hidden("b"), norm(momentum=0.1), layers.Dense(1))


def never_moved():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    statistics(model.get_layer("norm"), beta=0.1)
    return model


def siamese():
    left, right = keras.Input((4,)), keras.Input((4,))
    tower = net(hidden(), norm(), relu())
    return keras.Model([left, right], layers.Subtract()([tower(left), tower(right)]))


def dead():
    model = normal()
    gamma = np.ones(8)
    gamma[[2, 5]] = 1e-7
    statistics(model.get_layer("norm"), gamma=gamma)
    return model


def dying():
    """A channel whose ReLU lets nothing through, and moving statistics that lag far behind."""
    model = net(hidden(use_bias=True, activation="relu"), norm(), layers.Dense(1))
    model.get_layer("a").bias.assign([9, 9, 9, -99, 9, 9, 9, 9])
    return model


def underflow():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    variance = np.ones(8)
    variance[3] = 1e-3 / 3
    statistics(model.get_layer("norm"), variance=variance)
    return model


def misled():
    """Variances of 1e-8 behind a layer whose statistics are still 0 and 1: its symptom alone."""
    model = trained(net(hidden(), norm(), hidden("b"), norm("second"), layers.Dense(1)))
    model.get_layer("a").kernel.assign(model.get_layer("a").kernel * 1e-4)
    return model


def misled_by_a_constant():
    model = misled()
    model.get_layer("a").kernel.assign(np.zeros((4, 8)))
    statistics(model.get_layer("norm"), mean=1.0)
    return model


def under_epsilon():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    statistics(model.get_layer("norm"), variance=1e-9)
    return model


def shrunk():
    return net(hidden(), norm(gamma_regularizer="l2"), relu(), layers.Dense(1))


def decayed():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.compile(keras.optimizers.AdamW(weight_decay=0.004), "mse")
    return model


def twice():
    return net(hidden(), norm("first"), norm("second"), relu(), layers.Dense(1))


def saturated():
    return net(hidden(activation="tanh"), norm(), layers.Dense(1))


def saturated_by_an_operation():
    x = keras.Input((4,))
    y = norm()(keras.ops.sigmoid(hidden()(x)))
    return keras.Model(x, layers.Dense(1)(y))


def burst():
    model = normal()
    kernel = np.ones((4, 8))
    kernel[1, 1] = np.nan
    model.get_layer("a").kernel.assign(kernel)
    return model


def below_zero():
    model = normal()
    variance = np.ones(8)
    variance[6] = -0.5
    statistics(model.get_layer("norm"), variance=variance)
    return model


def leaking():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(norm()(hidden()(x), training=True)))


def called_for_inference():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(norm()(hidden()(x), training=False)))


def frozen_and_apart():
    model = apart()
    model.trainable = False
    return model


def centred_over_the_batch():
    x = keras.Input((4,))
    y = norm()(hidden()(x))
    return of_population(keras.Model(x, y - keras.ops.mean(y, axis=0, keepdims=True)))


GOLDEN = {
    "redundant-bias": [
        (biased, {}, "a", "its bias is cancelled by 'norm', which subtracts each channel's mean: 8 weights that never learn"),
        (biased_before_pooling, {}, "conv", "its bias is cancelled by 'norm', which subtracts each channel's mean: 3 weights that never learn"),
    ],
    "dropout-before-norm": [
        (dropped, {}, "drop", "multiplies the mean square of values on their way to 'norm' by 1.25, in training only; the moving statistics record it, and inference lacks it"),
    ],
    "stale-statistics": [
        # 0.9**5 = 0.590; 0.9**22 = 0.098 is the first below a tenth.
        (lagging, {}, "norm", "after 5 steps at momentum 0.9, 59% of what its moving statistics began with is left in them; 22 steps would leave 10%"),
        (begun, {"steps": 100}, "norm", "after 100 steps at momentum 0.99, 37% of what its moving statistics began with is left in them; 230 steps would leave 10%"),
    ],
    "moving-statistics-gap": [
        (apart, {"data": X}, "norm", "on this data its inputs have means 2 deviations from the moving ones and variances that differ by a factor of 1 (medians over channels)"),
    ],
    "tiny-batch": [
        (normal, {"batch_size": 4}, None, "1 batch normalisation with batches of 4 examples: a mean is off by about 0.50 deviations of it"),
        (normal, {"data": X[:129]}, "norm", "the last batch of 129 examples has 1: 1 value a channel to take a mean and a variance of, so every output is its β"),
        (normal, {"data": X[:129], "batch_size": 8}, "norm", "the last batch of 129 examples has 1: 1 value a channel to take a mean and a variance of, so every output is its β"),
        (normal, {"data": X[:135]}, "norm", "the last batch of 135 examples has 7: 7 values a channel to take a mean and a variance of"),
        (normal, {"data": X[:300], "batch_size": 33}, "norm", "the last batch of 300 examples has 3: 3 values a channel to take a mean and a variance of"),
    ],
    "norm-after-output": [
        (behind_the_output, {}, "norm", "standardises what 'out' predicts, and nothing learns behind it: in training the mean and spread of a batch's predictions are β and γ, whatever the inputs"),
    ],
    "time-distributed-norm": [
        (whole_by_steps, {}, "td", "each time step is normalised by its own statistics in training, and by those of all steps in inference"),
        (step_by_step, {}, "td", "each time step is normalised by its own statistics in training, and by those of all steps in inference"),
    ],
    "wrong-axis": [
        (time_for_channels, {}, "norm", "normalises axis 1 of (None, 8, 3), while the channels of 'conv' are axis 2"),
        (axis_behind_a_sum, {}, "norm", "normalises axis 1 of (None, 8, 8, 4), while the channels of 'conv' are axis 3"),
        (axis_behind_a_plain_sum, {}, "norm", "normalises axis 1 of (None, 9, 4), while the channels of 'conv' are axis 2"),
        (axis_in_front, {}, "norm", "normalises axis 1 of (None, 8, 8, 3), while the channels of 'conv' are axis 3"),
        (axis_in_front_of_channels_first, {}, "norm", "normalises axis 2 of (None, 3, 8), while the channels of 'conv' are axis 1"),
    ],
    "frozen-norm": [
        (frozen_in_front, {}, "norm", "its statistics and weights train while 'a', whose values it takes, is frozen: the frozen part gives other values after every step"),
        (frozen_behind, {}, "norm", "its statistics stay while 'a', whose values it takes, trains: they will belong to other weights"),
        (frozen_weights, {}, "norm", "its γ and β are frozen, but its statistics move with every training batch"),
        (called_for_inference, {}, "norm", "is called with training=False, which fit overrides: statistics move all the same (1 batch normalisation)"),
        # kernel, γ and β, kernel and bias
        (frozen_after_compiling, {}, None, "was frozen or unfrozen after it was compiled: its optimiser knows 5 weights, while 3 train now; Keras' next fit fails, or trains as before"),
        (unfrozen_after_compiling, {}, None, "was frozen or unfrozen after it was compiled: its optimiser knows 3 weights, while 5 train now; Keras' next fit fails, or trains as before"),
    ],
    "shared-norm": [
        (siamese, {}, "norm", "is called 2 times; in training each call normalises by its own batch, in inference all by one mean and variance of the mixture"),
    ],
    "dead-channels": [
        (dying, {"data": X}, "norm", "a constant output, β, in 1 of 8 channels (3): γ is near 0, or the input never changes"),
        (dead, {}, "norm", "a constant output, β, in 2 of 8 channels (2, 5): γ is near 0, or the input never changes"),
    ],
    "variance-underflow": [
        # √(1/3 / (1/3 + 1)) = 0.5
        # √(1e-9 / (1e-9 + 1e-3)) = 0.001
        (under_epsilon, {}, "norm", "a variance near or under ε = 0.001 in 8 of 8 channels (0, 1, 2, 3, 4, …), down to 1e-09: what they give has a deviation of 0.001·γ instead of γ"),
        (underflow, {}, "norm", "a variance near or under ε = 0.001 in 1 of 8 channels (3), down to 0.00033: what they give has a deviation of 0.5·γ instead of γ"),
    ],
    "regularised-scale": [
        (shrunk, {}, "norm", "a regulariser of γ shrinks what the layer gives, and no weights that it could keep small"),
        (decayed, {}, None, "AdamW decays the weights by 0.004, γ and β of 1 batch normalisation (first 'norm') among them"),
    ],
    "repeated-norm": [
        (twice, {}, "second", "directly follows 'first', which has normalised already"),
    ],
    "saturating-before": [
        (saturated, {}, "a", "tanh saturates before 'norm' sees its values; nothing keeps its inputs in range"),
        (saturated_by_an_operation, {}, "sigmoid", "sigmoid saturates before 'norm' sees its values; nothing keeps its inputs in range"),
    ],
    "not-finite": [
        (burst, {}, "a", "NaN or infinite values in kernel, so in predictions, too"),
        (below_zero, {}, "norm", "a moving variance below 0 in 1 of 8 channels (6), down to -0.5: NaN in inference where it is below -ε"),
    ],
    "batch-leakage": [
        (leaking, {"data": X}, "norm", "is called with training=True, so model(x) normalises by the batch that an example happens to be in, and moves the statistics; fit and predict override it"),
        (leaking, {}, "norm", "is called with training=True, so model(x) normalises by the batch that an example happens to be in, and moves the statistics; fit and predict override it"),
    ],
    "wrong-momentum": [
        (of_momentum(0.1), {}, "norm", "momentum 0.1 makes 90% of its moving statistics those of the last batch alone: in Keras it is the weight of the old ones, in PyTorch that of the new"),
        (of_momentum(0.0), {}, "norm", "momentum 0 makes 100% of its moving statistics those of the last batch alone: in Keras it is the weight of the old ones, in PyTorch that of the new"),
        (of_momentum(1.0), {}, "norm", "momentum 1 keeps its moving statistics as they began, while training normalises by the batch"),
        (behind_a_frozen_norm, {}, "norm", "momentum 0.1 makes 90% of its moving statistics those of the last batch alone: in Keras it is the weight of the old ones, in PyTorch that of the new"),
        (of_momentum(1.5), {}, "norm", "momentum 1.5 is not between 0 and 1: its moving statistics move away from the data's, further with every batch"),
        (of_momentum(99), {"steps": 160}, "norm", "momentum 99 is not between 0 and 1: its moving statistics move away from the data's, further with every batch"),
        (of_momentum(-0.1), {"data": X, "batch_size": 64}, "norm", "momentum -0.1 is not between 0 and 1: its moving statistics move away from the data's, further with every batch"),
    ],
    "unmoved-statistics": [
        (never_moved, {}, "norm", "its moving statistics are exactly 0 and 1: they never moved: trained without training=True?"),
        (never_moved, {"steps": 60}, "norm", "its moving statistics are exactly 0 and 1: they never moved: trained without training=True?"),
    ],
}  # fmt: skip
CASES = [(rule, *case) for rule, cases in GOLDEN.items() for case in cases]

# What a finding's `fix` says. Of a rule that knows several, each belongs to one of its cases above.
REMEDIES = {
    "batch-leakage": {"call 'norm' without training=True"},
    "dead-channels": {"a smaller model has the same predictions: remove these channels; if they should live, train with a lower learning rate, or normalise before the activation"},
    "dropout-before-norm": {"move it behind the last batch normalisation, or set its rate to 0"},
    "frozen-norm": {
        "freeze both or none; or recalibrate after training",
        "model.compile(...) again, after each change of trainable",
        "norm.trainable = False as well (nw.freeze does it); compile again",
        "norm.trainable = False freezes both; compile again",
        "norm.trainable = False, or nw.freeze; compile again",
    },
    "moving-statistics-gap": {"population statistics (normwise recalibrate), if these data are prepared as in training"},
    "norm-after-output": {"remove 'norm', or put it in front of 'out'"},
    "not-finite": {
        "an earlier checkpoint, or train again with a lower learning rate",
        "population statistics (normwise recalibrate), or an earlier checkpoint: this is no rounding of 0",
    },
    "redundant-bias": {"use_bias=False"},
    "regularised-scale": {
        "no gamma_regularizer, unless γ is to be pruned",
        'optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"]) before compiling',
    },
    "repeated-norm": {"remove 'first'"},
    "saturating-before": {
        "normalise in front of 'a': normwise.place(model, 'before')",
        "normalise in front of 'sigmoid': normwise.place(model, 'before')",
    },
    "shared-norm": {"a batch normalisation of its own for each input"},
    "stale-statistics": {"population statistics (normwise recalibrate)"},
    "time-distributed-norm": {
        "call 'inner' on the whole sequence, without TimeDistributed",
        "call 'sequential' on all steps at once: reshape to (examples·steps, …) in front of it and back behind it; or freeze its normalisation (nw.freeze)",
    },
    "tiny-batch": {
        "another batch size, or drop the last 1", "another batch size, or drop the last 3", "another batch size, or drop the last 7",
        "larger batches; or freeze the normalisation (trainable=False), or use group normalisation",
    },
    "unmoved-statistics": {"if training normalised by batches and its statistics were lost: population statistics (normwise recalibrate, which compares the losses); if not, the weights have learnt with 0 and 1: keep them, or train again with training=True, as fit does"},
    "variance-underflow": {
        "a smaller epsilon, such as 1e-11, and train again; or inputs of larger scale",
        "a smaller epsilon, such as 3e-06, and train again; or inputs of larger scale",
    },
    "wrong-axis": {"axis=-1 in 'norm', and train again", "axis=1 in 'norm', and train again"},
    "wrong-momentum": {
        "momentum=0.9, which is what 0.1 means in PyTorch",
        "momentum=0.99, and train again",
        "momentum=0.99, and train again; or trainable=False, which keeps them in training as well",
        "momentum=0.99; or trainable=False, if statistics are to stay, as 0 means in PyTorch",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "build", "given", "layer", "message"),
    CASES,
    ids=[f"{rule}-{build.__name__}-{'-'.join(given)}" for rule, build, given, *_ in CASES],
)
def test_a_rule_says_what_it_finds(rule, build, given, layer, message):
    keras.utils.clear_session()
    (found,) = nw.check(build(), select=[rule], **given)
    assert (found.rule, found.layer, found.message) == (rule, layer, message)
    assert found.fix in REMEDIES[rule]


def in_a_row(first=(), second=(), *, shape=(4,), again=False, used=False):
    """Two normalisations: the first called once more, or what it gives used once more."""
    x = keras.Input(shape)
    before = norm("first", **dict(first))
    y = before(layers.Dense(4)(x))
    z = layers.Dense(1)(norm("second", **dict(second))(y))
    others = ([before(x)] if again else []) + ([y] if used else [])
    beside = [layers.Dense(1)(other) for other in others]
    return keras.Model(x, [z, *beside])


@pytest.mark.parametrize(
    ("model", "safe"),
    [
        (in_a_row(), True),
        (in_a_row({"axis": 1}, {"axis": -1}), True),
        (in_a_row({"axis": 1}, {"axis": 2}, shape=(4, 4)), False),
        (in_a_row({"trainable": False}), False),
        (in_a_row({"gamma_regularizer": "l2"}), False),
        (in_a_row({}, {"beta_constraint": "non_neg"}), False),
        (in_a_row({}, {"scale": False}), False),
        (in_a_row({}, {"center": False}), False),
        (in_a_row({"scale": False, "center": False}), True),
        (in_a_row(again=True), False),
        (in_a_row(used=True), False),
    ],
)
def test_two_in_a_row_are_merged_only_where_one_gives_the_same(model, safe):
    (found,) = nw.check(model, select=["repeated-norm"])
    assert (found.layer, found.safe) == ("second", safe)


@pytest.mark.parametrize(
    ("momentum", "right"),
    [(0.1, "momentum=0.9, "), (0.25, "momentum=0.75, "), (0.0, "momentum=0.99; or trainable=F")],
)
def test_a_momentum_of_pytorch_is_said_in_that_of_keras(momentum, right):
    (found,) = nw.check(of_momentum(momentum)(), select=["wrong-momentum"])
    assert found.fix.startswith(right)


def test_leakage_is_measured_where_the_graph_does_not_show_it():
    assert nw.check(centred_over_the_batch(), select=["batch-leakage"]) == []
    (found,) = nw.check(centred_over_the_batch(), X, select=["batch-leakage"])
    assert found.layer.startswith("subtract")  # where the mean meets the examples
    assert "other neighbours in its batch change an example's prediction by" in found.message
    assert found.fix == (
        "no function of a whole batch in inference: means, maxima or a softmax over axis 0"
    )
    (pair,) = nw.check(centred_over_the_batch(), X[:2], select=["batch-leakage"])
    assert pair.layer.startswith("subtract")
    assert nw.check(centred_over_the_batch(), X[:1], select=["batch-leakage"]) == []


def test_keras_overrides_what_the_graph_says_of_training():
    """What `batch-leakage` and `frozen-norm` say of fit, predict and a plain call."""
    model, others = leaking(), np.concatenate([X[:1], 3 + X[1:6]])
    assert model.predict(X[:6], verbose=0)[0] == pytest.approx(model.predict(others, verbose=0)[0])
    assert model(X[:6])[0] != pytest.approx(model(others)[0])
    model = called_for_inference()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=1, verbose=0)
    assert np.abs(model.get_layer("norm").moving_mean).max() > 0


def test_a_broken_model_is_looked_at_with_data_as_well():
    rules = {finding.rule for finding in nw.check(burst(), X)}
    assert rules == {"not-finite"}


def test_overflow_in_half_precision_is_named_where_it_first_arrives():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, kernel_initializer="ones", dtype="mixed_float16"),
            norm(),
            layers.Dense(2),
            layers.BatchNormalization(),
        ]
    )
    assert nw.check(model, np.full((9, 4), 1e4), select=["not-finite"]) == []
    (found,) = nw.check(model, np.full((9, 4), 2e4), select=["not-finite"])
    assert (found.layer, found.safe) == ("norm", False)
    assert "takes NaN or infinite values, although all weights are finite" in found.message


@pytest.mark.parametrize("data", [X, (X, None), (X, X[:, :1])])
def test_what_is_exactly_as_it_began_is_said_to_have_never_moved(data):
    """With data, of a model whose γ and β show no training, too; mended only if it can be judged."""
    model = trained(never_moved())
    found = nw.check(model, data, select=["moving-statistics-gap", "unmoved-statistics"])
    assert len(found) == 2
    assert all("they never moved: trained without training=True?" in one.message for one in found)
    assert {one.safe for one in found} == {isinstance(data, tuple) and data[1] is not None}
    (found,) = nw.check(begun(), X + 3, select=["moving-statistics-gap", "unmoved-statistics"])
    assert "they never moved" in found.message


@pytest.mark.parametrize("build", [misled, misled_by_a_constant])
def test_what_wrong_statistics_in_front_make_small_is_no_finding(build):
    symptoms = nw.check(build(), X, select=["dead-channels", "variance-underflow"])
    assert {finding.layer for finding in symptoms} == {"norm"}


def test_of_time_distributed_there_is_one_remedy():
    """Not also one normalisation for each step, which "one on the whole sequence" contradicts."""
    for build in (step_by_step, whole_by_steps):
        assert [one.rule for one in nw.check(build())] == ["time-distributed-norm"]


def test_what_keras_does_with_weights_that_are_frozen_after_compiling():
    model = frozen_after_compiling()
    with pytest.raises(ValueError, match="corresponding 1:1 to the trainable variables"):
        model.fit(X, X[:, :1], verbose=0)


def test_statistics_that_never_move_are_stale_for_ever():
    model = trained(net(hidden(), norm(momentum=1.0), layers.Dense(1)))
    (found,) = nw.check(model, select=["stale-statistics"])
    assert found.message.endswith("left in them; no number of steps would change that")


def test_every_rule_has_an_example():
    assert [rule.name for rule in RULES] == list(GOLDEN)


# --- what looks like it and is none


def of_a_frozen_norm():
    return frozen_behind()


class Block(layers.Layer):
    """With a default of its own for `training`."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def build(self, shape):
        self.norm.build(shape)
        self.built = True

    def call(self, x, training=False):  # noqa: FBT002 (what is tested)
        return self.norm(x, training=training)


def with_a_default():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(Block()(x)))


def frozen_by_us(what="normalisation"):
    return lambda: nw.freeze(net(hidden(), norm(), relu(), layers.Dense(1)), what)


def all_norms_frozen_in_a_file():
    """As `nw.freeze` leaves a trained model, which a file does not remember."""
    model = of_population(
        net(hidden(), norm(), relu(), hidden("b"), norm("second"), layers.Dense(1))
    )
    for name in ("norm", "second"):
        model.get_layer(name).trainable = False
    return model


def frozen_and_compiled_again():
    model = frozen_after_compiling()
    model.compile("sgd", "mse")
    return model


def frozen_before_any_step():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.compile("sgd", "mse")  # builds nothing: the optimiser meets what trains then
    model.layers[-1].trainable = False
    return model


def stale_and_wide():
    """Variances of 1e-4 beside moving ones of 1: what would look dead in inference."""
    return trained(net(hidden(), norm(epsilon=1e-7), relu(), layers.Dense(1)))


def trained_and_moved():
    model = normal()
    statistics(model.get_layer("norm"), beta=0.1)
    return model


def of_keras_momentum():
    return of_momentum(0.5)()


def frozen_with_momentum():
    model = of_momentum(0.1)()
    model.trainable = False
    return model


def squeezed_and_summed():
    """A gate of one position, and a shortcut, in front of the right axis."""
    x = keras.Input((8, 8, 2))
    y = layers.Conv2D(4, 3, padding="same")(x)
    gate = layers.Conv2D(4, 1, activation="sigmoid")(
        layers.GlobalAveragePooling2D(keepdims=True)(y)
    )
    return keras.Model(
        x, norm()(layers.Add()([layers.Multiply()([y, gate]), layers.Conv2D(4, 1)(x)]))
    )


def time_normalised_on_purpose():
    """Behind nothing and in front of a dense layer: no convolution says what the channels are."""
    return net(norm(axis=1), layers.Dense(3), layers.Flatten(), layers.Dense(1), shape=(9, 2))


def bias_through_relu():
    return net(hidden(use_bias=True), relu(), norm(), layers.Dense(1))


def bias_that_others_use():
    x = keras.Input((4,))
    y = hidden(use_bias=True)(x)
    return keras.Model(x, layers.Add()([norm()(y), y]))


def bias_before_layer_norm():
    return net(hidden(use_bias=True), layers.GroupNormalization(2), layers.Dense(1))


def bias_before_zero_padding():
    return net(
        layers.Conv2D(3, 3, name="conv"), layers.ZeroPadding2D(), norm(), layers.Flatten(), layers.Dense(1),
        shape=(8, 8, 1),
    )  # fmt: skip


def bias_along_another_axis():
    return net(
        layers.Conv1D(8, 2, name="conv"),
        norm(axis=1),
        relu(),
        layers.Flatten(),
        layers.Dense(1),
        shape=(9, 2),
    )


def dropped_behind():
    return net(hidden(), norm(), relu(), layers.Dropout(0.5), layers.Dense(1))


def dropped_branches():
    x = keras.Input((4, 4, 2))
    y = layers.Dropout(0.5, noise_shape=(None, 1, 1, 1))(layers.Conv2D(2, 1)(x))
    return keras.Model(x, norm()(layers.Add()([x, y])))


def dropped_examples():
    return net(layers.Dropout(0.5, noise_shape=(None, 1)), hidden(), norm(), layers.Dense(1))


def never_dropped():
    return net(layers.Dropout(0.0), hidden(), norm(), layers.Dense(1))


def seldom_updated():
    return trained(net(hidden(), norm(), layers.Dense(1)), steps=2000)


def hardly_begun():
    return net(hidden(), norm(), layers.Dense(1))


def few_positions():
    return net(
        layers.Conv2D(2, 3, name="conv", use_bias=False),
        norm(),
        relu(),
        layers.Flatten(),
        layers.Dense(1),
        shape=(8, 8, 1),
    )


def backbone():
    return net(
        layers.Conv2D(2, 3, use_bias=False),
        norm(),
        relu(),
        layers.GlobalAveragePooling2D(),
        shape=(8, 8, 1),
    )


def distributed_dense():
    return net(
        layers.TimeDistributed(layers.Dense(3, use_bias=False)),
        norm(),
        layers.LSTM(2),
        shape=(5, 2),
    )


def flat():
    return net(layers.Flatten(), hidden(), norm(axis=1), layers.Dense(1), shape=(2, 2))


def permuted():
    return net(
        layers.Conv1D(3, 2, use_bias=False),
        layers.Permute((2, 1)),
        norm(axis=1),
        layers.Flatten(),
        layers.Dense(1),
        shape=(9, 2),
    )


def all_frozen():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.trainable = False
    return model


def without_weights():
    return net(hidden(), norm(center=False, scale=False), relu(), layers.Dense(1))


def a_tower_each():
    left, right = keras.Input((4,)), keras.Input((4,))
    towers = [net(hidden(), norm(f"norm{i}"), relu()) for i in (1, 2)]
    return keras.Model([left, right], layers.Subtract()([towers[0](left), towers[1](right)]))


def beginning_as_nothing():
    return net(hidden(), norm(gamma_initializer="zeros"), relu(), layers.Dense(1))


def small_but_alive():
    model = normal()
    statistics(model.get_layer("norm"), gamma=0.05)
    return model


def decayed_but_for_the_norm():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    optimizer = keras.optimizers.AdamW(weight_decay=0.004)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"])
    model.compile(optimizer, "mse")
    return model


def with_something_between():
    return net(hidden(), norm("first"), relu(), norm("second"), layers.Dense(1))


def normalised_before_and_after():
    return net(hidden(), norm("first"), layers.Activation("tanh"), norm("second"), layers.Dense(1))


def squeezed():
    x = keras.Input((4, 4, 2))
    gate = layers.Conv2D(2, 1, activation="sigmoid")(
        layers.GlobalAveragePooling2D(keepdims=True)(x)
    )
    return keras.Model(x, norm()(layers.Multiply()([x, gate])))


INNOCENT = {
    "redundant-bias": [
        (build, {})
        for build in (of_a_frozen_norm, bias_through_relu, bias_that_others_use,
                      bias_before_layer_norm, bias_before_zero_padding, bias_along_another_axis)
    ],
    "dropout-before-norm": [
        (dropped_behind, {}), (dropped_branches, {}), (dropped_examples, {}), (never_dropped, {}),
    ],
    "stale-statistics": [
        (seldom_updated, {}), (hardly_begun, {}), (lagging, {"steps": 22}), (replaced, {}),
        (of_population_in_the_meantime, {"data": X}), (never_moved, {"steps": 60}),
        (of_momentum(99), {"steps": 160}),
    ],
    "moving-statistics-gap": [(normal, {"data": X}), (normal, {"data": X[:40]}), (apart, {}), (frozen_and_apart, {"data": X})],
    "tiny-batch": [
        (normal, {}), (normal, {"batch_size": 32}), (normal, {"data": X[:128]}),
        (normal, {"data": X[:136]}), (normal, {"batch_size": 8}),  # 8 are enough
        (few_positions, {"data": np.ones((33, 8, 8, 1), "float32")}),
        (all_frozen, {"batch_size": 1}),
    ],
    "norm-after-output": [(normal, {}), (backbone, {})],
    "time-distributed-norm": [(distributed_dense, {})],
    "wrong-axis": [
        (flat, {}), (permuted, {}), (few_positions, {}), (distributed_dense, {}), (squeezed_and_summed, {}),
        (time_normalised_on_purpose, {}),
    ],
    "frozen-norm": [
        (normal, {}), (all_frozen, {}), (without_weights, {}), (with_a_default, {}), (frozen_by_us(), {}),
        (frozen_by_us("statistics"), {}), (frozen_by_us("everything"), {}), (all_norms_frozen_in_a_file, {}),
        (frozen_and_compiled_again, {}), (frozen_before_any_step, {}),
    ],
    "shared-norm": [(normal, {}), (a_tower_each, {}), (step_by_step, {}), (whole_by_steps, {})],
    "dead-channels": [
        (normal, {}), (beginning_as_nothing, {}), (small_but_alive, {}), (stale_and_wide, {"data": X / 100}),
        (stale_and_wide, {}), (under_epsilon, {}),
    ],
    "variance-underflow": [(normal, {}), (dead, {}), (hardly_begun, {})],
    "regularised-scale": [(normal, {}), (decayed_but_for_the_norm, {})],
    "repeated-norm": [(normal, {}), (with_something_between, {})],
    "saturating-before": [(normalised_before_and_after, {}), (squeezed, {}), (normal, {})],
    "not-finite": [(normal, {})],
    "batch-leakage": [(normal, {"data": X}), (normal, {}), (called_for_inference, {})],
    "wrong-momentum": [
        (normal, {}), (of_keras_momentum, {}), (frozen_with_momentum, {}),
        (of_momentum(0.0), {"data": X, "batch_size": 512}),
    ],
    "unmoved-statistics": [(begun, {}), (begun, {"steps": 100}), (trained_and_moved, {}), (of_momentum(1.0), {})],
}  # fmt: skip
SPARED = [(rule, *case) for rule, cases in INNOCENT.items() for case in cases]


@pytest.mark.parametrize(
    ("rule", "build", "given"),
    SPARED,
    ids=[f"{rule}-{build.__name__}-{'-'.join(given)}" for rule, build, given in SPARED],
)
def test_a_rule_is_silent_where_nothing_is_wrong(rule, build, given):
    assert nw.check(build(), select=[rule], **given) == []


def test_every_rule_has_a_model_that_it_must_not_name():
    assert {rule.name for rule in RULES} == set(INNOCENT)


@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50V2", "EfficientNetB0"])
def test_networks_of_keras_raise_no_alarm(name):
    model = getattr(keras.applications, name)(weights=None, input_shape=(64, 64, 3))
    # ResNet50V2's convolutions do have biases in front of normalisation.
    assert {finding.rule for finding in nw.check(model)} <= {"redundant-bias"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_page_whose_example_it_names(rule):
    page = rule.page
    assert page.startswith(f"# {rule.code} {rule.name} ({rule.severity})\n")
    parts = [line for line in page.splitlines() if line.startswith("## ")]
    assert parts == ["## What", "## Why it is bad", "## Example", "## Fix"]
    code = page.partition("```python\n")[2].partition("```")[0]
    *setting_up, asking = code.strip().splitlines()
    names = {}
    exec("\n".join(setting_up), names)
    found = eval(asking, names)
    assert rule.code in {finding.code for finding in found}
    safe = any(finding.safe for finding in found if finding.code == rule.code)
    assert not safe or "`normwise fix" in page


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_list_of_rules_is_that_of_the_code(rule):
    listed = (Path(__file__).parents[2] / "docs" / "check.md").read_text("utf-8")
    cells = f"](../src/normwise/checks/pages/{rule.name}.md) | `{rule.name}` | {rule.severity} | "
    assert f"| [{rule.code}{cells}{rule.summary}. |" in listed
